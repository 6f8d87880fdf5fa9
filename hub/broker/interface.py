"""What the rest of the hub knows of MQTT: who may log in, what comes in, what goes out."""

from collections.abc import Callable
from typing import Protocol

import msgspec

ROOT = "smartplug/"


class Login(msgspec.Struct, frozen=True):
    """Who a connection is. kind "plug" and "pair" are served by the lane itself, "client" by amqtt behind it.

    plug, pair: `name` is the hardware_id, the rights follow from it. client: `read` and `write` are topic filters.
    """

    kind: str
    name: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


class Attempt(msgspec.Struct, frozen=True):
    """A login attempt."""

    client_id: str
    username: str | None
    password: bytes | None
    peer: str  # address of the other end
    listener: str


Authenticate = Callable[[Attempt], Login | None]
"""Synchronous, from memory, constant time; None refuses (CONNACK 5)."""

FORBIDDEN_TOPIC, FORBIDDEN_RETAIN = "mqtt-topic-forbidden", "mqtt-retain-forbidden"


class Refusal(msgspec.Struct, frozen=True):
    """What a login wanted and may not. action: "publish", "subscribe" or "will"; reason: FORBIDDEN_..."""

    login: Login
    peer: str  # address of the other end
    action: str
    topic: str  # or the filter
    reason: str


Refused = Callable[[Refusal], None]
"""Synchronous, called from the socket for each of them, as often as a client tries: it must cost little."""


class Receiver(Protocol):
    """Whoever gets what plugs send. Called synchronously from the socket."""

    def message(self, hardware_id: str, suffix: str, payload: bytes, retained: bool) -> None:
        """A plug published below its root (suffix "telemetry", "telemetry/batch", "status", "pair", ...).
        At the hub's start each stored `status` comes once with retained=True."""

    def connected(self, hardware_id: str, peer: str) -> None:
        """A plug logged in (a take-over calls disconnected first). Not called for `pair-…` logins."""

    def disconnected(self, hardware_id: str, cause: str) -> None:
        """A plug's connection ended; cause is will, closed, taken_over, keepalive, refused or hub_stopped.
        Where the will was sent, message(..., "status", will) has come before."""


class RetainedStore(Protocol):
    """Where retained `status` and `config` of plugs are kept; in memory for reading, written behind."""

    def get(self, hardware_id: str, suffix: str) -> bytes | None:
        """The stored payload."""

    def set(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        """Store; an empty payload deletes."""

    def all(self, suffix: str) -> list[tuple[str, bytes]]:
        """Every (hardware_id, payload) with this suffix."""


class Broker(Protocol):
    """The MQTT side of the hub."""

    async def start(self) -> None:
        """Listen; raises HubError("port-in-use", ...) and the like."""

    async def stop(self) -> None:
        """Close all connections and listeners."""

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        """To a connected plug, now; False when it is not connected (nothing is queued). Retained `config` is set
        with `retain`."""

    def retain(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        """Store as retained and deliver if the plug is connected and subscribed."""

    def is_connected(self, hardware_id: str) -> bool:
        """Is there a logged-in connection of this plug?"""

    def drop(self, hardware_id: str) -> None:
        """End the plug's connection (its login was changed or removed), and one that is pairing."""

    def drop_client(self, name: str) -> None:
        """End the connections of an MQTT client's login (it was changed or removed)."""

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> Callable[[], None]:
        """Hear what other clients publish: handler(topic, payload, retained); returns what ends it."""

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """To other clients whose filters match."""

    def stats(self) -> dict[str, int]:
        """Counters: connections, plugs, received, refused by reason, dropped."""
