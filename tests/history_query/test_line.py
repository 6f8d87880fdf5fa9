"""The line of a long range: what the store chooses chunk by chunk is what M4 chooses of all samples."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.query import Query
from hub.plugins import Merge, RawColumns, SeriesKey, m4
from hub.plugins.codec import encode_raw
from hub.plugins.columns import select_raw
from hub.testing.traces import trace
from integrations.storage.sqlite import lines, raw
from integrations.storage.sqlite.store import SqliteStore
from tests.history_query.parts import FakeTail, FixedClock

FRIDGE = SeriesKey("fridge")
T = 1_700_006_400_000
COUNT = 4 * 3600
RUN = "00000000000000aa"


class Plain:
    """The same store, which reads samples but chooses none."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name == "thinned":
            raise AttributeError(name)
        return getattr(self._store, name)


def untidy() -> list[RawColumns]:
    """Two runs with holes, jitter, samples without power, and a clock that is set back within an hour."""
    first, second = trace(COUNT, start=T + 100), trace(3600, start=T + 30 * 60_000, run="bb", seed=3)
    jitter = np.random.default_rng(1).integers(-300, 300, COUNT)
    first.up, first.at = first.up + jitter, first.at + jitter
    first.power[1000:1200] = np.nan
    first.at[9000:] -= 90_000
    second.at[1800:] -= 200_000
    return [select_raw(first, np.r_[0:2000, 3000:COUNT]), second]


def later(seq: int, count: int) -> RawColumns:
    """What is not merged yet of the first run, from there on."""
    part = trace(seq + count, start=T + 100 - 90_000, seed=9)
    return select_raw(part, slice(seq, None))


@pytest.mark.parametrize("points", [12, 60, 700])
@pytest.mark.parametrize(
    "tail", [[], [later(COUNT, 600)], [later(COUNT - 400, 600)]], ids=["merged", "unmerged", "replaced"]
)
async def test_chosen_in_parts_is_chosen_of_all(store: SqliteStore, points: int, tail: list[RawColumns]) -> None:
    store.merge(Merge(raw=[(FRIDGE, part) for part in untidy()], rollups=[]))
    waiting = FakeTail()
    waiting.samples[FRIDGE] = tail
    start, end = T + 700_000, T + 5 * HOUR - 17
    in_parts, of_all = [
        await Query(each, waiting, FixedClock(end)).series(FRIDGE, start, end, points, "raw")
        for each in (store, Plain(store))
    ]
    assert in_parts.thinned == of_all.thinned == "m4"
    assert len(in_parts.at) <= points
    np.testing.assert_array_equal(in_parts.at, of_all.at)
    np.testing.assert_array_equal(in_parts.mean, of_all.mean)


async def test_what_fits_is_not_thinned(store: SqliteStore) -> None:
    columns = trace(300, start=T)
    columns.at = columns.at + np.arange(300) * 60_000
    store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[]))
    result = await Query(store, FakeTail(), FixedClock(T + 6 * HOUR)).series(FRIDGE, T, T + 6 * HOUR, 300, "raw")
    assert result.thinned is None
    np.testing.assert_array_equal(result.at, columns.at)


@pytest.mark.parametrize("length", [HOUR // 2, HOUR])
def test_the_store_gives_no_more_than_it_must(store: SqliteStore, length: int) -> None:
    columns = trace(COUNT, start=T)
    store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[]))
    borders = m4.stretches(T, T + 4 * HOUR, 4 * HOUR // length)
    ((chosen, of),) = store.thinned(FRIDGE, T, T + 4 * HOUR, borders)
    assert of == COUNT
    assert len(chosen.seq) <= 4 * (len(borders) - 1)
    np.testing.assert_array_equal(columns.power[chosen.seq], chosen.power)
    np.testing.assert_array_equal(columns.at[chosen.seq], chosen.at)


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples of each chunk that is unpacked."""
    lengths: list[int] = []
    real = raw.decode_brief

    def noting(data: bytes, *arrays: Any) -> bool:
        lengths.append(len(arrays[0]))
        return real(data, *arrays)

    monkeypatch.setattr(raw, "decode_brief", noting)
    return lengths


def line(store: SqliteStore) -> RawColumns:
    """Of six hours by tens of minutes, the first and the last in part."""
    start, end = T + 1000, T + 6 * HOUR - 1000
    borders = m4.stretches(start, end, 12)
    ((found, of),) = store.thinned(FRIDGE, start, end, borders)
    (samples,) = store.read(FRIDGE, start, end)
    assert of == len(samples.seq)
    expected = select_raw(samples, m4.chosen(samples.at, samples.power, borders))
    for name in ("seq", "at", "power"):
        np.testing.assert_array_equal(
            getattr(found, name)[m4.chosen(found.at, found.power, borders)], getattr(expected, name)
        )
    return found


def test_only_hours_in_part_are_unpacked(store: SqliteStore, unpacked: list[int], tmp_path: Path) -> None:
    store.merge(Merge(raw=[(FRIDGE, trace(6 * 3600, start=T))], rollups=[]))
    line(store)
    assert unpacked == [3600, 3600]
    late = trace(6 * 3600, start=T, seed=5)
    store.merge(Merge(raw=[(FRIDGE, select_raw(late, slice(8000, 9000)))], rollups=[]))
    line(store)
    store.close()
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    connection.execute("update line set data = x'00' where id % 2 = 1 and id / 16777216 = ?", (T // HOUR + 3,))
    connection.execute(  # as an earlier version writes, which knows nothing of lines
        "insert into raw(hour, stream, seq_from, seq_to, count, data) select hour, stream, seq_from, seq_to, count, ? "
        "from raw where hour = ? on conflict(hour, stream) do update set data = excluded.data",
        (encode_raw(select_raw(late, slice(7200, 10800))), T // HOUR + 2),
    )
    connection.commit()
    connection.close()
    store.open()
    unpacked.clear()
    line(store)
    assert unpacked == [3600] * 4
    store.delete(None, "raw", T + 4 * HOUR)
    store.delete(FRIDGE, "raw", T + 5 * HOUR)
    store.close()
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    assert connection.execute("select id / 16777216 from line").fetchall() == [(T // HOUR + 5,)]
    connection.close()


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, HOUR - 1),
            st.integers(1, 70_000),
            st.one_of(st.integers(-400, 400_000).map(lambda n: n / 100), st.floats(width=64), st.just(1e12)),
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_a_line_is_what_m4_chooses(samples: list[tuple[int, int, float]], tidy: bool) -> None:
    times = np.array([t for t, _, _ in samples], np.int64)
    at = T + (np.arange(len(samples), dtype=np.int64) * 10_000 if tidy else np.sort(times))
    power = np.array([p for _, _, p in samples])
    seq = np.arange(len(samples)) if tidy else np.cumsum([s for _, s, _ in samples], dtype=np.int64)
    data = lines.packed(T // HOUR, lines.Brief(seq, at, power))
    assert data is not None
    found = lines.joined([(T // HOUR, data), (T // HOUR + 1, data[:-1]), (T // HOUR + 2, b"")])
    known = ~np.isnan(power)
    assert found.measured == known.sum()
    assert found.unreadable == [T // HOUR + 1, T // HOUR + 2]
    seq, at, power = seq[known], at[known], power[known]
    places = m4.chosen(at, power, T + lines.GRID)
    for part, whole in zip(found.corners, (seq, at, power), strict=True):
        np.testing.assert_array_equal(part, whole[places])


def test_a_clock_that_was_set_has_no_line() -> None:
    at = T + np.array([5000, 4000, 6000])
    assert lines.packed(T // HOUR, lines.Brief(np.arange(3), at, np.zeros(3))) is None


def test_stretches_begin_at_tens_of_minutes() -> None:
    start, end = T + 1234, T + 7 * DAY + 99
    borders = m4.stretches(start, end, 250)
    assert (borders[0], borders[-1], len(borders)) == (start, end, 251)
    assert not (borders[1:-1] % (10 * MINUTE)).any()
    assert set(np.diff(borders)[1:-1].tolist()) <= {40 * MINUTE, 50 * MINUTE}
    assert m4.stretches(start, start + 1000, 2).tolist() == [start, start + 500, start + 1000]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(-3, 3)), min_size=1, max_size=80),
    st.lists(st.integers(0, 80), max_size=5),
    st.integers(1, 40),
)
def test_parts_of_any_length(samples: list[tuple[int, int]], cuts: list[int], count: int) -> None:
    samples.sort(key=lambda sample: sample[0])
    at, values = np.array([t for t, _ in samples]), np.array([float(v) for _, v in samples])
    borders = m4.stretches(0, 1000, count)
    places = np.arange(len(at))
    parts = [part[m4.chosen(at[part], values[part], borders)] for part in np.split(places, sorted(cuts))]
    kept = np.concatenate(parts)
    np.testing.assert_array_equal(
        kept[m4.chosen(at[kept], values[kept], borders)], places[m4.chosen(at, values, borders)]
    )
