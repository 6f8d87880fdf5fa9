"""What every history store must do. A plugin's tests subclass StoreConformance and give it a `store`:

```python
class TestMyStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        store = MyStore(tmp_path)
        store.open()
        yield store
        store.close()
```

A store may round what it keeps of buckets to 0.01 W, 0.01 V, 0.1 mA and 0.001 mWh, and nothing else.
"""

import threading

import numpy as np
import pytest

from hub.plugins.columns import empty_rollup, join_raw, join_rollup, select_raw, select_rollup
from hub.plugins.contract import (
    NONE,
    HistoryStore,
    ListingStore,
    MendableStore,
    Merge,
    RawColumns,
    RollupColumns,
    SeriesKey,
    ShrinkingStore,
    TransactionalStore,
)
from hub.testing.traces import assert_raw_equal, assert_rollup_equal, buckets, trace

HOUR, DAY, MINUTE = 3_600_000, 86_400_000, 60_000
T = 1_700_000_000_000 // DAY * DAY  # a midnight, UTC
FRIDGE, LAMP = SeriesKey("fridge"), SeriesKey("fridge", 1)
OTHER = SeriesKey("other")
FOREVER = (1 << 63) - 1


def raw(*parts: tuple[SeriesKey, RawColumns]) -> Merge:
    """A merge of raw samples alone."""
    return Merge(raw=list(parts), rollups=[])


def rollups(
    *parts: tuple[SeriesKey, str, RollupColumns], removed: tuple[tuple[SeriesKey, str, int], ...] = ()
) -> Merge:
    """A merge of buckets alone."""
    return Merge(raw=[], rollups=list(parts), removed=removed)


class StoreConformance:
    """The suite; each test gets an open, empty store."""

    @pytest.fixture
    def store(self) -> HistoryStore:
        """An open, empty store, closed afterwards."""
        raise NotImplementedError("override the fixture `store`")

    def reopen(self, store: HistoryStore) -> None:
        """Close and open: what the hub does when it starts again."""
        store.close()
        store.open()

    def test_an_empty_store_answers(self, store: HistoryStore) -> None:
        assert store.read(FRIDGE, 0, FOREVER) == []
        assert store.read_stream(FRIDGE, "00", 0, 10) is None
        assert_rollup_equal(store.rollup(FRIDGE, "1m", 0, FOREVER), empty_rollup())
        assert store.delete(None, "raw", T) == store.delete(FRIDGE, "1m", T) == 0
        assert store.stats().raw_samples == 0

    def test_samples_come_back(self, store: HistoryStore) -> None:
        columns = trace(3 * 3600 + 17, start=T + 1_234_567)
        store.merge(raw((FRIDGE, columns)))
        (found,) = store.read(FRIDGE, T, T + DAY)
        assert_raw_equal(found, columns)
        assert store.stats().raw_samples == 3 * 3600 + 17

    def test_further_columns_and_missing_values_come_back(self, store: HistoryStore) -> None:
        columns = trace(100, start=T)
        columns.extra = {"frequency": np.round(50 + np.arange(100) / 1000, 3)}
        columns.voltage[10:20] = np.nan
        columns.energy_mwh[5] = NONE
        columns.relay[:50] = NONE
        columns.up[:] = NONE
        store.merge(raw((FRIDGE, columns)))
        assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], columns)

    def test_a_range_holds_its_start_but_not_its_end(self, store: HistoryStore) -> None:
        columns = trace(7200, start=T)
        store.merge(raw((FRIDGE, columns)))
        (found,) = store.read(FRIDGE, T + 3_590_000, T + 3_610_000)
        assert_raw_equal(found, select_raw(columns, slice(3590, 3610)))
        assert store.read(FRIDGE, T - HOUR, T) == []
        assert store.read(FRIDGE, T + 2 * HOUR, FOREVER) == []

    def test_durable_when_merge_returns(self, store: HistoryStore) -> None:
        columns, minutes = trace(60, start=T), buckets(3, start=T, bucket_ms=MINUTE)
        store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[(FRIDGE, "1m", minutes)]))
        self.reopen(store)
        assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], columns)
        assert_rollup_equal(store.rollup(FRIDGE, "1m", T, T + DAY), minutes)

    def test_merging_again_changes_nothing(self, store: HistoryStore) -> None:
        change = Merge(
            raw=[(FRIDGE, trace(5000, start=T)), (LAMP, trace(10, start=T, run="b"))],
            rollups=[(FRIDGE, "1m", buckets(90, start=T, bucket_ms=MINUTE))],
            removed=[(FRIDGE, "15m", T)],
        )
        store.merge(change)
        before = store.stats()
        store.merge(change)
        after = store.stats()
        assert (after.raw_samples, after.rollup_buckets) == (before.raw_samples, before.rollup_buckets)
        assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], change.raw[0][1])

    def test_the_same_place_in_a_stream_is_replaced(self, store: HistoryStore) -> None:
        old, new = trace(200, start=T), trace(50, start=T + 60_000, seq=60, seed=9)
        store.merge(raw((FRIDGE, old)))
        store.merge(raw((FRIDGE, new)))
        (found,) = store.read(FRIDGE, T, T + DAY)
        assert_raw_equal(found, join_raw([old, new]))
        assert store.stats().raw_samples == 200

    def test_late_samples_fill_a_hole(self, store: HistoryStore) -> None:
        columns = trace(3 * 3600, start=T)
        hole = slice(3000, 8000)
        outside = np.r_[0:3000, 8000 : 3 * 3600]
        store.merge(raw((FRIDGE, select_raw(columns, outside))))
        store.merge(raw((FRIDGE, select_raw(columns, hole))))
        assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], columns)

    def test_streams_stay_apart_and_in_order_of_time(self, store: HistoryStore) -> None:
        second, first = trace(100, start=T + 200_000, run="aa"), trace(100, start=T, run="bb")
        store.merge(raw((FRIDGE, second), (FRIDGE, first)))
        found = store.read(FRIDGE, T, T + DAY)
        assert [columns.run for columns in found] == ["bb", "aa"]
        assert_raw_equal(found[0], first)
        assert_raw_equal(found[1], second)

    def test_series_stay_apart(self, store: HistoryStore) -> None:
        mine, yours, theirs = (trace(30, start=T, seed=seed) for seed in (1, 2, 3))
        store.merge(raw((FRIDGE, mine), (LAMP, yours), (OTHER, theirs)))
        for series, columns in ((FRIDGE, mine), (LAMP, yours), (OTHER, theirs)):
            (found,) = store.read(series, T, T + DAY)
            assert_raw_equal(found, columns)

    def test_devices_without_streams(self, store: HistoryStore) -> None:
        columns = trace(100, start=T, run="")
        columns.up[:] = NONE
        store.merge(raw((FRIDGE, columns)))
        assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], columns)

    def test_a_stream_by_its_seqs(self, store: HistoryStore) -> None:
        columns = trace(9000, start=T)
        store.merge(raw((FRIDGE, columns)))
        found = store.read_stream(FRIDGE, columns.run, 3500, 7300)
        assert found is not None
        assert_raw_equal(found, select_raw(columns, slice(3500, 7301)))
        assert store.read_stream(FRIDGE, columns.run, 9000, 9999) is None
        assert store.read_stream(FRIDGE, "another", 0, 9999) is None
        assert store.read_stream(LAMP, columns.run, 0, 9999) is None

    def test_a_stream_by_pieces(self, store: HistoryStore) -> None:
        """Of stores that offer it: all samples, each once, though some are dated among others or not at all."""
        if not isinstance(store, MendableStore):
            return
        columns = trace(15_000, start=T)
        columns.at[9000:11_000] = NONE
        columns.at[14_000:] = T
        columns = select_raw(columns, (columns.seq < 4000) | (columns.seq > 6000))
        store.merge(raw((FRIDGE, columns)))
        pieces = store.pieces(FRIDGE, columns.run, 5000)
        parts = [part for span in pieces if (part := store.read_stream(FRIDGE, columns.run, *span)) is not None]
        assert len(parts) > 1
        assert max(len(part.seq) for part in parts) < 10_000, "about as many as are asked for"
        assert list(pieces) == sorted(pieces)
        assert np.array_equal(np.concatenate([part.seq for part in parts]), columns.seq)
        assert list(store.pieces(LAMP, columns.run, 5000)) == list(store.pieces(FRIDGE, "another", 5000)) == []

    def test_which_seqs_there_are(self, store: HistoryStore) -> None:
        """Of stores that offer it: whether dated, undated or dated among others."""
        if not isinstance(store, ListingStore):
            return
        columns = trace(15_000, start=T)
        columns.at[9000:11_000] = NONE
        columns.at[14_000:] = T
        store.merge(raw((FRIDGE, select_raw(columns, (columns.seq < 4000) | (columns.seq > 6000)))))
        assert store.seqs() == {FRIDGE: {columns.run: [(0, 3999), (6001, 14_999)]}}

    def test_space_goes_back_and_what_is_kept_stays(self, store: HistoryStore) -> None:
        """Of stores that offer it: no more at once than is asked for."""
        if not isinstance(store, ShrinkingStore):
            return
        for k in range(20):
            store.merge(raw((FRIDGE, trace(3600, start=T + k * HOUR, seq=k * 3600, seed=k))))
        store.delete(None, "raw", T + 18 * HOUR)
        (before,) = store.read(FRIDGE, 0, FOREVER)
        left = store.give_back(0)
        assert store.give_back(0) == left, "that only asks"
        while left:
            rest = store.give_back(16_384)
            assert left - 16_384 <= rest < left
            left = rest
        assert_raw_equal(store.read(FRIDGE, 0, FOREVER)[0], before)

    def test_undated_samples_wait_for_their_date(self, store: HistoryStore) -> None:
        dated = trace(8000, start=T)
        undated = select_raw(dated, slice(None))
        undated.at = np.full(8000, NONE, np.int64)
        store.merge(raw((FRIDGE, undated)))
        assert store.read(FRIDGE, 0, FOREVER) == []
        found = store.read_stream(FRIDGE, dated.run, 0, 7999)
        assert found is not None
        assert_raw_equal(found, undated)
        store.merge(raw((FRIDGE, select_raw(dated, slice(100, 5000)))))
        (found,) = store.read(FRIDGE, 0, FOREVER)
        assert_raw_equal(found, select_raw(dated, slice(100, 5000)))
        store.merge(raw((FRIDGE, dated)))
        assert_raw_equal(store.read(FRIDGE, 0, FOREVER)[0], dated)
        assert store.stats().raw_samples == 8000

    def test_a_stream_dated_anew_is_nowhere_twice(self, store: HistoryStore) -> None:
        columns = trace(5000, start=T + 5 * HOUR)
        store.merge(raw((FRIDGE, columns)))
        moved = select_raw(columns, slice(None))
        moved.at = columns.at - 3 * HOUR - 1234
        store.merge(raw((FRIDGE, moved)))
        assert_raw_equal(store.read(FRIDGE, 0, FOREVER)[0], moved)
        assert store.stats().raw_samples == 5000

    @pytest.mark.parametrize(("tier", "width"), [("1m", MINUTE), ("15m", 15 * MINUTE)])
    def test_buckets_come_back(self, store: HistoryStore, tier: str, width: int) -> None:
        columns = buckets(3 * DAY // width, start=T, bucket_ms=width)
        store.merge(rollups((FRIDGE, tier, columns)))
        assert_rollup_equal(store.rollup(FRIDGE, tier, T, T + 3 * DAY), columns)
        part = store.rollup(FRIDGE, tier, T + width, T + DAY + 2 * width)
        assert_rollup_equal(part, select_rollup(columns, slice(1, DAY // width + 2)))
        other = "1m" if tier == "15m" else "15m"
        assert len(store.rollup(FRIDGE, other, T, T + 3 * DAY).start) == 0

    def test_buckets_hour_by_hour_over_days(self, store: HistoryStore) -> None:
        columns = buckets(2 * 1440 + 300, start=T, bucket_ms=MINUTE)
        for begin in range(0, len(columns.start), 60):
            store.merge(rollups((FRIDGE, "1m", select_rollup(columns, slice(begin, begin + 61)))))
        assert_rollup_equal(store.rollup(FRIDGE, "1m", T, T + 3 * DAY), columns)
        assert store.stats().rollup_buckets["1m"] == len(columns.start)

    def test_a_bucket_is_replaced_and_removed(self, store: HistoryStore) -> None:
        old = buckets(2 * 1440, start=T, bucket_ms=MINUTE)
        store.merge(rollups((FRIDGE, "1m", old)))
        new = buckets(30, start=T + 1430 * MINUTE, bucket_ms=MINUTE, seed=7)
        gone = [T + 3 * MINUTE, T + 1500 * MINUTE]
        store.merge(rollups((FRIDGE, "1m", new), removed=tuple((FRIDGE, "1m", start) for start in gone)))
        expected = join_rollup([old, new])
        expected = select_rollup(expected, ~np.isin(expected.start, gone))
        assert_rollup_equal(store.rollup(FRIDGE, "1m", T, T + 2 * DAY), expected)
        store.merge(rollups(removed=tuple((FRIDGE, "1m", start) for start in gone)))
        assert_rollup_equal(store.rollup(FRIDGE, "1m", T, T + 2 * DAY), expected)

    def test_unknown_values_of_buckets_stay_unknown(self, store: HistoryStore) -> None:
        columns = buckets(5, start=T, bucket_ms=MINUTE)
        for name in ("mean_power", "min_power", "max_power", "mean_voltage", "mean_current"):
            getattr(columns, name)[1:3] = np.nan
        store.merge(rollups((FRIDGE, "1m", columns)))
        assert_rollup_equal(store.rollup(FRIDGE, "1m", T, T + DAY), columns)

    def test_deleting_by_age(self, store: HistoryStore) -> None:
        columns = trace(7200, start=T)
        undated = trace(50, run="undated")
        undated.at[:] = NONE
        minutes = buckets(2 * 1440, start=T, bucket_ms=MINUTE)
        for series in (FRIDGE, LAMP):
            store.merge(Merge(raw=[(series, columns), (series, undated)], rollups=[(series, "1m", minutes)]))
        assert store.delete(FRIDGE, "raw", T + HOUR) > 0
        assert store.read(FRIDGE, 0, T + HOUR) == []
        assert_raw_equal(store.read(FRIDGE, 0, FOREVER)[0], select_raw(columns, slice(3600, 7200)))
        assert_raw_equal(store.read(LAMP, 0, FOREVER)[0], columns)
        assert store.delete(None, "1m", T + DAY) > 0
        for series in (FRIDGE, LAMP):
            assert_rollup_equal(store.rollup(series, "1m", 0, T + 9 * DAY), select_rollup(minutes, slice(1440, None)))
            assert store.read_stream(series, "undated", 0, 99) is not None, "undated samples never expire"
        assert store.delete(None, "1m", T + DAY) == 0

    def test_what_lies_only_partly_before_stays(self, store: HistoryStore) -> None:
        store.merge(raw((FRIDGE, trace(100, start=T))))
        assert store.delete(None, "raw", T + 50_000) in (0, 50)
        (found,) = store.read(FRIDGE, T + 50_000, FOREVER)
        assert len(found.seq) == 50

    def test_readers_see_all_of_a_merge_or_nothing(self, store: HistoryStore) -> None:
        stop, seen, failed = threading.Event(), set[tuple[int, ...]](), list[BaseException]()

        def watch() -> None:
            try:
                while not stop.is_set():
                    found = store.read(FRIDGE, T, T + DAY)
                    seen.add(tuple(len(columns.seq) for columns in found))
            except BaseException as error:
                failed.append(error)

        watchers = [threading.Thread(target=watch) for _ in range(2)]
        for watcher in watchers:
            watcher.start()
        for k in range(20):
            store.merge(
                raw((FRIDGE, trace(100, start=T, run="aa", seq=0, seed=k)), (FRIDGE, trace(7, start=T, run="b")))
            )
        stop.set()
        for watcher in watchers:
            watcher.join()
        assert not failed
        assert seen <= {(), (100, 7), (7, 100)}

    def test_merges_together_are_one(self, store: HistoryStore) -> None:
        """Of stores that offer it: all or none, and until then nothing is seen."""
        if not isinstance(store, TransactionalStore):
            return  # each merge by itself is what the other tests are about
        first, second = trace(100, start=T), trace(100, start=T, seed=2)
        minutes = buckets(60, start=T, bucket_ms=MINUTE)
        with store.together():
            store.merge(raw((FRIDGE, first)))
            store.merge(Merge(raw=[(LAMP, second)], rollups=[(FRIDGE, "1m", minutes)]))
            assert store.read(FRIDGE, T, T + DAY) == []
        assert store.stats().raw_samples == 0, "it was not committed"
        with store.together():
            store.merge(raw((FRIDGE, first)))
            store.merge(Merge(raw=[(LAMP, second)], rollups=[(FRIDGE, "1m", minutes)]))
            store.commit()
        self.reopen(store)
        assert_raw_equal(store.read(FRIDGE, T, T + DAY)[0], first)
        assert_raw_equal(store.read(LAMP, T, T + DAY)[0], second)
        assert_rollup_equal(store.rollup(FRIDGE, "1m", 0, FOREVER), minutes)

    def test_what_fails_together_leaves_the_store_ready(self, store: HistoryStore) -> None:
        if not isinstance(store, TransactionalStore):
            return
        columns = trace(100, start=T)
        with pytest.raises(RuntimeError), store.together():
            store.merge(raw((FRIDGE, columns)))
            raise RuntimeError
        store.merge(raw((LAMP, columns)))
        assert store.read(FRIDGE, T, T + DAY) == []
        assert_raw_equal(store.read(LAMP, T, T + DAY)[0], columns)
