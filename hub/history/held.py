"""What the store holds: of one stream, taken piece by piece, and of one outlet, each of whose samples is read once."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from hub.history.minutes import is_minutes
from hub.history.thinned import Thinned, ranges_of
from hub.plugins.contract import MINUTES, NONE, RawColumns
from hub.telemetry.offsets import TOLERANCE_MS, Point
from hub.telemetry.ranges import Range, Ranges

FOREVER = (1 << 62) - 1


class Held:
    """Of one stream. first, end: from the first dated sample to behind the last (Unix ms); points: offsets that give
    the samples the dates which they have."""

    def __init__(self) -> None:
        self.settled, self.undated = Ranges(), Ranges()
        self.first, self.end = FOREVER, 0
        self.points: list[Point] = []
        self._last: Point | None = None

    def take(self, run: str, part: RawColumns) -> None:
        """The next samples."""
        dated = part.at != NONE
        first = part.extra["seq_from"].astype(np.int64) if run.endswith(MINUTES) else part.seq
        for span in ranges_of(first, part.seq):
            self.settled.add(*span)
        if not dated.all():
            for span in ranges_of(part.seq[~dated], part.seq[~dated]):
                self.undated.add(*span)
        if dated.any():
            self.first = min(self.first, int(part.at[dated].min()))
            self.end = max(self.end, int(part.at[dated].max()) + 1)
        known = dated & (part.up != NONE)
        ups, offsets = part.up[known], (part.at - part.up)[known]
        for k in (np.append(0, np.flatnonzero(np.diff(offsets)) + 1) if len(ups) else np.empty(0, int)).tolist():
            if not self.points or abs(int(offsets[k]) - self.points[-1][1]) > TOLERANCE_MS:
                self.points.append((int(ups[k]), int(offsets[k])))
        if len(ups):
            self._last = (int(ups[-1]), int(offsets[-1]))

    def finish(self) -> None:
        """There are no more."""
        if self._last is not None and self.points[-1][0] != self._last[0]:
            self.points.append(self._last)


class Found(msgspec.Struct):
    """Of one outlet. samples: those that decide about gaps, None where they are too many to be held; quarters: starts
    of the oldest and of the newest stored quarter of an hour (Unix ms)."""

    runs: Mapping[str, Held]
    samples: Thinned | None
    quarters: Range | None


def in_order(runs: Iterable[str]) -> list[str]:
    """Minutes first: where they begin and end, samples matter."""
    return sorted(runs, key=lambda run: not is_minutes(run))


def span_of(looks: Iterable[Held]) -> Range:
    """From the first dated sample of all to behind the last; (0, 0) where there is none."""
    known = [(held.first, held.end) for held in looks if held.end]
    return (min(first for first, _ in known), max(end for _, end in known)) if known else (0, 0)
