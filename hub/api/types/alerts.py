"""Alerts."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.api.paging import MOST, Cursor, Limit
from hub.api.types.common import Channel, Name, Request

Kind = Literal["power_above", "power_below", "offline"]
State = Literal["ok", "pending", "firing", "resolved"]
Threshold = Annotated[float, Meta(ge=-25_000, le=25_000, description="W")]
Hold = Annotated[int, Meta(ge=0, le=86_400, description="seconds for which it must be so")]


class Alert(msgspec.Struct):
    """`since`: since when it is in its `state`, null while all is well; `detail`: what is wrong while it fires, in the
    reader's language; `author`: whose rights it has, null = the hub's own; `may_change`: may you?"""

    id: str
    device: str
    channel: int
    name: str
    kind: Kind
    threshold: float | None
    hold_s: int
    enabled: bool
    author: str | None
    may_change: bool
    state: State
    since: int | None = None
    detail: str | None = None


class AlertList(msgspec.Struct):
    items: list[Alert]
    next: str | None = None


class AlertQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`device`: only of this one; `state`: only those that stand so."""

    device: Annotated[str, Meta(max_length=64)] | None = None
    state: State | None = None
    limit: Limit = MOST
    cursor: Cursor | None = None


class EndedAlert(msgspec.Struct):
    """An alert that fired from `began` to `ended`, as it read then; it may be gone since. `detail`: that it is over."""

    alert: str
    device: str
    channel: int
    name: str
    kind: Kind
    threshold: float | None
    began: int
    ended: int
    detail: str


class EndedAlertList(msgspec.Struct):
    items: list[EndedAlert]
    next: str | None = None


class AddAlertRequest(Request):
    """`threshold`: for the kinds of power; a plug that is away has none."""

    device: str
    name: Name
    kind: Kind
    threshold: Threshold | None = None
    hold_s: Hold = 0
    channel: Channel = 0
    enabled: bool = True


class ChangeAlertRequest(Request):
    """Only the fields sent change. Another threshold, time or switch begins anew."""

    name: Name | UnsetType = UNSET
    threshold: Threshold | UnsetType = UNSET
    hold_s: Hold | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class NotifierView(msgspec.Struct):
    """A plugin that delivers messages, and how that went since the hub's start. `delivered`: when the last message
    arrived; `failed`: when an attempt last did not succeed, and `detail` why."""

    name: str
    delivered: int | None
    failed: int | None
    detail: str | None


class NotifierList(msgspec.Struct):
    items: list[NotifierView]
    next: str | None = None
