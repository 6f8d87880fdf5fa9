"""Retained messages: kept, replaced, removed, and handed out with a subscription."""

import pytest

from tests.broker.client import Client
from tests.broker_conformance.flows import hear, payloads, say
from tests.broker_conformance.sides import Side


async def stored(side: Side, name: str = "#") -> list[tuple[str, bytes, int]]:
    """What a new subscriber of QoS 2 is handed: topic (below this test's own), payload, QoS; each with RETAIN."""
    client: Client = await side.login()
    await client.subscribe((side.topic(name), 2))
    await client.ping()
    heard = await hear(client, len(client.messages))
    assert all(message.retain and not message.duplicate for message in heard), "[MQTT-3.3.1-8]"
    return sorted((message.topic.removeprefix(side.root), message.payload, message.qos) for message in heard)


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_the_last_one_is_kept(side: Side, qos: int) -> None:
    """[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7]; with its own QoS."""
    other = await side.login()
    await say(other, side.topic("a"), b"first", 2, retain=True)
    await say(other, side.topic("a"), b"second", qos, retain=True)
    await say(other, side.topic("b/c"), b"third", qos, retain=True)
    assert await stored(side) == [("/a", b"second", qos), ("/b/c", b"third", qos)]
    assert await stored(side, "a") == [("/a", b"second", qos)]
    assert await stored(side, "+") == [("/a", b"second", qos)]
    assert await stored(side, "c") == []


async def test_it_outlives_its_publisher(side: Side) -> None:
    """3.3.1.3: retained messages are no part of a session."""
    other = await side.login()
    await say(other, side.topic("a"), b"x", 1, retain=True)
    await other.disconnect()
    assert await stored(side) == [("/a", b"x", 1)]


async def test_an_empty_payload_removes_it(side: Side) -> None:
    """[MQTT-3.3.1-10] [MQTT-3.3.1-11]: who is subscribed hears it as any message; nothing is stored."""
    client, other = await side.login(), await side.login()
    await say(other, side.topic("a"), b"x", retain=True)
    await say(other, side.topic("b"), b"y", retain=True)
    await client.subscribe((side.topic("a"), 0))
    assert (await hear(client, 1))[0].retain
    await say(other, side.topic("a"), b"", retain=True)
    (message,) = await hear(client, 1)
    assert message[:4] == (side.topic("a"), b"", 0, False)
    assert await stored(side) == [("/b", b"y", 0)]
    await say(other, side.topic("never"), b"", retain=True)
    assert await stored(side) == [("/b", b"y", 0)]


async def test_a_message_without_retain_changes_nothing(side: Side) -> None:
    """[MQTT-3.3.1-12]"""
    other = await side.login()
    await say(other, side.topic("a"), b"kept", retain=True)
    await say(other, side.topic("a"), b"passing")
    await say(other, side.topic("a"), b"")
    assert await stored(side) == [("/a", b"kept", 0)]


async def test_a_live_message_has_no_retain_flag(side: Side) -> None:
    """[MQTT-3.3.1-9]"""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("#"), 2))
    for qos in (0, 1, 2):
        await say(other, side.topic("a"), b"x", qos, retain=True)
    assert [message.retain for message in await hear(client, 3)] == [False] * 3


async def test_the_same_subscription_again_hands_it_out_again(side: Side) -> None:
    """[MQTT-3.8.4-3]"""
    client, other = await side.login(), await side.login()
    await say(other, side.topic("a"), b"x", 1, retain=True)
    for qos in (1, 1, 0):
        await client.subscribe((side.topic("a"), qos))
        (message,) = await hear(client, 1)
        assert message[:4] == (side.topic("a"), b"x", qos, True)
    await client.nothing()


async def test_only_who_subscribes_is_handed_it(side: Side) -> None:
    """[MQTT-3.3.1-6]: neither one who is subscribed already, nor one who only connects."""
    first, other = await side.login(), await side.login()
    await first.subscribe((side.topic("a"), 0))
    await say(other, side.topic("a"), b"x", retain=True)
    assert await payloads(first, 1) == [b"x"]
    assert await stored(side) == [("/a", b"x", 0)]
    await other.ping()
    await first.nothing()
    await other.nothing()


async def test_a_session_that_comes_back_is_not_handed_it_again(side: Side) -> None:
    """3.3.1.3: with a new subscription only."""
    client, other = await side.login("back", clean=False), await side.login()
    await say(other, side.topic("a"), b"x", 1, retain=True)
    await client.subscribe((side.topic("a"), 1))
    assert await payloads(client, 1) == [b"x"]
    await client.disconnect()
    client = await side.login("back", clean=False)
    assert client.session_present
    await client.nothing()


async def test_retained_messages_of_dollar_topics_are_not_handed_to_wildcards(side: Side) -> None:
    """[MQTT-4.7.2-1]"""
    client, other = await side.login(), await side.login()
    topic = f"${side.root}/{side.root}"
    await say(other, topic, b"x", retain=True)
    await client.subscribe((f"+/{side.root}", 0), (f"+/{side.root}/#", 0))
    await client.nothing()
    await say(other, topic, b"", retain=True)


async def test_the_dollar_sys_tree(side: Side) -> None:
    """4.7.2 leaves it to the server what is there, and keeps clients from writing it. The hub offers nothing below
    $SYS (its counters are in its own API): the filter is granted to who may read it and stays silent."""
    client, other = await side.login(), await side.login()
    await client.subscribe((f"$SYS/{side.root}", 0), ("$SYS/broker/version", 0))
    await say(other, f"$SYS/{side.root}", b"x", 1, retain=True)
    await client.ping()
    assert [message.topic for message in client.messages] == ([] if side.is_hub else ["$SYS/broker/version"])
