"""The state is made anew from one look at each sample, and is the same as by planning day after day."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hub.history import rebuild
from hub.history.calendar import DAY
from hub.history.readings import Traits
from hub.history.rebuild import Rebuilder
from hub.history.state import State
from hub.plugins.codec import decode_raw
from hub.plugins.columns import select_raw
from hub.plugins.contract import MINUTES, NONE, Merge, RawColumns, SeriesKey
from hub.telemetry.ranges import Ranges
from hub.testing.traces import trace
from integrations.storage.sqlite import raw
from integrations.storage.sqlite.store import SqliteStore

T = 1_700_000_100_000 // DAY * DAY
FOREVER = 1 << 60
SERIES = SeriesKey("d1")
RUNS = ("a" * 16, "b" * 16)
COUNT = 40 * 3600


def holey(seed: int) -> list[RawColumns]:
    """Two runs with holes, dips of the counter and undated hours, and minutes for some of the holes."""
    chance = np.random.default_rng(seed)
    parts = []
    for number, run in enumerate(RUNS):
        columns = trace(COUNT, start=T + number * 2 * DAY, run=run, seed=seed)
        for first in chance.integers(0, COUNT, 5).tolist():
            columns.energy_mwh[first : first + 3] -= 2_000_000
        kept = np.ones(COUNT, bool)
        holes = [(int(first), int(first + length)) for first, length in chance.integers(1, COUNT // 2, (12, 2))]
        for first, end in holes:
            kept[first : first + 1 + (end - first) % 900] = False
        undated = int(chance.integers(0, COUNT - 3600))
        columns.at[undated : undated + 3600] = NONE
        parts.append(select_raw(columns, kept))
        told = trace(COUNT, start=T + number * 2 * DAY, run=run, seed=seed)
        minutes = select_raw(told, np.arange(59, COUNT // 2, 60)[::7])
        minutes.run, minutes.power = run + MINUTES, minutes.power
        minutes.extra = {"seq_from": (minutes.seq - 59).astype(np.float64)}
        parts.append(minutes)
    return parts


def fill(store: SqliteStore, parts: list[RawColumns]) -> None:
    store.merge(Merge([(SERIES, part) for part in parts], []))


def state_of(path: Path, store: SqliteStore) -> tuple[Any, ...]:
    state = State(path)
    state.open()
    try:
        Rebuilder(store, store.contents(), state, lambda _: Traits(), lambda _: "plug-1").state({})
        gaps = [msgspec.to_builtins(gap) for gap in state.gaps(SERIES, 0, FOREVER)]
        return state.streams(), state.series(SERIES), gaps
    finally:
        state.close()


@pytest.mark.parametrize("seed", range(4))
def test_the_state_is_the_same_as_day_by_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    fill(store, holey(seed))
    streams, series, gaps = state_of(tmp_path / "once.sqlite", store)
    monkeypatch.setattr(rebuild, "MOST_HELD", 0)
    by_days = state_of(tmp_path / "days.sqlite", store)
    store.close()
    assert len(gaps) > 10
    assert (streams, series) == by_days[:2]
    for once, daily in zip(gaps, by_days[2], strict=True):
        assert once[:5] == daily[:5]
        assert once[5] == pytest.approx(daily[5])
        assert once[6:] == daily[6:]


def test_each_piece_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    fill(store, [trace(COUNT, start=T, run=RUNS[0])])
    unpacked: Counter[bytes] = Counter()

    def counted(data: bytes) -> RawColumns:
        unpacked[data] += 1
        return decode_raw(data)

    monkeypatch.setattr(raw, "decode_raw", counted)
    state_of(tmp_path / "state.sqlite", store)
    store.close()
    assert (len(unpacked), set(unpacked.values())) == (40, {1})


def test_which_samples_there_are_is_told_without_reading_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    parts = [part for part in holey(1) if not part.run.endswith(MINUTES)]
    fill(store, parts)
    monkeypatch.setattr(raw, "decode_raw", None)
    told = store.seqs()
    assert set(told) == {SERIES}
    for part in parts:
        expected = Ranges()
        for seq in part.seq.tolist():
            expected.add(seq, seq)
        assert told[SERIES][part.run] == list(expected)
    store._writer.execute("update raw set data = zeroblob(length(data)) where hour % 7 = 0")  # type: ignore[union-attr]
    damaged = store.seqs()
    assert store.met()
    assert Ranges(damaged[SERIES][RUNS[0]]).minus(Ranges(told[SERIES][RUNS[0]])) == Ranges()
    store.close()
