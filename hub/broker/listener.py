"""Where MQTT is heard: plain, over TLS, over WebSocket."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from hub.broker.connection import Waiting
from hub.broker.door import Door
from hub.broker.tls import Certificate, TlsDoor, server_context
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


async def listen(lane: "Lane", listener: Listener, websockets: WebSockets) -> asyncio.Server:
    """HubError: port-in-use, port-not-allowed, address-unavailable, listen-failed (host, port, reason), and what
    `server_context` raises."""

    def open_door() -> Waiting:
        return websockets.make(listener.name) if listener.websocket else Door(lane, listener.name)

    factory: Callable[[], Waiting] = open_door
    if listener.tls is None and not listener.websocket:
        lane.bare.add(listener.name)
    if listener.tls is not None:
        context = server_context(listener.tls)

        def shake_hands() -> Waiting:
            return TlsDoor(lane, listener.name, context, open_door())

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
