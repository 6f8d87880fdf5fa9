"""Names what holds the event loop: any handler or task step that takes more of its CPU time than it may."""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")
log = logging.getLogger("hub.plugins")

LIMIT = 0.1  # seconds of the loop thread's CPU time: a slow SD card or a busy machine is not the plugin's fault
INTERVAL = 1.0  # how often it is looked whether a call goes on: each look wakes the processor


class _Call:
    """One call in progress; `inner` is the CPU time of calls inside it that are another's."""

    __slots__ = ("begin", "inner", "named", "owner", "what")

    def __init__(self, owner: str, what: str, begin: float) -> None:
        self.owner = owner
        self.what = what
        self.begin = begin
        self.inner = 0.0
        self.named = False


class Watchdog:
    """Runs plugin code on the loop thread and measures it.

    `report(owner, what, seconds)` is called on the loop thread, after a call that took too long. A call that does
    not end is named in the log, with the line where it is, by a thread of the watchdog's own.
    """

    def __init__(self, report: Callable[[str, str, float], None], limit: float = LIMIT, interval: float = INTERVAL):
        self._report = report
        self._limit = limit
        self._interval = interval
        self._call: _Call | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the calling thread: the event loop's."""
        if not hasattr(time, "pthread_getcpuclockid"):
            return  # not on every system can one thread read another's clock; calls that end are measured all the same
        watched = threading.get_ident()
        clock = time.pthread_getcpuclockid(watched)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._watch, args=(watched, clock), name="plugin-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def run(self, owner: str, what: str, function: Callable[..., T], *arguments: Any) -> T:
        """Call it (on the loop thread) and measure it; costs about 3 µs."""
        outer = self._call
        call = self._call = _Call(owner, what, time.thread_time())
        try:
            return function(*arguments)
        finally:
            self._call = outer
            spent = time.thread_time() - call.begin
            if outer is not None:
                outer.inner += spent
            if spent - call.inner > self._limit:
                self._report(owner, what, spent - call.inner)

    def _watch(self, watched: int, clock: int) -> None:
        while not self._stopping.wait(self._interval):
            call = self._call
            if call is None or call.named:
                continue
            spent = time.clock_gettime(clock) - call.begin - call.inner
            if spent > self._limit and call is self._call:
                call.named = True
                log.warning(
                    "plugin %s holds the event loop: %s has taken %.0f ms of CPU time and goes on, at %s",
                    call.owner,
                    call.what,
                    spent * 1000,
                    _line(watched),
                )


def _line(thread: int) -> str:
    """Where the thread is: the three innermost calls, innermost first."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "?"
    return " in ".join(f"{call.filename}:{call.lineno}" for call in reversed(traceback.extract_stack(frame)[-3:]))


class Watched(Awaitable[T]):
    """Awaits a coroutine, every step of it through `run(step, value)`."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], run: Callable[[Callable[[Any], Any], Any], Any]) -> None:
        self._coroutine = coroutine
        self._run = run

    def __await__(self) -> Generator[Any, Any, T]:
        try:
            waited = self._run(self._coroutine.send, None)
            while True:
                try:
                    sent = yield waited
                except GeneratorExit:
                    self._coroutine.close()
                    raise
                except BaseException as error:  # a cancellation goes into the coroutine like every other
                    waited = self._run(self._coroutine.throw, error)
                else:
                    waited = self._run(self._coroutine.send, sent)
        except StopIteration as done:
            value: T = done.value
            return value
