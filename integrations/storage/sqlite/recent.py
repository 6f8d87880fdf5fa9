"""Quarters of the chunks that were read last, in memory; those of the last days also in the file while it is closed,
so that the first question after a start unpacks no hour of today."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hub.plugins import RollupColumns
from hub.plugins.codec import decode_rollups
from hub.plugins.columns import join_rollup, select_rollup, size_of
from integrations.storage.sqlite import kept

BYTES = 8 << 20  # a week of quarters of one outlet: 64 KB
FEW = 200  # quarters of an outlet that are kept in the file: of today, and of the day that its midnight lies in

Place = tuple[int, int, int]
"""series, span, start of the first chunk"""
Rows = Sequence[tuple[Any, ...]]
"""id, start and data of chunks that follow one another"""


class Known(NamedTuple):
    """The heads of chunks, and their quarters without voltage and current."""

    heads: bytes
    columns: RollupColumns


class Recent:
    """Used only while the heads are those of the chunks: whatever writes chunks need not know of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Place, Known] = OrderedDict()
        self._bytes = 0
        self._fresh = False  # since it was in the file

    def quarters(self, series: int, span: int, rows: Rows, stored: Callable[[Place], Known | None]) -> RollupColumns:
        """At least those of these chunks, ascending. stored: what the file has. Raises DamagedChunk."""
        place = series, span, rows[0][1]
        heads = b"".join(data[: kept.HEAD] for _, _, data in rows)
        with self._lock:
            known = self._known.get(place)
            if known is not None:
                self._known.move_to_end(place)
        held = known is not None
        known = known or stored(place)
        if known is not None and not heads.startswith(known.heads):
            if known.heads.startswith(heads):
                return select_rollup(known.columns, slice(None))
            known = None
        done = 0 if known is None else len(known.heads) // kept.HEAD
        if known is None or done < len(rows):
            parts = [] if known is None else [known.columns]
            new = decode_rollups([data for _, _, data in rows[done:]], brief=True)
            known, held, self._fresh = Known(heads, join_rollup([*parts, new])), False, True
        if not held:
            self._put(place, known)
        return select_rollup(known.columns, slice(None))  # who gets it may put other arrays in its place

    def forget(self, series: int | None) -> None:
        """Of one series or all: it was deleted."""
        with self._lock:
            for place in [place for place in self._known if series is None or place[0] == series]:
                self._bytes -= size_of(self._known.pop(place).columns)
            self._fresh = True

    def write(self, connection: sqlite3.Connection) -> None:
        """Keep the shorter ones in the file. Raises sqlite3.Error."""
        with self._lock:
            short = [(place, known) for place, known in self._known.items() if 0 < len(known.columns.start) <= FEW]
            if not self._fresh:
                return
            self._fresh = False
        rows = []
        for place, known in short:
            starts = known.columns.start
            rows.append((*place, known.heads, kept.packed(np.append(starts, starts[-1] + 1), known.columns)))
        connection.execute("begin immediate")
        connection.execute("delete from recent")
        connection.executemany("insert into recent(series, span, start, heads, data) values(?, ?, ?, ?, ?)", rows)
        connection.execute("commit")

    def _put(self, place: Place, known: Known) -> None:
        for name in (*kept.FIELDS, "start"):
            getattr(known.columns, name).flags.writeable = False  # everybody gets the same
        with self._lock:
            if place in self._known:
                self._bytes -= size_of(self._known.pop(place).columns)
            self._known[place] = known
            self._bytes += size_of(known.columns)
            while self._bytes > BYTES:
                self._bytes -= size_of(self._known.popitem(last=False)[1].columns)
