"""Before and at the login: bad packets, limits, and a port that is taken."""

import socket

import pytest

from hub.broker import EmbeddedBroker, Limits, Listener
from hub.clock import Clock
from hub.messages import HubError
from tests.broker.client import PING, Client, connect, packet, publish, subscribe, text
from tests.broker.parts import PASSWORD, Bench, Receiver, Store, authenticate

TELEMETRY = "smartplug/plug-1/telemetry"
LOGIN = connect("plug-1", "plug-1", PASSWORD)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x00\x00", b""),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"\x16\x03\x01", b""),  # a TLS hello
        (b"\x11" + LOGIN[1:], b""),
        (publish("a"), b""),
        (PING, b""),
        (connect("c", "plug-1", PASSWORD, name="XXXX"), b""),
        (b"\x10\xff\xff\xff\xff\x01", b""),
        (b"\x10\x81\x80\x01", b""),  # 16 KiB + 1
        (packet(0x10, text("MQTT") + b"\x04\x03\0\0" + text("c")), b""),
        (packet(0x10, text("MQTT") + b"\x04\x02\0\0" + text("a\0")), b""),
        (packet(0x10, text("MQTT") + b"\x04\x02\0\0" + text(b"\xff")), b""),
        (packet(0x10, LOGIN[2:] + b"\0"), b""),
        (packet(0x10, LOGIN[2:-1]), b""),
        (packet(0x10, b""), b""),
        (connect("c", "plug-1", PASSWORD, level=5), b"\x20\2\0\1"),
        (connect("c", "plug-1", PASSWORD, level=3, name="MQIsdp"), b"\x20\2\0\1"),
        (connect("", "all", PASSWORD, clean=False), b"\x20\2\0\2"),
        (connect("c", "broken", PASSWORD), b"\x20\2\0\3"),
        (connect("c"), b"\x20\2\0\5"),
        (connect("c", "plug-1"), b"\x20\2\0\5"),
        (connect("c", "nobody", PASSWORD), b"\x20\2\0\5"),
    ],
)
async def test_a_bad_first_packet_ends_the_connection(bench: Bench, data: bytes, answer: bytes) -> None:
    client = await bench.open()
    client.send(data)
    assert await client.closed() == answer
    assert bench.receiver.heard == []


@pytest.mark.parametrize("user", ["plug-1", "all"])
@pytest.mark.parametrize(
    "data",
    [
        LOGIN,
        b"\x00\x00",
        b"\xf0\x00",
        b"\x20\x02\x00\x00",
        packet(0x36, text(TELEMETRY) + b"\0\1"),
        packet(0x38, text(TELEMETRY)),
        packet(0x32, text(TELEMETRY) + b"\0\0"),
        packet(0x32, text(TELEMETRY)),
        packet(0x32, text(TELEMETRY) + b"\1"),
        packet(0x30, text(TELEMETRY)[:-1]),
        publish("smartplug/plug-1/+"),
        publish("smartplug/#"),
        publish(""),
        publish("a\0b"),
        publish(b"\xff\xfe"),
        b"\x30\xff\xff\xff\xff\x01",
        b"\x30\x81\x80\x10",  # 256 KiB + 1
        packet(0x80, b"\0\1" + text("a") + b"\0"),
        packet(0x82, b"\0\1"),
        packet(0x82, b"\0\0" + text("a") + b"\0"),
        packet(0x82, b"\0\1" + text("a") + b"\3"),
        packet(0x82, b"\0\1" + text("a")),
        packet(0xA2, b"\0\1"),
        packet(0xA0, b"\0\1" + text("a")),
        b"\x40\x03\0\1\0",
        b"\x40\x09\0\1" + publish("smug", b"gle"),  # a packet inside a packet
        b"\x62\x00",
        b"\x60\x02\0\1",
        b"\xc0\x01\0",
        b"\xe0\x01\0",
    ],
)
async def test_a_bad_packet_after_the_login_ends_the_connection_only(bench: Bench, user: str, data: bytes) -> None:
    other = await bench.login("plug-2")
    client = await bench.login(user)
    client.send(data + publish(TELEMETRY, b"smuggled"))
    await client.closed()
    assert ("plug-1", "telemetry", b"smuggled") not in bench.receiver.messages()
    assert bench.broker.stats()["refused:protocol"] == 1
    await other.publish("smartplug/plug-2/telemetry", b"undisturbed", 1)
    again = await bench.login(user)
    await again.ping()


@pytest.mark.parametrize("user", ["plug-1", "all"])
async def test_the_largest_packet_is_taken(bench: Bench, user: str) -> None:
    client = await bench.login(user)
    payload = bytes(256 * 1024 - 2 - len(TELEMETRY) - 2)
    await client.publish(TELEMETRY, payload, 1)
    assert bench.receiver.messages() == ([("plug-1", "telemetry", payload)] if user == "plug-1" else [])


@pytest.mark.parametrize("start", [b"", LOGIN[:1], LOGIN[:5], LOGIN[:-1]])
async def test_connect_has_ten_seconds(bench: Bench, start: bytes) -> None:
    client = await bench.open()
    client.send(start)
    await bench.settled("waiting", 1)
    bench.clock.advance(9)
    assert bench.broker.stats()["waiting"] == 1
    bench.clock.advance(2)
    await client.closed()
    assert bench.broker.stats()["refused:connect_time"] == 1


async def test_connect_may_come_in_pieces(bench: Bench) -> None:
    for cut in range(1, len(LOGIN)):
        client = await bench.open()
        client.send(LOGIN[:cut])
        await bench.settled("waiting", 1)
        client.send(LOGIN[cut:])
        assert (await client.read()).body == b"\0\0", cut
        await client.disconnect()


@pytest.mark.parametrize("bench", [Limits(connections=3)], indirect=True)
async def test_connections_in_all_are_bounded(bench: Bench) -> None:
    clients = [await bench.login(f"plug-{number}") for number in (1, 2, 3)]
    await bench.refused("connections", 1)
    await clients[0].disconnect()
    await bench.settled("connections", 2)
    await bench.login("plug-1")


@pytest.mark.parametrize("bench", [Limits(connections_per_host=2)], indirect=True)
async def test_connections_of_a_host_are_bounded(bench: Bench) -> None:
    await bench.login("plug-1")
    await bench.login("plug-2")
    await bench.refused("host", 1)


@pytest.mark.parametrize("bench", [Limits(waiting=2)], indirect=True)
async def test_the_oldest_that_does_not_log_in_makes_room(bench: Bench) -> None:
    idle = []
    for count in (1, 2):
        idle.append(await bench.open())
        await bench.settled("waiting", count)
    await bench.login("plug-1")
    await idle[0].closed()
    assert bench.broker.stats()["refused:waiting"] == 1
    idle[1].send(connect("plug-2", "plug-2", PASSWORD))
    assert (await idle[1].read()).body == b"\0\0"


@pytest.mark.parametrize("bench", [Limits(free_failures=3, longest_backoff=8)], indirect=True)
async def test_wrong_logins_make_a_host_wait_longer_and_longer(bench: Bench) -> None:
    living = await bench.login("plug-1")

    async def attempt(password: bytes) -> int:
        client = await bench.open()
        client.send(connect("plug-2", "plug-2", password))
        return (await client.closed())[3]

    assert [await attempt(b"wrong") for _ in range(4)] == [5, 5, 5, 5]
    assert await attempt(PASSWORD) == 3
    await living.publish(TELEMETRY, b"living", 1)
    for seconds in (2, 4, 8, 8):
        bench.clock.advance(seconds - 0.5)
        assert await attempt(PASSWORD) == 3
        bench.clock.advance(0.5)
        assert await attempt(b"wrong") == 5
    assert bench.broker.stats()["refused:backoff"] == 5
    bench.clock.advance(100)
    assert [await attempt(b"wrong") for _ in range(3)] == [5, 5, 5], "forgotten"
    await bench.login("plug-2")


async def test_a_port_in_use_is_said_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listeners = [Listener("127.0.0.1", 0), Listener("127.0.0.1", port)]
        broker = EmbeddedBroker(Receiver(), authenticate, Store(), Clock(), listeners=listeners)
        with pytest.raises(HubError) as caught:
            await broker.start()
    assert caught.value.id == "port-in-use"
    assert caught.value.message.values["port"] == port
    assert broker.addresses == []


async def test_an_address_of_another_machine_is_said() -> None:
    broker = EmbeddedBroker(Receiver(), authenticate, Store(), Clock(), listeners=[Listener("192.0.2.1", 0)])
    with pytest.raises(HubError) as caught:
        await broker.start()
    assert caught.value.id == "address-unavailable"


async def test_several_listeners_serve_the_same_broker() -> None:
    receiver = Receiver()
    listeners = [Listener("127.0.0.1", 0), Listener("127.0.0.1", 0, "second")]
    broker = EmbeddedBroker(receiver, authenticate, Store(), Clock(), listeners=listeners)
    await broker.start()
    try:
        for number, (_, port) in enumerate(broker.addresses, 1):
            async with await Client.connect(port, "x", f"plug-{number}", PASSWORD):
                assert broker.is_connected(f"plug-{number}")
    finally:
        await broker.stop()


async def test_stop_closes_connections_at_every_stage(bench: Bench) -> None:
    idle = await bench.open()
    half = await bench.open()
    half.send(LOGIN[:7])
    plug = await bench.login("plug-1")
    client = await bench.login("all", clean=False)
    await client.subscribe(("#", 2))
    waiting = await bench.open()
    waiting.send(connect("all", "all", PASSWORD) + subscribe(("#", 1)))  # a take-over under way
    await bench.settled("waiting", 2)
    await bench.broker.stop()
    for one in (idle, half, plug, client, waiting):
        await one.closed()
    stats = bench.broker.stats()
    assert [stats[name] for name in ("connections", "plugs", "clients", "waiting")] == [0, 0, 0, 0]
