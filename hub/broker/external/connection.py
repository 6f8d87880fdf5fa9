"""One connection to an external broker: login, subscriptions, QoS 1 both ways, signs of life. Who wants another makes
a new one."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from hub.broker.external import packets
from hub.broker.external.packets import Accepted, Message
from hub.broker.packets import MalformedPacket, encode_ack, frame

KEEPALIVE_S = 30
MOST_PACKET = 1024 * 1024
INFLIGHT_IN = 1000  # QoS 1 messages that the broker may send before it has our PUBACKs
WRITE_BUFFER = 256 * 1024


class User(Protocol):
    """Who uses a connection. Everything is called synchronously from the socket."""

    def accepted(self, connection: "Connection", answer: Accepted) -> None:
        """CONNACK came: `answer.code` 0 = logged in."""

    def arrived(self, message: Message) -> None:
        """A message came. It must not raise."""

    def answered(self, connection: "Connection", packet_id: int, code: int) -> None:
        """PUBACK, SUBACK or UNSUBACK came; a code from 0x80 refuses."""

    def lost(self, connection: "Connection", code: int | None, error: Exception | None) -> None:
        """It has ended; `code` is what the broker's DISCONNECT said."""


class Connection(asyncio.Protocol):
    """asyncio's side of a connection. `inflight` are the packet ids that wait for an answer."""

    def __init__(self, user: User, hello: Callable[[], bytes]) -> None:
        self._user = user
        self._hello = hello
        self._transport: Any = None  # asyncio.Transport; uvloop's is not derived from it
        self._buffer = bytearray()
        self._needed = 0
        self._last_id = 0
        self._said: int | None = None  # reason code of the broker's DISCONNECT
        self._error: Exception | None = None
        self.open = False  # logged in, and not lost
        self.slow = False  # the broker does not take what is sent
        self.limit = Accepted(0)
        self.inflight: set[int] = set()
        self.heard = True  # something came since the last check

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        transport.write(self._hello())

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        at = end = 0
        answers: list[bytes] = []
        try:
            while len(data) - at >= 2 and not self._transport.is_closing():
                place = frame(data, at, MOST_PACKET)
                end = 0 if place is None else place[1]
                if place is None or end > len(data):
                    break
                self._take(data[at], data[place[0] : end], answers)
                at, end = end, 0
        except MalformedPacket as error:
            self.abort(error)
            return
        if at < len(data):
            self._buffer += data[at:]
        self._needed = end - at if end else 0
        if answers and not self._transport.is_closing():
            self._transport.write(b"".join(answers))

    def pause_writing(self) -> None:
        self.slow = True

    def resume_writing(self) -> None:
        self.slow = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._user.lost(self, self._said, self._error or exc)

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> int | None:
        """Send now; None where that is not possible, else the packet id (0 with QoS 0)."""
        if not self.open or self.slow or len(payload) + len(topic) + 16 > self.limit.packet:
            return None
        packet_id = 0
        if qos:
            if len(self.inflight) >= self.limit.inflight:
                return None
            packet_id = self._next_id()
        self._transport.write(packets.publish(topic, payload, packet_id, retain=retain))
        return packet_id

    def subscribe(self, topic_filter: str, qos: int, identifier: int) -> int:
        """Ask for a subscription; returns the packet id of its answer."""
        packet_id = self._next_id()
        self._transport.write(packets.subscribe(packet_id, topic_filter, qos, identifier))
        return packet_id

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        self._transport.write(packets.unsubscribe(self._next_id(), topic_filter))

    def check_life(self) -> None:
        """To be called every half keepalive: the second time without a word ends the connection."""
        if not self.heard:
            self.abort(TimeoutError("the broker is silent"))
            return
        self.heard = False
        self._transport.write(packets.PING)

    def close(self) -> None:
        """Say goodbye and end; what is under way is sent first."""
        if self._transport is not None and not self._transport.is_closing():
            if self.open:
                self._transport.write(packets.GOODBYE)
            self._transport.close()

    def abort(self, error: Exception | None = None) -> None:
        """End at once; `error` is what `lost` is told."""
        self._error = self._error or error
        if self._transport is not None:
            self._transport.abort()

    def _take(self, head: int, body: bytes, answers: list[bytes]) -> None:
        kind = head >> 4
        if kind == packets.CONNACK:
            self.limit = packets.parse_connack(body)
            self.open = not self.limit.code
            self._user.accepted(self, self.limit)
        elif not self.open:
            raise MalformedPacket("a packet before CONNACK")
        elif kind == packets.PUBLISH:
            message = packets.parse_publish(head, body)
            if message.packet_id:
                answers.append(encode_ack(packets.PUBACK, message.packet_id))
            self._user.arrived(message)
        elif kind in (packets.PUBACK, packets.SUBACK, packets.UNSUBACK):
            read = packets.parse_answer if kind == packets.PUBACK else packets.parse_filter_answer
            packet_id, code = read(body)
            if packet_id in self.inflight:
                self.inflight.discard(packet_id)
                self._user.answered(self, packet_id, code)
        elif kind == packets.DISCONNECT:
            self._said = body[0] if body else 0
            self._transport.close()
        elif kind != packets.PINGRESP:
            raise MalformedPacket("packet type")

    def _next_id(self) -> int:
        packet_id = self._last_id % 65535 + 1
        while packet_id in self.inflight:
            packet_id = packet_id % 65535 + 1
        self._last_id = packet_id
        self.inflight.add(packet_id)
        return packet_id
