"""Dating by offsets: network delay, crystal drift, a day away, steps of the hub's clock, an uncertain clock."""

import numpy as np

from hub.plugins.contract import NONE
from hub.telemetry.offsets import OffsetLine, Offsets, date

BEGAN = 1_700_000_000_000
MINUTE = 60_000
DAY = 86_400_000


def hear(
    line: OffsetLine, first: int, last: int, offset: int, *, ppm: float = 0.0, delays: tuple[int, ...] = (0,)
) -> None:
    """A sample a second from `first` to `last` (seconds of up), late by these delays in turn."""
    for second in range(first, last):
        up = second * 1000
        line.heard(up, offset + up + round(up * ppm / 1e6) + delays[second % len(delays)])


def test_the_smallest_delay_of_a_minute_counts() -> None:
    line = OffsetLine()
    hear(line, 0, 60, BEGAN, delays=(900, 35, 400, 20))
    assert line.known() == [(3000, BEGAN + 20)], "provisional until the minute is over"
    hear(line, 60, 3600, BEGAN, delays=(30, 90, 500))
    assert line.points == [(3000, BEGAN + 20)], "within 100 ms no further point is needed"


def test_the_first_known_offset_holds_for_all_before_it() -> None:
    assert date([(600_000, BEGAN)], np.array([0, 1000, 700_000])).tolist() == [BEGAN, BEGAN + 1000, BEGAN + 700_000]


def test_samples_without_up_or_without_points_have_no_date() -> None:
    assert date([], np.array([5, 6])).tolist() == [NONE, NONE]
    assert date([(0, BEGAN)], np.array([NONE, 6])).tolist() == [NONE, BEGAN + 6]


def test_drift_while_online_needs_few_points_and_stays_within_the_tolerance() -> None:
    line = OffsetLine()
    hear(line, 0, 86_400, BEGAN, ppm=20)
    line.close()
    assert 10 < len(line.points) < 60
    up = np.arange(0, 86_400_000, 1000)
    truth = BEGAN + up + np.rint(up * 20e-6)
    assert np.abs(date(line.points, up) - truth).max() <= 130


def test_drift_over_a_day_away_is_spread_over_it() -> None:
    line = OffsetLine()
    hear(line, 0, 600, BEGAN)
    hear(line, 86_400, 87_000, BEGAN + 1700)  # 20 ppm of a day
    line.close()
    before, middle, after = date(line.points, np.array([599_000, DAY // 2, 86_500_000]))
    assert before == BEGAN + 599_000, "what was dated before is not dated anew"
    assert abs(middle - (BEGAN + DAY // 2 + 850)) < 20
    assert after == BEGAN + 1700 + 86_500_000


def test_a_step_of_the_hubs_clock_is_not_spread() -> None:
    line = OffsetLine()
    hear(line, 0, 600, BEGAN)
    hear(line, 660, 1200, BEGAN + 3_600_000)
    line.close()
    before, after = date(line.points, np.array([650_000, 661_000])).tolist()
    assert before == BEGAN + 650_000
    assert after == BEGAN + 3_600_000 + 661_000


def test_closing_at_a_step_keeps_both_sides_of_a_minute() -> None:
    line = OffsetLine()
    hear(line, 0, 90, BEGAN)
    line.close()
    hear(line, 90, 130, BEGAN + 5_000)
    line.close()
    assert date(line.points, np.array([89_000, 91_000])).tolist() == [BEGAN + 89_000, BEGAN + 96_000]


def test_an_uncertain_clock_dates_nothing_until_it_is_certain() -> None:
    offsets = Offsets()
    for second in range(120):
        offsets.heard(second * 1000, 50_000 + second * 1000, certain=False)
    assert offsets.wall.known() == []
    offsets.date_session(BEGAN - 50_000)
    assert offsets.wall.points == [(0, BEGAN)]
    assert offsets.wall.fresh == [(0, BEGAN)], "the next commit tells"
    offsets.heard(121_000, BEGAN + 121_000, certain=True)
    assert offsets.wall.known() == [(0, BEGAN)]


def test_a_first_minute_goes_on_after_a_restart() -> None:
    line = OffsetLine()
    hear(line, 0, 20, BEGAN, delays=(80,))
    point = line.provisional()
    assert point is not None
    again = OffsetLine()
    again.resume(point)
    hear(again, 20, 59, BEGAN, delays=(10,))
    again.close()
    assert again.points == [(20_000, BEGAN + 10)]
