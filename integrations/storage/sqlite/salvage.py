"""What is left of a damaged history file, put into a new one; and what is lost."""

import contextlib
import sqlite3
from collections.abc import Callable
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
PAUSE = 200  # rows
TOGETHER = 2000  # rows
PUT_RAW = """
insert into raw(hour, stream, seq_from, seq_to, count, data) values(?, ?, ?, ?, ?, ?)
on conflict(hour, stream) do update set
  seq_from = excluded.seq_from, seq_to = excluded.seq_to, count = excluded.count, data = excluded.data
where excluded.count > raw.count"""
PUT_ROLLUP = """
insert into rollup(tier, span, start, series, count, data) values(?, ?, ?, ?, ?, ?)
on conflict(tier, span, start, series) do update set count = excluded.count, data = excluded.data
where excluded.count > rollup.count"""
ENDS = """
select stream, max(seq_to), min(hour) filter (where hour >= 0), max(hour) filter (where hour >= 0)
from raw group by stream"""


def salvage(path: Path, into: Path, pause: Callable[[], None] | None = None) -> list[str]:
    """Make `into` of what can be read of `path`; returns what is lost, a line each. `pause` is called every few hundred
    rows. Raises StoreError, OSError."""
    with told(), path.open("rb") as file, contextlib.closing(connect(into)) as connection:
        prepare(connection, into)
        pages, rows = Pages(file, PAGE), _Rows(connection)
        connection.execute("begin immediate")
        count = 0
        for count, (of_table, rowid, row) in enumerate(pages.rows(), 1):
            (rows.of_table if of_table else rows.of_index)(rowid, row)
            if pause is not None and count % PAUSE == 0:
                pause()
            if count % TOGETHER == 0:  # what is not committed is in memory
                connection.execute("commit")
                connection.execute("begin immediate")
        lost = rows.finish()
        connection.execute("commit")
    if not count:
        lost.append("everything: not one page of the file could be read")
    elif pages.unreadable:
        lost.append(f"{pages.unreadable} of {pages.count} pages")
    return lost


class _Rows:
    """Rows by what they look like: no two tables have rows alike. What an index says of a row stands in for it where
    that is enough, and tells that there was one where it is not. Chunks go straight into the new file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.series: dict[int, tuple[str, int]] = {}
        self.streams: dict[int, tuple[int, str]] = {}
        self.known_raw: set[RawPlace] = set()
        self.known_rollups: set[RollupPlace] = set()

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
                self._connection.execute("insert into damaged(what, data) values(?, ?)", (what, data))

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

    def finish(self) -> list[str]:
        """Keep what has an owner; returns what is lost."""
        run = self._connection.execute
        raw: set[RawPlace] = set(run("select hour, stream from raw"))
        rollups: set[RollupPlace] = set(run("select tier, span, start, series from rollup"))
        lost = [self._raw_name(place) for place in sorted(self.known_raw - raw)]
        lost += [self._rollup_name(place) for place in sorted(self.known_rollups - rollups)]
        streams = {n: stream for n, stream in self.streams.items() if stream[0] in self.series}
        lost += [self._raw_name(place) for place in sorted(raw) if place[1] not in streams]
        lost += [self._rollup_name(place) for place in sorted(rollups) if place[3] not in self.series]
        self._connection.executemany(
            "insert or ignore into series(id, device, channel) values(?, ?, ?)",
            [(number, *series) for number, series in self.series.items()],
        )
        ends = {stream: held for stream, *held in run(ENDS)}
        self._connection.executemany(
            "insert or ignore into stream values(?, ?, ?, ?, ?, ?)",
            [(n, series, name, *ends.get(n, (-1, None, None))) for n, (series, name) in streams.items()],
        )
        run("delete from raw where stream not in (select id from stream)")
        run("delete from rollup where series not in (select id from series)")
        return lost

    def _add_raw(self, place: RawPlace, first: int, last: int, count: int, data: bytes) -> None:
        """Where a place has two, one was left over in a page that is in use no more: it has fewer samples."""
        self.known_raw.add(place)
        with contextlib.suppress(DamagedChunk):
            decode_raw(data)
            self._connection.execute(PUT_RAW, (*place, first, last, count, data))

    def _add_rollup(self, place: RollupPlace, count: int, data: bytes) -> None:
        self.known_rollups.add(place)
        with contextlib.suppress(DamagedChunk):
            decode_rollup(data)
            self._connection.execute(PUT_ROLLUP, (*place, count, data))

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
