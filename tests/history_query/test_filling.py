"""A line of samples where for a while only minutes are known: they take the place, marked, and the total is exact."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.points import Filled, SeriesResult
from hub.history.query import Query
from hub.history.retention import Retention
from hub.plugins.columns import select_raw
from hub.plugins.contract import Merge, RawColumns, SeriesKey
from hub.testing.traces import trace
from integrations.storage.sqlite.store import SqliteStore
from tests.history.test_gaps import Story
from tests.history.test_minutes import keep, minute
from tests.history_query.parts import FakeTail, FixedClock
from tests.history_query.test_query import FRIDGE, NOW, T, both_tiers


def asked(store: SqliteStore, now: int = NOW, retention: Retention | None = None) -> Query:
    return Query(store, FakeTail(), FixedClock(now), retention=lambda _: retention or Retention())


def inside(result: SeriesResult) -> np.ndarray:
    """Which points are buckets."""
    found = np.zeros(len(result.at), bool)
    for each in result.filled:
        found |= (result.at >= each.start) & (result.at < each.end)
    return found


async def test_minutes_that_a_plug_kept(tmp_path: Path) -> None:
    story = await Story(tmp_path).start()
    begin = story.clock.now() + 1000
    story.play(0, 89)
    story.clock.run(600)
    story.play(690, 779, oldest=690)
    keep(story.core, *(minute(90 + k * 60, 149 + k * 60) for k in range(10)))
    query = Query(story.core.store, story.core.history.tail, story.clock)
    for merged in (False, True):
        if merged:
            await story.core.history.merge()
        result = await query.series(SeriesKey("d1"), begin, begin + 780_000)
        assert result.source == "raw"
        (filled,) = result.filled
        assert filled.bucket_ms == MINUTE
        assert filled.start - (begin + 89_000) <= MINUTE
        assert begin + 690_000 - filled.end <= MINUTE
        buckets = inside(result)
        assert result.at[~buckets].tolist() == [begin + k * 1000 for k in (*range(90), *range(690, 780))]
        assert result.at[buckets].tolist() == list(range(filled.start, filled.end, MINUTE))
        assert set(result.max[buckets].tolist()) == {4000.0}
        assert result.mean[buckets].tolist() == pytest.approx([3600.0] * 9)
        assert result.total_mwh == (await query.energy(SeriesKey("d1"), begin, begin + 780_000)).imported_mwh
    await story.core.stop()


async def test_samples_that_were_given_up_or_forgotten(store: SqliteStore) -> None:
    """All of them: where a longer retention was set anew, or a disk ran short."""
    store.merge(Merge(raw=[], rollups=both_tiers(20 * 1440, T)))
    result = await asked(store).series(FRIDGE, NOW - HOUR, NOW)
    assert (result.source, result.filled) == ("raw", [Filled(NOW - HOUR, NOW, MINUTE)])
    minutes = await asked(store).series(FRIDGE, NOW - HOUR, NOW, bucket="1m")
    for name in ("at", "mean", "min", "max"):
        assert getattr(result, name).tolist() == getattr(minutes, name).tolist()
    quarters = await asked(store, retention=Retention(minutes=1)).series(FRIDGE, NOW - 3 * DAY, NOW, 200, "raw")
    assert {each.bucket_ms for each in quarters.filled} == {HOUR}
    assert quarters.at.tolist() == list(range(NOW - 3 * DAY, NOW, HOUR))
    short = await asked(store, retention=Retention(minutes=1)).series(FRIDGE, NOW - 2 * DAY, NOW - 2 * DAY + HOUR)
    assert short.at.tolist() == list(range(NOW - 2 * DAY, NOW - 2 * DAY + HOUR, 15 * MINUTE))


async def test_what_is_measured_seldom_is_not_missing(store: SqliteStore) -> None:
    """A plug of another make that says something every five minutes: its minutes hold nothing else."""
    seldom = select_raw(trace(3600, start=NOW - HOUR), slice(0, None, 300))
    minutes = both_tiers(60, NOW - HOUR)
    minutes[0][2].mean_power[:] = np.nan
    minutes[0][2].mean_power[::5] = seldom.power
    store.merge(Merge(raw=[(FRIDGE, seldom)], rollups=minutes))
    result = await asked(store).series(FRIDGE, NOW - HOUR, NOW)
    assert result.filled == []
    assert result.at.tolist() == seldom.at.tolist()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    holes=st.lists(st.tuples(st.integers(0, 21_000), st.integers(1, 9000)), max_size=4),
    points=st.sampled_from([20, 200, 1000, 5000]),
)
async def test_never_where_a_sample_is(tmp_path: Path, holes: list[tuple[int, int]], points: int) -> None:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite"
    store = SqliteStore(path)
    store.open()
    begin = NOW - 6 * HOUR
    there = np.ones(6 * 3600, bool)
    for first, length in holes:
        there[first : first + length] = False
    samples: RawColumns = select_raw(trace(6 * 3600, start=begin), there)
    store.merge(Merge(raw=[(FRIDGE, samples)] if there.any() else [], rollups=both_tiers(360, begin)))
    query = asked(store)
    result = await query.series(FRIDGE, begin, NOW, points, "raw")
    buckets = inside(result)
    assert np.isin(result.at[~buckets], samples.at).all()
    width = result.filled[0].bucket_ms if result.filled else 0
    for start in result.at[buckets].tolist():
        assert not ((samples.at >= start) & (samples.at < start + width)).any()
    assert len(result.at) <= 2 * points + 4
    assert (np.diff(result.at) >= 0).all()
    assert result.total_mwh == (await query.energy(FRIDGE, begin, NOW)).imported_mwh
    if points >= 1000:
        drawn = np.array(sorted({*samples.at.tolist(), *result.at.tolist(), NOW}))
        assert (np.diff(drawn, prepend=begin) < 2 * MINUTE + max(width, MINUTE)).all(), "a hole stays"
    store.close()
