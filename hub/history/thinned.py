"""Stored samples of a long time, of which only those are held that decide about order, gaps and energy."""

import numpy as np

from hub.history.minutes import is_minutes
from hub.history.readings import Bools, Readings, Traits
from hub.plugins.columns import join_raw, select_raw
from hub.plugins.contract import NONE, Int64, RawColumns
from hub.telemetry.energy import impossible
from hub.telemetry.ranges import Range

NEIGHBOURS = 4  # readings on either side of new or odd ones whose steps may be booked otherwise than without them


class Thinned:
    """Of one outlet, taken piece by piece. Minutes are held as they are."""

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self._kept: dict[str, list[RawColumns]] = {}
        self._left_out: dict[str, list[Int64]] = {}  # run -> seqs behind which samples were left out
        self.held = 0
        """Samples and minutes."""

    def take(self, part: RawColumns, near: Int64 | None = None) -> bool:
        """Dated samples of one stream that follow one another; near: seqs next to which they matter. Were some left
        out?"""
        whole = is_minutes(part.run)
        chosen = np.ones(len(part.seq), bool) if whole else decisive(part, self._traits, near)
        kept = part if whole else select_raw(part, chosen)
        self._kept.setdefault(part.run, []).append(kept)
        self.held += len(kept.seq)
        if chosen.all():
            return False
        behind = np.flatnonzero(chosen[:-1] & ~chosen[1:])
        self._left_out.setdefault(part.run, []).append(part.seq[behind])
        return True

    def parts(self) -> list[RawColumns]:
        """What is held, one part a stream."""
        return [join_raw(parts) for parts in self._kept.values()]

    def bridge(self, readings: Readings) -> None:
        """Nothing is missing in these where samples were left out: they are only not looked at."""
        for k, run in enumerate(readings.runs):
            left_out = self._left_out.get(run.run)
            if left_out:
                behind = np.isin(readings.seq[:-1], np.concatenate(left_out)) & (readings.run[:-1] == k)
                gone = behind & (readings.run[1:] == k) & (readings.seq[1:] - readings.seq[:-1] > 1)
                readings.broken[1:][gone] = False


def decisive(part: RawColumns, traits: Traits, near: Int64 | None) -> Bools:
    """Which samples of a stream decide about order, gaps and energy of everything else: the first and last, those at
    something odd, and those with a seq in `near`, each with its neighbours. Between two of them samples follow one
    another in seq, time and counter."""
    n = len(part.seq)
    chosen = np.zeros(n, bool)
    odd = np.diff(part.seq) != 1
    step = np.diff(part.at)
    odd |= (step < 0) | (step > traits.longest_ms)
    known = part.up != NONE
    odd |= known[1:] != known[:-1]
    rise = np.where(known[1:] & known[:-1], np.diff(part.up), step)
    odd |= (rise < 0) | (rise > traits.longest_ms)
    chosen[1:] |= odd
    chosen[:-1] |= odd
    for counter in (part.energy_mwh, part.export_mwh):
        counted = np.flatnonzero(counter != NONE)
        if len(counted):
            clock = np.where(known, part.up, part.at)[counted]
            wrong = impossible(counter[counted], clock, traits.limit_w, traits.resolution_mwh)
            chosen[counted[1:][wrong]] = chosen[counted[:-1][wrong]] = True
            chosen[counted[:NEIGHBOURS]] = chosen[counted[-NEIGHBOURS:]] = True
    if near is not None:
        chosen |= np.isin(part.seq, near)
    chosen[:1] = chosen[-1:] = True
    return widened(chosen)


def widened(chosen: Bools, most: int = NEIGHBOURS) -> Bools:
    """With so many neighbours on either side."""
    near = chosen.copy()
    for distance in range(1, most + 1):
        near[:-distance] |= chosen[distance:]
        near[distance:] |= chosen[:-distance]
    return near


def around(part: RawColumns) -> Int64:
    """The seqs at which these samples, or each of these minutes, begin and end, and those beside them."""
    if not is_minutes(part.run):
        return part.seq
    first = part.extra["seq_from"].astype(np.int64)
    return np.unique(np.concatenate([first - 1, first, part.seq, part.seq + 1]))


def ranges_of(first: Int64, last: Int64) -> list[Range]:
    """Numbers first[k]..last[k], ascending, as few ranges."""
    if not len(first):
        return []
    breaks = np.flatnonzero(first[1:] > last[:-1] + 1)
    starts, ends = first[np.append(0, breaks + 1)], last[np.append(breaks, len(last) - 1)]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
