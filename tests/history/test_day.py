"""The short way of counting a day on gives what the long way gives."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history import day as days
from hub.history.day import Day, counted_on, follows
from hub.history.readings import Run, Traits
from hub.plugins.contract import NONE, TIERS, RawColumns

RUN = "0123456789abcdef"
QUARTER = TIERS[days.TIER]
TRAITS = Traits()

# Seldom: a hole, a counter that begins anew, leaps, stands still or is missing, a date that is.
STEPS = st.sampled_from([1] * 12 + [2, 5])
ENERGY = st.sampled_from([28] * 12 + [0, 0, -500, 10**9])
SAMPLES = st.lists(st.tuples(STEPS, ENERGY, st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=40)


def part(samples: list[tuple[int, int, int, int]], before: tuple[int, int, int], ms: int) -> RawColumns:
    """One commit's samples, `ms` apart, after a seq, a counter and a date."""
    seq, counter, at = before
    rows = []
    for step, energy, no_counter, no_up in samples:
        seq, counter, at = seq + step, max(counter + energy, 0), at + step * ms
        rows.append((seq, NONE if no_up == 1 else at - 5000, at, NONE if no_counter == 1 else counter))
    seqs, ups, ats, counters = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    n = len(rows)
    return RawColumns(
        run=RUN,
        seq=seqs,
        up=ups,
        at=ats,
        voltage=np.full(n, 230.0),
        current=np.full(n, 0.5),
        power=np.full(n, 100.0),
        energy_mwh=counters,
        export_mwh=np.full(n, NONE, np.int64),
        relay=np.ones(n, np.int8),
        apparent=np.zeros(n, np.int8),
    )


def plain(day: Day) -> object:
    """Comparable: numpy arrays are not."""
    return msgspec.to_builtins(day, enc_hook=lambda value: value.tolist())


@settings(max_examples=300)
@given(first=SAMPLES, second=SAMPLES, offset=st.integers(0, QUARTER), ms=st.sampled_from([1000, 10_000]))
def test_both_ways_count_alike(first: list, second: list, offset: int, ms: int) -> None:
    runs = {RUN: Run(1, RUN, 0, "hardware")}
    earlier = part(first, (0, 0, 1_700_000_100_000 + offset), ms)
    before = (int(earlier.seq[-1]), max(int(earlier.energy_mwh.max()), 0), int(earlier.at[-1]))
    later = part(second, before, ms)
    day = counted_on(None, [earlier], runs, TRAITS)
    assert follows(day, [later], runs)
    assert plain(counted_on(day, [later], runs, TRAITS)) == plain(days._counted_anew(day, [later], runs, TRAITS))


def test_the_short_way_is_what_a_usual_commit_takes() -> None:
    runs = {RUN: Run(1, RUN, 0, "hardware")}
    samples = [(1, 28, 0, 0)] * 60
    day = counted_on(None, [part(samples, (0, 0, 1_700_000_100_000), 1000)], runs, TRAITS)
    later = part(samples, (60, 28 * 60, 1_700_000_160_000), 1000)
    counted = days._counted_simply(day, [later], runs, TRAITS)
    assert counted is not None
    assert sum(counted.mwh.values()) == 28 * 119
