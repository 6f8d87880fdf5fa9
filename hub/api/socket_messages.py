"""What a client of the WebSocket may say."""

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
