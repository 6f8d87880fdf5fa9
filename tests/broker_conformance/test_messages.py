"""PUBLISH, SUBSCRIBE, UNSUBSCRIBE and PING between clients: QoS, order, filters."""

import itertools

import pytest

from tests.broker.client import acknowledge, packet, publish, subscribe, text, unsubscribe
from tests.broker_conformance.differences import OVERLAP, RESENT, mosquitto
from tests.broker_conformance.flows import PUBCOMP, PUBREC, PUBREL, hear, payloads, say, two
from tests.broker_conformance.sides import Side


@pytest.mark.parametrize(("sent", "asked"), list(itertools.product((0, 1, 2), repeat=2)))
async def test_a_message_comes_with_the_lower_qos(side: Side, sent: int, asked: int) -> None:
    """[MQTT-3.8.4-6], by the exchange of each QoS [MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1]."""
    client, other = await side.login(), await side.login()
    topic = side.topic("a")
    assert await client.subscribe((topic, asked)) == [asked]
    await say(other, topic, b"x", sent)
    (message,) = await hear(client, 1)
    qos = min(sent, asked)
    assert message[:5] == (topic, b"x", qos, False, False)
    assert bool(message.packet_id) == bool(qos)
    await client.nothing()


@mosquitto(RESENT)
async def test_qos_2_is_delivered_once_however_often_it_is_sent(side: Side) -> None:
    """[MQTT-4.3.3-2]: until PUBREL the id stands for the same message, after it for a new one."""
    client, other = await side.login(), await side.login()
    topic = side.topic("a")
    await client.subscribe((topic, 0))
    for payload in (b"first", b"second"):
        for again in (False, True, True):
            other.send(publish(topic, payload, 2, 5, dup=again))
            assert await other.read() == (0x50, two(5))
        for _ in range(2):
            other.send(acknowledge(PUBREL, 5))
            assert await other.read() == (0x70, two(5))
    assert await payloads(client, 2) == [b"first", b"second"]
    await client.nothing()


async def test_a_message_of_qos_2_is_released_once(side: Side) -> None:
    """[MQTT-4.3.3-1]: PUBREC is answered with PUBREL, PUBCOMP ends it and frees the id."""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("a"), 2))
    await say(other, side.topic("a"), b"x", 2)
    message = await client.message()
    for _ in range(2):
        client.send(acknowledge(PUBREC, message.packet_id))
        assert await client.read() == (0x62, two(message.packet_id))
    client.send(acknowledge(PUBCOMP, message.packet_id))
    await client.nothing()


async def test_dup_is_not_passed_on(side: Side) -> None:
    """[MQTT-3.3.1-3]"""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("a"), 1))
    other.send(publish(side.topic("a"), b"x", 1, 9, dup=True))
    await other.expect(4)
    assert not (await client.message()).duplicate


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_messages_come_in_the_order_they_were_sent(side: Side, qos: int) -> None:
    """[MQTT-4.6.0-5] [MQTT-4.6.0-6]: of two publishers, over two topics of one filter."""
    client, other, third = await side.login(), await side.login(), await side.login()
    await client.subscribe((side.topic("#"), qos))
    for number in range(40):
        await say(other, side.topic("a"), b"%d" % number, qos)
        await say(third, side.topic("b"), b"%d" % number, qos)
    seen: dict[str, list[int]] = {side.topic("a"): [], side.topic("b"): []}
    for message in await hear(client, 80):
        seen[message.topic].append(int(message.payload))
    assert list(seen.values()) == [list(range(40))] * 2


async def test_acknowledgements_come_in_the_order_of_the_messages(side: Side) -> None:
    """[MQTT-4.6.0-2] [MQTT-4.6.0-3]"""
    client = await side.login()
    ids = [5, 3, 60_000, 1]
    client.send(b"".join(publish(side.topic("a"), b"x", 1, id) for id in ids))
    assert [(await client.read()).body for _ in ids] == [two(id) for id in ids]
    client.send(b"".join(publish(side.topic("a"), b"x", 2, id) for id in ids))
    assert [await client.read() for _ in ids] == [(0x50, two(id)) for id in ids]
    client.send(b"".join(acknowledge(PUBREL, id) for id in ids))
    assert [await client.read() for _ in ids] == [(0x70, two(id)) for id in ids]


async def test_ids_of_the_two_directions_are_apart(side: Side) -> None:
    """2.3.1: both ends may use an id at the same time."""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("in"), 1))
    await say(other, side.topic("in"), b"x", 1)
    packet_id = (await client.expect(3)).body[-3:-1]
    client.send(publish(side.topic("out"), b"y", 1, int.from_bytes(packet_id, "big")))
    assert await client.read() == (0x40, packet_id)
    client.send(b"\x40\x02" + packet_id)
    await client.nothing()


async def test_suback_has_a_code_for_each_filter_in_order(side: Side) -> None:
    """[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5]; what a login may not hear is 0x80."""
    client = await side.login()
    client.send(subscribe((side.topic("a"), 2), (side.topic("b"), 0), (side.topic("c/#"), 1), packet_id=65_535))
    assert await client.read() == (0x90, b"\xff\xff\2\0\1")


async def test_a_filter_that_a_login_may_not_hear_is_refused(side: Side) -> None:
    """[MQTT-3.8.4-5]; or, as the standard leaves open, granted and never served (differences.DENIED)."""
    reader, other = await side.login(user="reader"), await side.login()
    name = side.root
    codes = await reader.subscribe((f"home/{name}", 0), (f"secret/{name}", 0), ("#", 0))
    if side.is_hub:
        assert codes == [0, 0x80, 0x80]
    else:
        assert codes == [0, 0, 0]
    await say(other, f"secret/{name}", b"x")
    await reader.nothing()
    await say(other, f"home/{name}", b"y")
    assert await payloads(reader, 1) == [b"y"]


async def test_what_a_login_may_not_publish_is_acknowledged_and_goes_nowhere(side: Side) -> None:
    """[MQTT-3.3.5-2]"""
    reader, other = await side.login(user="reader"), await side.login()
    await other.subscribe((side.topic("#"), 2))
    for qos in (0, 1, 2):
        await say(reader, side.topic("a"), b"x", qos)
    await other.nothing()


@mosquitto(OVERLAP)
async def test_overlapping_filters(side: Side) -> None:
    """[MQTT-3.3.5-1]: at least one copy with the highest QoS; more copies are allowed."""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("a"), 0), (side.topic("+"), 2), (side.topic("#"), 1))
    await say(other, side.topic("a"), b"x", 2)
    await client.ping()
    heard = await hear(client, len(client.messages))
    assert max(message.qos for message in heard) == 2
    assert len(heard) == 1


async def test_a_new_subscription_replaces_the_old_one(side: Side) -> None:
    """[MQTT-3.8.4-3]: up and down."""
    client, other = await side.login(), await side.login()
    for qos in (0, 2, 1):
        assert await client.subscribe((side.topic("a"), qos)) == [qos]
        await say(other, side.topic("a"), b"x", 2)
        assert [message.qos for message in await hear(client, 1)] == [qos]
    await client.nothing()


async def test_unsubscribe(side: Side) -> None:
    """[MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-6]: exactly the filters named, as they are spelt."""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("a"), 0), (side.topic("b"), 0), (side.topic("c/+"), 0), (side.topic("d"), 0))
    client.send(unsubscribe(side.topic("a"), side.topic("c/x"), side.topic("D"), side.topic("b"), packet_id=300))
    assert await client.read() == (0xB0, two(300))
    for name in ("a", "b", "c/x", "d"):
        await say(other, side.topic(name), b"x")
    assert [message.topic for message in await hear(client, 2)] == [side.topic("c/x"), side.topic("d")]
    await client.nothing()


async def test_unsubscribe_leaves_what_is_under_way(side: Side) -> None:
    """[MQTT-3.10.4-3]: a QoS 2 message that was begun is completed."""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("a"), 2))
    await say(other, side.topic("a"), b"x", 2)
    message = await client.message()
    client.send(unsubscribe(side.topic("a"), packet_id=2))
    await client.expect(11)
    client.send(acknowledge(PUBREC, message.packet_id))
    assert await client.read() == (0x62, two(message.packet_id))


# 4.7: filter, topics that it matches, topics that it does not match; `$` stands for a topic of the server's own.
WILDCARDS = [
    ("a", ["a"], ["/a", "a/", "A", "b", "a/b"]),
    ("a/#", ["a", "a/b", "a/b/c", "a/"], ["b", "/a", "ab"]),
    ("a/+", ["a/b", "a/"], ["a", "a/b/c", "a/b/"]),
    ("a/+/#", ["a/b", "a/b/c", "a/"], ["a"]),
    ("+", ["a", "b"], ["a/b", "/a", "a/"]),
    ("+/+", ["a/b", "/b", "a/", "/"], ["a", "a/b/c"]),
    ("/+", ["/a", "/"], ["a", "a/b", "/a/b"]),
    ("+/b/#", ["a/b", "/b", "a/b/c/d"], ["a", "b", "a/c"]),
    ("+/b/+", ["a/b/c"], ["a/b", "a/b/c/d"]),
    ("#", ["a", "/", "a/b/c", "ä/ 漢"], []),
    ("a//b", ["a//b"], ["a/b", "a/x/b"]),
    ("a/+/b", ["a//b", "a/x/b"], ["a/b", "a/x/y/b"]),
    (" a", [" a"], ["a", " a "]),
    ("\u00c5", ["\u00c5"], ["A\u030a", "a"]),  # no normalization [MQTT-4.7.3-4]
]


@pytest.mark.parametrize(("topic_filter", "matching", "other_topics"), WILDCARDS)
async def test_wildcards(side: Side, topic_filter: str, matching: list[str], other_topics: list[str]) -> None:
    """[MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1] [MQTT-4.7.3-4] [MQTT-3.3.2-3], live and retained."""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic(topic_filter), 0))
    for topic in [*other_topics, *matching]:
        await say(other, side.topic(topic), b"x", retain=True)
    assert [m.topic for m in await hear(client, len(matching))] == [side.topic(topic) for topic in matching]
    await client.nothing()
    late = await side.login()
    await late.subscribe((side.topic(topic_filter), 0))
    heard = await hear(late, len(matching))
    assert sorted(message.topic for message in heard) == sorted(side.topic(topic) for topic in matching)
    await late.nothing()
    for topic in [*other_topics, *matching]:
        await say(other, side.topic(topic), b"", retain=True)


async def test_wildcards_in_the_first_level_leave_dollar_topics_alone(side: Side) -> None:
    """[MQTT-4.7.2-1]: `#` and `+/…` hear nothing of `$SYS/…` or another `$` topic."""
    client, other = await side.login(), await side.login()
    await client.subscribe(("#", 0), ("+/broker/#", 0), ("+/x", 0))
    await say(other, "$SYS/broker/x", b"x")
    await say(other, f"$other-{side.root}/x", b"x")
    await client.ping()
    assert not [message.topic for message in client.messages if message.topic.startswith("$")]


@pytest.mark.parametrize("length", [1, 127 - 9, 128, 16_383, 16_384, 100_000])
async def test_payloads_of_every_size_of_length(side: Side, length: int) -> None:
    """2.2.3: remaining lengths of one to three bytes, both ways."""
    client, other = await side.login(), await side.login()
    payload = bytes(range(256)) * (length // 256 + 1)
    await client.subscribe((side.topic("a"), 1))
    await say(other, side.topic("a"), payload[:length], 1)
    assert await payloads(client, 1) == [payload[:length]]


async def test_payloads_are_any_bytes(side: Side) -> None:
    """3.3.3"""
    client, other = await side.login(), await side.login()
    await client.subscribe((side.topic("a"), 0))
    sent = [b"", b"\0", b"\xff" * 9, bytes(range(256))]
    for payload in sent:
        await say(other, side.topic("a"), payload)
    assert await payloads(client, 4) == sent


async def test_a_client_hears_itself(side: Side) -> None:
    """MQTT 3.1.1 has no "no local"."""
    client = await side.login()
    await client.subscribe((side.topic("a"), 0))
    await say(client, side.topic("a"), b"x")
    assert await payloads(client, 1) == [b"x"]


async def test_ping(side: Side) -> None:
    """[MQTT-3.12.4-1]"""
    client = await side.login()
    for _ in range(3):
        client.send(b"\xc0\0")
        assert await client.read() == (0xD0, b"")


async def test_what_comes_after_disconnect_is_not_processed(side: Side) -> None:
    """[MQTT-3.14.4-1], and the server closes [MQTT-3.14.4-2]."""
    client, other = await side.login(), await side.login()
    await other.subscribe((side.topic("#"), 0))
    client.send(publish(side.topic("a"), b"before") + b"\xe0\0" + publish(side.topic("a"), b"after") + b"\xc0\0")
    assert await client.closed() == b""
    assert await payloads(other, 1) == [b"before"]
    await other.nothing()


async def test_a_topic_of_65535_bytes(side: Side) -> None:
    """[MQTT-4.7.3-3] is the most; the hub has a lower bound of its own, and closes (differences.LONG)."""
    client = await side.login()
    client.send(packet(0x32, text("x" * 65_535) + b"\0\1"))
    if side.is_hub:
        assert await client.closed() == b""
    else:
        assert await client.read() == (0x40, two(1))
