"""MQTT 5 packets: what is sent is as the standard says, what comes is read strictly, and nothing that comes raises."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.broker.external import packets
from hub.broker.external.connection import Connection
from hub.broker.external.packets import Accepted, Message
from hub.broker.packets import MalformedPacket


def test_connect() -> None:
    packet = packets.connect("hub", "user", "secret", keepalive=30, inflight=10, packet=1000)
    assert packet == (
        b"\x10\x2b\x00\x04MQTT\x05\xc2\x00\x1e"
        b"\x0d\x11\x00\x00\x00\x00\x21\x00\x0a\x27\x00\x00\x03\xe8"
        b"\x00\x03hub\x00\x04user\x00\x06secret"
    )
    nobody = packets.connect("hub", None, None, keepalive=30, inflight=10, packet=1000)
    assert nobody[9] == 0x02
    assert nobody.endswith(b"\x00\x03hub")


def test_subscribe_without_what_is_our_own() -> None:
    assert packets.subscribe(7, "a/+", 1, 300) == b"\x82\x0c\x00\x07\x03\x0b\xac\x02\x00\x03a/+\x05"
    assert packets.unsubscribe(7, "a/+") == b"\xa2\x08\x00\x07\x00\x00\x03a/+"


def test_publish() -> None:
    assert packets.publish("a", b"x") == b"\x30\x05\x00\x01a\x00x"
    assert packets.publish("a", b"x", 258, retain=True) == b"\x33\x07\x00\x01a\x01\x02\x00x"


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"\x00\x05", Accepted(5)),  # MQTT 3.1.1
        (b"\x00\x00\x00", Accepted(0)),
        (b"\x00\x87\x06\x1f\x00\x03why", Accepted(0x87)),
        (b"\x00\x00\x06\x13\x00\x3c\x21\x00\x14", Accepted(0, keepalive=60, inflight=20)),
        (b"\x00\x00\x05\x27\x00\x00\x10\x00", Accepted(0, packet=4096)),
        (b"\x00\x00\x0c\x22\x00\x0a\x24\x01\x26\x00\x01a\x00\x01b", Accepted(0)),
    ],
)
def test_connack(body: bytes, read: Accepted) -> None:
    assert packets.parse_connack(body) == read


@pytest.mark.parametrize(
    ("head", "body", "read"),
    [
        (0x30, b"\x00\x01a\x00x", Message("a", b"x", False, 0, ())),
        (0x31, b"\x00\x01a\x02\x0b\x03", Message("a", b"", True, 0, (3,))),
        (0x32, b"\x00\x01a\x01\x02\x02\x0b\x03x", Message("a", b"x", False, 258, (3,))),
        (0x3A, b"\x00\x01a\x00\x01\x02\x0b\x03x", Message("a", b"x", False, 1, (3,))),
        (0x30, b"\x00\x01a\x03\x0b\xac\x02x", Message("a", b"x", False, 0, (300,))),
        (0x30, b"\x00\x01a\x06\x0b\x01\x0b\x02\x01\x01x", Message("a", b"x", False, 0, (1, 2))),
        (0x30, b"\x00\x01a\x0b\x26\x00\x01k\x00\x01v\x08\x00\x01rx", Message("a", b"x", False, 0, ())),
    ],
)
def test_messages(head: int, body: bytes, read: Message) -> None:
    assert packets.parse_publish(head, body) == read


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (lambda body: packets.parse_publish(0x30, body), b""),
        (lambda body: packets.parse_publish(0x30, body), b"\x00\x01a"),  # no properties
        (lambda body: packets.parse_publish(0x30, body), b"\x00\x00\x00x"),  # no topic
        (lambda body: packets.parse_publish(0x30, body), b"\x00\x09a\x00x"),
        (lambda body: packets.parse_publish(0x30, body), b"\x00\x01a\x05\x0b\x01x"),
        (lambda body: packets.parse_publish(0x30, body), b"\x00\x01a\x02\x7e\x01x"),  # no such property
        (lambda body: packets.parse_publish(0x30, body), b"\x00\x01a\xff\xff\xff\xff\x01x"),
        (lambda body: packets.parse_publish(0x30, body), b"\x00\x01\xff\x00x"),
        (lambda body: packets.parse_publish(0x32, body), b"\x00\x01a\x00\x00\x00x"),  # packet id 0
        (lambda body: packets.parse_publish(0x34, body), b"\x00\x01a\x00\x01\x00x"),  # QoS 2
        (packets.parse_connack, b"\x00"),
        (packets.parse_connack, b"\x00\x00\x05\x21\x00"),
        (packets.parse_answer, b"\x00"),
        (packets.parse_filter_answer, b"\x00\x01\x00"),
        (packets.parse_filter_answer, b"\x00\x01\x04\x1f"),
    ],
)
def test_malformed(parse: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(MalformedPacket):
        parse(body)


class Socket:
    """A transport that only remembers whether it was ended."""

    def __init__(self) -> None:
        self.closing = False

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def write(self, data: bytes) -> None:
        assert not self.closing

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close


class User:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    def accepted(self, connection: Connection, answer: Accepted) -> None:
        pass

    def arrived(self, message: Message) -> None:
        self.messages.append(message)

    def answered(self, connection: Connection, packet_id: int, code: int) -> None:
        pass

    def lost(self, connection: Connection, code: int | None, error: Exception | None) -> None:
        pass


def connected() -> tuple[Connection, User]:
    user = User()
    connection = Connection(user, lambda: b"hello")
    connection.connection_made(Socket())
    connection.data_received(b"\x20\x03\x00\x00\x00")
    assert connection.open
    return connection, user


STREAM = (
    b"\x30\x05\x00\x01a\x00x" + b"\x32\x0a\x00\x01b\x00\x01\x02\x0b\x01yz" + b"\xd0\x00"
    + b"\x30\x88\x01\x00\x01c\x00" + b"z" * 132 + b"\x40\x02\x00\x01" + b"\x90\x04\x00\x02\x00\x01"
)  # fmt: skip


@pytest.mark.parametrize("size", [*range(1, 12), len(STREAM)])
def test_split_anywhere(size: int) -> None:
    connection, user = connected()
    for start in range(0, len(STREAM), size):
        connection.data_received(STREAM[start : start + size])
    assert [(m.topic, m.payload) for m in user.messages] == [("a", b"x"), ("b", b"yz"), ("c", b"z" * 132)]
    assert connection.open


@given(st.lists(st.binary(max_size=60), max_size=8), st.booleans())
def test_no_bytes_raise(pieces: list[bytes], after_some_sense: bool) -> None:
    connection, _ = connected()
    for piece in ([STREAM] if after_some_sense else []) + pieces:
        if connection._transport.closing:
            break
        connection.data_received(piece)
    assert len(connection._buffer) <= 600
