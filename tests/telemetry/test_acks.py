"""Acks: when they go out, what they name, and that a plug is never told more than what is durable."""

from typing import Any

import msgspec
import pytest

from hub.bus import Bus
from hub.events import ClockChanged, Committed, StatusReported
from hub.telemetry import Acks, Streams
from hub.telemetry.acks import MOST_STREAMS
from integrations.devices.smartplug.driver import SmartplugDriver
from tests.history.house import START, ManualClock, Plug, Registry


class Bench:
    def __init__(self) -> None:
        self.clock, self.bus, self.streams = ManualClock(START), Bus(), Streams()
        self.sent: list[dict[str, Any]] = []
        self.connected = True
        self.acks = Acks(
            registry=Registry(Plug(), Plug("d2", "plug-2")),
            drivers={"smartplug": SmartplugDriver()},
            streams=self.streams,
            send=self.send,
            bus=self.bus,
            clock=self.clock,
            hub_id="hub-1",
        )
        self.acks.start()

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int) -> bool:
        assert (suffix, qos) == ("ack", 0)
        if self.connected:
            self.sent.append({"to": hardware_id, **msgspec.json.decode(payload)})
        return self.connected

    def arrive(self, run: str, *seqs: int, channel: int = 0) -> None:
        stream = self.streams.open("d1", channel, run, "plug-1")
        for seq in seqs:
            stream.place(seq)
        stream.holds_from(0)
        self.streams.heard_live(stream)

    def commit(self) -> None:
        deltas = self.streams.take()
        self.streams.durable(deltas)
        keys = tuple(self.streams.by_number(delta.number).key for delta in deltas)
        self.bus.publish(Committed(START, 1, 1, keys))

    def status(self, run: str, oldest: dict[int, int] | None = None, **fields: Any) -> None:
        self.bus.publish(StatusReported("d1", START, fields.pop("online", True), {}, run=run, oldest=oldest, **fields))

    def named(self) -> list[tuple[str, int, int, int]]:
        return [(a["run"], a["channel"], a["seq"], a["seen"]) for a in self.sent[-1]["acks"]]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_after_a_commit_the_plug_is_told(bench: Bench) -> None:
    bench.arrive("r", 0, 1, 2, 5)
    bench.arrive("r", 0, channel=1)
    bench.commit()
    assert len(bench.sent) == 1
    ack = bench.sent[0]
    assert (ack["to"], ack["hub"], ack["session"], ack["time"]) == ("plug-1", "hub-1", bench.acks.session, START)
    assert bench.named() == [("r", 0, 2, 5), ("r", 1, 0, 0)]


def test_a_status_is_answered_with_what_is_durable_now(bench: Bench) -> None:
    bench.arrive("r", 0, 1)
    bench.status("r", {0: 0})
    assert bench.named() == [("r", 0, -1, -1)]
    bench.commit()
    bench.arrive("r", 2)
    bench.status("r", {0: 0}, retained=True)
    assert bench.named() == [("r", 0, 1, 1)]


def test_a_run_of_which_nothing_was_heard_is_asked_for_whole(bench: Bench) -> None:
    bench.status("new", {0: 900, 1: 3})
    assert bench.named() == [("new", 0, 899, -1), ("new", 1, 2, -1)]


def test_the_will_is_not_answered(bench: Bench) -> None:
    bench.status("r", online=False)
    assert bench.sent == []


def test_every_stream_with_arrivals_is_named_until_an_ack_went_out(bench: Bench) -> None:
    bench.arrive("old", 0, 1)
    bench.arrive("new", 0)
    bench.connected = False
    bench.commit()
    bench.connected = True
    bench.status("new", {0: 0})
    assert bench.named() == [("old", 0, 1, 1), ("new", 0, 0, 0)]
    bench.status("new", {0: 0})
    assert bench.named() == [("new", 0, 0, 0)]


def test_an_ack_names_only_so_many_streams_the_present_run_among_them_and_the_next_ack_the_rest(bench: Bench) -> None:
    bench.connected = False
    for number in range(70):
        bench.arrive(f"r{number}", 0)
    bench.commit()
    bench.connected = True
    told = set()
    for _ in range(3):
        bench.status("r69", {0: 0})
        assert len(bench.named()) <= MOST_STREAMS
        assert ("r69", 0, 0, 0) in bench.named()
        told |= {run for run, *_ in bench.named()}
    assert told == {f"r{number}" for number in range(70)}
    bench.status("r69", {0: 0})
    assert bench.named() == [("r69", 0, 0, 0)]


def test_no_time_is_told_while_the_clock_is_uncertain_and_at_once_when_it_is_certain(bench: Bench) -> None:
    bench.clock.is_certain = False
    bench.arrive("r", 0)
    bench.commit()
    assert "time" not in bench.sent[-1]
    bench.clock.is_certain = True
    bench.bus.publish(ClockChanged(certain=True, step_ms=5))
    assert [ack["to"] for ack in bench.sent[-2:]] == ["plug-1", "plug-2"]
    assert bench.sent[-2]["time"] == START


def test_each_start_has_its_own_session(bench: Bench) -> None:
    assert Bench().acks.session != bench.acks.session
