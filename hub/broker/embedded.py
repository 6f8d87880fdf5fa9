"""The broker inside the hub: listeners, and what the rest of the hub calls."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from hub.broker.foreign import Foreign
from hub.broker.interface import ROOT, Authenticate, Receiver, Refused, RetainedStore
from hub.broker.keeper import Keeper, Known, Report
from hub.broker.lane import Lane
from hub.broker.limits import Limits
from hub.broker.listener import Contexts, Listener, listen
from hub.broker.tls import Certificate
from hub.broker.topics import valid_filter
from hub.broker.websocket import WebSockets
from hub.clock import Clock
from hub.messages import HubError

log = logging.getLogger(__name__)

SPARE_FILES = 128  # descriptors left to the rest of the hub
CLOSE_SECONDS = 2.0


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
        folder: Path | None = None,
        known: Known = lambda name: None,
        report: Report = lambda problem, values: None,
        refused: Refused = lambda refusal: None,
    ) -> None:
        """`folder`: where retained messages and sessions of clients are kept, None = only in memory. `known`: the
        client's login of this name as it is now; where there is none, its sessions go. `report`: hears of problems.
        `refused`: hears of topics that a login may not use."""
        self._foreign = Foreign()
        self._lane = Lane(
            receiver, authenticate, retained, clock, limits=limits, serve=self._foreign.serve, refused=refused
        )
        self._foreign.lane = self._lane
        self._known = known
        self._keeper = None
        if folder is not None:
            self._keeper = Keeper(folder, self._lane.retained, self._lane.kept, clock, known=known, report=report)
        self._websockets = WebSockets(self._lane)
        self._listeners = listeners
        self._contexts = Contexts()
        self.websocket = self._websockets.handle  # for a web server that has a port of its own
        self._servers: dict[str, asyncio.Server] = {}  # listener -> server

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of every listening socket."""
        return [
            (name[0], name[1])
            for server in self._servers.values()
            for name in (one.getsockname() for one in server.sockets)
        ]

    def port(self, listener: str) -> int:
        """The port of a listener, 0 where it is not open."""
        server = self._servers.get(listener)
        return server.sockets[0].getsockname()[1] if server else 0

    async def start(self) -> None:
        """Report every stored status, then listen. HubError: what `listen` raises."""
        lane = self._lane
        lane.most_connections = min(lane.limits.connections, _most_sockets())
        for hardware_id, payload in lane.store.all("status"):
            lane.tell(lane.receiver.message, hardware_id, "status", payload, True)
        if self._keeper is not None:
            await self._keeper.start()
        lane.start()
        try:
            for listener in self._listeners:
                await self._listen(listener)
        except HubError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the listeners, then every connection (what is under way to it is sent first), then amqtt."""
        for server in self._servers.values():
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
        for server in self._servers.values():
            await server.wait_closed()
        self._servers.clear()
        await self._websockets.stop()
        await self._foreign.stop()
        if self._keeper is not None:
            await self._keeper.stop()

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
        """End the connections of an MQTT client's login that was changed or removed; then nothing waits for it."""
        for client in list(self._lane.clients.values()):
            if client.login.name == name:
                client.end("refused")
        self._lane.kept.login_changed(name, self._known(name))

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

    def replace(self, certificate: Certificate) -> None:
        """Every TLS listener shows another certificate from now on; connections go on. Blocking (a few ms); raises what
        `server_context` raises, and then all stays as it was."""
        self._contexts.replace(certificate)

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
            "sessions": len(lane.kept),
            "retained": len(lane.retained),
            "received": lane.received,
            **lane.counts,
        }

    async def _listen(self, listener: Listener) -> None:
        try:
            server = await listen(self._lane, listener, self._websockets, self._contexts)
        except HubError as error:
            if not (listener.optional and error.id == "port-in-use"):
                raise
            log.warning("Port %d is in use: the hub does without the listener %s", listener.port, listener.name)
            return
        self._servers[listener.name] = server


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
