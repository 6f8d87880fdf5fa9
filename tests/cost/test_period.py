"""Which period a date lies in, and what it is compared with."""

import pytest

from hub.cost import Kind, period_of
from hub.messages import HubError
from tests.cost.parts import BERLIN, DAY, HOUR, at


def spans(kind: Kind, of: str | None, now: str, **more: int) -> tuple[int, int, int, int, int]:
    period = period_of(kind, of, now=at(now), zone=BERLIN, **more)
    return period.start, period.end, period.until, period.before_start, period.before_until


@pytest.mark.parametrize(
    ("kind", "of", "start", "end", "before"),
    [
        ("day", "2026-10-25", "2026-10-25", "2026-10-26", "2026-10-24"),
        ("week", "2026-10-25", "2026-10-19", "2026-10-26", "2026-10-12"),
        ("month", "2026-03", "2026-03-01", "2026-04-01", "2026-02-01"),
        ("month", "2026-01-31", "2026-01-01", "2026-02-01", "2025-12-01"),
        ("year", "2025", "2025-01-01", "2026-01-01", "2024-01-01"),
        ("year", "2025-07-04", "2025-01-01", "2026-01-01", "2024-01-01"),
    ],
)
def test_a_period_that_is_over(kind: Kind, of: str, start: str, end: str, before: str) -> None:
    assert spans(kind, of, "2027-06-01T12:00") == (at(start), at(end), at(end), at(before), at(start))


def test_days_when_the_clock_changes_have_their_hours() -> None:
    spring, autumn = (spans("day", day, "2027-01-01T00:00") for day in ("2026-03-29", "2026-10-25"))
    assert (spring[1] - spring[0], autumn[1] - autumn[0]) == (23 * HOUR, 25 * HOUR)
    october = spans("month", "2026-10", "2027-01-01T00:00")
    assert october[1] - october[0] == 31 * DAY + HOUR


@pytest.mark.parametrize(
    ("week_start", "first"), [(0, "2026-11-16"), (6, "2026-11-15"), (5, "2026-11-21"), (1, "2026-11-17")]
)
def test_a_week_begins_where_the_home_begins_it(week_start: int, first: str) -> None:
    assert spans("week", None, "2026-11-21T13:24", week_start=week_start)[0] == at(first)


@pytest.mark.parametrize(
    ("kind", "now", "before_until"),
    [
        ("day", "2026-11-21T13:24", "2026-11-20T13:24"),
        ("day", "2026-10-25T13:24", "2026-10-24T13:24"),  # it has 25 hours
        ("day", "2026-10-26T13:24", "2026-10-25T13:24"),
        ("week", "2026-11-21T13:24", "2026-11-14T13:24"),
        ("month", "2026-11-21T13:24", "2026-10-21T13:24"),
        ("month", "2026-03-31T13:24", "2026-03-01T00:00"),  # February has ended by then
        ("year", "2026-11-21T13:24", "2025-11-21T13:24"),
        ("year", "2024-02-29T13:24", "2023-03-01T00:00"),
    ],
)
def test_a_running_period_has_the_same_part_before(kind: Kind, now: str, before_until: str) -> None:
    period = period_of(kind, None, now=at(now), zone=BERLIN)
    assert period.running
    assert (period.until, period.before_until) == (at(now), at(before_until))


@pytest.mark.parametrize(
    ("kind", "of", "code"),
    [
        ("day", "2026-10", "report-period-wrong"),
        ("week", "2026", "report-period-wrong"),
        ("month", "2026", "report-period-wrong"),
        ("month", "2026-13", "report-period-wrong"),
        ("day", "2026-02-29", "report-period-wrong"),
        ("year", "0000", "report-period-wrong"),
        ("year", "9999", "report-period-wrong"),
        ("year", "2026-", "report-period-wrong"),
        ("day", "today", "report-period-wrong"),
        ("month", "2026-12", "report-period-ahead"),
    ],
)
def test_what_is_no_period_is_refused(kind: Kind, of: str, code: str) -> None:
    with pytest.raises(HubError) as refused:
        period_of(kind, of, now=at("2026-11-21T13:24"), zone=BERLIN)
    assert (refused.value.id, refused.value.field) == (code, "of")
