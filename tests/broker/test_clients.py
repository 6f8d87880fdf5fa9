"""Clients that are not plugs (amqtt behind the lane): each test is a fault of stock amqtt that must not come back."""

import asyncio

import pytest

from hub.broker import Limits
from tests.broker.client import DISCONNECT, PING, acknowledge, connect, publish, subscribe, unsubscribe
from tests.broker.parts import PASSWORD, Bench


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


async def test_a_wrong_login_with_the_same_client_id_disturbs_nobody(bench: Bench) -> None:
    victim = await bench.login("all", "victim", clean=False)
    await victim.subscribe(("a", 1))
    for clean in (True, False):
        thief = await bench.open()
        thief.send(connect("victim", "all", b"wrong", clean=clean))
        assert await thief.closed() == b"\x20\x02\0\x05"
    await victim.publish("a", b"x", 1)
    assert (await victim.message()).payload == b"x"
    assert bench.broker.stats()["clients"] == 1


async def test_another_login_with_the_same_client_id_is_another_session(bench: Bench) -> None:
    first = await bench.login("all", "same", clean=False)
    await first.subscribe(("a", 1))
    second = await bench.login("other", "same", clean=False)
    assert not second.session_present
    await second.publish("a", b"x", 1)
    assert (await first.message()).payload == b"x"
    await second.nothing()


async def test_take_over_closes_the_old_connection_sends_its_will_and_keeps_the_session(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("will/#", 1))
    old = await bench.login("all", "same", clean=False, will=("will/1", b"gone", 1, True))
    await old.subscribe(("a", 1))
    new = await bench.login("all", "same", clean=False)
    assert new.session_present
    await old.closed()
    assert (await watcher.message())[:4] == ("will/1", b"gone", 1, False)
    await watcher.subscribe(("will/1", 0))
    assert (await watcher.message()).retain
    await new.publish("a", b"x", 1)
    assert (await new.message()).payload == b"x"
    newest = await bench.login("all", "same")
    assert not newest.session_present
    await new.closed()
    await newest.publish("a", b"x", 1)
    await newest.nothing()


async def test_many_take_overs_at_once_end_with_one_connection(bench: Bench) -> None:
    clients = [await bench.open() for _ in range(20)]
    for client in clients:
        client.send(connect("same", "all", PASSWORD, clean=False))
    living = 0
    for client in clients:
        client.send(PING)
        try:
            await client.expect(2)
            await client.expect(13)
            living += 1
        except EOFError:
            continue
    assert living >= 1
    await clients[-1].ping()
    assert bench.broker.stats()["clients"] == 1


async def test_will_on_loss_but_not_on_disconnect(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("will/#", 2))
    polite = await bench.open()
    # All in one segment: stock amqtt loses a DISCONNECT (and a PUBLISH) that it reads before its loop has begun.
    polite.send(
        connect("polite", "all", PASSWORD, will=("will/polite", b"", 0, False))
        + publish("will/said", b"1")
        + DISCONNECT
    )
    assert await polite.closed() == b"\x20\x02\0\0"
    rude = await bench.login("all", "rude", will=("will/rude", b"gone", 2, False))
    rude.abort()
    assert (await watcher.message())[:2] == ("will/said", b"1")
    message = await watcher.message()
    assert message[:3] == ("will/rude", b"gone", 2)
    await watcher.nothing()


async def test_a_will_that_the_login_may_not_publish_goes_nowhere(bench: Bench) -> None:
    watcher = await bench.login("all")
    await watcher.subscribe(("#", 0))
    client = await bench.login("reader", will=("home/x", b"gone", 0, True))
    client.abort()
    await bench.settled("refused:topic", 1)
    await bench.settled("refused:retained", 1)
    await watcher.nothing()


async def test_publishes_right_before_the_end_all_arrive(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("n/#", 0))
    writer = await bench.open()
    stream = b"".join(publish(f"n/{number}", b"x" * 50, number % 2, number + 1) for number in range(300))
    writer.send(connect("w", "all", PASSWORD) + stream + DISCONNECT)
    await writer.closed()
    assert [(await watcher.message()).topic for _ in range(300)] == [f"n/{number}" for number in range(300)]


async def test_keepalive_is_enforced_and_sends_the_will(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("will", 0))
    client = await bench.login("all", keepalive=10, will=("will", b"silent", 0, False))
    bench.clock.advance(13)
    await client.ping()
    bench.clock.advance(17)
    await client.closed()
    assert (await watcher.message()).payload == b"silent"


async def test_an_unacknowledged_message_is_sent_again_after_a_reconnect_in_order(bench: Bench) -> None:
    reader, writer = await bench.login("all", clean=False), await bench.login("other")
    await reader.subscribe(("n", 2))
    await writer.publish("n", b"1", 1)
    writer.send(publish("n", b"2", 2, 9))
    one, two = await reader.expect_publish(), await reader.expect_publish()
    assert (one.head, two.head) == (0x32, 0x34)
    id_one, id_two = one.body[3:5], two.body[3:5]
    reader.abort()
    await bench.settled("clients", 1)
    again = await bench.login("all", clean=False)
    assert again.session_present
    first, second = await again.expect_publish(), await again.expect_publish()
    assert (first.head, first.body) == (0x3A, b"\0\1n" + id_one + b"1")
    assert (second.head, second.body) == (0x3C, b"\0\1n" + id_two + b"2")
    again.send(acknowledge(4, int.from_bytes(id_one, "big")) + acknowledge(5, int.from_bytes(id_two, "big")))
    assert (await again.expect(6)).body == id_two
    again.abort()
    third = await bench.login("all", clean=False)
    assert (await third.expect(6)).body == id_two, "PUBREL is sent again too"
    third.send(acknowledge(7, int.from_bytes(id_two, "big")))
    await third.nothing()
    third.abort()
    fourth = await bench.login("all", clean=False)
    await fourth.nothing()


async def test_qos_2_from_a_client_is_handled_once_over_a_reconnect(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("n", 0))
    writer = await bench.login("all", clean=False)
    writer.send(publish("n", b"once", 2, 3))
    assert (await writer.expect(5)).body == b"\0\3"
    writer.abort()
    writer = await bench.login("all", clean=False)
    writer.send(publish("n", b"once", 2, 3, dup=True))
    assert (await writer.expect(5)).body == b"\0\3"
    writer.send(acknowledge(6, 3))
    assert (await writer.expect(7)).body == b"\0\3"
    writer.send(publish("n", b"next", 2, 3))
    await writer.expect(5)
    assert [(await watcher.message()).payload for _ in range(2)] == [b"once", b"next"]
    await watcher.nothing()


async def test_messages_wait_for_a_client_that_is_away(bench: Bench) -> None:
    reader, writer = await bench.login("all", clean=False), await bench.login("other")
    await reader.subscribe(("n", 1))
    await reader.disconnect()
    await bench.login("all", "another")
    for number in range(3):
        await writer.publish("n", b"%d" % number, 1)
    await writer.publish("n", b"qos 0 does not wait")
    again = await bench.login("all", clean=False)
    assert [(await again.message())[1:4] for _ in range(3)] == [(b"%d" % number, 1, False) for number in range(3)]
    await again.nothing()


@pytest.mark.parametrize("bench", [Limits(queued=5)], indirect=True)
async def test_what_waits_for_a_client_that_is_away_is_bounded(bench: Bench) -> None:
    reader, writer = await bench.login("all", clean=False), await bench.login("other")
    await reader.subscribe(("n", 1))
    await reader.disconnect()
    await bench.settled("clients", 1)
    for number in range(9):
        await writer.publish("n", b"%d" % number, 1)
    again = await bench.login("all", clean=False)
    assert [(await again.message()).payload for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    await again.nothing()
    assert bench.broker.stats()["dropped:away"] == 4


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


@pytest.mark.parametrize("bench", [Limits(session_age=3600, sessions=2)], indirect=True)
async def test_sessions_of_clients_that_are_away_are_bounded_in_number_and_age(bench: Bench) -> None:
    for number in range(4):
        client = await bench.login("all", f"c{number}", clean=False)
        await client.subscribe((f"n/{number}", 1))
        await client.disconnect()
        await bench.settled("clients", 0)
        bench.clock.advance(10)
    await bench.settled("dropped:session", 2)
    assert bench.broker.stats()["filters"] == 2
    assert not (await bench.login("all", "c0", clean=False)).session_present
    assert (await bench.login("all", "c3", clean=False)).session_present
    bench.clock.advance(3600)
    assert bench.broker.stats()["filters"] == 1


async def test_a_clean_session_leaves_nothing(bench: Bench) -> None:
    client = await bench.login("all")
    await client.subscribe(("a", 1), ("b/#", 0))
    assert bench.broker.stats()["filters"] == 2
    client.abort()
    watcher = await bench.login("other")
    await watcher.ping()
    assert bench.broker.stats()["filters"] == 0
    assert list(bench.broker._lane.kept._states) == ["other\0other"]


async def test_rights_that_were_taken_away_end_kept_subscriptions(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.broker import Login
    from tests.broker import parts

    client = await bench.login("all", clean=False)
    await client.subscribe(("home/#", 1), ("secret/#", 1))
    monkeypatch.setitem(parts.CLIENTS, "all", Login("client", "all", ("home/#",), ()))
    bench.broker.drop_client("all")
    await client.closed()
    client = await bench.login("all", clean=False)
    assert client.session_present
    other = await bench.login("other")
    await other.publish("secret/x", b"no", 1)
    await other.publish("home/x", b"yes", 1)
    assert (await client.message()).topic == "home/x"
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


async def test_many_retained_messages_come_in_full_to_a_client_that_reads(bench: Bench) -> None:
    for number in range(5000):
        bench.broker.publish(f"r/{number}", bytes(100), 1, retain=True)
    client = await bench.login("all")
    await client.subscribe(("r/#", 1))
    assert len({(await client.message()).topic for _ in range(5000)}) == 5000
    await client.nothing()


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


async def test_when_amqtt_cannot_start_plugs_are_served_and_clients_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ImportError("amqtt")

    monkeypatch.setattr(bench.broker._foreign, "_ready", broken)
    client = await bench.open()
    client.send(connect("c", "all", PASSWORD))
    assert await client.closed() == b"\x20\x02\0\x03"
    plug = await bench.login("plug-1")
    await plug.ping()


async def test_a_client_that_leaves_while_amqtt_is_loaded_leaves_nothing(bench: Bench) -> None:
    clients = [await bench.open() for _ in range(5)]
    for number, client in enumerate(clients):
        client.send(connect(f"c{number}", "all", PASSWORD))
    await bench.settled("clients", 5)
    for client in clients:
        client.abort()
    async with asyncio.timeout(10):
        while bench.broker.stats()["connections"] or bench.broker.stats()["clients"]:
            await asyncio.sleep(0)
