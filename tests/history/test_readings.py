"""Readings in order: parts that follow one another are put together as they are, to the same as by sorting."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history import readings
from hub.history.readings import KINDS, End, Run, Traits, arrange
from hub.plugins.columns import select_raw
from hub.plugins.contract import NONE, RawColumns
from hub.testing.traces import trace

RUNS = {run: Run(k, run, k, "plug") for k, run in enumerate("abc")}
TRAITS = Traits()


def part(run: str, first: int, count: int, *, dated: bool = True) -> RawColumns:
    found = trace(first + count, run=run, start=1_700_000_000_000 + "abc".index(run) * 500_000)
    if not dated:
        found.at[:] = NONE
    return select_raw(found, slice(first, None))


def end(run: str, seq: int) -> End:
    return End(1_700_000_000_000 + "abc".index(run) * 500_000 + seq * 1000, run, seq, seq * 1000, 7)


@pytest.fixture
def sorted_anew(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Each time that readings are sorted."""
    found: list[Any] = []
    real = np.lexsort

    def noting(keys: Any) -> Any:
        found.append(keys)
        return real(keys)

    monkeypatch.setattr(np, "lexsort", noting)
    return found


def test_what_is_in_order_is_not_sorted(sorted_anew: list[Any]) -> None:
    parts = [part("b", 0, 50), part("a", 100, 50), part("a", 0, 100)]
    ends = [end("a", 30), end("a", 149), end("a", 160), end("b", 49)]
    found = arrange(parts, ends, RUNS, TRAITS)
    assert [(found.runs[run].run, seq) for run, seq in zip(found.run.tolist(), found.seq.tolist(), strict=True)] == [
        *(("a", seq) for seq in [*range(150), 160]),
        *(("b", seq) for seq in range(50)),
    ]
    assert found.bare.tolist() == [False] * 150 + [True] + [False] * 50
    assert sorted_anew == []
    arrange([*parts, part("a", 90, 20)], ends, RUNS, TRAITS)
    assert len(sorted_anew) == 1


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.integers(0, 20), st.booleans()), max_size=6),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 90)), max_size=5),
)
def test_with_and_without_sorting_it_is_the_same(
    parts: list[tuple[str, int, int, bool]], ends: list[tuple[str, int]]
) -> None:
    given = [part(run, first, count, dated=dated) for run, first, count, dated in parts], [end(*each) for each in ends]
    found = arrange(*given, RUNS, TRAITS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(readings, "_in_order", lambda *_: None)
        expected = arrange(*given, RUNS, TRAITS)
    assert found.runs == expected.runs
    for name in (*KINDS, "dated", "since", "broken", "clock", "span", "lacking"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
