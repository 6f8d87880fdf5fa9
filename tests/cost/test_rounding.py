"""Rounded parts add up to the rounded whole."""

import numpy as np
import pytest

from hub.cost.rounding import round_parts


@pytest.mark.parametrize("seed", range(20))
def test_they_add_up_and_none_is_off_by_more_than_one(seed: int) -> None:
    parts = np.random.default_rng(seed).gamma(0.4, 3, 9).tolist()
    rounded = [part or 0.0 for part in round_parts([*parts, None], 2)]
    assert sum(rounded) == pytest.approx(round(sum(parts), 2), abs=1e-9)
    assert max(abs(a - b) for a, b in zip(rounded, [*parts, 0.0], strict=True)) < 0.01 + 1e-9


def test_a_whole_that_was_itself_rounded_is_kept() -> None:
    assert round_parts([1.4, 1.4, 1.4], 0, 5) == [2, 2, 1]
    assert round_parts([1.4, 1.4, None], 0, 2) == [1, 1, None]
    assert sum(part or 0 for part in round_parts([1.6, 1.6], 0, 2)) == 2
    assert round_parts([1.0, 1.0], 0, 1) in ([1, 0], [0, 1])


def test_what_is_unknown_stays_unknown() -> None:
    assert round_parts([None, None], 1) == [None, None]
    assert round_parts([], 1) == []
    assert round_parts([0.0, None], 1) == [0.0, None]
