"""Mutated packets in a stream cut anywhere: the lane must end the connection or answer, and leave the others alone."""

import asyncio
import itertools
from collections.abc import Callable

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hub.broker import packets
from hub.broker.packets import MalformedPacket, UnsupportedVersion, check, frame
from tests.broker.client import DISCONNECT, PING, acknowledge, connect, packet, publish, subscribe, text, unsubscribe
from tests.broker.parts import PASSWORD, Bench

TELEMETRY = "smartplug/plug-1/telemetry"
LIMIT = 256 * 1024
SEEDS = [
    publish(TELEMETRY, b"hello"),
    publish(TELEMETRY, b"hello" * 40, 1, 7),
    publish(TELEMETRY, b"hello", 2, 7),
    publish("smartplug/plug-1/status", b"on", 1, 8, retain=True),
    publish("home/x/set", b"x", 2, 9),
    subscribe(("smartplug/plug-1/control", 1), ("home/#", 2)),
    unsubscribe("home/#"),
    *(acknowledge(kind, 7) for kind in (4, 5, 6, 7)),
    PING,
    DISCONNECT,
    connect("again", "plug-1", PASSWORD),
]
# Kept because they once showed something, in this broker's making or in others.
CORPUS = [
    b"\x40\x09\0\1" + publish(TELEMETRY),
    b"\x32\x1e" + text(TELEMETRY) + b"\0\0",
    packet(0x32, text(TELEMETRY)),
    b"\x30\x1b" + text(TELEMETRY)[:-1],
    packet(0x38, text(TELEMETRY)),
    b"\x30\x80\x80\x80\x80\x01",
    b"\x82\x02\0\1",
    b"\x30\x00",
    b"\x82\x00",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["set", "cut", "insert", "head"])):
            case "set":
                data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[place:]
            case "insert":
                data[place:place] = draw(st.binary(max_size=8))
            case _:
                data[:1] = draw(st.binary(min_size=1, max_size=1))
    return bytes(data)


STREAMS = st.lists(st.one_of(st.sampled_from(SEEDS), damaged(), st.binary(max_size=40)), max_size=8).map(b"".join)


def reference(stream: bytes) -> list[tuple[str, bytes]] | None:
    """What a plug's stream says, by the plain functions; None where it is malformed."""
    heard: list[tuple[str, bytes]] = []
    at, released = 0, set[int]()
    while len(stream) - at >= 2:
        place = frame(stream, at, LIMIT)
        if place is None or place[1] > len(stream):
            break
        body = stream[place[0] : place[1]]
        kind = check(stream[at], body)
        if kind == packets.PUBLISH:
            publish = packets.parse_publish(stream[at], body)
            if publish.qos < 2 or publish.packet_id not in released:
                heard.append((publish.topic, publish.payload))
            if publish.qos == 2:
                released.add(publish.packet_id)
        elif kind == packets.PUBREL:
            released.discard(packets.parse_packet_id(body))
        elif kind == packets.DISCONNECT:
            break
        at = place[1]
    return heard


@given(data=st.one_of(damaged(), st.binary(max_size=80)))
@settings(max_examples=500)
def test_parsers_return_or_say_malformed(data: bytes) -> None:
    for parse in (packets.parse_connect, packets.parse_subscribe, packets.parse_unsubscribe, packets.parse_packet_id):
        try:
            parse(data)
        except (MalformedPacket, UnsupportedVersion):
            continue
    for head in range(256):
        try:
            check(head, data)
        except MalformedPacket:
            continue


def with_corpus(test: Callable[..., object]) -> Callable[..., object]:
    """The kept streams, before the drawn ones."""
    for data in CORPUS:
        test = example(stream=data, cuts=[1, 3])(test)
    return test


@with_corpus
@given(stream=STREAMS, cuts=st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
async def test_a_plug_hears_exactly_what_the_plain_parser_reads(bench: Bench, stream: bytes, cuts: list[int]) -> None:
    plug = await bench.login("plug-1")
    bench.receiver.heard.clear()
    connection = bench.broker._lane.plugs["plug-1"]
    try:
        expected: list[tuple[str, bytes]] | None = reference(stream)
    except MalformedPacket:
        expected = None
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    for start, end in itertools.pairwise(places):
        connection.data_received(stream[start:end])
    assert connection.ended or expected is not None, "what is malformed ends the connection"
    if expected is not None:
        allowed = (TELEMETRY, "smartplug/plug-1/status")
        wanted = [one for one in expected if one[0] in allowed or one[0].startswith(TELEMETRY + "/")]
        assert [(f"smartplug/{id}/{suffix}", payload) for id, suffix, payload in bench.receiver.messages()] == wanted
    await plug.close()
    await bench.settled("connections", 0)


@with_corpus
@given(stream=STREAMS, cuts=st.lists(st.integers(0, 400), max_size=3))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
async def test_whatever_a_client_sends_disturbs_nobody(bench: Bench, stream: bytes, cuts: list[int]) -> None:
    living = await bench.login("plug-2")
    client = await bench.login("all", "fuzz", clean=False)
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    for start, end in itertools.pairwise(places):
        client.send(stream[start:end])
        await asyncio.sleep(0)
    client.end_of_stream()
    await client.closed()
    await client.close()
    await living.publish("smartplug/plug-2/telemetry", b"living", 1)
    await living.disconnect()
    await bench.settled("connections", 0)
    await bench.settled("clients", 0)
    assert "client_errors" not in bench.broker.stats()
    assert "receiver_errors" not in bench.broker.stats()


@given(data=st.one_of(damaged(), st.binary(max_size=60), st.just(connect("c", "plug-1", PASSWORD))))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
async def test_whatever_comes_first_ends_or_logs_in(bench: Bench, data: bytes) -> None:
    client = await bench.open()
    client.send(data)
    client.end_of_stream()
    await client.closed()
    await client.close()
    await bench.settled("connections", 0)
    assert bench.broker.stats()["waiting"] == 0
