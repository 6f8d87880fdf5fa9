"""A power cut, simulated: the image below a mounted ext4 is copied while history writes; a hub is started on the copy.

The writing process stands still while the image is copied, so that the copy is what the disk held at one moment.
What was acknowledged before that moment has to be in it. Needs root and loop devices: `python -m benchmarks.power_cut`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datacore import DataCore
from hub.plugins.contract import SeriesKey

IMAGE_MB = 512
PLUGS = 5
COMMIT_S, COMMITS_A_MERGE = 60, 6  # of the plugs' time, which runs as fast as it can
STEP_MWH = 500
FOREVER = 1 << 60


def sample(plug: int, second: int) -> bytes:
    """What plug number `plug` measures in that second; anyone can tell it again."""
    watts = STEP_MWH * 3.6
    return (
        f'{{"voltage":{230 + (second * 7 + plug) % 50 / 10},"current":{7.8 + second % 13 / 100},"power":{watts},'
        f'"energy_mwh":{second * STEP_MWH},"relay_state":true,"run":"{plug + 10:016x}","seq":{second},"oldest":0,'
        f'"up":{second * 1000}}}'
    ).encode()


async def write(folder: Path) -> None:
    """The writing process: says what it acknowledged, line by line, until it is ended."""
    core = await DataCore(folder, PLUGS).start()
    second = commits = 0
    while True:
        for _ in range(COMMIT_S):
            for plug in range(PLUGS):
                core.ingest.message(f"plug-{plug}", "telemetry", sample(plug, second), False)
            second += 1
            core.clock._move(core.clock.monotonic() + 1)
        commits += 1
        done = await (core.history.merge() if commits % COMMITS_A_MERGE == 0 else core.history.commit())
        if done:
            print(second - 1, flush=True)


async def read(folder: Path, acknowledged: int) -> dict[str, Any]:
    """Start a hub on what was copied, let the plugs send what it lacks, and compare. Raises AssertionError."""
    core = await DataCore(folder, PLUGS, now=1_700_000_000_000 + acknowledged * 1000 + 3_600_000).start()
    assert await core.history.merge(), "it did not start again on its own"
    kept = [_seqs(core, plug) for plug in range(PLUGS)]
    for seqs in kept:
        assert len(seqs) == len(np.unique(seqs)), "a sample stands there twice"
        assert np.isin(np.arange(acknowledged + 1), seqs).all(), "an acknowledged sample is lost"
    newest = acknowledged + COMMIT_S
    for plug in range(PLUGS):
        for second in range(newest + 1):
            if second > acknowledged - 10:
                core.ingest.message(f"plug-{plug}", "telemetry", sample(plug, second), False)
    assert await core.history.merge()
    for plug in range(PLUGS):
        seqs = _seqs(core, plug)
        assert len(seqs) == len(np.unique(seqs)), "a sample stands there twice after the replay"
        assert np.isin(np.arange(newest + 1), seqs).all(), "a hole is left after the replay"
        buckets = core.store.rollup(SeriesKey(f"d{plug}"), "15m", 0, FOREVER)
        energy, expected = float(buckets.import_mwh.sum()), int(seqs.max()) * STEP_MWH
        assert abs(energy - expected) < 1, f"{energy} mWh in place of {expected}"
    check = await core.history.care.check()
    await core.stop()
    assert check.fine, check
    return {"kept": int(min(len(seqs) for seqs in kept)), "beyond": int(kept[0].max()) - acknowledged}


def _seqs(core: DataCore, plug: int) -> Any:
    columns = core.store.read_stream(SeriesKey(f"d{plug}"), f"{plug + 10:016x}", 0, FOREVER)
    return np.empty(0, np.int64) if columns is None else columns.seq


@contextlib.contextmanager
def mounted(image: Path, mount: Path) -> Iterator[None]:
    """An image as a folder. Raises CalledProcessError where that is not to be had."""
    mount.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def cut(base: Path, seconds: float) -> dict[str, Any]:
    """One run: a fresh file system, a hub that writes for so long, the power goes, the hub starts again."""
    image, copy = base / "image", base / "copy"
    with image.open("wb") as file:
        file.truncate(IMAGE_MB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0", str(image)], check=True)
    acknowledged = -1
    with mounted(image, base / "mount"):
        command = [sys.executable, "-m", "benchmarks.power_cut", "--write", str(base / "mount")]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)  # nothing is read ahead
        try:
            assert writer.stdout is not None
            acknowledged = int(writer.stdout.readline())
            time.sleep(seconds)
            writer.send_signal(signal.SIGSTOP)
            # `T` in the third field: only then does it stand still.
            while Path(f"/proc/{writer.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
                time.sleep(0.001)
            subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
            os.set_blocking(writer.stdout.fileno(), False)
            lines = (os.read(writer.stdout.fileno(), 1 << 20) or b"").split()
            acknowledged = int(lines[-1]) if lines else acknowledged
        except BlockingIOError:
            pass  # nothing more was acknowledged
        finally:
            writer.kill()
            writer.wait()
    with mounted(copy, base / "again"):
        found = asyncio.run(read(base / "again", acknowledged))
    copy.unlink()
    return {"acknowledged": acknowledged, **found}


def main() -> int:
    """Exit code 1 when anything that was acknowledged is lost, or double."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cuts", type=int, default=20, help="how many times (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.write is not None:
        asyncio.run(write(args.write))
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        print("This needs root, mkfs.ext4 and loop devices.", file=sys.stderr)
        return 2
    chance, failed = random.Random(args.seed), 0
    for number in range(args.cuts):
        base = Path(tempfile.mkdtemp(prefix="plughub-cut-"))
        try:
            print(json.dumps({"cut": number, **cut(base, chance.uniform(0, 1.5))}), flush=True)
        except AssertionError as error:
            failed += 1
            print(json.dumps({"cut": number, "failed": str(error)}), flush=True)
        finally:
            shutil.rmtree(base)
    print(json.dumps({"cuts": args.cuts, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
