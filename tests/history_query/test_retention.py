"""What is kept, what is answered, and forgetting the rest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.retention import Retention, expire
from hub.plugins.contract import Merge, SeriesKey
from hub.testing.traces import buckets, trace
from integrations.storage.sqlite.store import SqliteStore

FRIDGE, LAMP = SeriesKey("fridge"), SeriesKey("lamp")
T = 1_700_000_000_000 // DAY * DAY
FOREVER = 2**62


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    for series in (FRIDGE, LAMP):
        for day in range(12):
            at = T + day * DAY
            store.merge(
                Merge(
                    raw=[(series, trace(60, start=at, run=f"{day:x}"))],
                    rollups=[
                        (series, "1m", buckets(3, start=at, bucket_ms=MINUTE)),
                        (series, "15m", buckets(2, start=at, bucket_ms=15 * MINUTE)),
                    ],
                )
            )
    yield store
    store.close()


def days(store: SqliteStore, series: SeriesKey, tier: str) -> int:
    if tier == "raw":
        return len(store.read(series, 0, FOREVER))
    return len({at // DAY for at in store.rollup(series, tier, 0, FOREVER).start.tolist()})


def test_each_tier_has_its_age(store: SqliteStore) -> None:
    short = Retention(raw=2, minutes=4, hours=6, days=8)
    gone = expire(store, T + 12 * DAY, {FRIDGE: short, LAMP: short}).gone
    for series in (FRIDGE, LAMP):
        assert [days(store, series, tier) for tier in ("raw", "1m")] == [3, 5]
        assert days(store, series, "15m") >= 9, "a month goes as a whole"
    assert (gone["raw"], gone["1m"]) == (9 * 60 * 2, 7 * 3 * 2)
    assert expire(store, T + 12 * DAY, {FRIDGE: short, LAMP: short}).gone == {"raw": 0, "1m": 0, "15m": 0}
    expire(store, T + 60 * DAY, {FRIDGE: short, LAMP: short})
    assert store.stats().rollup_buckets == {"1m": 0, "15m": 0}


def test_a_series_may_have_its_own(store: SqliteStore) -> None:
    short = Retention(raw=2, minutes=4, hours=6, days=8)
    own = {FRIDGE: Retention(raw=100, minutes=1, hours=100, days=1), LAMP: short}
    expire(store, T + 60 * DAY, own)
    assert [days(store, FRIDGE, tier) for tier in ("raw", "1m", "15m")] == [12, 0, 12]
    assert [days(store, LAMP, tier) for tier in ("raw", "1m", "15m")] == [0, 0, 0]


def test_what_nobody_knows_goes_with_what_is_kept_longest(store: SqliteStore) -> None:
    expire(store, T + 60 * DAY, {FRIDGE: Retention(raw=50), LAMP: Retention(raw=7)})
    assert days(store, LAMP, "raw") == 0
    kept = days(store, FRIDGE, "raw")
    assert 2 <= kept <= 3
    expire(store, T + 60 * DAY, {LAMP: Retention(raw=50)})
    assert days(store, FRIDGE, "raw") == kept, "a device that was removed"
    expire(store, T + 60 * DAY, {LAMP: Retention(raw=7)})
    assert days(store, FRIDGE, "raw") == 0


def test_everything_that_is_answered_is_kept() -> None:
    for retention in (Retention(), Retention(raw=30, minutes=7, hours=3000, days=100)):
        for source, tier in (("raw", "raw"), ("1m", "1m"), ("5m", "1m"), ("15m", "15m"), ("1h", "15m"), ("1d", "15m")):
            assert retention.kept(tier) >= retention.answered(source) + HOUR
