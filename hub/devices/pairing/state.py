"""What people see of a pairing window: never its code or secret."""

from typing import Literal, cast

import msgspec

from hub.auth.principal import Principal
from hub.devices.pairing.windows import MOST_WRONG, Window
from hub.messages import Message

State = Literal["waiting", "heard", "proved", "sealed", "done", "failed", "expired"]


class PairingState(msgspec.Struct, frozen=True):
    """One window as people see it.

    state: waiting (for the plug), heard (it is there), proved (it knows the code), sealed (it was sent its secret),
    done (it logged in with it and is `device`), failed, expired. error: what went wrong last.
    replaces: the device whose place the plug takes. opened, expires: Unix ms. tries_left: wrong proofs until it fails.
    """

    id: str
    user: str
    hardware_id: str
    name: str
    room: str | None
    icon: str
    replaces: str | None
    state: State
    error: Message | None
    device: str | None
    opened: int
    expires: int
    tries_left: int


States = list[PairingState]


def may_see(principal: Principal, window: Window) -> bool:
    """One's own, and for an admin every one of the home."""
    mine = window.principal.user == principal.user or principal.is_admin
    return mine and window.principal.home == principal.home


def view(window: Window) -> PairingState:
    """Without code and secret."""
    return PairingState(
        id=window.id,
        user=window.principal.user,
        hardware_id=window.hardware_id,
        name=window.name,
        room=window.room,
        icon=window.icon,
        replaces=window.replace,
        state=cast(State, window.state),
        error=window.error,
        device=window.device,
        opened=window.opened,
        expires=window.expires,
        tries_left=MOST_WRONG - window.wrong,
    )
