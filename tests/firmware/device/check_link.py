"""Back-off, and what happens around a connection, without a network."""

import asyncio
import json

from harness import equal, main
from parts import plug_on, settings

from firmware.boards.simulated import SimulatedBoard
from firmware.plug import link
from firmware.plug.app import Plug


class Stop(Exception):
    pass


def pauses_of(plug, count: int, lasting=()) -> list:
    """The pauses between `count` attempts; attempt i keeps its connection for lasting[i] ms."""
    pauses = []

    async def attempt() -> None:
        if len(pauses) < len(lasting):
            plug.board.ticks_offset += lasting[len(pauses)]
        raise OSError("refused")

    async def sleep(ms: int) -> None:
        pauses.append(ms)
        if len(pauses) == count:
            raise Stop

    plug.link._connection = attempt
    real, link.sleep_ms = link.sleep_ms, sleep
    try:
        asyncio.run(plug.link.run())
    except Stop:
        pass
    finally:
        link.sleep_ms = real
    return pauses


def test_pauses_double_up_to_a_minute_and_are_random() -> None:
    plug = plug_on()
    pauses = pauses_of(plug, 12)
    for i, pause in enumerate(pauses):
        whole = min(1000 << i, 60_000)
        assert whole // 2 <= pause <= whole, (i, pause)
    others = {tuple(pauses_of(plug, 12)) for _ in range(5)}
    equal(len(others), 5)


def test_a_connection_that_lasted_begins_anew() -> None:
    pauses = pauses_of(plug_on(), 8, [0, 0, 0, 0, 0, 11_000])
    assert pauses[4] >= 8000, pauses
    assert pauses[5] <= 1000, pauses


def test_a_connection_that_breaks_at_once_does_not() -> None:
    pauses = pauses_of(plug_on(), 6, [2000] * 6)
    assert pauses[5] >= 16_000, pauses


def test_the_wait_before_a_replay_is_random_up_to_what_is_set() -> None:
    made = settings()
    made.replay_wait_ms = 30_000
    plug = Plug(SimulatedBoard(), made)
    waits = []
    for i in range(200):
        plug.outlets[0].ring.append(i, 0, 0, 0, 0, 0, True)
        text = f'{{"hub":"h","session":"{i}","acks":[{{"run":"{plug.run_id}","seq":-1,"seen":-1}}]}}'
        now = plug.uptime.ms()
        plug.link._ack(text.encode())
        waits.append(plug.link._replay_at - now)
    assert 0 <= min(waits) < 3000, min(waits)
    assert 27_000 < max(waits) <= 30_100, max(waits)


class Client:
    """What the link needs of a connection."""

    def __init__(self) -> None:
        self.sent = []

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        self.sent.append((topic, json.loads(payload), qos))


async def test_batches_of_120_one_outlet_after_the_other() -> None:
    made = settings()
    made.ring_samples = 300
    plug = Plug(SimulatedBoard(2), made)
    for outlet in plug.outlets:
        for i in range(250):
            outlet.ring.append(i * 1000, 0, 0, 0, 0, 0, True)
    acks = [{"run": plug.run_id, "channel": channel, "seq": 9, "seen": 9} for channel in (0, 1)]
    plug.link._ack(json.dumps({"hub": "h", "session": "s", "acks": acks}).encode())
    client = Client()
    while await plug.link._send_batch(client):
        pass
    sent = [(values.get("channel", 0), values["seq"], len(values["power"])) for _, values, _ in client.sent]
    equal(sent, [(1, 10, 120), (0, 10, 120), (1, 130, 120), (0, 130, 120)])
    equal({(topic, qos) for topic, _, qos in client.sent}, {("smartplug/test-plug/telemetry/batch", 1)})


main(globals())
