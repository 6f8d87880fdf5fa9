"""Schedules."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.api.paging import MOST, Cursor, Limit
from hub.api.types.common import Channel, Name, Request

Days = Annotated[
    list[Annotated[int, Meta(ge=0, le=6)]],
    Meta(min_length=1, max_length=7, description="0 = Monday ... 6 = Sunday"),
]
Time = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM in the home's zone", examples=["06:30"])
]
ScheduleCommand = Literal["relay_on", "relay_off"]
Outcome = Literal["confirmed", "refused", "unconfirmed", "failed", "missed", "right-lost"]


class ScheduleRun(msgspec.Struct):
    """`at`: when it was due; `detail`: why it did not work, in the reader's language."""

    at: int
    outcome: Outcome
    detail: str | None = None


class Schedule(msgspec.Struct):
    """`author`: whose rights it has, null = the hub's own; `next`: when it is due next, null while it is off or the hub
    does not know the time; `last`: its last run since the hub's start; `may_change`: may you?"""

    id: str
    device: str
    channel: int
    name: str
    days: list[int]
    time: str
    command: ScheduleCommand
    enabled: bool
    author: str | None
    may_change: bool
    next: int | None = None
    last: ScheduleRun | None = None


class ScheduleList(msgspec.Struct):
    items: list[Schedule]
    next: str | None = None


class ScheduleQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`device`: only of this one."""

    device: Annotated[str, Meta(max_length=64)] | None = None
    limit: Limit = MOST
    cursor: Cursor | None = None


class AddScheduleRequest(Request):
    device: str
    name: Name
    days: Days
    time: Time
    command: ScheduleCommand
    channel: Channel = 0
    enabled: bool = True


class ChangeScheduleRequest(Request):
    """Only the fields sent change."""

    name: Name | UnsetType = UNSET
    days: Days | UnsetType = UNSET
    time: Time | UnsetType = UNSET
    command: ScheduleCommand | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
