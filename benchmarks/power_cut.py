"""A power cut, simulated: the image below a mounted ext4 is copied while the hub writes; a hub is started on the copy.

The hub stands still while the image is copied, so that the copy is what the disk held at one moment. What it had told
its plugs to be durable before that moment has to be in it. Needs root and loop devices.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.card import available, make, mounted
from benchmarks.lockstep import CONFIGURATION, Reading, Steer, SteeredHub, Told, Turnstile
from benchmarks.mqtt import connect
from benchmarks.processes import listening
from benchmarks.scenarios import Row, prepare, row
from hub.plugins.contract import SeriesKey
from integrations.storage.sqlite.store import SqliteStore

PLUGS = 5
COMMIT_S, COMMITS_A_MERGE = 60, 6  # of the hub's time, which runs as fast as it can
STEP_MWH = 500
NOW = 1_700_006_400_000
FOREVER = 1 << 60
WORST_S = 1.5  # the cut comes within this, after the first ack

Logins = list[tuple[str, str]]


def reading(plug: int, second: int) -> Reading:
    """What plug number `plug` measures in that second; anyone can tell it again."""
    volts = 230 + (second * 7 + plug) % 50 / 10
    return Reading(round(volts, 1), round(7.8 + second % 13 / 100, 2), STEP_MWH * 3.6, second * STEP_MWH)


class House:
    """A hub that commits once a minute, and its plugs."""

    def __init__(self, folder: Path, now: int) -> None:
        self.hub = SteeredHub(now, folder, f"{CONFIGURATION}history:\n  commit_interval: {COMMIT_S} s\n")
        self.turnstile = Turnstile()
        self.plugs: list[Told] = []
        self.acked = asyncio.Event()

    async def connect(self, logins: Logins) -> None:
        """With the same runs each time."""
        own = [Told(name, secret, f"{k + 10:016x}", self.turnstile) for k, (name, secret) in enumerate(logins)]
        await listening(self.hub.mqtt_port)  # HTTP answers before
        self.plugs = await connect("127.0.0.1", self.hub.mqtt_port, own, subscribe=True)

    async def send(self, first: int, end: int) -> None:
        """These seconds of all plugs, until the hub has taken them up."""
        for second in range(first, end):
            for k, plug in enumerate(self.plugs):
                plug.measured(reading(k, second), second, second * 1000)
        await self.turnstile.passed()

    async def write(self, steer: Steer) -> None:
        """A commit a minute, now and then a merge; until cancelled."""
        second = commits = 0
        while True:
            await steer.advance(COMMIT_S)
            await self.send(second, second + COMMIT_S)
            second += COMMIT_S
            commits += 1
            if commits % COMMITS_A_MERGE == 0:
                await steer.merge()
            if min(plug.durable for plug in self.plugs) >= 0:
                self.acked.set()

    async def close(self) -> None:
        """End it as it is."""
        for plug in self.plugs:
            plug.transport.close()
        if self.hub.running:
            await self.hub.kill()


async def stand_still(pid: int) -> None:
    """Stop the process, until `T` is in the third field: only then does it stand still."""
    os.kill(pid, signal.SIGSTOP)
    while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
        await asyncio.sleep(0.001)


async def cut_off(house: House, image: Path, copy: Path, seconds: float) -> tuple[Logins, int]:
    """Let it write for so long, and copy the disk; returns the plugs and what all of them know to be durable."""
    logins = await prepare(house.hub, PLUGS)
    await house.connect(logins)
    async with Steer(house.hub.steer) as steer:
        writing = asyncio.create_task(house.write(steer))
        first = asyncio.create_task(house.acked.wait())
        await asyncio.wait({writing, first}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            first.cancel()
            raise RuntimeError(f"nothing was acknowledged: {writing}")
        await asyncio.sleep(seconds)
        await stand_still(house.hub.pid)
        await asyncio.to_thread(subprocess.run, ["cp", "--sparse=always", str(image), str(copy)], check=True)
        await asyncio.sleep(0.1)  # acks that it sent before it stood still are in the sockets
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    return logins, min(plug.durable for plug in house.plugs)


def stream(store: SqliteStore, device: str, plug: int) -> Any:
    """Every seq of this plug's run."""
    columns = store.read_stream(SeriesKey(device), f"{plug + 10:016x}", 0, FOREVER)
    return np.empty(0, np.int64) if columns is None else columns.seq


def check(house: House, devices: list[str], goal: int, *, whole: bool) -> list[Any]:
    """Everything up to `goal` is there, once; with `whole`, the energy as well. Raises AssertionError."""
    store = SqliteStore(house.hub.data / "history.sqlite")
    store.open()
    try:
        kept = [stream(store, device, plug) for plug, device in enumerate(devices)]
        for device, seqs in zip(devices, kept, strict=True):
            assert len(seqs) == len(np.unique(seqs)), "a sample stands there twice"
            assert np.isin(np.arange(goal + 1), seqs).all(), "an acknowledged sample, or one sent again, is not there"
            if whole:
                buckets = store.rollup(SeriesKey(device), "15m", 0, FOREVER)
                energy, expected = float(buckets.import_mwh.sum()), int(seqs.max()) * STEP_MWH
                assert abs(energy - expected) < 1, f"{energy} mWh in place of {expected}"
    finally:
        store.close()
    return kept


async def again(house: House, logins: Logins, acknowledged: int) -> dict[str, Any]:
    """Start a hub on what was copied, let the plugs send what it lacks, and compare. Raises AssertionError."""
    await house.hub.start()
    await house.hub.log_in()
    known = {item["hardware_id"]: item["id"] for item in (await house.hub.call("GET", "/devices"))["items"]}
    devices = [known[name] for name, _ in logins]
    assert await house.hub.stop() == 0, house.hub.output()[-2000:]
    kept = check(house, devices, acknowledged, whole=False)
    await house.hub.start()
    await house.connect(logins)
    newest = acknowledged + COMMIT_S
    await house.send(max(acknowledged - 10, 0), newest + 1)
    for plug in house.plugs:
        plug.transport.close()
    assert await house.hub.stop() == 0, house.hub.output()[-2000:]
    check(house, devices, newest, whole=True)
    verify = [sys.executable, "-m", "hub", "history", "verify", "--data", str(house.hub.data)]
    found = await asyncio.to_thread(subprocess.run, verify, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return {"kept": int(min(len(seqs) for seqs in kept)), "beyond": int(kept[0].max()) - acknowledged}


async def cut(base: Path, seconds: float) -> dict[str, Any]:
    """One run: a fresh file system, a hub that writes for so long, the power goes, the hub starts again."""
    make(base / "image")
    with mounted(base / "image", base / "mount"):
        house = House(base / "mount" / "hub", NOW)
        try:
            logins, acknowledged = await cut_off(house, base / "image", base / "copy", seconds)
        finally:
            await house.close()
            await house.hub.close()
    with mounted(base / "copy", base / "again"):
        house = House(base / "again" / "hub", NOW + acknowledged * 1000 + 3_600_000)
        try:
            found = await again(house, logins, acknowledged)
        finally:
            await house.close()
            await house.hub.close()
    return {"acknowledged": acknowledged + 1, **found}


async def cuts(count: int, seed: int = 1) -> int:
    """So many; tells each and returns how many were not survived."""
    chance, failed = random.Random(seed), 0
    for number in range(count):
        base = Path(tempfile.mkdtemp(prefix="plughub-cut-"))
        try:
            print(json.dumps({"cut": number, **await cut(base, chance.uniform(0, WORST_S))}), flush=True)
        except AssertionError as error:
            failed += 1
            print(json.dumps({"cut": number, "failed": str(error)}), flush=True)
        finally:
            shutil.rmtree(base)
    return failed


async def power_cut(quick: bool) -> list[Row]:
    """Acknowledged samples lost, double, or holes after replay, over many cuts."""
    if not available():
        return [row("power cuts", "needs root, loop devices and mkfs.ext4", "")]
    count, begin = 3 if quick else 20, time.monotonic()
    failed = await cuts(count)
    return [
        row("power cuts", count, "times"),
        row("of them with a lost or double sample, or a hole after replay", failed, "", at_most=0),
        row("all of it took", time.monotonic() - begin, "s"),
    ]


def main() -> int:
    """Exit code 1 when anything that was acknowledged is lost, or double."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=20, help="how many times (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if not available():
        print("This needs root, mkfs.ext4 and loop devices.", file=sys.stderr)
        return 2
    failed = asyncio.run(cuts(args.cuts, args.seed))
    print(json.dumps({"cuts": args.cuts, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
