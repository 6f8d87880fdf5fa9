"""What is wrong with history, told once when it begins and once when it ends."""

import logging
from typing import Any

from hub.bus import Bus
from hub.events import ProblemEnded, ProblemRaised
from hub.history.files import Mended

NOT_STORED = "history-not-stored"
NOT_MERGED = "history-not-merged"
DAMAGED = "history-damaged"
DATED_AHEAD = "history-dated-ahead"
CLOCK_UNCERTAIN = "clock-uncertain"
STORE_LOST = "history-store-lost"
STORE_WAITS = "history-store-waits"
STORE_SAVED = "history-store-saved"
STORE_NOT_SAVED = "history-store-not-saved"
STATE_LOST = "history-state-lost"
REBUILDING = "history-rebuilding"
REBUILD_WAITS = "history-rebuild-waits"
SPACE = "history-space"
DISK_LOW = "history-disk-low"
LOG_LOST = "history-log-lost"
LOG_GONE = "history-log-gone"
LOG_MOVED = "history-log-moved"
PIECES = "history-pieces-damaged"

log = logging.getLogger("hub.history")


class Troubles:
    """Raises problems on the bus by their message id. All calls are made on the event loop."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._told: set[str] = set()

    def begin(self, id: str, **values: Any) -> None:
        """This is wrong; what is told already is not told again."""
        if id not in self._told:
            log.warning("%s: %s", id, values)
            self._told.add(id)
            self._bus.publish(ProblemRaised(id, values))

    def holds(self, id: str) -> bool:
        """Is this told?"""
        return id in self._told

    def again(self, id: str, **values: Any) -> None:
        """This is wrong, and told with new values each time."""
        self._told.discard(id)
        self.begin(id, **values)

    def mended(self, mended: Mended) -> None:
        """Something was set aside."""
        if mended.store is not None:
            self.begin(STORE_LOST, file=mended.store)
        if mended.log is not None:
            self.begin(LOG_LOST, file=mended.log)
        if mended.moved is not None:
            self.begin(LOG_MOVED, file=mended.moved)
        if mended.store is None and (mended.state is not None or mended.rebuilt is not None):
            outlets = 0 if mended.rebuilt is None else mended.rebuilt.outlets
            self.begin(STATE_LOST, file=mended.state or "-", outlets=outlets)

    def end(self, id: str) -> None:
        """This is not wrong (any more)."""
        if id in self._told:
            self._told.discard(id)
            self._bus.publish(ProblemEnded(id))
