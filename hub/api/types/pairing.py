"""Pairing windows: a plug is waited for that knows the code on its label."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.api.types.common import HardwareId, Request

PairingCode = Annotated[
    str,
    Meta(min_length=1, max_length=200, description="as on the plug's label, or the whole text of its QR code"),
]


class PairingError(msgspec.Struct):
    """`code` is stable, `detail` is a sentence in the reader's language."""

    code: str
    detail: str


class Pairing(msgspec.Struct):
    """One window. `state`: waiting (for the plug), heard (it is there), proved (it knows the code), sealed (it was sent
    its secret), done (it is `device`), failed or expired. `error`: what went wrong last, also while it goes on.
    `replaces`: the device whose place the plug takes. `tries_left`: wrong codes until it fails.
    """

    id: str
    hardware_id: str
    name: str
    state: Literal["waiting", "heard", "proved", "sealed", "done", "failed", "expired"]
    opened: int
    expires: int
    tries_left: int
    error: PairingError | None = None
    device: str | None = None
    replaces: str | None = None


class PairingList(msgspec.Struct):
    """`offered`: false where the home's own MQTT broker keeps the logins; then plugs are added with a secret."""

    items: list[Pairing]
    offered: bool = True
    next: str | None = None


class ReplaceDeviceRequest(Request):
    """The plug that takes the place of a dead one."""

    hardware_id: HardwareId
    pairing_code: PairingCode
