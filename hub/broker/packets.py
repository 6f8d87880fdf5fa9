"""MQTT 3.1.1 packets as bytes: strict parsing and encoding, without sockets and without state."""

import msgspec

from hub.broker.topics import valid_filter

CONNECT, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 3, 4, 5, 6, 7
SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 8, 10, 12, 14

# The low nibble that the standard prescribes for what a client sends; PUBLISH keeps its own flags there.
FLAGS = {PUBACK: 0, PUBREC: 0, PUBREL: 2, PUBCOMP: 0, SUBSCRIBE: 2, UNSUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0}

ACCEPTED, BAD_VERSION, BAD_CLIENT_ID, UNAVAILABLE, NOT_AUTHORIZED = 0, 1, 2, 3, 5
SUBSCRIPTION_REFUSED = 0x80
PINGRESP = b"\xd0\x00"


class MalformedPacket(ValueError):
    """The bytes break the standard; the connection has to end."""


class UnsupportedVersion(ValueError):
    """A CONNECT of another MQTT version (CONNACK 1)."""


class Will(msgspec.Struct, frozen=True):
    """What to publish when the connection ends without DISCONNECT."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Connect(msgspec.Struct, frozen=True):
    """A CONNECT. `keepalive` in seconds, 0 = none."""

    client_id: str
    username: str | None
    password: bytes | None
    clean: bool
    keepalive: int
    will: Will | None


class Publish(msgspec.Struct, frozen=True, gc=False):
    """A PUBLISH; `packet_id` is 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    retain: bool
    duplicate: bool


def frame(data: bytes, at: int, limit: int) -> tuple[int, int] | None:
    """Start and end of the body of the packet that begins at `at`; None while its head is incomplete.

    The body itself need not have arrived. MalformedPacket: a length of more than four bytes, or over `limit`.
    """
    length = shift = 0
    for position in range(at + 1, min(len(data), at + 5)):
        length |= (data[position] & 127) << shift
        if data[position] < 128:
            if length > limit:
                raise MalformedPacket("packet too large")
            return position + 1, position + 1 + length
        shift += 7
    if shift == 28:
        raise MalformedPacket("remaining length of more than four bytes")
    return None


def parse_connect(body: bytes) -> Connect:
    """A CONNECT's body. UnsupportedVersion where only the version is wrong."""
    name, at = _string(body, 0)
    if name not in ("MQTT", "MQIsdp") or at >= len(body):
        raise MalformedPacket("not MQTT")
    if name == "MQIsdp" or body[at] != 4:
        raise UnsupportedVersion(f"{name} {body[at]}")
    if at + 4 > len(body):
        raise MalformedPacket("CONNECT ends early")
    flags, keepalive = body[at + 1], body[at + 2] << 8 | body[at + 3]
    has_will, will_qos, has_password, has_name = flags & 4, flags >> 3 & 3, flags & 64, flags & 128
    if flags & 1 or will_qos == 3 or (flags & 0x38 and not has_will) or (has_password and not has_name):
        raise MalformedPacket("CONNECT flags")
    client_id, at = _string(body, at + 4)
    will = username = password = None
    if has_will:
        topic, at = _string(body, at)
        if not valid_topic(topic):
            raise MalformedPacket("will topic")
        payload, at = _binary(body, at)
        will = Will(topic, payload, will_qos, bool(flags & 32))
    if has_name:
        username, at = _string(body, at)
    if has_password:
        password, at = _binary(body, at)
    if at != len(body):
        raise MalformedPacket("CONNECT is longer than its fields")
    return Connect(client_id, username, password, bool(flags & 2), keepalive, will)


def parse_publish(head: int, body: bytes) -> Publish:
    """A PUBLISH from its first byte and its body."""
    qos, duplicate = head >> 1 & 3, bool(head & 8)
    if qos == 3 or (duplicate and not qos):
        raise MalformedPacket("PUBLISH flags")
    topic, at = _string(body, 0)
    if not valid_topic(topic):
        raise MalformedPacket("PUBLISH topic")
    packet_id = 0
    if qos:
        packet_id, at = _packet_id(body, at), at + 2
    return Publish(topic, body[at:], qos, packet_id, bool(head & 1), duplicate)


def parse_subscribe(body: bytes) -> tuple[int, list[tuple[str, int]]]:
    """Packet id and the filters with the QoS asked for. A misplaced wildcard ends the connection: SUBACK 0x80 is for
    what a login may not hear."""
    packet_id, at, filters = _packet_id(body, 0), 2, []
    while at < len(body):
        topic_filter, at = _string(body, at)
        if not valid_filter(topic_filter) or at >= len(body) or body[at] > 2:
            raise MalformedPacket("SUBSCRIBE")
        filters.append((topic_filter, body[at]))
        at += 1
    if not filters:
        raise MalformedPacket("SUBSCRIBE without a filter")
    return packet_id, filters


def parse_unsubscribe(body: bytes) -> tuple[int, list[str]]:
    """Packet id and the filters."""
    packet_id, at, filters = _packet_id(body, 0), 2, []
    while at < len(body):
        topic_filter, at = _string(body, at)
        if not valid_filter(topic_filter):
            raise MalformedPacket("UNSUBSCRIBE")
        filters.append(topic_filter)
    if not filters:
        raise MalformedPacket("UNSUBSCRIBE without a filter")
    return packet_id, filters


def parse_packet_id(body: bytes) -> int:
    """The body of PUBACK, PUBREC, PUBREL or PUBCOMP: a packet id and nothing else."""
    if len(body) != 2:
        raise MalformedPacket("length")
    return _packet_id(body, 0)


def check(head: int, body: bytes) -> int:
    """The kind of a packet that a connected client sent, when all of it is as the standard says."""
    kind = head >> 4
    if kind == PUBLISH:
        parse_publish(head, body)
        return kind
    if FLAGS.get(kind) != head & 15:
        raise MalformedPacket("packet type or flags")
    if kind == SUBSCRIBE:
        parse_subscribe(body)
    elif kind == UNSUBSCRIBE:
        parse_unsubscribe(body)
    elif kind in (PINGREQ, DISCONNECT):
        if body:
            raise MalformedPacket("length")
    else:
        parse_packet_id(body)
    return kind


def valid_topic(topic: str) -> bool:
    """May it be published to? (No wildcards, not empty.)"""
    return bool(topic) and "+" not in topic and "#" not in topic


def encode(head: int, body: bytes) -> bytes:
    """A packet from its first byte and its body."""
    length, size = len(body), bytearray((head,))
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    size.append(length)
    return bytes(size) + body


def encode_text(text: str) -> bytes:
    """UTF-8 with its length before it."""
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def encode_connack(code: int, session_present: bool = False) -> bytes:
    """The answer to CONNECT."""
    return bytes((0x20, 2, session_present, code))


def encode_publish(
    topic: str, payload: bytes, qos: int = 0, packet_id: int = 0, *, retain: bool = False, duplicate: bool = False
) -> bytes:
    """A PUBLISH; `packet_id` is left out with QoS 0."""
    middle = packet_id.to_bytes(2, "big") if qos else b""
    return encode(0x30 | duplicate << 3 | qos << 1 | retain, encode_text(topic) + middle + payload)


def encode_ack(kind: int, packet_id: int) -> bytes:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return bytes((kind << 4 | FLAGS[kind], 2, packet_id >> 8, packet_id & 255))


def encode_suback(packet_id: int, codes: list[int]) -> bytes:
    """The granted QoS of each filter, or SUBSCRIPTION_REFUSED."""
    return encode(0x90, packet_id.to_bytes(2, "big") + bytes(codes))


def encode_unsuback(packet_id: int) -> bytes:
    """The answer to UNSUBSCRIBE."""
    return b"\xb0\x02" + packet_id.to_bytes(2, "big")


def _packet_id(body: bytes, at: int) -> int:
    packet_id = int.from_bytes(body[at : at + 2], "big")
    if len(body) < at + 2 or not packet_id:
        raise MalformedPacket("packet id")
    return packet_id


def _binary(body: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(body[at : at + 2], "big")
    if at + 2 > len(body) or end > len(body):
        raise MalformedPacket("a field is longer than its packet")
    return body[at + 2 : end], end


def _string(body: bytes, at: int) -> tuple[str, int]:
    data, end = _binary(body, at)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise MalformedPacket("not UTF-8") from None
    if "\0" in text:
        raise MalformedPacket("NUL in a text")
    return text, end
