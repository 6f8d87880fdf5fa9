"""Delivery to and from clients that are not plugs: QoS, rights, bounds, the hub's own handlers.

Each test is a fault of stock amqtt that must not come back."""

import pytest

from hub.broker import Limits
from tests.broker.client import PING, acknowledge, publish, subscribe, unsubscribe
from tests.broker.parts import Bench


@pytest.mark.parametrize(
    ("published", "subscribed", "arrives"),
    [(0, 0, 0), (0, 2, 0), (1, 0, 0), (1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 2)],
)
async def test_a_message_arrives_with_the_lower_qos(
    bench: Bench, published: int, subscribed: int, arrives: int
) -> None:
    reader, writer = await bench.login("all"), await bench.login("other")
    assert await reader.subscribe(("a/+", subscribed)) == [subscribed]
    writer.send(publish("a/b", b"x", published, 7))
    message = await reader.message()
    assert message[:5] == ("a/b", b"x", arrives, False, False)
    assert bool(message.packet_id) == bool(arrives)


async def test_overlapping_filters_deliver_once_with_the_highest_qos(bench: Bench) -> None:
    client = await bench.login("all")
    await client.subscribe(("#", 0), ("a/+", 1), ("a/b", 0))
    await client.publish("a/b", b"x", 1)
    assert (await client.message())[:3] == ("a/b", b"x", 1)
    await client.nothing()


async def test_a_new_subscription_replaces_the_old_one(bench: Bench) -> None:
    client = await bench.login("all")
    await client.subscribe(("a", 1))
    await client.subscribe(("a", 0))
    await client.publish("a", b"x", 1)
    assert (await client.message()).qos == 0
    client.send(unsubscribe("a", "never", packet_id=9))
    assert (await client.expect(11)).body == b"\0\x09"
    await client.publish("a", b"y", 1)
    await client.nothing()


async def test_what_a_login_may_not_read_is_refused_at_subscribe(bench: Bench) -> None:
    reader = await bench.login("reader")
    codes = await reader.subscribe(
        ("smartplug/+/telemetry", 1), ("smartplug/plug-1/telemetry", 0), ("home/x/+", 2), ("home", 0),
        ("smartplug/#", 0), ("+/+/telemetry", 0), ("#", 0), ("smartplug/plug-1/status", 0),
    )  # fmt: skip
    assert codes == [1, 0, 2, 0, 0x80, 0x80, 0x80, 0x80]


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_what_a_login_may_not_write_is_dropped_and_acknowledged(bench: Bench, qos: int) -> None:
    listener, writer = await bench.login("all"), await bench.login("writer")
    await listener.subscribe(("#", 2), ("$SYS/#", 0))
    for topic in ("home/x/state", "smartplug/plug-2/control", "smartplug/plug-1/telemetry", "$SYS/x", "home/set"):
        writer.send(publish(topic, b"no", qos, 5, retain=True))
        if qos:
            await writer.expect(4 if qos == 1 else 5)
        if qos == 2:
            writer.send(acknowledge(6, 5))
            await writer.expect(7)
    await writer.publish("home/x/set", b"yes", 1)
    assert (await listener.message())[:2] == ("home/x/set", b"yes")
    await listener.nothing()
    assert bench.broker.stats()["refused:topic"] == 5
    await listener.subscribe(("#", 0))
    await listener.nothing()


async def test_dollar_topics_are_never_literal(bench: Bench) -> None:
    system, client = await bench.login("system"), await bench.login("all")
    assert await system.subscribe(("$SYS/#", 0), ("$share/g/$SYS/x", 0)) == [0, 0x80]
    assert await client.subscribe(("$share/g/a", 1), ("$SYS/#", 0), ("#", 0)) == [0x80, 0x80, 0]
    await system.publish("$SYS/x", b"x", 1)
    await system.publish("$share/g/a", b"x", 1)
    await system.nothing()
    await client.nothing()


async def test_plug_telemetry_reaches_a_client_whose_filter_matches(bench: Bench) -> None:
    plug, reader = await bench.login("plug-1"), await bench.login("reader")
    await reader.subscribe(("smartplug/+/telemetry", 1))
    for qos in (0, 1):
        await plug.publish("smartplug/plug-1/telemetry", b"%d" % qos, qos)
        assert (await reader.message())[:4] == ("smartplug/plug-1/telemetry", b"%d" % qos, qos, False)
    await plug.publish("smartplug/plug-1/status", b"on", 1)
    await reader.nothing()
    assert len(bench.receiver.messages()) == 3


async def test_a_client_may_command_a_plug_only_where_its_filters_say_so(bench: Bench) -> None:
    plug, writer = await bench.login("plug-1"), await bench.login("writer")
    await plug.subscribe(("smartplug/plug-1/#", 1))
    await writer.publish("smartplug/plug-1/control", b"yes", 1, retain=True)
    await writer.publish("smartplug/plug-1/config", b"no", 1, retain=True)
    await writer.publish("smartplug/plug-1/status", b"no", 1)
    assert (await plug.message())[:4] == ("smartplug/plug-1/control", b"yes", 1, False)
    await plug.nothing()
    assert bench.receiver.messages() == [], "a plug's word is its own connection's"
    assert bench.store.kept == {}
    assert bench.broker.stats()["refused:retained"] == 1


async def test_what_the_hub_sends_to_plugs_is_seen_by_clients_that_may(bench: Bench) -> None:
    plug, client = await bench.login("plug-1"), await bench.login("all")
    await client.subscribe(("smartplug/#", 0))
    await plug.subscribe(("smartplug/plug-1/control", 1))
    bench.broker.send("plug-1", "control", b"on", 1)
    bench.broker.retain("plug-2", "config", b"{}")
    assert (await client.message())[:2] == ("smartplug/plug-1/control", b"on")
    assert (await client.message())[:2] == ("smartplug/plug-2/config", b"{}")


@pytest.mark.parametrize("bench", [Limits(inflight=3)], indirect=True)
async def test_only_so_many_messages_are_unacknowledged_and_the_rest_waits(bench: Bench) -> None:
    reader, writer = await bench.login("all"), await bench.login("other")
    await reader.subscribe(("n", 1))
    for number in range(6):
        await writer.publish("n", b"%d" % number, 1)
    held = [await reader.expect_publish() for _ in range(3)]
    await reader.ping()
    for one in held:
        reader.send(acknowledge(4, int.from_bytes(one.body[3:5], "big")))
    assert [(await reader.message()).payload for _ in range(3)] == [b"3", b"4", b"5"]


@pytest.mark.parametrize("bench", [Limits(write_buffer=20_000, queued_bytes=100_000)], indirect=True)
async def test_a_client_that_does_not_read_is_bounded_and_then_cut_off(bench: Bench) -> None:
    slow, writer = await bench.login("all"), await bench.login("other")
    await slow.subscribe(("big", 0))
    slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(400):
        await writer.publish("big", bytes(50_000), 1)
    connection = bench.broker._lane.clients["all\0all"]
    assert connection.outbox is not None
    assert connection.outbox._queued_bytes <= 100_000
    assert connection.transport.get_write_buffer_size() <= 20_000 + 50_100
    assert bench.broker.stats()["dropped:slow"] > 0
    assert connection.paused_since is not None
    bench.clock.advance(32)
    assert bench.broker.stats()["refused:stuck"] == 1
    await connection.finished.wait()
    assert bench.broker.stats()["clients"] == 1
    await writer.ping()


@pytest.mark.parametrize("bench", [Limits(write_buffer=20_000)], indirect=True)
async def test_a_slow_client_that_reads_again_gets_what_waited(bench: Bench) -> None:
    slow, writer = await bench.login("all"), await bench.login("other")
    await slow.subscribe(("n", 1))
    slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
    connection = bench.broker._lane.clients["all\0all"]
    sent = 0
    while connection.paused_since is None:
        await writer.publish("n", bytes(20_000))
        await writer.ping()
        sent += 1
    await writer.publish("n", b"last")
    slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(sent):
        assert len((await slow.message()).payload) == 20_000
    assert (await slow.message()).payload == b"last"


async def test_a_topic_that_is_too_long_ends_the_connection(bench: Bench) -> None:
    client = await bench.login("all")
    assert await client.subscribe(("a" * 1025, 0)) == [0x80]
    client.send(publish("a" * 1025))
    await client.closed()


async def test_the_hub_hears_and_says(bench: Bench) -> None:
    heard: list[tuple[str, bytes, bool]] = []
    bench.broker.publish("cmnd/x", b"kept", retain=True)
    stop = bench.broker.subscribe("+/x", lambda *message: heard.append(message))
    assert heard == [("cmnd/x", b"kept", True)]
    client = await bench.login("all")
    await client.subscribe(("cmnd/#", 1))
    assert (await client.message())[:4] == ("cmnd/x", b"kept", 0, True)
    bench.broker.publish("cmnd/x", b"on", 1)
    assert (await client.message())[:4] == ("cmnd/x", b"on", 1, False)
    await client.publish("stat/x", b"ok", 1)
    await client.publish("stat/y", b"other", 1)
    assert heard[1:] == [("stat/x", b"ok", False)], "the hub does not hear itself"
    stop()
    await client.publish("stat/x", b"late", 1)
    assert len(heard) == 2
    with pytest.raises(ValueError, match="not a topic filter"):
        bench.broker.subscribe("a/#/b", lambda *message: None)


async def test_a_handler_of_the_hub_that_raises_stops_nothing(bench: Bench) -> None:
    heard: list[str] = []

    def broken(topic: str, payload: bytes, retained: bool) -> None:
        raise RuntimeError("broken handler")

    bench.broker.subscribe("a", broken)
    bench.broker.subscribe("a", lambda topic, payload, retained: heard.append(topic))
    client = await bench.login("all")
    await client.publish("a", b"x", 1)
    assert heard == ["a"]
    assert bench.broker.stats()["receiver_errors"] == 1


async def test_packets_split_at_every_byte(bench: Bench) -> None:
    client = await bench.login("all")
    stream = (
        subscribe(("s/#", 1), packet_id=1)
        + publish("s/1", b"a" * 200, 1, 2)
        + publish("s/2", b"b", 2, 3)
        + acknowledge(6, 3)
        + unsubscribe("s/#", packet_id=4)
        + PING
    )
    connection = bench.broker._lane.clients["all\0all"]
    for cut in range(1, len(stream)):
        connection.data_received(stream[:cut])
        connection.data_received(stream[cut:])
        kinds: list[int] = []
        while not kinds or kinds[-1] != 13:
            answer = await client.read()
            kinds.append(answer.kind)
            if answer.head & 0xF6 == 0x32:
                size = 2 + int.from_bytes(answer.body[:2], "big")
                client.send(acknowledge(4, int.from_bytes(answer.body[size : size + 2], "big")))
        assert sorted(kinds) == [3, 3, 4, 5, 7, 9, 11, 13], cut
