"""The event bus: typed events, synchronous dispatch by type, handlers isolated from one another."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from hub.events import Event

E = TypeVar("E", bound=Event)
log = logging.getLogger("hub.bus")


class Subscription(Generic[E]):
    """One handler of one event type; `cancel()` ends it."""

    __slots__ = ("_bus", "event_type", "handler", "owner")

    def __init__(self, bus: "Bus", event_type: type[E], handler: Callable[[E], None], owner: str) -> None:
        self._bus = bus
        self.event_type = event_type
        self.handler = handler
        self.owner = owner

    def cancel(self) -> None:
        """Stop hearing; calling it again does nothing."""
        self._bus._remove(self)


class EventQueue(Generic[E]):
    """A bounded queue for a consumer slower than the bus: when full, the oldest event is dropped and counted."""

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._events: deque[E] = deque()
        self._limit = limit
        self._filled = asyncio.Event()
        self._subscriptions: list[Subscription[Any]] = []

    def __len__(self) -> int:
        return len(self._events)

    async def get(self) -> E:
        """The oldest event; waits until there is one."""
        while not self._events:
            self._filled.clear()
            await self._filled.wait()
        return self._events.popleft()

    def close(self) -> None:
        """Stop hearing; what is queued can still be read."""
        for subscription in self._subscriptions:
            subscription.cancel()

    def _put(self, event: E) -> None:
        if len(self._events) >= self._limit:
            self._events.popleft()
            self.dropped += 1
        self._events.append(event)
        self._filled.set()


class Bus:
    """Delivers each event to every handler of exactly its type, in the order in which they subscribed.

    Everything happens on the event loop's thread; other threads use `loop.call_soon_threadsafe`.
    """

    def __init__(self) -> None:
        # Tuples are replaced, never changed, so that a handler may subscribe or cancel while an event is delivered.
        self._handlers: dict[type[Event], tuple[Subscription[Any], ...]] = {}
        self.failures: dict[str, int] = {}
        self.on_failure: Callable[[str, type[Event], Exception], None] | None = None

    def subscribe(self, event_type: type[E], handler: Callable[[E], None], owner: str) -> Subscription[E]:
        """Call `handler(event)` for each event of this type; `owner` names it in logs and in `remove_owner`."""
        subscription = Subscription(self, event_type, handler, owner)
        self._handlers[event_type] = (*self._handlers.get(event_type, ()), subscription)
        return subscription

    def queue(self, *event_types: type[E], owner: str, limit: int = 1000) -> EventQueue[E]:
        """A bounded queue that hears these types, for consumers that await."""
        queue: EventQueue[E] = EventQueue(limit)
        queue._subscriptions = [self.subscribe(event_type, queue._put, owner) for event_type in event_types]
        return queue

    def publish(self, event: Event) -> None:
        """Deliver now. A handler that raises is logged with its owner and does not stop the others."""
        for subscription in self._handlers.get(type(event), ()):
            try:
                subscription.handler(event)
            except Exception as error:
                self._failed(subscription, error)

    def remove_owner(self, owner: str) -> None:
        """Cancel every subscription of one owner."""
        for event_type, subscriptions in self._handlers.items():
            self._handlers[event_type] = tuple(s for s in subscriptions if s.owner != owner)

    def _remove(self, subscription: Subscription[Any]) -> None:
        held = self._handlers.get(subscription.event_type, ())
        self._handlers[subscription.event_type] = tuple(s for s in held if s is not subscription)

    def _failed(self, subscription: Subscription[Any], error: Exception) -> None:
        count = self.failures[subscription.owner] = self.failures.get(subscription.owner, 0) + 1
        # A handler of a hot event that always fails must not fill the log: the 1st, 10th, 100th ... is written.
        if str(count).strip("0") == "1":
            kind = subscription.event_type.__name__
            log.error("%s failed at %s (%d times)", subscription.owner, kind, count, exc_info=error)
        if self.on_failure is not None:
            self.on_failure(subscription.owner, subscription.event_type, error)
