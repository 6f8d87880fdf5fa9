"""The lane's side of a client that is not a plug: every packet is checked here before amqtt sees a byte of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.broker.connection import BEHIND, Connection
from hub.broker.interface import Login
from hub.broker.outbox import Outbox
from hub.broker.packets import (
    DISCONNECT,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    Connect,
    MalformedPacket,
    check,
    frame,
    parse_packet_id,
)

if TYPE_CHECKING:
    from hub.broker.lane import Lane

MOST_UNREAD, RESUME_AT = 64, 16
ACKNOWLEDGED = {PUBACK: Outbox.puback, PUBREC: Outbox.pubrec, PUBCOMP: Outbox.pubcomp}


class ClientConnection(Connection):
    """Feeds whole, correct packets to the session that `lane.serve` runs, and stops reading while it is behind."""

    __slots__ = (
        "connect",
        "early",
        "finished",
        "key",
        "login",
        "outbox",
        "packets",
        "said_goodbye",
        "task",
        "will_allowed",
    )

    def __init__(self, lane: "Lane", listener: str, login: Login, connect: Connect) -> None:
        super().__init__(lane, listener)
        self.login, self.connect = login, connect
        self.keepalive = connect.keepalive
        # Another login with the same client id is another session: ids are no secret, and sessions hold messages.
        self.key = f"{login.name}\0{connect.client_id}" if connect.client_id else f"{login.name}\0\0{id(self)}"
        self.packets = Packets(self)
        self.outbox: Outbox | None = None
        self.early: list[tuple[int, int]] = []  # acknowledgements (kind, id) that came before the outbox was there
        self.said_goodbye = False
        self.will_allowed = True
        self.finished = asyncio.Event()

    def begin(self) -> None:
        """Take the place of an older connection with this client id, when that one has ended in full."""
        old = self.lane.clients.get(self.key)
        self.lane.clients[self.key] = self
        if old is not None:
            old.end("taken_over")
        self.task = asyncio.ensure_future(self._run(old))

    async def _run(self, old: "ClientConnection | None") -> None:
        try:
            if old is not None:
                await old.finished.wait()
            if not self.ended:
                await self.lane.serve(self)
        finally:
            self.finished.set()
            if self.lane.clients.get(self.key) is self:
                del self.lane.clients[self.key]
            self.end("closed")

    def data_received(self, data: bytes) -> None:
        if self.ended or self.said_goodbye or not (data := self.arrived(data)):
            return
        limits, at, end, size = self.lane.limits, 0, 0, len(data)
        try:
            while size - at >= 2:
                place = frame(data, at, limits.packet)
                if place is None or place[1] > size:
                    end = place[1] if place else 0
                    break
                start, end = place
                head = data[at]
                if head >> 4 != PUBLISH and end - start > limits.other_packet:
                    raise MalformedPacket("packet too large")
                kind = check(head, data[start:end])
                if kind == PUBLISH and (data[start] << 8 | data[start + 1]) > limits.topic:
                    raise MalformedPacket("topic too long")
                if kind in ACKNOWLEDGED:
                    # Not through amqtt: its task for each packet would cost a QoS 1 subscriber five times as much.
                    packet_id = parse_packet_id(data[start:end])
                    if self.outbox is not None:
                        ACKNOWLEDGED[kind](self.outbox, packet_id)
                    else:
                        self.early.append((kind, packet_id))
                else:
                    self.packets.put(data[at:end])
                if kind == DISCONNECT:
                    self.said_goodbye = True
                    return
                self.taken += 1
                at, end = end, 0
        except MalformedPacket:
            self.refuse("protocol")
            return
        self.rest(data, at, end)
        if len(self.packets.queue) + len(self.early) > MOST_UNREAD:
            self.hold(BEHIND)
        if self.taken > limits.rate:
            self.throttle()

    def attach(self, outbox: Outbox, write: Callable[[bytes], object]) -> None:
        """The session has begun: send what waits, then hear what the client acknowledged meanwhile (a client may send
        on before it has seen CONNACK)."""
        self.outbox = outbox
        outbox.connected(write)
        if self.paused_since is not None:
            outbox.pause()
        early, self.early = self.early, []
        for kind, packet_id in early:
            ACKNOWLEDGED[kind](outbox, packet_id)
        self.read(len(self.packets.queue))

    def read(self, left: int) -> None:
        """The session took a packet; `left` wait."""
        if left <= RESUME_AT and not self.early:
            self.release(BEHIND)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.outbox is not None:
            self.outbox.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.outbox is not None:
            self.outbox.resume()

    def end(self, cause: str, will: bool = True) -> None:
        if self.ended:
            return
        self.ended = self.active = True
        self.will_allowed = will
        self.packets.finish()
        if cause in ("closed", "hub_stopped"):
            self.transport.close()
        else:
            self.transport.abort()


class Packets:
    """What amqtt takes for its reader. It hands out packet by packet and lets the task that amqtt starts for each
    run before the next is read: amqtt otherwise reads ahead and, at the end of the stream, throws away what it has
    read but not begun (a PUBLISH right before DISCONNECT, and the DISCONNECT itself)."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.queue: deque[bytes] = deque()
        self._packet, self._at = b"", 0
        self._ended = False
        self._news = asyncio.Event()

    def put(self, packet: bytes) -> None:
        """A whole packet arrived."""
        self.queue.append(packet)
        self._news.set()

    def finish(self) -> None:
        """Nothing more will come; what is here is still handed out."""
        self._ended = True
        self._news.set()

    def feed_eof(self) -> None:
        """amqtt's name for it."""
        self.finish()

    async def read(self, n: int = -1) -> bytes:
        """The next `n` bytes of the packet (all that is left of it if negative); empty at the end."""
        if self._at >= len(self._packet):
            await asyncio.sleep(0)
            while not self.queue:
                if self._ended:
                    return b""
                self._news.clear()
                await self._news.wait()
            self._packet, self._at = self.queue.popleft(), 0
            self.connection.read(len(self.queue))
        end = len(self._packet) if n < 0 else self._at + n
        piece = self._packet[self._at : end]
        self._at = end
        return piece


class Output:
    """What amqtt takes for its writer."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def write(self, data: bytes) -> None:
        """Small answers only; messages go through the Outbox, which is bounded."""
        if not self.connection.transport.is_closing():
            self.connection.transport.write(data)

    async def drain(self) -> None:
        """Nothing: the lane stops reading from a client that does not take its answers."""

    def get_peer_info(self) -> tuple[str, int]:
        """Address; the port does not matter."""
        return self.connection.peer, 0

    def get_ssl_info(self) -> None:
        """TLS is the lane's matter."""

    async def close(self) -> None:
        """End the connection."""
        self.connection.end("closed", self.connection.will_allowed)
