"""Questions to history: any range of any series, from the right tier, store and tail as one."""

import asyncio
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
from hub.telemetry.interface import Tail

T = TypeVar("T")

STORED = {"1m": "1m", "5m": "1m", "15m": "15m", "1h": "15m", "1d": "15m"}  # the tier that a source is summed from
RAW_MS = 4_000  # for each point asked for: a chart of up to this many ms of raw samples is drawn from them
MOST = 20_000  # points of a bucket that somebody asked for by name
QUARTER = TIERS["15m"]
LONGEST = 100 * 366 * DAY


class Query:
    """Reads of history. Store reads run in a thread; the tail is asked first, so that a merge that finishes in between
    hides nothing."""

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
        if source == "raw":
            return await self._raw(series, start, end, points)
        if bucket is not None and (end - start) // BUCKETS[source] > MOST:
            raise HubError("too-many-points", field="bucket", bucket=bucket, limit=MOST)
        edges = Calendar(self._zone(series)).edges(source, start, end)
        step = 1 if bucket is not None else -(-(len(edges) - 1) // (points + 1))
        edges = np.unique(np.append(edges[::step], edges[-1]))
        parts = await self._buckets(series, STORED[source], int(edges[0]), int(edges[-1]))
        return summed(series, source, BUCKETS[source] * step, parts, edges)

    async def energy(self, series: SeriesKey | Sequence[SeriesKey], start: int, end: int) -> Energy:
        """Energy of one series or the sum of several over start..end, of any length and age.

        Whole quarters of an hour come from the 15-minute tier, what is left at both ends from the 1-minute tier (where
        that is forgotten: from the quarter, by its share of time), so that adjoining ranges add up.
        """
        if start >= end:
            raise HubError("series-range-invalid", field="from")
        keys = [series] if isinstance(series, SeriesKey) else list(series)
        parts = [part for key in keys for part in await self._energy_parts(key, start, end)]
        imported, exported, estimated = (
            energy_sum(np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)]))
            for name in ("import_mwh", "export_mwh", "estimated_mwh")
        )
        return Energy(imported, exported, estimated or 0.0)

    async def raw(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """All samples with start <= at < end, one entry a stream, by the time of their first sample."""
        tail = self._tail.raw(series, start, end)
        stored = await self._read(lambda: self._store.read(series, start, end))
        streams: dict[str, list[RawColumns]] = {}
        for columns in (*stored, *tail):
            if len(columns.seq):
                streams.setdefault(columns.run, []).append(columns)
        return sorted((join_raw(parts) for parts in streams.values()), key=lambda columns: int(columns.at.min()))

    async def _raw(self, series: SeriesKey, start: int, end: int, points: int) -> SeriesResult:
        streams = await self.raw(series, start, end)
        return thinned(series, streams, (start, end), points, await self.energy(series, start, end))

    async def _buckets(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns:
        tail = self._tail.buckets(series, tier, start, end)
        stored = await self._read(lambda: self._store.rollup(series, tier, start, end))
        return join_rollup([stored, tail])

    async def _energy_parts(self, series: SeriesKey, start: int, end: int) -> list[RollupColumns]:
        """Buckets whose energies, already cut to the range, add up to its own."""
        first, last = -(-start // QUARTER) * QUARTER, end // QUARTER * QUARTER
        if first >= last:
            return await self._edge(series, start, end)
        parts = [await self._buckets(series, "15m", first, last)]
        if start < first:
            parts += await self._edge(series, start, first)
        if last < end:
            parts += await self._edge(series, last, end)
        return parts

    async def _edge(self, series: SeriesKey, start: int, end: int) -> list[RollupColumns]:
        """Less than two quarters: by minutes where they are kept."""
        forgotten = start < self._clock.now() - self._retention(series).answered("1m")
        tier, width = ("15m", QUARTER) if forgotten else ("1m", MINUTE)
        buckets = await self._buckets(series, tier, start // width * width, end)
        overlap = np.minimum(buckets.start + width, end) - np.maximum(buckets.start, start)
        share = overlap / width
        cut = select_rollup(buckets, slice(None))
        cut.import_mwh, cut.export_mwh, cut.estimated_mwh = (
            values * share for values in (buckets.import_mwh, buckets.export_mwh, buckets.estimated_mwh)
        )
        return [cut]

    async def _read(self, read: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(read)
        except (StoreError, OSError) as error:
            raise HubError("history-unreadable", reason=str(error)) from error


def _source(start: int, end: int, points: int, now: int, retention: Retention) -> str:
    """The finest source that reaches back far enough and needs no more than `points`."""
    length = end - start
    if length <= points * RAW_MS and start >= now - retention.answered("raw"):
        return "raw"
    for source, width in BUCKETS.items():
        if length // width <= points and start >= now - retention.answered(source):
            return source
    return "1d"
