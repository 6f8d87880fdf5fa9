"""Bounds that no other test reaches: rate, surplus connections, the will's topic."""

import pytest

from hub.broker import Limits
from tests.broker.client import PING, connect, publish
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
