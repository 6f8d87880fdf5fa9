"""Whoever wants a topic that their login may not use is told of, by name and address; whoever may costs nothing."""

import pytest

from hub.broker import Limits
from hub.broker.interface import FORBIDDEN_RETAIN, FORBIDDEN_TOPIC
from tests.broker.parts import Bench

FOREIGN = "smartplug/plug-2/telemetry"


def told(bench: Bench) -> list[tuple[str, str, str, str]]:
    return [(refusal.login.name, refusal.action, refusal.topic, refusal.reason) for refusal in bench.forbidden]


@pytest.mark.parametrize("user", ["plug-1", "reader", "pair-plug-1"])
async def test_foreign_topics_and_filters_are_told_of(bench: Bench, user: str) -> None:
    client = await bench.login(user)
    await client.publish(FOREIGN, b"{}", 1)
    await client.publish("$SYS/x", b"{}", 1)
    assert await client.subscribe(("#", 1), ("$share/g/home/#", 0)) == [0x80, 0x80]
    name = user.removeprefix("pair-")
    assert told(bench) == [
        (name, "publish", FOREIGN, FORBIDDEN_TOPIC),
        (name, "publish", "$SYS/x", FORBIDDEN_TOPIC),
        (name, "subscribe", "#", FORBIDDEN_TOPIC),
        (name, "subscribe", "$share/g/home/#", FORBIDDEN_TOPIC),
    ]
    assert {refusal.peer for refusal in bench.forbidden} == {"127.0.0.1"}


@pytest.mark.parametrize("user", ["plug-1", "writer"])
async def test_a_forbidden_will_is_told_of_at_the_login_and_never_sent(bench: Bench, user: str) -> None:
    watcher = await bench.login("all")
    await watcher.subscribe(("#", 1))
    client = await bench.login(user, will=("smartplug/plug-2/status", b"offline", 0, True))
    await client.ping()
    assert told(bench) == [(user, "will", "smartplug/plug-2/status", FORBIDDEN_TOPIC)]
    assert bench.broker.stats()["refused:will"] == 1
    client.abort()
    await bench.login(user)
    assert len(bench.forbidden) == 1


async def test_what_a_program_wants_kept_for_a_plug_is_told_of(bench: Bench) -> None:
    client = await bench.login("writer")
    await client.publish("smartplug/plug-1/control", b"{}", 1, retain=True)
    assert told(bench) == [("writer", "publish", "smartplug/plug-1/control", FORBIDDEN_RETAIN)]


@pytest.mark.parametrize("bench", [Limits(subscriptions=1)], indirect=True)
async def test_what_is_allowed_or_over_a_limit_is_not_told_of(bench: Bench) -> None:
    plug, reader, writer = [await bench.login(name) for name in ("plug-1", "reader", "writer")]
    await plug.publish("smartplug/plug-1/telemetry", b"{}", 1)
    assert await plug.subscribe(("smartplug/plug-1/control", 1)) == [1]
    assert await reader.subscribe(("smartplug/+/telemetry", 1), ("home/#", 1)) == [1, 0x80]
    await writer.publish("home/lamp/set", b"on", 1, retain=True)
    assert bench.forbidden == []
