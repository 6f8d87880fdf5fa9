"""What the audit log says of people by their names and addresses: it refers to that, and it goes with its person.

A line is never changed. Where it tells a name, it holds a reference; the name stands in a table of its own, from which
the database deletes it together with the account.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.database.tables import AUDIT_KEPT_MS, audit_people, users

PARTS = ("before", "after")
REFERENCE = "person"


class Personal(msgspec.Struct, frozen=True):
    """A value of a line that is about this user, and is to be forgotten with them."""

    user: str
    value: str


async def put_aside(connection: AsyncConnection, lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines as they are written, with references; what they refer to is stored in the same transaction, of those
    who have not been deleted meanwhile."""
    aside: list[dict[str, Any]] = []
    written = [
        {**line, **{part: _referring(line[part], line["at"], aside) for part in PARTS if line[part]}} for line in lines
    ]
    if aside:
        asked = select(users.c.id).where(users.c.id.in_({row["user"] for row in aside}))
        known = set((await connection.execute(asked)).scalars())
        if rows := [row for row in aside if row["user"] in known]:
            await connection.execute(insert(audit_people), rows)
    return written


async def read_back(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines as they are read; None stands for what was forgotten with its person."""
    parts = [row[part] for row in rows for part in PARTS if row[part]]
    references = [id for part in parts for value in part.values() if (id := _reference(value)) is not None]
    found: dict[str, str] = {}
    if references:
        asked = select(audit_people.c.id, audit_people.c.value).where(audit_people.c.id.in_(references))
        found = {row.id: row.value for row in await connection.execute(asked)}
    return [{**row, **{part: _said(row[part], found) for part in PARTS if row[part]}} for row in rows]


async def drop_old(connection: AsyncConnection, until: int) -> None:
    """What lines before this time (Unix ms) referred to; the database itself lets nothing younger than two years go."""
    newest = select(func.max(audit_people.c.at)).scalar_subquery() - AUDIT_KEPT_MS
    await connection.execute(delete(audit_people).where(audit_people.c.at < until, audit_people.c.at < newest))


def _referring(part: Mapping[str, Any], at: int, aside: list[dict[str, Any]]) -> dict[str, Any]:
    written = {}
    for name, value in part.items():
        written[name] = value
        if isinstance(value, Personal):
            id = secrets.token_hex(8)
            aside.append({"id": id, "user": value.user, "at": at, "value": value.value})
            written[name] = {REFERENCE: id}
    return written


def _reference(value: Any) -> str | None:
    return value[REFERENCE] if isinstance(value, dict) and value.keys() == {REFERENCE} else None


def _said(part: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, Any]:
    return {name: value if (id := _reference(value)) is None else found.get(id) for name, value in part.items()}
