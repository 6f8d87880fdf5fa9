"""Schedule: what is switched when, and how its last run went."""

from typing import Any

import msgspec

from hub.messages import Message


class Schedule(msgspec.Struct):
    """Read it freely; only Schedules changes it.

    days: 0 = Monday ... 6 = Sunday, sorted; time: HH:MM in the home's zone; command: relay_on or relay_off; author:
    whose rights it has, None = the hub's own; created: Unix ms.
    """

    id: str
    home: str
    device: str
    channel: int
    name: str
    days: list[int]
    time: str
    command: str
    enabled: bool
    author: str | None
    created: int


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
