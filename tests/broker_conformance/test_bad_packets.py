"""Packets that break the standard, sent by a client and by a plug: each ends its connection and does nothing else."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.broker.client import acknowledge, connect, packet, publish, subscribe, text, unsubscribe
from tests.broker.parts import PASSWORD
from tests.broker_conformance.differences import ALIVE, CLOSED, CONTROL, DUP, FLAGS, LENGTHS, TYPES, Difference
from tests.broker_conformance.outcomes import outcome
from tests.broker_conformance.sides import Side


class Case(NamedTuple):
    """`build` gets a topic that the connection may publish to and a filter that it may subscribe to."""

    name: str
    statement: str
    build: Callable[[str, str], bytes]
    mosquitto: Difference | None = None
    expected: str = CLOSED
    answers: int = 0


def strings(name: str, statement: str, build: Callable[[bytes], bytes], prefix: bool) -> list[Case]:
    """One case for each text that is none; `prefix`: the text stands behind the own topic."""
    bad = {
        "not UTF-8": b"\xc3\x28",
        "cut UTF-8": b"\xe2\x82",
        "overlong UTF-8": b"\xc0\xaf",
        "a surrogate": b"\xed\xa0\x80",
        "beyond U+10FFFF": b"\xf4\x90\x80\x80",
        "NUL": b"\x00",
    }
    return [
        Case(
            f"{name}: {what}",
            "MQTT-1.5.3-2" if what == "NUL" else statement,
            lambda topic, _, data=data: build((topic.encode() + b"/" if prefix else b"") + data),
        )
        for what, data in bad.items()
    ]


CASES = [
    # 2.2 fixed header
    Case("type 0", "MQTT-4.8.0-1", lambda t, f: b"\x00\x00"),
    Case("type 15", "MQTT-4.8.0-1", lambda t, f: b"\xf0\x00"),
    Case("CONNACK from a client", "MQTT-4.8.0-1", lambda t, f: b"\x20\x02\x00\x00"),
    Case("SUBACK from a client", "MQTT-4.8.0-1", lambda t, f: b"\x90\x03\x00\x01\x00", TYPES),
    Case("UNSUBACK from a client", "MQTT-4.8.0-1", lambda t, f: b"\xb0\x02\x00\x01", TYPES),
    Case("PINGRESP from a client", "MQTT-4.8.0-1", lambda t, f: b"\xd0\x00", TYPES),
    Case("remaining length of five bytes", "MQTT-4.8.0-1", lambda t, f: b"\x30\x80\x80\x80\x80\x01"),
    Case("SUBSCRIBE flags 0000", "MQTT-3.8.1-1", lambda t, f: b"\x80" + subscribe((f, 0))[1:]),
    Case("SUBSCRIBE flags 0110", "MQTT-3.8.1-1", lambda t, f: b"\x86" + subscribe((f, 0))[1:]),
    Case("UNSUBSCRIBE flags 0000", "MQTT-3.10.1-1", lambda t, f: b"\xa0" + unsubscribe(f)[1:]),
    Case("PUBREL flags 0000", "MQTT-3.6.1-1", lambda t, f: b"\x60\x02\x00\x01"),
    Case("PUBACK flags 0001", "MQTT-2.2.2-2", lambda t, f: b"\x41\x02\x00\x01", FLAGS),
    Case("PUBREC flags 0010", "MQTT-2.2.2-2", lambda t, f: b"\x52\x02\x00\x01", FLAGS._replace(answers=1)),
    Case("PUBCOMP flags 1000", "MQTT-2.2.2-2", lambda t, f: b"\x78\x02\x00\x01", FLAGS),
    Case("PINGREQ flags 0001", "MQTT-2.2.2-2", lambda t, f: b"\xc1\x00", FLAGS),
    Case("DISCONNECT flags 0001", "MQTT-3.14.1-1", lambda t, f: b"\xe1\x00"),
    # lengths
    Case("PUBACK without an id", "MQTT-4.8.0-1", lambda t, f: b"\x40\x00"),
    Case("PUBACK with half an id", "MQTT-4.8.0-1", lambda t, f: b"\x40\x01\x00"),
    Case("PUBACK longer than its id", "MQTT-4.8.0-1", lambda t, f: b"\x40\x03\x00\x01\x00", LENGTHS),
    Case(
        "a packet inside a PUBACK",
        "MQTT-4.8.0-1",
        lambda t, f: packet(0x40, b"\0\1" + publish(t, b"smuggled")),
        LENGTHS,
    ),
    Case(
        "a packet inside a PUBREL",
        "MQTT-4.8.0-1",
        lambda t, f: packet(0x62, b"\0\1" + publish(t, b"smuggled")),
        LENGTHS._replace(answers=1),
    ),
    Case("PINGREQ with a body", "MQTT-4.8.0-1", lambda t, f: b"\xc0\x01\x00", LENGTHS),
    Case("DISCONNECT with a body", "MQTT-4.8.0-1", lambda t, f: b"\xe0\x01\x00"),
    # 2.3.1 packet ids
    Case("PUBLISH QoS 1 with id 0", "MQTT-2.3.1-1", lambda t, f: publish(t, b"x", 1, 0)),
    Case("PUBLISH QoS 2 with id 0", "MQTT-2.3.1-1", lambda t, f: publish(t, b"x", 2, 0)),
    Case("SUBSCRIBE with id 0", "MQTT-2.3.1-1", lambda t, f: subscribe((f, 0), packet_id=0)),
    Case("UNSUBSCRIBE with id 0", "MQTT-2.3.1-1", lambda t, f: unsubscribe(f, packet_id=0)),
    Case("PUBREL with id 0", "MQTT-2.3.1-1", lambda t, f: acknowledge(6, 0)),
    # 3.1 CONNECT
    Case("a second CONNECT", "MQTT-3.1.0-2", lambda t, f: connect("again", "all", PASSWORD)),
    # 3.3 PUBLISH
    Case("PUBLISH with QoS 3", "MQTT-3.3.1-4", lambda t, f: packet(0x36, text(t) + b"\0\1x")),
    Case("PUBLISH with QoS 0 and DUP", "MQTT-3.3.1-2", lambda t, f: publish(t, b"x", dup=True), DUP),
    Case("PUBLISH to +", "MQTT-3.3.2-2", lambda t, f: publish(t + "/+", b"x")),
    Case("PUBLISH to #", "MQTT-3.3.2-2", lambda t, f: publish(t + "/#", b"x")),
    Case("PUBLISH to a+b", "MQTT-3.3.2-2", lambda t, f: publish(t + "/a+b", b"x")),
    Case("PUBLISH to nothing", "MQTT-4.7.3-1", lambda t, f: publish("", b"x")),
    Case("PUBLISH without a body", "MQTT-4.8.0-1", lambda t, f: b"\x30\x00"),
    Case("PUBLISH with half a length", "MQTT-4.8.0-1", lambda t, f: b"\x30\x01\x00"),
    Case("PUBLISH shorter than its topic", "MQTT-4.8.0-1", lambda t, f: packet(0x30, text(t)[:-1])),
    Case("PUBLISH QoS 1 without an id", "MQTT-4.8.0-1", lambda t, f: packet(0x32, text(t))),
    Case("PUBLISH QoS 1 with half an id", "MQTT-4.8.0-1", lambda t, f: packet(0x32, text(t) + b"\0")),
    *strings("PUBLISH topic", "MQTT-1.5.3-1", lambda data: publish(data, b"x"), prefix=True),
    # 3.8 SUBSCRIBE
    Case("SUBSCRIBE without a filter", "MQTT-3.8.3-3", lambda t, f: b"\x82\x02\x00\x01"),
    Case("SUBSCRIBE without an id", "MQTT-3.8.3-3", lambda t, f: b"\x82\x00"),
    Case("SUBSCRIBE with QoS 3", "MQTT-3.8.3-4", lambda t, f: packet(0x82, b"\0\1" + text(f) + b"\3")),
    Case("SUBSCRIBE with reserved bits", "MQTT-3.8.3-4", lambda t, f: packet(0x82, b"\0\1" + text(f) + b"\4")),
    Case("SUBSCRIBE without a QoS", "MQTT-4.8.0-1", lambda t, f: packet(0x82, b"\0\1" + text(f))),
    Case("SUBSCRIBE to nothing", "MQTT-4.7.3-1", lambda t, f: subscribe(("", 0))),
    Case("SUBSCRIBE to #/a", "MQTT-4.7.1-2", lambda t, f: subscribe((f + "/#/a", 0))),
    Case("SUBSCRIBE to a#", "MQTT-4.7.1-2", lambda t, f: subscribe((f + "#", 0))),
    Case("SUBSCRIBE to a+", "MQTT-4.7.1-3", lambda t, f: subscribe((f + "+", 0))),
    Case("SUBSCRIBE to +a/b", "MQTT-4.7.1-3", lambda t, f: subscribe((f + "/+a/b", 0))),
    Case("SUBSCRIBE, the second filter broken", "MQTT-4.7.1-2", lambda t, f: subscribe((f, 0), (f + "/#/a", 0))),
    *strings("SUBSCRIBE filter", "MQTT-3.8.3-1", lambda data: subscribe((data, 0)), prefix=False),
    # 3.10 UNSUBSCRIBE
    Case("UNSUBSCRIBE without a filter", "MQTT-3.10.3-2", lambda t, f: b"\xa2\x02\x00\x01"),
    Case("UNSUBSCRIBE from nothing", "MQTT-4.7.3-1", lambda t, f: unsubscribe("")),
    Case("UNSUBSCRIBE from #/a", "MQTT-4.7.1-2", lambda t, f: unsubscribe(f + "/#/a")),
    Case("UNSUBSCRIBE from a+", "MQTT-4.7.1-3", lambda t, f: unsubscribe(f + "+")),
    *strings("UNSUBSCRIBE filter", "MQTT-3.10.3-1", lambda data: packet(0xA2, b"\0\1" + text(data)), prefix=False),
    # what looks odd and is allowed
    Case("a topic with a control character", "MQTT-1.5.3-2", lambda t, f: publish(t + "/\x01", b""), CONTROL, ALIVE),
    Case("a filter with a control character", "MQTT-1.5.3-2", lambda t, f: unsubscribe(f + "\x7f"), CONTROL, ALIVE, 1),
    Case("PUBACK of an unknown id", "MQTT-4.8.0-1", lambda t, f: acknowledge(4, 77), expected=ALIVE),
    Case("PUBREC of an unknown id", "MQTT-4.3.3-1", lambda t, f: acknowledge(5, 77), expected=ALIVE, answers=1),
    Case("PUBREL of an unknown id", "MQTT-4.3.3-2", lambda t, f: acknowledge(6, 77), expected=ALIVE, answers=1),
    Case("PUBCOMP of an unknown id", "MQTT-4.8.0-1", lambda t, f: acknowledge(7, 77), expected=ALIVE),
    Case("an empty payload", "MQTT-3.3.1-12", lambda t, f: publish(t, b"", 1), expected=ALIVE, answers=1),
    Case("DUP on first delivery", "MQTT-3.3.1-3", lambda t, f: publish(t, b"", 1, dup=True), expected=ALIVE, answers=1),
    Case(
        "a topic with U+FEFF", "MQTT-1.5.3-3", lambda t, f: publish(t + "/\ufeff", b"x", 1), expected=ALIVE, answers=1
    ),
    Case("UNSUBSCRIBE from a stranger", "MQTT-3.10.4-5", lambda t, f: unsubscribe(f), expected=ALIVE, answers=1),
    Case("the same filter twice", "MQTT-3.8.4-4", lambda t, f: subscribe((f, 1), (f, 0)), expected=ALIVE, answers=1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_client(side: Side, case: Case) -> None:
    watcher = await side.login()
    await watcher.subscribe((side.topic("#"), 2))
    client = await side.login()
    await client.ping()
    expected, answers = case.expected, case.answers
    if not side.is_hub and case.mosquitto is not None:
        expected, answers = case.mosquitto.outcome, case.mosquitto.answers
    assert await outcome(client, case.build(side.topic("a"), side.topic("b")), answers) == expected, case.statement
    if case.expected == CLOSED and expected == CLOSED:
        await watcher.nothing()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_plug(hub: Side, case: Case) -> None:
    watcher = await hub.login()
    await watcher.subscribe(("smartplug/#", 2))
    plug = await hub.plug()
    data = case.build("smartplug/plug-1/telemetry", "smartplug/plug-1/control")
    assert await outcome(plug, data, case.answers) == case.expected, case.statement
    if case.expected == CLOSED:
        await watcher.nothing()
