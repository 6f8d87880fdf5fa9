"""Schedule: what is switched when, and how its last run went."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hub.database.rows import Id, Ms, Text
from hub.messages import Message

LAST_CHANNEL = 15


class Schedule(msgspec.Struct):
    """Read it freely; only Schedules changes it.

    days: 0 = Monday ... 6 = Sunday, sorted; time: HH:MM in the home's zone; command: relay_on or relay_off; author:
    whose rights it has, None = the hub's own; created: Unix ms.
    """

    id: Id
    home: Id
    device: Id
    channel: Annotated[int, Meta(ge=0, le=LAST_CHANNEL)]
    name: Text
    days: Annotated[list[Annotated[int, Meta(ge=0, le=6)]], Meta(min_length=1, max_length=7)]
    time: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
    command: Annotated[str, Meta(pattern=r"^relay_(on|off)\Z")]
    enabled: bool
    author: Id | None
    created: Ms


class Run(msgspec.Struct, frozen=True):
    """at: Unix ms when it was due. outcome: confirmed, refused, unconfirmed (as the plug answered), failed (nothing was
    sent), missed (the hub could not run it in time) or right-lost. reason: why nothing was sent."""

    at: int
    outcome: str
    reason: Message | None = None


def shown(schedule: Schedule) -> dict[str, Any]:
    """What the audit log holds of it."""
    fields = msgspec.structs.asdict(schedule)
    return {name: value for name, value in fields.items() if name not in ("id", "home", "created")}
