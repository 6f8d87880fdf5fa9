"""Questions to history: any range of any series, from the right tier, store and tail as one."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from hub.clock import Clock
from hub.history.calendar import BUCKETS, CHARTED, DAY, Calendar
from hub.history.days import DaySums
from hub.history.editions import Editions
from hub.history.outlet import Outlet, together, total
from hub.history.points import Energy, SeriesResult, summed
from hub.history.retention import Retention
from hub.messages import HubError
from hub.plugins.columns import empty_rollup
from hub.plugins.contract import HistoryStore, Int64, RawColumns, RollupColumns, SeriesKey, StoreError
from hub.telemetry.interface import Tail

T = TypeVar("T")

RAW_MS = 4_000  # for each point asked for: a chart of up to this many ms of raw samples is drawn from them
MOST = 20_000  # points of a bucket that somebody asked for by name
LONGEST = 100 * 366 * DAY
SUM = SeriesKey("", 0)
"""The series of a sum of several."""


class _Asked(NamedTuple):
    """What one question wants, decided on the event loop; answered in a reader thread."""

    source: str
    start: int
    end: int
    points: int
    calendar: Calendar
    named: bool
    """Is it a bucket asked for by name: then all of them are given."""

    def answer(self, outlet: Outlet) -> SeriesResult:
        if self.start >= self.end:  # all of it is older than what is answered
            return summed(outlet.series, self.source, BUCKETS.get(self.source, 0), empty_rollup(), _NO_EDGES)
        if self.source == "raw":
            return outlet.line(self.start, self.end, self.points)
        edges, width = self._edges()
        return outlet.summed(self.source, self.calendar, edges, width)

    def sum(self, outlets: Sequence[Outlet]) -> SeriesResult:
        if self.start >= self.end or not outlets:
            return summed(SUM, self.source, BUCKETS[self.source], empty_rollup(), _NO_EDGES)
        edges, width = self._edges()
        return together(outlets, self.source, self.calendar, edges, width)

    def _edges(self) -> tuple[Int64, int]:
        """Edges of the points, of which each joins as many buckets as must be, and their usual length in ms."""
        edges = self.calendar.edges(self.source, self.start, self.end)
        step = 1 if self.named else -(-(len(edges) - 1) // (self.points + 1))
        return np.unique(np.append(edges[::step], edges[-1])), BUCKETS[self.source] * step


_NO_EDGES = np.empty(0, np.int64)


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
        *,
        editions: Editions | None = None,
    ) -> None:
        """`zone`: the time zone of a series' home; `retention`: what is answered of it; `editions`: tells what merges
        change, so that sums of days can be remembered."""
        self._store = store
        self._tail = tail
        self._clock = clock
        self._zone = zone
        self._retention = retention
        self._days = None if editions is None else DaySums(editions)

    async def series(
        self, series: SeriesKey, start: int, end: int, points: int = 1000, bucket: str | None = None
    ) -> SeriesResult:
        """Points of a chart with start <= time < end; the first bucket is the one that holds `start`.

        Without `bucket` at most about `points`, from the finest source that has them; with one (raw, 1m, 5m, 15m,
        1h, 1d, 1w, 1mo) that source, of which raw is thinned to `points` by M4. Hours, days, weeks (from Monday) and
        months are those of the home's zone.
        Raises HubError: series-range-invalid, bucket-unknown, too-many-points, zone-unknown, history-unreadable.
        """
        return (await self.several([series], start, end, points, bucket))[0]

    async def several(
        self, series: Sequence[SeriesKey], start: int, end: int, points: int = 1000, bucket: str | None = None
    ) -> list[SeriesResult]:
        """The same of several outlets, in their order, read in one go."""
        asked = [self._asked(key, start, end, points, bucket) for key in series]
        outlets = self._outlets(series)
        return await self._read(lambda: [one.answer(outlet) for one, outlet in zip(asked, outlets, strict=True)])

    async def sum(
        self, series: Sequence[SeriesKey], start: int, end: int, points: int = 1000, bucket: str | None = None
    ) -> SeriesResult:
        """The sum of several outlets of one home as one series; raw samples are not added up.

        min and max are sums of the outlets' own within each stored bucket: they bound those of the sum.
        Raises as `series`, and HubError("sum-of-raw").
        """
        if bucket == "raw":
            raise HubError("sum-of-raw", field="bucket")
        asked = self._asked(series[0] if series else SUM, start, end, points, bucket, others=series)
        outlets = self._outlets(series)
        return await self._read(lambda: asked.sum(outlets))

    async def buckets(self, series: SeriesKey, start: int, end: int, bucket: str) -> RollupColumns:
        """Every bucket of one outlet: power, energy and time covered (all else is unknown). Raises as `series`."""
        asked = self._asked(series, start, end, MOST, bucket)
        if asked.start >= asked.end:
            return empty_rollup()
        (outlet,) = self._outlets([series])
        edges = asked.calendar.edges(bucket, asked.start, asked.end)
        return await self._read(lambda: outlet.rollup(bucket, asked.calendar, edges))

    async def energy(self, series: SeriesKey | Sequence[SeriesKey], start: int, end: int) -> Energy:
        """Energy of one series or the sum of several over start..end, of any length and age.

        Whole quarters of an hour come from the 15-minute tier, what is left at both ends from the 1-minute tier (where
        that is forgotten: from the quarter, by its share of time), so that adjoining ranges add up.
        """
        if start >= end:
            raise HubError("series-range-invalid", field="from")
        outlets = self._outlets([series] if isinstance(series, SeriesKey) else series)
        return await self._read(lambda: total([part for each in outlets for part in each.energy(start, end)]))

    async def raw(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """All samples with start <= at < end, one entry a stream, by the time of their first sample."""
        (outlet,) = self._outlets([series])
        return await self._read(lambda: outlet.raw(start, end))

    def _asked(
        self,
        series: SeriesKey,
        start: int,
        end: int,
        points: int,
        bucket: str | None,
        *,
        others: Sequence[SeriesKey] | None = None,
    ) -> _Asked:
        """`others`: those that are summed with it."""
        if start >= end:
            raise HubError("series-range-invalid", field="from")
        if bucket is not None and bucket != "raw" and bucket not in BUCKETS:
            raise HubError("bucket-unknown", field="bucket", bucket=bucket, known=", ".join(["raw", *BUCKETS]))
        now, kept = self._clock.now(), [self._retention(each) for each in others or [series]]
        # A source that one of them no longer has would leave it out of the sum.
        source = bucket or _source(start, end, points, now, kept, raw=others is None)
        start, end = max(start, now - max(each.answered(source) for each in kept)), min(end, start + LONGEST)
        if bucket is not None and bucket != "raw" and (end - start) // BUCKETS[bucket] > MOST:
            raise HubError("too-many-points", field="bucket", bucket=bucket, limit=MOST)
        return _Asked(source, start, end, points, Calendar(self._zone(series)), bucket is not None)

    def _outlets(self, series: Sequence[SeriesKey]) -> list[Outlet]:
        now = self._clock.now()
        return [
            Outlet(
                key,
                self._store,
                snapshot,
                minutes_from=now - self._retention(key).answered("1m"),
                now=now,
                days=self._days,
            )
            for key, snapshot in zip(series, self._tail.snapshots(series), strict=True)
        ]

    async def _read(self, read: Callable[[], T]) -> T:
        try:
            return await self._tail.read(read)
        except (StoreError, OSError) as error:
            raise HubError("history-unreadable", reason=str(error)) from error


def _source(start: int, end: int, points: int, now: int, kept: Sequence[Retention], *, raw: bool) -> str:
    """The finest source that reaches back far enough in all of them and needs no more than `points`."""
    length = end - start

    def reaches(source: str) -> bool:
        return all(start >= now - each.answered(source) for each in kept)

    if raw and length <= points * RAW_MS and reaches("raw"):
        return "raw"
    for source, width in CHARTED.items():
        if length // width <= points and reaches(source):
            return source
    return "1d"
