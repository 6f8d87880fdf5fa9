"""When a run began by the hub's clock: points of `arrival - up`, from which every sample of the run is dated."""

import numpy as np

from hub.plugins.contract import NONE, Int64

Point = tuple[int, int]
"""up (ms since the run began), offset (ms to add to `up`)."""

WINDOW_MS = 60_000
TOLERANCE_MS = 100
STEP_MS = 2_000
DRIFT = 200e-6  # the worst crystal: more than STEP_MS + this is a step of the hub's clock


class OffsetLine:
    """The offset of one run over `up`, in one time scale.

    Of the live samples of each minute the smallest `arrival - up` counts: delays only ever add to it. A new point
    stands only where the line misses by over 100 ms; the last minute in which it held becomes a point too, so that
    nothing before it is dated anew.
    """

    __slots__ = ("_best", "_best_up", "_confirmed", "_last_up", "_minute", "fresh", "points")

    def __init__(self, points: list[Point] | None = None) -> None:
        self.points: list[Point] = points or []
        self.fresh: list[Point] = []
        """Points since the last `take`."""
        self._minute = -1
        self._best = 0
        self._best_up = 0
        self._last_up = 0
        self._confirmed = self.points[-1][0] if self.points else 0

    def heard(self, up: int, arrival: int) -> None:
        """A live sample of this run arrived. Hot path."""
        offset = arrival - up
        if up // WINDOW_MS == self._minute:
            self._last_up = up
            if offset < self._best:
                self._best, self._best_up = offset, up
            return
        self.close()
        self._last_up = up
        self._minute, self._best, self._best_up = up // WINDOW_MS, offset, up

    def close(self) -> None:
        """End the running minute: at its end, and when the hub's clock steps."""
        if self._minute < 0:
            return
        self._minute = -1
        up, offset = self._best_up, self._best
        if self.points:
            last_up, last_offset = self.points[-1]
            if abs(offset - last_offset) <= TOLERANCE_MS or up <= last_up:
                self._confirmed = max(self._confirmed, self._last_up)
                return
            if last_up < self._confirmed < up:
                self._append((self._confirmed, last_offset))
        self._append((up, offset))
        self._confirmed = max(up, self._last_up)

    def provisional(self) -> Point | None:
        """The best of the running minute, while there is no point yet."""
        return (self._best_up, self._best) if self._minute >= 0 and not self.points else None

    def resume(self, point: Point) -> None:
        """Continue a first minute that was under way when the hub ended."""
        if not self.points and self._minute < 0:
            self._best_up, self._best = point
            self._last_up = self._best_up
            self._minute = self._best_up // WINDOW_MS

    def known(self) -> list[Point]:
        """All points, the provisional one included."""
        point = self.provisional()
        return self.points.copy() if point is None else [point]

    def _append(self, point: Point) -> None:
        self.points.append(point)
        self.fresh.append(point)


class Offsets:
    """The offsets of one run: by wall time, and by the monotonic clock of this hub run while the time is uncertain."""

    __slots__ = ("session", "wall")

    def __init__(self, points: list[Point] | None = None) -> None:
        self.wall = OffsetLine(points)
        self.session: OffsetLine | None = None

    def heard(self, up: int, arrival: int, certain: bool) -> None:
        """A live sample arrived; `arrival` is Unix ms, or ms of the monotonic clock while not certain."""
        if certain:
            self.wall.heard(up, arrival)
            return
        if self.session is None:
            self.session = OffsetLine()
        self.session.heard(up, arrival)

    def close(self) -> None:
        """The hub's clock stepped: what the running minute holds belongs to the time before."""
        self.wall.close()

    def date_session(self, shift: int) -> None:
        """The time became certain: monotonic ms + shift = Unix ms for everything heard in this hub run."""
        if self.session is None:
            return
        self.session.close()
        later = self.session.points
        self.session = None
        if later and (not self.wall.points or later[0][0] > self.wall.points[-1][0]):
            for up, offset in later:
                self.wall._append((up, offset + shift))


def date(points: list[Point], up: Int64) -> Int64:
    """Unix ms of each `up`; NONE where `up` is NONE, and everywhere without points.

    Before the first point its offset holds, after the last one too; between two it is interpolated, unless they
    differ by more than a crystal can: then the earlier one holds up to the later.
    """
    if not points:
        return np.full(len(up), NONE, np.int64)
    ups: list[int] = []
    offsets: list[int] = []
    for at, offset in points:
        if ups and abs(offset - offsets[-1]) > STEP_MS + DRIFT * (at - ups[-1]):
            ups.append(at - 1)
            offsets.append(offsets[-1])
        ups.append(at)
        offsets.append(offset)
    line = np.rint(np.interp(up, ups, offsets)).astype(np.int64)
    return np.where(up == NONE, NONE, up + line)


def date_one(points: list[Point], up: int) -> int:
    """The same for a single `up`."""
    return int(date(points, np.array([up], np.int64))[0])
