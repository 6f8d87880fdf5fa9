"""The signed document that says which version is the newest: how it is made, and how it is read.

{"notice": "the notice as JSON, in one string", "signatures": ["Ed25519 over PURPOSE and the string, as base64", …]}

What is signed is the string as it stands: nothing has to be written the same way twice.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.messages import HubError, Message, invalid
from hub.versions import RELEASE

PRODUCT = "smartplug-hub"
PURPOSE = b"plughub release notice 1\n"
"""What is signed for this serves nothing else, and the other way round."""
MOST_SIGNATURES = 8
LONGEST = 16_384  # bytes of the whole document

Version = Annotated[str, msgspec.Meta(pattern=RELEASE)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
WebAddress = Annotated[str, msgspec.Meta(pattern=r"^https://[!-~]+$", max_length=500)]


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """version: the newest. secure_from: the oldest version without a security fault that is known; None = all are.
    notes: the web address of what is new and how to update. expires: after it, somebody may be hiding a newer one."""

    version: Version
    notes: WebAddress
    issued: Moment
    expires: Moment
    secure_from: Version | None = None
    product: str = PRODUCT


class Sealed(msgspec.Struct):
    """The document."""

    notice: str
    signatures: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST_SIGNATURES)]


def sealed(notice: Notice, keys: Sequence[Ed25519PrivateKey]) -> bytes:
    """The document, signed with each key: while keys change, with the old and the new one."""
    fields = {name: value for name, value in msgspec.structs.asdict(notice).items() if value is not None}
    text = msgspec.json.encode(fields).decode()
    signatures = [base64.b64encode(key.sign(PURPOSE + text.encode())).decode() for key in keys]
    return msgspec.json.format(msgspec.json.encode(Sealed(text, signatures)), indent=2) + b"\n"


def opened(document: bytes, keys: Sequence[str]) -> Notice:
    """The notice that one of these public keys (base64 of 32 bytes) has signed; its dates are not compared with now.

    Raises HubError: updates-unreadable, updates-signature-wrong, updates-other-product."""
    try:
        outer = msgspec.json.decode(document, type=Sealed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HubError("updates-unreadable", detail=_why(error)) from error
    signed = PURPOSE + outer.notice.encode("utf-8", "surrogatepass")
    if not any(_is_signed(signed, signature, key) for signature in outer.signatures for key in keys):
        raise HubError("updates-signature-wrong")
    try:
        notice = msgspec.json.decode(outer.notice, type=Notice)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise HubError("updates-unreadable", detail=_why(error)) from error
    if notice.product != PRODUCT:
        raise HubError("updates-other-product", product=notice.product)
    return notice


def milliseconds(moment: datetime) -> int:
    """Unix ms."""
    return round(moment.astimezone(UTC).timestamp() * 1000)


def _why(error: Exception) -> Message | str:
    return invalid(error).message if isinstance(error, msgspec.ValidationError) else f"{error}."


def _is_signed(signed: bytes, signature: str, key: str) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
