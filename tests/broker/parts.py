"""What the broker's tests put around it: a receiver that remembers, a store in memory, a clock that stands still."""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from hub.broker import Attempt, EmbeddedBroker, Limits, Listener, Login
from hub.broker.interface import Refusal
from hub.clock import Clock, Timer
from tests.broker.client import PATIENCE, Client, connect

PLUGS = ("plug-1", "plug-2", "plug-3")
CLIENTS = {
    "all": Login("client", "all", ("#",), ("#",)),
    "other": Login("client", "other", ("#",), ("#",)),
    "reader": Login("client", "reader", ("smartplug/+/telemetry", "home/#"), ()),
    "writer": Login("client", "writer", ("smartplug/+/status",), ("smartplug/plug-1/control", "home/+/set")),
    "system": Login("client", "system", ("$SYS/#",), ("#", "$SYS/#")),
}
PASSWORD = b"secret"


def authenticate(attempt: Attempt) -> Login | None:
    """Plugs, `pair-…` with an empty password, and the clients above."""
    name = attempt.username or ""
    if name.startswith("pair-") and not attempt.password:
        return Login("pair", name.removeprefix("pair-"))
    if name == "broken":
        raise RuntimeError("the login cannot be checked")
    if attempt.password != PASSWORD:
        return None
    if name.startswith("plug-"):
        return Login("plug", name)
    return CLIENTS.get(name)


class Receiver:
    """Remembers what it is told; `fail` makes it raise."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []
        self.fail = False
        self._news = asyncio.Event()

    def message(self, hardware_id: str, suffix: str, payload: bytes, retained: bool) -> None:
        self._take("message", hardware_id, suffix, payload, retained)

    def connected(self, hardware_id: str, peer: str) -> None:
        self._take("connected", hardware_id, peer)

    def disconnected(self, hardware_id: str, cause: str) -> None:
        self._take("disconnected", hardware_id, cause)

    def _take(self, *event: object) -> None:
        if self.fail:
            raise RuntimeError("the receiver is broken")
        self.heard.append(event)
        self._news.set()

    def messages(self) -> list[tuple[object, ...]]:
        """(hardware_id, suffix, payload) of what was published live."""
        return [event[1:4] for event in self.heard if event[0] == "message" and not event[4]]

    async def until(self, *event: object) -> None:
        """Wait until this was heard."""
        async with asyncio.timeout(PATIENCE):
            while event not in self.heard:
                self._news.clear()
                await self._news.wait()


class Store:
    """RetainedStore in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def get(self, hardware_id: str, suffix: str) -> bytes | None:
        return self.kept.get((hardware_id, suffix))

    def set(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        self.kept[hardware_id, suffix] = payload
        if not payload:
            del self.kept[hardware_id, suffix]

    def all(self, suffix: str) -> list[tuple[str, bytes]]:
        return [(hardware_id, payload) for (hardware_id, kind), payload in self.kept.items() if kind == suffix]


class _Call(NamedTuple):
    at: float
    number: int
    timer: "_Timer"
    callback: Callable[[], object]


class _Timer:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class StandingClock(Clock):
    """Moves only by `advance`."""

    def __init__(self) -> None:
        super().__init__(trusted=True)
        self.time = 1000.0
        self._calls: list[_Call] = []
        self._number = 0

    def monotonic(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        self._number += 1
        call = _Call(self.time + delay, self._number, _Timer(), callback)
        heapq.heappush(self._calls, call)
        return call.timer

    def advance(self, seconds: float) -> None:
        """Let time pass; what falls due is called in order."""
        end = self.time + seconds
        while self._calls and self._calls[0].at <= end:
            call = heapq.heappop(self._calls)
            self.time = call.at
            if not call.timer.cancelled:
                call.callback()
        self.time = end

    @property
    def pending(self) -> int:
        return sum(not call.timer.cancelled for call in self._calls)


class Bench:
    """A broker on a free port with everything around it."""

    def __init__(
        self, limits: Limits | None = None, others: Sequence[Listener] = (), folder: Path | None = None
    ) -> None:
        self.folder = folder  # where retained messages and sessions are kept
        self.reported: list[tuple[str, dict[str, object]]] = []
        self.forbidden: list[Refusal] = []
        self.others = others  # listeners besides the plain one
        self.receiver, self.store, self.clock, self.limits = Receiver(), Store(), StandingClock(), limits or Limits()
        self.broker = self._make()
        self.port = 0
        self._clients: list[Client] = []

    def _make(self) -> EmbeddedBroker:
        return EmbeddedBroker(
            self.receiver,
            authenticate,
            self.store,
            self.clock,
            listeners=[Listener("127.0.0.1", self.port if hasattr(self, "port") else 0), *self.others],
            limits=self.limits,
            folder=self.folder,
            known=CLIENTS.get,
            report=lambda problem, values: self.reported.append((problem, values)),
            refused=self.forbidden.append,
        )

    async def start(self) -> None:
        await self.broker.start()
        self.port = self.broker.addresses[0][1]

    async def restart(self) -> None:
        """Another broker on the same port, over the same store."""
        await self.broker.stop()
        self.broker = self._make()
        await self.broker.start()

    async def stop(self) -> None:
        for client in self._clients:
            client.abort()
        await self.broker.stop()

    async def open(self) -> Client:
        """A TCP connection."""
        client = await Client.open(self.port)
        self._clients.append(client)
        return client

    async def login(self, username: str, client_id: str | None = None, **options: object) -> Client:
        """A connected client; plugs and others log in with their name."""
        password = b"" if username.startswith("pair-") else PASSWORD
        client = await Client.connect(self.port, client_id or username, username, password, **options)
        self._clients.append(client)
        return client

    async def refused(self, reason: str, count: int) -> None:
        """Another login is told that the hub has no room for it (CONNACK 3), for the `count`-th time."""
        client = await self.open()
        client.send(connect("plug-3", "plug-3", PASSWORD))
        assert await client.closed() == b"\x20\2\0\3"
        assert self.broker.stats()[f"refused:{reason}"] == count

    async def settled(self, name: str, value: int) -> None:
        """Wait until a counter has this value."""
        async with asyncio.timeout(PATIENCE):
            while self.broker.stats().get(name, 0) != value:
                await asyncio.sleep(0)
