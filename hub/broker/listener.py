"""Where MQTT is heard: plain, over TLS, over WebSocket."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from hub.broker.connection import Waiting
from hub.broker.door import Door
from hub.broker.tls import Certificate, Handshakes, TlsDoor, server_context
from hub.broker.websocket import WebSockets
from hub.messages import HubError

if TYPE_CHECKING:
    from hub.broker.lane import Lane

BACKLOG = 2048  # all plugs of a large house at once, after a power cut


class Listener(msgspec.Struct, frozen=True):
    """`host` None = every address; `port` 0 = one that is free. `optional`: where the port is in use, the hub goes on
    without it."""

    host: str | None = None
    port: int = 1883
    name: str = "mqtt"
    tls: Certificate | None = None
    websocket: bool = False
    optional: bool = False


class Contexts:
    """What new TLS connections begin with, by listener; those that are open keep what they began with."""

    def __init__(self) -> None:
        self._by_listener: dict[str, ssl.SSLContext] = {}

    def load(self, listener: str, files: Certificate) -> None:
        """For a listener that is about to open. Blocking; raises what `server_context` raises."""
        self._by_listener[listener] = server_context(files)

    def of(self, listener: str) -> ssl.SSLContext:
        """The present one."""
        return self._by_listener[listener]

    def replace(self, files: Certificate) -> None:
        """For all listeners. Blocking; raises what `server_context` raises, and then nothing has changed."""
        context = server_context(files)
        self._by_listener = dict.fromkeys(self._by_listener, context)


async def listen(lane: "Lane", listener: Listener, websockets: WebSockets, contexts: Contexts) -> asyncio.Server:
    """HubError: port-in-use, port-not-allowed, address-unavailable, listen-failed (host, port, reason), and what
    `server_context` raises."""

    def open_door() -> Waiting:
        return websockets.make(listener.name) if listener.websocket else Door(lane, listener.name)

    factory: Callable[[], Waiting] = open_door
    if listener.tls is None and not listener.websocket:
        lane.bare.add(listener.name)
    if listener.tls is not None:
        contexts.load(listener.name, listener.tls)
        handshakes = Handshakes()

        def shake_hands() -> Waiting:
            return TlsDoor(lane, listener.name, contexts.of(listener.name), handshakes, open_door())

        factory = shake_hands
    try:
        return await asyncio.get_running_loop().create_server(factory, listener.host, listener.port, backlog=BACKLOG)
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
