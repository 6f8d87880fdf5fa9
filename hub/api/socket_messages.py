"""What a client of the WebSocket may say, and what it is told of rules and rooms."""

from typing import Annotated

import msgspec

MESSAGE_LIMIT = 16 * 1024
ROOMS_LIMIT = 200

Rooms = Annotated[list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(max_length=ROOMS_LIMIT)]


class Auth(msgspec.Struct, tag="auth", forbid_unknown_fields=True):
    """First message, and again to renew. resume, seq: to go on where a broken connection ended, with the id that its
    `ready` gave and the number of the last frame that came."""

    token: str
    resume: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    seq: Annotated[int, msgspec.Meta(ge=0)] = 0


class Subscribe(msgspec.Struct, tag="subscribe", forbid_unknown_fields=True):
    """Follow these rooms besides."""

    rooms: Rooms


class Unsubscribe(msgspec.Struct, tag="unsubscribe", forbid_unknown_fields=True):
    """Follow these rooms no longer."""

    rooms: Rooms


class Ping(msgspec.Struct, tag="ping", forbid_unknown_fields=True):
    """Answered by pong."""


ClientMessage = Auth | Subscribe | Unsubscribe | Ping


class ScheduleNews(msgspec.Struct):
    """Frame `schedules`: one of this device was added, changed or removed, or ran. How they are for the reader (their
    own rights and language) GET /schedules says."""

    device: str


class AlertNews(msgspec.Struct):
    """Frame `alerts`: `state` is firing or resolved where it fired or ended, null where it was added, changed or
    removed. GET /alerts says the rest."""

    device: str
    alert: str
    state: str | None


class RoomNews(msgspec.Struct):
    """Frame `rooms`: GET /rooms answers otherwise than before."""

    home: str
