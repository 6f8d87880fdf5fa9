"""A plug's whole MQTT session, served without amqtt: its topics are known and its deliveries are three."""

from typing import TYPE_CHECKING

from hub.broker.connection import Connection
from hub.broker.interface import ROOT, Login
from hub.broker.packets import (
    ACCEPTED,
    DISCONNECT,
    FLAGS,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    SUBSCRIPTION_REFUSED,
    UNSUBSCRIBE,
    Connect,
    MalformedPacket,
    Publish,
    encode_ack,
    encode_connack,
    encode_publish,
    encode_suback,
    encode_text,
    encode_unsuback,
    frame,
    parse_packet_id,
    parse_publish,
    parse_subscribe,
    parse_unsubscribe,
)
from hub.broker.topics import matches

if TYPE_CHECKING:
    from hub.broker.lane import Lane

# The first topic of each kind takes the short way through data_received.
PUBLISHED = {"plug": ("telemetry", "status"), "pair": ("pair",)}
DELIVERED = {"plug": ("control", "config", "ack"), "pair": ("pair/answer",)}
STATUS, CONFIG, CONTROL = "status", "config", "control"
MOST_FILTERS = 16


class PlugConnection(Connection):
    """A connection that logged in as a plug or as `pair-…`: one for each hardware_id, always with a clean session.

    What it may not publish is dropped and counted and the connection stays: MQTT 3.1.1 has no word for "refused",
    and a plug with one wrong topic would come back for ever. QoS 2 is accepted and answered as the standard says.
    """

    __slots__ = (
        "deliveries",
        "fd",
        "filters",
        "hardware_id",
        "inflight",
        "kind",
        "last_id",
        "login",
        "main",
        "prefix",
        "received",
        "root",
        "topic",
        "will",
    )

    def __init__(self, lane: "Lane", listener: str, login: Login, connect: Connect) -> None:
        super().__init__(lane, listener)
        self.login, self.kind, self.hardware_id = login, login.kind, login.name
        self.main = PUBLISHED[self.kind][0]
        self.root = f"{ROOT}{self.hardware_id}/"
        self.topic = self.root + self.main
        self.prefix = encode_text(self.topic)
        self.keepalive = connect.keepalive
        self.will = connect.will
        self.filters: dict[str, int] = {}
        self.deliveries: dict[str, int] = {}  # suffix -> granted QoS
        self.inflight: set[int] = set()  # sent with QoS 1, not acknowledged
        self.received: set[int] = set()  # QoS 2 ids between PUBLISH and PUBREL
        self.last_id = 0
        self.fd = -1  # its socket, where it is read in turns with the others

    def begin(self) -> None:
        """Take the place of an older connection of this plug and say CONNACK."""
        sessions = self.lane.sessions(self.kind)
        old = sessions.get(self.hardware_id)
        if old is not None:
            old.end("taken_over")
        sessions[self.hardware_id] = self
        if self.will is not None and not self._may_publish(self.will.topic):
            self.lane.counts["refused:will"] += 1
            self.lane.forbid(self.login, self.peer, "will", self.will.topic)
            self.will = None
        self.transport.write(encode_connack(ACCEPTED))
        if self.lane.gather is not None and self.listener in self.lane.bare:
            self.transport.pause_reading()
            self.fd = self.transport.get_extra_info("socket").fileno()
            self.go_on_reading()
        if self.kind == "plug":
            self.lane.tell(self.lane.receiver.connected, self.hardware_id, self.peer)

    def stop_reading(self) -> None:
        if self.fd < 0:
            super().stop_reading()
        elif self.lane.gather is not None:
            self.lane.gather.remove(self.fd, self)

    def go_on_reading(self) -> None:
        if self.fd < 0:
            super().go_on_reading()
        elif self.lane.gather is not None:
            try:
                self.lane.gather.add(self.fd, self)
            except OSError:
                self.lane.counts["read_alone"] += 1
                self.fd = -1
                super().go_on_reading()

    def gone(self) -> None:
        """The other end has closed."""
        self.end("lost")

    def data_received(self, data: bytes) -> None:
        """One pass over what arrived. The loop takes a sample in a few µs, hence the inlined parsing of the common
        PUBLISH; everything else goes through the functions of packets.py, with the same result."""
        if self.ended or not (data := self.arrived(data)):
            return
        lane, message, hardware_id, main = self.lane, self.lane.receiver.message, self.hardware_id, self.main
        prefix, limit, size = self.prefix, self.lane.limits.packet, len(data)
        prefix_size = len(prefix)
        answers: list[bytes] = []
        at = taken = 0
        try:
            while size - at >= 2:
                head, length, start = data[at], data[at + 1], at + 2
                end = start + length
                if length > 127 and size - at > 2 and data[at + 2] < 128:
                    start += 1
                    end = start + (length & 127 | data[at + 2] << 7)
                elif length > 127:
                    place = frame(data, at, limit)
                    if place is None:
                        end = 0
                        break
                    start, end = place
                if end > size:
                    break
                if (head == 0x32 or head == 0x30) and data.startswith(prefix, start):  # noqa: PLR1714 (a third faster)
                    start += prefix_size
                    if head == 0x32:
                        packet_id = data[start : start + 2]
                        start += 2
                        if packet_id == b"\0\0":
                            raise MalformedPacket("packet id")
                        answers.append(b"\x40\x02" + packet_id)
                    if start > end:
                        raise MalformedPacket("a field is longer than its packet")
                    taken += 1
                    payload = data[start:end]
                    try:
                        message(hardware_id, main, payload, False)
                    except Exception as error:
                        lane.failed_receiver(error, hardware_id, main)
                    if lane.index.filters and self.kind == "plug":
                        lane.route(self.topic, payload, head >> 1 & 1)
                else:
                    self._take(head, data[start:end], answers)
                if self.ended:
                    return  # type: ignore[unreachable]  # whoever was told may have dropped the plug
                at = end
            else:
                end = 0
        except MalformedPacket:
            self.refuse("protocol")
            return
        finally:
            lane.received += taken
            self.taken += taken
        if at < size:
            self.rest(data, at, end)
        if self.taken > lane.limits.rate:
            self.throttle()
        if answers:
            self.transport.write(b"".join(answers))

    def send(self, suffix: str, payload: bytes, qos: int, retain: bool = False) -> bool:
        """Deliver now; False where the plug did not subscribe or cannot take it."""
        if suffix not in self.deliveries or self.ended:
            return False
        if self.paused_since is not None:
            self.lane.counts["dropped:slow"] += 1
            return False
        packet = self._encode(suffix, payload, qos, retain)
        if packet is None:
            return False
        self.transport.write(packet)
        if suffix == CONTROL and self.lane.gather is not None:
            self.lane.gather.hurry()
        return True

    def end(self, cause: str, will: bool = True) -> None:
        if self.ended:
            return
        self.ended = self.active = True
        if self.fd >= 0:
            self.stop_reading()
        sessions = self.lane.sessions(self.kind)
        if sessions.get(self.hardware_id) is self:
            del sessions[self.hardware_id]
        if cause == "lost":
            cause = "will" if self.will else "closed"
        if will and self.will is not None:
            self._publish(Publish(self.will.topic, self.will.payload, self.will.qos, 0, self.will.retain, False))
        if self.kind == "plug":
            self.lane.tell(self.lane.receiver.disconnected, self.hardware_id, cause)
        if cause in ("closed", "hub_stopped"):
            self.transport.close()
        else:
            self.transport.abort()

    def _take(self, head: int, body: bytes, answers: list[bytes]) -> None:
        """Any packet but the plain PUBLISH to the main topic."""
        self.taken += 1
        kind = head >> 4
        if kind == PUBLISH:
            self._take_publish(parse_publish(head, body), answers)
        elif FLAGS.get(kind) != head & 15:
            raise MalformedPacket("packet type or flags")
        elif len(body) > self.lane.limits.other_packet:
            raise MalformedPacket("packet too large")
        elif kind == SUBSCRIBE:
            self._subscribe(*parse_subscribe(body), answers)
        elif kind == UNSUBSCRIBE:
            packet_id, filters = parse_unsubscribe(body)
            for topic_filter in filters:
                self.filters.pop(topic_filter, None)
            self._settle_deliveries()
            answers.append(encode_unsuback(packet_id))
        elif kind in (PINGREQ, DISCONNECT):
            if body:
                raise MalformedPacket("length")
            if kind == PINGREQ:
                answers.append(PINGRESP)
            else:
                self.transport.write(b"".join(answers))
                self.end("closed", will=False)
        else:
            packet_id = parse_packet_id(body)
            if kind == PUBACK:
                self.inflight.discard(packet_id)
            elif kind == PUBREC:  # nothing is sent with QoS 2: let the plug end whatever it means
                answers.append(encode_ack(PUBREL, packet_id))
            elif kind == PUBREL:
                self.received.discard(packet_id)
                answers.append(encode_ack(PUBCOMP, packet_id))

    def _take_publish(self, publish: Publish, answers: list[bytes]) -> None:
        if publish.qos < 2:
            if publish.qos:
                answers.append(encode_ack(PUBACK, publish.packet_id))
            self._publish(publish)
            return
        answers.append(encode_ack(PUBREC, publish.packet_id))
        if publish.packet_id in self.received:
            return
        if len(self.received) >= self.lane.limits.inflight:
            self.refuse("inflight")
            return
        self.received.add(publish.packet_id)
        self._publish(publish)

    def _publish(self, publish: Publish) -> None:
        """To the hub, and to other clients that subscribed to it."""
        lane = self.lane
        if not self._may_publish(publish.topic):
            lane.counts["refused:topic"] += 1
            lane.forbid(self.login, self.peer, "publish", publish.topic)
            return
        suffix = publish.topic[len(self.root) :]
        lane.received += 1
        if suffix == STATUS and publish.retain:
            if len(publish.payload) <= lane.limits.status:
                lane.tell(lane.store.set, self.hardware_id, suffix, publish.payload)
            else:
                lane.counts["refused:retained"] += 1
        lane.tell(lane.receiver.message, self.hardware_id, suffix, publish.payload, False)
        if self.kind == "plug" and lane.index.filters:
            lane.route(publish.topic, publish.payload, publish.qos)

    def _may_publish(self, topic: str) -> bool:
        if not topic.startswith(self.root):
            return False
        suffix = topic[len(self.root) :]
        return suffix in PUBLISHED[self.kind] or (self.kind == "plug" and suffix.startswith(self.main + "/"))

    def _subscribe(self, packet_id: int, filters: list[tuple[str, int]], answers: list[bytes]) -> None:
        codes = []
        for topic_filter, qos in filters:
            allowed = topic_filter.startswith(self.root) and bool(self._suffixes(topic_filter))
            if allowed and (topic_filter in self.filters or len(self.filters) < MOST_FILTERS):
                self.filters[topic_filter] = min(qos, 1)
                codes.append(min(qos, 1))
            else:
                self.lane.counts["refused:subscription"] += 1
                if not allowed:
                    self.lane.forbid(self.login, self.peer, "subscribe", topic_filter)
                codes.append(SUBSCRIPTION_REFUSED)
        self._settle_deliveries()
        answers.append(encode_suback(packet_id, codes))
        for (topic_filter, _), code in zip(filters, codes, strict=True):
            if code != SUBSCRIPTION_REFUSED and CONFIG in self._suffixes(topic_filter):
                stored = self.lane.store.get(self.hardware_id, CONFIG)
                packet = self._encode(CONFIG, stored, 1, retain=True) if stored else None
                if packet:
                    answers.append(packet)

    def _suffixes(self, topic_filter: str) -> list[str]:
        return [suffix for suffix in DELIVERED[self.kind] if matches(topic_filter, self.root + suffix)]

    def _settle_deliveries(self) -> None:
        self.deliveries = {}
        for topic_filter, qos in self.filters.items():
            for suffix in self._suffixes(topic_filter):
                self.deliveries[suffix] = max(qos, self.deliveries.get(suffix, 0))

    def _encode(self, suffix: str, payload: bytes, qos: int, retain: bool) -> bytes | None:
        packet_id = 0
        qos = min(qos, self.deliveries[suffix])
        if qos:
            if len(self.inflight) >= self.lane.limits.inflight:
                self.lane.counts["dropped:inflight"] += 1
                return None
            packet_id = self.last_id % 65535 + 1
            while packet_id in self.inflight:
                packet_id = packet_id % 65535 + 1
            self.last_id = packet_id
            self.inflight.add(packet_id)
        return encode_publish(self.root + suffix, payload, qos, packet_id, retain=retain)
