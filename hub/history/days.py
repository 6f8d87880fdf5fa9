"""Sums of whole days, remembered until a merge changes them: a year of days is not decoded anew for each question."""

import threading
from collections import OrderedDict
from typing import Protocol

import msgspec
import numpy as np

from hub.history.editions import Editions
from hub.plugins.columns import condensed, empty_rollup, join_rollup, select_rollup, size_of
from hub.plugins.contract import Int64, RollupColumns, SeriesKey

BYTES = 16 << 20  # of all outlets together: a year of days of one takes about 40 KB, five years 200
RECENT = 3  # days at the end that are remembered by quarters where they are not over or not merged


class Source(Protocol):
    """The store's quarters of one outlet."""

    def sums(self, edges: Int64) -> RollupColumns:
        """Buckets that sum up to those between `edges`, none across one."""

    def quarters(self, start: int, end: int) -> RollupColumns:
        """Each of them."""


class _Days(msgspec.Struct):
    """As it was in this edition: sums of the store's from `start` to `end`, none of them across two days, and the
    quarters from `recent[0]` to `recent[1]`."""

    number: int
    start: int
    end: int
    sums: RollupColumns
    recent: tuple[int, int]
    quarters: RollupColumns

    @property
    def size(self) -> int:
        """Bytes."""
        return size_of(self.sums) + size_of(self.quarters)


class DaySums:
    """Called in reader threads."""

    def __init__(self, editions: Editions) -> None:
        self._editions = editions
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[SeriesKey, str], _Days] = OrderedDict()
        self.bytes = 0
        """Of all that is remembered."""

    def parts(  # noqa: PLR0917
        self, series: SeriesKey, zone: str, edges: Int64, tail: RollupColumns, now: int, source: Source
    ) -> RollupColumns:
        """Buckets that sum up to those between `edges`, which are starts of days of the zone. `tail`: quarters that
        replace the store's; the days that they touch and today are given by quarters, all others whole."""
        days = len(edges) - 1
        touched = np.unique(np.searchsorted(edges, tail.start, "right") - 1)
        today = int(np.searchsorted(edges[1:], now, "right"))
        first = max(min([today, *touched[:1].tolist()]), days - RECENT)
        known = self._of((series, zone), edges[: first + 1], (int(edges[first]), int(edges[-1])), source)
        sums = select_rollup(known.sums, slice(*np.searchsorted(known.sums.start, [edges[0], edges[first]])))
        older = touched[touched < first]
        if len(older):
            day = np.searchsorted(edges, sums.start, "right") - 1
            sums = select_rollup(sums, ~np.isin(day, older))
        parts = [source.quarters(int(edges[k]), int(edges[k + 1])) for k in older]
        return join_rollup([sums, *parts, known.quarters, tail])

    def _of(self, key: tuple[SeriesKey, str], edges: Int64, recent: tuple[int, int], source: Source) -> _Days:
        # Before the reading: what changes meanwhile makes it old, never the other way round.
        number = self._editions.of(key[0]).number
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            changed = self._editions.changed(key[0], known.number)
            known = _Days(number, *_sums(known, changed, edges, source), *_quarters(known, changed, recent, source))
        else:
            sums, quarters = _days(edges, source), source.quarters(*recent)
            known = _Days(number, int(edges[0]), int(edges[-1]), sums, recent, quarters)
        with self._lock:
            before = self._known.pop(key, None)
            self._known[key] = known
            self.bytes += known.size - (0 if before is None else before.size)
            while self.bytes > BYTES and len(self._known) > 1:
                self.bytes -= self._known.popitem(last=False)[1].size
        return known


def _sums(known: _Days, changed: int, edges: Int64, source: Source) -> tuple[int, int, RollupColumns]:
    """From when to when, and the days: of those known what holds, the rest anew."""
    start, end = int(edges[0]), int(edges[-1])
    fresh = _fresh(known, changed, edges)
    if start == end and changed > known.end:
        return known.start, known.end, known.sums
    if fresh is None or not known.start <= start <= fresh:
        return start, end, _days(edges, source)
    if end <= fresh and changed > known.end:
        return known.start, known.end, known.sums
    begin = min(fresh, end)
    kept = select_rollup(known.sums, known.sums.start < begin)
    rest = edges[int(np.searchsorted(edges, begin)) :]
    return known.start, end, join_rollup([kept, _days(rest, source)])


def _days(edges: Int64, source: Source) -> RollupColumns:
    """The sums of days; a few more than one a day do no harm."""
    sums = source.sums(edges)
    return sums if len(sums.start) <= 2 * len(edges) else condensed(sums, edges)


def _fresh(known: _Days, changed: int, edges: Int64) -> int | None:
    """Up to where the known days still hold; None = not up to one of these edges."""
    place = int(np.searchsorted(edges, min(known.end, changed), "right")) - 1
    return int(edges[place]) if place >= 0 else None


def _quarters(
    known: _Days, changed: int, recent: tuple[int, int], source: Source
) -> tuple[tuple[int, int], RollupColumns]:
    """The same for quarters."""
    start, end = recent
    if start == end:
        return recent, empty_rollup()
    begin, until = known.recent
    if not begin <= start < until:
        return recent, source.quarters(start, end)
    fresh = min(changed, until, end)
    kept = known.quarters
    if begin != start or fresh < until:
        kept = select_rollup(kept, slice(*np.searchsorted(kept.start, [start, max(fresh, start)])))
    if fresh >= end:
        return recent, kept
    return recent, join_rollup([kept, source.quarters(max(fresh, start), end)])
