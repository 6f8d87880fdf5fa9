"""Wills and keepalive: when the last words are said, and when not."""

import pytest

from tests.broker.client import PING, Client, connect, publish
from tests.broker_conformance.differences import SECOND_WILL, TAKEN_WILL, mosquitto
from tests.broker_conformance.flows import hear, payloads, say
from tests.broker_conformance.sides import Side


def will(side: Side, qos: int = 1, retain: bool = False, payload: bytes = b"gone") -> tuple[str, bytes, int, bool]:
    return side.topic("will"), payload, qos, retain


async def listener(side: Side) -> Client:
    client = await side.login()
    await client.subscribe((side.topic("#"), 2))
    return client


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("how", ["reset", "end of stream"])
async def test_a_will_is_sent_when_the_client_goes(side: Side, how: str, qos: int) -> None:
    """[MQTT-3.1.2-8]: after what came before it, with its QoS."""
    other = await listener(side)
    client = await side.login(will=will(side, qos))
    client.send(publish(side.topic("last"), b"words"))
    if how == "reset":
        await client.ping()
        client.abort()
    else:
        client.end_of_stream()
    heard = [message[:4] for message in await hear(other, 2)]
    assert heard == [(side.topic("last"), b"words", 0, False), (side.topic("will"), b"gone", qos, False)]
    await other.nothing()


@pytest.mark.parametrize(
    "data", [b"\xf0\0", pytest.param(connect(""), marks=mosquitto(SECOND_WILL))], ids=["broken", "second CONNECT"]
)
async def test_a_will_is_sent_when_the_broker_closes(side: Side, data: bytes) -> None:
    """[MQTT-3.1.2-8]: for a protocol error too."""
    other = await listener(side)
    client = await side.login(will=will(side))
    client.send(publish(side.topic("last"), b"words") + data)
    assert await client.closed() == b""
    await other.ping()
    assert await payloads(other, len(other.messages)) == [b"words", b"gone"]


async def test_no_will_after_disconnect(side: Side) -> None:
    """[MQTT-3.1.2-10] [MQTT-3.14.4-3]; nor in a later connection without one [MQTT-3.1.2-12]."""
    other = await listener(side)
    for clean in (True, False):
        client = await side.login("x", clean=clean, will=will(side))
        await client.disconnect()
    client = await side.login("x", clean=False)
    client.abort()
    client = await side.login("x", clean=False)
    await client.disconnect()
    await other.nothing()


async def test_a_retained_will(side: Side) -> None:
    """[MQTT-3.1.2-16] [MQTT-3.1.2-17]: kept with the flag, not without; live without RETAIN."""
    other = await listener(side)
    for retain in (False, True):
        client = await side.login(will=will(side, 1, retain))
        client.abort()
        (message,) = await hear(other, 1)
        assert not message.retain
        late = await listener(side)
        await late.ping()
        assert [m[:4] for m in late.messages] == ([(side.topic("will"), b"gone", 1, True)] if retain else [])
    await say(other, side.topic("will"), b"", retain=True)


async def test_an_empty_will(side: Side) -> None:
    """3.1.3.3: a will of zero bytes is a message; retained, it removes what is kept."""
    other = await listener(side)
    await say(other, side.topic("will"), b"kept", retain=True)
    assert await payloads(other, 1) == [b"kept"]
    client = await side.login(will=will(side, 0, retain=True, payload=b""))
    client.abort()
    assert await payloads(other, 1) == [b""]
    late = await listener(side)
    await late.nothing()


async def test_a_will_waits_for_who_is_away(side: Side) -> None:
    """[MQTT-3.1.2-5] for wills."""
    away = await side.login("away", clean=False)
    await away.subscribe((side.topic("will"), 1))
    await away.disconnect()
    other = await listener(side)
    client = await side.login(will=will(side))
    client.abort()
    await hear(other, 1)
    away = await side.login("away", clean=False)
    assert await payloads(away, 1) == [b"gone"]


async def test_a_will_that_the_login_may_not_publish(side: Side) -> None:
    """The rules hold for wills too."""
    other = await listener(side)
    client = await side.login(user="reader", will=will(side))
    client.send(b"\xf0\0")
    assert await client.closed() == b""
    await other.nothing()


@pytest.mark.parametrize("clean", [True, pytest.param(False, marks=mosquitto(TAKEN_WILL))])
async def test_a_take_over_sends_the_old_will(side: Side, clean: bool) -> None:
    """[MQTT-3.1.2-8] with [MQTT-3.1.4-2]; the new connection's own will is another."""
    other = await listener(side)
    old = await side.login("x", clean=clean, will=will(side, payload=b"old"))
    new = await side.login("x", clean=clean, will=will(side, payload=b"new"))
    assert await old.closed() == b""
    await other.ping()
    assert await payloads(other, len(other.messages)) == [b"old"]
    new.abort()
    assert await payloads(other, 1) == [b"new"]


async def test_keepalive_ends_a_silent_connection_and_sends_its_will(side: Side) -> None:
    """[MQTT-3.1.2-24]: within one and a half times the keepalive (and the second in which it is looked at), also where
    it stopped in the middle of a packet."""
    other = await listener(side)
    silent, stuck = await side.login(keepalive=1, will=will(side)), await side.login(keepalive=1)
    stuck.send(publish(side.topic("a"), b"x")[:5])
    await other.ping()
    side.pass_time(4)
    assert await silent.closed() == b""
    assert await stuck.closed() == b""
    assert await payloads(other, 1) == [b"gone"]


async def test_no_keepalive_is_no_limit(hub: Side) -> None:
    """3.1.2.10: 0 turns it off; one that keeps the time stays (with the hub's clock, which can be moved)."""
    silent, lively = await hub.login(), await hub.login(keepalive=10)
    for _ in range(20):
        hub.pass_time(14)
        lively.send(PING)
        await lively.expect(13)
    await silent.ping()
    hub.pass_time(14)
    await lively.ping()
    hub.pass_time(17)
    assert await lively.closed() == b""
    await silent.ping()


async def test_a_refused_connect_leaves_no_will(side: Side) -> None:
    """[MQTT-3.1.2-8] speaks of accepted connections only."""
    other = await listener(side)
    client = await side.open()
    client.send(connect(side.id("x"), "all", b"wrong", will=will(side)))
    await client.closed()
    await other.nothing()
