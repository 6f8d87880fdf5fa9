"""Sums of days: remembered until a merge changes them, and never different from what the quarters say."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hub.history import days
from hub.history.calendar import DAY, MINUTE
from hub.history.editions import NEVER, Editions
from hub.history.query import Query
from hub.plugins.columns import select_rollup
from hub.plugins.contract import Int64, Merge, RollupColumns, SeriesKey
from hub.testing.traces import buckets
from integrations.storage.sqlite.store import SqliteStore
from tests.history_query.parts import FakeTail, FixedClock

FRIDGE, LAMP = SeriesKey("fridge"), SeriesKey("lamp")
QUARTER = 15 * MINUTE
T = 1_700_000_000_000 // DAY * DAY
DAYS = 40
NOW = T + DAYS * DAY - DAY // 2


class Reading(SqliteStore):
    """Notes what is read of the 15-minute tier, by quarters or summed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[tuple[int, int]] = []

    def rollup(self, series: SeriesKey, tier: str, start: int, end: int, *, brief: bool = False) -> RollupColumns:
        self.asked.append((start, end))
        return super().rollup(series, tier, start, end, brief=brief)

    def sums(self, series: SeriesKey, edges: Int64) -> RollupColumns:
        self.asked.append((int(edges[0]), int(edges[-1])))
        return super().sums(series, edges)


class Home:
    """A store whose merges are announced."""

    def __init__(self, store: Reading) -> None:
        self.store = store
        self.tail = FakeTail()
        self.editions = Editions()
        zone = "Europe/Berlin"
        self.remembering = Query(store, self.tail, FixedClock(NOW), lambda _: zone, editions=self.editions)
        self.plain = Query(store, self.tail, FixedClock(NOW), lambda _: zone)

    def merge(self, columns: RollupColumns, key: SeriesKey = FRIDGE) -> None:
        with self.editions.change([key], first={key: int(columns.start.min())}):
            self.store.merge(Merge([], [(key, "15m", columns)]))

    async def check(self, start: int = T, end: int = NOW, bucket: str = "1d") -> None:
        """Both answer the same, to the last bit of every energy."""
        left = await self.remembering.series(FRIDGE, start, end, bucket=bucket)
        right = await self.plain.series(FRIDGE, start, end, bucket=bucket)
        for name in ("at", "min", "max", "energy_mwh", "export_mwh", "estimated_mwh"):
            np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
        np.testing.assert_allclose(left.mean, right.mean, rtol=1e-12)
        assert left.total_mwh == right.total_mwh


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    store = Reading(tmp_path / "history.sqlite")
    store.open()
    home = Home(store)
    home.merge(buckets((NOW - T) // QUARTER, start=T, bucket_ms=QUARTER))
    yield home
    store.close()


async def test_a_second_question_reads_nothing(home: Home) -> None:
    await home.check()
    home.store.asked.clear()
    await home.remembering.series(FRIDGE, T, NOW, bucket="1d")
    await home.remembering.series(FRIDGE, T + 9 * DAY, NOW - 10 * DAY, bucket="1w")
    assert home.store.asked == []


async def test_a_merge_of_today_leaves_the_other_days(home: Home) -> None:
    await home.check()
    home.merge(buckets(4, start=NOW - 4 * QUARTER, bucket_ms=QUARTER, seed=2))
    home.store.asked.clear()
    await home.remembering.series(FRIDGE, T, NOW, bucket="1d")
    assert [start for start, _ in home.store.asked] == [NOW - 4 * QUARTER]
    await home.check()


async def test_late_data_correct_an_old_day(home: Home) -> None:
    await home.check()
    home.merge(buckets(8, start=T + 11 * DAY + 5 * QUARTER, bucket_ms=QUARTER, seed=3))
    await home.check()
    home.merge(buckets(8, start=T + 12 * DAY, bucket_ms=QUARTER, seed=4))
    home.merge(buckets(8, start=T + 30 * DAY, bucket_ms=QUARTER, seed=5))
    await home.check()
    with home.editions.change([FRIDGE]):  # what changed is not known: all may have
        home.store.merge(Merge([], [(FRIDGE, "15m", buckets(9, start=T, bucket_ms=QUARTER, seed=6))]))
    await home.check()


async def test_the_tail_replaces_buckets_of_any_day(home: Home) -> None:
    whole = buckets((NOW - T) // QUARTER, start=T, bucket_ms=QUARTER, seed=7)
    chosen = np.zeros(len(whole.start), bool)
    chosen[[3, 200, 201, 1500, -1]] = True
    home.tail.open[FRIDGE, "15m"] = [select_rollup(whole, chosen)]
    for _ in range(2):
        await home.check()
    home.tail.open.clear()
    await home.check()


@pytest.mark.parametrize("bucket", ["1d", "1w", "1mo"])
async def test_other_ranges_grow_and_shrink(home: Home, bucket: str) -> None:
    for first, last in ((20, 30), (10, 30), (15, 25), (15, 39), (0, 40), (5, 6)):
        await home.check(T + first * DAY + 7, min(T + last * DAY, NOW), bucket)
    home.merge(buckets(40, start=T + 17 * DAY, bucket_ms=QUARTER, seed=8))
    await home.check(T + 18 * DAY, NOW, bucket)
    await home.check(T, NOW, bucket)


async def test_outlets_stay_apart(home: Home) -> None:
    home.merge(buckets(96, start=T, bucket_ms=QUARTER, seed=9), LAMP)
    total = await home.remembering.sum([FRIDGE, LAMP], T, NOW, bucket="1d")
    each = await home.remembering.several([FRIDGE, LAMP], T, NOW, bucket="1d")
    assert total.total_mwh == pytest.approx(sum(one.total_mwh or 0 for one in each), abs=1e-6)
    assert total.energy_mwh[5] == each[0].energy_mwh[5]


async def test_days_in_memory_are_bounded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "BYTES", 50_000)
    keys = [SeriesKey(f"plug-{k}") for k in range(12)]
    for key in keys:
        home.merge(buckets(30 * 96, start=T, bucket_ms=QUARTER), key)
    for key in [*keys, keys[-1]]:
        await home.remembering.series(key, T, NOW, bucket="1d")
    known = home.remembering._days
    assert known is not None
    assert 0 < known.bytes <= 50_000
    assert known.bytes == sum(one.size for one in known._known.values())
    home.store.asked.clear()
    await home.remembering.series(keys[-1], T, NOW, bucket="1d")
    assert home.store.asked == [], "what was asked last stays"


def test_the_earliest_change_counts() -> None:
    editions = Editions()
    for first in (500, 700, 600, 900):
        with editions.change([FRIDGE], first={FRIDGE: first}):
            pass
    assert [editions.changed(FRIDGE, number) for number in range(5)] == [500, 600, 600, 900, NEVER]
    for first in range(1000, 1100):
        with editions.change([FRIDGE, LAMP], first={FRIDGE: first}):
            pass
    assert editions.changed(FRIDGE, 4) <= 1000
    assert editions.changed(FRIDGE, 103) == 1099
    assert editions.changed(LAMP, 0) == NEVER
