"""Progress of a rebuild at the start: the rest of the hub waits for it, so the log tells of it, and a stop ends it."""

import logging
import threading
import time
from collections.abc import Callable

from hub.history.salvage import Stopped

TOLD_EVERY_S = 10.0

log = logging.getLogger("hub.history.rebuild")


class Progress:
    """Called after each piece of work. `whole`: how much there is of it; `done`: how much was done so far."""

    def __init__(
        self,
        whole: int,
        done: Callable[[], int],
        stopping: threading.Event,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._whole = max(whole, 1)
        self._done = done
        self._stopping = stopping
        self._monotonic = monotonic
        self._begun = self._told = monotonic()

    def __call__(self) -> None:
        """Tell, where it is time. Raises Stopped once the hub is ending."""
        if self._stopping.is_set():
            raise Stopped
        now = self._monotonic()
        if now - self._told < TOLD_EVERY_S:
            return
        self._told = now
        share = min(self._done() / self._whole, 1.0)
        left = f"about {(now - self._begun) * (1 - share) / share:.0f} s are left" if share else "it has only begun"
        log.warning("the history state is being made anew: %.0f %%, %s", share * 100, left)
