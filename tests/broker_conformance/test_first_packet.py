"""The first packet of a connection: what is no CONNECT, what is a broken one, and what CONNACK says."""

from typing import NamedTuple

import pytest

from tests.broker.client import DISCONNECT, PING, Client, connect, packet, publish, subscribe, text
from tests.broker.parts import PASSWORD
from tests.broker_conformance.differences import ACCEPTED, CLOSED, NEW, OLD, Difference
from tests.broker_conformance.outcomes import first_outcome
from tests.broker_conformance.sides import Side

LOGIN = text("all") + text(PASSWORD)


def raw(flags: int, fields: bytes = b"", *, name: bytes = text("MQTT"), level: int = 4, head: int = 0x10) -> bytes:
    """A CONNECT of these parts (client id `c-raw`, no keepalive)."""
    return packet(head, name + bytes([level, flags, 0, 0]) + text("c-raw") + fields)


class Case(NamedTuple):
    name: str
    statement: str
    data: bytes
    expected: str = CLOSED
    mosquitto: Difference | None = None


CASES = [
    # 3.1.0
    Case("PINGREQ first", "MQTT-3.1.0-1", PING),
    Case("PUBLISH first", "MQTT-3.1.0-1", publish("a", b"x")),
    Case("SUBSCRIBE first", "MQTT-3.1.0-1", subscribe(("a", 0))),
    Case("DISCONNECT first", "MQTT-3.1.0-1", DISCONNECT),
    Case("HTTP first", "MQTT-3.1.0-1", b"GET / HTTP/1.1\r\n\r\n"),
    Case("a TLS hello first", "MQTT-3.1.0-1", b"\x16\x03\x01\x00\x05hello"),
    Case("CONNECT flags 0001 in the head", "MQTT-2.2.2-2", raw(0xC2, LOGIN, head=0x11)),
    # 3.1.2.1 and 3.1.2.2
    Case("another protocol's name", "MQTT-3.1.2-1", raw(0xC2, LOGIN, name=text("MQTX"))),
    Case("no protocol name", "MQTT-3.1.2-1", raw(0xC2, LOGIN, name=text(""))),
    Case("protocol name in small letters", "MQTT-3.1.2-1", raw(0xC2, LOGIN, name=text("mqtt"))),
    Case("level 0", "MQTT-3.1.2-2", raw(0xC2, LOGIN, level=0), "CONNACK 1"),
    Case("level 3", "MQTT-3.1.2-2", raw(0xC2, LOGIN, level=3), "CONNACK 1"),
    Case("level 6", "MQTT-3.1.2-2", raw(0xC2, LOGIN, level=6), "CONNACK 1"),
    Case("level 255", "MQTT-3.1.2-2", raw(0xC2, LOGIN, level=255), "CONNACK 1"),
    # 3.1.2.3 and on: flags
    Case("the reserved flag", "MQTT-3.1.2-3", raw(0xC3, LOGIN)),
    Case("will QoS without a will", "MQTT-3.1.2-11", raw(0xCA, LOGIN)),
    Case("will retain without a will", "MQTT-3.1.2-11", raw(0xE2, LOGIN)),
    Case("will QoS 3", "MQTT-3.1.2-14", raw(0xDE, text("w") + text("x") + LOGIN)),
    Case("password without user name", "MQTT-3.1.2-22", raw(0x42, text(PASSWORD))),
    Case("a will, but no will", "MQTT-3.1.2-9", raw(0x06)),
    Case("a user name, but no user name", "MQTT-3.1.2-19", raw(0x82)),
    Case("a password, but no password", "MQTT-3.1.2-21", raw(0xC2, text("all"))),
    Case("more than its fields", "MQTT-4.8.0-1", raw(0xC2, LOGIN + b"\0")),
    Case("fields that the flags do not name", "MQTT-3.1.2-18", raw(0x02, LOGIN)),
    Case("a will topic with +", "MQTT-3.3.2-2", raw(0xC6, text("w/+") + text("x") + LOGIN)),
    Case("an empty will topic", "MQTT-4.7.3-1", raw(0xC6, text("") + text("x") + LOGIN)),
    Case("a will topic that is not UTF-8", "MQTT-3.1.3-10", raw(0xC6, text(b"\xff") + text("x") + LOGIN)),
    Case("a user name that is not UTF-8", "MQTT-3.1.3-11", raw(0xC2, text(b"\xff") + text(PASSWORD))),
    Case("a user name with NUL", "MQTT-1.5.3-2", raw(0xC2, text(b"a\0") + text(PASSWORD))),
    Case("a client id that is not UTF-8", "MQTT-3.1.3-4", connect(b"\xff", "all", PASSWORD)),
    Case("a client id with NUL", "MQTT-1.5.3-2", connect(b"a\0b", "all", PASSWORD)),
    Case("CONNECT without a body", "MQTT-4.8.0-1", b"\x10\x00"),
    Case("CONNECT of a name only", "MQTT-4.8.0-1", packet(0x10, text("MQTT"))),
    Case("CONNECT that ends in the keepalive", "MQTT-4.8.0-1", packet(0x10, text("MQTT") + b"\x04\x02\x00")),
    # 3.1.3.1 client id
    Case("no client id, clean session", "MQTT-3.1.3-6", connect("", "all", PASSWORD), ACCEPTED),
    Case("no client id, kept session", "MQTT-3.1.3-8", connect("", "all", PASSWORD, clean=False), "CONNACK 2"),
    Case("a client id of 23 letters", "MQTT-3.1.3-5", connect("abcdefghijklmnopqrstuvw", "all", PASSWORD), ACCEPTED),
    Case("a client id of 200 letters", "MQTT-3.1.3-5", connect("x" * 200, "all", PASSWORD), ACCEPTED),
    # login
    Case("a wrong password", "MQTT-3.2.2-4", connect("c-wrong", "all", "wrong"), "CONNACK 5"),
    Case("a stranger", "MQTT-3.2.2-4", connect("c-wrong", "nobody", PASSWORD), "CONNACK 5"),
    Case("nobody", "MQTT-3.2.2-4", connect("c-wrong"), "CONNACK 5"),
    Case("a user name without a password", "MQTT-3.1.2-21", connect("c-wrong", "all"), "CONNACK 5"),
    # MQTT 3.1 and 5
    Case("MQTT 3.1", "MQTT-3.1.2-1", raw(0xC2, LOGIN, name=text("MQIsdp"), level=3), "CONNACK 1", OLD),
    Case("MQTT 5", "MQTT-3.1.2-2", raw(0xC2, b"", level=5), "CONNACK 1", NEW),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_first_packet(side: Side, case: Case) -> None:
    expected = case.expected
    if not side.is_hub and case.mosquitto is not None:
        expected = case.mosquitto.outcome
    client = await side.open()
    assert await first_outcome(client, case.data) == expected, case.statement


async def test_what_follows_a_refused_connect_is_not_processed(side: Side) -> None:
    """[MQTT-3.1.4-5]"""
    watcher = await side.login()
    await watcher.subscribe((side.topic("#"), 0))
    client = await side.open()
    client.send(connect("c-wrong", "all", "wrong") + publish(side.topic("a"), b"x"))
    said = await client.closed()
    # Mosquitto closes with bytes unread, and the reset may overtake its CONNACK.
    assert said == b"\x20\x02\x00\x05" or (not side.is_hub and not said)
    await watcher.nothing()


async def test_what_follows_an_accepted_connect_at_once_is_processed(side: Side) -> None:
    """A client may send before it has seen CONNACK."""
    client: Client = await side.open()
    topic = side.topic("a")
    client.send(connect(side.id("eager"), "all", PASSWORD) + subscribe((topic, 0)) + publish(topic, b"x") + PING)
    kinds = [(await client.read()).kind for _ in range(4)]
    assert kinds == [2, 9, 3, 13]


@pytest.mark.parametrize("length", [127, 128, 16_383, 16_384])
async def test_a_connect_of_every_size_of_length(side: Side, length: int) -> None:
    """A will of that size makes CONNECT so long that its remaining length takes one byte more."""
    rest = len(raw(0xC6, text(side.topic("w")) + text(b"") + LOGIN)) - 2
    client = await side.open()
    if length - rest > 0:
        data = raw(0xC6, text(side.topic("w")) + text(b"x" * (length - rest)) + LOGIN)
        assert await first_outcome(client, data) == ACCEPTED
    else:
        pytest.fail("the will has no room")
