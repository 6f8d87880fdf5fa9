"""The energy rule, case by case: counter resets, dips, single zeros, glitches, coarse counters, gaps."""

from math import gcd
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.telemetry import energy
from hub.telemetry.energy import Carry, Reading, counter_steps, power_steps

SECOND = 1000
LIMIT = 4000.0  # W; 1111 mWh a second


def book(values: list[int], seconds: list[float] | None = None, resolution: int = 1, carry: Carry | None = None):
    clock = [k * SECOND for k in range(len(values))] if seconds is None else [int(s * 1000) for s in seconds]
    return counter_steps(np.array(values), np.array(clock), LIMIT, resolution, carry)


@pytest.mark.parametrize(
    ("name", "values", "steps", "dropped"),
    [
        ("steady", [0, 500, 1000, 1500], [500, 500, 500], []),
        ("standing still", [7, 7, 7], [0, 0], []),
        ("reset to zero", [90_000, 90_500, 0, 500, 1000], [500, 500, 500], []),
        ("reset, and the first reading after it alone", [90_000, 0], [], []),
        ("a dip and on from there", [90_000, 89_900, 89_950, 90_050], [50, 100], []),
        ("a dip and back", [90_000, 89_900, 90_000, 90_100], [0, 100], [1]),
        ("a single zero", [90_000, 0, 90_500, 91_000], [500, 500], [1]),
        ("a single zero at a small counter follows both: the smaller step counts", [900, 0, 950, 1000], [50, 50], [1]),
        ("a glitch of 20 kWh", [1000, 20_001_000, 1500, 2000], [500, 500], [1]),
        ("a glitch twice", [1000, 20_001_000, 40_000_000, 1500, 2000], [500, 500], [1, 2]),
        ("a jump that stays", [1000, 20_001_000, 20_001_500, 20_002_000], [500, 500], []),
        ("another jump while one is proposed", [1000, 9_000_000, 70_000_000, 70_000_400], [400], [1]),
        ("32-bit overflow and back", [42_949, 42_949_672_000, 43_000], [51], [1]),
    ],
)
def test_the_rule(name: str, values: list[int], steps: list[int], dropped: list[int]) -> None:
    booked = book(values)
    assert booked.mwh.tolist() == steps, name
    assert booked.dropped == dropped, name


def test_a_step_must_be_possible_in_the_time_that_passed() -> None:
    assert book([0, 1112], [0, 1]).mwh.tolist() == [1112]  # the limit and one of resolution
    assert book([0, 1113], [0, 1]).mwh.tolist() == []
    assert book([0, 1_000_000], [0, 3600]).mwh.tolist() == [1_000_000]
    assert book([0, 4_000_003], [0, 3600]).mwh.tolist() == []


def test_a_coarse_counter_may_jump_by_its_resolution() -> None:
    assert book([0, 0, 1000, 1000], resolution=1000).mwh.tolist() == [0, 1000, 0]
    assert book([0, 0, 5000, 5000], resolution=1000).mwh.tolist() == [0, 0]


@pytest.mark.parametrize("unit", [1000, 500, 100])  # mWh: 1 Wh, half a Wh, a tenth
@pytest.mark.parametrize("limit", [50.0, 2300.0])
@pytest.mark.parametrize("interval", [200, 1000])
def test_a_counter_that_shows_by_its_values_how_coarse_it_is_loses_nothing(
    unit: int, limit: float, interval: int
) -> None:
    clock = np.arange(3000) * interval
    counter = 5_000_000 + (limit * clock / 3600 / unit).astype(np.int64) * unit
    booked = counter_steps(counter, clock, limit, 1)
    assert booked.mwh.sum() == counter[-1] - counter[0] > 0
    assert not booked.dropped
    counter[1500] += 20_000_000  # one by one with a glitch, and the same
    booked = counter_steps(counter, clock, limit, 1)
    assert (booked.mwh.sum(), booked.dropped) == (counter[-1] - counter[0], [1500])


def test_a_step_larger_than_what_a_coarse_counter_may_jump_by_is_not_believed() -> None:
    assert book([5_000_000, 5_003_000], [0, 1]).mwh.tolist() == []
    assert book([5_000_000, 5_002_000], [0, 1]).mwh.tolist() == [2000]
    assert book([5_000_001, 5_002_000], [0, 1]).mwh.tolist() == [], "one that is not whole shows a finer counter"


def test_steps_name_the_readings_between_which_energy_flowed() -> None:
    booked = book([1000, 20_001_000, 1500, 0, 500])
    assert booked.start.tolist() == [0, 3]
    assert booked.end.tolist() == [2, 4]
    assert book([5, 6], carry=Carry(Reading(4, -1000))).start.tolist() == [-1, 0]
    resumed = book([300], carry=Carry(Reading(90_000, -2000), Reading(200, -1000)))
    assert (resumed.start.tolist(), resumed.mwh.tolist()) == ([-2], [100.0])


readings = st.lists(st.one_of(st.integers(0, 3000), st.integers(0, 30_000_000), st.just(0)), min_size=1, max_size=30)


@settings(max_examples=300)
@given(readings, st.integers(0, 30))
def test_carrying_the_state_over_a_cut_changes_nothing(values: list[int], cut: int) -> None:
    """What one call books, two calls with the state carried between them book too."""
    values = (
        np.cumsum([value % 1500 if value < 3000 else 0 for value in values]).tolist() if len(values) % 2 else values
    )
    clock = np.arange(len(values)) * SECOND
    cut = min(cut, len(values))
    whole = counter_steps(np.array(values, np.int64), clock, LIMIT, 1)
    first = counter_steps(np.array(values[:cut], np.int64), clock[:cut], LIMIT, 1)
    second = counter_steps(np.array(values[cut:], np.int64), clock[cut:], LIMIT, 1, first.carry)
    assert first.mwh.tolist() + second.mwh.tolist() == whole.mwh.tolist()
    assert second.carry == whole.carry


def test_readings_that_follow_one_another_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug that sends a week at once, of which one reading is odd."""
    looked: list[Any] = []
    real = energy.largest_step

    def noting(*args: Any) -> float:
        looked.append(args)
        return real(*args)

    monkeypatch.setattr(energy, "largest_step", noting)
    values, clock = np.arange(600_000) * 500, np.arange(600_000) * SECOND
    values[300_000] += 20_000_000
    values[450_000:] -= values[450_000]
    booked = counter_steps(values, clock, LIMIT, 1)
    assert booked.mwh.sum() == 599_998 * 500
    assert booked.dropped == [300_000]
    assert len(looked) < 10


@settings(max_examples=300)
@given(readings)
def test_many_at_once_book_what_one_after_the_other_books(values: list[int]) -> None:
    carry = Carry()
    ends: list[int] = []
    mwh: list[float] = []
    for k, value in enumerate(values):
        one = counter_steps(np.array([value], np.int64), np.array([k * SECOND]), LIMIT, 1, carry)
        carry = one.carry
        mwh += one.mwh.tolist()
        ends += [k] * len(one.end)
    whole = book(values)
    assert (whole.mwh.tolist(), whole.end.tolist(), whole.carry) == (mwh, ends, carry)


@settings(max_examples=300)
@given(readings)
def test_steps_never_overlap_and_never_exceed_the_limit(values: list[int]) -> None:
    booked = book(values)
    assert (booked.end[:-1] <= booked.start[1:]).all() or not len(booked.end)
    elapsed = (booked.end - booked.start) * 1.0
    assert (booked.mwh >= 0).all()
    units = [gcd(values[a], values[b], 1000) for a, b in zip(booked.start, booked.end, strict=True)]
    assert (booked.mwh <= LIMIT * elapsed * 1000 / 3600 + np.array(units)).all()


def test_power_is_integrated_between_samples_close_together() -> None:
    power = np.array([3600.0, 3600.0, np.nan, 3600.0, 0.0, -3600.0])
    clock = np.array([0, 1000, 2000, 3000, 4000, 9000])
    ends, mwh = power_steps(power, clock, 3000)
    assert ends.tolist() == [1, 4]
    assert mwh.tolist() == [1000.0, 500.0]
