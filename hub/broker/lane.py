"""The lane: everything that the connections share. Admission, sessions, routing, and the one timer."""

import asyncio
import logging
import select
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from hub.broker.connection import Connection, probe
from hub.broker.gather import Gather
from hub.broker.interface import (
    FORBIDDEN_TOPIC,
    ROOT,
    Authenticate,
    Login,
    Receiver,
    Refusal,
    Refused,
    RetainedStore,
)
from hub.broker.kept import Sessions
from hub.broker.limits import FailedLogins, Limits, host_key
from hub.broker.retained import Retained
from hub.broker.topics import FilterIndex
from hub.clock import Clock, Timer

if TYPE_CHECKING:
    from hub.broker.client import ClientConnection
    from hub.broker.plug import PlugConnection

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
REPORT_SECONDS = 10.0


class Lane:
    """Owns every socket. `serve` runs the session of a client that is not a plug."""

    def __init__(
        self,
        receiver: Receiver,
        authenticate: Authenticate,
        store: RetainedStore,
        clock: Clock,
        *,
        limits: Limits,
        serve: "Callable[[ClientConnection], Coroutine[Any, Any, None]]",
        refused: Refused,
    ) -> None:
        self.refused = refused
        self.receiver = receiver
        self.authenticate = authenticate
        self.store = store
        self.clock = clock
        self.limits = limits
        self.serve = serve
        self.most_connections = limits.connections
        self.counts: Counter[str] = Counter()
        self.received = 0  # messages of plugs
        self.index = FilterIndex()
        self.retained = Retained(store, limits, self.counts)
        self.kept = Sessions(limits, self.counts, clock, self.index)
        self.failed = FailedLogins(limits.free_failures, limits.longest_backoff)
        self.connections: set[Connection] = set()
        self.empty = asyncio.Event()  # no connection is open
        self.empty.set()
        self.waiting: dict[Connection, None] = {}  # not logged in, oldest first
        self.hosts: Counter[str] = Counter()
        self.surplus = 0  # connections that are open only to be told that they are too many
        self.plugs: dict[str, PlugConnection] = {}
        self.pairs: dict[str, PlugConnection] = {}
        self.clients: dict[str, ClientConnection] = {}
        self.bare: set[str] = set()  # listeners on which a connection's bytes are its socket's: no TLS, no frames
        self.gather: Gather | None = None
        self._open = False
        self._timer: Timer | None = None
        self._reported = -REPORT_SECONDS

    def start(self) -> None:
        """Admit connections and start the sweep."""
        self._open = True
        if hasattr(select, "epoll"):  # elsewhere each plug's transport reads by itself
            self.gather = Gather(asyncio.get_running_loop(), self.counts)
        self._timer = self.clock.call_later(SWEEP_SECONDS, self._sweep)

    def stop(self) -> None:
        """Admit none and end every connection; no will is sent for it."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self.connections):
            connection.end("hub_stopped", will=False)
        if self.gather is not None:
            self.gather.close()
            self.gather = None

    def admit(self, connection: Connection) -> bool:
        """Take a new connection; False where it must be closed at once."""
        connection.host = host_key(connection.peer)
        self.connections.add(connection)
        self.empty.clear()
        self.waiting[connection] = None
        self.hosts[connection.host] += 1
        if not self._open:
            return False
        if len(self.connections) > self.most_connections:
            connection.refusal = "connections"
        elif self.hosts[connection.host] > self.limits.connections_per_host:
            connection.refusal = "host"
        if connection.refusal:
            self.surplus += 1
            if self.surplus > self.limits.surplus:
                self.counts["refused:" + connection.refusal] += 1
                return False
        if len(self.waiting) > self.limits.waiting:
            # The oldest, not the newest: who means it sends CONNECT at once.
            next(iter(self.waiting)).refuse("waiting")
        return True

    def moved(self, old: Connection, new: Connection) -> None:
        """A connection is another object now, and has still not logged in."""
        self.connections.discard(old)
        self.waiting.pop(old, None)
        self.connections.add(new)
        self.waiting[new] = None

    def replace(self, old: Connection, new: Connection) -> None:
        """A connection has logged in and is another object now."""
        self.connections.discard(old)
        self.waiting.pop(old, None)
        self.connections.add(new)
        new.transport.set_write_buffer_limits(high=self.limits.write_buffer)
        if not new.keepalive:
            probe(new.transport)

    def left(self, connection: Connection) -> None:
        """A socket is closed."""
        self.connections.discard(connection)
        self.waiting.pop(connection, None)
        self.surplus -= bool(connection.refusal)
        self.hosts[connection.host] -= 1
        if self.hosts[connection.host] <= 0:
            del self.hosts[connection.host]
        if not self.connections:
            self.empty.set()

    def sessions(self, kind: str) -> "dict[str, PlugConnection]":
        """The live connections of plugs, or of those that are pairing."""
        return self.plugs if kind == "plug" else self.pairs

    def tell(self, function: Callable[..., None], *arguments: object) -> None:
        """Call out of the broker; what fails there is logged and counted and ends no connection."""
        try:
            function(*arguments)
        except Exception as error:
            self.failed_receiver(error, str(arguments[0]), getattr(function, "__name__", "call"))

    def failed_receiver(self, error: Exception, hardware_id: str, what: str) -> None:
        """Count an exception of the receiver, and log one with its traceback every ten seconds at most."""
        self.counts["receiver_errors"] += 1
        now = self.clock.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            log.error("What %s sent (%s) could not be handled", hardware_id, what, exc_info=error)

    def forbid(self, login: Login, peer: str, action: str, topic: str, *, reason: str = FORBIDDEN_TOPIC) -> None:
        """Somebody wanted what this login may not."""
        self.tell(self.refused, Refusal(login, peer, action, topic, reason))

    def route(self, topic: str, payload: bytes, qos: int, from_hub: bool = False) -> None:
        """To everybody whose filter matches; the hub does not hear itself."""
        for target, granted in self.index.match(topic):
            if not (from_hub and target.inside):
                target.deliver(topic, payload, min(qos, granted), False)

    def to_plug(self, topic: str, payload: bytes, qos: int) -> None:
        """What a client publishes below `smartplug/`: the plug gets it, if it subscribed to it."""
        hardware_id, _, suffix = topic[len(ROOT) :].partition("/")
        plug = self.plugs.get(hardware_id)
        if plug is not None:
            plug.send(suffix, payload, qos)

    def _sweep(self) -> None:
        now = self.clock.monotonic()
        self._timer = self.clock.call_later(SWEEP_SECONDS, self._sweep)
        for connection in list(self.connections):
            connection.check_life(now)
        self.failed.forget(now)
        self.kept.expire()
