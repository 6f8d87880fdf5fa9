"""MQTT over WebSocket: aiohttp shakes hands and reads frames; for the lane it is a socket like any other."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from hub.accept import reader_language
from hub.broker.connection import Connection, Waiting
from hub.broker.door import Door
from hub.frames import BINARY, UPGRADE, VERSION, close_frame, encode_frame, require_masks
from hub.messages import Message, render
from hub.origin import is_own_origin

if TYPE_CHECKING:
    from hub.broker.lane import Lane

SUBPROTOCOL = "mqtt"
PATHS = ("/", "/mqtt")
NORMAL, NOT_BINARY = 1000, 1003  # close codes


class WebSockets:
    """Everything that the WebSocket connections share. `handle` is an aiohttp handler, for any aiohttp server."""

    def __init__(self, lane: "Lane") -> None:
        self._lane = lane
        self.waiting: dict[Tunnel, None] = {}  # not logged in, oldest first
        self._server: web.Server | None = None

    def make(self, listener: str) -> "HttpDoor":
        """A connection to a port that serves nothing but WebSocket."""
        if self._server is None:
            self._server = web.Server(self.handle, access_log=None)
        return HttpDoor(self._lane, listener, self._server)

    async def stop(self) -> None:
        """After every connection has ended."""
        if self._server is not None:
            await self._server.shutdown()
            self._server = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one WebSocket to its end; or say by HTTP why not."""
        refusal = _refusal(request)
        if refusal is not None:
            self._lane.counts["refused:websocket"] += 1
            return refusal
        require_masks(request)
        # Twice a packet: clients send several small packets in a message, but none sends two large ones.
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), compress=False, max_msg_size=2 * self._lane.limits.packet
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        front: Any = transport.get_protocol()
        if not isinstance(front, HttpDoor):
            front = HttpDoor.around(front, self._lane, transport)
        await front.serve(self, socket)
        return socket

    def make_room(self) -> None:
        """Messages of strangers are read whole before the lane sees them: there may be only so many strangers."""
        while len(self.waiting) > self._lane.limits.waiting_websockets:
            oldest = next(iter(self.waiting))
            del self.waiting[oldest]
            oldest.protocol.refuse("waiting")


class HttpDoor(Waiting):
    """An HTTP connection of aiohttp's that becomes a WebSocket; what the socket says is passed on to both."""

    __slots__ = ("_inner", "_make_inner", "_tunnel")

    def __init__(self, lane: "Lane", listener: str, make_inner: Callable[[], Any]) -> None:
        super().__init__(lane, listener)
        self._make_inner = make_inner
        self._inner: Any = None  # aiohttp's protocol
        self._tunnel: Tunnel | None = None

    def admitted(self) -> None:
        if self._inner is None:
            self._inner = self._make_inner()
            self._inner.connection_made(self.transport)

    @classmethod
    def around(cls, inner: Any, lane: "Lane", transport: Any) -> "HttpDoor":
        """Stand between a connection of a web server and its protocol."""
        door = cls(lane, "websocket", lambda: inner)
        door._inner = inner
        transport.set_protocol(door)
        door.connection_made(transport)
        return door

    async def serve(self, sockets: WebSockets, socket: web.WebSocketResponse) -> None:
        """From the handshake to the end."""
        if self.ended:
            return
        self._tunnel = tunnel = Tunnel(self.transport, sockets)
        Door(self.lane, self.listener).adopt(self, tunnel)
        sockets.make_room()
        try:
            with contextlib.suppress(ConnectionError):  # a PING that comes after the end cannot be answered
                async for message in socket:
                    if message.type is not WSMsgType.BINARY:
                        tunnel.goodbye(NOT_BINARY)
                    elif not tunnel.is_closing():
                        tunnel.protocol.data_received(message.data)
                        await tunnel.readable.wait()
        finally:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> None:
        self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()
        if self._tunnel is not None:
            self._tunnel.protocol.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
        if self._tunnel is not None:
            self._tunnel.protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        if self._inner is not None:
            self._inner.connection_lost(exc)
        if self._tunnel is None:
            self.lane.left(self)
        else:
            tunnel, self._tunnel = self._tunnel, None
            tunnel.lost(exc)


class Tunnel:
    """What the lane takes for the transport of a WebSocket."""

    def __init__(self, transport: Any, sockets: WebSockets) -> None:
        self._transport = transport
        self._sockets = sockets
        self.protocol: Any = None  # Connection
        self.readable = asyncio.Event()
        self.readable.set()
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.abort = transport.abort
        self.set_write_buffer_limits = transport.set_write_buffer_limits

    def write(self, data: bytes) -> None:
        """One frame; packets may be split over frames and share them as they like."""
        self._transport.write(encode_frame(BINARY, data))

    def close(self) -> None:
        """Send what is left, say goodbye, and close."""
        self.goodbye(NORMAL)

    def goodbye(self, code: int) -> None:
        """The same with another code."""
        if not self.is_closing():
            self._transport.write(close_frame(code))
            self._transport.close()

    def set_protocol(self, protocol: Connection) -> None:
        """Who gets what arrives."""
        self.protocol = protocol
        if isinstance(protocol, Door):
            self._sockets.waiting[self] = None
        else:
            self._sockets.waiting.pop(self, None)

    def pause_reading(self) -> None:
        """aiohttp stops to read when two messages wait."""
        self.readable.clear()

    def resume_reading(self) -> None:
        """Go on."""
        self.readable.set()

    def lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._sockets.waiting.pop(self, None)
        self.readable.set()
        protocol, self.protocol = self.protocol, None  # which refers to this: a circle would outlive both
        protocol.connection_lost(exc)


def _refuse(request: web.BaseRequest, status: int, message: Message) -> web.Response:
    """A problem (RFC 9457) like those of the API, whose parts are above the broker."""
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": message.id,
        "detail": render(message, reader_language(request.headers.get("Accept-Language"))),
    }
    body = json.dumps(problem, ensure_ascii=False).encode()
    headers = {"Cache-Control": "no-store", **(UPGRADE if status == 426 else {})}
    return web.Response(status=status, body=body, content_type="application/problem+json", headers=headers)


def _refusal(request: web.BaseRequest) -> web.Response | None:
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    if request.path not in PATHS:
        return _refuse(request, 404, Message("websocket-path-unknown"))
    host = request.host if "Host" in request.headers else ""  # without one it would be looked up
    if not is_own_origin(request.headers, host):
        return _refuse(request, 403, Message("origin-refused"))
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return _refuse(request, 426, Message("websocket-expected"))
    if request.headers.get("Sec-WebSocket-Version", VERSION) != VERSION:
        return _refuse(request, 426, Message("websocket-version", {"version": VERSION}))
    if SUBPROTOCOL not in (name.strip() for name in offered):
        return _refuse(request, 400, Message("websocket-subprotocol"))
    return None
