"""Steps of the hub's clock: the energy of the counter is booked once, whenever merges come between, and to the same
buckets that all raw samples give."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.history.offline import OfflineHistory
from hub.history.readings import Traits
from hub.plugins.contract import NONE, TIERS, SeriesKey
from integrations.storage.sqlite.store import SqliteStore
from tests.history.house import FOREVER, START, DataCore, ManualClock, Plug, Registry, imported, play, sample, seqs

HOUR = 3_600_000
DAY = 24 * HOUR
MWH = 1000  # a second
ROUNDED = 0.0005  # mWh, by which a stored bucket may be off
TICK_MS = 10_000  # between two samples of a wandering clock
TICKS = 700
BATCH = 200


@pytest.mark.parametrize("merge_s", [100, 1800])
@pytest.mark.parametrize("ms", [-HOUR, -20 * 60_000, HOUR, -DAY])
async def test_energy_is_booked_once(
    tmp_path: Path, clock: ManualClock, registry: Registry, ms: int, merge_s: int
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    last = 149
    play(core, 0, last)
    await core.history.merge()
    clock.step(ms)
    while last < 7200:
        play(core, last + 1, last + merge_s)
        last += merge_s
        await core.history.merge()
        for tier in ("1m", "15m"):
            assert imported(core, tier) == pytest.approx(last * MWH, abs=1)
    assert seqs(core) == {"a" * 16: list(range(last + 1))}
    assert await core.history.gaps("d1", 0, 0, 1 << 60) == []
    await core.stop()


@pytest.mark.parametrize("merged", [{1}, {2}, {0, 1, 2}])
@pytest.mark.parametrize("hours", [2, 11, 20, 30, 72])
async def test_energy_while_the_clock_is_ahead_is_booked_once(
    tmp_path: Path, clock: ManualClock, registry: Registry, hours: int, merged: set[int]
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    for stretch, step in enumerate((0, hours * HOUR, -hours * HOUR)):
        clock.step(step)
        play(core, stretch * 1000, stretch * 1000 + 999)
        if stretch in merged:
            await core.history.merge()
    play(core, 3000, 3299)
    await core.history.merge()
    await agree(core, {"d1": 3299 * MWH})


async def test_a_replay_in_parts_is_taken_out_of_the_gap_across_a_step(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 999)
    await core.history.merge()
    clock.run(7200.0)
    clock.step(-4 * HOUR)
    play(core, 8200, 8300)
    await core.history.merge()
    assert [gap.energy_mwh for gap in await core.history.gaps("d1", 0, 0, FOREVER)] == [7201 * MWH]
    for first in range(1000, 8200, 600):
        replay(core, first, first + 599)
        await core.history.merge()
        assert imported(core) == pytest.approx(8300 * MWH, abs=1)
    assert await core.history.gaps("d1", 0, 0, FOREVER) == []
    await agree(core, {"d1": 8300 * MWH})


@pytest.mark.parametrize("counter", [False, True])
async def test_a_device_without_run_loses_nothing_when_the_clock_is_set_back(
    tmp_path: Path, clock: ManualClock, registry: Registry, counter: bool
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    for k in range(4000):
        clock.run(1.0)
        if k == 2000:
            clock.step(-HOUR)
        message: dict[str, Any] = {"voltage": 230.0, "current": 15.652, "power": 3600.0}
        core.send(message | ({"energy_mwh": 5000 + k * 1001} if counter else {}))
        if k % 500 == 0:
            await core.history.merge()
    await core.history.merge()
    await agree(core, {"d1": 3999 * (1001 if counter else MWH)})


async def test_a_clock_that_is_set_back_by_less_than_an_interval_costs_no_energy(
    tmp_path: Path, clock: ManualClock
) -> None:
    """A device without run that draws nearly all that it may."""
    core = await DataCore(tmp_path, clock, Registry(Plug(interval_ms=TICK_MS))).start()
    for k in range(60):
        clock.run(TICK_MS / 1000)
        if k == 30:
            clock.step(-9000)
        core.send({"voltage": 230.0, "current": 15.652, "power": 3600.0, "energy_mwh": 5000 + k * 10 * MWH})
    await core.history.merge()
    await agree(core, {"d1": 59 * 10 * MWH}, Traits(interval_ms=TICK_MS))


async def test_a_run_that_begins_after_the_clock_was_set_back_goes_on_counting(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 999)
    await core.history.merge()
    clock.step(-2 * HOUR)
    for seq in range(4000):
        clock.run(1.0)
        core.send(sample(seq, run="b" * 16, up=(seq + 1) * 1000, energy_mwh=5000 + (1000 + seq) * MWH))
        if seq % 500 == 0:
            await core.history.merge()
    await core.history.merge()
    await agree(core, {"d1": 4999 * MWH})


async def test_a_check_knows_of_the_reading_before_a_step_that_lies_days_ahead(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 0)
    clock.step(-2 * DAY)
    await core.history.merge()
    play(core, 1, 10)
    await core.history.commit()
    await core.history.merge()
    assert imported(core) == pytest.approx(10 * MWH, abs=1)
    assert (await core.history.care.check()).wrong == 0
    await core.stop()


async def test_a_check_expects_no_time_of_a_bucket_that_the_last_sample_only_reaches_into(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    clock.run(0.5)
    play(core, 0, 29)
    clock.step(DAY)
    play(core, 30, 30)
    clock.step(-DAY)
    play(core, 31, 40)
    await core.history.merge()
    play(core, 41, 58)
    assert core.clock.now() == START + 59_500
    await core.history.merge()
    await agree(core, {"d1": 58 * MWH})


class Wandering:
    """A plug that numbers its samples and sends again what was lost, a device that does not, and a hub whose clock goes
    anywhere and which ends at any time."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.folder = folder
        self.clock = ManualClock(START + self.rng.randrange(900_000))
        self.registry = Registry(Plug(interval_ms=TICK_MS), Plug(id="d2", hardware_id="plug-2", interval_ms=TICK_MS))
        self.hub: DataCore | None = None
        self.link = True
        self.wrong_by = 0
        self.run_number = 0
        self.counters = {"d1": 5000, "d2": 5000}
        self.values: list[int] = []  # of the plug's counter, by seq of its run

    @property
    def run(self) -> str:
        """The plug's present run: later ones have higher names."""
        return f"{self.run_number:016x}"

    async def wander(self) -> None:
        """All of it; in the end everything has come, and the clock is right."""
        for tick in range(TICKS):
            calm = tick > TICKS - 50
            if calm:
                self.clock.is_certain = self.link = True
                self.set_clock(0)
                await self.start()
            else:
                await self.trouble()
            self.talk(everything=calm)
        assert self.hub is not None
        await self.hub.history.merge()

    async def trouble(self) -> None:
        """What may happen between two samples."""
        rng, clock = self.rng, self.clock
        if rng.random() < 0.02:
            most = rng.choice([60_000, 900_000, HOUR, 12 * HOUR, 2 * DAY])
            self.set_clock(rng.choice([0, rng.randrange(-most, most)]))
        if rng.random() < (0.005 if clock.is_certain else 0.05):
            clock.is_certain = not clock.is_certain
        if rng.random() < (0.01 if self.link else 0.1):
            self.link = not self.link
        if self.hub is None:
            if rng.random() < 0.1:
                await self.start()
        elif rng.random() < 0.005:
            self.hub.kill()
            self.hub = None
        elif rng.random() < 0.005:
            await self.hub.stop()
            self.hub = None
        elif rng.random() < 0.03:
            await self.hub.history.commit()
            if self.link and clock.is_certain and rng.random() < 0.2 and self.delivered():
                self.run_number, self.values = self.run_number + 1, []
        elif rng.random() < 0.03:
            await self.hub.history.merge()
            self.check_energy()

    async def start(self) -> None:
        """The hub, where it does not run."""
        if self.hub is None:
            self.hub = await DataCore(self.folder, self.clock, self.registry).start(merge=self.rng.random() < 0.5)

    def set_clock(self, wrong_by: int) -> None:
        """So many ms beside the true time."""
        self.clock.step(wrong_by - self.wrong_by)
        self.wrong_by = wrong_by

    def talk(self, *, everything: bool) -> None:
        """Both measure; what can be sent is sent."""
        self.clock.run(TICK_MS / 1000)
        self.counters["d1"] += self.rng.randrange(10_000)
        self.counters["d2"] += self.rng.randrange(40)
        self.values.append(self.counters["d1"])
        if self.hub is None or not self.link:
            return
        unnumbered = {"voltage": 230.0, "current": 0.1, "power": 20.0, "energy_mwh": self.counters["d2"]}
        self.hub.send(unnumbered, hardware_id="plug-2")
        seq = len(self.values) - 1
        live = {"run": self.run, "up": self.up(seq), "energy_mwh": self.values[seq]}
        self.hub.send(sample(seq, **live))
        for first, last in self.missing():
            if everything or self.rng.random() < 0.3:
                replay(self.hub, first, last, run=self.run, up=self.up, energy=self.values)

    def missing(self) -> Iterator[tuple[int, int]]:
        """What the hub lacks of the plug's run, in parts of a batch."""
        assert self.hub is not None
        stream = self.hub.streams.get("d1", 0, self.run)
        assert stream is not None
        for first, last in [(-1, -1), *stream.settled.holes(len(self.values))]:
            start = first if first >= 0 else 0
            end = last if first >= 0 else (stream.settled.starts[0] - 1)
            for at in range(start, end + 1, BATCH):
                yield at, min(at + BATCH - 1, end)

    def delivered(self) -> bool:
        """Is all of the plug's run on the hub's disk, with what dates it? Only then the plug may forget it."""
        assert self.hub is not None
        stream = self.hub.streams.get("d1", 0, self.run)
        if stream is None or not stream.offsets.wall.known():
            return False
        return stream.durable.covers(0, len(self.values) - 1)

    def check_energy(self) -> None:
        """What is merged is the difference of the counter from the first dated sample to the last."""
        for device in self.counters:
            wanted = self.energy(device)
            for tier in TIERS:
                is_close(self.bucket_energy(device, tier), wanted, self.buckets(device, tier))

    def energy(self, device: str) -> int:
        """mWh by the counters of the samples in the store."""
        assert self.hub is not None
        found = []
        for part in self.hub.store.read(SeriesKey(device), 0, FOREVER):
            found += [(part.run, *row) for row in zip(part.seq.tolist(), part.energy_mwh.tolist(), strict=True)]
        return max(found)[2] - min(found)[2] if found else 0

    def bucket_energy(self, device: str, tier: str) -> float:
        """mWh in the store."""
        assert self.hub is not None
        return imported(self.hub, tier, device)

    def buckets(self, device: str, tier: str) -> int:
        """How many there are."""
        assert self.hub is not None
        return len(self.hub.store.rollup(SeriesKey(device), tier, 0, FOREVER).start)

    @staticmethod
    def up(seq: int) -> int:
        """ms since the run began."""
        return (seq + 1) * TICK_MS


@pytest.mark.parametrize("seed", range(8))
async def test_wherever_the_clock_goes(tmp_path: Path, seed: int) -> None:
    world = Wandering(seed, tmp_path)
    await world.wander()
    world.check_energy()
    assert world.hub is not None
    held = world.hub.store.read_stream(SeriesKey("d1"), world.run, 0, FOREVER)
    assert held is not None
    assert held.energy_mwh.tolist() == world.values
    assert (held.at != NONE).all()
    await agree(world.hub, {device: world.energy(device) for device in world.counters}, Traits(interval_ms=TICK_MS))


def is_close(found: float, wanted: float, buckets: int) -> None:
    assert found == pytest.approx(wanted, abs=ROUNDED * buckets + 0.01)


async def agree(core: DataCore, mwh: dict[str, int], traits: Traits | None = None) -> None:
    """Each tier holds this energy by device, a check finds nothing, and the raw samples give the same buckets. Stops
    the hub."""
    for device, wanted in mwh.items():
        for tier in TIERS:
            buckets = core.store.rollup(SeriesKey(device), tier, 0, FOREVER)
            is_close(float(buckets.import_mwh.sum()), wanted, len(buckets.start))
    found = await core.history.care.check()
    assert found.fine, found.differing
    await core.stop()
    folder = core.history.state.path.parent
    before = stored_buckets(folder, mwh)
    offline = OfflineHistory(folder, SqliteStore(folder / "history.sqlite"), lambda _: traits or Traits(), str)
    with offline.opened() as history:
        history.rebuild(state=False)
        assert history.check().fine
    for key, (starts, energy) in stored_buckets(folder, mwh).items():
        assert np.array_equal(starts, before[key][0]), key
        assert energy == pytest.approx(before[key][1], abs=2 * ROUNDED), key


def stored_buckets(folder: Path, devices: dict[str, int]) -> dict[tuple[str, str], tuple[Any, Any]]:
    """Starts and energies by device and tier."""
    store = SqliteStore(folder / "history.sqlite")
    store.open()
    found = {}
    for device in devices:
        for tier in TIERS:
            buckets = store.rollup(SeriesKey(device), tier, 0, FOREVER)
            found[device, tier] = buckets.start, buckets.import_mwh
    store.close()
    return found


def replay(
    core: DataCore,
    first: int,
    last: int,
    *,
    run: str = "a" * 16,
    up: Any = lambda seq: seq * 1000,
    energy: list[int] | None = None,
) -> None:
    """Send these samples (both included) late."""
    samples = [sample(seq) for seq in range(first, last + 1)]
    body: dict[str, Any] = {"run": run, "seq": first, "oldest": 0, "up": up(first), "dt": up(1) - up(0)}
    for name in ("voltage", "current", "power", "energy_mwh", "relay_state"):
        body[name] = [each[name] for each in samples]
    if energy is not None:
        body["energy_mwh"] = energy[first : last + 1]
    core.send(body, "telemetry/batch")
