"""Buckets as people see them: hours and days of the home's time zone, with days of 23 and 25 hours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from hub.plugins.contract import Int64
from hub.zones import zone_of

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
CHARTED = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "1d": DAY}
"""Buckets of which a chart is made, and their usual length in ms. Up to a quarter they are the same in every zone."""
BUCKETS = CHARTED | {"1w": 7 * DAY, "1mo": 30 * DAY}
"""What can be asked for. Weeks begin on Monday."""
FIRST, LAST = -61_000_000_000_000, 252_000_000_000_000  # what datetime can hold, with a margin


class Calendar:
    """One time zone's buckets. Raises HubError("zone-unknown")."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = zone_of(zone)

    def edges(self, bucket: str, start: int, end: int) -> Int64:
        """Ascending Unix ms at which buckets begin; the first is <= start, the last >= end (start < end).

        An hour begins where the local clock shows a full hour, and where the zone's offset changes. A day, week or
        month begins at the first moment of its first local date.
        """
        start, end = max(start, FIRST), min(end, LAST)
        if bucket in ("1d", "1w", "1mo"):
            years = range(self._local(start).year - 1, self._local(end).year + 2)
            starts = np.concatenate([_starts(self._zone, bucket, year) for year in years])
            first, last = np.searchsorted(starts, start, "right") - 1, np.searchsorted(starts, end)
            return starts[first : last + 1]
        if bucket == "1h":
            return self._hours(start, end)
        width = BUCKETS[bucket]
        return np.arange(start // width, -(-end // width) + 1, dtype=np.int64) * width

    def offsets(self, at: Int64) -> Int64:
        """How many ms the local clock is ahead of UTC at each of these ascending moments."""
        if not len(at):
            return np.empty(0, np.int64)
        low, high = int(at[0]), int(at[-1])
        moments = [low, *self._changes(low, high + 1)]
        offsets = np.array([self._offset(moment) for moment in moments], np.int64)
        return offsets[np.searchsorted(moments, at, "right") - 1]

    def day(self, at: int) -> tuple[int, int]:
        """Begin and end of the local day that holds this moment."""
        edges = self.edges("1d", at, at + 1)
        place = int(np.searchsorted(edges, at, "right")) - 1
        return int(edges[place]), int(edges[place + 1])

    def _hours(self, start: int, end: int) -> Int64:
        low, high = start - 2 * HOUR, end + 2 * HOUR
        moments = [low, *self._changes(low, high), high]
        parts = [np.array(moments[1:-1], np.int64)]
        for begin, until in pairwise(moments):
            offset = self._offset(begin)
            first = -(-(begin + offset) // HOUR)
            last = -(-(until + offset) // HOUR)
            parts.append(np.arange(first, last, dtype=np.int64) * HOUR - offset)
        edges = np.unique(np.concatenate(parts))
        inner = np.searchsorted(edges, [start, end], "right")
        before_end = int(inner[1]) - (1 if edges[inner[1] - 1] == end else 0)
        return edges[int(inner[0]) - 1 : before_end + 1]

    def _changes(self, start: int, end: int) -> Iterator[int]:
        """Moments at which the zone's offset changes, looked for in steps of a day."""
        for day in range(start, end, DAY):
            low, high = day, min(day + DAY, end)
            before = self._offset(low)
            if self._offset(high) == before:
                continue
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._offset(middle) == before else (low, middle)
            yield high

    def _offset(self, at: int) -> int:
        offset = self._local(at).utcoffset()
        assert offset is not None
        return offset // timedelta(milliseconds=1)

    def _local(self, at: int) -> datetime:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(self._zone)


@lru_cache(maxsize=256)
def _starts(zone: ZoneInfo, bucket: str, year: int) -> Int64:
    """Unix ms at which the days, weeks or months begin whose first date is in this year. A date that a zone left out
    has none."""
    date, starts = datetime(year, 1, 1), []
    if bucket == "1w":
        date += timedelta(days=-date.weekday() % 7)
    while date.year == year:
        starts.append(round(date.replace(tzinfo=zone).timestamp() * 1000))
        if bucket == "1mo":
            if date.month == 12:
                break
            date = date.replace(month=date.month + 1)
        else:
            date += timedelta(days=7 if bucket == "1w" else 1)
    edges = np.unique(np.array(starts, np.int64))
    edges.flags.writeable = False  # everybody gets the same
    return edges
