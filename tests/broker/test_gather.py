"""Reading the plugs' sockets together: nothing is lost, and many samples cost few turns."""

import asyncio
import select

import pytest

from hub.broker import Limits, gather
from hub.broker.connection import BEHIND
from hub.broker.plug import PlugConnection
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


async def test_an_error_at_one_plug_ends_that_plug_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take = PlugConnection._take

    def broken(self: PlugConnection, head: int, body: bytes, answers: list[bytes]) -> None:
        if self.hardware_id == "plug-2":
            raise RuntimeError("a fault of the hub")
        take(self, head, body, answers)

    plugs = [await bench.login(name, will=(f"smartplug/{name}/status", b"offline", 0, False)) for name in PLUGS]
    monkeypatch.setattr(PlugConnection, "_take", broken)
    for number in range(3):
        for plug, name in zip(plugs, PLUGS, strict=True):
            plug.send(publish(f"smartplug/{name}/telemetry/batch", b"%d" % number))
    assert await plugs[1].closed() == b""
    await bench.receiver.until("disconnected", "plug-2", "will")
    for name in ("plug-1", "plug-3"):
        await bench.receiver.until("message", name, "telemetry/batch", b"2", False)
        assert len([plug for plug, _, _ in bench.receiver.messages() if plug == name]) == 3
    assert bench.broker.stats()["read_errors"] == 1
    assert "What plug-2 sent ended its connection" in caplog.text
    monkeypatch.undo()
    again = await bench.login("plug-2")
    await again.publish(TELEMETRY.format("plug-2"), b"again", 1)


@pytest.mark.parametrize("bench", [Limits(rate=1_000_000)], indirect=True)
async def test_who_sends_without_a_pause_does_not_hold_up_the_others(bench: Bench) -> None:
    flooding, other = await bench.login("plug-1"), await bench.login("plug-2")
    count = 4000
    flooding.send(publish(TELEMETRY.format("plug-1"), b"x" * 500) * count)
    other.send(publish(TELEMETRY.format("plug-2"), b"x"))
    await bench.receiver.until("message", "plug-2", "telemetry", b"x", False)
    assert len(bench.receiver.messages()) < count // 2
    async with asyncio.timeout(PATIENCE):
        while len(bench.receiver.messages()) <= count:
            await asyncio.sleep(0)


async def test_a_plug_that_ends_another_in_the_same_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = await bench.login("plug-1"), await bench.login("plug-2")
    hear = bench.receiver.message

    def drop(hardware_id: str, suffix: str, payload: bytes, retained: bool) -> None:
        hear(hardware_id, suffix, payload, retained)
        bench.broker.drop("plug-2" if hardware_id == "plug-1" else "plug-1")

    monkeypatch.setattr(bench.receiver, "message", drop)
    one.send(publish(TELEMETRY.format("plug-1"), b"x"))
    two.send(publish(TELEMETRY.format("plug-2"), b"x"))
    await bench.settled("plugs", 1)
    assert len(bench.receiver.messages()) == 1


async def test_what_waits_while_a_plug_is_not_read_is_read_afterwards(bench: Bench) -> None:
    plug, other = await bench.login("plug-1"), await bench.login("plug-2")
    connection = bench.broker._lane.plugs["plug-1"]
    connection.hold(BEHIND)
    plug.send(publish(TELEMETRY.format("plug-1"), b"waits"))
    await other.publish(TELEMETRY.format("plug-2"), b"read", 1)
    assert bench.receiver.messages() == [("plug-2", "telemetry", b"read")]
    reader = bench.broker._lane.gather
    assert reader is not None
    reader._epoll.register(connection.fd, select.EPOLLIN)  # as if a socket of this number had not been let go
    connection.release(BEHIND)
    await bench.receiver.until("message", "plug-1", "telemetry", b"waits", False)


async def test_where_the_system_watches_no_more_sockets_a_plug_is_read_by_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: gather.Gather, fd: int, connection: PlugConnection) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gather.Gather, "add", full)
    plug = await bench.login("plug-1", will=("smartplug/plug-1/status", b"offline", 0, False))
    await plug.publish(TELEMETRY.format("plug-1"), b"x", 1)
    assert bench.broker.stats()["read_alone"] == 1
    plug.abort()
    await bench.receiver.until("disconnected", "plug-1", "will")


async def test_a_broker_that_stops_in_the_middle_of_a_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = await bench.login("plug-1")
    monkeypatch.setattr(bench.receiver, "message", lambda *_: bench.broker._lane.stop())
    plug.send(publish(TELEMETRY.format("plug-1"), b"x") * 2)
    assert await plug.closed() == b""
    await bench.receiver.until("disconnected", "plug-1", "hub_stopped")


class Loop:
    """Notes for how long the next turn is put off."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.cancelled = 0

    def time(self) -> float:
        return self.now

    def add_reader(self, *_: object) -> None:
        pass

    def remove_reader(self, *_: object) -> None:
        pass

    def call_soon(self, _: object) -> "Loop":
        return self

    def call_later(self, wait: float, _: object) -> "Loop":
        self.waits.append(wait)
        return self

    def cancel(self) -> None:
        """Of what `call_later` returned."""
        self.cancelled += 1


def test_one_turn_with_few_reads_does_not_make_the_next_wait_long() -> None:
    loop = Loop()
    gathering = gather.Gather(loop, {})  # type: ignore[arg-type]
    for reads in (20, 3, 20, 3, 3, 3):
        gathering._wait(reads, 100 * reads, more=False)
        loop.now += loop.waits[-1]
    gathering._epoll.close()
    busy, calm = gather.BUSY_S, gather.CALM_S
    assert loop.waits == [busy, busy, busy, busy, calm, calm]


def test_while_somebody_waits_for_a_plug_to_switch_turns_are_frequent() -> None:
    loop = Loop()
    gathering = gather.Gather(loop, {})  # type: ignore[arg-type]
    gathering._wait(3, 300, more=False)
    gathering.hurry()
    gathering._wait(3, 300, more=False)
    loop.now += gather.HURRY_S
    gathering._wait(3, 300, more=False)
    gathering._epoll.close()
    assert loop.waits == [gather.CALM_S, gather.BUSY_S, gather.BUSY_S, gather.CALM_S]
    assert loop.cancelled == 1


def test_who_switches_plug_after_plug_does_not_put_reading_off() -> None:
    loop = Loop()
    gathering = gather.Gather(loop, {})  # type: ignore[arg-type]
    gathering._wait(3, 300, more=False)
    for _ in range(10):
        loop.now += gather.BUSY_S / 2
        gathering.hurry()
    gathering._wait(gather.AT_ONCE_READS, 300, more=False)
    gathering.hurry()  # a turn that comes at once stays so
    gathering._epoll.close()
    assert loop.waits == [gather.CALM_S, gather.BUSY_S]


async def test_a_command_makes_the_plugs_be_read_soon(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(gather.Gather, "hurry", lambda _: asked.append("hurry"))
    plug = await bench.login("plug-1")
    await plug.subscribe(("smartplug/plug-1/control", 1), ("smartplug/plug-1/ack", 0))
    assert bench.broker.send("plug-1", "ack", b"{}", 0)
    assert asked == []
    assert bench.broker.send("plug-1", "control", b"{}", 1)
    assert asked == ["hurry"]
