"""Retained messages as clients that are not plugs get them: faults of stock amqtt that must not come back."""

import pytest

from hub.broker import Limits
from tests.broker.parts import Bench


async def test_retained_messages_come_with_a_clients_own_new_subscription_only(bench: Bench) -> None:
    first, second = await bench.login("all"), await bench.login("other")
    await first.subscribe(("secret/x", 1))
    await second.publish("secret/x", b"kept", 1, retain=True)
    assert (await first.message()).retain is False
    third = await bench.login("other", "third")
    await third.nothing()
    for _ in range(2):
        await third.subscribe(("secret/#", 2))
        assert (await third.message())[:4] == ("secret/x", b"kept", 1, True)
    await second.publish("secret/x", b"", 1, retain=True)
    assert (await third.message())[:4] == ("secret/x", b"", 1, False)
    await third.subscribe(("secret/x", 0))
    await third.nothing()


async def test_the_stored_status_of_plugs_is_retained_for_clients(bench: Bench) -> None:
    bench.store.set("plug-9", "status", b"off")
    bench.store.set("plug-9", "config", b"{}")
    plug, client = await bench.login("plug-1"), await bench.login("all")
    await plug.publish("smartplug/plug-1/status", b"on", 1, retain=True)
    await client.subscribe(("smartplug/+/status", 1))
    messages = sorted([await client.message(), await client.message()])
    assert [message[:4] for message in messages] == [
        ("smartplug/plug-1/status", b"on", 1, True),
        ("smartplug/plug-9/status", b"off", 1, True),
    ]
    await client.subscribe(("smartplug/plug-9/config", 0), ("smartplug/plug-9/other", 0))
    assert (await client.message())[:4] == ("smartplug/plug-9/config", b"{}", 0, True)
    await client.subscribe(("#", 0))
    assert len({(await client.message()).topic for _ in range(3)}) == 3
    await client.nothing()


@pytest.mark.parametrize("bench", [Limits(retained=3, retained_bytes=1000, subscriptions=2)], indirect=True)
async def test_retained_messages_and_subscriptions_are_bounded(bench: Bench) -> None:
    client = await bench.login("all")
    for number in range(4):
        await client.publish(f"r/{number}", b"x", 1, retain=True)
    await client.publish("r/0", bytes(2000), 1, retain=True)
    await client.publish("r/1", b"", 1, retain=True)
    await client.publish("r/5", b"x", 1, retain=True)
    assert bench.broker.stats()["refused:retained"] == 2
    assert await client.subscribe(("a", 0), ("r/#", 0), ("c", 0), ("a", 1)) == [0, 0, 0x80, 1]
    assert sorted([(await client.message())[:2] for _ in range(3)]) == [("r/0", b"x"), ("r/2", b"x"), ("r/5", b"x")]
    await client.nothing()


async def test_many_retained_messages_come_in_full_to_a_client_that_reads(bench: Bench) -> None:
    for number in range(5000):
        bench.broker.publish(f"r/{number}", bytes(100), 1, retain=True)
    client = await bench.login("all")
    await client.subscribe(("r/#", 1))
    assert len({(await client.message()).topic for _ in range(5000)}) == 5000
    await client.nothing()
