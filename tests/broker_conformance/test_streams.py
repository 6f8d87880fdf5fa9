"""TCP knows no packets: the same bytes mean the same, however they are cut."""

import pytest

from tests.broker.client import DISCONNECT, PING, Client, acknowledge, connect, publish, subscribe, unsubscribe
from tests.broker.parts import PASSWORD
from tests.broker_conformance.sides import Side


def conversation(side: Side, user: str, topic: str, topic_filter: str) -> tuple[bytes, bytes]:
    """What a client says in one go, and every byte that the broker answers. (A filter of its own: what is published
    does not come back, so that the order of all answers is fixed.)"""
    login = connect("plug-1" if user == "plug-1" else side.id("cut"), user, PASSWORD, keepalive=60)
    said = [
        (login, b"\x20\x02\0\0"),
        (subscribe((topic_filter, 1), packet_id=2), b"\x90\x03\0\2\1"),
        (publish(topic, b"x" * 10), b""),
        (PING, b"\xd0\0"),
        (publish(topic, b"", 1, 3), b"\x40\x02\0\3"),
        (publish(topic, b"y" * 130, 1, 0x1234), b"\x40\x02\x12\x34"),
        (publish(topic, b"z", 2, 5), b"\x50\x02\0\5"),
        (acknowledge(6, 5), b"\x70\x02\0\5"),
        (unsubscribe(topic_filter, packet_id=6), b"\xb0\x02\0\6"),
        (PING, b"\xd0\0"),
        (DISCONNECT, b""),
    ]
    return b"".join(sent for sent, _ in said), b"".join(answer for _, answer in said)


async def talk(side: Side, pieces: list[bytes], listener: Client) -> bytes:
    """Send the pieces so that each is read by itself; all that the broker answers until it closes."""
    client = await side.open()
    for piece in pieces:
        client.send(piece)
        # An answer to another connection after it: the broker has been round its sockets since.
        await listener.ping()
        await side.all_read()
    answers = await client.closed()
    await listener.ping()
    return answers


PAYLOADS = [b"x" * 10, b"", b"y" * 130, b"z"]


async def check_cuts(side: Side, user: str, topic: str, topic_filter: str) -> None:
    data, answers = conversation(side, user, topic, topic_filter)
    listener = await side.login()
    await listener.subscribe((topic, 0))
    step = 7 if side.carrier == "tls" else 1  # each connection costs a handshake
    if (side.name, side.carrier) == ("mosquitto", "websocket"):
        step = 29  # it closes a WebSocket only at its next turn, up to 0.2 s later
    for cut in range(0, len(data) + 1, step):
        assert await talk(side, [data[:cut], data[cut:]], listener) == answers, cut
        assert [message.payload for message in listener.messages] == PAYLOADS, cut
        listener.messages.clear()
    assert await talk(side, [data[k : k + 1] for k in range(len(data))], listener) == answers
    assert [message.payload for message in listener.messages] == PAYLOADS


async def test_a_client_is_understood_at_every_cut(side: Side) -> None:
    await check_cuts(side, "all", side.topic("a"), side.topic("b"))


async def test_a_plug_is_understood_at_every_cut(hub: Side, reading: str) -> None:
    await check_cuts(hub, "plug-1", "smartplug/plug-1/telemetry", "smartplug/plug-1/control")


@pytest.mark.parametrize("size", [126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385, 70_000])
async def test_large_packets_cut_around_their_heads(side: Side, size: int) -> None:
    """Remaining lengths of one, two and three bytes, cut in their length, in their topic and before their last byte."""
    client, listener = await side.login(), await side.login()
    await listener.subscribe((side.topic("a"), 0))
    topic = side.topic("a")
    payload = b"p" * (size - 2 - len(topic))
    packet = publish(topic, payload)
    for cut in (1, 2, 3, 4, 5, len(packet) // 2, len(packet) - 1):
        client.send(packet[:cut])
        await listener.ping()
        client.send(packet[cut:] + PING)
        await client.expect(13)
        assert (await listener.message()).payload == payload
    await listener.nothing()


async def test_packets_back_to_back(side: Side) -> None:
    """Many in one write, of all QoS: every one is answered, in order of its kind."""
    client, listener = await side.login(), await side.login()
    await listener.subscribe((side.topic("a"), 0))
    data = b""
    for number in range(1, 500):
        data += publish(side.topic("a"), b"%d" % number, number % 2, number) + (PING if number % 5 == 0 else b"")
    client.send(data)
    answers = [await client.read() for _ in range(250 + 99)]
    acknowledged = [int.from_bytes(answer.body, "big") for answer in answers if answer.kind == 4]
    assert acknowledged == list(range(1, 500, 2))
    assert [answer.kind for answer in answers].count(13) == 99
    heard = [int((await listener.message()).payload) for _ in range(499)]
    assert heard == list(range(1, 500))
