"""Random faults against the real data core with real files: nothing acknowledged is lost, nothing counted twice."""

import asyncio
import random
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.plugins.contract import MINUTES, SeriesKey
from hub.telemetry.energy import DEFAULT_LIMIT_W
from tests.history.house import FOREVER, START, DataCore, Killed, ManualClock, Plug, Registry, die_at, imported, seqs
from tests.history.plug import RING, SimPlug

STEPS = 2400
CALM = 500  # at the end without new trouble, the last half of it without loss: everything can be replayed

DEATHS = [
    (part, method, after)
    for part, method in (
        ("log", "append"),
        ("store", "merge"),
        ("store", "commit"),
        ("state", "apply"),
        ("state", "finish"),
        ("log", "next_generation"),
    )
    for after in (False, True)
]


class World:
    """One plug, one hub, and what befalls them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.folder = folder / "data"
        self.backup = folder / "backup"
        self.clock = ManualClock(START + self.rng.randrange(900_000))
        self.plug = SimPlug(self.rng)
        self.registry = Registry(Plug(interval_ms=1000))
        self.hub: DataCore | None = None
        self.link = True
        self.backed_up: tuple[int, set[tuple[str, int, int]]] | None = None
        self.promised: dict[tuple[str, int], tuple[int, int]] = {}  # run, channel -> seq and seen of the last ack
        self.lossy = True
        self.away = 0  # steps for which the link stays down

    async def run(self) -> None:
        await self.start_hub()
        for step in range(STEPS):
            self.clock.run(1.0)
            if step < STEPS - CALM:
                await self.trouble(step)
            else:
                await self.start_hub()
                self.connect()
                self.lossy = step < STEPS - CALM / 2
            self.talk()
            if self.hub is not None and step % 60 == 59:
                await self.work(merge=self.rng.random() < 0.15)
            self.hear_acks()
        assert self.hub is not None
        await self.hub.stop()
        self.hub = await DataCore(self.folder, self.clock, self.registry).start()

    async def trouble(self, step: int) -> None:
        rng = self.rng
        if self.hub is not None and rng.random() < 0.002:
            self.kill_hub()
        elif self.hub is None and rng.random() < 0.03:
            await self.start_hub()
        if rng.random() < 0.003:
            self.link = False
        elif not self.link and self.away <= 0 and rng.random() < 0.02:
            self.connect()
        self.away -= 1
        if self.link and rng.random() < 0.0007:
            self.link, self.away = False, rng.randrange(200, 700)  # longer than the ring
        if rng.random() < (0.0007 if self.link else 0.003):
            self.plug.power_cut(counter_survives=rng.random() < 0.5)
            self.link = False
            if self.away <= 0:
                self.connect()
        if rng.random() < 0.01:
            self.plug.join_neighbours()
        if step % 150 == 70:
            await self.back_up(step)
        if self.backed_up is not None and step - self.backed_up[0] < RING - 60 and rng.random() < 0.001:
            await self.restore()

    async def start_hub(self) -> None:
        if self.hub is None:
            self.hub = await DataCore(self.folder, self.clock, self.registry).start(merge=self.rng.random() < 0.5)
            self.check_promises()
            if self.link:
                self.hub.send(self.plug.status(), "status")

    def check_promises(self) -> None:
        """What an earlier hub acknowledged, this one has on its disk."""
        assert self.hub is not None
        for (run, channel), (seq, seen) in self.promised.items():
            stream = self.hub.streams.get("d1", channel, run)
            assert stream is not None, "an acknowledged run is forgotten"
            assert seen in stream.durable, f"{seen} was acknowledged and is gone"
            first = max(seq - RING // 2, 0)
            gone = [
                n for n in range(first, seq + 1) if n not in stream.durable and (run, channel, n) not in self.plug.lost
            ]
            assert not gone, f"{gone[:3]} of {len(gone)} were acknowledged and are gone"

    def kill_hub(self) -> None:
        if self.hub is not None:
            self.hub.kill()
            self.hub = None

    async def work(self, *, merge: bool) -> None:
        """A commit or a merge; now and then the last thing that this hub does."""
        assert self.hub is not None
        history = self.hub.history
        if self.lossy and self.rng.random() < 0.15:
            part, method, after = self.rng.choice(DEATHS)
            owner = {"log": history.log, "store": self.hub.store, "state": history.state}[part]
            undo = die_at(owner, method, after=after, times=self.rng.randint(1, 2))
            try:
                await self.while_talking(history.merge() if merge else history.commit())
                undo()
            except Killed:
                self.kill_hub()
        else:
            assert await self.while_talking(history.merge() if merge else history.commit())

    async def while_talking(self, work: Coroutine[Any, Any, bool]) -> bool:
        """Disks are slow: the plug goes on meanwhile."""
        task = asyncio.ensure_future(work)
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)
            self.clock.run(1.0)
            self.talk()
        return await task

    def connect(self) -> None:
        if not self.link:
            self.link = True
            self.plug.reconnect()
            if self.hub is not None:
                self.hub.send(self.plug.status(), "status")

    def talk(self) -> None:
        live, late = self.plug.measure(int(self.clock.monotonic())), []
        if self.hub is not None and self.link:
            late = self.plug.replay()
            for message in live:
                if self.rng.random() > 0.01 or not self.lossy:
                    self.hub.send(message)
            for batch in late:
                self.hub.send(batch, "telemetry/batch")
            for message in self.plug.minutes():
                self.hub.send(message, "telemetry/minutes")

    def hear_acks(self) -> None:
        if self.hub is None:
            return
        for ack in self.hub.acks:
            for entry in ack["acks"]:
                if entry["seen"] >= 0:
                    self.promised[entry["run"], entry["channel"]] = (entry["seq"], entry["seen"])
                if entry["run"] == self.plug.run:
                    self.plug.promised[entry["channel"]] = entry["seq"]
            if self.link and (self.rng.random() > 0.2 or not self.lossy):
                self.plug.on_ack(ack)
        self.hub.acks.clear()

    async def back_up(self, step: int) -> None:
        """A copy of the folder as a crash would leave it."""
        running = self.hub is not None
        self.kill_hub()
        shutil.rmtree(self.backup, ignore_errors=True)
        if self.folder.exists():
            shutil.copytree(self.folder, self.backup)
            self.backed_up = (step, self.kept())
        if running:
            await self.start_hub()

    async def restore(self) -> None:
        """The older folder comes back: what only the newer one held and the plug no longer holds is excused."""
        self.kill_hub()
        assert self.backed_up is not None
        gone = self.kept() - self.backed_up[1]
        held = {(self.plug.run, c, seq) for c in (0, 1) for seq in self.plug.rings[c]}
        self.plug.lost |= gone - held
        shutil.rmtree(self.folder)
        shutil.copytree(self.backup, self.folder)
        self.promised.clear()
        self.plug.let_go.clear()
        self.plug.promised = [-1, -1]
        await self.start_hub()

    def kept(self) -> set[tuple[str, int, int]]:
        """What a hub that started on this folder would hold as durable."""
        core = DataCore(self.folder, self.clock, self.registry)
        recovered = core.history.files.open(core.streams)
        assert recovered.lost <= 1
        found = {
            (stream.run, stream.channel, seq)
            for stream in core.streams.of_device("d1")
            for first, last in stream.durable
            for seq in range(first, last + 1)
        }
        core.kill()
        return found


class Reading(msgspec.Struct):
    """What the energy rule is told: one counter value. `kept`: by minutes alone."""

    run: str
    seq: int
    value: int
    kept: bool


def covered(hub: DataCore, run: str, channel: int) -> set[int]:
    """Seqs that minutes tell."""
    stream = hub.streams.get("d1", channel, run + MINUTES)
    return set() if stream is None else {seq for a, b in stream.durable for seq in range(a, b + 1)}


def readings(plug: SimPlug, hub: DataCore, kept: dict[str, list[int]], channel: int) -> list[Reading]:
    """Every counter value that history holds, run by run."""
    found = []
    for run in plug.runs:
        raw = {seq: plug.made[run, channel, seq] for seq in kept.get(run, [])}
        minutes = hub.store.read_stream(SeriesKey("d1", channel), run + MINUTES, 0, FOREVER)
        ends = {} if minutes is None else dict(zip(minutes.seq.tolist(), minutes.energy_mwh.tolist(), strict=True))
        for seq in sorted(raw.keys() | ends.keys()):
            value = raw.get(seq, ends.get(seq))
            assert value is not None
            found.append(Reading(run, seq, value, seq not in raw))
    return found


def expected_energy(plug: SimPlug, found: list[Reading], channel: int) -> float:
    """The energy rule told a second time, reading by reading, over everything that was kept."""
    total, base, proposed, before = 0, None, None, None

    def step(earlier: tuple[int, int] | None, value: int, at: int) -> int | None:
        if earlier is None or not 0 <= value - earlier[0] <= DEFAULT_LIMIT_W * (at - earlier[1]) / 3.6 + 1:
            return None
        return value - earlier[0]

    for reading in found:
        at = plug.times[reading.run, channel, reading.seq]
        if before is not None and before.run != reading.run and plug.reasons[reading.run] == "power_on":
            since_start = DEFAULT_LIMIT_W * plug.ups[reading.run, channel, reading.seq] / 3600 + 1
            from_flash = before.kept and 0 <= reading.value - before.value <= since_start
            if reading.value <= since_start or from_flash:
                base = proposed = None
        steps = [s for s in (step(base, reading.value, at), step(proposed, reading.value, at)) if s is not None]
        if base is None or steps:
            total += min(steps, default=0)
            base, proposed = (reading.value, at), None
        else:
            proposed = (reading.value, at)
        before = reading
    return total


async def only_what_nothing_tells_is_a_gap(hub: DataCore, channel: int, told: dict[str, set[int]]) -> None:
    for gap in await hub.history.gaps("d1", channel, 0, FOREVER):
        left, right = gap.left, gap.right
        if left is None or right is None:
            continue
        last = right.seq if left.run == right.run else FOREVER
        between = {seq for seq in told.get(left.run, ()) if left.seq < seq < last}
        if left.run != right.run:
            between |= {seq for seq in told.get(right.run, ()) if seq < right.seq}
        assert not between, f"a {gap.cause} gap from {left} to {right} holds {sorted(between)[:3]}"


@pytest.mark.parametrize("seed", range(12))
async def test_no_duplicate_no_hole_and_the_energy_of_the_counters(tmp_path: Path, seed: int) -> None:
    world = World(seed, tmp_path)
    await world.run()
    assert world.hub is not None
    plug, hub = world.plug, world.hub
    assert not plug.flash, "minutes that no ack let go"
    for channel in (0, 1):
        kept = seqs(hub, channel=channel)
        for run, numbers in kept.items():
            assert len(numbers) == len(set(numbers)), "stored twice"
            assert all(plug.made[run, channel, seq] is not None for seq in numbers), "a refused sample was stored"
        held = {(run, channel, seq) for run, numbers in kept.items() for seq in numbers}
        made = {place for place, value in plug.made.items() if value is not None and place[1] == channel}
        missing = made - held - plug.lost
        assert not missing, f"{len(missing)} missing, e.g. {sorted(missing)[:3]}"
        minutes = {run: covered(hub, run, channel) for run in plug.runs}
        told = {run: minutes[run] | set(kept.get(run, ())) for run in plug.runs}
        for run, at, first, last in plug.let_go:
            refused = {seq for seq in range(first, last + 1) if plug.made[run, channel, seq] is None}
            assert at != channel or set(range(first, last + 1)) - refused <= told[run], "let go and not durable"
        undated = {run for run in plug.runs if run not in kept and not dated(hub, run, channel)}
        filled = sum(len(minutes[run] - set(kept.get(run, ()))) for run in plug.runs if run not in undated)
        for tier in ("1m", "15m"):
            buckets = hub.store.rollup(SeriesKey("d1", channel), tier, 0, FOREVER)
            assert buckets.count.sum() == len(held) + filled, f"{tier} counts samples twice or not at all"
        energy = expected_energy(plug, readings(plug, hub, kept, channel), channel)
        by_tier = [imported(hub, tier, channel=channel) for tier in ("15m", "1m")]
        assert by_tier == pytest.approx([energy, energy], abs=1)
        assert energy <= plug.true_mwh[channel]
        await only_what_nothing_tells_is_a_gap(hub, channel, told)
    found = await hub.history.care.check()
    assert found.fine, found.differing
    await hub.stop()


def dated(hub: DataCore, run: str, channel: int) -> bool:
    """Have its minutes a date?"""
    parts = hub.store.read(SeriesKey("d1", channel), 0, FOREVER)
    return any(part.run == run + MINUTES for part in parts)
