"""Parsing and encoding, without sockets."""

import itertools

import pytest

from hub.broker import packets
from hub.broker.packets import MalformedPacket, UnsupportedVersion, Will, frame
from tests.broker import client

LIMIT = 256 * 1024
CONNECT = client.connect("plug-ü", "name", b"\0pass", clean=False, keepalive=300, will=("a/b", b"gone", 2, True))


def body_of(data: bytes) -> bytes:
    place = frame(data, 0, LIMIT)
    assert place is not None
    assert place[1] == len(data)
    return data[place[0] :]


def test_connect_with_all_fields() -> None:
    parsed = packets.parse_connect(body_of(CONNECT))
    assert parsed == packets.Connect("plug-ü", "name", b"\0pass", False, 300, Will("a/b", b"gone", 2, True))


def test_connect_with_no_fields() -> None:
    assert packets.parse_connect(body_of(client.connect(""))) == packets.Connect("", None, None, True, 0, None)


@pytest.mark.parametrize(("level", "name"), [(3, "MQIsdp"), (3, "MQTT"), (5, "MQTT"), (0, "MQTT")])
def test_another_version_is_said_to_be_one(level: int, name: str) -> None:
    with pytest.raises(UnsupportedVersion):
        packets.parse_connect(body_of(client.connect("c", level=level, name=name)))


@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (0x03, b""),  # reserved bit
        (0x12, b""),  # will QoS without will
        (0x22, b""),  # will retain without will
        (0x42, client.text("p")),  # password without name
        (0x1E, client.text("w") + client.text("x")),  # will QoS 3
        (0x06, client.text("w/#") + client.text("x")),  # wildcard
        (0x06, client.text("") + client.text("x")),
        (0x06, client.text("w")),  # no will payload
        (0x82, b""),  # no name
        (0x82, client.text(b"\xff")),
        (0x82, client.text("a\0b")),
        (0x82, client.text(b"\xed\xa0\x80")),  # a surrogate
        (0x02, b"\0"),
        (0x02, client.text("too much")),
    ],
)
def test_a_connect_with_wrong_flags_or_fields(flags: int, fields: bytes) -> None:
    with pytest.raises(MalformedPacket):
        packets.parse_connect(client.text("MQTT") + bytes([4, flags, 0, 0]) + client.text("c") + fields)


def test_every_shorter_and_longer_connect_is_refused() -> None:
    body = body_of(CONNECT)
    for end in range(len(body)):
        with pytest.raises(MalformedPacket):
            packets.parse_connect(body[:end])
    with pytest.raises(MalformedPacket):
        packets.parse_connect(body + b"\0")


def test_publish() -> None:
    parsed = packets.parse_publish(0x3B, body_of(client.publish("a/ü", b"\xff\0", 1, 258)))
    assert parsed == packets.Publish("a/ü", b"\xff\0", 1, 258, True, True)
    assert packets.parse_publish(0x30, body_of(client.publish("a"))) == packets.Publish("a", b"", 0, 0, False, False)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (0x36, client.text("a") + b"\0\1"),
        (0x38, client.text("a")),
        (0x32, client.text("a") + b"\0\0"),
        (0x32, client.text("a") + b"\1"),
        (0x32, client.text("a")),
        (0x30, client.text("")),
        (0x30, client.text("a/#")),
        (0x30, client.text("+/a")),
        (0x30, client.text("a\0")),
        (0x30, client.text(b"\xc3")),
        (0x30, b"\0\2a"),
        (0x30, b"\0"),
        (0x30, b""),
        (0x82, b"\0\1"),
        (0x82, b"\0\0" + client.text("a") + b"\0"),
        (0x82, b"\0\1" + client.text("a")),
        (0x82, b"\0\1" + client.text("a") + b"\3"),
        (0x82, b"\0\1" + client.text("") + b"\0"),
        (0x80, b"\0\1" + client.text("a") + b"\0"),
        (0xA2, b"\0\1"),
        (0xA2, b"\0\1" + client.text("a") + b"\0"),
        (0xA2, b"\0\1" + client.text("")),
        (0x40, b"\0\1\0"),
        (0x40, b"\0"),
        (0x40, b"\0\0"),
        (0x41, b"\0\1"),
        (0x60, b"\0\1"),
        (0xC0, b"\0"),
        (0xE0, b"\0"),
        (0xE1, b""),
        (0x10, b""),
        (0x20, b"\0\0"),
        (0x90, b"\0\1\0"),
        (0xD0, b""),
        (0x00, b""),
        (0xF0, b""),
    ],
)
def test_what_a_client_must_not_send(head: int, body: bytes) -> None:
    with pytest.raises(MalformedPacket):
        packets.check(head, body)


def test_what_a_client_may_send() -> None:
    good = [
        client.publish("a", b"x", 2, 65535, dup=True),
        client.subscribe(("a/#", 0), ("+", 2)),
        client.unsubscribe("a", "b"),
        *(client.acknowledge(kind, 1) for kind in (4, 5, 6, 7)),
        client.PING,
        client.DISCONNECT,
    ]
    assert [packets.check(data[0], body_of(data)) for data in good] == [3, 8, 10, 4, 5, 6, 7, 12, 14]
    assert packets.parse_subscribe(body_of(good[1])) == (1, [("a/#", 0), ("+", 2)])
    assert packets.parse_unsubscribe(body_of(good[2])) == (1, ["a", "b"])


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, LIMIT])
def test_frames_of_every_length_at_every_boundary(length: int) -> None:
    data = b"??" + packets.encode(0x30, bytes(length))
    assert data[2:] == client.packet(0x30, bytes(length))
    start = len(data) - length
    assert frame(data, 2, LIMIT) == (start, len(data))
    for end in range(2, start):
        assert frame(data[:end], 2, LIMIT) is None
    assert frame(data[:start], 2, LIMIT) == (start, len(data))


@pytest.mark.parametrize("size", [b"\x81\x80\x10", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x80\x80\x80\x80\x00"])
def test_a_length_that_is_too_large_or_too_long(size: bytes) -> None:
    with pytest.raises(MalformedPacket):
        frame(b"\x30" + size, 0, LIMIT)


def test_what_is_encoded_is_what_the_standard_says() -> None:
    assert packets.encode_connack(5) == b"\x20\x02\x00\x05"
    assert packets.encode_connack(0, session_present=True) == b"\x20\x02\x01\x00"
    assert packets.encode_suback(258, [0, 1, 128]) == b"\x90\x05\x01\x02\x00\x01\x80"
    assert packets.encode_unsuback(258) == b"\xb0\x02\x01\x02"
    assert [packets.encode_ack(kind, 258) for kind in (4, 5, 6, 7)] == [
        client.acknowledge(kind, 258) for kind in (4, 5, 6, 7)
    ]
    for qos, retain, dup in itertools.product((1, 2), (False, True), (False, True)):
        encoded = packets.encode_publish("t/ü", b"x" * 200, qos, 7, retain=retain, duplicate=dup)
        assert encoded == client.publish("t/ü", b"x" * 200, qos, 7, retain=retain, dup=dup)
