"""The second factor: codes of an authenticator app (TOTP, RFC 6238), each of which serves once, and recovery codes."""

import base64
import hmac
import secrets
from typing import Annotated
from urllib.parse import quote

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from msgspec import Meta
from sqlalchemy import delete, insert, update

from hub.auth.audit import Audit
from hub.auth.keys import digest
from hub.auth.principal import Principal
from hub.auth.signing import Signer
from hub.clock import Clock
from hub.database import Database
from hub.database.rows import Blob, Id, Sha256, read
from hub.database.tables import recovery_codes, users
from hub.messages import HubError

SECRET_BYTES = 20
STEP_S = 30
DIGITS = 6
SKEW = 1  # steps before and after: a phone's clock may be half a minute off
RECOVERY_CODES = 10
RECOVERY_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
RECOVERY_LENGTH = 10  # 49 bits
PENDING_S = 600.0
NONCE_BYTES = 12


class Enrolment(msgspec.Struct, frozen=True):
    """What an authenticator app needs: the secret in base32, and all of it as an otpauth link for a QR code."""

    secret: str
    link: str


class Factor(msgspec.Struct):
    """What stands of it with the person."""

    id: Id
    totp: Blob | None
    totp_step: Annotated[int, Meta(ge=0)] | None


class RecoveryCode(msgspec.Struct):
    """A row of the table `recovery_codes`."""

    user: Id
    hash: Sha256


class SecondFactors:
    """The secrets are sealed in the database with a key that lies beside it: a copy of the database alone is no help.
    Recovery codes are kept as SHA-256 (49 random bits are not guessed through a login that makes one wait)."""

    def __init__(self, database: Database, signer: Signer, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._signer = signer
        self._clock = clock
        self._audit = audit
        self._secrets: dict[str, bytes] = {}
        self._steps: dict[str, int] = {}
        self._recovery: dict[str, set[bytes]] = {}
        self._pending: dict[str, tuple[bytes, float]] = {}  # user -> secret, until when (monotonic)

    async def load(self) -> None:
        """Read them."""
        async with self._database.transaction() as connection:
            # A factor that cannot be read is still asked for: no code of it is right.
            stand_ins = {"totp": b"?", "totp_step": self._clock.now() // 1000 // STEP_S}
            for factor in await read(self._database, connection, users, Factor, stand_ins=stand_ins):
                user, sealed = factor.value.id, factor.value.totp
                if sealed is not None:
                    self._secrets[user] = self._open(user, sealed)
                    self._steps[user] = factor.value.totp_step or 0
            for code in await read(self._database, connection, recovery_codes, RecoveryCode):
                self._recovery.setdefault(code.value.user, set()).add(code.value.hash)

    def enabled(self, user: str) -> bool:
        """Does this person need a code?"""
        return user in self._secrets

    def codes_left(self, user: str) -> int:
        """How many recovery codes are unused."""
        return len(self._recovery.get(user, ()))

    def begin(self, user: str, email: str, issuer: str) -> Enrolment:
        """A new secret, which holds once `confirm` was shown a code of it within ten minutes."""
        secret = secrets.token_bytes(SECRET_BYTES)
        self._pending[user] = (secret, self._clock.monotonic() + PENDING_S)
        text = base64.b32encode(secret).decode()
        link = f"otpauth://totp/{quote(f'{issuer}:{email}')}?secret={text}&issuer={quote(issuer)}"
        return Enrolment(text, link)

    async def confirm(self, principal: Principal, code: str) -> list[str]:
        """Switch it on; the recovery codes, which are shown once. Raises HubError("code-wrong", "enrolment-over")."""
        user = principal.user
        pending = self._pending.get(user, (b"", 0.0))
        secret, until = pending
        if not secret or self._clock.monotonic() > until:
            raise HubError("enrolment-over")
        step = self._matching(secret, code, after=0)
        if step is None:
            raise HubError("code-wrong", field="code")
        sealed = self._seal(user, secret)
        codes, hashes = new_recovery_codes()
        del self._pending[user]  # before the disk is waited for: two at once would each be shown codes
        try:
            async with self._database.transaction() as connection:
                await connection.execute(update(users).where(users.c.id == user).values(totp=sealed, totp_step=step))
                await connection.execute(delete(recovery_codes).where(recovery_codes.c.user == user))
                await connection.execute(insert(recovery_codes), [{"user": user, "hash": h} for h in hashes])
        except BaseException:
            self._pending.setdefault(user, pending)
            raise
        self._secrets[user], self._steps[user], self._recovery[user] = secret, step, set(hashes)
        await self._audit.record(principal, "second-factor.add", user)
        return codes

    async def renew_codes(self, principal: Principal) -> list[str]:
        """Other recovery codes in place of the present ones. Raises HubError("second-factor-off")."""
        user = principal.user
        if user not in self._secrets:
            raise HubError("second-factor-off")
        codes, hashes = new_recovery_codes()
        async with self._database.transaction() as connection:
            await connection.execute(delete(recovery_codes).where(recovery_codes.c.user == user))
            await connection.execute(insert(recovery_codes), [{"user": user, "hash": h} for h in hashes])
        self._recovery[user] = set(hashes)
        await self._audit.record(principal, "second-factor.codes", user)
        return codes

    async def remove(self, principal: Principal, user: str) -> None:
        """Switch it off; the caller has checked that the asker may."""
        async with self._database.transaction() as connection:
            await connection.execute(update(users).where(users.c.id == user).values(totp=None, totp_step=None))
            await connection.execute(delete(recovery_codes).where(recovery_codes.c.user == user))
        self.forget(user)
        await self._audit.record(principal, "second-factor.remove", user)

    def forget(self, user: str) -> None:
        """Of somebody who is deleted; the database has dropped it already."""
        self._secrets.pop(user, None)
        self._steps.pop(user, None)
        self._recovery.pop(user, None)
        self._pending.pop(user, None)

    async def use(self, user: str, code: str) -> bool:
        """Is this the code of this moment, or a recovery code? Used up by it."""
        plain = "".join(c for c in code.casefold() if c.isalnum())
        secret = self._secrets.get(user)
        if secret is None:
            return False
        step = self._matching(secret, plain, after=self._steps[user])
        if step is not None:
            self._steps[user] = step  # before the disk is waited for: two at once are one too many
            async with self._database.transaction() as connection:
                await connection.execute(update(users).where(users.c.id == user).values(totp_step=step))
            return True
        hashed = digest(plain)
        if hashed not in self._recovery.get(user, ()):
            return False
        self._recovery[user].discard(hashed)
        async with self._database.transaction() as connection:
            where = (recovery_codes.c.user == user) & (recovery_codes.c.hash == hashed)
            await connection.execute(delete(recovery_codes).where(where))
        return True

    def _matching(self, secret: bytes, code: str, *, after: int) -> int | None:
        """The step whose code this is, if it is newer than the last one used."""
        if len(code) != DIGITS or not code.isascii() or not code.isdigit():
            return None
        totp = TOTP(secret, DIGITS, SHA1(), STEP_S)  # noqa: S303 - RFC 6238; the only one that every app can
        now = self._clock.now() // 1000 // STEP_S
        for step in range(now - SKEW, now + SKEW + 1):
            if hmac.compare_digest(totp.generate(step * STEP_S), code.encode()) and step > after:
                return step
        return None

    def _seal(self, user: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._signer.derive(b"totp", b"")).encrypt(nonce, secret, user.encode())

    def _open(self, user: str, sealed: bytes) -> bytes:
        try:
            key = AESGCM(self._signer.derive(b"totp", b""))
            return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], user.encode())
        except (InvalidTag, ValueError):
            # It is no such thing, or another token.key lies beside the database: no code is right any more, the
            # recovery codes still are.
            return secrets.token_bytes(SECRET_BYTES)


def new_recovery_codes() -> tuple[list[str], list[bytes]]:
    """As people see them, and as they are kept."""
    plain = ["".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    return [f"{code[:5]}-{code[5:]}" for code in plain], [digest(code) for code in plain]
