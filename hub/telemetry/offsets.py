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
    nothing before it is dated anew. Where the clock stepped, and where the hub was started anew (it may have stepped
    meanwhile), the running minute dates its samples from the first one on.
    """

    __slots__ = ("_best", "_best_up", "_confirmed", "_last_up", "_minute", "_since", "_turned", "fresh", "points")

    def __init__(self, points: list[Point] | None = None, *, turned: bool = False) -> None:
        """`turned`: what `points` say may hold no more for what is heard next."""
        self.points: list[Point] = points or []
        self.fresh: list[Point] = []
        """Points since the last `take`."""
        self._minute = -1
        self._best = 0
        self._best_up = 0
        self._since = 0  # the first sample of the running minute
        self._last_up = 0
        self._turned = turned
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
        self._begin(up, offset)

    def close(self) -> None:
        """End the running minute."""
        if self._minute < 0:
            return
        for point in self._ending():
            self._append(point)
        self._minute, self._turned = -1, False
        self._confirmed = max(self._confirmed, self._last_up)

    def stepped(self) -> None:
        """The clock stepped: what comes is not dated by what was."""
        self.close()
        self._turned = True

    def provisional(self) -> Point | None:
        """The best of the running minute, while nothing else dates its samples."""
        ending = self._ending() if self._turned or not self.points else []
        return ending[-1] if ending else None

    def resume(self, point: Point) -> None:
        """Continue a minute that was under way when the hub ended: `point` was its `provisional`."""
        if self._minute < 0 and (not self.points or point[0] > self.points[-1][0]):
            self._begin(*point)

    def known(self) -> list[Point]:
        """All points, the provisional one included."""
        return self.points + self._ending() if self._turned or not self.points else self.points.copy()

    def _begin(self, up: int, offset: int) -> None:
        self._minute, self._since, self._last_up = up // WINDOW_MS, up, up
        self._best, self._best_up = offset, up

    def _ending(self) -> list[Point]:
        """The points that the running minute adds if it ends now."""
        if self._minute < 0:
            return []
        up = self._since if self._turned else self._best_up
        if not self.points:
            return [(up, self._best)]
        last_up, last_offset = self.points[-1]
        if abs(self._best - last_offset) <= TOLERANCE_MS or up <= last_up:
            return []
        before = [(self._confirmed, last_offset)] if last_up < self._confirmed < up else []
        return [*before, (up, self._best)]

    def _append(self, point: Point) -> None:
        self.points.append(point)
        self.fresh.append(point)


class Offsets:
    """The offsets of one run: by wall time, and by the monotonic clock of this hub run while the time is uncertain."""

    __slots__ = ("session", "wall")

    def __init__(self, points: list[Point] | None = None) -> None:
        """`points`: what is known from before the hub was started."""
        self.wall = OffsetLine(points, turned=True)
        self.session: OffsetLine | None = None

    def heard(self, up: int, arrival: int, certain: bool) -> None:
        """A live sample arrived; `arrival` is Unix ms, or ms of the monotonic clock while not certain."""
        if certain:
            self.wall.heard(up, arrival)
            return
        if self.session is None:
            self.session = OffsetLine(turned=True)
        self.session.heard(up, arrival)

    def stepped(self) -> None:
        """The hub's clock stepped, the monotonic one did not."""
        self.wall.stepped()

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


def is_step(before: Point, point: Point) -> bool:
    """Do two points differ by more than a crystal can?"""
    return abs(point[1] - before[1]) > STEP_MS + DRIFT * (point[0] - before[0])


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
        if ups and is_step((ups[-1], offsets[-1]), (at, offset)):
            ups.append(at - 1)
            offsets.append(offsets[-1])
        ups.append(at)
        offsets.append(offset)
    line = np.rint(np.interp(up, ups, offsets)).astype(np.int64)
    return np.where(up == NONE, NONE, up + line)
