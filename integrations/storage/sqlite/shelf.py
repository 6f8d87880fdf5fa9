"""One connection inside one transaction: series by number, and damaged chunks set aside."""

import sqlite3
from typing import Any

from hub.plugins import SeriesKey
from hub.plugins.contract import Damage

MOST_FOUND = 1000  # damaged chunks, of some 4 KB, that wait to be set aside; others are met again

Found = dict[tuple[str, int], tuple[str, bytes]]
"""Damaged chunks that readers met: (table, id) -> what it is, its bytes. The next change sets them aside."""
Met = list[Damage]
"""What nobody asked for yet, each piece once."""


class Shelf:
    """What raw and rollup chunks share. `found`: where a reader remembers damage; a writer sets it aside at once. Both
    tell it in `met`."""

    def __init__(self, connection: sqlite3.Connection, found: Found, met: Met, *, writing: bool) -> None:
        self._connection = connection
        self._found = found
        self._met = met
        self._writing = writing
        self._series: dict[SeriesKey, int] = {}

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Every row."""
        return self._connection.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> tuple[Any, ...]:
        """The only row."""
        row: tuple[Any, ...] = self._connection.execute(query, values).fetchone()
        return row

    def maybe(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """The row, if there is one."""
        row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        return row

    def run(self, query: str, *values: Any) -> int:
        """Change something; returns how many rows changed."""
        return self._connection.execute(query, values).rowcount

    def added(self, query: str, *values: Any) -> int:
        """Insert one row; returns its id."""
        return self._connection.execute(query, values).lastrowid or 0

    def known(self, series: SeriesKey) -> int | None:
        """The number of a series, None if the store has never heard of it."""
        row = self.maybe("select id from series where device = ? and channel = ?", series.device, series.channel)
        return None if row is None else int(row[0])

    def series(self, series: SeriesKey) -> int:
        """The number of a series, which is new if need be."""
        number = self._series.get(series) or self.known(series)
        if number is None:
            number = self.added("insert into series(device, channel) values(?, ?)", series.device, series.channel)
        self._series[series] = number
        return number

    def key(self, number: int) -> SeriesKey:
        """The series with this number."""
        return SeriesKey(*self.one("select device, channel from series where id = ?", number))

    def damaged(self, table: str, id: int, data: bytes, damage: Damage) -> None:
        """A chunk does not check: out of the way of everything else with it."""
        known = (table, id) in self._found
        if not self._writing:
            if not known and len(self._found) < MOST_FOUND:
                self._found[table, id] = (damage.what, data)
                self._met.append(damage)
        elif self._move(table, id, data, damage.what) and not known:
            self._met.append(damage)

    def set_aside(self) -> Found:
        """Set aside what readers found; returns it, to be forgotten when that is durable."""
        found = dict(self._found)
        for (table, id), (what, data) in found.items():
            self._move(table, id, data, what)
        return found

    def tidy(self) -> None:
        """Forget streams without samples and series without anything."""
        self.run("delete from stream where id not in (select stream from raw)")
        self.run(
            "delete from series where id not in (select series from stream) and id not in (select series from rollup)"
        )
        for table in ("sums", "recent", "lead"):
            self.run(f"delete from {table} where series not in (select id from series)")  # noqa: S608

    def _move(self, table: str, id: int, data: bytes, what: str) -> bool:
        # Its bytes are compared, because the place may hold another chunk by now.
        if not self.run(f"delete from {table} where id = ? and data = ?", id, data):  # noqa: S608
            return False
        self.run("insert into damaged(what, data) values(?, ?)", what, data)
        return True
