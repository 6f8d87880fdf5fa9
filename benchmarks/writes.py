"""Bytes stored and bytes that reach the card for each sample: hours of plugs through the hub's own data core.

Everything is real but the time: the clock jumps from second to second, commits and merges come at the pace that
history itself chooses for that disk, and a sync after each stands for the time between (so no idle time counts).
Where this runs as root with loop devices, the folder lies on an ext4 image of its own and the kernel counts what its
device was told to write; elsewhere the process's own write_bytes are counted.
"""

import asyncio
import contextlib
import ctypes
import math
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.datacore import DataCore
from benchmarks.processes import resident_mb
from hub.events import Merged

IMAGE_MB = 512
MINUTE_MS = 60_000


@contextlib.contextmanager
def card() -> Iterator[tuple[Path, str | None]]:
    """A folder, and the loop device below it (None = not to be had here)."""
    base = Path(tempfile.mkdtemp(prefix="plughub-card-"))
    image, mount, device = base / "image", base / "mount", None
    mount.mkdir()
    try:
        if os.geteuid() == 0 and shutil.which("losetup") and shutil.which("mkfs.ext4"):
            with image.open("wb") as file:
                file.truncate(IMAGE_MB << 20)
            # A small image would get 1 KiB blocks, which flatters.
            format_image = ["mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0", str(image)]
            subprocess.run(format_image, check=True)
            try:
                subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True, capture_output=True)
                found = subprocess.run(["losetup", "-j", str(image)], check=True, capture_output=True, text=True)
                device = found.stdout.split(":")[0].removeprefix("/dev/")
            except subprocess.CalledProcessError:
                device = None
        yield mount, device
    finally:
        if device is not None:
            subprocess.run(["umount", str(mount)], check=True)
        shutil.rmtree(base)


def written(device: str | None) -> int:
    """Bytes written so far."""
    if device is None:
        lines = Path("/proc/self/io").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("write_bytes")).split()[1])
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if fields[2] == device:
            return int(fields[9]) * 512
    raise RuntimeError(f"{device} is not in /proc/diskstats")


def sync(folder: Path) -> None:
    """Write out what waits for this file system alone: `os.sync` would disturb whatever is measured beside."""
    place = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(place):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(place)


class Appliance:
    """Watts at 1 Hz: off, then a programme of heating and motor, with the meter's noise."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._left = self._random.randrange(600)
        self._level = 0.0
        self._energy = 0.0
        self.counter = 0

    def read(self) -> tuple[float, float, float]:
        """volts, amperes, watts"""
        chance = self._random
        self._left -= 1
        if self._left <= 0:
            self._level = chance.choice([0.0, 0.0, 0.0, 2.1, 60.0, 140.0, 900.0, 2000.0])
            self._left = chance.randrange(60, 1800)
        watts = max(self._level * (1 + chance.gauss(0, 0.003)) + chance.uniform(-0.5, 0.5), 0) if self._level else 0.0
        volts = 230 + math.sin(self._left / 90) + chance.gauss(0, 0.15)
        self._energy += watts / 3.6
        self.counter = int(self._energy)
        return round(volts, 1), round(watts / volts, 3), round(watts, 1)


class Cost(msgspec.Struct):
    """Bytes written and seconds of CPU, and in how many goes."""

    bytes: int = 0
    cpu: float = 0.0
    times: int = 0


async def feed(folder: Path, device: str | None, plugs: int, hours: int) -> dict[str, Any]:
    """Run the data core until its second merge (what files grow to once is not what a sample costs), and for `hours`
    more that count."""
    core = await DataCore(folder, plugs).start()
    appliances = [Appliance(k) for k in range(plugs)]
    merged = asyncio.Event()
    core.bus.subscribe(Merged, lambda _: merged.set(), "bench")
    costs = {"commits": Cost(), "merges": Cost()}
    second = samples = 0
    since: int | None = None
    warm = 0  # merges
    resident: list[float] = []  # MB after each merge
    while since is None or second < since + hours * 3600:
        for k, appliance in enumerate(appliances):
            volts, amperes, watts = appliance.read()
            payload = (
                f'{{"voltage":{volts},"current":{amperes},"power":{watts},"energy_mwh":{appliance.counter},'
                f'"relay_state":true,"run":"{k:016x}","seq":{second},"oldest":0,"up":{second * 1000}}}'
            )
            core.ingest.message(f"plug-{k}", "telemetry", payload.encode(), False)
            samples += 1
        before, used = written(device), time.process_time()
        await core.clock.advance(1)
        second += 1
        if not await core.settled():
            continue
        used = time.process_time() - used
        await asyncio.to_thread(sync, folder)
        cost = costs["merges" if merged.is_set() else "commits"]
        cost.bytes += written(device) - before
        cost.cpu += used
        cost.times += 1
        if merged.is_set():
            resident.append(resident_mb(os.getpid()))
        warm += merged.is_set()
        if since is None and warm == 2:
            since, samples, costs, resident = second, 0, {"commits": Cost(), "merges": Cost()}, resident[-1:]
        merged.clear()
    stats = core.store.stats()
    await core.stop()
    return {
        "method": "ext4 on a loop device" if device else "the process's write_bytes",
        "stored": stats.file_bytes / stats.raw_samples,
        "raw": stats.raw_bytes / stats.raw_samples,
        "written": sum(cost.bytes for cost in costs.values()) / samples,
        "a day, MB": sum(cost.bytes for cost in costs.values()) / hours * 24 / 1e6,
        "a commit, kB": costs["commits"].bytes / max(costs["commits"].times, 1) / 1000,
        "commits an hour": costs["commits"].times / hours,
        "a merge with its commit, kB": costs["merges"].bytes / max(costs["merges"].times, 1) / 1000,
        "CPU of commits and merges": sum(cost.cpu for cost in costs.values()) / samples,
        "resident": (resident[0], resident[-1]),
        "merges a day": costs["merges"].times / hours * 24,
    }


def write_cost(plugs: int, hours: int) -> dict[str, Any]:
    """Bytes a sample: {"method", "stored": in the store's file, "raw": raw chunks alone, "written"}, and what a commit
    and a merge write."""
    with card() as (folder, device):
        return asyncio.run(feed(folder, device, plugs, hours))
