"""Keys of archives: from a passphrase by scrypt, or, without one, from a secret that stands in the archive itself."""

import hashlib
import hmac
import secrets
import unicodedata

import msgspec

from hub.messages import HubError

COST, BLOCK, LANES = 1 << 15, 8, 1  # 32 MB and about 0.4 s on a Raspberry Pi 4, once for a chain of archives
MOST_COST = 1 << 20  # beyond it a damaged or hostile head would take a gigabyte
SHORTEST = 8


class Lock(msgspec.Struct, frozen=True):
    """How the key of an archive is found. secret: there is no passphrase, and whoever has the archive can read it.

    check: tells a wrong passphrase from a damaged archive.
    """

    check: bytes
    salt: bytes = b""
    cost: int = 0
    secret: bytes = b""

    @property
    def encrypted(self) -> bool:
        """Does it need a passphrase?"""
        return not self.secret


class Keys:
    """Finds and makes keys; what scrypt gave is kept, because all archives of a chain share one salt."""

    def __init__(self, passphrase: str | None) -> None:
        self._passphrase = None if not passphrase else unicodedata.normalize("NFC", passphrase).encode()
        self._known: dict[tuple[bytes, int], bytes] = {}

    @property
    def encrypting(self) -> bool:
        """Is there a passphrase?"""
        return self._passphrase is not None

    def new_lock(self) -> Lock:
        """Of a chain that begins."""
        if self._passphrase is None:
            secret = secrets.token_bytes(32)
            return Lock(_check(secret), secret=secret)
        salt = secrets.token_bytes(16)
        return Lock(_check(self._derived(salt, COST)), salt, COST)

    def fits(self, lock: Lock) -> bool:
        """Would a new archive be locked in this way, with this passphrase?"""
        if lock.encrypted != self.encrypting:
            return False
        try:
            self._master(lock)
        except HubError:
            return False
        return True

    def archive_key(self, lock: Lock, archive: str) -> bytes:
        """256 bits for the archive with this id. Raises HubError("backup-passphrase-missing",
        "backup-passphrase-wrong")."""
        return _expand(self._master(lock), b"archive " + archive.encode())

    def _master(self, lock: Lock) -> bytes:
        if lock.encrypted and self._passphrase is None:
            raise HubError("backup-passphrase-missing")
        master = lock.secret or self._derived(lock.salt, lock.cost)
        if not hmac.compare_digest(_check(master), lock.check):
            raise HubError("backup-passphrase-wrong")
        return master

    def _derived(self, salt: bytes, cost: int) -> bytes:
        found = self._known.get((salt, cost))
        if found is None:
            passphrase = self._passphrase or b""
            memory = 128 * BLOCK * cost + (1 << 20)
            found = hashlib.scrypt(passphrase, salt=salt, n=cost, r=BLOCK, p=LANES, maxmem=memory, dklen=32)
            self._known[salt, cost] = found
        return found


def is_sane(lock: Lock) -> bool:
    """Can its numbers be what a hub wrote?"""
    if not lock.encrypted:
        return len(lock.secret) == 32
    return len(lock.salt) == 16 and 1 << 10 <= lock.cost <= MOST_COST and lock.cost & (lock.cost - 1) == 0


def _check(master: bytes) -> bytes:
    return _expand(master, b"check")[:16]


def _expand(master: bytes, purpose: bytes) -> bytes:
    """HKDF-Expand of one block (RFC 5869); the master is uniformly random already."""
    return hmac.digest(master, purpose + b"\x01", "sha256")
