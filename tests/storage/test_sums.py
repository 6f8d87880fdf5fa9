"""Sums kept beside chunks: never different from what the quarters say, whatever is written, removed or lost."""

import sqlite3
import tempfile
import zlib
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
from integrations.storage.sqlite import kept, recent, rollups
from integrations.storage.sqlite import sums as summing
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

    for module in (rollups, recent):
        monkeypatch.setattr(module, "decode_rollups", noting)
    return lengths


question = st.tuples(st.integers(-3, DAYS + 3), st.integers(1, 110), st.sampled_from(["UTC", "Europe/Berlin"]))
change = st.tuples(st.integers(0, DAYS * 96), st.integers(1, 300), st.booleans())


@settings(max_examples=25)
@given(st.lists(st.one_of(question, change), min_size=2, max_size=12), st.integers(20, DAYS))
def test_whatever_is_written_and_asked(steps: list[tuple[int, int, object]], days: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(summing, "LEADING", range(1, 80))
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
            elif second % 4 == 0:
                store.close()
                store.open()
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
    assert decoded == []
    merge(store, end, 4)  # keeps them in the file
    store.sums(FRIDGE, edges)
    assert decoded == [4]
    store.close()
    store.open()
    decoded.clear()
    same(store, "Europe/Berlin", T + DAY, end)
    store.sums(FRIDGE, edges)
    assert max(decoded) == MONTH // QUARTER, "by `same`"
    decoded.clear()
    store.close()
    store.open()
    store.sums(FRIDGE, edges)
    assert decoded == []


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
    monkeypatch.setattr(summing, "MOST", 1)
    merge(store, T, 80 * 96)
    same(store, "Europe/Berlin", T, T + 80 * DAY)
    assert len(store._fresh) == 1


@pytest.fixture
def led(store: SqliteStore) -> Calendar:
    """The sums of six months and some days, of which those of the months are kept in one piece."""
    merge(store, T, 200 * 96)
    for k in range(3):
        same(store, "Europe/Berlin", T + DAY, T + 200 * DAY)
        merge(store, T + 200 * DAY + k * QUARTER, 1, k)
    return Calendar("Europe/Berlin")


def leads(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path / "history.sqlite")
    found = connection.execute("select series, until from lead").fetchall()
    connection.close()
    return found


def test_months_are_kept_in_one_piece(
    store: SqliteStore, tmp_path: Path, led: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leads(tmp_path) == [(1, T + 6 * MONTH)]
    asked: list[int] = []
    real = rollups.RollupChunks.heads

    def noting(self: rollups.RollupChunks, series: int, tier: int, start: int, end: int) -> list[rollups.Head]:
        asked.append(start)
        return real(self, series, tier, start, end)

    monkeypatch.setattr(rollups.RollupChunks, "heads", noting)
    for start in (T + DAY, T + 3 * MONTH + 9 * DAY):
        same(store, "Europe/Berlin", start, T + 200 * DAY)
    assert asked == [T + 6 * MONTH] * 2, "no chunk of an older month is looked at"
    same(store, "Asia/Kolkata", T, T + 200 * DAY)
    same(store, "Europe/Berlin", T, T + 100 * DAY)


def test_history_that_began_within_the_range(
    store: SqliteStore, tmp_path: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    merge(store, T, 200 * 96)
    for k in range(3):
        same(store, "Europe/Berlin", T - 99 * DAY, T + 200 * DAY)
        merge(store, T + 200 * DAY + k * QUARTER, 1, k)
    assert leads(tmp_path) == [(1, T + 6 * MONTH)]
    monkeypatch.setattr(summing.Sums, "_leading", None)
    edges = Calendar("Europe/Berlin").edges("1d", T - 70 * DAY, T + 200 * DAY)
    decoded.clear()
    assert len(store.sums(FRIDGE, edges).start) >= 200
    assert max(decoded, default=0) <= 96
    monkeypatch.undo()
    merge(store, T - 50 * DAY, 96)
    assert leads(tmp_path) == []
    same(store, "Europe/Berlin", T - 70 * DAY, T + 200 * DAY)


@pytest.mark.parametrize(
    "change",
    [
        "update rollup set data = (select data from rollup where tier = 900000 and span = 2 order by start limit 1)"
        f" where tier = 900000 and start = {T + 3 * MONTH}",
        f"delete from rollup where tier = 900000 and start = {T + 3 * MONTH}",
        "insert into rollup(tier, span, start, series, count, data)"
        f" select tier, 1, {T + 4 * MONTH + 2 * DAY}, series, count, data from rollup where tier = 900000 limit 1",
    ],
    ids=["changed", "deleted", "added"],
)
def test_months_that_an_earlier_version_changes(store: SqliteStore, tmp_path: Path, led: Calendar, change: str) -> None:
    """It knows nothing of what is kept in one piece."""
    store.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        connection.execute(change)
    connection.close()
    assert leads(tmp_path) == []


def test_late_data_before_months_are_kept(store: SqliteStore, tmp_path: Path) -> None:
    """The same merge that would keep them changes one of them."""
    merge(store, T, 200 * 96)
    same(store, "Europe/Berlin", T, T + 200 * DAY)
    merge(store, T + 200 * DAY, 1)
    same(store, "Europe/Berlin", T, T + 200 * DAY)
    assert (1, summing.LEAD) in store._fresh
    merge(store, T + 40 * DAY, 3, 7)
    assert leads(tmp_path) == []
    same(store, "Europe/Berlin", T, T + 200 * DAY)


def test_what_is_forgotten_is_not_kept_again(store: SqliteStore, tmp_path: Path, led: Calendar) -> None:
    same(store, "Asia/Kolkata", T, T + 200 * DAY)  # waits for the next merge
    store.delete(FRIDGE, "15m", T + 3 * MONTH)
    store.close()
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    assert connection.execute("select count(*) from sums where start < ?", (T + 3 * MONTH,)).fetchone() == (0,)
    assert connection.execute("select count(*) from recent").fetchone() == (0,)
    connection.close()
    assert leads(tmp_path) == []


def test_quarters_of_the_last_days_outlast_a_stop(store: SqliteStore, tmp_path: Path, decoded: list[int]) -> None:
    end = T + 5 * DAY + 12 * QUARTER
    merge(store, T, (end - T) // QUARTER)
    before = store.rollup(FRIDGE, "15m", end - DAY, end, brief=True)
    store.close()
    store.open()
    decoded.clear()
    after = store.rollup(FRIDGE, "15m", end - DAY, end, brief=True)
    assert decoded == []
    for name in kept.FIELDS:
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    merge(store, end, 4, 3)
    late = buckets(4, start=end, bucket_ms=QUARTER, seed=3)
    found = store.rollup(FRIDGE, "15m", end - DAY, end + DAY, brief=True)
    assert decoded == [4], "only the new hour"
    np.testing.assert_allclose(found.import_mwh[-4:], late.import_mwh, atol=0.0006)
    merge(store, end - 2 * QUARTER, 1, 4)
    changed = store.rollup(FRIDGE, "15m", end - DAY, end + DAY, brief=True)
    whole = store.rollup(FRIDGE, "15m", end - DAY, end + DAY)
    np.testing.assert_array_equal(changed.import_mwh, whole.import_mwh)
    store.close()
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    connection.execute("update recent set data = x'01'")
    connection.commit()
    connection.close()
    store.open()
    again = store.rollup(FRIDGE, "15m", end - DAY, end + DAY, brief=True)
    np.testing.assert_array_equal(again.import_mwh, whole.import_mwh)


def test_quarters_in_memory_are_bounded(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "BYTES", 100_000)
    merge(store, T, 80 * 96)
    for day in range(64, 79):
        store.rollup(FRIDGE, "15m", T + day * DAY, T + (day + 1) * DAY, brief=True)
    assert 1 < len(store._recent._known) < 12
    assert store._recent._bytes <= 100_000


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02" + zlib.compress(bytes(640)), b"\x01" + zlib.compress(bytes(7))])
def test_what_is_kept_may_be_anything(data: bytes) -> None:
    assert kept.unpacked(b"", data) is None
