"""Progress of a rebuild of the state: the log and people are told of it, and a stop ends it."""

import logging
import threading
import time
from collections.abc import Callable

from hub.history.salvage import Stopped

TOLD_EVERY_S = 10.0
LONGEST_REST_S = 1.0

log = logging.getLogger("hub.history.rebuild")


class Progress:
    """Called after each piece of work. `whole`: how much there is of it; `done`: how much was done so far. rest: times
    as long as it worked it leaves the CPU to others."""

    def __init__(
        self,
        whole: int,
        done: Callable[[], int],
        stopping: threading.Event,
        *,
        rest: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stopping = stopping
        self.tell: Callable[[int], None] | None = None
        """Told the share whenever the log is, in the thread that works."""
        self._whole = max(whole, 1)
        self._done = done
        self._rest = rest
        self._monotonic = monotonic
        self._begun = self._told = self._since = monotonic()

    @property
    def share(self) -> int:
        """What is done, %."""
        return min(self._done() * 100 // self._whole, 100)

    def __call__(self) -> None:
        """Tell, where it is time, and rest. Raises Stopped once the hub is ending."""
        now = self._monotonic()
        if self.stopping.wait(min((now - self._since) * self._rest, LONGEST_REST_S)):
            raise Stopped
        self._since = self._monotonic()
        if now - self._told < TOLD_EVERY_S:
            return
        self._told = now
        share = min(self._done() / self._whole, 1.0)
        left = f"about {(now - self._begun) * (1 - share) / share:.0f} s are left" if share else "it has only begun"
        log.warning("the history state is being made anew: %.0f %%, %s", share * 100, left)
        if self.tell is not None:
            self.tell(self.share)
