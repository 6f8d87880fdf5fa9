"""A run of months is taken over, and its state made anew, without all of it in memory at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hub.history import takeover, whole
from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.readings import Traits
from hub.history.rebuild import Rebuilder
from hub.history.state import State, StreamRow
from hub.history.takeover import take_over
from hub.plugins.columns import join_raw, select_raw
from hub.plugins.contract import NONE, Merge, RawColumns, RollupColumns, SeriesKey
from hub.telemetry.ranges import Ranges
from hub.testing.traces import assert_raw_equal, buckets, trace
from integrations.storage.sqlite.store import SqliteStore

T = 1_700_000_100_000 // DAY * DAY
FOREVER = 1 << 60
SERIES, RUN = SeriesKey("d1"), "a" * 16
HOURS, PIECE = 40, 8000
COUNT = HOURS * 3600
UNDATED = slice(COUNT - 9000, COUNT - 5000)


class Counting(SqliteStore):
    """Notes the most samples and the most buckets that it ever gave at once."""

    samples = buckets = 0

    def read_stream(self, *args: Any) -> RawColumns | None:
        part = super().read_stream(*args)
        self.samples = max(self.samples, 0 if part is None else len(part.seq))
        return part

    def rollup(self, series: SeriesKey, tier: str, start: int, end: int, *, brief: bool = False) -> RollupColumns:
        found = super().rollup(series, tier, start, end, brief=brief)
        self.buckets = max(self.buckets, len(found.start))
        return found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "PIECE", PIECE)
    monkeypatch.setattr(whole, "PIECE", PIECE)


@pytest.fixture(scope="module")
def run() -> RawColumns:
    """Begun at two offsets, with a gap of seqs, undated for an hour."""
    run = trace(COUNT, start=T, run=RUN)
    run.at[COUNT // 3 :] += 90_000
    run.at[UNDATED] = NONE
    return select_raw(run, (run.seq < 50_000) | (run.seq > 60_000))


@pytest.fixture
def store(tmp_path: Path, run: RawColumns) -> Iterator[Counting]:
    store = Counting(tmp_path / "source.sqlite")
    store.open()
    for at in range(0, len(run.seq), PIECE):
        store.merge(Merge([(SERIES, select_raw(run, slice(at, at + PIECE)))], []))
    yield store
    store.close()


@pytest.fixture
def into(tmp_path: Path) -> Iterator[Counting]:
    into = Counting(tmp_path / "into.sqlite")
    into.open()
    yield into
    into.close()


def test_a_run_is_taken_over_piece_by_piece(store: Counting, into: Counting, run: RawColumns) -> None:
    assert take_over(into, store) == len(run.seq)
    assert max(store.samples, into.samples) <= PIECE
    held = into.read_stream(SERIES, RUN, 0, FOREVER)
    assert held is not None
    assert_raw_equal(held, run)


def test_a_few_samples_over_a_long_time_do_not_read_all_between(store: Counting, into: Counting) -> None:
    few = select_raw(trace(COUNT, start=T, run=RUN, seed=2), slice(None, None, COUNT // 5))
    into.merge(Merge([(SERIES, few)], []))
    here = store.read_stream(SERIES, RUN, int(few.seq[1]), int(few.seq[1]))
    store.samples = 0
    assert take_over(store, into) == len(few.seq)
    assert store.samples <= PIECE
    after = store.read_stream(SERIES, RUN, int(few.seq[1]), int(few.seq[1]))
    assert here is not None
    assert after is not None
    assert_raw_equal(after, here)


def test_buckets_are_taken_over_window_by_window(
    store: Counting, into: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "WINDOW", DAY)
    minutes = buckets(20 * 1440, start=T - 20 * DAY, bucket_ms=MINUTE)
    quarters = buckets(10 * 96, start=T - 15 * DAY, bucket_ms=15 * MINUTE)
    store.merge(Merge([], [(SERIES, "1m", minutes), (SERIES, "15m", quarters)]))
    take_over(into, store)
    assert max(store.buckets, into.buckets) <= 5 * 1440, "what no quarter tells of is read at once"
    for tier, count in (("1m", len(minutes.start)), ("15m", len(quarters.start))):
        assert len(into.rollup(SERIES, tier, 0, FOREVER).start) == count


def state_of(folder: Path, store: Counting) -> tuple[list[StreamRow], bytes]:
    state = State(folder / "state.sqlite")
    state.open()
    try:
        rebuilder = Rebuilder(store, store.contents(), state, lambda _: Traits(), lambda _: "plug-1")
        rebuilder.state({})
        rebuilder.rollups(salvaged=True)
        gaps = state.gaps(SERIES, 0, FOREVER)
        return state.streams(), msgspec.json.encode((gaps, state.series(SERIES)))
    finally:
        state.close()


def test_the_state_is_made_of_pieces_as_of_the_whole(
    tmp_path: Path, store: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pieces := tmp_path / "pieces").mkdir()
    (at_once := tmp_path / "at_once").mkdir()
    of_pieces = state_of(pieces, store)
    assert store.samples <= 2 * PIECE
    monkeypatch.setattr(takeover, "PIECE", COUNT)
    assert of_pieces == state_of(at_once, store)
    (row,), _ = of_pieces
    assert row.known.settled == [(0, 49_999), (60_001, COUNT - 1)]
    assert len(row.known.points) == 3, "where it begins, where its offset changes, where it ends"


def test_samples_that_the_state_does_not_know_are_read_piece_by_piece(
    tmp_path: Path, store: Counting, run: RawColumns
) -> None:
    state = State(tmp_path / "state.sqlite")
    state.open()
    found = whole.Whole(store, state, SERIES, [], Traits()).samples([RUN])
    state.close()
    assert (found.count, found.last) == (len(run.seq), int(run.at.max()))
    assert list(Ranges(found.unsettled[RUN])) == [(0, 49_999), (60_001, COUNT - 1)]
    assert store.samples <= PIECE


def test_pieces_hold_all_samples_each_once(store: Counting, run: RawColumns) -> None:
    stray = select_raw(run, slice(-1, None))  # in the first hour by its date: its chunk spans all seqs
    stray.at[:] = T + HOUR - 1
    store.merge(Merge([(SERIES, stray)], []))
    pieces = store.pieces(SERIES, RUN, PIECE)
    parts = [part for span in pieces if (part := store.read_stream(SERIES, RUN, *span)) is not None]
    assert all(first <= last for first, last in pieces)
    assert np.array_equal(join_raw(parts).seq, run.seq)
    assert sum(len(part.seq) for part in parts) == len(run.seq)
    assert store.samples <= PIECE
    assert store.pieces(SERIES, "another", PIECE) == store.pieces(SeriesKey("d2"), RUN, PIECE) == []
