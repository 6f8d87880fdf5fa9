"""The four messages of pairing: codes, proofs and the sealed secret. Pure functions; docs/pairing.md holds vectors."""

import base64
import hashlib
import hmac
import secrets
from typing import Annotated, TypeVar

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.messages import HubError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", " ": None, "-": None})
CODE_LENGTH = 16  # 80 random bits
LONGEST_CODE = 32
GROUP = 4
QR_HEAD = ("PLUGHUB", "1")

HUB, PLUG = "plughub-pair-1 hub", "plughub-pair-1 plug"
SEAL = "plughub-pair-1 seal"
NONCE_BYTES = 16
KEY_BYTES = 32
LONGEST_PAYLOAD = 4096
MOST_CHANNELS = 16

Nonce = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


M = TypeVar("M", bound=msgspec.Struct)


class Label(msgspec.Struct, frozen=True):
    """What a plug's label says; the hardware_id only where its QR code was read."""

    code: str
    hardware_id: str | None = None


class Hello(msgspec.Struct, frozen=True):
    """Message 1, plug to hub. `channels` is the number of its outlets."""

    nonce_p: Nonce
    model: Annotated[str, msgspec.Meta(max_length=64)] = ""
    firmware: Annotated[str, msgspec.Meta(max_length=40)] = ""
    channels: Annotated[int, msgspec.Meta(ge=1, le=MOST_CHANNELS)] = 1


class Challenge(msgspec.Struct, frozen=True):
    """Message 2, hub to plug."""

    nonce_h: str
    ca_sha256: str
    proof_h: str


class Proof(msgspec.Struct, frozen=True):
    """Message 3, plug to hub: its proof, or `error` "proof" when that of the hub was wrong."""

    nonce_h: Nonce
    proof_p: Digest | None = None
    error: str | None = None


class Sealed(msgspec.Struct, frozen=True):
    """Message 4, hub to plug, both base64. `ca`: certificate (DER) of the CA for plugs, None where there is none."""

    sealed: str
    ca: str | None


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed: the plug's MQTT secret, the hub's id, and the port of MQTT over TLS if it is to use that."""

    secret: str
    hub: str
    tls_port: int | None = None


class Exchange(msgspec.Struct, frozen=True):
    """What both proofs cover."""

    code: str
    hardware_id: str
    nonce_p: bytes
    nonce_h: bytes
    ca_sha256: bytes


def new_code() -> str:
    """The code of a new label."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def shown_code(code: str) -> str:
    """A code as it stands on a label: XXXX-XXXX-XXXX-XXXX."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def read_label(text: str) -> Label:
    """A code as typed, or the text of the QR code: PLUGHUB:1:<hardware_id>:<code>.

    Raises HubError("pairing-code-invalid").
    """
    hardware_id: str | None = None
    parts = text.strip().split(":")
    if tuple(parts[:2]) == QR_HEAD and len(parts) == 4:
        hardware_id, text = parts[2], parts[3]
    code = text.strip().upper().translate(MISREAD)
    if not CODE_LENGTH <= len(code) <= LONGEST_CODE or not set(code) <= set(ALPHABET):
        raise HubError("pairing-code-invalid", field="pairing_code")
    return Label(code, hardware_id)


def read(payload: bytes) -> Hello | Proof | None:
    """A message on `pair`; None for whatever is none."""
    if len(payload) > LONGEST_PAYLOAD:
        return None
    return _decoded(payload, Hello) or _decoded(payload, Proof)


def framed(*fields: str | bytes) -> bytes:
    """Each field behind its length in two bytes, so that no two lists of fields give the same bytes."""
    raw = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(len(field).to_bytes(2, "big") + field for field in raw)


def proof(exchange: Exchange, role: str) -> bytes:
    """Only who knows the code can make it; `role` is HUB or PLUG."""
    said = framed(role, exchange.hardware_id, exchange.nonce_p, exchange.nonce_h, exchange.ca_sha256)
    return hmac.digest(exchange.code.encode(), said, "sha256")


def challenge(exchange: Exchange) -> bytes:
    """Message 2."""
    shown = Challenge(exchange.nonce_h.hex(), exchange.ca_sha256.hex(), proof(exchange, HUB).hex())
    return msgspec.json.encode(shown)


def proves(exchange: Exchange, message: Proof) -> bool:
    """Does the plug know the code?"""
    given = bytes.fromhex(message.proof_p) if message.proof_p is not None else bytes(KEY_BYTES)
    return hmac.compare_digest(given, proof(exchange, PLUG)) and message.proof_p is not None


def sealed(exchange: Exchange, grant: Grant, ca: bytes | None) -> bytes:
    """Message 4. Once for each exchange: its key stream must not be used for two texts."""
    encryption, authentication = seal_keys(exchange)
    encryptor = Cipher(algorithms.AES256(encryption), modes.CTR(bytes(16))).encryptor()
    hidden = encryptor.update(msgspec.json.encode(grant)) + encryptor.finalize()
    box = hidden + hmac.digest(authentication, hidden, "sha256")
    return msgspec.json.encode(Sealed(_base64(box), None if ca is None else _base64(ca)))


def seal_keys(exchange: Exchange) -> tuple[bytes, bytes]:
    """(for AES-256-CTR, for HMAC-SHA-256)."""
    salt = exchange.nonce_p + exchange.nonce_h
    info = framed(SEAL, exchange.hardware_id, exchange.ca_sha256)
    keys = HKDF(SHA256(), 2 * KEY_BYTES, salt, info).derive(exchange.code.encode())
    return keys[:KEY_BYTES], keys[KEY_BYTES:]


def ca_digest(ca: bytes | None) -> bytes:
    """SHA-256 of the CA's certificate in DER; of nothing where there is none."""
    return hashlib.sha256(ca or b"").digest()


def _decoded(payload: bytes, kind: type[M]) -> M | None:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
