"""Bytes stored and bytes that reach the card for each sample: hours of plugs through the hub's own data core.

Everything is real but the time: the clock jumps from commit to commit, and a sync stands for the real minute between.
Where this runs as root with loop devices, the folder lies on an ext4 image of its own and the kernel counts what its
device was told to write; elsewhere the process's own write_bytes are counted.
"""

import asyncio
import contextlib
import math
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hub.bus import Bus
from hub.history.core import History
from hub.telemetry import Acks, Arrivals, Buffer, Ingest, Live, Rejects, Streams
from hub.testing.clock import FakeClock
from integrations.devices.smartplug.driver import SmartplugDriver
from integrations.storage.sqlite.store import SqliteStore

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


class Registry:
    """As many plugs as are asked for."""

    def __init__(self, count: int) -> None:
        outlet = SimpleNamespace(max_power_w=None)
        self.devices: dict[str, Any] = {
            f"plug-{k}": SimpleNamespace(
                id=f"d{k}", hardware_id=f"plug-{k}", driver="smartplug", interval_ms=1000, channels={0: outlet}
            )
            for k in range(count)
        }
        self._by_id = {device.id: device for device in self.devices.values()}

    def by_hardware(self, hardware_id: str) -> Any:
        return self.devices.get(hardware_id)

    def device(self, device_id: str) -> Any:
        return self._by_id.get(device_id)

    def all(self) -> list[Any]:
        return list(self.devices.values())

    def heard(self, device_id: str) -> None:
        """Presence: nobody asks here."""


async def feed(folder: Path, device: str | None, plugs: int, hours: int) -> dict[str, Any]:
    """Run the data core for an hour, and for `hours` more that count."""
    registry, clock, bus = Registry(plugs), FakeClock(), Bus()
    driver = {"smartplug": SmartplugDriver()}
    streams, buffer, live, arrivals = Streams(), Buffer(), Live(), Arrivals(clock)
    store = SqliteStore(folder / "history.sqlite")
    history = History(
        folder=folder,
        store=store,
        streams=streams,
        buffer=buffer,
        live=live,
        registry=registry,
        drivers=driver,
        arrivals=arrivals,
        bus=bus,
        clock=clock,
        commit_interval=1e9,  # commits are made by hand below
    )
    await history.start()
    acks = Acks(
        registry=registry,
        drivers=driver,
        streams=streams,
        send=lambda *message: True,
        bus=bus,
        clock=clock,
        hub_id="bench",
    )
    acks.start()
    ingest = Ingest(
        registry=registry,
        drivers=driver,
        streams=streams,
        buffer=buffer,
        live=live,
        rejects=Rejects(),
        presence=registry,
        bus=bus,
        arrivals=arrivals,
    )
    appliances = [Appliance(k) for k in range(plugs)]
    before = samples = 0
    for second in range((1 + hours) * 3600):
        if second == 3600:  # what a new home writes once is not what a sample costs
            before, samples = written(device), 0
        for k, appliance in enumerate(appliances):
            volts, amperes, watts = appliance.read()
            payload = (
                f'{{"voltage":{volts},"current":{amperes},"power":{watts},"energy_mwh":{appliance.counter},'
                f'"relay_state":true,"run":"{k:016x}","seq":{second},"oldest":0,"up":{second * 1000}}}'
            )
            ingest.message(f"plug-{k}", "telemetry", payload.encode(), False)
            samples += 1
        clock.step(1000)
        if second % 60 == 59:
            await (history.merge() if second % 3600 == 3599 else history.commit())
            await asyncio.to_thread(os.sync)
    total = written(device) - before
    stats = store.stats()
    acks.stop()
    await history.stop()
    return {
        "method": "ext4 on a loop device" if device else "the process's write_bytes",
        "stored": stats.file_bytes / stats.raw_samples,
        "raw": stats.raw_bytes / stats.raw_samples,
        "written": total / samples,
    }


def write_cost(plugs: int, hours: int) -> dict[str, Any]:
    """Bytes a sample: {"method", "stored": in the store's file, "raw": raw chunks alone, "written"}."""
    with card() as (folder, device):
        return asyncio.run(feed(folder, device, plugs, hours))
