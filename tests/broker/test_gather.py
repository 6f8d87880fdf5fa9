"""Reading the plugs' sockets together: nothing is lost, and many samples cost few turns."""

import asyncio

import pytest

from hub.broker import gather
from tests.broker.client import DISCONNECT, PATIENCE, publish
from tests.broker.parts import PLUGS, Bench

TELEMETRY = "smartplug/{}/telemetry"


async def test_what_several_plugs_send_at_once_is_read_in_few_turns(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    turn = gather.Gather._turn

    def counted(self: gather.Gather) -> None:
        nonlocal turns
        turns += 1
        turn(self)

    monkeypatch.setattr(gather.Gather, "_turn", counted)
    plugs = {name: await bench.login(name) for name in PLUGS}
    for number in range(100):
        for name, plug in plugs.items():
            plug.send(publish(TELEMETRY.format(name), b"%d" % number))
    for name, plug in plugs.items():
        plug.send(publish(TELEMETRY.format(name), b"last"))
        await bench.receiver.until("message", name, "telemetry", b"last", False)
    expected = [b"%d" % number for number in range(100)] + [b"last"]
    for name in PLUGS:
        assert [payload for plug, _, payload in bench.receiver.messages() if plug == name] == expected
    assert turns < 30


async def test_a_socket_number_that_is_used_again_belongs_to_the_new_connection(bench: Bench) -> None:
    for number in range(30):
        plug = await bench.login("plug-1")
        await plug.publish(TELEMETRY.format("plug-1"), b"%d" % number, 1)
        if number % 3 == 0:
            plug.abort()
        elif number % 3 == 1:
            plug.send(DISCONNECT)
    assert [payload for _, _, payload in bench.receiver.messages()] == [b"%d" % number for number in range(30)]


async def test_what_arrived_before_the_other_end_closed_is_taken_first(bench: Bench) -> None:
    plug = await bench.login("plug-1", will=("smartplug/plug-1/status", b"offline", 0, False))
    for number in range(50):
        plug.send(publish(TELEMETRY.format("plug-1"), b"%d" % number))
    await plug.close()
    await bench.receiver.until("disconnected", "plug-1", "will")
    heard = [payload for _, _, payload in bench.receiver.messages()]
    assert heard == [b"%d" % number for number in range(50)] + [b"offline"]


async def test_after_a_busy_time_a_lone_sample_is_heard_again(bench: Bench) -> None:
    plugs = [await bench.login(name) for name in PLUGS]
    for _ in range(20):
        for plug, name in zip(plugs, PLUGS, strict=True):
            await plug.publish(TELEMETRY.format(name), b"busy", 1)
    lane = bench.broker._lane
    async with asyncio.timeout(PATIENCE):
        while lane.gather is None or lane.gather._next is not None:
            await asyncio.sleep(0)
    await plugs[0].publish(TELEMETRY.format(PLUGS[0]), b"alone", 1)
    assert bench.receiver.messages()[-1] == (PLUGS[0], "telemetry", b"alone")
