"""A plug's session: what it publishes, what it is sent, how it ends."""

import pytest

from hub.broker import Limits
from tests.broker.client import DISCONNECT, acknowledge, connect, packet, publish, subscribe, text, unsubscribe
from tests.broker.parts import PASSWORD, Bench

TELEMETRY = "smartplug/plug-1/telemetry"
STATUS = "smartplug/plug-1/status"


async def test_telemetry_of_every_qos_reaches_the_receiver_in_order(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    await plug.publish(TELEMETRY, b"0")
    await plug.publish(TELEMETRY, b"1", 1)
    plug.send(publish(TELEMETRY, b"2", 2, 9))
    assert (await plug.expect(5)).body == b"\0\x09"
    plug.send(publish(TELEMETRY, b"2", 2, 9, dup=True))
    assert (await plug.expect(5)).body == b"\0\x09"
    plug.send(acknowledge(6, 9))
    assert (await plug.expect(7)).body == b"\0\x09"
    await plug.publish(f"{TELEMETRY}/batch", b"3", 1)
    await plug.publish(f"{TELEMETRY}/minutes", b"4", 1)
    assert bench.receiver.heard[0] == ("connected", "plug-1", "127.0.0.1")
    assert bench.receiver.messages() == [
        ("plug-1", "telemetry", b"0"),
        ("plug-1", "telemetry", b"1"),
        ("plug-1", "telemetry", b"2"),
        ("plug-1", "telemetry/batch", b"3"),
        ("plug-1", "telemetry/minutes", b"4"),
    ]


async def test_a_retained_status_is_stored_and_reported_at_the_next_start(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    await plug.publish(STATUS, b"on", 1, retain=True)
    await plug.publish(STATUS, b"fresh", 1)
    assert bench.store.get("plug-1", "status") == b"on"
    assert bench.receiver.messages() == [("plug-1", "status", b"on"), ("plug-1", "status", b"fresh")]
    bench.receiver.heard.clear()
    await bench.restart()
    assert bench.receiver.heard[-1] == ("message", "plug-1", "status", b"on", True)


async def test_an_empty_retained_status_deletes_the_stored_one(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    await plug.publish(STATUS, b"on", 1, retain=True)
    await plug.publish(STATUS, b"", 1, retain=True)
    assert bench.store.get("plug-1", "status") is None


@pytest.mark.parametrize(
    "topic",
    [
        "smartplug/plug-2/telemetry",
        "smartplug/plug-1",
        "smartplug/plug-1/",
        "smartplug/plug-1/control",
        "smartplug/plug-1/config",
        "smartplug/plug-1/ack",
        "smartplug/plug-1/pair",
        "smartplug/plug-1/telemetries",
        "smartplug/plug-1/status/x",
        "home/x",
        "$SYS/x",
    ],
)
async def test_what_a_plug_may_not_publish_is_dropped_counted_and_acknowledged(bench: Bench, topic: str) -> None:
    plug = await bench.login("plug-1")
    await plug.publish(topic, b"x")
    await plug.publish(topic, b"x", 1, retain=True)
    await plug.publish(TELEMETRY, b"good", 1)
    assert bench.receiver.messages() == [("plug-1", "telemetry", b"good")]
    assert bench.broker.stats()["refused:topic"] == 2
    assert not bench.store.kept


async def test_deliveries_come_only_when_subscribed_and_with_the_lower_qos(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    assert not bench.broker.send("plug-1", "control", b"early", 1)
    root = "smartplug/plug-1/"
    assert await plug.subscribe((root + "control", 2), (root + "ack", 0)) == [1, 0]
    assert bench.broker.send("plug-1", "control", b"a", 1)
    assert bench.broker.send("plug-1", "control", b"b", 0)
    assert bench.broker.send("plug-1", "ack", b"c", 1)
    assert not bench.broker.send("plug-1", "config", b"no", 1)
    assert not bench.broker.send("plug-2", "control", b"no", 1)
    first, second, third = [await plug.message() for _ in range(3)]
    assert first[:4] == (root + "control", b"a", 1, False)
    assert first.packet_id > 0
    assert second[:4] == (root + "control", b"b", 0, False)
    assert third[:4] == (root + "ack", b"c", 0, False)
    plug.send(unsubscribe(root + "control", packet_id=7))
    assert (await plug.expect(11)).body == b"\0\x07"
    assert not bench.broker.send("plug-1", "control", b"late", 1)


@pytest.mark.parametrize(
    ("topic_filter", "code"),
    [
        ("smartplug/plug-1/config", 1),
        ("smartplug/plug-1/+", 1),
        ("smartplug/plug-1/#", 1),
        ("smartplug/plug-1/telemetry", 0x80),
        ("smartplug/plug-2/control", 0x80),
        ("smartplug/+/control", 0x80),
        ("smartplug/plug-1", 0x80),
        ("#", 0x80),
        ("smartplug/plug-1/pair/answer", 0x80),
        ("$share/g/smartplug/plug-1/control", 0x80),
    ],
)
async def test_a_plug_subscribes_to_its_own_deliveries_only(bench: Bench, topic_filter: str, code: int) -> None:
    plug = await bench.login("plug-1")
    assert await plug.subscribe((topic_filter, 1)) == [code]


async def test_retained_config_is_delivered_at_each_subscribe(bench: Bench) -> None:
    bench.broker.retain("plug-1", "config", b"{}")
    plug = await bench.login("plug-1")
    await plug.nothing()
    for _ in range(2):
        await plug.subscribe(("smartplug/plug-1/config", 1))
        message = await plug.message()
        assert message[:4] == ("smartplug/plug-1/config", b"{}", 1, True)
    bench.broker.retain("plug-1", "config", b"new")
    assert (await plug.message())[:4] == ("smartplug/plug-1/config", b"new", 1, False)
    assert bench.store.get("plug-1", "config") == b"new"


async def test_the_will_comes_before_the_end_when_the_connection_is_lost(bench: Bench) -> None:
    plug = await bench.login("plug-1", will=(STATUS, b"offline", 1, True))
    plug.abort()
    await bench.receiver.until("disconnected", "plug-1", "will")
    assert bench.receiver.heard[-2:] == [
        ("message", "plug-1", "status", b"offline", False),
        ("disconnected", "plug-1", "will"),
    ]
    assert bench.store.get("plug-1", "status") == b"offline"
    assert not bench.broker.is_connected("plug-1")


async def test_disconnect_discards_the_will(bench: Bench) -> None:
    plug = await bench.login("plug-1", will=(STATUS, b"offline", 1, True))
    plug.send(DISCONNECT + publish(TELEMETRY, b"after the end"))
    assert await plug.closed() == b""
    await bench.receiver.until("disconnected", "plug-1", "closed")
    assert bench.receiver.messages() == []


async def test_a_lost_connection_without_will_is_closed(bench: Bench) -> None:
    (await bench.login("plug-1")).abort()
    await bench.receiver.until("disconnected", "plug-1", "closed")


async def test_a_will_to_a_foreign_topic_is_not_kept(bench: Bench) -> None:
    plug = await bench.login("plug-1", will=("smartplug/plug-2/status", b"offline", 1, True))
    plug.abort()
    await bench.receiver.until("disconnected", "plug-1", "closed")
    assert bench.receiver.messages() == []
    assert bench.broker.stats()["refused:will"] == 1


async def test_a_second_login_takes_over_whatever_its_client_id(bench: Bench) -> None:
    old = await bench.login("plug-1", "one", will=(STATUS, b"offline", 0, False))
    await old.subscribe(("smartplug/plug-1/control", 1))
    new = await bench.login("plug-1", "two")
    assert await old.closed() == b""
    assert bench.receiver.heard == [
        ("connected", "plug-1", "127.0.0.1"),
        ("message", "plug-1", "status", b"offline", False),
        ("disconnected", "plug-1", "taken_over"),
        ("connected", "plug-1", "127.0.0.1"),
    ]
    assert bench.broker.is_connected("plug-1")
    assert not bench.broker.send("plug-1", "control", b"x"), "a clean session has no subscriptions"
    await new.publish(TELEMETRY, b"new", 1)


async def test_a_wrong_login_does_not_disturb_the_living_session(bench: Bench) -> None:
    plug = await bench.login("plug-1", will=(STATUS, b"offline", 0, False))
    await plug.subscribe(("smartplug/plug-1/control", 1))
    for password in (b"wrong", b"", None):
        thief = await bench.open()
        thief.send(connect("plug-1", "plug-1", password))
        assert await thief.closed() == b"\x20\x02\x00\x05"
    assert bench.broker.send("plug-1", "control", b"still", 1)
    assert (await plug.message()).payload == b"still"
    assert bench.receiver.heard == [("connected", "plug-1", "127.0.0.1")]
    assert bench.broker.stats()["refused:login"] == 3


async def test_a_plug_that_is_silent_for_one_and_a_half_keepalives_is_gone(bench: Bench) -> None:
    plug = await bench.login("plug-1", keepalive=10, will=(STATUS, b"offline", 0, False))
    bench.clock.advance(14)
    await plug.ping()
    bench.clock.advance(14)
    await plug.ping()
    bench.clock.advance(15)
    assert bench.broker.is_connected("plug-1")
    bench.clock.advance(3)
    assert bench.receiver.heard[-2:] == [
        ("message", "plug-1", "status", b"offline", False),
        ("disconnected", "plug-1", "keepalive"),
    ]
    await plug.closed()


async def test_without_keepalive_a_plug_may_be_silent(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    bench.clock.advance(100_000)
    await plug.ping()


async def test_drop_ends_the_connection(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    pairing = await bench.login("pair-plug-1")
    bench.broker.drop("plug-1")
    bench.broker.drop("plug-2")
    assert await plug.closed() == b""
    assert await pairing.closed() == b""
    assert bench.receiver.heard[-1] == ("disconnected", "plug-1", "refused")


async def test_pairing_uses_its_two_topics_only_and_is_apart_from_the_plug(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    pairing = await bench.login("pair-plug-1", will=(STATUS, b"offline", 0, True))
    await pairing.publish("smartplug/plug-1/pair", b"hello", 1)
    await pairing.publish(TELEMETRY, b"forged", 1)
    await pairing.publish(STATUS, b"forged", 1, retain=True)
    root = "smartplug/plug-1/"
    assert await pairing.subscribe((root + "pair/answer", 1), (root + "control", 1), (root + "#", 1)) == [1, 0x80, 1]
    assert bench.broker.send("plug-1", "pair/answer", b"answer", 1)
    assert (await pairing.message())[:2] == (root + "pair/answer", b"answer")
    assert not bench.broker.send("plug-1", "control", b"x")
    await pairing.nothing()
    await plug.nothing()
    pairing.abort()
    await bench.settled("pairing", 0)
    await plug.ping()
    assert bench.receiver.heard == [
        ("connected", "plug-1", "127.0.0.1"),
        ("message", "plug-1", "pair", b"hello", False),
    ]


async def test_a_receiver_that_raises_stops_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    plug = await bench.login("plug-1")
    bench.receiver.fail = True
    plug.send(
        publish(TELEMETRY, b"1", 1, 1) + publish(STATUS, b"2", 1, 2, retain=True) + publish(TELEMETRY, b"3", 1, 3)
    )
    assert [(await plug.expect(4)).body for _ in range(3)] == [b"\0\x01", b"\0\x02", b"\0\x03"]
    bench.receiver.fail = False
    await plug.publish(TELEMETRY, b"4", 1)
    assert bench.receiver.messages() == [("plug-1", "telemetry", b"4")]
    assert bench.broker.stats()["receiver_errors"] == 3
    assert caplog.text.count("RuntimeError: the receiver is broken") == 1, "one traceback in ten seconds"


async def test_a_receiver_may_drop_the_plug_in_the_middle_of_a_read(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    heard = bench.receiver.message

    def drop(hardware_id: str, suffix: str, payload: bytes, retained: bool) -> None:
        heard(hardware_id, suffix, payload, retained)
        bench.broker.drop(hardware_id)

    bench.receiver.message = drop  # type: ignore[method-assign]
    plug.send(publish(TELEMETRY, b"1", 1, 1) + publish(TELEMETRY, b"2", 1, 2))
    await plug.closed()
    assert bench.receiver.messages() == [("plug-1", "telemetry", b"1")]


async def test_many_packets_in_one_write_and_one_packet_in_many_writes(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    stream = (
        publish(TELEMETRY, b"a" * 50)
        + publish(TELEMETRY, b"b" * 200, 1, 2)
        + subscribe(("smartplug/plug-1/ack", 0))
        + publish(STATUS, b"c", 1, 3)
        + publish(f"{TELEMETRY}/batch", b"d" * 20_000, 1, 4)
        + b"\xc0\0"
    )
    expected = [
        ("plug-1", "telemetry", b"a" * 50),
        ("plug-1", "telemetry", b"b" * 200),
        ("plug-1", "status", b"c"),
        ("plug-1", "telemetry/batch", b"d" * 20_000),
    ]
    connection = bench.broker._lane.plugs["plug-1"]
    for cut in (*range(1, 330), *range(330, len(stream), 997)):
        bench.receiver.heard.clear()
        connection.data_received(stream[:cut])
        connection.data_received(stream[cut:])
        assert bench.receiver.messages() == expected, cut
        for kind in (4, 9, 4, 4, 13):
            await plug.expect(kind)
    bench.receiver.heard.clear()
    for byte in stream:
        connection.data_received(bytes([byte]))
    assert bench.receiver.messages() == expected


async def test_pipelined_packets_behind_connect_are_handled(bench: Bench) -> None:
    client = await bench.open()
    client.send(connect("plug-1", "plug-1", PASSWORD) + publish(TELEMETRY, b"1", 1) + DISCONNECT)
    assert await client.closed() == b"\x20\x02\0\0\x40\x02\0\x01"
    assert bench.receiver.messages() == [("plug-1", "telemetry", b"1")]


@pytest.mark.parametrize("bench", [Limits(inflight=3)], indirect=True)
async def test_unacknowledged_messages_are_bounded_both_ways(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    await plug.subscribe(("smartplug/plug-1/control", 1))
    assert [bench.broker.send("plug-1", "control", b"x", 1) for _ in range(4)] == [True, True, True, False]
    assert bench.broker.stats()["dropped:inflight"] == 1
    assert [(await plug.message()).packet_id for _ in range(3)] == [1, 2, 3]
    await plug.ping()
    assert bench.broker.send("plug-1", "control", b"x", 1)
    for packet_id in range(1, 5):
        plug.send(publish(TELEMETRY, b"x", 2, packet_id))
    await plug.closed()
    assert bench.receiver.heard[-1] == ("disconnected", "plug-1", "refused")


async def test_stop_says_why_and_sends_no_will(bench: Bench) -> None:
    plug = await bench.login("plug-1", will=(STATUS, b"offline", 0, True))
    await plug.subscribe(("smartplug/plug-1/ack", 0))
    assert bench.broker.send("plug-1", "ack", b"last")
    await bench.broker.stop()
    assert await plug.closed() == packet(0x30, text("smartplug/plug-1/ack") + b"last"), "what was under way still came"
    assert bench.receiver.heard[-1] == ("disconnected", "plug-1", "hub_stopped")
    assert bench.receiver.messages() == []
