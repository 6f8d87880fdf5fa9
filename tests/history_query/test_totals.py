"""The sum of the parts is the whole: whatever was measured, lost or came late, in every zone and bucket."""

import math
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.editions import Editions
from hub.history.points import energy_sum
from hub.history.query import Query
from hub.messages import HubError
from hub.plugins.columns import rounded_rollup, select_rollup
from hub.plugins.contract import Merge, RollupColumns, SeriesKey
from hub.testing.traces import buckets
from integrations.storage.sqlite.store import SqliteStore
from tests.history_query.parts import FakeTail, FixedClock

KEYS = [SeriesKey("a"), SeriesKey("b"), SeriesKey("b", 1)]
QUARTER = 15 * MINUTE
# Around both changes of the clock, a zone of half an hour, and one that changes by half an hour.
PLACES = [
    ("Europe/Berlin", (2023, 3, 25)),
    ("Europe/Berlin", (2023, 10, 28)),
    ("America/New_York", (2023, 11, 4)),
    ("Asia/Kolkata", (2023, 5, 1)),
    ("Australia/Lord_Howe", (2023, 9, 30)),
]


def tiers(start: int, count: int, seed: int, gaps: list[tuple[int, int]]) -> dict[str, RollupColumns]:
    """Minutes with gaps, and the quarters that they make."""
    minutes = buckets(count, start=start, bucket_ms=MINUTE, seed=seed)
    minutes.import_mwh = np.round(np.random.default_rng(seed).gamma(0.3, 400, count), 3)
    kept = np.ones(count, bool)
    for at, length in gaps:
        kept[at : at + length] = False
    minutes = select_rollup(minutes, kept)
    firsts = np.flatnonzero(np.diff(minutes.start // QUARTER, prepend=-1))
    quarters = select_rollup(minutes, firsts)
    quarters.start = minutes.start[firsts] // QUARTER * QUARTER
    quarters.import_mwh = np.add.reduceat(minutes.import_mwh, firsts) if len(firsts) else minutes.import_mwh
    return {"1m": minutes, "15m": rounded_rollup(quarters)}


gaps = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 900)), max_size=5)


@settings(max_examples=12)
@given(st.sampled_from(PLACES), st.integers(0, 1000), gaps, st.integers(0, 3000), st.booleans())
async def test_parts_and_whole(
    place: tuple[str, tuple[int, int, int]], seed: int, gaps: list[tuple[int, int]], late: int, in_tail: bool
) -> None:
    zone, date = place
    midnights = [
        round((datetime(*date) + timedelta(days=day)).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
        for day in range(4)
    ]
    start, end = midnights[0], midnights[3]
    first = start // DAY * DAY
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "history.sqlite")
        store.open()
        tail, editions = FakeTail(), Editions()
        query = Query(store, tail, FixedClock(end + DAY), lambda _: zone, editions=editions)
        for k, key in enumerate(KEYS):
            known = tiers(first, 5 * 1440, seed + k, gaps)
            store.merge(Merge([], [(key, tier, columns) for tier, columns in known.items()]))
            await query.series(key, start, end, bucket="1d")  # is remembered, until what comes late
            whole = tiers(first, 5 * 1440, seed + k, [])
            since = (first + late * MINUTE) // QUARTER * QUARTER
            corrected = {
                tier: select_rollup(c, (c.start >= since) & (c.start < since + HOUR)) for tier, c in whole.items()
            }
            if in_tail:
                tail.open |= {(key, tier): [columns] for tier, columns in corrected.items()}
            else:
                with editions.change([key], first={key: since}):
                    store.merge(Merge([], [(key, tier, columns) for tier, columns in corrected.items()]))
        for key in KEYS:
            days = await query.series(key, start, end, bucket="1d")
            for bucket in ("1h", "15m"):
                parts = await query.series(key, start, end, bucket=bucket)
                assert parts.total_mwh == days.total_mwh == energy_sum(parts.energy_mwh)
            minutes = await query.series(key, start, end, bucket="1m")
            assert math.isclose(minutes.total_mwh or 0, days.total_mwh or 0, abs_tol=0.0005 * 300)
            assert (await query.energy(key, start, end)).imported_mwh == days.total_mwh
            for k, at in enumerate(days.at.tolist()):
                until = midnights[midnights.index(at) + 1]
                hours = await query.series(key, at, until, bucket="1h")
                assert hours.total_mwh == pytest.approx(days.energy_mwh[k], abs=1e-9)
                if zone != "Asia/Kolkata" and not gaps:
                    assert len(hours.at) == -(-(until - at) // HOUR)
        for bucket in ("1h", "1d", "1w", "1mo"):
            each = [await query.series(key, start, end, bucket=bucket) for key in KEYS]
            total = await query.sum(KEYS, start, end, bucket=bucket)
            assert total.total_mwh == pytest.approx(sum(one.total_mwh or 0 for one in each), abs=1e-6)
            assert total.total_mwh == energy_sum(total.energy_mwh)
        store.close()


async def test_a_sum_of_several_outlets(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    query = Query(store, FakeTail(), FixedClock(10 * DAY))
    left, right = (buckets(60, start=9 * DAY, bucket_ms=MINUTE, seed=seed) for seed in (1, 2))
    right = select_rollup(right, right.start >= 9 * DAY + 30 * MINUTE)
    store.merge(Merge([], [(KEYS[0], "1m", left), (KEYS[1], "1m", right)]))
    total = await query.sum(KEYS, 9 * DAY, 9 * DAY + HOUR)
    assert (total.source, len(total.at)) == ("1m", 60)
    np.testing.assert_array_equal(total.max[:30], left.max_power[:30])
    np.testing.assert_allclose(total.mean[30:], left.mean_power[30:] + right.mean_power)
    np.testing.assert_allclose(total.min[30:], left.min_power[30:] + right.min_power)
    assert (await query.sum([], 0, DAY)).total_mwh is None
    with pytest.raises(HubError) as caught:
        await query.sum(KEYS, 0, DAY, bucket="raw")
    assert caught.value.id == "sum-of-raw"
    store.close()
