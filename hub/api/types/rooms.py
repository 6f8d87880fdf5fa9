"""Rooms."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.api.types.common import Name, Request


class Room(msgspec.Struct):
    """`position`: its place among the others, from 0; `devices`: those in it that you may see."""

    id: str
    name: str
    position: int
    devices: list[str]


class RoomList(msgspec.Struct):
    items: list[Room]
    next: str | None = None


class AddRoomRequest(Request):
    name: Name


class ChangeRoomRequest(Request):
    """Only the fields sent change. `position`: where it comes to stand; the others make room."""

    name: Name | UnsetType = UNSET
    position: Annotated[int, Meta(ge=0, le=1000)] | UnsetType = UNSET
