"""Delivery: hands notifications to every notifier, each in its order, again where one fails, and says what failed."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hub.bus import Bus
from hub.clock import Clock
from hub.events import ProblemEnded, ProblemRaised
from hub.messages import HubError, Message
from hub.plugins.contract import Notification, Notifier

WAITS = (5.0, 30.0, 120.0)  # seconds before each further attempt
MOST_WAITING = 50  # for one notifier; the oldest goes when one more comes
PROBLEM = "alert-undelivered"
log = logging.getLogger("hub.alerts")


class Record(msgspec.Struct, frozen=True):
    """How it went with a notifier since the hub's start. Unix ms; delivered: of the last message that arrived; failed:
    of the last attempt that did not succeed, and `reason` why."""

    delivered: int | None = None
    failed: int | None = None
    reason: Message | None = None


class Delivery:
    """`notifiers`: those that run now, by name; each keeps a time limit and raises only HubError."""

    def __init__(self, notifiers: Callable[[], Mapping[str, Notifier]], *, bus: Bus, clock: Clock) -> None:
        self._notifiers = notifiers
        self._bus = bus
        self._clock = clock
        self._waiting: dict[str, deque[Notification]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failing: dict[str, Message] = {}
        self._records: dict[str, Record] = {}

    async def stop(self) -> None:
        """Deliver nothing more; what was tried again until now is lost."""
        self._waiting.clear()
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def send(self, notification: Notification) -> None:
        """To every notifier there is. Returns at once."""
        for name in self._notifiers():
            waiting = self._waiting.setdefault(name, deque())
            waiting.append(notification)
            if len(waiting) > MOST_WAITING:
                waiting.popleft()
            if name not in self._tasks:
                self._tasks[name] = asyncio.get_running_loop().create_task(self._work(name), name=f"notify: {name}")

    def records(self) -> dict[str, Record]:
        """Of each notifier that runs, by name."""
        return {name: self._records.get(name, Record()) for name in sorted(self._notifiers())}

    async def test(self, name: str, notification: Notification) -> None:
        """Deliver now, once. Raises HubError("notifier-unknown", "notifier-failed")."""
        notifier = self._notifiers().get(name)
        if notifier is None:
            raise HubError("notifier-unknown", name=name)
        try:
            await self._attempt(name, notifier, notification)
        except HubError as error:
            raise HubError("notifier-failed", name=name, reason=error.message) from error
        self._report(name, None)

    async def _work(self, name: str) -> None:
        """One after the other, until nothing waits."""
        try:
            while waiting := self._waiting.get(name):
                await self._deliver(name, waiting.popleft())
        finally:
            self._tasks.pop(name, None)

    async def _deliver(self, name: str, notification: Notification) -> None:
        reason = Message("alert-notifier-off")
        for wait in (0.0, *WAITS):
            if wait:
                await self._clock.sleep(wait)
            notifier = self._notifiers().get(name)
            if notifier is None:  # it was switched off
                break
            try:
                await self._attempt(name, notifier, notification)
            except HubError as error:
                reason = error.message
                log.warning("%s did not deliver: %s", name, error)
            else:
                self._report(name, None)
                return
        self._report(name, reason)

    async def _attempt(self, name: str, notifier: Notifier, notification: Notification) -> None:
        try:
            await notifier.notify(notification)
        except HubError as error:
            self._note(name, failed=self._clock.now(), reason=error.message)
            raise
        self._note(name, delivered=self._clock.now())

    def _note(self, name: str, **fields: Any) -> None:
        """A test and a delivery may be under way together: each changes only what it knows."""
        self._records[name] = msgspec.structs.replace(self._records.get(name, Record()), **fields)

    def _report(self, name: str, reason: Message | None) -> None:
        """A problem for as long as the last notification of some notifier that runs could not be delivered."""
        before = dict(self._failing)
        self._failing.pop(name, None)
        if reason is not None:
            self._failing[name] = reason
        there = self._notifiers()
        self._failing = {name: why for name, why in self._failing.items() if name in there}
        if self._failing == before:
            return
        if self._failing:
            name, latest = list(self._failing.items())[-1]
            self._bus.publish(ProblemRaised(PROBLEM, {"notifiers": list(self._failing), "reason": latest}))
        else:
            self._bus.publish(ProblemEnded(PROBLEM))
