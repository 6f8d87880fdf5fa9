"""Energy between two readings falls into the buckets between them by time, however many readings there are."""

import sys

import numpy as np
import pytest

from hub.history.minutes import spans_of
from hub.history.rollups import FAR, _Grid
from hub.plugins.contract import MINUTES, NONE, RawColumns

RUN = "a" * 16


def columns(seq: np.ndarray, run: str = RUN, **extra: np.ndarray) -> RawColumns:
    whole, none = np.full(len(seq), NONE, np.int64), np.full(len(seq), np.nan)
    return RawColumns(
        run=run,
        seq=seq,
        up=seq * 1000,
        at=1_700_000_000_000 + seq * 1000,
        voltage=none,
        current=none,
        power=np.full(len(seq), 5.0),
        energy_mwh=seq,
        export_mwh=whole,
        relay=np.full(len(seq), NONE, np.int8),
        apparent=np.zeros(len(seq), np.bool_),
        extra=extra,
    )


def test_each_bucket_gets_its_share() -> None:
    chance = np.random.default_rng(1)
    start, width, n = 600_000, 60_000, 400
    begin = chance.integers(0, start + width * (n + 10), 2000)
    length = chance.choice([0, -5, 1, 1000, 59_999, 60_000, 150_000, width * (FAR + 3)], 2000)
    end, amount = begin + length, chance.random(2000) * 100
    sums = _Grid(start, width, n).spread(begin, end, amount)
    expected = np.zeros(n)
    for k in range(len(begin)):
        for bucket in range(n):
            low, high = start + bucket * width, start + (bucket + 1) * width
            if length[k] <= 0:
                expected[bucket] += amount[k] if low <= end[k] < high else 0
            else:
                inside = max(0, min(high, end[k]) - max(low, begin[k]))
                expected[bucket] += amount[k] * inside / length[k]
    assert sums == pytest.approx(expected)


def test_thousands_of_minutes_with_holes_beside_a_full_ring_take_no_time() -> None:
    last = np.arange(1, 2001) * 60
    kept = columns(last, RUN + MINUTES, seq_from=(last - 57).astype(np.float64))
    ring = columns(np.arange(130_000, 133_600))
    samples, calls = [ring, columns(last[:5] - 58)], 0
    spans_of([(kept, 0)], samples, {RUN: 0}, 1000)  # what happens at a first use only is not counted

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        spans = spans_of([(kept, 0)], samples, {RUN: 0}, 1000)
    finally:
        sys.setprofile(before)
    assert spans.begun.tolist() == list(range(5, 2000)), "before the first five stands a sample"
    assert calls < 10 * len(last), "the ring is searched for each minute"
