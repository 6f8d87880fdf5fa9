"""Ingest: validation, settling, dating by arrival, the live view, and that one bad message never stops the next."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest

from hub.bus import Bus
from hub.events import PayloadRejected, SampleReceived, StatusReported
from hub.plugins.contract import NONE, Minutes, Status
from hub.sample import Sample
from hub.telemetry import Arrivals, Buffer, Ingest, Live, Rejects, Streams
from hub.telemetry.offsets import date
from hub.telemetry.starts import AT_ONCE, EVERY_MS
from integrations.devices.smartplug.driver import SmartplugDriver
from tests.history.house import START, ManualClock, Plug, Registry, sample


class Heard:
    def __init__(self) -> None:
        self.devices: list[str] = []

    def heard(self, device_id: str) -> None:
        self.devices.append(device_id)


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.bus = Bus()
        self.streams, self.buffer, self.live, self.rejects, self.presence = (
            Streams(),
            Buffer(),
            Live(),
            Rejects(),
            Heard(),
        )
        self.arrivals = Arrivals(self.clock)
        self.drivers: dict[str, Any] = {"smartplug": SmartplugDriver()}
        self.ingest = Ingest(
            registry=Registry(Plug(), Plug("d2", "plug-2", driver="gone")),
            drivers=self.drivers,
            streams=self.streams,
            buffer=self.buffer,
            live=self.live,
            rejects=self.rejects,
            presence=self.presence,
            bus=self.bus,
            arrivals=self.arrivals,
        )
        self.samples: list[SampleReceived] = []
        self.refused: list[PayloadRejected] = []
        self.statuses: list[StatusReported] = []
        self.bus.subscribe(SampleReceived, self.samples.append, "test")
        self.bus.subscribe(PayloadRejected, self.refused.append, "test")
        self.bus.subscribe(StatusReported, self.statuses.append, "test")

    def send(self, body: Any, suffix: str = "telemetry", *, plug: str = "plug-1", retained: bool = False) -> None:
        payload = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self.ingest.message(plug, suffix, payload, retained)

    def columns(self, run: str = "a" * 16, channel: int = 0):
        stream = self.streams.get("d1", channel, run)
        assert stream is not None
        return self.buffer.of_stream(stream.number)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_live_sample_reaches_live_buffer_bus_and_presence(bench: Bench) -> None:
    bench.send(sample(0, power_factor=0.9))
    assert bench.samples[0].at == START
    state = bench.live.get("d1")
    assert state is not None
    assert (state.power, state.voltage, state.energy_mwh, state.relay, state.power_factor) == (
        3600,
        230,
        5000,
        True,
        0.9,
    )
    assert len(bench.columns()) == 1
    assert bench.presence.devices == ["d1"]
    raw = bench.columns().raw("r")
    assert (raw.up[0], raw.at[0], raw.energy_mwh[0], raw.relay[0]) == (0, NONE, 5000, 1)
    assert raw.extra["power_factor"].tolist() == [0.9]


def test_without_power_it_is_voltage_times_current_and_marked(bench: Bench) -> None:
    bench.send({"voltage": 120.0, "current": 0.5})
    state = bench.live.get("d1")
    assert state is not None
    assert (state.power, state.apparent) == (60.0, True)


def test_energy_in_watt_hours_is_taken_too(bench: Bench) -> None:
    bench.send({"voltage": 120.0, "current": 0.5, "energy": 12.3456})
    assert bench.columns("").raw("").energy_mwh.tolist() == [12346]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"voltage": 500.1}, "voltage"),
        ({"voltage": -1}, "voltage"),
        ({"current": 101}, "current"),
        ({"current": -0.1}, "current"),
        ({"power": 25_001}, "power"),
        ({"power": -25_001}, "power"),
        ({"energy_mwh": -1}, "energy"),
        ({"export_mwh": 2**60}, "energy"),
        ({"voltage": None}, "missing"),
    ],
)
def test_a_refused_sample_is_settled_counted_and_shown(bench: Bench, fields: dict[str, Any], reason: str) -> None:
    bench.send(sample(0))
    bench.send(sample(1, **fields))
    bench.send(sample(2))
    stream = bench.streams.get("d1", 0, "a" * 16)
    assert stream is not None
    assert list(stream.settled) == [(0, 2)]
    assert bench.columns().column("seq").tolist() == [0, 2]
    assert bench.rejects.counts["d1", reason] == 1
    assert bench.rejects.newest("d1")[0].reason == reason
    assert bench.refused[0].reason == reason
    assert len(bench.samples) == 2


HALF = "\ud800"  # half a character: JSON can say it, and nothing that the hub writes could hold it


@pytest.mark.parametrize(
    "fields",
    [{"seq": -1}, {"seq": 2**60}, {"run": ""}, {"run": "x" * 65}, {"run": "ä"}, {"up": 2**52}, {"channel": 16}],
)
def test_an_impossible_place_is_refused_and_not_settled(bench: Bench, fields: dict[str, Any]) -> None:
    bench.send(sample(1) | fields)
    assert len(bench.buffer) == 0
    assert bench.refused
    assert bench.streams.of_device("d1") == []


def test_one_bad_message_never_stops_the_next(bench: Bench) -> None:
    class Broken(SmartplugDriver):
        def decode(self, suffix: str, payload: bytes) -> Any:
            if payload == b"boom":
                raise ZeroDivisionError("driver")
            return super().decode(suffix, payload)

    bench.drivers["smartplug"] = Broken()
    for payload in (b"boom", b"\xff", b"{}", b"[]", b'{"voltage":{}}', b"[" * 5000):
        bench.send(payload)
    bench.send(sample(0))
    assert len(bench.samples) == 1
    assert bench.rejects.counts["d1", "failed"] == 1
    assert sum(bench.rejects.counts.values()) == 6


def test_strangers_are_counted_and_ignored(bench: Bench) -> None:
    bench.send(sample(0), plug="who")
    bench.send(sample(0), plug="plug-2")
    assert bench.rejects.counts == {("unknown", "device"): 1, ("d2", "driver"): 1}
    assert bench.samples == []


def test_a_duplicate_is_neither_stored_nor_shown(bench: Bench) -> None:
    bench.send(sample(0))
    bench.send(sample(0))
    assert len(bench.samples) == len(bench.columns()) == 1


def test_an_older_live_sample_is_stored_but_not_shown(bench: Bench) -> None:
    bench.send(sample(1))
    bench.send(sample(0, power=1.0))
    assert bench.columns().column("seq").tolist() == [1, 0]
    assert bench.columns().raw("").seq.tolist() == [0, 1]
    assert len(bench.samples) == 1
    assert bench.live.get("d1").power == 3600


def test_a_batch_is_stored_but_not_shown_and_dates_nothing(bench: Bench) -> None:
    body = {
        "run": "a" * 16,
        "seq": 0,
        "oldest": 0,
        "up": 0,
        "dt": 1000,
        "voltage": [230.0] * 3,
        "current": [1.0, 200, 1],
    }
    bench.send(body, "telemetry/batch")
    stream = bench.streams.get("d1", 0, "a" * 16)
    assert stream is not None
    assert list(stream.settled) == [(0, 2)]
    assert bench.columns().column("seq").tolist() == [0, 2]
    assert bench.samples == []
    assert stream.offsets.wall.known() == []
    assert bench.rejects.counts["d1", "current"] == 1


def test_devices_without_streams_are_kept_under_their_arrival(bench: Bench) -> None:
    for _ in range(3):
        bench.send({"voltage": 230.0, "current": 1.0})
        bench.clock.run(10)
    raw = bench.columns("").raw("")
    assert raw.seq.tolist() == [0, 1, 2]
    assert raw.at.tolist() == [START, START + 10_000, START + 20_000]
    assert (raw.up == NONE).all()


@pytest.mark.parametrize(
    ("ts", "believed"),
    [
        (START, True),
        (START - 86_400_000, True),
        (START + 299_000, True),
        (START + 301_000, False),
        (START - 6 * 366 * 86_400_000, False),
    ],
)
def test_a_plugs_own_time_counts_only_if_it_can_be(bench: Bench, ts: int, believed: bool) -> None:
    bench.send({"voltage": 230.0, "current": 1.0, "ts": ts})
    assert bench.columns("").raw("").at.tolist() == [ts if believed else START]


def test_arrivals_of_an_uncertain_clock_are_kept_on_the_monotonic_one(bench: Bench) -> None:
    bench.clock.is_certain = False
    bench.clock.run(2)
    bench.send({"voltage": 230.0, "current": 1.0})
    (at,) = bench.columns("").column("at")
    assert NONE - 1 - at == int(bench.clock.monotonic() * 1000)
    bench.send(sample(0))
    stream = bench.streams.get("d1", 0, "a" * 16)
    assert stream is not None
    assert stream.offsets.wall.known() == []
    bench.clock.run(100)
    bench.clock.step(3_600_000)
    bench.clock.is_certain = True
    bench.send(sample(100))
    assert stream.offsets.wall.points == [(0, START + 2000 + 3_600_000)]


def test_a_step_of_the_clock_ends_the_minute(bench: Bench) -> None:
    for seq in range(90):
        bench.send(sample(seq))
        bench.clock.run(1)
    bench.clock.step(-50_000)
    for seq in range(90, 200):
        bench.send(sample(seq))
        bench.clock.run(1)
    stream = bench.streams.get("d1", 0, "a" * 16)
    assert stream is not None
    assert stream.offsets.wall.points == [(0, START), (89_000, START), (90_000, START - 50_000)]


@pytest.mark.parametrize("step", [-3_600_000, 3_600_000])
def test_the_first_message_after_a_step_already_has_the_new_time(bench: Bench, step: int) -> None:
    for seq in range(90):
        bench.send(sample(seq))
        bench.clock.run(1)
    bench.clock.step(step)
    bench.send(sample(90))
    stream = bench.streams.get("d1", 0, "a" * 16)
    assert stream is not None
    dated = date(stream.offsets.wall.known(), np.array([89_000, 90_000]))
    assert dated.tolist() == [START + 89_000, START + 90_000 + step]


def test_after_a_step_the_live_line_goes_on(bench: Bench) -> None:
    for seq in range(5):
        bench.send(sample(seq))
        bench.clock.run(1)
    bench.clock.step(-3_600_000)
    bench.send(sample(5))
    now = bench.clock.now()
    assert bench.live.recent("d1", 0, now).at == [now - age * 1000 for age in range(5, -1, -1)]
    bench.clock.run(601)
    assert bench.live.recent("d1", 0, bench.clock.now()).at == []


def test_while_nothing_can_be_stored_samples_are_live_only(bench: Bench) -> None:
    bench.buffer.storing = False
    bench.send(sample(0))
    bench.send(sample(1, voltage=900))
    assert len(bench.samples) == 1
    assert bench.streams.of_device("d1") == []
    bench.buffer.storing = True
    bench.send(sample(2))
    assert list(bench.streams.get("d1", 0, "a" * 16).settled) == [(2, 2)]


def test_a_status_is_passed_on_with_what_it_says(bench: Bench) -> None:
    bench.send(sample(5, oldest=0))
    body = {"status": "on", "id": "c-1", "run": "a" * 16, "oldest": 3, "reason": "brownout", "rssi": -60}
    bench.send(body, "status")
    bench.send(body, "status", retained=True)
    fresh, retained = bench.statuses
    assert (fresh.device, fresh.online, fresh.relays, fresh.command_id, fresh.retained) == (
        "d1",
        True,
        {0: True},
        "c-1",
        False,
    )
    assert retained.retained
    stream = bench.streams.get("d1", 0, "a" * 16)
    assert stream is not None
    assert (stream.oldest, stream.reason) == (3, "brownout")


@pytest.mark.parametrize("name", ["command_id", "error", "firmware", "run", "reason"])
@pytest.mark.parametrize("text", [HALF, "x" * 257])
def test_a_status_with_a_text_that_nobody_could_say_is_refused(bench: Bench, name: str, text: str) -> None:
    class Odd(SmartplugDriver):
        def decode(self, suffix: str, payload: bytes) -> Any:
            if suffix == "status":
                return msgspec.structs.replace(Status(online=True, relays={}), **{name: text})
            return Minutes("a" * 16, 0, [], [], text)

    bench.drivers["smartplug"] = Odd()
    bench.send({}, "status")
    bench.send({}, "telemetry/minutes")
    assert bench.statuses == []
    assert bench.rejects.counts["d1", "text"] == 2
    assert bench.streams.of_device("d1") == []


@pytest.mark.parametrize(
    ("suffix", "body"),
    [
        ("telemetry", {"run": HALF, "seq": 1, "voltage": "x", "current": 1}),
        ("telemetry", sample(1) | {"voltage": HALF}),
        ("telemetry/batch", {"run": HALF, "seq": 1, "up": 1, "dt": 1, "voltage": [1], "current": ["x"]}),
        ("telemetry/batch", {"run": "a", "seq": 1, "up": 1, "dt": 1, "voltage": [1, HALF], "current": [1, 1]}),
        ("telemetry/minutes", {"run": HALF, "minutes": [{}]}),
        ("status", {"status": "on", "run": HALF, "id": HALF}),
    ],
)
def test_half_a_character_is_refused_and_harms_nothing(bench: Bench, suffix: str, body: dict[str, Any]) -> None:
    bench.send(json.dumps(body).encode(), suffix)
    assert bench.rejects.counts["d1", "json"] == 1
    assert bench.streams.of_device("d1") == []


def test_the_live_chart_holds_ten_minutes(bench: Bench) -> None:
    for seq in range(1000):
        bench.send(sample(seq, power=float(seq)))
        bench.clock.run(1)
    recent = bench.live.recent("d1", 0, bench.clock.now())
    assert recent.at[0] >= bench.clock.now() - 600_000
    assert recent.power == [float(seq) for seq in range(400, 1000)]
    assert {len(getattr(recent, name)) for name in recent.__struct_fields__} == {600}
    assert bench.live.recent("d1", 1, 0).at == []


def test_the_ring_of_rejects_is_bounded(bench: Bench) -> None:
    for _ in range(500):
        bench.send(b"x" * 5000)
    assert bench.rejects.counts["d1", "json"] == 500
    assert len(bench.rejects.newest()) == 200
    assert len(bench.rejects.newest()[0].payload) == 200


def test_a_sample_is_completed_in_place() -> None:
    from hub.telemetry.bounds import refusal

    one = Sample(voltage=2.0, current=3.0)
    assert refusal(one) is None
    assert (one.power, one.apparent) == (6.0, True)
    assert refusal(Sample(voltage=float("nan"), current=1.0)) == "voltage"
    assert refusal(Sample(voltage=1.0, current=float("inf"))) == "current"
    assert refusal(Sample(power=5.0)) is None
    assert refusal(Sample(voltage=5.0)) == "missing"


def test_a_plug_that_starts_again_and_again_costs_no_memory_for_each_run() -> None:
    bench = Bench()
    for number in range(300):
        bench.send(sample(0, run=f"{number:016x}"))
        bench.send(sample(0, run=f"{number:016x}", channel=1))
        bench.send({"run": f"{number:016x}", "seq": 1, "voltage": "wrong"})
    assert len(bench.streams.series()) == 2
    assert len({stream.run for stream in bench.streams.of_device("d1")}) == AT_ONCE
    assert {refused.reason for refused in bench.refused} == {"type", "runs"}
    bench.clock.run(EVERY_MS / 1000)
    bench.send(sample(0, run="f" * 16))
    bench.send(sample(0, run="e" * 16))
    assert {stream.run[0] for stream in bench.streams.of_device("d1")} == {"0", "f"}


def test_runs_that_a_plug_only_names_are_bounded_too() -> None:
    bench = Bench()
    bench.send(sample(0, run="a" * 16))
    for number in range(100):
        older = [f"{number:08x}{place:08x}" for place in range(8)]
        bench.send({"status": "on", "run": "a" * 16, "older": older}, "status")
    assert len(bench.streams.of_device("d1")) == AT_ONCE
    assert len(bench.statuses) == 100


def test_a_reading_without_a_seq_that_comes_late_is_refused_and_counts_nothing() -> None:
    bench = Bench()
    now = bench.clock.now()
    for ts in (now - 60_000, now, now - 30_000, now, now + 1000):
        bench.send({"voltage": 230, "current": 1, "ts": ts})
    assert [refused.reason for refused in bench.refused] == ["late", "late"]
    (columns,) = bench.buffer.take().values()
    assert columns.column("at").tolist() == [now - 60_000, now, now + 1000]
