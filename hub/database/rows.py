"""Rows as they are read at a start: each value is checked, and nonsense ends no start.

A registry may hold values that no hub writes: of an earlier version's fault, of a backup, of somebody's own hand. A row
with one is used with something that stands in for it, or left out where nothing can; it stays in the file as it is.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    literal_column,
    select,
    text,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType

from hub.database.engine import Database
from hub.database.faults import Fault

LONGEST_SHOWN = 40
SECRET = frozenset({"users", "settings", "sessions", "refresh_tokens"})
"""Tables of which no value is told to anybody, nor written to the log."""
NOTHING: Mapping[str, Any] = {}

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=1000)]
Ms = Annotated[int, Meta(ge=0, le=7_258_118_400_000)]
"""Unix ms up to the year 2200."""
Sha256 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Blob = Annotated[bytes, Meta(min_length=1)]

T = TypeVar("T", bound=msgspec.Struct)
log = logging.getLogger("hub.database")


class Row(msgspec.Struct, Generic[T]):
    """value: the row as its kind says; beside: further columns of it; broken: columns that something stands in for."""

    value: T
    beside: dict[str, Any]
    broken: frozenset[str]


async def read(
    database: Database,
    connection: AsyncConnection,
    table: Table,
    kind: type[T],
    *,
    stand_ins: Mapping[str, Any] = NOTHING,
    beside: Mapping[str, Any] = NOTHING,
    where: ColumnElement[bool] | None = None,
    order_by: Sequence[ColumnElement[Any]] = (),
    check: Callable[[T], str | None] = lambda value: None,
    references: bool = True,
) -> list[Row[T]]:
    """The rows of which something can be made; what is wrong is added to the database's `faults`.

    The fields of `kind` are the columns, and their types say what may stand there; `beside`: types of further columns.
    stand_ins: what is used in place of nonsense, by column; a function is given what stands in the row. check: the
    column that contradicts the others, None = all fit together. A reference to what is not there is nonsense, too,
    unless `references` are not looked at, which takes a while in a long table.
    """
    fields = {field.name: field.type for field in msgspec.structs.fields(kind) if field.name in table.c}
    types = fields | dict(beside)
    columns = [type_coerce(table.c[name], NullType()).label(name) for name in types]
    query: Any = select(literal_column(f"{table.name}.rowid").label("rowid of it"), *columns).order_by(*order_by)
    if where is not None:
        query = query.where(where)
    orphans = await _orphans(connection, table) if references else {}
    found = []
    for rowid, *values in (await connection.execute(query)).all():
        raw = dict(zip(types, values, strict=True))
        look: _Look[T] = _Look(database, table, f"rowid {rowid}", raw, stand_ins)
        for name, type_ in types.items():
            look.take(name, type_, orphan=name in orphans.get(rowid, ()))
        row = look.row(kind, fields)
        if row is not None and (column := check(row.value)) is not None:
            look.fail(column)
            row = look.row(kind, fields)
        if row is not None:
            found.append(row)
        look.tell(used=row is not None)
    return found


class _Look(Generic[T]):
    """At one row."""

    def __init__(
        self, database: Database, table: Table, place: str, raw: dict[str, Any], stand_ins: Mapping[str, Any]
    ) -> None:
        self._database = database
        self._table = table
        self._raw = raw
        self._stand_ins = stand_ins
        self._place = _name(table, raw) or place
        self._good: dict[str, Any] = {}
        self._broken: list[str] = []
        self._lost = False

    def take(self, name: str, type_: Any, *, orphan: bool) -> None:
        """Check one value."""
        try:
            self._good[name] = msgspec.convert(_decoded(self._raw[name], self._table.c[name]), type_)
        except (msgspec.ValidationError, msgspec.DecodeError, RecursionError):
            self.fail(name)
        else:
            if orphan:
                self.fail(name)

    def fail(self, name: str) -> None:
        """This value is nonsense."""
        self._broken.append(name)
        if name not in self._stand_ins:
            self._lost = True
            return
        stand_in = self._stand_ins[name]
        self._good[name] = stand_in(self._raw) if callable(stand_in) else stand_in

    def row(self, kind: type[T], fields: Mapping[str, Any]) -> Row[T] | None:
        """What can be made of it; None = nothing."""
        if self._lost:
            return None
        beside = {name: value for name, value in self._good.items() if name not in fields}
        value = kind(**{name: value for name, value in self._good.items() if name in fields})
        return Row(value, beside, frozenset(self._broken))

    def tell(self, *, used: bool) -> None:
        """Of all that was found."""
        for column in self._broken:
            hidden = self._table.name in SECRET or isinstance(self._table.c[column].type, LargeBinary)
            shown = None if hidden else repr(self._raw[column])[:LONGEST_SHOWN]
            self._database.faults.add(Fault(self._table.name, self._place, column, shown, used))


async def _orphans(connection: AsyncConnection, table: Table) -> dict[int, set[str]]:
    """The columns that refer to what is not there, by rowid."""
    if not table.foreign_keys:
        return {}
    listed = await connection.execute(text(f"PRAGMA foreign_key_list({table.name})"))
    columns = {row[0]: str(row[3]) for row in listed}
    found: dict[int, set[str]] = {}
    for _, rowid, _, key in await connection.execute(text(f"PRAGMA foreign_key_check({table.name})")):
        found.setdefault(rowid, set()).add(columns[key])
    return found


def _decoded(value: Any, column: Column[Any]) -> Any:
    """As the column's type has it. Raises msgspec.DecodeError, msgspec.ValidationError."""
    if isinstance(column.type, JSON):
        return msgspec.json.decode(value) if isinstance(value, (str, bytes)) else value
    if isinstance(column.type, Boolean) and type(value) is int and value in (0, 1):
        return bool(value)
    if isinstance(column.type, LargeBinary) and isinstance(value, str):  # which msgspec takes for base64
        raise msgspec.ValidationError("a text")
    return value


def _name(table: Table, raw: Mapping[str, Any]) -> str | None:
    """The row by its key, where that is one that people can read."""
    parts = [raw.get(column.name) for column in table.primary_key]
    readable = all(isinstance(part, int) or (isinstance(part, str) and 0 < len(part) <= 64) for part in parts)
    name = " ".join(map(str, parts))
    return name if readable and name.isprintable() else None
