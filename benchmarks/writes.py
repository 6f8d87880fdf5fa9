"""Bytes that reach the card for each sample: hours of plugs and the whole hub, on an ext4 of its own.

Real: the hub's process as `plughub run` builds it (registry, logins, retained messages, settings, history, the daily
backup, the web server), plugs over MQTT with QoS 1, the file system, and the kernel's count of what its device was told
to write. Compressed: the time (see lockstep.py); a sync every 5 s of it stands for the file system's own, which writes
no more often. Idle writing of the file system itself is measured before, with no hub, and taken off.
"""

import asyncio
import math
import random
import time
from pathlib import Path

import msgspec

from benchmarks.card import available, card, sync, written
from benchmarks.lockstep import Reading, Steer, SteeredHub, Told, Turnstile
from benchmarks.mqtt import connect
from benchmarks.processes import resident_mb
from benchmarks.scenarios import Row, prepare, row
from benchmarks.steered import Counts

START = 1_700_006_400_000  # a full hour, 00:00 UTC
SYNC_S = 5
WARM_MERGES = 2  # what files grow to once is not what a sample costs
SWITCHED_A_DAY = 2  # times that somebody turns a plug off, and on again later
IDLE_S = 20


class Appliance:
    """Watts at 1 Hz: off, then a programme of heating and motor, with the meter's noise; switched off now and then."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._left = self._random.randrange(600)
        self._level = 0.0
        self._energy = 0.0
        self._away = 0  # s until it is switched on again

    def read(self) -> Reading:
        """The next second."""
        chance = self._random
        self._left -= 1
        self._away -= 1
        if self._away < -1 and chance.random() < SWITCHED_A_DAY / 86_400:
            self._away = chance.randrange(600, 6 * 3600)
        if self._left <= 0:
            self._level = chance.choice([0.0, 0.0, 0.0, 2.1, 60.0, 140.0, 900.0, 2000.0])
            self._left = chance.randrange(60, 1800)
        on = self._away <= 0
        level = self._level if on else 0.0
        watts = max(level * (1 + chance.gauss(0, 0.003)) + chance.uniform(-0.5, 0.5), 0) if level else 0.0
        volts = 230 + math.sin(self._left / 90) + chance.gauss(0, 0.15)
        self._energy += watts / 3.6
        return Reading(round(volts, 1), round(watts / volts, 3), round(watts, 1), int(self._energy), on)


class Cost(msgspec.Struct):
    """What so many hours cost. Bytes; seconds of CPU; MB resident after the first counted merge and at the end."""

    samples: int = 0
    hours: float = 0.0
    written: int = 0
    parts: dict[str, int] = msgspec.field(default_factory=dict)  # of it around commits, merges, anything else
    idle: float = 0.0  # bytes that the file system would have written by itself
    commits: int = 0
    merges: int = 0
    cpu: float = 0.0  # commits and merges, history's thread
    resident: tuple[float, float] = (0.0, 0.0)
    took: float = 0.0

    def note(self, size: int, counts: Counts, last: Counts) -> None:
        """So many bytes were written since history stood as in `last`."""
        cause = "merges" if counts.merges > last.merges else "commits" if counts.commits > last.commits else "others"
        self.parts[cause] = self.parts.get(cause, 0) + size


async def idle_rate(folder: Path, device: str, seconds: float) -> float:
    """Bytes a second of real time that the file system writes with nobody on it."""
    sync(folder)
    before = written(device)
    await asyncio.sleep(seconds)
    sync(folder)
    return (written(device) - before) / seconds


async def write_cost(plugs: int, hours: float, idle: float = IDLE_S) -> Cost:
    """`hours` of the whole hub, counted from its second merge on."""
    with card() as (mount, device):
        rate = await idle_rate(mount, device, idle)
        hub = SteeredHub(START, mount / "hub")
        try:
            logins = await prepare(hub, plugs)
            async with Steer(hub.steer) as steer:
                cost = await _hours(hub, steer, logins, hours, mount, device)
        finally:
            await hub.close()
    cost.idle = rate * cost.took
    return cost


async def _hours(
    hub: SteeredHub, steer: Steer, logins: list[tuple[str, str]], hours: float, mount: Path, device: str
) -> Cost:
    turnstile = Turnstile()
    own = [Told(name, secret, f"{k + 1:016x}", turnstile) for k, (name, secret) in enumerate(logins)]
    plugs = await connect("127.0.0.1", hub.mqtt_port, own, subscribe=True)
    appliances = [Appliance(k) for k in range(len(plugs))]
    second, first, since = 0, 0.0, Counts()
    cost, begun, before = Cost(), 0.0, 0
    counting, last, latest = False, since, 0
    while True:
        for plug, appliance in zip(plugs, appliances, strict=True):
            plug.measured(appliance.read(), second, second * 1000)
        await turnstile.passed()
        counts = await steer.advance(1)
        second += 1
        if second % SYNC_S == 0:
            await asyncio.to_thread(sync, mount)
            now = written(device)
            cost.note(now - latest, counts, last)
            last, latest = counts, now
        if not counting and counts.merges == WARM_MERGES:
            await asyncio.to_thread(sync, mount)
            counting, since, begun, before, first = True, counts, time.monotonic(), written(device), second
            last, latest, cost.parts = counts, before, {}
        if counting:
            cost.samples += len(plugs)
            if not cost.resident[0] and counts.merges > since.merges:
                cost.resident = (resident_mb(hub.pid), 0.0)
            if second - first >= hours * 3600:
                break
    await asyncio.to_thread(sync, mount)
    cost.note(written(device) - latest, counts, last)
    cost.written, cost.took, cost.hours = written(device) - before, time.monotonic() - begun, hours
    cost.commits, cost.merges = counts.commits - since.commits, counts.merges - since.merges
    cost.cpu = counts.commit_cpu + counts.merge_cpu - since.commit_cpu - since.merge_cpu
    cost.resident = (cost.resident[0], resident_mb(hub.pid))
    durable = min(plug.durable for plug in plugs)
    if second - durable > 3 * 3600 or any(plug.transport.is_closing() for plug in plugs):
        raise RuntimeError(f"after {second} s the plugs know of {durable + 1} durable samples")
    for plug in plugs:
        plug.transport.close()
    return cost


async def writes(quick: bool) -> list[Row]:
    """Bytes that reach the card for each sample, and a day."""
    if not available():
        return [row("bytes written", "needs root, loop devices and mkfs.ext4", "")]
    rows: list[Row] = []
    for plugs, hours in ((5, 3 if quick else 24), (100, 1 if quick else 24)):
        cost = await write_cost(plugs, hours, 2 if quick else IDLE_S)
        sample = (cost.written - cost.idle) / cost.samples
        day = (cost.written - cost.idle) / cost.hours * 24 / 1e6
        name = f"{plugs} plugs, {hours} h"
        rows += [
            row(f"{name}: written", sample, "B a sample", at_most=8 if plugs == 100 else None),
            row(f"{name}: written", day, "MB a day", at_most=15 if plugs == 5 else None),
            row(f"{name}: commits, and merges inside", f"{cost.commits}, {cost.merges}", ""),
            *(
                row(f"{name}: of it around {part}", size / cost.samples, "B a sample")
                for part, size in cost.parts.items()
            ),
            row(f"{name}: idle baseline taken off", cost.idle / 1e6, "MB"),
            row(f"{name}: history's thread (commits and merges)", cost.cpu / cost.samples * 1e6, "µs a sample"),
            row(f"{name}: hub resident, after its first merge", cost.resident[0], "MB"),
            row(f"{name}: hub resident, at the end", cost.resident[1], "MB", at_most=125 if plugs == 100 else None),
            row(f"{name}: compressed into", cost.took, "s"),
        ]
    return rows
