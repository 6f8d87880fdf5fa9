"""Reads the figures of a report from history: nothing here computes on the event loop."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from hub.cost.figures import Column, Figures, Unknown, on_grid
from hub.cost.period import Period
from hub.history.calendar import HOUR, Calendar
from hub.history.gaps import GapRecord
from hub.history.points import SeriesResult, energy_sum
from hub.history.query import Query
from hub.plugins.contract import Float64, Int64, SeriesKey

GapsOf = Callable[[str, int, int, int], Coroutine[Any, Any, Sequence[GapRecord]]]
"""Gaps of an outlet (device, channel) between two moments."""

NO_HOURS = (np.empty(0, np.int64), np.empty(0))


class _Grid(NamedTuple):
    """Into what the period and the one before are divided: the kind of bucket, and edges in Unix ms."""

    period: Period
    calendar: Calendar
    bucket: str
    before: Int64
    edges: Int64


async def read_figures(query: Query, gaps: GapsOf, keys: Sequence[SeriesKey], period: Period) -> Figures:
    """What history knows of these outlets in the period and the one before. Raises HubError("history-unreadable")."""
    bucket = period.bucket
    results = await query.several(keys, period.before_start, period.end, bucket=bucket) if keys else []
    if bucket == "1h" and not any(_within(result, period.start, period.end) for result in results):
        # Hours are kept for a year, days for longer.
        bucket = "1d"
        results = await query.several(keys, period.before_start, period.end, bucket=bucket) if keys else []
    calendar = Calendar(period.zone)
    before = _edges(calendar, bucket, period.before_start, period.start)
    grid = _Grid(period, calendar, bucket, before, _edges(calendar, bucket, period.start, period.end))
    so_far = await _so_far(query, keys, results, grid)
    hour_starts, hour_mwh = await _hours(query, keys, period)
    columns = await asyncio.to_thread(_columns, keys, results, so_far, grid)
    return Figures(grid.edges, columns, await _unknown(gaps, keys, period), hour_starts, hour_mwh)


def _edges(calendar: Calendar, bucket: str, start: int, end: int) -> Int64:
    edges = calendar.edges(bucket, start, end)
    return np.unique(np.clip(edges, start, end))


def _within(result: SeriesResult, start: int, end: int) -> bool:
    return bool(((result.at >= start) & (result.at < end)).any())


async def _hours(query: Query, keys: Sequence[SeriesKey], period: Period) -> tuple[Int64, Float64]:
    """Of a year there are too many."""
    if period.kind == "year" or not keys or period.start >= period.until:
        return NO_HOURS
    hours = await query.sum(keys, period.start, period.until, bucket="1h")
    known = ~np.isnan(hours.energy_mwh) & (hours.at >= period.start)
    return hours.at[known], hours.energy_mwh[known]


async def _unknown(gaps: GapsOf, keys: Sequence[SeriesKey], period: Period) -> Unknown:
    found = Unknown()
    for key in keys:
        for gap in await gaps(key.device, key.channel, period.start, period.until):
            length = min(gap.end or period.until, period.until) - max(gap.start, period.start)
            if gap.energy_mwh is None and length > 0:
                found.count += 1
                found.hours += length / HOUR
                found.open += gap.end is None
    return found


async def _so_far(
    query: Query, keys: Sequence[SeriesKey], results: Sequence[SeriesResult], grid: _Grid
) -> list[float | None]:
    """Of each outlet, mWh of the period before up to the same moment."""
    period, before = grid.period, grid.before
    until = period.before_until
    whole = int(before[np.searchsorted(before, until, "right") - 1])
    parts = [[_sum(result, period.before_start, whole)] for result in results]
    if grid.bucket == "1mo" and whole < until:
        midnight = grid.calendar.day(until)[0]
        if whole < midnight:
            days = await query.several(keys, whole, midnight, bucket="1d")
            for known, result in zip(parts, days, strict=True):
                known.append(_sum(result, whole, midnight))
            whole = midnight
    if whole < until:
        rests = await asyncio.gather(*(query.energy(key, whole, until) for key in keys))
        for known, rest in zip(parts, rests, strict=True):
            known.append(rest.imported_mwh)
    return [energy_sum(np.array([np.nan if mwh is None else mwh for mwh in known])) for known in parts]


def _sum(result: SeriesResult, start: int, end: int) -> float | None:
    return energy_sum(result.energy_mwh[(result.at >= start) & (result.at < end)])


def _columns(
    keys: Sequence[SeriesKey], results: Sequence[SeriesResult], so_far: Sequence[float | None], grid: _Grid
) -> dict[SeriesKey, Column]:
    before, edges = grid.before, grid.edges
    places = _counterparts(grid.period, before, edges)
    columns = {}
    for key, result, known in zip(keys, results, so_far, strict=True):
        earlier = on_grid(before, result.at, result.energy_mwh)
        columns[key] = Column(
            on_grid(edges, result.at, result.energy_mwh),
            np.nan_to_num(on_grid(edges, result.at, result.estimated_mwh)),
            _placed(earlier, places, len(edges) - 1),
            known,
            bool(len(earlier)) and not bool(np.isnan(earlier[0])),
        )
    return columns


def _counterparts(period: Period, before: Int64, edges: Int64) -> list[int | None]:
    """For each bucket of the period before the place of the one with the same name: hour of the day, day of the week
    or of the month, month. An hour that the clock shows twice is one."""

    def named(starts: Int64, first: int) -> list[object]:
        moments = [period.local(at) for at in starts.tolist()]
        if period.kind == "year":
            return [moment.month for moment in moments]
        beginning = datetime.combine(period.local(first).date(), datetime.min.time())
        return [moment.replace(tzinfo=None) - beginning for moment in moments]

    place: dict[object, int] = {}
    for n, name in enumerate(named(edges[:-1], period.start)):
        place.setdefault(name, n)
    return [place.get(name) for name in named(before[:-1], period.before_start)]


def _placed(values: Float64, places: Sequence[int | None], count: int) -> Float64:
    placed = np.full(count, np.nan)
    for value, place in zip(values.tolist(), places, strict=True):
        if place is not None and not np.isnan(value):
            placed[place] = value if np.isnan(placed[place]) else placed[place] + value
    return placed
