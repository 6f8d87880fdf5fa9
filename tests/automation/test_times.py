"""When a schedule is due: weeks, and the nights on which clocks are put forward and back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.automation.times import latest_due, next_due

DAILY = range(7)


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("after", "days", "time", "zone", "expected"),
    [
        ("2026-03-24 11:00", DAILY, "18:00", "Europe/Berlin", "2026-03-24 17:00"),
        ("2026-03-24 16:59:59.999", DAILY, "18:00", "Europe/Berlin", "2026-03-24 17:00"),
        ("2026-03-24 17:00", DAILY, "18:00", "Europe/Berlin", "2026-03-25 17:00"),
        ("2026-03-24 17:00", [1], "18:00", "Europe/Berlin", "2026-03-31 16:00"),  # and summer has begun
        ("2026-03-24 17:00", [0, 6], "00:00", "Europe/Berlin", "2026-03-28 23:00"),
        ("2026-03-24 17:00", [4], "06:30", "Pacific/Auckland", "2026-03-26 17:30"),
        # 02:00 to 03:00 does not exist: at the next moment that does
        ("2026-03-28 12:00", DAILY, "02:30", "Europe/Berlin", "2026-03-29 01:00"),
        ("2026-03-29 01:00", DAILY, "02:30", "Europe/Berlin", "2026-03-30 00:30"),
        ("2026-03-28 12:00", DAILY, "02:00", "Europe/Berlin", "2026-03-29 01:00"),
        ("2026-03-28 12:00", DAILY, "01:59", "Europe/Berlin", "2026-03-29 00:59"),
        ("2026-10-03 10:00", DAILY, "02:15", "Australia/Lord_Howe", "2026-10-03 15:30"),  # by half an hour
        ("2017-10-14 12:00", DAILY, "00:00", "America/Sao_Paulo", "2017-10-15 03:00"),  # midnight itself
        ("2011-12-30 09:00", [4], "12:00", "Pacific/Apia", "2011-12-30 10:00"),  # a whole Friday
        # 02:00 to 03:00 exists twice: once, the first time
        ("2026-10-24 12:00", DAILY, "02:30", "Europe/Berlin", "2026-10-25 00:30"),
        ("2026-10-25 00:30", DAILY, "02:30", "Europe/Berlin", "2026-10-26 01:30"),
        ("2026-10-25 00:45", DAILY, "02:30", "Europe/Berlin", "2026-10-26 01:30"),
    ],
)
def test_next(after: str, days: list[int], time: str, zone: str, expected: str) -> None:
    assert next_due(utc(after), days, time, zone) == utc(expected)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])
@pytest.mark.parametrize("time", ["00:00", "01:30", "02:00", "02:30", "12:00", "23:59"])
def test_a_year_has_one_run_a_day(zone: str, time: str) -> None:
    where = ZoneInfo(zone)
    moment, runs = utc("2025-12-30"), []
    while (moment := next_due(moment, DAILY, time, zone)) < utc("2027-01-02"):
        runs.append(datetime.fromtimestamp(moment / 1000, where))
    days = [run.date() for run in runs if run.year == 2026]
    assert len(days) == len(set(days)) == 365
    other = [run for run in runs if run.strftime("%H:%M") != time]
    assert len(other) <= 1, "only the night of the missing hour has another time"
    assert all(run.fold == 0 for run in runs)


def test_the_latest_of_many_that_were_missed() -> None:
    first = next_due(utc("2026-01-01"), [0], "18:00", "Europe/Berlin")
    assert latest_due(first, utc("2026-11-30 16:59"), [0], "18:00", "Europe/Berlin") == utc("2026-11-23 17:00")
    assert latest_due(first, utc("2026-11-30 17:00"), [0], "18:00", "Europe/Berlin") == utc("2026-11-30 17:00")
    assert latest_due(first, first, [0], "18:00", "Europe/Berlin") == first
