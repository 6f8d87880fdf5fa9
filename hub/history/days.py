"""Sums of whole days, remembered until a merge changes them: a year of days is not decoded anew for each question."""

import threading
from collections import OrderedDict
from collections.abc import Callable

import msgspec
import numpy as np

from hub.history.editions import Editions
from hub.history.points import condensed
from hub.plugins.columns import join_rollup, select_rollup
from hub.plugins.contract import Int64, RollupColumns, SeriesKey

MOST = 200  # outlets; five years of days of one take about 200 KB

Read = Callable[[int, int], RollupColumns]
"""(from, to) -> the store's 15-minute buckets."""


class _Days(msgspec.Struct):
    """Sums of the store's days from `start` to `end`, as they were in this edition; `quarters`: start and
    buckets of the day that was last asked for by quarters."""

    number: int
    start: int
    end: int
    sums: RollupColumns
    quarters: tuple[int, RollupColumns] | None = None


class DaySums:
    """Called in reader threads."""

    def __init__(self, editions: Editions) -> None:
        self._editions = editions
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[SeriesKey, str], _Days] = OrderedDict()

    def parts(self, series: SeriesKey, zone: str, edges: Int64, tail: RollupColumns, read: Read) -> RollupColumns:
        """Buckets that sum up to those between `edges`, which are starts of days of the zone. `tail`: 15-minute
        buckets that replace the store's; the days that they touch are given by quarters, all others whole."""
        known = self._of(series, zone, edges, read)
        sums = known.sums
        first, last = np.searchsorted(sums.start, [edges[0], edges[-1]])
        sums = select_rollup(sums, slice(first, last))
        if not len(tail.start):
            return sums
        touched = np.unique(np.searchsorted(edges, tail.start, "right") - 1)
        days = [(int(edges[k]), int(edges[k + 1])) for k in touched]
        quarters = [self._quarters(known, day, read) for day in days]
        untouched = ~np.isin(sums.start, edges[touched])
        return join_rollup([select_rollup(sums, untouched), *quarters, tail])

    def _of(self, series: SeriesKey, zone: str, edges: Int64, read: Read) -> _Days:
        key, start, end = (series, zone), int(edges[0]), int(edges[-1])
        # Before the reading: what changes meanwhile makes it old, never the other way round.
        number = self._editions.of(series).number
        with self._lock:
            known = self._known.get(key)
        fresh = None if known is None else self._fresh(known, series, edges)
        if known is not None and fresh is not None and known.start <= start <= fresh:
            if end <= fresh and known.number == number:
                return known
            kept = select_rollup(known.sums, known.sums.start < min(fresh, end))
            begin = min(fresh, end)
            first = int(np.searchsorted(edges, begin))
            sums = join_rollup([kept, condensed(read(begin, end), edges[first:])]) if begin < end else kept
            found = _Days(number, known.start, end, sums)
        else:
            found = _Days(number, start, end, condensed(read(start, end), edges))
        with self._lock:
            self._known[key] = found
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found

    def _fresh(self, known: _Days, series: SeriesKey, edges: Int64) -> int | None:
        """Up to where the known days still hold; None = not up to one of these edges."""
        changed = self._editions.changed(series, known.number)
        place = int(np.searchsorted(edges, min(known.end, changed), "right")) - 1
        return int(edges[place]) if place >= 0 else None

    def _quarters(self, known: _Days, day: tuple[int, int], read: Read) -> RollupColumns:
        quarters = known.quarters
        if quarters is None or quarters[0] != day[0]:
            quarters = known.quarters = day[0], read(*day)
        return quarters[1]
