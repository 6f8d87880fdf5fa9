"""Who does history's work and when: one thread for what blocks, tasks that use it, a timer that starts them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from hub.clock import Clock, Timer
from hub.history.pace import Pace, merge_in, worth_merging
from hub.tasks import Tasks

SOONEST_S = 1.0
RETRY_S = 300.0  # after the store refused a merge

log = logging.getLogger("hub.history")
T = TypeVar("T")

Work = Callable[[], Coroutine[Any, Any, bool]]


class Worker:
    """History's one thread for disks, and the tasks that wait for it; who commits or merges holds `writing`."""

    def __init__(self) -> None:
        self.writing = asyncio.Lock()
        self.tasks = Tasks(log, "history failed")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")

    async def run(self, call: Callable[[], T]) -> T:
        """Call it in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def spawn(self, work: Work) -> None:
        """Do it in a task; what it raises is logged."""
        self.tasks.spawn(work())

    async def settled(self) -> None:
        """When every task that was spawned so far has ended."""
        await self.tasks.settled()

    def close(self) -> None:
        """Wait for the thread and end it. Blocking."""
        self._thread.shutdown()


class Schedule:
    """Commits at the pace that suits, and merges instead where a merge is due or `urgent` says so.

    last: bytes of the newest commit. waiting: bytes of the log that are not merged.
    """

    def __init__(
        self,
        worker: Worker,
        clock: Clock,
        *,
        pace: Pace,
        commit: Work,
        merge: Work,
        urgent: Callable[[], bool],
        last: Callable[[], int],
        waiting: Callable[[], int],
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._pace = pace
        self._commit = commit
        self._merge = merge
        self._urgent = urgent
        self._last = last
        self._waiting = waiting
        self._timer: Timer | None = None
        self._ticked = 0.0
        self._took = 0.0  # s that the newest commit's samples had come in
        self._merged = 0.0
        self._next_merge = 0.0
        self._must = False  # the next merge is made however little it merges

    def begin(self, first: float) -> None:
        """The first commit comes in `first` s."""
        self.merge_in()
        self._ticked = self._clock.monotonic()
        self._after(min(first, self._pace.commit_in(0, 0)))

    def end(self) -> None:
        """Nothing more is started."""
        if self._timer is not None:
            self._timer.cancel()

    def merge_in(self, delay: float | None = None) -> None:
        """The next merge is due in `delay` s; None = after the hour, if there is enough to merge by then."""
        now = self._clock.monotonic()
        self._must = delay is not None
        self._merged = now
        self._next_merge = now + (merge_in(self._clock.now()) if delay is None else delay)

    def _after(self, delay: float) -> None:
        self._timer = self._clock.call_later(delay, self._tick)

    def _tick(self) -> None:
        now = self._clock.monotonic()
        due = now >= self._next_merge
        if due and not self._must and not worth_merging(self._waiting(), now - self._merged):
            due = False
            self._next_merge = now + merge_in(self._clock.now())
        delay = self._pace.commit_in(self._last(), self._took)
        self._ticked, self._took = now, now - self._ticked
        self._after(delay if due else min(delay, max(self._next_merge - now, SOONEST_S)))
        if not self._worker.writing.locked():
            self._worker.spawn(self._merge if due or self._urgent() else self._commit)
