"""Challenges: what an authenticator has to sign, once, for the purpose that it was drawn for, within five minutes."""

import hmac
import secrets
import struct

from hub.clock import Clock
from hub.messages import HubError

LASTS_S = 300.0
MOST_USED = 10_000
NONCE_BYTES = 16
PROOF_BYTES = 32
HEAD = struct.Struct(">d")  # until when, monotonic seconds
SIZE = HEAD.size + NONCE_BYTES + PROOF_BYTES


class Challenges:
    """A challenge carries its own proof, so none is kept before it comes back: strangers who ask for many fill no
    memory, and push nobody else's out. The key is of this run of the hub: with it every challenge ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._used: dict[bytes, float] = {}  # until when it would hold

    def draw(self, purpose: str) -> bytes:
        """64 bits of time and 128 random ones with their proof. purpose: everything that the answer has to be for."""
        head = HEAD.pack(self._clock.monotonic() + LASTS_S) + secrets.token_bytes(NONCE_BYTES)
        return head + self._proof(purpose, head)

    def redeem(self, purpose: str, challenge: bytes) -> None:
        """Use it up. Raises HubError("passkey-late") for one that is too old, of another purpose, used or made up, and
        "too-many-attempts" when too many were used of late."""
        head, proof = challenge[:-PROOF_BYTES], challenge[-PROOF_BYTES:]
        if len(challenge) != SIZE or not hmac.compare_digest(proof, self._proof(purpose, head)):
            raise HubError("passkey-late")
        now, until = self._clock.monotonic(), HEAD.unpack_from(head)[0]
        if now >= until or challenge in self._used:
            raise HubError("passkey-late")
        if len(self._used) >= MOST_USED:
            self._used = {used: end for used, end in self._used.items() if end > now}
            if len(self._used) >= MOST_USED:
                raise HubError("too-many-attempts", seconds=60)
        self._used[challenge] = until

    def _proof(self, purpose: str, head: bytes) -> bytes:
        return hmac.digest(self._key, head + purpose.encode(), "sha256")
