"""The line of a long range: what the store chooses chunk by chunk is what M4 chooses of all samples."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history.calendar import HOUR
from hub.history.query import Query
from hub.plugins import Merge, RawColumns, SeriesKey, m4
from hub.plugins.columns import select_raw
from hub.testing.traces import trace
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


@pytest.fixture
def store(tmp_path: Path):
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    yield store
    store.close()


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


def test_the_store_gives_no_more_than_it_must(store: SqliteStore) -> None:
    columns = trace(COUNT, start=T)
    store.merge(Merge(raw=[(FRIDGE, columns)], rollups=[]))
    ((chosen, of),) = store.thinned(FRIDGE, T, T + 4 * HOUR, m4.stretches(T, T + 4 * HOUR, 10))
    assert of == COUNT
    assert len(chosen.seq) <= 4 * (10 + 4)
    np.testing.assert_array_equal(columns.power[chosen.seq], chosen.power)


@settings(max_examples=60, deadline=None)
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
