"""A tail and a clock for tests of queries."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from hub.clock import Clock
from hub.plugins.columns import empty_rollup, join_rollup, select_raw, select_rollup
from hub.plugins.contract import RawColumns, RollupColumns, SeriesKey

T = TypeVar("T")


class FixedClock(Clock):
    """Stands still."""

    def __init__(self, now: int) -> None:
        super().__init__(trusted=True)
        self.time = now

    def now(self) -> int:
        return self.time


class FakeTail:
    """What is not merged yet, as given; calls `asked` at each question, as a merge that finishes just then would.

    `threads`: in which the questions were asked.
    """

    def __init__(self) -> None:
        self.samples: dict[SeriesKey, list[RawColumns]] = {}
        self.open: dict[tuple[SeriesKey, str], list[RollupColumns]] = {}
        self.asked: Callable[[], None] = lambda: None
        self.threads: set[int] = set()

    def snapshot(self, series: SeriesKey) -> "FakeSnapshot":
        return FakeSnapshot(self, series)

    def snapshots(self, series: Sequence[SeriesKey]) -> "list[FakeSnapshot]":
        return [self.snapshot(key) for key in series]

    async def read(self, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(call)


class FakeSnapshot:
    """One outlet of it."""

    def __init__(self, tail: FakeTail, series: SeriesKey) -> None:
        self.tail = tail
        self.series = series

    def raw(self, start: int, end: int) -> list[RawColumns]:
        chosen = [select_raw(c, (c.at >= start) & (c.at < end)) for c in self.tail.samples.get(self.series, [])]
        self.called()
        return chosen

    def buckets(self, tier: str, start: int, end: int) -> RollupColumns:
        columns = join_rollup(self.tail.open.get((self.series, tier), [empty_rollup()]))
        self.called()
        return select_rollup(columns, (columns.start >= start) & (columns.start < end))

    def called(self) -> None:
        self.tail.threads.add(threading.get_ident())
        self.tail.asked()
