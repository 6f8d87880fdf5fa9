"""Steps of the hub's clock: the reading before one belongs to the reading after it, wherever its own date lies."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from hub.history.calendar import HOUR
from hub.history.frame import Source, Span
from hub.history.minutes import is_minutes
from hub.history.readings import End, Run
from hub.plugins.contract import SeriesKey
from hub.telemetry.offsets import is_step


def ends_before(store: Source, series: SeriesKey, runs: Mapping[str, Run], window: Span) -> list[End]:
    """The last stored readings before steps that led into the window (Unix ms) from outside of it: the energy that
    flowed from them on is booked in there."""
    found = []
    for run in runs.values():
        if is_minutes(run.run):
            continue
        for before, point in pairwise(run.points):
            left = point[0] + before[1]
            if window[0] <= sum(point) < window[1] and not window[0] < left <= window[1] and is_step(before, point):
                for part in store.read(series, max(sum(before), left - HOUR), left):
                    earlier = np.flatnonzero(part.up < point[0])
                    if part.run == run.run and len(earlier):
                        k = earlier[-1]
                        columns = (part.at, part.seq, part.up, part.energy_mwh, part.export_mwh)
                        at, seq, up, energy, export = (int(column[k]) for column in columns)
                        found.append(End(at, run.run, seq, up, energy, export))
    return found
