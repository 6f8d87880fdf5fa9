"""Steps of the hub's clock: readings that follow one another may be dated hours apart, in either direction.

What lies between two readings is booked by the dates of both, so whoever computes buckets of a window needs the
readings on both sides of each step that leads into it, out of it or over it, although they are dated outside of it.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Protocol

from hub.history.calendar import HOUR
from hub.history.minutes import is_minutes
from hub.history.readings import Run
from hub.history.thinned import NEIGHBOURS
from hub.plugins.columns import chosen_raw, select_raw
from hub.plugins.contract import NONE, RawColumns, SeriesKey
from hub.telemetry.offsets import Point, is_step
from hub.telemetry.ranges import Ranges

SLACK_MS = 60_000  # the first samples behind a step may be dated anew by the rest of their minute

Span = tuple[int, int]


class Source(Protocol):
    """What this reads of the store (see HistoryStore)."""

    def read(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]: ...
    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None: ...


def beside_steps(store: Source, series: SeriesKey, runs: Mapping[str, Run], window: Span) -> list[RawColumns]:
    """Stored samples on both sides of the steps, known by the offsets of runs, that touch the window (Unix ms) and do
    not lie within it. Where much is missing beside a step, its gap knows the readings."""
    found: list[RawColumns] = []
    for run in runs.values():
        if is_minutes(run.run):
            continue
        for before, point in pairwise(run.points):
            left, right = point[0] + before[1], sum(point)
            low, high = min(left, right), max(left, right)
            apart = high < window[0] or low >= window[1] or (window[0] < low and high < window[1])
            if not apart and is_step(before, point):
                found += _at_step(store, series, run.run, (left, right), point)
    return found


def beside_ends(store: Source, series: SeriesKey, held: Ranges) -> list[RawColumns]:
    """Dated samples in the store beside those `held` (by seq), of a device that numbers none: nothing tells the steps
    between its samples, but their numbers have no holes."""
    found = []
    for first, last in held:
        for low, high in ((first - NEIGHBOURS, first - 1), (last + 1, last + NEIGHBOURS)):
            part = store.read_stream(series, "", max(low, 0), high)
            if part is not None:
                found.append(chosen_raw(part, part.at != NONE))
    return found


def _at_step(store: Source, series: SeriesKey, run: str, dates: Span, point: Point) -> Iterator[RawColumns]:
    """The samples of a run before and behind a step to `point`. dates: of that moment, by the clock before and after
    it (Unix ms)."""
    for part in store.read(series, dates[1] - SLACK_MS, dates[1] + HOUR):
        behind = chosen_raw(part, part.up >= point[0])
        if part.run == run and len(behind.seq):
            yield select_raw(behind, slice(NEIGHBOURS))
            # By number: what came late may be dated by when it came.
            seq = int(behind.seq[0])
            earlier = store.read_stream(series, run, max(seq - NEIGHBOURS, 0), seq - 1)
            if earlier is not None:
                yield earlier
            return
    for part in store.read(series, dates[0] - HOUR, dates[0] + SLACK_MS):
        earlier = chosen_raw(part, part.up < point[0])
        if part.run == run and len(earlier.seq):
            yield select_raw(earlier, slice(-NEIGHBOURS, None))
