"""An authenticator and its browser in software: P-256, real CBOR, and whatever somebody may try to make of them."""

import hashlib
import secrets
from typing import Any

import cbor2
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from hub.auth.passkeys import Assertion, Attestation, to_base64url

PRESENT, VERIFIED, NEW = 0x01, 0x04, 0x40
ORIGIN, NAME = "https://plughub.local:8443", "plughub.local"


class Authenticator:
    """One key, made for one name. counts: whether it counts its signatures, as security keys do and phones do not."""

    def __init__(self, user: str, *, name: str = NAME, counts: bool = True) -> None:
        self.user = user.encode()
        self.name = name
        self.counts = counts
        self.signed = 0
        self.credential = secrets.token_bytes(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, challenge: bytes, origin: str = ORIGIN, *, flags: int = PRESENT | VERIFIED | NEW) -> Attestation:
        """What navigator.credentials.create() gives."""
        held = self.data(flags) + bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + self.cose()
        said = client_data("webauthn.create", challenge, origin)
        return Attestation(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": held}), said)

    def get(self, challenge: bytes, origin: str = ORIGIN, *, flags: int = PRESENT | VERIFIED, **said: Any) -> Assertion:
        """What navigator.credentials.get() gives. said: further fields of what the browser says of the page."""
        self.signed += 1
        data, seen = self.data(flags), client_data("webauthn.get", challenge, origin, **said)
        signature = self._key.sign(data + hashlib.sha256(seen).digest(), ec.ECDSA(hashes.SHA256()))
        return Assertion(self.credential, seen, data, signature, self.user)

    def data(self, flags: int) -> bytes:
        """Hash of the name, flags, counter."""
        count = self.signed if self.counts else 0
        return hashlib.sha256(self.name.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def cose(self) -> bytes:
        """The public key: EC2, ES256, P-256, x, y."""
        numbers = self._key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})


def client_data(kind: str, challenge: bytes, origin: str, **said: Any) -> bytes:
    """What the browser says of the page, as the authenticator signs it."""
    return msgspec.json.encode({"type": kind, "challenge": to_base64url(challenge), "origin": origin, **said})
