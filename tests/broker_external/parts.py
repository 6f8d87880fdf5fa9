"""The hub's side of an external broker without the rest of the hub: what it hears and says is recorded."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from hub.broker.external import ExternalBroker, Server, Tls
from hub.broker.interface import Login
from hub.clock import Clock
from hub.messages import Message, render
from tests.broker_external.mosquitto import HUB, Mosquitto

HUB_ID = "a1b2c3d4e5f60718"


class Heard:
    """A Receiver; `events` are its calls in order."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def message(self, hardware_id: str, suffix: str, payload: bytes, retained: bool) -> None:
        if payload == b"raise":
            raise RuntimeError("a receiver that fails")
        self.note("message", hardware_id, suffix, payload.decode(), retained)

    def connected(self, hardware_id: str, peer: str) -> None:
        self.note("connected", hardware_id)

    def disconnected(self, hardware_id: str, cause: str) -> None:
        self.note("disconnected", hardware_id, cause)

    def note(self, *event: Any) -> None:
        self.events.append(event)
        task = asyncio.get_running_loop().create_task(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Wait until it holds after some event."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"it did not come; what came: {self.events}") from None

    async def event(self, *event: Any, seconds: float = 20) -> None:
        """Wait for this one."""
        await self.until(lambda: event in self.events, seconds)

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()


class Memory:
    """A RetainedStore."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], bytes] = {}

    def get(self, hardware_id: str, suffix: str) -> bytes | None:
        return self.held.get((hardware_id, suffix))

    def set(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        if payload:
            self.held[hardware_id, suffix] = payload
        else:
            self.held.pop((hardware_id, suffix), None)

    def all(self, suffix: str) -> list[tuple[str, bytes]]:
        return [(hardware_id, payload) for (hardware_id, s), payload in self.held.items() if s == suffix]


class Side:
    """An ExternalBroker with what stands around it. `problems` are those that are open, by id."""

    def __init__(
        self,
        server: Server,
        known: Iterable[str],
        logins: Callable[[], Iterable[Login]] | None,
    ) -> None:
        self.heard = Heard()
        self.store = Memory()
        self.known = set(known)
        self.problems: dict[str, str] = {}
        self.broker = ExternalBroker(
            self.heard,
            self.store,
            Clock(trusted=True),
            server=server,
            known=self.known.__contains__,
            raised=self._raised,
            ended=self._ended,
            logins=logins,
        )

    async def problem(self, id: str, seconds: float = 20) -> str:
        """Wait until it is open; the sentence that people read."""
        await self.heard.until(lambda: id in self.problems, seconds)
        return self.problems[id]

    async def fine(self, seconds: float = 20) -> None:
        """Wait until no problem is open and the hub is logged in."""
        await self.until(lambda: not self.problems and self.broker.is_up, seconds)

    async def until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Wait for what causes no event."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    async def ready(self) -> None:
        """Logged in, and everything asked for is answered."""
        await self.until(lambda: self.broker.is_up and not self.broker._asked)

    def _raised(self, problem: Message) -> None:
        self.problems[problem.id] = render(problem)
        self.heard.note("raised", problem.id)

    def _ended(self, id: str) -> None:
        assert self.problems.pop(id, None) is not None, f"{id} ended, but was not open"
        self.heard.note("ended", id)


class Made:
    """Makes Sides, and stops them."""

    def __init__(self) -> None:
        self._sides: list[Side] = []

    async def side(
        self,
        mosquitto: Mosquitto,
        *known: str,
        logins: Callable[[], Iterable[Login]] | None = None,
        host: str = "127.0.0.1",
        login: tuple[str, str] = HUB,
        tls: Tls | None = None,
        client_id: str = HUB_ID,
        prepare: Callable[[Side], None] = lambda side: None,
    ) -> Side:
        """Started, not waited for. `prepare` is called before the start."""
        side = Side(Server(host, mosquitto.port, client_id, *login, tls), known, logins)
        prepare(side)
        self._sides.append(side)
        await side.broker.start()
        return side

    async def stop(self) -> None:
        for side in self._sides:
            await side.broker.stop()
