"""When a message arrived, in the one time scale that can be trusted now; and when the hub's clock steps."""

from collections.abc import Callable
from typing import Protocol

from hub.plugins.contract import NONE

CHECK_MS = 1000
STEP_MS = 1000


class TimeSource(Protocol):
    """What this needs of hub.clock.Clock."""

    def now(self) -> int:
        """Unix ms."""

    def monotonic(self) -> float:
        """Seconds that never step."""

    def certain(self) -> bool:
        """May samples be dated by now()?"""


class Arrivals:
    """The time of arrival of each message: Unix ms while the clock is certain, else ms of the monotonic clock.

    `on_step(step_ms)` is called before the first message after a jump of the clock, `on_certain(shift)` when the
    time becomes certain: monotonic ms + shift = Unix ms, `on_uncertain()` when it is so no longer.
    """

    def __init__(self, clock: TimeSource) -> None:
        self._clock = clock
        self.certain = clock.certain()
        self.on_step: list[Callable[[int], None]] = []
        self.on_certain: list[Callable[[int], None]] = []
        self.on_uncertain: list[Callable[[], None]] = []
        self.wall = clock.now()
        self.monotonic_ms = int(clock.monotonic() * 1000)
        self.shift = self.wall - self.monotonic_ms
        self._next_check = self.monotonic_ms + CHECK_MS

    def read(self) -> int:
        """Take the time of a message; `wall`, `certain` and `arrival` speak of it until the next. Hot path."""
        clock = self._clock
        self.wall = wall = clock.now()
        self.monotonic_ms = monotonic = int(clock.monotonic() * 1000)
        shift = wall - monotonic
        moved = shift - self.shift
        self.shift = shift
        if moved > STEP_MS or moved < -STEP_MS:
            self._stepped(moved)
        elif monotonic >= self._next_check:
            self.check()
        return wall if self.certain else monotonic

    def check(self) -> None:
        """Ask the clock again whether it is certain."""
        self._next_check = self.monotonic_ms + CHECK_MS
        certain = self._clock.certain()
        before, self.certain = self.certain, certain
        if certain and not before:
            for callback in self.on_certain:
                callback(self.shift)
        elif before and not certain:
            for doubt in self.on_uncertain:
                doubt()

    def own_date(self) -> int:
        """The date of a sample that nothing but its arrival can date, as the buffer keeps it."""
        return self.wall if self.certain else NONE - 1 - self.monotonic_ms

    def _stepped(self, step: int) -> None:
        for callback in self.on_step:
            callback(step)
        self.check()
