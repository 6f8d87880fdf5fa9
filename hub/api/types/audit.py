"""The audit log."""

from typing import Any

import msgspec


class AuditLine(msgspec.Struct):
    """One line. `actor`: a user's id, "system" (the machine's command line, rules), or null where nobody knows;
    `name`: what they are called now, null = they are gone. `before` and `after`: only what differs. `refused`: the
    problem code, null = it was done; `count`: how often within a minute, where it was refused."""

    id: int
    at: int
    actor: str | None
    name: str | None
    origin: str
    via: str
    action: str
    object: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    refused: str | None
    count: int


class AuditList(msgspec.Struct):
    """The newest first."""

    items: list[AuditLine]
    next: str | None = None
