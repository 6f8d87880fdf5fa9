"""Queries: the right source, store and tail as one, extremes kept, and energy that adds up."""

import asyncio
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.points import energy_sum
from hub.history.query import Query
from hub.history.retention import Retention
from hub.messages import HubError
from hub.plugins import m4
from hub.plugins.columns import empty_rollup, select_raw, select_rollup
from hub.plugins.contract import Merge, RollupColumns, SeriesKey, StoreError
from hub.testing.traces import assert_raw_equal, buckets, trace
from integrations.storage.sqlite.store import SqliteStore
from tests.history_query.parts import FakeTail, FixedClock

FRIDGE = SeriesKey("fridge")
LAMP = SeriesKey("fridge", 1)
QUARTER = 15 * MINUTE
T = 1_700_000_000_000 // DAY * DAY
NOW = T + 20 * DAY


@pytest.fixture
def tail() -> FakeTail:
    return FakeTail()


@pytest.fixture
def query(store: SqliteStore, tail: FakeTail) -> Query:
    return Query(store, tail, FixedClock(NOW), zone=lambda _: "Europe/Berlin")


def both_tiers(count: int, start: int, seed: int = 1) -> list[tuple[SeriesKey, str, RollupColumns]]:
    """`count` minutes, and the quarters that they make."""
    minutes = buckets(count, start=start, bucket_ms=MINUTE, seed=seed)
    firsts = np.flatnonzero(np.diff(minutes.start // QUARTER, prepend=-1))
    quarters = select_rollup(minutes, firsts)
    quarters.start = minutes.start[firsts] // QUARTER * QUARTER
    for name in ("import_mwh", "covered_ms", "on_ms", "count"):
        setattr(quarters, name, np.add.reduceat(getattr(minutes, name), firsts))
    quarters.import_mwh = np.round(quarters.import_mwh, 3)
    quarters.min_power = np.minimum.reduceat(minutes.min_power, firsts)
    quarters.max_power = np.maximum.reduceat(minutes.max_power, firsts)
    return [(FRIDGE, "1m", minutes), (FRIDGE, "15m", quarters)]


@pytest.mark.parametrize(
    ("length", "ago", "source"),
    [
        (HOUR, HOUR, "raw"),
        (HOUR, 8 * DAY, "1m"),
        (HOUR, 40 * DAY, "15m"),
        (12 * HOUR, DAY, "1m"),
        (DAY, DAY, "5m"),
        (7 * DAY, 7 * DAY, "15m"),
        (DAY, 400 * DAY, "1d"),
        (30 * DAY, 30 * DAY, "1h"),
        (365 * DAY, 365 * DAY, "1d"),
    ],
)
async def test_the_finest_source_that_fits(query: Query, length: int, ago: int, source: str) -> None:
    result = await query.series(FRIDGE, NOW - ago, NOW - ago + length)
    assert result.source == source
    assert len(result.at) == 0
    assert result.total_mwh is None


async def test_never_more_than_about_the_points_asked_for(query: Query, store: SqliteStore) -> None:
    store.merge(Merge(raw=[(FRIDGE, trace(7200, start=NOW - 2 * HOUR))], rollups=both_tiers(20 * 1440, T)))
    for length in (HOUR, 2 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY, 20 * DAY, 1900 * DAY):
        for points in (10, 100, 1000):
            result = await query.series(FRIDGE, NOW - length, NOW, points)
            assert 0 < len(result.at) <= points + 4, (length, points)


async def test_samples_as_they_are(query: Query, store: SqliteStore) -> None:
    columns = trace(600, start=NOW - HOUR)
    store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[]))
    result = await query.series(FRIDGE, NOW - HOUR, NOW)
    np.testing.assert_array_equal(result.at, columns.at)
    np.testing.assert_array_equal(result.mean, columns.power)
    assert result.bucket_ms == 0
    assert np.isnan(result.energy_mwh).all()


async def test_thinned_samples_keep_what_stands_out(query: Query, store: SqliteStore) -> None:
    columns = trace(3600, start=NOW - HOUR)
    columns.power[1234], columns.power[2345] = 2899.5, -3.5
    store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[]))
    result = await query.series(FRIDGE, NOW - HOUR, NOW, 200, "raw")
    assert len(result.at) <= 200
    assert columns.at[1234] in result.at
    assert columns.at[2345] in result.at
    assert (result.at[0], result.at[-1]) == (columns.at[0], columns.at[-1])
    assert (result.max.max(), result.min.min()) == (2899.5, -3.5)


async def test_summed_buckets_keep_what_stands_out(query: Query, store: SqliteStore) -> None:
    rollups = both_tiers(7 * 1440, T)
    rollups[1][2].max_power[321], rollups[1][2].min_power[99] = 2899.5, 0.0
    store.merge(Merge(raw=[], rollups=rollups))
    result = await query.series(FRIDGE, T, T + 7 * DAY, 200)
    assert result.source == "1h"
    assert (result.max.max(), result.min.min()) == (2899.5, 0.0)
    assert result.at[int(np.argmax(result.max))] == T + 321 * QUARTER // HOUR * HOUR


async def test_streams_are_drawn_in_order_of_time(query: Query, store: SqliteStore) -> None:
    early, late = trace(100, start=NOW - HOUR, run="ff"), trace(100, start=NOW - HOUR + 100_000, run="00")
    store.merge(Merge(raw=[(FRIDGE, late), (FRIDGE, early)], rollups=[]))
    result = await query.series(FRIDGE, NOW - HOUR, NOW)
    np.testing.assert_array_equal(result.at, np.concatenate([early.at, late.at]))


async def test_samples_without_power_are_no_points(query: Query, store: SqliteStore) -> None:
    columns = trace(100, start=NOW - HOUR)
    columns.power[20:30] = np.nan
    store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[]))
    assert len((await query.series(FRIDGE, NOW - HOUR, NOW)).at) == 90


async def test_the_tail_follows_the_store(query: Query, store: SqliteStore, tail: FakeTail) -> None:
    columns = trace(3000, start=NOW - HOUR)
    store.merge(Merge(raw=[(FRIDGE, select_raw(columns, slice(2000)))], rollups=[]))
    tail.samples[FRIDGE] = [select_raw(columns, slice(1900, 3000))]
    (found,) = await query.raw(FRIDGE, NOW - HOUR, NOW)
    assert_raw_equal(found, columns)


async def test_the_tails_buckets_replace_the_stores(query: Query, store: SqliteStore, tail: FakeTail) -> None:
    old = buckets(30, start=NOW - HOUR, bucket_ms=MINUTE)
    new = buckets(10, start=NOW - HOUR + 25 * MINUTE, bucket_ms=MINUTE, seed=2)
    store.merge(Merge(raw=[], rollups=[(FRIDGE, "1m", old)]))
    tail.open[FRIDGE, "1m"] = [new]
    result = await query.series(FRIDGE, NOW - HOUR, NOW, bucket="1m")
    expected = np.concatenate([old.import_mwh[:25], new.import_mwh])
    np.testing.assert_array_equal(result.energy_mwh, expected)


async def test_a_merge_that_finishes_meanwhile_hides_nothing(query: Query, store: SqliteStore, tail: FakeTail) -> None:
    columns, minutes = trace(600, start=NOW - HOUR), buckets(10, start=NOW - HOUR, bucket_ms=MINUTE)
    tail.samples[FRIDGE], tail.open[FRIDGE, "1m"] = [columns], [minutes]

    def merged() -> None:
        if tail.samples:
            store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[(FRIDGE, "1m", minutes)]))
            tail.samples, tail.open = {}, {}

    tail.asked = merged
    assert len((await query.series(FRIDGE, NOW - HOUR, NOW)).at) == 600
    tail.samples, tail.open = {FRIDGE: [columns]}, {(FRIDGE, "1m"): [minutes]}
    assert len((await query.series(FRIDGE, NOW - HOUR, NOW, bucket="1m")).at) == 10


@pytest.mark.parametrize(("date", "hours"), [((2023, 10, 29), 25), ((2023, 3, 26), 23), ((2023, 11, 15), 24)])
async def test_the_hours_of_a_day_are_the_day(
    store: SqliteStore, tail: FakeTail, date: tuple[int, ...], hours: int
) -> None:
    midnight = int(datetime(*date, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)  # type: ignore[arg-type,misc]
    store.merge(Merge(raw=[], rollups=both_tiers(4 * 1440, midnight // HOUR * HOUR - DAY)))
    clock = FixedClock(midnight + 10 * DAY)
    query = Query(store, tail, clock, lambda _: "Europe/Berlin")
    day = await query.series(FRIDGE, midnight, midnight + hours * HOUR, bucket="1d")
    assert day.at.tolist() == [midnight]
    for bucket, count in (("1h", hours), ("15m", 4 * hours), ("5m", 12 * hours), ("1m", 60 * hours)):
        parts = await query.series(FRIDGE, midnight, midnight + hours * HOUR, bucket=bucket)
        assert len(parts.at) == count
        assert energy_sum(parts.energy_mwh) == parts.total_mwh
        assert parts.total_mwh == pytest.approx(day.total_mwh, abs=0.1)
        if bucket in ("1h", "15m"):
            assert parts.total_mwh == day.total_mwh == energy_sum(day.energy_mwh)
    total = await query.energy(FRIDGE, midnight, midnight + hours * HOUR)
    assert total.imported_mwh == day.total_mwh


async def test_hours_of_a_zone_of_45_minutes(store: SqliteStore, tail: FakeTail) -> None:
    store.merge(Merge(raw=[], rollups=both_tiers(1440, T)))
    query = Query(store, tail, FixedClock(NOW), lambda _: "Asia/Kathmandu")
    result = await query.series(FRIDGE, T + QUARTER, T + QUARTER + 5 * HOUR, bucket="1h")
    assert result.at.tolist() == [T + QUARTER + k * HOUR for k in range(5)]
    expected = await query.energy(FRIDGE, T + QUARTER, T + QUARTER + 5 * HOUR)
    assert result.total_mwh == expected.imported_mwh


async def test_means_are_weighted_by_the_time_covered(query: Query, store: SqliteStore) -> None:
    minutes = buckets(5, start=T, bucket_ms=MINUTE)
    minutes.mean_power = np.array([100.0, 200.0, np.nan, 0.0, 50.0])
    minutes.covered_ms = np.array([60_000, 30_000, 60_000, 60_000, 0])
    store.merge(Merge(raw=[], rollups=[(FRIDGE, "1m", minutes)]))
    result = await query.series(FRIDGE, T, T + 5 * MINUTE, bucket="5m")
    assert result.mean.tolist() == pytest.approx([(100 * 60 + 200 * 30) / 150], abs=0.01)


async def test_unknown_stays_unknown(query: Query, store: SqliteStore) -> None:
    minutes = buckets(10, start=T, bucket_ms=MINUTE)
    for name in ("mean_power", "min_power", "max_power", "import_mwh"):
        getattr(minutes, name)[:5] = np.nan
    minutes.estimated_mwh[7] = 12.5
    store.merge(Merge(raw=[], rollups=[(FRIDGE, "1m", minutes)]))
    result = await query.series(FRIDGE, T, T + 10 * MINUTE, bucket="5m")
    for values in (result.mean, result.min, result.max, result.energy_mwh):
        assert np.isnan(values).tolist() == [True, False]
    assert result.estimated_mwh.tolist() == [0.0, 12.5]
    assert result.estimated_total_mwh == 12.5
    assert result.total_mwh == result.energy_mwh[1]


async def test_what_is_missing_is_no_point(query: Query, store: SqliteStore) -> None:
    rollups = both_tiers(1440, T)
    kept = [(k, tier, select_rollup(c, (c.start < T + 5 * HOUR) | (c.start >= T + 9 * HOUR))) for k, tier, c in rollups]
    store.merge(Merge(raw=[], rollups=kept))
    result = await query.series(FRIDGE, T, T + DAY, bucket="1h")
    assert result.at.tolist() == [T + k * HOUR for k in (*range(5), *range(9, 24))]


async def test_energy_of_any_ranges_adds_up(query: Query, store: SqliteStore) -> None:
    store.merge(Merge(raw=[], rollups=both_tiers(2 * 1440, T)))
    cuts = [T, T + 1, T + 77_777, T + 4 * HOUR + 123_456, T + 4 * HOUR + 123_999, T + 30 * HOUR, T + 2 * DAY]
    parts = [(await query.energy(FRIDGE, a, b)).imported_mwh for a, b in pairwise(cuts)]
    whole = (await query.energy(FRIDGE, T, T + 2 * DAY)).imported_mwh
    assert sum(part or 0 for part in parts) == pytest.approx(whole, abs=0.1)
    assert all(part is not None and part >= 0 for part in parts)


async def test_energy_of_several_series(query: Query, store: SqliteStore) -> None:
    rollups = both_tiers(60, T)
    store.merge(Merge(raw=[], rollups=[*rollups, *((LAMP, tier, c) for _, tier, c in rollups)]))
    one = (await query.energy(FRIDGE, T, T + HOUR)).imported_mwh
    both = await query.energy([FRIDGE, LAMP], T, T + HOUR)
    assert one is not None
    assert both.imported_mwh == pytest.approx(2 * one, abs=1e-9)
    assert (await query.energy([], T, T + HOUR)).imported_mwh is None


async def test_energy_at_odd_times_where_minutes_are_forgotten(store: SqliteStore, tail: FakeTail) -> None:
    quarters = buckets(8, start=T, bucket_ms=QUARTER)
    store.merge(Merge(raw=[], rollups=[(FRIDGE, "15m", quarters)]))
    query = Query(store, tail, FixedClock(T + 100 * DAY))
    found = await query.energy(FRIDGE, T + QUARTER // 3, T + 2 * QUARTER)
    expected = quarters.import_mwh[0] * 2 / 3 + quarters.import_mwh[1]
    assert found.imported_mwh == pytest.approx(expected, abs=0.01)


async def test_retention_limits_what_is_answered(store: SqliteStore, tail: FakeTail) -> None:
    store.merge(Merge(raw=[], rollups=both_tiers(20 * 1440, T)))
    query = Query(store, tail, FixedClock(NOW), retention=lambda _: Retention(raw=1, minutes=2, hours=5, days=10))
    assert (await query.series(FRIDGE, NOW - DAY, NOW)).source == "5m"
    assert (await query.series(FRIDGE, NOW - 3 * DAY, NOW)).source == "15m"
    result = await query.series(FRIDGE, T, NOW)
    assert (result.source, len(result.at)) == ("1d", 10)
    assert len((await query.series(FRIDGE, T, NOW, bucket="1h")).at) == 5 * 24
    assert len((await query.series(FRIDGE, T, T + DAY, bucket="1h")).at) == 0


async def test_each_series_has_its_own_retention(store: SqliteStore, tail: FakeTail) -> None:
    for series in (FRIDGE, LAMP):
        store.merge(Merge(raw=[], rollups=[(series, tier, columns) for _, tier, columns in both_tiers(20 * 1440, T)]))
    kept = {FRIDGE: Retention(raw=1, minutes=2, hours=5, days=10), LAMP: Retention()}
    query = Query(store, tail, FixedClock(NOW), retention=kept.__getitem__)
    fridge, lamp = await query.several([FRIDGE, LAMP], NOW - 3 * DAY, NOW)
    assert (fridge.source, lamp.source) == ("15m", "5m")
    for pair in ([FRIDGE, LAMP], [LAMP, FRIDGE]):
        both = await query.sum(pair, NOW - 3 * DAY, NOW)
        assert both.source == "15m", "of which both still have points"
        assert both.total_mwh == pytest.approx((fridge.total_mwh or 0) + (lamp.total_mwh or 0))
    fridge, lamp = await query.several([FRIDGE, LAMP], T, NOW, bucket="1d")
    assert (len(fridge.at), len(lamp.at)) == (10, 20)


async def test_questions_that_make_no_sense(query: Query) -> None:
    for arguments, problem in (
        ((T, T), "series-range-invalid"),
        ((T + 1, T, 1000, "1h"), "series-range-invalid"),
        ((T, NOW, 1000, "7m"), "bucket-unknown"),
        ((T, NOW, 1000, "1m"), "too-many-points"),
    ):
        with pytest.raises(HubError) as caught:
            await query.series(FRIDGE, *arguments)
        assert caught.value.id == problem
        assert str(caught.value)
    with pytest.raises(HubError):
        await query.energy(FRIDGE, T, T)


async def test_a_range_without_end_is_answered_at_once(query: Query, store: SqliteStore) -> None:
    store.merge(Merge(raw=[], rollups=both_tiers(1440, NOW - DAY)))
    result = await query.series(FRIDGE, 0, 2**62)
    assert result.total_mwh is not None


async def test_a_store_that_cannot_read_is_told(
    query: Query, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise StoreError("disk I/O error")

    monkeypatch.setattr(store, "rollup", broken)
    with pytest.raises(HubError, match="disk I/O error"):
        await query.series(FRIDGE, T, NOW)


async def test_reading_does_not_hold_the_event_loop(
    query: Query, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*_: object, **__: object) -> RollupColumns:
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        return empty_rollup()

    monkeypatch.setattr(store, "rollup", slow)
    question = asyncio.create_task(query.series(FRIDGE, T, NOW))
    await reading.wait()
    go_on.set()
    assert (await question).total_mwh is None


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(-50, 50)), min_size=1, max_size=200), st.integers(1, 20))
def test_m4_keeps_the_extremes_of_every_stretch(samples: list[tuple[int, int]], columns: int) -> None:
    samples.sort(key=lambda sample: sample[0])
    at = np.array([t for t, _ in samples], np.int64)
    values = np.array([v for _, v in samples], np.float64)
    chosen = m4.chosen(at, values, m4.stretches(0, 10_000, columns))
    assert len(chosen) <= 4 * columns
    assert (np.diff(chosen) > 0).all()
    place = at * columns // 10_000
    for stretch in set(place.tolist()):
        all_of_it, kept = values[place == stretch], values[chosen][place[chosen] == stretch]
        assert (kept[0], kept[-1]) == (all_of_it[0], all_of_it[-1])
        assert (kept.min(), kept.max()) == (all_of_it.min(), all_of_it.max())


async def test_a_range_that_ends_now_holds_all_of_the_running_minute(store: SqliteStore, tail: FakeTail) -> None:
    start = T + 3 * HOUR
    (_, _, minutes), _ = both_tiers(15, start)
    store.merge(Merge(raw=[], rollups=[(FRIDGE, "1m", minutes)]))
    now = start + 4 * MINUTE + 20_000
    query = Query(store, tail, FixedClock(now))
    whole = energy_sum(minutes.import_mwh[:5])
    assert (await query.energy(FRIDGE, start, now)).imported_mwh == whole
    assert (await query.energy(FRIDGE, start, now + MINUTE // 2)).imported_mwh == whole
