"""The hub's own keys: one that signs access tokens, and what is derived from it for other secrets of the hub."""

import hmac
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hub.auth.secret_file import write_secret
from hub.messages import HubError

AUDIENCE = "plughub"
KEY_FILE = "token.key"
RSA_FILE = "token-rsa.pem"
KEY_BYTES = 32
MOST_CHECKED = 256  # tokens whose claims are held
Algorithm = Literal["HS256", "RS256"]


class Signer:
    """HS256 with 256 random bits in the data folder; with RS256 an RSA key beside it, whose public half other programs
    may check tokens with. Only the algorithm that is set is ever accepted."""

    def __init__(self, data_dir: Path, algorithm: Algorithm = "HS256") -> None:
        self._dir = data_dir
        self.algorithm = algorithm
        self._root = b""
        self._sign: Any = None
        self._check: Any = None
        self._checked = lru_cache(MOST_CHECKED)(self._read)

    def load(self) -> None:
        """Read the keys, or make them at the first start. Raises HubError("hub-key-wrong", "token-key-wrong")."""
        path = self._dir / KEY_FILE
        if not path.exists():
            write_secret(path, secrets.token_hex(KEY_BYTES))
        self._root = _read_root(path)
        self._checked.cache_clear()
        self._sign = self._check = self._root
        if self.algorithm == "RS256":
            self._sign = self._load_rsa()
            self._check = self._sign.public_key()

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT of these claims."""
        return jwt.encode(claims, self._sign, self.algorithm)

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token that this hub signed; the caller judges its times by the hub's clock. Whoever asks
        often shows the same token: its signature is checked once.

        Raises HubError("token-wrong").
        """
        return self._checked(token).copy()

    def _read(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._check,
                algorithms=[self.algorithm],
                audience=AUDIENCE,
                options={"require": ["exp", "iat", "sub", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise HubError("token-wrong") from error
        return claims

    def derive(self, purpose: bytes, data: bytes) -> bytes:
        """32 bytes that only this hub can make of the data; those of one purpose say nothing of another's."""
        return hmac.digest(self._root, purpose + b"\0" + data, "sha256")

    def public_key(self) -> str | None:
        """PEM with which others check RS256 tokens; None with HS256."""
        if self.algorithm != "RS256":
            return None
        pem: bytes = self._check.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem.decode()

    def _load_rsa(self) -> rsa.RSAPrivateKey:
        path = self._dir / RSA_FILE
        if not path.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_secret(path, pem.decode())
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # no key, a locked one, one of another kind
            raise HubError("token-key-wrong", file=str(path)) from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise HubError("token-key-wrong", file=str(path))
        return key


def _read_root(path: Path) -> bytes:
    try:
        root = bytes.fromhex(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HubError("hub-key-wrong", file=str(path)) from error
    if len(root) != KEY_BYTES:  # whoever knows that a file is empty could sign anything
        raise HubError("hub-key-wrong", file=str(path))
    return root
