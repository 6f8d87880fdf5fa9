"""What is left of a damaged history file, put into a new one; and what is lost."""

import contextlib
import sqlite3
from pathlib import Path
from typing import cast

import numpy as np

from hub.plugins import TIERS
from hub.plugins.codec import DamagedChunk, decode_raw, decode_rollup
from integrations.storage.sqlite.damage import told
from integrations.storage.sqlite.lines import HOUR
from integrations.storage.sqlite.pages import Pages, Row
from integrations.storage.sqlite.schema import PAGE, connect, prepare

RawPlace = tuple[int, int]
"""hour, stream"""
RollupPlace = tuple[int, int, int, int]
"""tier, span, start, series"""
TIER_NAMES = {bucket: name for name, bucket in TIERS.items()}


def is_sound(path: Path) -> bool:
    """Does SQLite find nothing wrong with the file? What a crash left half written is undone by the question."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return bool(connection.execute("pragma integrity_check(1)").fetchone()[0] == "ok")
        except sqlite3.DatabaseError:
            return False


def salvage(path: Path, into: Path) -> list[str]:
    """Make `into` of what can be read of `path`; returns what is lost, a line each. Raises StoreError, OSError."""
    rows = _Rows()
    pages = Pages(path, PAGE)
    for of_table, rowid, row in pages.rows():
        (rows.of_table if of_table else rows.of_index)(rowid, row)
    with told(), contextlib.closing(connect(into)) as connection:
        prepare(connection, into)
        connection.execute("begin immediate")
        lost = rows.write(connection)
        connection.execute("commit")
    if pages.unreadable:
        lost.append(f"{pages.unreadable} of {pages.count} pages")
    return lost


class _Rows:
    """Rows by what they look like: no two tables have rows alike. What an index says of a row stands in for it where
    that is enough, and tells that there was one where it is not."""

    def __init__(self) -> None:
        self.series: dict[int, tuple[str, int]] = {}
        self.streams: dict[int, tuple[int, str]] = {}
        self.raw: dict[RawPlace, tuple[int, int, int, bytes]] = {}
        self.rollups: dict[RollupPlace, tuple[int, bytes]] = {}
        self.known_raw: set[RawPlace] = set()
        self.known_rollups: set[RollupPlace] = set()
        self.damaged: list[tuple[str, bytes]] = []

    def of_table(self, rowid: int, row: Row) -> None:
        """A row of a table; its first value is its rowid, and stands as null."""
        match row:
            case (None, str() as device, int() as channel):
                self.series[rowid] = (device, channel)
            case (None, int() as series, str() as run, int(), _, _):
                self.streams[rowid] = (series, run)
            case (
                None,
                int() as tier,
                int() as span,
                int() as start,
                int() as series,
                int() as count,
                bytes() as data,
            ) if _is_rollup(tier, span, start):
                self._add_rollup((tier, span, start, series), count, data)
            case (None, int() as hour, int() as stream, int() as first, int() as last, int() as count, bytes() as data):
                self._add_raw((hour, stream), first, last, count, data)
            case (None, str() as what, bytes() as data):
                self.damaged.append((what, data))

    def of_index(self, _: int, row: Row) -> None:
        """An entry of an index; its last value is the rowid."""
        match row:
            case (str() as device, int() as channel, int() as rowid):
                self.series.setdefault(rowid, (device, channel))
            case (int() as series, str() as run, int() as rowid):
                self.streams.setdefault(rowid, (series, run))
            case (int() as tier, int() as span, int() as start, int() as series, int()) if _is_rollup(
                tier, span, start
            ):
                self.known_rollups.add((tier, span, start, series))
            case (int() as hour, int() as stream, int()):
                self.known_raw.add((hour, stream))

    def write(self, connection: sqlite3.Connection) -> list[str]:
        """All that has an owner; returns what is lost."""
        lost = [self._raw_name(place) for place in sorted(self.known_raw - self.raw.keys())]
        lost += [self._rollup_name(place) for place in sorted(self.known_rollups - self.rollups.keys())]
        streams = {n: stream for n, stream in self.streams.items() if stream[0] in self.series}
        lost += [self._raw_name(place) for place in sorted(self.raw) if place[1] not in streams]
        lost += [self._rollup_name(place) for place in sorted(self.rollups) if place[3] not in self.series]
        raw = {place: chunk for place, chunk in self.raw.items() if place[1] in streams}
        connection.executemany(
            "insert or ignore into series(id, device, channel) values(?, ?, ?)",
            [(number, *series) for number, series in self.series.items()],
        )
        for number, (series, run) in streams.items():
            mine = [(hour, chunk[1]) for (hour, stream), chunk in raw.items() if stream == number]
            hours = [hour for hour, _ in mine if hour >= 0]
            last = max((last for _, last in mine), default=-1)
            known = (number, series, run, last, min(hours, default=None), max(hours, default=None))
            connection.execute("insert or ignore into stream values(?, ?, ?, ?, ?, ?)", known)
        connection.executemany(
            "insert into raw(hour, stream, seq_from, seq_to, count, data) values(?, ?, ?, ?, ?, ?)",
            [(*place, *chunk) for place, chunk in sorted(raw.items())],
        )
        connection.executemany(
            "insert into rollup(tier, span, start, series, count, data) values(?, ?, ?, ?, ?, ?)",
            [(*place, *chunk) for place, chunk in sorted(self.rollups.items()) if place[3] in self.series],
        )
        connection.executemany("insert into damaged(what, data) values(?, ?)", self.damaged)
        return lost

    def _add_raw(self, place: RawPlace, first: int, last: int, count: int, data: bytes) -> None:
        """Where a place has two, one was left over in a page that is in use no more: it has fewer samples."""
        self.known_raw.add(place)
        if place in self.raw and self.raw[place][2] >= count:
            return
        with contextlib.suppress(DamagedChunk):
            decode_raw(data)
            self.raw[place] = (first, last, count, data)

    def _add_rollup(self, place: RollupPlace, count: int, data: bytes) -> None:
        self.known_rollups.add(place)
        if place in self.rollups and self.rollups[place][0] >= count:
            return
        with contextlib.suppress(DamagedChunk):
            decode_rollup(data)
            self.rollups[place] = (count, data)

    def _name(self, series: int) -> str:
        device, channel = self.series.get(series, ("?", 0))
        return f"{device}/{channel}"

    def _raw_name(self, place: RawPlace) -> str:
        hour, stream = place
        series = self._name(self.streams[stream][0]) if stream in self.streams else "?/0"
        return f"raw {series} {_date(hour * HOUR)}" if hour >= 0 else f"raw {series} undated"

    def _rollup_name(self, place: RollupPlace) -> str:
        tier, span, start, series = place
        return f"{TIER_NAMES[tier]} {self._name(series)} {_date(start)} ({('hour', 'day', 'month')[span]})"


def _is_rollup(tier: int, span: int, start: int) -> bool:
    return tier in TIER_NAMES and span in (0, 1, 2) and start > 1 << 32


def _date(at: int) -> str:
    return f"{cast(str, np.datetime_as_string(np.datetime64(at, 'ms'), unit='m'))}Z"
