"""A tail and a clock for tests of queries."""

from collections.abc import Callable

from hub.clock import Clock
from hub.plugins.columns import empty_rollup, join_rollup, select_raw, select_rollup
from hub.plugins.contract import RawColumns, RollupColumns, SeriesKey


class FixedClock(Clock):
    """Stands still."""

    def __init__(self, now: int) -> None:
        super().__init__(trusted=True)
        self.time = now

    def now(self) -> int:
        return self.time


class FakeTail:
    """What is not merged yet, as given; calls `asked` at each question, as a merge that finishes just then would."""

    def __init__(self) -> None:
        self.samples: dict[SeriesKey, list[RawColumns]] = {}
        self.open: dict[tuple[SeriesKey, str], list[RollupColumns]] = {}
        self.asked: Callable[[], None] = lambda: None

    def merged_until(self, series: SeriesKey) -> int:
        return 0

    def raw(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        chosen = [select_raw(c, (c.at >= start) & (c.at < end)) for c in self.samples.get(series, [])]
        self.asked()
        return chosen

    def buckets(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns:
        columns = join_rollup(self.open.get((series, tier), [empty_rollup()]))
        self.asked()
        return select_rollup(columns, (columns.start >= start) & (columns.start < end))
