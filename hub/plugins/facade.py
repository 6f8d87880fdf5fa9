"""The Hub that a plugin is given: all that it may do; everything of it ends when the plugin is switched off."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from hub.bus import Bus, EventQueue, Subscription
from hub.clock import Clock, Timer
from hub.events import Event, ProblemEnded, ProblemRaised
from hub.plugins.watchdog import Watched

E = TypeVar("E", bound=Event)
T = TypeVar("T")


class Guard(Protocol):
    """What watches a plugin's code; the manager implements it."""

    def run(self, plugin: str, what: str, function: Callable[..., T], *arguments: Any) -> T:
        """Call it, counting the CPU time that it takes."""

    def failed(self, plugin: str, what: str, error: BaseException) -> None:
        """The plugin's code raised."""


class Hub:
    """One plugin's view of the hub. All methods are called on the event loop.

    name: the plugin's name; log: its logger; clock: the one source of time and timers.
    """

    def __init__(self, name: str, bus: Bus, clock: Clock, guard: Guard) -> None:
        self.name = name
        self.clock = clock
        self.log = logging.getLogger(f"plugin.{name}")
        self.closed = False
        self._bus = bus
        self._guard = guard
        self._queues: list[EventQueue[Any]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: set[Timer] = set()
        self._problems: set[str] = set()

    def subscribe(self, event_type: type[E], handler: Callable[[E], None]) -> Subscription[E]:
        """Call `handler(event)` for each event of this type. It must be short: the event loop waits for it.
        What takes longer reads a `queue` in a task. Raises TypeError for an async handler."""
        if inspect.iscoroutinefunction(handler):
            raise TypeError("a handler is a plain function; await events with hub.queue() in hub.create_task()")
        self._check_open()
        return self._bus.subscribe(event_type, self._guarded(handler, event_type.__name__), owner=self.name)

    def queue(self, *event_types: type[E], limit: int = 1000) -> EventQueue[E]:
        """A bounded queue of these events: `await queue.get()`; when it is full the oldest is dropped and counted."""
        self._check_open()
        queue = self._bus.queue(*event_types, owner=self.name, limit=limit)
        self._queues.append(queue)
        return queue

    def create_task(self, coroutine: Coroutine[Any, Any, T], what: str = "task") -> "asyncio.Task[T | None]":
        """Run it beside everything else; cancelled at the end. What it raises is shown by the plugin's name."""
        if self.closed:
            coroutine.close()
        self._check_open()
        steps: Watched[T] = Watched(coroutine, lambda step, value: self._guard.run(self.name, what, step, value))
        task = asyncio.get_running_loop().create_task(self._contained(steps, what), name=f"{self.name}: {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Cancelled before its first step, the task never came to the coroutine.
        task.add_done_callback(lambda _: coroutine.close())
        return task

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call back after `delay` seconds."""
        self._check_open()
        timer: Timer

        def due() -> None:
            self._timers.discard(timer)
            self._guarded(lambda _: callback(), "timer")(None)

        timer = self.clock.call_later(delay, due)
        self._timers.add(timer)
        return timer

    def report_problem(self, id: str, **values: Any) -> None:
        """Show an admin that something is wrong until `end_problem(id)`; `id` is one of the plugin's sentences."""
        self._check_open()
        self._problems.add(id)
        self._bus.publish(ProblemRaised(id, values))

    def end_problem(self, id: str) -> None:
        """The problem no longer holds; nothing happens where it was not reported."""
        if id in self._problems:
            self._problems.remove(id)
            self._bus.publish(ProblemEnded(id))

    def close(self) -> list["asyncio.Task[Any]"]:
        """End every subscription, queue, timer, task and problem; returns the tasks that are being cancelled."""
        self.closed = True
        self._bus.remove_owner(self.name)
        for queue in self._queues:
            queue.close()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for id in list(self._problems):
            self.end_problem(id)
        ending = [task for task in self._tasks if not task.done()]
        for task in ending:
            task.cancel()
        return ending

    def _guarded(self, handler: Callable[[Any], object], what: str) -> Callable[[Any], None]:
        def guarded(event: Any) -> None:
            if self.closed:
                return
            try:
                self._guard.run(self.name, what, handler, event)
            except (Exception, SystemExit) as error:
                self._guard.failed(self.name, what, error)

        return guarded

    async def _contained(self, coroutine: Awaitable[T], what: str) -> T | None:
        try:
            return await coroutine
        except (Exception, SystemExit) as error:  # SystemExit in a task would end the event loop
            self._guard.failed(self.name, what, error)
            return None

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError(f"the plugin {self.name} is switched off")
