"""MQTT 3.1.1 packets as bytes: only what a plug sends."""

CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBACK = 9
PINGRESP = 13

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


def _text(value) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2, "big") + data


def _packet(first: int, body: bytes) -> bytes:
    head = bytearray((first,))
    length = len(body)
    while True:
        digit = length & 0x7F
        length >>= 7
        head.append(digit | 0x80 if length else digit)
        if not length:
            return bytes(head) + body


def connect(client_id: str, user: str, password: str, keepalive_s: int, will_topic, will: bytes) -> bytes:  # noqa: PLR0917
    """Clean session, login, and a retained will with QoS 1 (without a topic, none)."""
    flags = 0x80 | 0x40 | 0x02
    last = b""
    if will_topic is not None:
        flags |= 0x20 | 0x08 | 0x04
        last = _text(will_topic) + _text(will)
    body = b"\x00\x04MQTT\x04" + bytes((flags,)) + keepalive_s.to_bytes(2, "big")
    return _packet(0x10, body + _text(client_id) + last + _text(user) + _text(password))


def publish(topic: str, payload: bytes, packet_id: int, retain: bool) -> bytes:
    """QoS 1 with a packet id, QoS 0 with packet id 0."""
    first = 0x30 | (0x02 if packet_id else 0) | (0x01 if retain else 0)
    return _packet(first, _text(topic) + (packet_id.to_bytes(2, "big") if packet_id else b"") + payload)


def subscribe(packet_id: int, topics: list) -> bytes:
    """`topics` holds (filter, QoS)."""
    body = packet_id.to_bytes(2, "big")
    for topic, qos in topics:
        body += _text(topic) + bytes((qos,))
    return _packet(0x82, body)


def puback(packet_id: bytes) -> bytes:
    return b"\x40\x02" + packet_id
