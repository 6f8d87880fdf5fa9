"""Memory of the process: the garbage collector must not stop the hub, and the heap must not keep what is free.

Nearly everything is freed by counting references; the collector only finds what refers to itself in a circle. For that
it walks over every object there is, and the hub stands still meanwhile: 60 ms after the imports alone, more with every
connection. What it has walked over once is therefore never looked at again. The price: a circle that forms among such
objects later is never freed. Connections of plugs, samples and messages form none.
"""

import asyncio
import ctypes
import functools
import gc
import logging
import time
from collections.abc import Callable
from typing import Any

from hub.bus import Bus
from hub.events import Merged

OWNER = "collector"
log = logging.getLogger("hub.collector")

# glibc's mallopt: blocks of this size and more go back to the system at once, and threads share two heaps. By default
# both grow with use, and a merge or a chart of years leaves 100 MB behind that nobody uses. A column of an hour at 1 Hz
# is smaller and stays cheap; with 128 KB a chart of 10,000 samples that wait for their merge left 15 MB behind.
MMAP_THRESHOLD, ARENA_MAX = -3, -8
MMAP_BYTES, ARENAS = 32 << 10, 2

YOUNG = 5000  # new objects until the next small round; 700 by default, which 2,000 plugs make in a blink
MIDDLE, OLD = 20, 10
EVERY_S = 60.0  # also without a merge: answers to questions leave holes of some 10 KB
SETTLED_S = 2.0  # after a merge, which leaves 30 MB of 100 plugs: what follows from it is done by then
LONG_S = 0.005  # a full round that took so long is the last one over these objects


def keep_heap_small() -> None:
    """Call before the first thread is made. Without effect where the C library has no such settings."""
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(ARENA_MAX, ARENAS)


def give_back() -> None:
    """What is free between blocks in use goes back to the system too. Takes up to some ms, without the interpreter's
    lock."""
    trim = _of_libc("malloc_trim")
    if trim is not None:
        trim(0)


@functools.cache
def _of_libc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None)


class Collector:
    """The collector of this process, from `start` to `stop`, on the event loop. `longest`: the longest pause in s."""

    def __init__(self, bus: Bus) -> None:
        self.longest = 0.0
        self._bus = bus
        self._began = 0.0
        self._thresholds = gc.get_threshold()
        self._giving_back: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Once everything is imported and loaded; on the event loop."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, MIDDLE, OLD)
        gc.callbacks.append(self._round)
        self._bus.subscribe(Merged, lambda _: self._give_back_in(SETTLED_S), OWNER)
        self._give_back_in(EVERY_S)

    def stop(self) -> None:
        """As it was before."""
        self._bus.remove_owner(OWNER)
        if self._giving_back is not None:
            self._giving_back.cancel()
        gc.callbacks.remove(self._round)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()
        log.debug("longest pause of the garbage collector: %.1f ms", self.longest * 1e3)

    def _give_back_in(self, delay: float) -> None:
        if self._giving_back is not None:
            self._giving_back.cancel()
        self._giving_back = asyncio.get_running_loop().call_later(delay, self._give_back)

    def _give_back(self) -> None:
        asyncio.get_running_loop().run_in_executor(None, give_back)
        self._give_back_in(EVERY_S)

    def _round(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
            return
        took = time.perf_counter() - self._began
        if info["generation"] == 2 and took > LONG_S:
            gc.freeze()
        self.longest = max(self.longest, took)  # not logged here: a round may begin in the middle of a log line
