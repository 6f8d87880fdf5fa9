"""Sums kept beside chunks: never different from what the quarters say, whatever is written, removed or lost."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history.calendar import DAY, MINUTE, Calendar
from hub.plugins.codec import decode_rollup, decode_rollups
from hub.plugins.columns import condensed
from hub.plugins.contract import Merge, RollupColumns, SeriesKey
from hub.testing.traces import buckets
from integrations.storage.sqlite import rollups
from integrations.storage.sqlite import sums as kept
from integrations.storage.sqlite.store import SqliteStore

FRIDGE, LAMP = SeriesKey("fridge"), SeriesKey("lamp")
QUARTER = 15 * MINUTE
MONTH = 32 * DAY
T = 1_700_000_000_000 // MONTH * MONTH
DAYS = 100


def merge(store: SqliteStore, start: int, count: int, seed: int = 0, key: SeriesKey = FRIDGE) -> None:
    columns = buckets(count, start=start // QUARTER * QUARTER, bucket_ms=QUARTER, seed=seed)
    store.merge(Merge([], [(key, "15m", columns)]))


def same(store: SqliteStore, zone: str, start: int, end: int, key: SeriesKey = FRIDGE) -> RollupColumns:
    """The days as the store sums them, which are those that its quarters give."""
    edges = Calendar(zone).edges("1d", start, end)
    parts = store.sums(key, edges)
    assert (np.diff(parts.start) > 0).all()
    days = condensed(parts, edges)
    quarters = condensed(store.rollup(key, "15m", int(edges[0]), int(edges[-1])), edges)
    for name in ("start", "min_power", "max_power", "import_mwh", "export_mwh", "estimated_mwh", "covered_ms"):
        np.testing.assert_array_equal(getattr(days, name), getattr(quarters, name), err_msg=name)
    np.testing.assert_allclose(days.mean_power, quarters.mean_power, rtol=1e-12)
    return parts


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    yield store
    store.close()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Buckets of each chunk that is decoded."""
    lengths: list[int] = []
    real = decode_rollups

    def noting(chunks: list[bytes], *, brief: bool = False) -> RollupColumns:
        lengths.extend(len(decode_rollup(chunk).start) for chunk in chunks)
        return real(chunks, brief=brief)

    monkeypatch.setattr(rollups, "decode_rollups", noting)
    return lengths


question = st.tuples(st.integers(-3, DAYS + 3), st.integers(1, 110), st.sampled_from(["UTC", "Europe/Berlin"]))
change = st.tuples(st.integers(0, DAYS * 96), st.integers(1, 300), st.booleans())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(question, change), min_size=2, max_size=12), st.integers(20, DAYS))
def test_whatever_is_written_and_asked(steps: list[tuple[int, int, object]], days: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "history.sqlite")
        store.open()
        merge(store, T, days * 96)
        newest = T + days * DAY
        for number, (first, second, third) in enumerate(steps):
            if isinstance(third, str):
                start = T + first * DAY + 7
                same(store, third, start, start + second * DAY)
            elif third:  # late data
                merge(store, T + min(first * QUARTER, newest - T), second, number + 1)
            else:  # history goes on
                merge(store, newest, second, number + 1)
                newest += second * QUARTER
        same(store, "Europe/Berlin", T, newest)
        store.close()


def test_days_and_months_that_are_over_are_decoded_once(store: SqliteStore, decoded: list[int]) -> None:
    end = T + 2 * MONTH + 5 * DAY + 12 * QUARTER
    merge(store, T, (end - T) // QUARTER)
    edges = Calendar("Europe/Berlin").edges("1d", T + DAY, end)
    for _ in range(2):
        store.sums(FRIDGE, edges)
        decoded.clear()
    store.sums(FRIDGE, edges)
    assert sorted(decoded) == [4, 4, 4]  # the hours of today
    merge(store, end, 4)  # keeps them in the file
    store.close()
    store.open()
    decoded.clear()
    store.sums(FRIDGE, edges)
    assert sorted(decoded) == [4, 4, 4, 4]


def test_a_day_is_added_to_those_kept(store: SqliteStore, decoded: list[int]) -> None:
    end = T + 20 * DAY
    merge(store, T, 20 * 96)
    same(store, "Europe/Berlin", T, end)
    merge(store, end, 100)
    decoded.clear()
    store.sums(FRIDGE, Calendar("Europe/Berlin").edges("1d", T, end + 100 * QUARTER))
    assert sum(decoded) <= 2 * 96 + 100
    same(store, "Europe/Berlin", T, end + 100 * QUARTER)


def test_damaged_sums_are_made_anew(store: SqliteStore, tmp_path: Path) -> None:
    merge(store, T, 40 * 96)
    same(store, "Europe/Berlin", T, T + 40 * DAY)
    merge(store, T + 40 * DAY, 4)
    store.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        assert connection.execute("select count(*) from sums").fetchone()[0] == 2
        connection.execute("update sums set data = x'01aabb' where start = ?", (T,))
        connection.execute("update sums set data = x'63' where start > ?", (T,))
    connection.close()
    store.open()
    same(store, "Europe/Berlin", T, T + 41 * DAY)


def test_a_file_without_sums_gets_them(store: SqliteStore, tmp_path: Path) -> None:
    merge(store, T, 40 * 96)
    store.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        connection.execute("drop table sums")
    connection.close()
    store.open()
    same(store, "Asia/Kolkata", T, T + 40 * DAY)


def test_what_is_forgotten_is_forgotten_here_too(store: SqliteStore, tmp_path: Path) -> None:
    for key in (FRIDGE, LAMP):
        merge(store, T, 40 * 96, key=key)
        same(store, "Europe/Berlin", T, T + 40 * DAY, key)
    merge(store, T + 40 * DAY, 4)
    store.delete(FRIDGE, "15m", T + MONTH)
    same(store, "Europe/Berlin", T, T + 40 * DAY)
    store.delete(LAMP, "15m", T + 3 * MONTH)
    assert len(same(store, "Europe/Berlin", T, T + 40 * DAY, LAMP).start) == 0
    store.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        assert connection.execute("select count(*) from sums").fetchone()[0] == 1
    connection.close()


def test_memory_is_bounded(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 1)
    merge(store, T, 80 * 96)
    same(store, "Europe/Berlin", T, T + 80 * DAY)
    assert len(store._fresh) == 1
