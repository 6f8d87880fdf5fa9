"""The broker inside the hub: listeners, and what the rest of the hub calls."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Sequence

import msgspec

from hub.broker.door import Door
from hub.broker.foreign import Foreign
from hub.broker.interface import ROOT, Authenticate, Receiver, RetainedStore
from hub.broker.lane import Lane
from hub.broker.limits import Limits
from hub.broker.topics import valid_filter
from hub.clock import Clock
from hub.messages import HubError

log = logging.getLogger(__name__)

BACKLOG = 1024
SPARE_FILES = 128  # descriptors left to the rest of the hub
CLOSE_SECONDS = 2.0


class Listener(msgspec.Struct, frozen=True):
    """Where to listen. `host` None = every address; `port` 0 = one that is free."""

    host: str | None = None
    port: int = 1883
    name: str = "mqtt"


class EmbeddedBroker:
    """Implements hub.broker.interface.Broker."""

    def __init__(
        self,
        receiver: Receiver,
        authenticate: Authenticate,
        retained: RetainedStore,
        clock: Clock,
        *,
        listeners: Sequence[Listener] = (Listener(),),
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> None:
        self._foreign = Foreign()
        self._lane = Lane(receiver, authenticate, retained, clock, limits=limits, serve=self._foreign.serve)
        self._foreign.lane = self._lane
        self._listeners = listeners
        self._servers: list[asyncio.Server] = []

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of every listening socket."""
        return [
            (name[0], name[1]) for server in self._servers for name in (one.getsockname() for one in server.sockets)
        ]

    async def start(self) -> None:
        """Report every stored status, then listen. HubError: port-in-use, port-not-allowed, address-unavailable,
        listen-failed (values: host, port, reason)."""
        lane = self._lane
        lane.most_connections = min(lane.limits.connections, _most_sockets())
        for hardware_id, payload in lane.store.all("status"):
            lane.tell(lane.receiver.message, hardware_id, "status", payload, True)
        lane.start()
        try:
            for listener in self._listeners:
                self._servers.append(await self._listen(listener))
        except HubError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the listeners, then every connection (what is under way to it is sent first), then amqtt."""
        for server in self._servers:
            server.close()
        lane = self._lane
        lane.stop()
        sessions = [client.task for client in lane.clients.values()]
        if sessions:
            _, late = await asyncio.wait(sessions, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(lane.empty.wait(), CLOSE_SECONDS)
        for connection in list(lane.connections):
            connection.transport.abort()
        await lane.empty.wait()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        await self._foreign.stop()

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        """To a connected plug that subscribed to it, now; False otherwise. `pair/…` goes to the one that is pairing."""
        lane = self._lane
        connection = lane.sessions("pair" if suffix.startswith("pair") else "plug").get(hardware_id)
        if connection is None or not connection.send(suffix, payload, qos):
            return False
        if connection.kind == "plug" and lane.index.filters:
            lane.route(f"{ROOT}{hardware_id}/{suffix}", payload, qos, from_hub=True)
        return True

    def retain(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        """Store, and deliver to the plug (if it subscribed) and to clients whose filters match."""
        self._lane.store.set(hardware_id, suffix, payload)
        if not self.send(hardware_id, suffix, payload, 1) and self._lane.index.filters:
            self._lane.route(f"{ROOT}{hardware_id}/{suffix}", payload, 1, from_hub=True)

    def is_connected(self, hardware_id: str) -> bool:
        """Is there a logged-in connection of this plug?"""
        return hardware_id in self._lane.plugs

    def drop(self, hardware_id: str) -> None:
        """End the plug's connection, and one that is pairing."""
        for kind in ("plug", "pair"):
            connection = self._lane.sessions(kind).get(hardware_id)
            if connection is not None:
                connection.end("refused")

    def drop_client(self, name: str) -> None:
        """End the connections of an MQTT client's login."""
        for client in list(self._lane.clients.values()):
            if client.login.name == name:
                client.end("refused")

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> Callable[[], None]:
        """Hear what clients and plugs publish, and at once what is retained: handler(topic, payload, retained).
        Returns what ends it. ValueError: not a topic filter."""
        if not valid_filter(topic_filter):
            raise ValueError(f"not a topic filter: {topic_filter!r}")
        target = _Handler(self._lane, handler)
        self._lane.index.add(topic_filter, target, 2)
        for topic, payload, qos in list(self._lane.retained.match(topic_filter)):
            target.deliver(topic, payload, qos, True)
        return lambda: self._lane.index.remove(topic_filter, target)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """To clients whose filters match (never to the hub's own handlers, nor to plugs)."""
        if retain:
            self._lane.retained.set(topic, payload, qos)
        self._lane.route(topic, payload, qos, from_hub=True)

    def stats(self) -> dict[str, int]:
        """Counters: what is open now, messages received from plugs, and by reason what was refused or dropped."""
        lane = self._lane
        return {
            "connections": len(lane.connections),
            "plugs": len(lane.plugs),
            "pairing": len(lane.pairs),
            "clients": len(lane.clients),
            "waiting": len(lane.waiting),
            "filters": lane.index.filters,
            "received": lane.received,
            **lane.counts,
        }

    async def _listen(self, listener: Listener) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(
                lambda: Door(self._lane, listener.name), listener.host, listener.port, backlog=BACKLOG
            )
        except OSError as error:
            ids = {
                errno.EADDRINUSE: "port-in-use",
                errno.EACCES: "port-not-allowed",
                errno.EADDRNOTAVAIL: "address-unavailable",
            }
            wrong_name = isinstance(error, socket.gaierror)
            id = "address-unavailable" if wrong_name else ids.get(error.errno or 0, "listen-failed")
            host, reason = listener.host or "*", error.strerror or str(error)
            raise HubError(id, port=listener.port, host=host, reason=reason) from error


class _Handler:
    """A subscription of the hub itself."""

    inside = True

    def __init__(self, lane: Lane, handler: Callable[[str, bytes, bool], None]) -> None:
        self._lane = lane
        self._handler = handler

    def deliver(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        self._lane.tell(self._call, topic, payload, retain)

    def _call(self, topic: str, payload: bytes, retain: bool) -> None:
        self._handler(topic, payload, retain)


def _most_sockets() -> int:
    """How many the process may open, without leaving the database no file."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 1 << 31
    return max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES, SPARE_FILES)
