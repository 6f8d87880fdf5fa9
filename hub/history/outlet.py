"""One outlet's history at the moment of a question: store and tail as one. Everything here blocks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hub.history.calendar import MINUTE, Calendar
from hub.history.days import DaySums
from hub.history.filling import filled
from hub.history.minutes import is_minutes
from hub.history.points import Energy, SeriesResult, added, energy_sum, summed, thinned
from hub.plugins import m4
from hub.plugins.columns import condensed, empty_rollup, join_raw, join_rollup, select_rollup
from hub.plugins.contract import (
    TIERS,
    HistoryStore,
    Int64,
    RawColumns,
    RollupColumns,
    SeriesKey,
    SummingStore,
    ThinningStore,
)
from hub.telemetry.interface import TailSnapshot

STORED = {"1m": "1m", "5m": "1m", "15m": "15m", "1h": "15m", "1d": "15m", "1w": "15m", "1mo": "15m"}
"""The tier that a bucket is summed from."""
LONG_MS = 4_000  # for each point: of more than this the store chooses
BY_DAYS = ("1d", "1w", "1mo")
QUARTER = TIERS["15m"]


class Outlet:
    """Reads of one outlet, made in a reader thread: the tail first, so that a merge that finishes in between hides
    nothing."""

    def __init__(
        self,
        series: SeriesKey,
        store: HistoryStore,
        tail: TailSnapshot,
        *,
        minutes_from: int,
        now: int,
        days: DaySums | None,
    ) -> None:
        """minutes_from: the 1-minute tier is not answered before it; days: remembers sums of whole days."""
        self.series = series
        self._store = store
        self._tail = tail
        self._minutes_from = minutes_from
        self._now = now
        self._days = days

    def raw(self, start: int, end: int) -> list[RawColumns]:
        """Samples with start <= at < end, one entry a stream, by the time of their first."""
        tail = self._tail.raw(start, end)
        return _streams([*self._store.read(self.series, start, end), *tail])

    def line(self, start: int, end: int, points: int) -> SeriesResult:
        """At most about so many samples; where there are none and minutes are known, these."""
        borders = m4.stretches(start, end, max(points // m4.PARTS, 1))
        samples = self._thinned(start, end, borders, points)
        until = min(end, max(self._now, start))
        return filled(samples, borders, start, until, points, self._minutes_from, self._buckets)

    def _thinned(self, start: int, end: int, borders: Int64, points: int) -> SeriesResult:
        tail = self._tail.raw(start, end)
        energy = total(self.energy(start, end))
        if isinstance(self._store, ThinningStore) and end - start > points * LONG_MS:
            found = self._store.thinned(self.series, start, end, borders)
            count = sum(of for columns, of in found if not is_minutes(columns.run))
            stored = [columns for columns, _ in found]
            if count > points and not _replaced(stored, tail):
                return thinned(self.series, _streams([*stored, *tail], brief=True), borders, points, energy, count)
        stored = self._store.read(self.series, start, end, brief=True)
        return thinned(self.series, _streams([*stored, *tail], brief=True), borders, points, energy)

    def parts(self, source: str, calendar: Calendar, edges: Int64) -> RollupColumns:
        """Buckets that sum up to those between `edges`, which are edges of this kind of bucket."""
        start, end = int(edges[0]), int(edges[-1])
        if source not in BY_DAYS or self._days is None:
            return self._buckets(STORED[source], start, end)
        days = calendar.edges("1d", start, end)
        tail = self._tail.buckets(STORED[source], start, end)
        return self._days.parts(self.series, calendar.zone, days, tail, self._now, Quarters(self._store, self.series))

    def summed(self, source: str, calendar: Calendar, edges: Int64, width: int) -> SeriesResult:
        """Buckets between `edges`; `width`: their usual length."""
        return summed(self.series, source, width, self.parts(source, calendar, edges), edges)

    def rollup(self, source: str, calendar: Calendar, edges: Int64) -> RollupColumns:
        """The same as columns: power, energy and time covered."""
        return condensed(self.parts(source, calendar, edges), edges)

    def energy(self, start: int, end: int) -> list[RollupColumns]:
        """Buckets whose energies, already cut to the range, add up to its own."""
        first, last = -(-start // QUARTER) * QUARTER, end // QUARTER * QUARTER
        if first >= last:
            return [self._edge(start, end)]
        parts = [self._buckets("15m", first, last)]
        if start < first:
            parts.append(self._edge(start, first))
        if last < end:
            parts.append(self._edge(last, end))
        return parts

    def _edge(self, start: int, end: int) -> RollupColumns:
        """Less than two quarters: by minutes where they are kept."""
        tier, width = ("15m", QUARTER) if start < self._minutes_from else ("1m", MINUTE)
        buckets = self._buckets(tier, start // width * width, end)
        # What a running bucket holds flowed up to now, not up to its end.
        extent = np.clip(self._now - buckets.start, 1, width)
        overlap = np.minimum(buckets.start + extent, end) - np.maximum(buckets.start, start)
        share = overlap.clip(0) / extent
        cut = select_rollup(buckets, slice(None))
        cut.import_mwh, cut.export_mwh, cut.estimated_mwh = (
            values * share for values in (buckets.import_mwh, buckets.export_mwh, buckets.estimated_mwh)
        )
        return cut

    def _buckets(self, tier: str, start: int, end: int) -> RollupColumns:
        tail = self._tail.buckets(tier, start, end)
        stored = self._store.rollup(self.series, tier, start, end, brief=True)
        return join_rollup([stored, tail])


def _streams(parts: Sequence[RawColumns], *, brief: bool = False) -> list[RawColumns]:
    """One entry a stream, by the time of their first sample; of equal seqs the last part's sample counts."""
    streams: dict[str, list[RawColumns]] = {}
    for columns in parts:
        if len(columns.seq) and not is_minutes(columns.run):
            streams.setdefault(columns.run, []).append(columns)
    joined = (same[0] if len(same) == 1 else join_raw(same, brief=brief) for same in streams.values())
    return sorted(joined, key=lambda columns: int(columns.at.min()))


def _replaced(stored: Sequence[RawColumns], tail: Sequence[RawColumns]) -> bool:
    """May the tail hold other values of samples that the store chose or passed over?"""
    last = {columns.run: int(columns.seq.max()) for columns in stored if len(columns.seq)}
    return any(len(part.seq) and int(part.seq.min()) <= last.get(part.run, -1) for part in tail)


class Quarters(NamedTuple):
    """Implements hub.history.days.Source."""

    store: HistoryStore
    series: SeriesKey

    def sums(self, edges: Int64) -> RollupColumns:
        if len(edges) < 2:
            return empty_rollup()
        if isinstance(self.store, SummingStore):
            return self.store.sums(self.series, edges)
        return self.quarters(int(edges[0]), int(edges[-1]))

    def quarters(self, start: int, end: int) -> RollupColumns:
        return self.store.rollup(self.series, "15m", start, end, brief=True) if start < end else empty_rollup()


def together(outlets: Sequence[Outlet], source: str, calendar: Calendar, edges: Int64, width: int) -> SeriesResult:
    """The sum of several outlets, added up at the tier that is stored: the finer, the closer are its extremes."""
    if source in BY_DAYS:
        # By hours a year of a home would be added up for each question; days of each outlet are remembered.
        days = calendar.edges("1d", int(edges[0]), int(edges[-1]))
        parts = [outlet.rollup("1d", calendar, days) for outlet in outlets]
    else:
        parts = [outlet.parts(source, calendar, edges) for outlet in outlets]
    return summed(SeriesKey("", 0), source, width, added(parts), edges)


def total(parts: Sequence[RollupColumns]) -> Energy:
    """The sum of all energies."""
    imported, exported, estimated = (
        energy_sum(np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)]))
        for name in ("import_mwh", "export_mwh", "estimated_mwh")
    )
    return Energy(imported, exported, estimated or 0.0)
