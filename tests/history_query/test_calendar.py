"""Hours and days of a time zone: both DST days, odd offsets, and dates that begin late or not at all."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.history.calendar import BUCKETS, DAY, HOUR, MINUTE, Calendar
from hub.messages import HubError

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # -3:30
    "Asia/Kathmandu",  # +5:45
    "Asia/Kolkata",  # +5:30
    "Australia/Lord_Howe",  # DST of half an hour
    "Pacific/Chatham",  # +12:45
    "America/Sao_Paulo",  # DST at midnight, until 2019
    "America/Havana",  # midnight twice
    "Asia/Beirut",  # midnight skipped
    "Pacific/Apia",  # a day skipped in 2011
    "Africa/Casablanca",
]


def ms(zone: str, *parts: int) -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("date", "hours"),
    [((2024, 3, 31), 23), ((2024, 10, 27), 25), ((2024, 7, 1), 24)],
    ids=["spring", "autumn", "summer"],
)
def test_days_of_berlin(date: tuple[int, int, int], hours: int) -> None:
    start = ms("Europe/Berlin", *date)
    calendar = Calendar("Europe/Berlin")
    assert calendar.day(start) == (start, start + hours * HOUR)
    assert calendar.day(start + hours * HOUR - 1) == (start, start + hours * HOUR)
    edges = calendar.edges("1h", start, start + hours * HOUR)
    assert len(edges) == hours + 1
    assert set(np.diff(edges)) == {HOUR}


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    start, end = ms("UTC", 2024, 10, 27, 0), ms("UTC", 2024, 10, 27, 2)  # 02:00 summer time to 03:00 winter time
    assert Calendar("Europe/Berlin").edges("1h", start, end).tolist() == [start, start + HOUR, end]


@pytest.mark.parametrize(("zone", "minutes"), [("Asia/Kathmandu", 15), ("Asia/Kolkata", 30), ("Pacific/Chatham", 15)])
def test_hours_follow_the_local_clock(zone: str, minutes: int) -> None:
    start = ms("UTC", 2024, 1, 10, 12)
    edges = Calendar(zone).edges("1h", start, start + 5 * HOUR)
    assert set(edges % HOUR) == {minutes * MINUTE}
    assert edges[0] <= start
    assert edges[-1] >= start + 5 * HOUR


def test_a_shift_of_half_an_hour() -> None:
    change = ms("UTC", 2024, 4, 6, 15)  # 02:00 +11:00 becomes 01:30 +10:30
    edges = Calendar("Australia/Lord_Howe").edges("1h", change - HOUR, change + 2 * HOUR)
    assert (np.diff(edges) // MINUTE).tolist() == [60, 30, 60, 60]
    day = ms("Australia/Lord_Howe", 2024, 4, 7)
    assert Calendar("Australia/Lord_Howe").day(day) == (day, day + 24 * HOUR + 30 * MINUTE)


def test_a_day_whose_midnight_is_skipped() -> None:
    noon = ms("Asia/Beirut", 2024, 3, 31, 12)
    begin, end = Calendar("Asia/Beirut").day(noon)
    assert begin == ms("UTC", 2024, 3, 30, 22)
    assert end - begin == 23 * HOUR


def test_a_day_whose_midnight_comes_twice() -> None:
    noon = ms("America/Havana", 2024, 11, 3, 12)
    begin, end = Calendar("America/Havana").day(noon)
    assert end - begin == 25 * HOUR


def test_a_date_that_never_was() -> None:
    start, end = ms("Pacific/Apia", 2011, 12, 29), ms("Pacific/Apia", 2012, 1, 1)
    edges = Calendar("Pacific/Apia").edges("1d", start, end)
    assert np.diff(edges).tolist() == [DAY, DAY]


@pytest.mark.parametrize("bucket", ["1m", "5m", "15m"])
def test_short_buckets_stand_on_the_grid(bucket: str) -> None:
    start = ms("UTC", 2024, 1, 1) + 61_001
    edges = Calendar("Asia/Kathmandu").edges(bucket, start, start + HOUR)
    assert edges[0] == start // BUCKETS[bucket] * BUCKETS[bucket]
    assert set(np.diff(edges)) == {BUCKETS[bucket]}


def test_an_unknown_zone_is_told() -> None:
    for name in ("Europe/Atlantis", "", "../etc/passwd", "Europe"):
        with pytest.raises(HubError) as caught:
            Calendar(name)
        assert caught.value.id == "zone-unknown"


@settings(max_examples=120)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(["1h", "1d"]),
    st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1)),
    st.integers(1, 40 * 24 * 60),
)
def test_any_range_is_covered_by_what_the_local_clock_says(zone: str, bucket: str, when: datetime, length: int) -> None:
    start = int(when.replace(tzinfo=UTC).timestamp() * 1000)
    end = start + length * MINUTE
    edges = Calendar(zone).edges(bucket, start, end)
    assert edges[0] <= start < edges[1]
    assert edges[-2] < end <= edges[-1]
    assert (np.diff(edges) > 0).all()
    assert (edges % (15 * MINUTE) == 0).all(), "sums of quarters of an hour"

    def label(at: int) -> tuple[object, ...]:
        local = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone))
        return (local.date(),) if bucket == "1d" else (local.date(), local.hour, local.utcoffset())

    for begin, until in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        assert label(begin) == label(until - 1)
        assert label(begin - 1) != label(begin)
    assert timedelta(milliseconds=int(edges[-1] - edges[0])) >= timedelta(minutes=length)
