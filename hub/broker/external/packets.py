"""MQTT 5 as a client speaks it: the packets that the hub sends to an external broker and those that it reads."""

import msgspec

from hub.broker.packets import MalformedPacket, encode, encode_text

CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 9, 11, 13, 14
PING = b"\xc0\x00"
GOODBYE = b"\xe0\x00"

# Reason codes of the standard that the hub tells apart.
BAD_VERSION = (0x01, 0x84)  # the first is how a broker of MQTT 3.1.1 says it
BAD_LOGIN = (0x04, 0x05, 0x86, 0x87)
TAKEN_OVER = 0x8E
REFUSED = 0x80  # this and everything above
NOT_AUTHORIZED = 0x87

_SESSION_EXPIRY, _IDENTIFIERS, _KEEPALIVE, _RECEIVE_MAXIMUM, _MAXIMUM_PACKET = 0x11, 0x0B, 0x13, 0x21, 0x27
# How a property's value is written: bytes of a number, or 0 = a number of varying length, -1 = text or binary,
# -2 = two texts.
_PROPERTIES = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((_KEEPALIVE, _RECEIVE_MAXIMUM, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, _SESSION_EXPIRY, 0x18, _MAXIMUM_PACKET), 4),
    _IDENTIFIERS: 0,
    **dict.fromkeys((0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F), -1),
    0x26: -2,
}


class Accepted(msgspec.Struct, frozen=True):
    """A CONNACK. `code` 0 = welcome; `keepalive` in seconds where the broker sets its own; `inflight`: how many QoS 1
    messages may wait for their PUBACK; `packet`: longest packet that it takes."""

    code: int
    keepalive: int | None = None
    inflight: int = 65535
    packet: int = 1 << 28


class Message(msgspec.Struct, frozen=True, gc=False):
    """A PUBLISH of the broker. `identifiers`: the subscriptions that it answers; `packet_id` is 0 with QoS 0."""

    topic: str
    payload: bytes
    retained: bool
    packet_id: int
    identifiers: tuple[int, ...]


def connect(
    client_id: str, username: str | None, password: str | None, *, keepalive: int, inflight: int, packet: int
) -> bytes:
    """CONNECT: a clean session that ends with the connection. `inflight`, `packet`: what the hub takes at most."""
    flags = 0x02 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    properties = (
        bytes((_SESSION_EXPIRY,)) + bytes(4) + bytes((_RECEIVE_MAXIMUM,)) + inflight.to_bytes(2, "big")
        + bytes((_MAXIMUM_PACKET,)) + packet.to_bytes(4, "big")
    )  # fmt: skip
    body = encode_text("MQTT") + bytes((5, flags)) + keepalive.to_bytes(2, "big")
    body += varying(len(properties)) + properties + encode_text(client_id)
    if username is not None:
        body += encode_text(username)
    if password is not None:
        body += encode_text(password)
    return encode(0x10, body)


def subscribe(packet_id: int, topic_filter: str, qos: int, identifier: int) -> bytes:
    """SUBSCRIBE to one filter, without what the hub itself publishes (No Local)."""
    properties = bytes((_IDENTIFIERS,)) + varying(identifier)
    body = packet_id.to_bytes(2, "big") + varying(len(properties)) + properties
    return encode(0x82, body + encode_text(topic_filter) + bytes((qos | 0x04,)))


def unsubscribe(packet_id: int, topic_filter: str) -> bytes:
    """UNSUBSCRIBE."""
    return encode(0xA2, packet_id.to_bytes(2, "big") + b"\0" + encode_text(topic_filter))


def publish(topic: str, payload: bytes, packet_id: int = 0, *, retain: bool = False) -> bytes:
    """PUBLISH with QoS 1 if it has a packet id, else with QoS 0."""
    middle = packet_id.to_bytes(2, "big") if packet_id else b""
    return encode(0x30 | (2 if packet_id else 0) | retain, encode_text(topic) + middle + b"\0" + payload)


def parse_connack(body: bytes) -> Accepted:
    """The answer to CONNECT; one of MQTT 3.1.1, which has no properties, too."""
    if len(body) < 2:
        raise MalformedPacket("CONNACK")
    if len(body) == 2:
        return Accepted(body[1])
    properties, _ = _properties(body, 2)
    return Accepted(
        body[1],
        keepalive=_number(properties, _KEEPALIVE),
        inflight=_number(properties, _RECEIVE_MAXIMUM) or 65535,
        packet=_number(properties, _MAXIMUM_PACKET) or 1 << 28,
    )


def parse_publish(head: int, body: bytes) -> Message:
    """A PUBLISH; QoS 2 does not come, because the hub never subscribes with it. Hot path."""
    end = 2 + (body[0] << 8 | body[1]) if len(body) > 2 else 0
    if not 2 < end < len(body) or head & 0x04:
        raise MalformedPacket("PUBLISH")
    topic, at, packet_id = body[2:end], end, 0
    if head & 0x02:
        packet_id, at = int.from_bytes(body[end : end + 2], "big"), end + 2
        if not packet_id or at >= len(body):
            raise MalformedPacket("packet id")
    # Nearly always the one property is one subscription of the hub.
    if body[at : at + 2] == b"\x02\x0b" and len(body) > at + 2 and body[at + 2] < 128:
        identifiers: tuple[int, ...] = (body[at + 2],)
        at += 3
    else:
        properties, at = _properties(body, at)
        identifiers = tuple(value for name, value in properties if name == _IDENTIFIERS)
    try:
        return Message(topic.decode(), body[at:], bool(head & 1), packet_id, identifiers)
    except UnicodeDecodeError:
        raise MalformedPacket("not UTF-8") from None


def parse_answer(body: bytes) -> tuple[int, int]:
    """Packet id and reason code of a PUBACK, or of a SUBACK or UNSUBACK of one filter (`parse_filter_answer`)."""
    if len(body) < 2:
        raise MalformedPacket("PUBACK")
    return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0


def parse_filter_answer(body: bytes) -> tuple[int, int]:
    """Packet id and reason code of a SUBACK or UNSUBACK of one filter."""
    if len(body) < 4:
        raise MalformedPacket("SUBACK")
    _, at = _properties(body, 2)
    if at >= len(body):
        raise MalformedPacket("SUBACK")
    return int.from_bytes(body[:2], "big"), body[at]


def varying(number: int) -> bytes:
    """A number of one to four bytes, as lengths are written."""
    written = bytearray()
    while True:
        number, digit = number >> 7, number & 127
        written.append(digit | (128 if number else 0))
        if not number:
            return bytes(written)


def _read_varying(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 28 and at < len(body):
        number |= (body[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if body[at - 1] < 128:
            return number, at
    raise MalformedPacket("a number of varying length")


def _properties(body: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    """Those that are numbers, with their ids, and where they end."""
    length, at = _read_varying(body, at)
    end, found = at + length, []
    if end > len(body):
        raise MalformedPacket("properties")
    while at < end:
        name, at = body[at], at + 1
        kind = _PROPERTIES.get(name)
        if kind is None:
            raise MalformedPacket("property")
        if kind == 0:
            value, at = _read_varying(body, at)
            found.append((name, value))
        elif kind > 0:
            found.append((name, int.from_bytes(body[at : at + kind], "big")))
            at += kind
        else:
            for _ in range(-kind):
                at += 2 + int.from_bytes(body[at : at + 2], "big")
    if at != end:
        raise MalformedPacket("properties")
    return found, end


def _number(properties: list[tuple[int, int]], name: int) -> int | None:
    return next((value for found, value in properties if found == name), None)
