"""The SQLite history store: conformance, and what is its own."""

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hub.messages import HubError
from hub.plugins import TIERS, Merge, SeriesKey, StoreError
from hub.plugins.codec import encode_raw
from hub.plugins.columns import ROLLUP_ARRAYS, join_rollup, select_raw, select_rollup
from hub.plugins.contract import RollupColumns
from hub.testing.store_conformance import DAY, FRIDGE, HOUR, LAMP, MINUTE, StoreConformance, T, raw, rollups
from hub.testing.traces import assert_raw_equal, assert_rollup_equal, buckets, trace
from integrations.storage.sqlite import rollups as chunks
from integrations.storage.sqlite import schema
from integrations.storage.sqlite.integration import plughub_history_store
from integrations.storage.sqlite.store import FOREVER, SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    store.open()
    yield store
    store.close()


def changed(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


class TestConformance(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        store = SqliteStore(tmp_path / "history.sqlite")
        store.open()
        yield store
        store.close()


def test_a_new_file_is_made_at_once(store: SqliteStore, path: Path) -> None:
    changes = int.from_bytes(path.read_bytes()[24:28], "big")  # of the header, which counts the transactions
    assert changes == 2, "each waits for the disk several times"  # the first: how pages are given back


def test_the_plugin_keeps_it_in_the_data_folder(tmp_path: Path) -> None:
    store = plughub_history_store(tmp_path)
    assert store.name == "sqlite"
    store.open()
    assert (tmp_path / "history.sqlite").exists()
    store.close()


def test_each_connection_keeps_few_pages(store: SqliteStore) -> None:
    store.read(LAMP, T, T + DAY)
    assert store._readers
    for connection in (store._writer, *store._readers):
        assert connection is not None
        assert connection.execute("pragma cache_size").fetchone() == (-schema.CACHE_KB,)
        assert schema.CACHE_KB <= 512


def test_a_damaged_chunk_is_set_aside_alone(store: SqliteStore, path: Path) -> None:
    columns = trace(3 * 3600, start=T)
    store.merge(raw((FRIDGE, columns), (LAMP, columns)))
    changed(path, f"update raw set data = substr(data, 1, 900) where hour = {T // HOUR + 1} and stream = 1")
    (found,) = store.read(FRIDGE, T, T + DAY)
    assert_raw_equal(found, select_raw(columns, np.r_[0:3600, 7200:10800]))
    (note,) = store.stats().damaged
    assert "fridge/0" in note
    assert "2023-11-14T01" in note
    store.merge(raw())
    assert store.stats().damaged == [note]
    assert store.stats().raw_samples == 5 * 3600
    assert len(store.read(LAMP, T, T + DAY)[0].seq) == 3 * 3600
    store.close()
    store.open()
    assert store.stats().damaged == [note]


def test_what_replaces_a_damaged_chunk_stays(store: SqliteStore, path: Path) -> None:
    """The plug sends again what its hub has lost."""
    columns = trace(3600, start=T)
    store.merge(raw((FRIDGE, columns)))
    changed(path, "update raw set data = x'00'")
    assert store.read(FRIDGE, T, T + DAY) == []
    store.merge(raw((FRIDGE, columns)))
    assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], columns)
    assert len(store.stats().damaged) == 1


def test_a_merge_that_meets_damage_itself(store: SqliteStore, path: Path) -> None:
    columns = trace(3600, start=T)
    minutes = buckets(60, start=T, bucket_ms=MINUTE)
    store.merge(Merge(raw=[(FRIDGE, select_raw(columns, slice(1800)))], rollups=[(FRIDGE, "1m", minutes)]))
    changed(path, "update raw set data = x'01'", "update rollup set data = zeroblob(50)")
    later = Merge(
        raw=[(FRIDGE, select_raw(columns, slice(1800, 3600)))],
        rollups=[(FRIDGE, "1m", select_rollup(minutes, slice(30, 60)))],
    )
    store.merge(later)
    store.merge(later)
    assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], later.raw[0][1])
    assert_rollup_equal(store.rollup(FRIDGE, "1m", T, T + DAY), later.rollups[0][2])
    assert len(store.stats().damaged) == 2


def test_a_place_used_again_is_not_set_aside(store: SqliteStore, path: Path) -> None:
    store.merge(raw((FRIDGE, trace(60, start=T))))
    changed(path, "update raw set data = x'02'")
    assert store.read(FRIDGE, T, T + DAY) == []
    store.delete(None, "raw", T + DAY)
    good = trace(60, start=T + 2 * DAY)
    store.merge(raw((LAMP, good)))
    store.merge(raw())
    assert_raw_equal(store.read(LAMP, T, T + 3 * DAY)[0], good)


def test_a_merge_that_fails_changes_nothing(store: SqliteStore) -> None:
    columns = trace(100, start=T)
    store.merge(raw((FRIDGE, columns)))
    wrong = Merge(
        raw=[(FRIDGE, trace(100, start=T, seed=2))], rollups=[(FRIDGE, "7m", buckets(1, start=T, bucket_ms=MINUTE))]
    )
    with pytest.raises(KeyError):
        store.merge(wrong)
    assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], columns)
    store.merge(raw((LAMP, columns)))


def test_a_newer_file_is_refused_and_left_alone(store: SqliteStore, path: Path) -> None:
    store.close()
    changed(path, f"pragma user_version = {schema.VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(HubError, match="newer version"):
        store.open()
    assert path.read_bytes() == before


def test_a_foreign_file_is_refused(path: Path) -> None:
    changed(path, "create table theirs(x)")
    with pytest.raises(HubError, match="is not a history database"):
        SqliteStore(path).open()


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)
    with pytest.raises(StoreError, match="not a database"):
        SqliteStore(path).open()


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    store.read(FRIDGE, T, T + DAY)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.read(FRIDGE, T, T + DAY)
    with pytest.raises(StoreError, match="closed"):
        store.merge(raw())


def test_settings_that_durability_rests_on(store: SqliteStore, path: Path) -> None:
    with store._changing() as change:
        assert change.shelf.one("pragma synchronous") == (2,)
        assert change.shelf.one("pragma journal_mode") == ("persist",)
    connection = sqlite3.connect(path)
    assert connection.execute("pragma auto_vacuum").fetchone() == (2,)
    connection.close()


def test_a_store_with_a_write_ahead_log_is_taken_over(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    """As an earlier version wrote it, and was killed: part of it stands only in the log."""
    columns = trace(3600, start=T)
    store.merge(raw((FRIDGE, columns)))
    store.close()
    earlier = sqlite3.connect(path)
    earlier.execute("pragma journal_mode = wal")
    earlier.execute("insert into damaged(what, data) values('only in the log', x'00')")
    earlier.commit()
    killed = tmp_path / "killed"
    killed.mkdir()
    for file in path.parent.glob(path.name + "*"):
        if file.is_file():
            shutil.copy(file, killed)
    earlier.close()
    assert (killed / (path.name + "-wal")).stat().st_size > 0
    taken = SqliteStore(killed / path.name)
    taken.open()
    assert taken.stats().damaged == ["only in the log"]
    assert_raw_equal(taken.read(FRIDGE, T, T + DAY)[0], columns)
    taken.merge(raw((LAMP, columns)))
    taken.close()
    assert not (killed / (path.name + "-wal")).exists()


def test_a_reader_waits_for_nothing_but_the_commit(store: SqliteStore) -> None:
    columns = trace(36_000, start=T)
    with store.together():
        store.merge(raw(*((SeriesKey(f"plug-{k}"), columns) for k in range(20))))
        with ThreadPoolExecutor(1) as reader:
            assert reader.submit(store.read, FRIDGE, T, T + DAY).result(5) == []
        store.commit()
    assert store.stats().raw_samples == 20 * 36_000


def test_a_merge_cut_off_by_a_power_cut_is_undone(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    """The journal is on the disk and the file half written: what was there before is restored from it."""
    columns = trace(3600, start=T)
    store.merge(raw((FRIDGE, columns)))
    copies = []
    for k in range(40):  # every state between two writes cannot be had; the journal alone must do for any
        cut = tmp_path / f"cut-{k}"
        cut.mkdir()
        copies.append(cut)
    dying = sqlite3.connect(path, isolation_level=None)
    dying.execute("pragma journal_mode = persist")
    dying.execute("pragma cache_size = 5")  # spills: the file is written before the end of the transaction
    dying.execute("begin immediate")
    for k, cut in enumerate(copies):
        dying.execute("update raw set data = zeroblob(length(data)) where id = (select min(id) from raw)")
        dying.execute(
            "insert into raw(hour, stream, seq_from, seq_to, count, data) values(?, 99, 0, 1, 1, ?)", (k, bytes(20_000))
        )
        for file in path.parent.glob(path.name + "*"):
            if file.is_file():
                shutil.copy(file, cut)
    dying.execute("rollback")
    dying.close()
    assert len({(cut / path.name).read_bytes() for cut in copies}) > 1, "the file was changed meanwhile"
    for cut in copies:
        found = SqliteStore(cut / path.name)
        found.open()
        assert_raw_equal(found.read(FRIDGE, T, T + DAY)[0], columns)
        assert found.stats().raw_samples == 3600
        found.close()


def test_a_day_is_one_chunk_once_it_is_over(store: SqliteStore, path: Path) -> None:
    minutes = buckets(1440 + 120, start=T, bucket_ms=MINUTE)
    for begin in range(0, len(minutes.start), 60):
        store.merge(rollups((FRIDGE, "1m", select_rollup(minutes, slice(begin, begin + 60)))))
    connection = sqlite3.connect(path)
    assert connection.execute("select span, count from rollup order by start, span").fetchall() == [
        (1, 1440),
        (0, 60),
        (0, 60),
    ]
    connection.close()
    late = buckets(3, start=T + 5 * MINUTE, bucket_ms=MINUTE, seed=4)
    store.merge(rollups((FRIDGE, "1m", late)))
    assert_rollup_equal(store.rollup(FRIDGE, "1m", T + 5 * MINUTE, T + 8 * MINUTE), late)
    assert store.stats().rollup_buckets["1m"] == 1560


def test_days_of_quarters_become_months(store: SqliteStore, path: Path) -> None:
    quarter = 15 * MINUTE
    month = 32 * DAY
    start = T // month * month
    quarters = buckets(70 * 96, start=start, bucket_ms=quarter)
    for begin in range(0, len(quarters.start), 96):
        store.merge(rollups((FRIDGE, "15m", select_rollup(quarters, slice(begin, begin + 96)))))
    connection = sqlite3.connect(path)
    spans = connection.execute("select span, count(*), sum(count) from rollup group by span order by span").fetchall()
    assert spans == [(0, 24, 96), (1, 5, 5 * 96), (2, 2, 64 * 96)]
    connection.close()
    late = buckets(3, start=start + 5 * DAY, bucket_ms=quarter, seed=4)
    store.merge(rollups((FRIDGE, "15m", late), removed=((FRIDGE, "15m", start),)))
    expected = select_rollup(join_rollup([quarters, late]), slice(1, None))
    assert_rollup_equal(store.rollup(FRIDGE, "15m", 0, FOREVER), expected)
    assert store.delete(None, "15m", start + month + 12345) == month // quarter - 1
    assert store.rollup(FRIDGE, "15m", 0, FOREVER).start[0] == start + month


def test_many_buckets_are_removed_in_one_go(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = buckets(3 * 1440, start=T, bucket_ms=MINUTE)
    store.merge(rollups((FRIDGE, "1m", minutes)))
    written: list[int] = []
    real = chunks.encode_rollup

    def noting(columns: RollupColumns) -> bytes:
        written.append(len(columns.start))
        return real(columns)

    monkeypatch.setattr(chunks, "encode_rollup", noting)
    gone = np.r_[100:1500, 2000, 2000]
    store.merge(rollups(removed=[(FRIDGE, "1m", int(start)) for start in minutes.start[gone]]))
    assert len(written) == 2, "a chunk for each of the two days"
    assert_rollup_equal(
        store.rollup(FRIDGE, "1m", T, T + 3 * DAY), select_rollup(minutes, np.r_[:100, 1500:2000, 2001:4320])
    )
    store.merge(rollups(removed=[(FRIDGE, "1m", int(start)) for start in minutes.start[:1440]]))
    assert store.rollup(FRIDGE, "1m", T, T + DAY).start.size == 0


def test_a_damaged_file_takes_its_journal_along(store: SqliteStore, path: Path) -> None:
    """A hot journal beside a new file would be rolled back into it."""
    store.close()
    path.with_name(path.name + "-journal").write_bytes(b"hot")
    aside = store.set_aside()
    assert path.with_name(aside + "-journal").read_bytes() == b"hot"
    assert not path.with_name(path.name + "-journal").exists()
    store.open()
    assert store.stats().raw_samples == 0


def test_late_buckets_win_over_the_hours_that_stand_there(store: SqliteStore) -> None:
    """A day that ended while the hub was off still stands in hours when buckets of two days arrive together."""
    old = buckets(120, start=T, bucket_ms=MINUTE)
    store.merge(rollups((FRIDGE, "1m", old)))
    late = buckets(30, start=T + 10 * MINUTE, bucket_ms=MINUTE, seed=2)
    today = buckets(5, start=T + DAY, bucket_ms=MINUTE)
    store.merge(rollups((FRIDGE, "1m", join_rollup([late, today]))))
    assert_rollup_equal(store.rollup(FRIDGE, "1m", 0, FOREVER), join_rollup([old, late, today]))


def test_buckets_are_kept_to_a_precision_worth_keeping(store: SqliteStore) -> None:
    minutes = buckets(60, start=T, bucket_ms=MINUTE)
    third = {name: getattr(minutes, name) / 3 for name in ROLLUP_ARRAYS if getattr(minutes, name).dtype == float}
    whole = {name: getattr(minutes, name) for name in ROLLUP_ARRAYS if name not in third}
    store.merge(rollups((FRIDGE, "1m", RollupColumns(**whole, **third))))
    found = store.rollup(FRIDGE, "1m", T, T + DAY)
    for name, values in third.items():
        np.testing.assert_allclose(getattr(found, name), values, atol=0.0051 if "mwh" not in name else 0.00051)
    assert store.stats().rollup_bytes["1m"] < 60 * 15


def test_a_deleted_device_leaves_nothing(store: SqliteStore, path: Path) -> None:
    undated = trace(10, run="u")
    undated.at[:] = -1
    minutes = buckets(10, start=T, bucket_ms=MINUTE)
    for series in (FRIDGE, LAMP):
        store.merge(Merge(raw=[(series, trace(9000, start=T)), (series, undated)], rollups=[(series, "1m", minutes)]))
    for tier in ("raw", *TIERS):
        store.delete(FRIDGE, tier, FOREVER)
    assert store.stats().raw_samples == 9010
    connection = sqlite3.connect(path)
    assert connection.execute("select device, channel from series").fetchall() == [("fridge", 1)]
    assert connection.execute("select count(*) from stream").fetchone() == (2,)
    connection.close()


def test_space_is_given_back(store: SqliteStore, path: Path) -> None:
    for k in range(40):
        noise = trace(3600, start=T + k * HOUR, seq=k * 3600, seed=k)
        noise.power = np.random.default_rng(k).normal(0, 1, 3600)
        store.merge(raw((SeriesKey("noisy"), noise)))
    hour = len(encode_raw(noise))
    full = path.stat().st_size
    assert full > 40 * hour
    left = store.give_back(0)
    store.delete(None, "raw", T + 36 * HOUR)
    assert path.stat().st_size == full, "whoever deletes does not wait for it"
    free = store.give_back(0)
    assert free - left > 30 * hour
    assert store.give_back(2 * hour) == free - 2 * hour // schema.PAGE * schema.PAGE
    assert 2 * hour - schema.PAGE < full - path.stat().st_size < 3 * hour, "as much as is asked for, at once"
    assert store.give_back(FOREVER) == 0
    assert path.stat().st_size < 10 * hour
    (kept,) = store.read(SeriesKey("noisy"), 0, FOREVER)
    assert_raw_equal(select_raw(kept, slice(-3600, None)), noise)
    assert len(kept.seq) in {4 * 3600, 5 * 3600}, "chunks go whole"


def test_of_many_free_pages_few_are_given_back_at_once(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite looks through them for each page that it moves: of a gigabyte a megabyte would take seconds."""
    for k in range(20):
        noise = trace(3600, start=T + k * HOUR, run=f"{k:016x}")
        noise.power = np.random.default_rng(k).normal(0, 1, 3600)
        store.merge(raw((FRIDGE, noise)))
    store.delete(None, "raw", T + 16 * HOUR)
    connection = sqlite3.connect(path)
    (free,) = connection.execute("pragma freelist_count").fetchone()
    connection.close()
    surplus = store.give_back(0)
    monkeypatch.setattr("integrations.storage.sqlite.store.SEARCHED", 10 * free)
    assert store.give_back(FOREVER) == surplus - 10 * schema.PAGE


def test_a_clock_gone_astray_does_not_make_reading_slow(store: SqliteStore) -> None:
    """One sample dated 1970 and one 2100 in a stream: a look-up for each hour between would take seconds."""
    columns = trace(3, start=T)
    columns.at[0], columns.at[2] = 5, 4_102_444_800_000
    store.merge(raw((FRIDGE, columns)))
    assert_raw_equal(store.read(FRIDGE, 0, FOREVER)[0], columns)
    found = store.read_stream(FRIDGE, columns.run, 1, 1)
    assert found is not None
    assert found.at.tolist() == [T + 1000]
