"""What a plug's login gets of the standard: the lane serves it by itself, over its own topics.

Two things are less than MQTT 3.1.1 offers, by design (docs/mqtt-conformance.md): a plug's session is always a clean
one, and only its `status` is kept as a retained message."""

import pytest

from tests.broker.client import PING, acknowledge, publish, subscribe, unsubscribe
from tests.broker_conformance.flows import PUBREC, PUBREL, hear, payloads, say, two
from tests.broker_conformance.sides import Side

TELEMETRY, STATUS, CONTROL = (f"smartplug/plug-1/{name}" for name in ("telemetry", "status", "control"))


@pytest.mark.parametrize("sent", [0, 1, 2])
@pytest.mark.parametrize("asked", [0, 1, 2])
async def test_what_a_plug_publishes(hub: Side, sent: int, asked: int) -> None:
    """[MQTT-3.8.4-6] [MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1]"""
    plug, client = await hub.plug(), await hub.login()
    await client.subscribe((TELEMETRY, asked))
    await say(plug, TELEMETRY, b"x", sent)
    (message,) = await hear(client, 1)
    assert message[:5] == (TELEMETRY, b"x", min(sent, asked), False, False)
    await client.nothing()


async def test_qos_2_of_a_plug_counts_once(hub: Side) -> None:
    """[MQTT-4.3.3-2]"""
    plug, client = await hub.plug(), await hub.login()
    await client.subscribe((TELEMETRY, 0))
    for payload in (b"first", b"second"):
        for again in (False, True, True):
            plug.send(publish(TELEMETRY, payload, 2, 5, dup=again))
            assert await plug.read() == (0x50, two(5))
        for _ in range(2):
            plug.send(acknowledge(PUBREL, 5))
            assert await plug.read() == (0x70, two(5))
    assert await payloads(client, 2) == [b"first", b"second"]
    await client.nothing()


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_what_a_plug_is_sent(hub: Side, qos: int) -> None:
    """[MQTT-3.8.4-5] [MQTT-3.8.4-6]: at most QoS 1 is granted, which the standard leaves to the server."""
    plug, client = await hub.plug(), await hub.login()
    plug.send(subscribe((CONTROL, qos), packet_id=9))
    assert await plug.read() == (0x90, two(9) + bytes([min(qos, 1)]))
    await say(client, CONTROL, b"x", 2)
    (message,) = await hear(plug, 1)
    assert message[:5] == (CONTROL, b"x", min(qos, 1), False, False)
    plug.send(subscribe((CONTROL, 0), packet_id=10))
    assert (await plug.read()).body == two(10) + b"\0"  # [MQTT-3.8.4-3]
    await say(client, CONTROL, b"y", 2)
    assert [message.qos for message in await hear(plug, 1)] == [0]
    plug.send(unsubscribe(CONTROL, packet_id=11))
    assert await plug.read() == (0xB0, two(11))
    await say(client, CONTROL, b"z", 2)
    await plug.nothing()


async def test_a_pubrec_that_nothing_asked_for_is_answered(hub: Side) -> None:
    """4.3.3: so that the plug can end it."""
    plug = await hub.plug()
    plug.send(acknowledge(PUBREC, 7))
    assert await plug.read() == (0x62, two(7))


async def test_take_over(hub: Side) -> None:
    """[MQTT-3.1.4-2] with [MQTT-3.1.2-8]; CONNACK never speaks of a session."""
    client = await hub.login()
    await client.subscribe((STATUS, 1))
    old = await hub.plug(clean=False, will=(STATUS, b"old", 1, True))
    new = await hub.plug(clean=False, will=(STATUS, b"new", 1, True))
    assert not new.session_present
    assert await old.closed() == b""
    assert await payloads(client, 1) == [b"old"]
    await new.ping()
    new.abort()
    assert await payloads(client, 1) == [b"new"]


@pytest.mark.parametrize("data", [b"\xf0\0", None, b""], ids=["broken", "reset", "end of stream"])
async def test_a_plugs_will(hub: Side, data: bytes | None) -> None:
    """[MQTT-3.1.2-8] [MQTT-3.1.2-17]: live without RETAIN, and kept."""
    client = await hub.login()
    await client.subscribe((STATUS, 1))
    plug = await hub.plug(will=(STATUS, b"gone", 1, True))
    if data:
        plug.send(data)
    elif data is None:
        plug.abort()
    else:
        plug.end_of_stream()
    (message,) = await hear(client, 1)
    assert message[:4] == (STATUS, b"gone", 1, False)
    late = await hub.login()
    await late.subscribe((STATUS, 1))
    (message,) = await hear(late, 1)
    assert message[:4] == (STATUS, b"gone", 1, True)


async def test_no_will_of_a_plug_that_says_goodbye(hub: Side) -> None:
    """[MQTT-3.1.2-10]"""
    client = await hub.login()
    await client.subscribe(("smartplug/#", 1))
    plug = await hub.plug(will=(STATUS, b"gone", 1, True))
    await plug.disconnect()
    await client.nothing()


async def test_a_plugs_keepalive(hub: Side) -> None:
    """[MQTT-3.1.2-24]"""
    client = await hub.login()
    await client.subscribe((STATUS, 1))
    plug = await hub.plug(keepalive=10, will=(STATUS, b"gone", 1, False))
    for _ in range(5):
        hub.pass_time(14)
        plug.send(PING)
        await plug.expect(13)
    hub.pass_time(17)
    assert await plug.closed() == b""
    assert await payloads(client, 1) == [b"gone"]
