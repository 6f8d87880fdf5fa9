"""The energy rule: from counter readings, or from power where there is no counter, to the steps that are booked."""

from math import gcd

import msgspec
import numpy as np
import numpy.typing as npt

from hub.plugins.contract import Float64, Int64

Bools = npt.NDArray[np.bool_]

DEFAULT_LIMIT_W = 4_000
INTERVALS = 3  # without a counter power is integrated over at most this many of the device's intervals
COARSEST_MWH = 1000  # counters that count in larger steps than 1 Wh are not believed to


class Reading(msgspec.Struct):
    """One value of a counter (mWh) at one moment of `clock` (ms, never stepping back)."""

    value: int
    clock: int


class Carry(msgspec.Struct):
    """Where the rule stands after the last reading: the baseline, and the reading that proposes another."""

    baseline: Reading | None = None
    proposal: Reading | None = None


class Steps(msgspec.Struct):
    """Booked steps: from reading `start` to reading `end` (indices; -1 = the carried baseline, -2 = the carried
    proposal), `mwh` each. `dropped`: indices of readings that were passed over."""

    start: Int64
    end: Int64
    mwh: Float64
    dropped: list[int]
    carry: Carry


def counter_steps(
    values: Int64, clock: Int64, limit_w: float, resolution_mwh: int, carry: Carry | None = None
) -> Steps:
    """The steps between successive counter values, in order.

    values: mWh; clock: ms, ascending. A step that is negative, or larger than limit x elapsed + the counter's
    resolution (see `largest_step`), adds nothing and only proposes a baseline: the next reading is tried against both.
    """
    carry = carry or Carry()

    def follows(reading: Reading, earlier: Reading) -> int | None:
        step, elapsed = reading.value - earlier.value, reading.clock - earlier.clock
        most = largest_step(earlier.value, reading.value, elapsed, limit_w, resolution_mwh)
        return step if 0 <= step <= most else None

    def at(place: int) -> Reading:
        return Reading(int(values[place]), int(clock[place]))

    n = len(values)
    # Where readings follow one another, many at once: one odd reading in a week must not cost a look at each.
    odd = [*(np.flatnonzero(impossible(values, clock, limit_w, resolution_mwh)) + 1).tolist(), n]
    start, end, mwh = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)
    booked = k = next_odd = 0
    dropped: list[int] = []
    baseline, base = carry.baseline, -1
    proposal, proposed = carry.proposal, -2
    while k < n:
        while odd[next_odd] < k:
            next_odd += 1
        stop = odd[next_odd]
        if proposal is None and 0 <= base == k - 1 and stop > k:
            count = stop - k
            start[booked : booked + count] = np.arange(k - 1, stop - 1)
            end[booked : booked + count] = np.arange(k, stop)
            mwh[booked : booked + count] = np.diff(values[k - 1 : stop])
            booked, k = booked + count, stop
            baseline, base = at(stop - 1), stop - 1
            continue
        reading = at(k)
        if baseline is None:
            baseline, base = reading, k
        else:
            step = follows(reading, baseline)
            other = None if proposal is None else follows(reading, proposal)
            if step is None and other is None:
                if proposal is not None:
                    dropped.append(proposed)
                proposal, proposed = reading, k
            else:
                if other is None or (step is not None and step <= other):
                    assert step is not None
                    start[booked], mwh[booked] = base, step
                    if proposal is not None:
                        dropped.append(proposed)
                else:
                    start[booked], mwh[booked] = proposed, other
                end[booked] = k
                booked += 1
                baseline, base, proposal = reading, k, None
        k += 1
    return Steps(start[:booked], end[:booked], mwh[:booked], dropped, Carry(baseline, proposal))


def power_steps(power: Float64, clock: Int64, longest_ms: int) -> tuple[Int64, Float64]:
    """(end, mWh) of the steps between samples at most `longest_ms` apart, power integrated as trapezoids.

    Step k reaches from sample end[k] - 1 to sample end[k]; negative where power flowed back.
    """
    elapsed = np.diff(clock)
    usable = (elapsed > 0) & (elapsed <= longest_ms) & ~np.isnan(power[1:]) & ~np.isnan(power[:-1])
    mwh = (power[1:] + power[:-1]) / 2 * elapsed / 3600.0
    return np.flatnonzero(usable) + 1, mwh[usable]


def largest_step(before: int, value: int, elapsed: int, limit_w: float, resolution_mwh: int) -> float:
    """mWh by which a counter can have grown in `elapsed` ms from `before` to `value` (mWh), with its resolution: the
    driver's, or the unit that both values are whole multiples of, up to 1 Wh. A plug of any make may count in Wh."""
    # From the values alone, so that it is the same whenever and from whatever these two readings are compared.
    return limit_w * elapsed / 3600.0 + max(resolution_mwh, gcd(before, value, COARSEST_MWH))  # W x ms / 3600 = mWh


def impossible(values: Int64, clock: Int64, limit_w: float, resolution_mwh: int) -> Bools:
    """Of each step between successive counter values: is it negative, or larger than `largest_step`?"""
    steps, most = np.diff(values), limit_w * np.diff(clock) / 3600.0
    wrong: Bools = (steps < 0) | (steps > most + resolution_mwh)
    large = np.flatnonzero(wrong & (steps > 0))
    if len(large):
        unit = np.gcd(np.gcd(values[large], values[large + 1]), COARSEST_MWH)
        wrong[large] = steps[large] > most[large] + np.maximum(unit, resolution_mwh)
    return wrong
