"""Questions to history: any range of any series, from the right tier, store and tail as one."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from hub.clock import Clock
from hub.history.calendar import BUCKETS, DAY, MINUTE, Calendar
from hub.history.points import Energy, SeriesResult, energy_sum, summed, thinned
from hub.history.retention import Retention
from hub.messages import HubError
from hub.plugins.columns import empty_rollup, join_raw, join_rollup, select_rollup
from hub.plugins.contract import TIERS, HistoryStore, RawColumns, RollupColumns, SeriesKey, StoreError
from hub.telemetry.interface import Tail, TailSnapshot

T = TypeVar("T")

STORED = {"1m": "1m", "5m": "1m", "15m": "15m", "1h": "15m", "1d": "15m"}  # the tier that a source is summed from
RAW_MS = 4_000  # for each point asked for: a chart of up to this many ms of raw samples is drawn from them
MOST = 20_000  # points of a bucket that somebody asked for by name
QUARTER = TIERS["15m"]
LONGEST = 100 * 366 * DAY


class Query:
    """Reads of history. What is not merged yet is taken down on the event loop; everything else is done in a reader
    thread: the tail first, so that a merge that finishes in between hides nothing."""

    def __init__(
        self,
        store: HistoryStore,
        tail: Tail,
        clock: Clock,
        zone: Callable[[SeriesKey], str] = lambda _: "UTC",
        retention: Callable[[SeriesKey], Retention] = lambda _: Retention(),
    ) -> None:
        """`zone`: the time zone of a series' home; `retention`: what is answered of it."""
        self._store = store
        self._tail = tail
        self._clock = clock
        self._zone = zone
        self._retention = retention

    async def series(
        self, series: SeriesKey, start: int, end: int, points: int = 1000, bucket: str | None = None
    ) -> SeriesResult:
        """Points of a chart with start <= time < end; the first bucket is the one that holds `start`.

        Without `bucket` at most about `points`, from the finest source that has them; with one (raw, 1m, 5m, 15m,
        1h, 1d) that source, of which raw is thinned to `points`. Hours and days are those of the home's zone.
        Raises HubError: series-range-invalid, bucket-unknown, too-many-points, zone-unknown, history-unreadable.
        """
        if start >= end:
            raise HubError("series-range-invalid", field="from")
        if bucket is not None and bucket != "raw" and bucket not in BUCKETS:
            raise HubError("bucket-unknown", field="bucket", bucket=bucket, known=", ".join(["raw", *BUCKETS]))
        retention, now = self._retention(series), self._clock.now()
        source = bucket or _source(start, end, points, now, retention)
        start = max(start, now - retention.answered(source))
        end = min(end, start + LONGEST)
        if start >= end:  # all of it is older than what is answered
            return summed(series, source, BUCKETS.get(source, 0), empty_rollup(), np.empty(0, np.int64))
        outlet = self._outlet(series)
        if source == "raw":
            return await self._read(lambda: outlet.thinned(start, end, points))
        if bucket is not None and (end - start) // BUCKETS[source] > MOST:
            raise HubError("too-many-points", field="bucket", bucket=bucket, limit=MOST)
        calendar = Calendar(self._zone(series))
        most = None if bucket is not None else points
        return await self._read(lambda: outlet.summed(source, calendar, start, end, most))

    async def energy(self, series: SeriesKey | Sequence[SeriesKey], start: int, end: int) -> Energy:
        """Energy of one series or the sum of several over start..end, of any length and age.

        Whole quarters of an hour come from the 15-minute tier, what is left at both ends from the 1-minute tier (where
        that is forgotten: from the quarter, by its share of time), so that adjoining ranges add up.
        """
        if start >= end:
            raise HubError("series-range-invalid", field="from")
        outlets = [self._outlet(key) for key in ([series] if isinstance(series, SeriesKey) else series)]
        return await self._read(lambda: _total([part for each in outlets for part in each.energy(start, end)]))

    async def raw(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """All samples with start <= at < end, one entry a stream, by the time of their first sample."""
        outlet = self._outlet(series)
        return await self._read(lambda: outlet.raw(start, end))

    def _outlet(self, series: SeriesKey) -> "_Outlet":
        now = self._clock.now()
        minutes_from = now - self._retention(series).answered("1m")
        return _Outlet(series, self._store, self._tail.snapshot(series), minutes_from, now)

    async def _read(self, read: Callable[[], T]) -> T:
        try:
            return await self._tail.read(read)
        except (StoreError, OSError) as error:
            raise HubError("history-unreadable", reason=str(error)) from error


class _Outlet:
    """One outlet's history at the moment of the question. Its methods block."""

    def __init__(self, series: SeriesKey, store: HistoryStore, tail: TailSnapshot, minutes_from: int, now: int) -> None:
        self._series = series
        self._now = now
        self._store = store
        self._tail = tail
        self._minutes_from = minutes_from

    def raw(self, start: int, end: int) -> list[RawColumns]:
        tail = self._tail.raw(start, end)
        stored = self._store.read(self._series, start, end)
        streams: dict[str, list[RawColumns]] = {}
        for columns in (*stored, *tail):
            if len(columns.seq):
                streams.setdefault(columns.run, []).append(columns)
        return sorted((join_raw(parts) for parts in streams.values()), key=lambda columns: int(columns.at.min()))

    def thinned(self, start: int, end: int, points: int) -> SeriesResult:
        streams = self.raw(start, end)
        return thinned(self._series, streams, (start, end), points, _total(self.energy(start, end)))

    def summed(self, source: str, calendar: Calendar, start: int, end: int, points: int | None) -> SeriesResult:
        """`points`: at most about so many, by joining buckets; None = every bucket."""
        edges = calendar.edges(source, start, end)
        step = 1 if points is None else -(-(len(edges) - 1) // (points + 1))
        edges = np.unique(np.append(edges[::step], edges[-1]))
        parts = self._buckets(STORED[source], int(edges[0]), int(edges[-1]))
        return summed(self._series, source, BUCKETS[source] * step, parts, edges)

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
        stored = self._store.rollup(self._series, tier, start, end)
        return join_rollup([stored, tail])


def _total(parts: Sequence[RollupColumns]) -> Energy:
    imported, exported, estimated = (
        energy_sum(np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)]))
        for name in ("import_mwh", "export_mwh", "estimated_mwh")
    )
    return Energy(imported, exported, estimated or 0.0)


def _source(start: int, end: int, points: int, now: int, retention: Retention) -> str:
    """The finest source that reaches back far enough and needs no more than `points`."""
    length = end - start
    if length <= points * RAW_MS and start >= now - retention.answered("raw"):
        return "raw"
    for source, width in BUCKETS.items():
        if length // width <= points and start >= now - retention.answered(source):
            return source
    return "1d"
