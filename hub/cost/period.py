"""Periods: a day, week, month or year by the home's clock, and the one before, up to the same moment where it runs."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from hub.messages import HubError
from hub.zones import zone_of

Kind = Literal["day", "week", "month", "year"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BUCKETS: dict[Kind, str] = {"day": "1h", "week": "1d", "month": "1d", "year": "1mo"}
"""What each is divided into."""
OF = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
YEARS = range(1970, 2200)


class Period(msgspec.Struct, frozen=True):
    """Times are Unix ms, ends not included. `until`: the end, or now while it runs; `before_until`: as much of the
    period before: up to the same date and time of day, at most its end."""

    kind: Kind
    zone: str
    start: int
    end: int
    until: int
    before_start: int
    before_until: int

    @property
    def running(self) -> bool:
        """Is it not over yet?"""
        return self.until < self.end

    @property
    def bucket(self) -> str:
        """What it is divided into."""
        return BUCKETS[self.kind]

    def local(self, at: int) -> datetime:
        """That moment by the home's clock."""
        return _local(at, zone_of(self.zone))


def period_of(kind: Kind, of: str | None, *, now: int, zone: str, week_start: int = 0) -> Period:
    """The period that holds `of`: a year (2026), month (2026-10) or date (2026-10-21); None = the running one.

    week_start: 0 = Monday. Raises HubError("report-period-wrong", "report-period-ahead", "zone-unknown").
    """
    where = zone_of(zone)
    day = _first(kind, _local(now, where).date() if of is None else _parse(kind, of), week_start)
    start, end = _at(day, where), _at(_next(kind, day), where)
    if start > now:
        raise HubError("report-period-ahead", field="of", of=of)
    before = _first(kind, day - timedelta(days=1), week_start)
    before_start, before_until = _at(before, where), start
    if now < end:
        before_until = min(start, _same_moment(kind, before, day, _local(now, where), where))
    return Period(kind, zone, start, end, min(end, now), before_start, before_until)


def _parse(kind: Kind, of: str) -> date:
    match = OF.fullmatch(of)
    if match is not None and int(match[1]) in YEARS:
        parts = [int(part) for part in match.groups() if part is not None]
        if len(parts) >= {"year": 1, "month": 2, "week": 3, "day": 3}[kind]:
            try:
                return date(*(*parts, 1, 1)[:3])
            except ValueError:
                pass
    raise HubError("report-period-wrong", field="of", of=of, kind=kind)


def _first(kind: Kind, day: date, week_start: int) -> date:
    if kind == "year":
        return day.replace(month=1, day=1)
    if kind == "month":
        return day.replace(day=1)
    return day - timedelta(days=(day.weekday() - week_start) % 7) if kind == "week" else day


def _next(kind: Kind, first: date) -> date:
    if kind == "year":
        return first.replace(year=first.year + 1)
    if kind == "month":
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if kind == "week" else 1)


def _same_moment(kind: Kind, before: date, day: date, now: datetime, zone: ZoneInfo) -> int:
    """In the period before: the same date of the year, day of the month or of the week, at the same time of day."""
    if kind == "year":
        leap = (now.month, now.day) == (2, 29)
        wall = now.replace(year=before.year, month=3 if leap else now.month, day=1 if leap else now.day)
        return _milliseconds((wall.replace(hour=0, minute=0, second=0, microsecond=0) if leap else wall), zone)
    elapsed = now.replace(tzinfo=None) - datetime(day.year, day.month, day.day)
    return _milliseconds(datetime(before.year, before.month, before.day) + elapsed, zone)


def _at(day: date, zone: ZoneInfo) -> int:
    """The first moment of a date, as hub.history.calendar has it."""
    return _milliseconds(datetime(day.year, day.month, day.day), zone)


def _milliseconds(wall: datetime, zone: ZoneInfo) -> int:
    return round(wall.replace(tzinfo=zone).timestamp() * 1000)


def _local(at: int, zone: ZoneInfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(zone)
