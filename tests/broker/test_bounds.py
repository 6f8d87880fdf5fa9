"""Bounds that no other test reaches: rate, surplus connections, topics, packets of many filters, a plug's status."""

from collections.abc import Iterator

import pytest

from hub.broker import Limits
from tests.broker.client import PING, connect, publish, subscribe, unsubscribe
from tests.broker.parts import PASSWORD, Bench


@pytest.mark.parametrize("bench", [Limits(rate=10)], indirect=True)
@pytest.mark.parametrize("user", ["plug-1", "all"])
async def test_a_fast_sender_waits_and_loses_nothing(bench: Bench, user: str) -> None:
    other, fast = await bench.login("plug-2"), await bench.login(user, keepalive=1)
    fast.send(PING * 45)
    await bench.settled("throttled", 1)
    fast.send(PING)
    for _ in range(45):
        await fast.expect(13)
    await other.ping()
    for _ in range(4):  # longer than its keepalive: it was not read, so it may not be called silent
        bench.clock.advance(1)
    await fast.expect(13)
    assert bench.broker.stats()["throttled"] == 1


@pytest.mark.parametrize("bench", [Limits(connections=1, surplus=2)], indirect=True)
async def test_more_than_a_few_too_many_are_closed_at_once(bench: Bench) -> None:
    await bench.login("plug-1")
    told = [await bench.open() for _ in range(2)]
    await bench.settled("waiting", 2)
    assert await (await bench.open()).closed() == b""
    assert bench.broker.stats()["refused:connections"] == 1
    for client in told:
        client.send(connect("plug-2", "plug-2", PASSWORD))
        assert await client.closed() == b"\x20\2\0\3"
    await bench.settled("connections", 1)
    await bench.refused("connections", 4)


@pytest.mark.parametrize("bench", [Limits(topic=20)], indirect=True)
async def test_topics_are_bounded_wherever_they_come(bench: Bench) -> None:
    long = "t" * 21
    client = await bench.open()
    client.send(connect("c", "all", PASSWORD, will=(long, b"", 0, False)))
    assert await client.closed() == b""
    assert bench.broker.stats()["refused:topic_length"] == 1
    client = await bench.login("all")
    assert await client.subscribe((long, 0), ("t" * 20, 0)) == [0x80, 0]
    client.send(publish(long))
    assert await client.closed() == b""


@pytest.mark.parametrize("user", ["plug-1", "all"])
async def test_only_publish_may_be_large(bench: Bench, user: str) -> None:
    filters = [f"smartplug/plug-1/{number:06}" for number in range(16 * 1024 // 26)]
    client = await bench.login(user)
    client.send(subscribe(*((name, 0) for name in filters)))
    assert (await client.expect(9)).body[2:] == (b"\x80" if user == "plug-1" else b"\0") * len(filters)
    client.send(publish("smartplug/plug-1/telemetry", b"x" * 200_000, 1))
    await client.expect(4)
    for packet in (subscribe(*((name + "x", 0) for name in filters)), unsubscribe(*(name + "xx" for name in filters))):
        client = await bench.login(user)
        client.send(packet)
        assert await client.closed() == b""
    assert bench.broker.stats()["refused:protocol"] == 2


async def test_others_are_served_while_retained_messages_are_matched(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each filter of a SUBSCRIBE is matched against all of them."""
    monkeypatch.setattr("hub.broker.sessions.SLICE_S", 0.0)
    writer, client, plug = await bench.login("other"), await bench.login("all"), await bench.login("plug-1")
    await writer.publish("home/a", b"x", 1, retain=True)
    matched: list[str] = []
    lane = bench.broker._lane
    match = lane.retained.match

    def noted(topic_filter: str) -> Iterator[tuple[str, bytes, int]]:
        matched.append(topic_filter)
        return match(topic_filter)

    monkeypatch.setattr(lane.retained, "match", noted)
    client.send(subscribe(*((f"+/{number}", 0) for number in range(300)), ("home/+", 0)))
    await client.expect(9)
    await plug.ping()
    assert len(matched) < 301
    assert (await client.message())[:2] == ("home/a", b"x")
    assert len(matched) == 301


async def test_a_client_that_leaves_meanwhile_or_unsubscribes_ends_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.broker.sessions.SLICE_S", 0.0)
    writer = await bench.login("other")
    await writer.publish("home/a", b"x", 1, retain=True)
    filters = [*((f"+/{number}", 0) for number in range(300)), ("home/+", 0)]
    client = await bench.login("all")
    client.send(subscribe(*filters) + unsubscribe("home/+"))
    await client.expect(9)
    await client.expect(11)
    client.send(PING)
    await client.expect(13)
    assert client.messages == []
    client.send(subscribe(*filters))
    client.abort()
    await bench.settled("clients", 1)
    assert bench.broker.stats()["filters"] == 0


@pytest.mark.parametrize("bench", [Limits(status=20)], indirect=True)
async def test_a_status_that_is_too_long_is_heard_but_not_retained(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    await plug.publish("smartplug/plug-1/status", b"x" * 20, 1, retain=True)
    await plug.publish("smartplug/plug-1/status", b"x" * 21, 1, retain=True)
    assert bench.store.get("plug-1", "status") == b"x" * 20
    assert [payload for _, _, payload in bench.receiver.messages()] == [b"x" * 20, b"x" * 21]
    assert bench.broker.stats()["refused:retained"] == 1
