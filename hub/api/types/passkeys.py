"""Passkeys. Bytes are base64url without padding, as browsers write them; the names are those of WebAuthn."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub.api.types.common import Name, Request

Bytes = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=8192)]
CredentialId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=1364)]
AttestationObject = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=65536)]
UserHandle = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=88)]


class Passkey(msgspec.Struct):
    """`rp_id`: the name of the hub that it belongs to; `used` null = not yet."""

    id: str
    name: str
    rp_id: str
    created: int
    used: int | None


class PasskeyList(msgspec.Struct):
    """`rp_id`: what one that is made here would belong to; null: none can be made at this address, `why` says why."""

    items: list[Passkey]
    rp_id: str | None
    why: str | None
    next: str | None = None


class PasskeyOptions(msgspec.Struct):
    """For navigator.credentials.create(): who it is for, and (`exclude`) which credentials there are already. To be
    asked with `residentKey` and `userVerification` "required", without attestation. `timeout` in ms."""

    challenge: str
    rp_id: str
    rp_name: str
    user_id: str
    user_name: str
    user_display_name: str
    algorithms: list[int]
    exclude: list[str]
    timeout: int


class AddPasskeyRequest(Request):
    """What navigator.credentials.create() gave: `attestation_object` and `client_data_json` of its response."""

    name: Name
    attestation_object: AttestationObject
    client_data_json: Bytes


class RenamePasskeyRequest(Request):
    name: Name


class PasskeyLoginOptions(msgspec.Struct):
    """For navigator.credentials.get(), with `userVerification` "required" and no list of credentials: the browser
    offers those that it has. `timeout` in ms."""

    challenge: str
    rp_id: str
    timeout: int


class PasskeyLoginRequest(Request):
    """What navigator.credentials.get() gave: its id, and the parts of its response."""

    id: CredentialId
    client_data_json: Bytes
    authenticator_data: Bytes
    signature: Bytes
    user_handle: UserHandle
