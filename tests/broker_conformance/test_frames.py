"""WebSocket (RFC 6455) below MQTT: the handshake, and frames of every kind, right and wrong, against both brokers."""

import asyncio
from struct import pack
from typing import NamedTuple

import pytest

from tests.broker.client import PING, Client, acknowledge, connect, publish
from tests.broker.parts import PASSWORD
from tests.broker.websocket import BINARY, CLOSE, CONTINUATION, TEXT, FrameReader, FrameWriter, frame, handshake
from tests.broker.websocket import PING as PING_FRAME
from tests.broker.websocket import PONG as PONG_FRAME
from tests.broker_conformance.differences import ALIVE, CLOSED, TEXTS, UNMASKED, Difference
from tests.broker_conformance.outcomes import outcome
from tests.broker_conformance.sides import Side

pytestmark = pytest.mark.parametrize("carrier", ["websocket"])


def binary(data: bytes, *, final: bool = True) -> bytes:
    return frame(BINARY, data, final=final)


class Case(NamedTuple):
    """`code`: of the hub's close frame, 0 = the connection goes on."""

    name: str
    section: str
    data: bytes
    code: int = 0
    mosquitto: Difference | None = None


CASES = [
    Case("an empty message", "MQTT-6.0.0-2", binary(b"")),
    Case("a PONG that nobody asked for", "RFC 6455 5.5.3", frame(PONG_FRAME, b"here")),
    Case("fragments of no bytes", "RFC 6455 5.4", binary(b"", final=False) + frame(CONTINUATION, b"")),
    Case("text", "MQTT-6.0.0-1", frame(TEXT, b""), 1003, TEXTS),
    Case("text in fragments", "MQTT-6.0.0-1", frame(TEXT, b"", final=False) + frame(CONTINUATION, b""), 1003, TEXTS),
    *(
        Case(f"{name} without a mask", "RFC 6455 5.1", data, 1002, UNMASKED)
        for name, data in (
            ("an empty frame", frame(BINARY, b"", masked=False)),
            ("a packet", frame(BINARY, PING, masked=False)),
            ("130 bytes", frame(BINARY, PING * 65, masked=False)),
            ("a PING", frame(PING_FRAME, b"x", masked=False)),
            ("the end of a message", binary(PING[:1], final=False) + frame(CONTINUATION, PING[1:], masked=False)),
        )
    ),
    *(
        Case(f"reserved bit {bit}", "RFC 6455 5.2", frame(BINARY, b"", reserved=4 >> bit - 1), 1002)
        for bit in (1, 2, 3)
    ),
    *(Case(f"opcode {kind}", "RFC 6455 5.2", frame(kind, b""), 1002) for kind in (3, 7, 11, 15)),
    Case("a continuation of nothing", "RFC 6455 5.4", frame(CONTINUATION, b""), 1002),
    Case("a message inside a message", "RFC 6455 5.4", binary(PING[:1], final=False) + binary(PING[1:]), 1002),
    Case("a PING in fragments", "RFC 6455 5.5", frame(PING_FRAME, b"x", final=False), 1002),
    Case("a PING of 126 bytes", "RFC 6455 5.5", frame(PING_FRAME, bytes(126)), 1002),
    Case("a length of 2^63", "RFC 6455 5.2", b"\x82\xff" + pack("!Q", 1 << 63) + bytes(4), 1009),
    Case("goodbye", "RFC 6455 5.5.1", frame(CLOSE, pack("!H", 1000)), 1000),
    Case("goodbye without a code", "RFC 6455 5.5.1", frame(CLOSE, b""), 1000),
    Case("goodbye with half a code", "RFC 6455 5.5.1", frame(CLOSE, b"\x03"), 1002),
    Case("goodbye with a code that is none", "RFC 6455 7.4", frame(CLOSE, pack("!H", 999)), 1002),
    Case("goodbye with a reason", "RFC 6455 5.5.1", frame(CLOSE, pack("!H", 1001) + b"bye"), 1000),
    Case("goodbye with a reason that is no text", "RFC 6455 8.1", frame(CLOSE, pack("!H", 1000) + b"\xff"), 1007),
]


def raw(client: Client, data: bytes) -> None:
    """Send bytes as they are, in no frame."""
    assert isinstance(client.writer, FrameWriter)
    client.writer.raw.write(data)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_frame(side: Side, case: Case) -> None:
    """What ends the connection sends its will; what does not is followed by MQTT as before."""
    watcher, client = await side.login(), await side.login(will=(side.topic("will"), b"gone", 1, False))
    await watcher.subscribe((side.topic("will"), 1))
    expected = CLOSED if case.code else ALIVE
    if not side.is_hub and case.mosquitto is not None:
        expected = case.mosquitto.outcome
    raw(client, case.data)
    assert await outcome(client, b"") == expected
    if expected == CLOSED:
        if not side.is_hub:
            client.abort()  # Mosquitto has said goodbye, and waits for 5 s before it closes
        assert (await watcher.message()).payload == b"gone"
    if side.is_hub:
        assert isinstance(client.reader, FrameReader)
        assert client.reader.code == case.code


@pytest.mark.parametrize("masked", [True, False])
async def test_frames_in_one_segment_with_the_handshake(hub: Side, masked: bool) -> None:
    """They are held to the same rules [RFC 6455 5.1]."""
    data = connect(hub.id("x"), "all", PASSWORD)
    _, _, reader, writer = await handshake(hub.port, early=frame(BINARY, data, masked=masked))
    client = Client(FrameReader(reader), writer)  # type: ignore[arg-type]
    if masked:
        assert (await client.read()).body == b"\0\0"
    else:
        assert await client.closed() == b""
        assert client.reader.code == 1002  # type: ignore[attr-defined]
    client.abort()


async def test_what_came_before_a_frame_without_a_mask_is_handled(hub: Side) -> None:
    """Whole frames do what they say; the head of the wrong one may arrive byte by byte."""
    watcher, client = await hub.login(), await hub.login()
    await watcher.subscribe((hub.topic("a"), 0))
    raw(client, binary(publish(hub.topic("a"), b"before")) + frame(PING_FRAME, b"there?"))
    for byte in frame(BINARY, publish(hub.topic("a"), b"x" * 130), masked=False):
        raw(client, bytes([byte]))
        await client.writer.drain()
    assert await client.closed() == b""
    assert isinstance(client.reader, FrameReader)
    assert (client.reader.code, client.reader.others[0]) == (1002, (PONG_FRAME, b"there?"))
    assert (await watcher.message()).payload == b"before"
    await watcher.nothing()


@pytest.mark.parametrize(
    ("offered", "named"),
    [
        ("mqtt", "mqtt"),
        ("chat, mqtt", "mqtt"),
        ("mqtt,chat", "mqtt"),
        ("chat", None),
        (None, None),
        ("MQTT", None),
    ],
)
async def test_the_subprotocol(side: Side, offered: str | None, named: str | None) -> None:
    """[MQTT-6.0.0-3] [MQTT-6.0.0-4]: who does not offer it is refused, and never told that it is spoken."""
    try:
        status, headers, _, writer = await handshake(side.port, headers={"Sec-WebSocket-Protocol": offered})
    except asyncio.IncompleteReadError:
        assert (side.is_hub, named) == (False, None)  # Mosquitto closes without a word
        return
    writer.transport.abort()
    assert headers.get("sec-websocket-protocol") == named
    if named or side.is_hub:
        assert status == (101 if named else 400)


@pytest.mark.parametrize("length", [0, 1, 125])
async def test_a_ping_is_answered_with_its_bytes(side: Side, length: int) -> None:
    """RFC 6455 5.5.2 and 5.5.3; also in the middle of a message."""
    client = await side.login()
    assert isinstance(client.reader, FrameReader)
    raw(client, frame(PING_FRAME, b"p" * length))
    await client.ping()
    raw(client, binary(PING[:1], final=False) + frame(PING_FRAME, b"q" * length) + frame(CONTINUATION, PING[1:]))
    await client.expect(13)
    assert client.reader.others == [(PONG_FRAME, b"p" * length), (PONG_FRAME, b"q" * length)]


async def test_several_packets_in_a_message_and_one_in_many(side: Side) -> None:
    """[MQTT-6.0.0-2]: messages and packets have nothing to do with each other; nor have frames."""
    client, listener = await side.login(), await side.login()
    topic = side.topic("a")
    await listener.subscribe((topic, 0))
    packets = [publish(topic, b"%d" % number * number, 1, number + 1) for number in range(8)]
    stream = b"".join(packets)
    raw(client, binary(stream))
    for byte in stream:
        raw(client, binary(bytes([byte])))
    pieces = [stream[at : at + 3] for at in range(0, len(stream), 3)]
    raw(client, binary(pieces[0], final=False))
    for piece in pieces[1:]:
        raw(client, frame(CONTINUATION, piece, final=False))
    raw(client, frame(CONTINUATION, b""))
    for _ in range(3):
        for number in range(8):
            assert await client.read() == (0x40, (number + 1).to_bytes(2, "big"))
    heard = [(await listener.message()).payload for _ in range(24)]
    assert heard == [b"%d" % number * number for number in range(8)] * 3


@pytest.mark.parametrize("length", [125, 126, 127, 65_535, 65_536])
async def test_frames_of_every_size_of_length(side: Side, length: int) -> None:
    """RFC 6455 5.2: lengths of one, three and nine bytes, both ways."""
    client = await side.login()
    topic = side.topic("a")
    await client.subscribe((topic, 0))
    empty = len(publish(topic, b"x" * (length - 100)))
    payload = b"x" * (length - 100 + length - empty)
    packet = publish(topic, payload)
    assert len(packet) == length
    raw(client, binary(packet))
    assert (await client.message()).payload == payload


async def test_the_bytes_of_frames_cut_anywhere(side: Side) -> None:
    """TCP knows no frames either."""
    client = await side.login()
    stream = binary(publish(side.topic("a"), b"x" * 130, 1, 5)) + frame(PING_FRAME, b"there?") + binary(PING)
    for cut in range(1, len(stream), 1 if side.is_hub else 13):
        raw(client, stream[:cut])
        await client.writer.drain()
        raw(client, stream[cut:])
        assert await client.read() == (0x40, b"\0\5")
        assert (await client.read()).kind == 13
    for byte in stream:
        raw(client, bytes([byte]))
        await client.writer.drain()
    assert await client.read() == (0x40, b"\0\5")


async def test_connect_in_the_same_segment_as_the_handshakes_end(side: Side) -> None:
    """The first message may be cut anywhere, and may hold more than CONNECT."""
    client = await side.open()
    topic = side.topic("a")
    data = connect(side.id("x"), "all", PASSWORD) + publish(topic, b"x", 2, 7) + acknowledge(6, 7) + PING
    raw(client, binary(data[:20], final=False) + frame(CONTINUATION, data[20:]))
    assert [(await client.read()).kind for _ in range(4)] == [2, 5, 7, 13]


async def test_a_frame_that_is_announced_too_large_is_refused_at_once(hub: Side) -> None:
    """RFC 6455 10.4, 7.4.1: before a byte of it is taken."""
    client = await hub.login()
    raw(client, b"\x82\xff" + pack("!Q", 1 << 40) + bytes(4))
    assert await client.closed() == b""
    assert isinstance(client.reader, FrameReader)
    assert client.reader.code == 1009
