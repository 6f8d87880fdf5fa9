"""Buckets as people see them: hours and days of the home's time zone, with days of 23 and 25 hours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from hub.messages import HubError
from hub.plugins.contract import Int64

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BUCKETS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "1d": DAY}
"""What can be asked for, and its usual length in ms. What is shorter than an hour is the same in every zone."""
FIRST, LAST = -62_000_000_000_000, 253_000_000_000_000  # what datetime can hold, with a margin


class Calendar:
    """One time zone's buckets. Raises HubError("zone-unknown")."""

    def __init__(self, zone: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise HubError("zone-unknown", field="time_zone", zone=zone) from error

    def edges(self, bucket: str, start: int, end: int) -> Int64:
        """Ascending Unix ms at which buckets begin; the first is <= start, the last >= end (start < end).

        An hour begins where the local clock shows a full hour, and where the zone's offset changes. A day begins
        at the first moment of its local date.
        """
        start, end = max(start, FIRST), min(end, LAST)
        if bucket == "1d":
            return np.unique(np.fromiter(self._days(start, end), np.int64))
        if bucket == "1h":
            return self._hours(start, end)
        width = BUCKETS[bucket]
        return np.arange(start // width, -(-end // width) + 1, dtype=np.int64) * width

    def day(self, at: int) -> tuple[int, int]:
        """Begin and end of the local day that holds this moment."""
        edges = self.edges("1d", at, at + 1)
        place = int(np.searchsorted(edges, at, "right")) - 1
        return int(edges[place]), int(edges[place + 1])

    def _days(self, start: int, end: int) -> Iterator[int]:
        date = self._local(start).replace(hour=0, minute=0, second=0, microsecond=0, fold=0, tzinfo=None)
        date -= timedelta(days=1)  # a midnight that the zone skips may come out after `start`
        while True:
            begin = round(date.replace(tzinfo=self._zone).timestamp() * 1000)
            following = round((date + timedelta(days=1)).replace(tzinfo=self._zone).timestamp() * 1000)
            if following > start:
                yield begin
            if begin >= end:
                return
            date += timedelta(days=1)

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
