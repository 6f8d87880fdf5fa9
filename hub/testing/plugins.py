"""For plugin authors: a hub without network and disk that a plugin's code runs against. See docs/plugins.md."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

import pytest
import pytest_asyncio
import voluptuous as vol

from hub.bus import Bus
from hub.events import Event
from hub.messages import catalog
from hub.plugins import Hub
from hub.testing.clock import FakeClock

E = TypeVar("E", bound=Event)
T = TypeVar("T")


class Raised(AssertionError):
    """The plugin's code raised where the hub would have contained it."""


class StrictGuard:
    """Runs a plugin's code and remembers what it raised, so that its test can fail with it."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, BaseException]] = []

    def run(self, plugin: str, what: str, function: Callable[..., T], *arguments: Any) -> T:
        """Call it."""
        return function(*arguments)

    def failed(self, plugin: str, what: str, error: BaseException) -> None:
        """Remember it."""
        self.errors.append((what, error))

    def check(self) -> None:
        """Raises Raised with the first error."""
        if self.errors:
            what, error = self.errors[0]
            raise Raised(f"{what}: {''.join(traceback.format_exception(error))}") from error


class TestHub(Hub):
    """A Hub with its bus and clock at hand.

    `bus.publish(event)` is what the real hub would do; `await clock.advance(60)` lets a minute pass; `heard(type)`
    gives the events of a type that were published, the plugin's own problems among them.
    """

    __test__ = False

    def __init__(self, name: str = "test") -> None:
        self.bus = Bus()
        self.guard = StrictGuard()
        self.fake_clock = FakeClock()
        super().__init__(name, self.bus, self.fake_clock, self.guard)
        self._heard: dict[type[Event], list[Event]] = {}

    def hear(self, *event_types: type[Event]) -> None:
        """From now on keep the events of these types."""
        for event_type in event_types:
            self._heard.setdefault(event_type, [])
            self.bus.subscribe(event_type, self._heard[event_type].append, owner="the test")

    def heard(self, event_type: type[E]) -> list[E]:
        """What was kept."""
        return [event for event in self._heard[event_type] if isinstance(event, event_type)]


def checked(schema: Any, section: Mapping[str, Any]) -> Any:
    """A plugin's section as its schema makes it. Raises vol.Invalid."""
    return (schema if isinstance(schema, vol.Schema) else vol.Schema(schema))(dict(section))


def add_sentences(sentences: Mapping[str, Mapping[str, str]]) -> None:
    """Take in what the plugin's `plughub_sentences` gives, as the hub does when it loads the plugin."""
    catalog().add(sentences)


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    return FakeClock()


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[TestHub]:
    """The hub that a plugin's hooks are given; at the end everything of the plugin must end, without an error."""
    made = TestHub()
    yield made
    ending = made.close()
    if ending:
        await asyncio.wait(ending)
    for task in ending:
        if not task.cancelled() and task.exception() is not None:
            raise Raised("a task raised while it was cancelled") from task.exception()
    made.guard.check()
