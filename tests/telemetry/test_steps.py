"""Steps of the hub's clock: what comes after one is dated by the new time from its first sample on."""

import numpy as np
import pytest

from hub.plugins.contract import NONE
from hub.telemetry import Streams
from hub.telemetry.offsets import OffsetLine, Offsets, date
from tests.telemetry.test_offsets import BEGAN, MINUTE, hear

HOUR = 3_600_000
DAY = 24 * HOUR


def told(offsets: Offsets, up: int) -> int:
    """The hub's date of it, as an offset."""
    return int(date(offsets.wall.known(), np.array([up]))[0]) - up


def heard(offsets: Offsets, first: int, last: int, offset: int, *, delays: tuple[int, ...] = (0,)) -> None:
    hear(offsets.wall, first, last, offset, delays=delays)


@pytest.mark.parametrize("step", [-DAY, -HOUR, -5_000, -1_500, 1_500, 5_000, HOUR, DAY])
@pytest.mark.parametrize("second", [10, 90])
def test_the_first_sample_after_a_step_has_the_new_date_and_those_before_keep_theirs(step: int, second: int) -> None:
    offsets = Offsets()
    heard(offsets, 0, second, BEGAN)
    offsets.stepped()
    heard(offsets, second, second + 1, BEGAN + step)
    assert told(offsets, second * 1000) == BEGAN + step
    assert told(offsets, (second - 1) * 1000) == BEGAN
    heard(offsets, second + 1, second + 200, BEGAN + step)
    assert [told(offsets, up * 1000) for up in (0, second - 1, second, second + 30, second + 199)] == [
        BEGAN,
        BEGAN,
        BEGAN + step,
        BEGAN + step,
        BEGAN + step,
    ]


def test_a_late_first_sample_after_a_step_is_made_good_by_the_next() -> None:
    offsets = Offsets()
    heard(offsets, 0, 90, BEGAN)
    offsets.stepped()
    heard(offsets, 90, 100, BEGAN - HOUR, delays=(900, 40))
    assert told(offsets, 90_000) == BEGAN - HOUR + 40
    heard(offsets, 100, 200, BEGAN - HOUR, delays=(70,))
    assert told(offsets, 90_000) == BEGAN - HOUR + 40


def test_two_steps_within_a_minute() -> None:
    offsets = Offsets()
    heard(offsets, 0, 90, BEGAN)
    offsets.stepped()
    heard(offsets, 90, 95, BEGAN + HOUR)
    offsets.stepped()
    heard(offsets, 95, 100, BEGAN + 7)
    assert [told(offsets, second * 1000) for second in (89, 90, 94, 95, 99)] == [
        BEGAN,
        BEGAN + HOUR,
        BEGAN + HOUR,
        BEGAN + 7,
        BEGAN + 7,
    ]


def test_a_step_that_was_none_leaves_no_point() -> None:
    offsets = Offsets()
    heard(offsets, 0, 90, BEGAN)
    offsets.stepped()
    heard(offsets, 90, 200, BEGAN + 50)
    assert offsets.wall.known() == offsets.wall.points == [(0, BEGAN)]


def test_while_the_hub_was_down_the_clock_may_have_stepped_too() -> None:
    offsets = Offsets([(0, BEGAN)])
    heard(offsets, 90, 91, BEGAN - HOUR)
    assert told(offsets, 90_000) == BEGAN - HOUR
    assert told(offsets, 60_000) == BEGAN


def test_what_comes_late_after_a_start_is_no_step() -> None:
    offsets = Offsets([(0, BEGAN)])
    heard(offsets, 90, 92, BEGAN, delays=(7000, 60))
    assert offsets.wall.known() == [(0, BEGAN)]


def test_samples_after_a_step_into_doubt_are_dated_from_the_first_one_when_the_time_is_certain() -> None:
    offsets = Offsets()
    heard(offsets, 0, 90, BEGAN)
    offsets.stepped()
    for second in range(90, 130):
        offsets.heard(second * 1000, second * 1000 - 5_000 + (30 if second < 100 else 0), certain=False)
    offsets.date_session(BEGAN + 5_000 - HOUR)
    assert [told(offsets, second * 1000) for second in (89, 90, 129)] == [BEGAN, BEGAN - HOUR, BEGAN - HOUR]


@pytest.mark.parametrize("minute_ended", [False, True])
def test_a_kill_after_a_step_leaves_the_new_dates(minute_ended: bool) -> None:
    streams, copy = Streams(), Streams()
    one = streams.open("d", 0, "r", "hw")
    played = 0

    def play(last: int, offset: int) -> None:
        nonlocal played
        for seq in range(played, last):
            one.place(seq)
            one.offsets.heard(seq * 1000, offset + seq * 1000, certain=True)
        played = last
        streams.heard_live(one)
        for delta in streams.take():
            assert copy.apply(delta)

    play(90, BEGAN)
    streams.clock_stepped()
    play(95, BEGAN - HOUR)
    if minute_ended:
        play(200, BEGAN - HOUR)
    other = copy.get("d", 0, "r")
    assert other is not None
    assert [told(other.offsets, second * 1000) for second in (0, 90, 94)] == [BEGAN, BEGAN - HOUR, BEGAN - HOUR]
    heard(other.offsets, 300, 400, BEGAN - HOUR)
    assert [told(other.offsets, second * 1000) for second in (0, 90, 94)] == [BEGAN, BEGAN - HOUR, BEGAN - HOUR]


def test_a_minute_that_proved_the_line_right_is_not_taken_up_after_a_kill() -> None:
    streams, copy = Streams(), Streams()
    one = streams.open("d", 0, "r", "hw")
    for first, last, delay in ((0, 90, 0), (90, 91, 4000), (91, 200, 0)):
        if delay:
            streams.clock_stepped()
        for seq in range(first, last):
            one.place(seq)
            one.offsets.heard(seq * 1000, BEGAN + seq * 1000 + delay, certain=True)
        streams.heard_live(one)
        for delta in streams.take():
            assert copy.apply(delta)
    other = copy.get("d", 0, "r")
    assert other is not None
    assert other.offsets.wall.known() == one.offsets.wall.known() == [(0, BEGAN)]


def test_a_line_of_its_own_dates_nothing_without_samples() -> None:
    line = OffsetLine()
    line.stepped()
    assert line.known() == []
    assert date(line.known(), np.array([MINUTE])).tolist() == [NONE]
