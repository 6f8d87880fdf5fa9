"""How a backup goes along: how far it is, how fast it may read, and whether it is to stop."""

import threading
import time

import msgspec


class Progress(msgspec.Struct):
    """step: "copying" or "checking"; bytes of it that are done, and in all."""

    step: str = "copying"
    done: int = 0
    total: int = 0


class Stopped(Exception):
    """The hub is ending; nothing was kept."""


class Pace:
    """Counts what is read, and waits where that is faster than `rate` bytes a second (None = as fast as it goes), so
    that the card answers everybody else. `stop` may be called from any thread."""

    def __init__(self, rate: int | None = None) -> None:
        self.progress = Progress()
        self._rate = rate
        self._stop = threading.Event()
        self._free_at = 0.0

    def begin(self, step: str, total: int) -> None:
        """The next step."""
        self.progress = Progress(step, 0, total)

    def took(self, size: int) -> None:
        """So many bytes were read. Raises Stopped."""
        self.progress.done += size
        wait = 0.0
        if self._rate:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - 0.1) + size / self._rate
            wait = max(self._free_at - now, 0.0)
        if self._stop.wait(wait) if wait > 0 else self._stop.is_set():
            raise Stopped

    def stop(self) -> None:
        """As soon as possible."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Was it told to?"""
        return self._stop.is_set()
