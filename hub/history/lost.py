"""Lost samples: settled by the state, not explained by a note, not removed for their age, and yet not in the store."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from hub.history.compare import moment
from hub.history.gaps import GapRecord
from hub.history.readings import Traits
from hub.history.state import StreamRow
from hub.plugins.contract import NONE, Int64
from hub.telemetry.ranges import Range, Ranges
from hub.telemetry.stream import MOST_NOTES

Place = tuple[int, int]
"""seq, Unix ms"""


class Lost(NamedTuple):
    """Samples first..last of one stream, `samples` of them; they lay between `start` and `end` (Unix ms, NONE = not
    known)."""

    run: str
    first: int
    last: int
    samples: int
    start: int
    end: int

    def __str__(self) -> str:
        begin, end = ("?" if at == NONE else moment(at) for at in (self.start, self.end))
        places = f"of run {self.run}, seq {self.first} to {self.last}"
        return f"{begin} to {end}: {self.samples} samples that were kept are gone, {places}"


class Finder:
    """Finds them in one stream, while its samples are read in order of their seqs.

    floor: Unix ms before which raw samples may rightly be gone; undated: seqs without a date, which never go.
    """

    def __init__(
        self, row: StreamRow, traits: Traits, floor: int, undated: Iterable[Range], gaps: Sequence[GapRecord]
    ) -> None:
        self._run = row.run
        self._traits = traits
        self._floor = floor
        self._undated = Ranges(undated)
        self._explained = Ranges(sorted((first, last) for first, last, _ in row.known.notes))
        # Of what was forgotten nobody knows why there is no sample.
        self._judges = not row.known.forgotten and len(row.known.notes) < MOST_NOTES
        ends = [end for gap in gaps for end in (gap.left, gap.right) if end is not None and end.run == row.run]
        self._known = sorted((end.seq, end.at) for end in ends if end.at != NONE and not end.kept)
        self._behind_gaps = {gap.right.seq for gap in gaps if gap.right is not None and gap.right.run == row.run}
        self._before: Place | None = None  # the last sample
        self._holes: list[tuple[Range, Place | None]] = []  # behind it
        self._lost: list[Lost] = []

    def take(self, span: Range, seqs: Int64, dates: Int64) -> None:
        """All samples that the store holds of these settled seqs."""
        edges = np.concatenate([[span[0] - 1], seqs, [span[1] + 1]])
        for k in np.flatnonzero(np.diff(edges) > 1).tolist():
            if k:
                self._sample(int(seqs[k - 1]), int(dates[k - 1]))
            hole = Ranges([(int(edges[k]) + 1, int(edges[k + 1]) - 1)])
            self._holes += [(part, self._before) for part in hole.minus(self._explained)]
            if k < len(seqs):
                self._sample(int(seqs[k]), int(dates[k]))
        if len(seqs):
            self._sample(int(seqs[-1]), int(dates[-1]))

    def lost(self) -> list[Lost]:
        """What was found, once everything was taken."""
        self._close(None)
        return self._lost if self._judges else []

    def _sample(self, seq: int, at: int) -> None:
        if self._before is None or seq > self._before[0]:
            self._close((seq, at))
            self._before = seq, at

    def _close(self, after: Place | None) -> None:
        for hole, before in self._holes:
            lost = self._judged(hole, before, after)
            if lost is not None:
                self._lost.append(lost)
        self._holes.clear()

    def _judged(self, hole: Range, before: Place | None, after: Place | None) -> Lost | None:
        """Of a hole, what is not older than what may be gone."""
        first, last = hole
        length = last - first + 1
        undated = Ranges([hole]).common(self._undated)
        if len(undated):
            return Lost(self._run, first, last, undated.total(), NONE, NONE)
        inside = [at for seq, at in self._known if first <= seq <= last]
        start = before[1] if before is not None else NONE
        end = after[1] if after is not None else NONE
        oldest = inside[0] if inside and start == NONE else start
        newest = inside[-1] if inside and end == NONE else end
        if not self._floor or oldest >= self._floor:
            if oldest == NONE != newest:
                oldest = newest - length * self._traits.interval_ms
            return Lost(self._run, first, last, length, oldest, newest)
        certain = inside[-1] if inside else NONE  # was one of them
        if after is not None and end != NONE and after[0] not in self._behind_gaps:
            certain = max(certain, end - self._traits.longest_ms)
        if certain < self._floor:
            return None
        count = min(length, (certain - self._floor) // self._traits.interval_ms + 1)
        return Lost(self._run, last - count + 1, last, count, self._floor, max(certain, newest))
