"""Doubt: that the hub does not know the time is told when it lasts, until it knows."""

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.events import ClockChanged
from hub.history.problems import CLOCK_UNCERTAIN, Troubles

LASTS_S = 300.0  # a machine that was just started may need as long to ask the network
OWNER = "history.doubt"


class Doubt:
    """All calls are made on the event loop."""

    def __init__(self, *, troubles: Troubles, bus: Bus, clock: Clock) -> None:
        self._troubles = troubles
        self._bus = bus
        self._clock = clock
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Listen to the clock."""
        self._bus.subscribe(ClockChanged, self._clock_changed, OWNER)
        self._look(lasting=False)

    def end(self) -> None:
        """Nothing more is told."""
        self._bus.remove_owner(OWNER)
        self._cancel()

    def _clock_changed(self, event: ClockChanged) -> None:
        self._look(lasting=False)

    def _look(self, *, lasting: bool) -> None:
        if self._clock.certain():
            self._cancel()
            self._troubles.end(CLOCK_UNCERTAIN)
        elif lasting:
            behind = self._clock.now() < self._clock.mark
            self._troubles.begin(CLOCK_UNCERTAIN, why="behind" if behind else "unknown")
        elif self._timer is None:
            self._timer = self._clock.call_later(LASTS_S, self._lasted)

    def _lasted(self) -> None:
        self._timer = None
        self._look(lasting=True)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
