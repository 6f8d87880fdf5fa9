"""When a schedule is due: times of day in a zone whose clocks are put forward and back."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.zones import zone_of

WEEK_MS = 7 * 24 * 3600 * 1000


def next_due(after: int, days: Collection[int], at: str, zone: str) -> int:
    """The first moment after `after` (both Unix ms) at which it is `at` (HH:MM) on one of these days (0 = Monday).

    A time that does not exist on its day comes at the next moment that does, one that exists twice the first time.
    """
    where, clock = zone_of(zone), time.fromisoformat(at)
    today = datetime.fromtimestamp(after / 1000, where).date()
    # From the day before: the missing hour of a night may end after midnight.
    dates = (today + timedelta(days=step) for step in range(-1, 9))
    moments = (moment(day, clock, where) for day in dates if day.weekday() in days)
    return min(found for found in moments if found > after)


def latest_due(first: int, until: int, days: Collection[int], at: str, zone: str) -> int:
    """The last such moment that is not after `until`; `first` is one of them."""
    found = first if first > until - WEEK_MS else next_due(until - WEEK_MS - 1, days, at, zone)
    while (following := next_due(found, days, at, zone)) <= until:
        found = following
    return found


def moment(day: date, clock: time, zone: ZoneInfo) -> int:
    """Unix ms of this time of this day."""
    wanted = datetime.combine(day, clock, zone)
    found = int(wanted.timestamp())
    if datetime.fromtimestamp(found, zone).replace(tzinfo=None) == wanted.replace(tzinfo=None):
        return found * 1000
    # It was skipped. Read with the offset after the change it lies before it, with the one before it, after it.
    low, high, offset = int(wanted.replace(fold=1).timestamp()), found, wanted.replace(fold=1).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high * 1000
