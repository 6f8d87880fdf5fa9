"""What goes out to one client: packet ids, unacknowledged messages, a bounded queue while it is slow or away."""

from collections import Counter, deque
from collections.abc import Callable, Iterable

from hub.broker.limits import Limits
from hub.broker.packets import PUBREL, encode_ack, encode_publish

Message = tuple[str, bytes, int, bool]  # topic, payload, QoS, retain


class Outbox:
    """A session's outgoing messages in order. What was sent with QoS 1 or 2 stays until it is acknowledged, over
    reconnects too, and is then sent again. Beyond the bounds the newest message is dropped and counted."""

    inside = False

    def __init__(self, limits: Limits, counts: Counter[str]) -> None:
        self._limits = limits
        self._counts = counts
        self._write: Callable[[bytes], object] | None = None
        self._paused = False
        self._inflight: dict[int, Message | None] = {}  # None: acknowledged by PUBREC, PUBREL was sent
        self._queue: deque[Message] = deque()
        self._queued_bytes = 0
        self._inflight_bytes = 0
        self._last_id = 0
        self.changes = 0  # counts what changes in `content`

    @property
    def size(self) -> int:
        """Bytes of all that waits or is not acknowledged."""
        return self._queued_bytes + self._inflight_bytes

    def content(self) -> tuple[list[tuple[int, Message | None]], list[Message], int]:
        """What outlives a connection: in flight, queued, the last packet id."""
        return list(self._inflight.items()), [message for message in self._queue if message[2]], self._last_id

    def restore(self, inflight: Iterable[tuple[int, Message | None]], queue: Iterable[Message], last_id: int) -> None:
        """What `content` gave, for a client that is away."""
        self._inflight = dict(inflight)
        self._inflight_bytes = sum(_size(message) for message in self._inflight.values() if message)
        self._queue = deque(queue)
        self._queued_bytes = sum(map(_size, self._queue))
        self._last_id = last_id

    def deliver(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Send now, or as soon as the client can take it. QoS 0 is not kept for a client that is away."""
        message = (topic, payload, qos, retain)
        if self._write is None:
            if qos:
                self._enqueue(message)
        elif self._paused or self._queue or (qos and len(self._inflight) >= self._limits.inflight):
            self._enqueue(message)
        else:
            self._send(message)

    def connected(self, write: Callable[[bytes], object]) -> None:
        """The client is (again) there: first what it has not acknowledged, then what waited."""
        self._write, self._paused = write, False
        for packet_id, message in list(self._inflight.items()):
            if message is None:
                write(encode_ack(PUBREL, packet_id))
            else:
                topic, payload, qos, retain = message
                write(encode_publish(topic, payload, qos, packet_id, retain=retain, duplicate=True))
        self._pump()

    def away(self) -> None:
        """The connection ended; QoS 0 that waited is gone, as the standard says."""
        self._write = None
        self._queue = deque(message for message in self._queue if message[2])
        self._queued_bytes = sum(map(_size, self._queue))

    def pause(self) -> None:
        """The client reads too slowly."""
        self._paused = True

    def resume(self) -> None:
        """It has caught up."""
        self._paused = False
        self._pump()

    def puback(self, packet_id: int) -> None:
        """QoS 1 is done."""
        message = self._inflight.get(packet_id)
        if message is not None and message[2] == 1:
            self._settle(message)
            del self._inflight[packet_id]
            self._pump()

    def pubrec(self, packet_id: int) -> None:
        """QoS 2, first half; answered with PUBREL even where the id is not known, so that the client can end it."""
        message = self._inflight.get(packet_id)
        if message is not None and message[2] == 2:
            self._settle(message)
            self._inflight[packet_id] = None
        if self._write is not None and (message is None or message[2] == 2):
            self._write(encode_ack(PUBREL, packet_id))

    def pubcomp(self, packet_id: int) -> None:
        """QoS 2 is done."""
        if self._inflight.get(packet_id, ()) is None:
            self.changes += 1
            del self._inflight[packet_id]
            self._pump()

    def _settle(self, message: Message) -> None:
        self.changes += 1
        self._inflight_bytes -= _size(message)

    def _enqueue(self, message: Message) -> None:
        # Retained messages of one SUBSCRIBE may be many at once; their payloads are shared with the store.
        room = self._limits.retained if message[3] else self._limits.queued
        size = _size(message)
        if len(self._queue) >= room or (not message[3] and self._queued_bytes + size > self._limits.queued_bytes):
            self._counts["dropped:slow" if self._write else "dropped:away"] += 1
            return
        self.changes += message[2] > 0
        self._queue.append(message)
        self._queued_bytes += size

    def _pump(self) -> None:
        while self._queue and self._write is not None and not self._paused:
            if self._queue[0][2] and len(self._inflight) >= self._limits.inflight:
                return
            message = self._queue.popleft()
            self._queued_bytes -= _size(message)
            self._send(message)

    def _send(self, message: Message) -> None:
        assert self._write is not None
        topic, payload, qos, retain = message
        packet_id = 0
        if qos:
            packet_id = self._next_id()
            self._inflight[packet_id] = message
            self._inflight_bytes += _size(message)
            self.changes += 1
        self._write(encode_publish(topic, payload, qos, packet_id, retain=retain))

    def _next_id(self) -> int:
        packet_id = self._last_id % 65535 + 1
        while packet_id in self._inflight:  # ends: far fewer are in flight than there are ids
            packet_id = packet_id % 65535 + 1
        self._last_id = packet_id
        return packet_id


def _size(message: Message) -> int:
    return len(message[0]) + len(message[1])
