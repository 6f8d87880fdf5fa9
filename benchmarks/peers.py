"""The whole hub beside Home Assistant with Mosquitto on the same samples, and how much one core of the hub carries.

A merge is of an hour, and the measured time is a minute: so an hour of the same plugs is played in before (see
load.py), and the hub's clock then stands shortly before a full hour. The merge of that hour, as the hub's own timer
starts it, falls into the measured time, together with commits. What these used belongs to the samples that they took:
CPU a sample = CPU of the hub but for both / samples sent + CPU of the commits / samples committed + CPU of the merge /
samples merged. Both are history's thread; what the event loop does for them counts in full on the first side.
`hour` needs no such sum: it measures an hour in real time, and divides.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from benchmarks.homeassistant import HomeAssistant, installed
from benchmarks.lockstep import Steer, SteeredHub
from benchmarks.processes import Load, cpu_seconds, resident_mb
from benchmarks.scenarios import Row, percentile, prepare, row
from benchmarks.steered import Counts
from benchmarks.watcher import Watcher
from hub.history.pace import HOUR_S, LONGEST_MERGE_S
from hub.testing.process import HubProcess

PLUGS = 100
FULL_HOUR = 1_700_042_400_000  # Unix ms: ten in the morning, as what is done once a day costs a sample next to nothing
QUIET_S = LONGEST_MERGE_S - HOUR_S / 2 + 60  # since the last merge, and the next hour's is made however little there is
MERGE_S = 300.0  # how long a merge may go on after the load


class Run(msgspec.Struct):
    """What was measured of the hub: CPU in seconds, `cpu` of everything; delays in ms from publish to WebSocket."""

    sent: int
    took: float
    cpu: float
    commits: int
    merges: int
    committed: int  # samples
    merged: int  # samples
    commit_cpu: float
    merge_cpu: float
    memory: float  # MB
    acknowledged: int
    delays: list[float]
    while_merging: list[float]  # of them those of samples sent during the merge

    @property
    def live(self) -> float:
        """CPU seconds a sample, without what history's thread does."""
        return (self.cpu - self.merge_cpu - self.commit_cpu) / self.sent

    @property
    def committing(self) -> float:
        """CPU seconds of the commits for each sample that they committed."""
        return self.commit_cpu / self.committed

    @property
    def merging(self) -> float:
        """CPU seconds of the merge for each sample that it merged."""
        return self.merge_cpu / self.merged

    @property
    def whole(self) -> float:
        """CPU seconds a sample."""
        return self.live + self.committing + self.merging


def _delays(report: dict[str, Any], seen: dict[str, int], first: int = 0, last: int = 1 << 63) -> list[float]:
    """Of samples sent from `first` to `last`, Unix ns."""
    return [(seen[key] - at) / 1e6 for key, at in report["sent_at"].items() if key in seen and first <= at <= last]


async def _until_seen(report: dict[str, Any], seen: dict[str, int], seconds: float) -> None:
    """Give what is still under way a little time."""
    deadline = time.monotonic() + seconds
    while len(seen) < report["sent"] and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


async def _merged(steer: Steer, since: Counts) -> Counts:
    """What history has done, when the merge that began in the measured time has ended."""
    deadline = time.monotonic() + MERGE_S
    while (counts := await steer.counts()).merges == since.merges:
        if time.monotonic() > deadline:
            raise RuntimeError("no merge fell into the measured time")
        await asyncio.sleep(0.1)
    return counts


@contextlib.asynccontextmanager
async def _watched(hub: HubProcess) -> AsyncIterator[dict[str, int]]:
    names = {device["id"]: device["hardware_id"] for device in (await hub.call("GET", "/devices"))["items"]}
    watcher = Watcher(hub)
    task = asyncio.create_task(watcher.watch(names))
    await watcher.ready()
    try:
        yield watcher.seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _steered(before: float, ahead: float) -> SteeredHub:
    """A hub for which the full hour is `ahead` seconds away when `before` seconds were played in."""
    return SteeredHub(FULL_HOUR - round(max(QUIET_S, before + ahead) * 1000))


async def _hub(hub: SteeredHub, plugs: list[tuple[str, str]], before: float, ahead: float, **order: Any) -> Run:
    """Play in `before` seconds, then load in real time; a merge must lie inside."""
    async with Steer(hub.steer) as steer:
        await steer.advance(max(0.0, QUIET_S - before - ahead))
    load = Load(port=hub.mqtt_port, plugs=plugs, steer=hub.steer, before=before, **order)
    await load.connect()
    await hub.log_in()
    async with _watched(hub) as seen, Steer(hub.steer) as steer:
        since, used = await steer.counts(), cpu_seconds(hub.pid)
        report = await load.run()
        if order.get("trace"):
            await _until_seen(report, seen, 2)
        counts = await _merged(steer, since)
        used = cpu_seconds(hub.pid) - used
        memory = resident_mb(hub.pid)
        await load.end()
    return Run(
        sent=report["sent"],
        took=report["took"],
        cpu=used,
        commits=counts.commits - since.commits,
        merges=counts.merges - since.merges,
        committed=counts.committed - since.committed,
        merged=counts.merged - since.merged,
        commit_cpu=counts.commit_cpu - since.commit_cpu,
        merge_cpu=counts.merge_cpu - since.merge_cpu,
        memory=memory,
        acknowledged=report["acknowledged"],
        delays=_delays(report, seen),
        while_merging=_delays(report, seen, *counts.merge_span),
    )


async def _hub_alone(rate: int, seconds: float, before: float, ahead: float) -> Run:
    """100 plugs; at the start of the measured time the full hour is `ahead` seconds away."""
    hub = _steered(before, ahead)
    try:
        plugs = await prepare(hub, PLUGS)
        return await _hub(hub, plugs, before, ahead, rate=rate, seconds=seconds, qos=0, trace=True)
    finally:
        await hub.close()


def _shares(name: str, run: Run) -> list[Row]:
    return [
        row(f"{name}: commits, and merges inside", f"{run.commits}, {run.merges}", ""),
        row(f"{name}: of it the live path", run.live * 1e6, "µs a sample"),
        row(f"{name}: of it commits of {run.committed:,} samples", run.committing * 1e6, "µs a sample"),
        row(f"{name}: of it the merge of {run.merged:,} samples", run.merging * 1e6, "µs a sample"),
    ]


def _arrived(name: str, run: Run, p99: float | None, resident: float | None) -> list[Row]:
    merging = run.while_merging
    return [
        row(f"{name}: publish to WebSocket, p50", percentile(run.delays, 0.5), "ms"),
        row(f"{name}: publish to WebSocket, p99, merge inside", percentile(run.delays, 0.99), "ms", at_most=p99),
        row(f"{name}: while the merge ran, {len(merging):,} samples, p99", percentile(merging or [0.0], 0.99), "ms"),
        row(f"{name}: reached the page", len(run.delays) / run.sent * 100, "%"),
        row(f"{name}: resident", run.memory, "MB", at_most=resident),
    ]


async def _home_assistant(rate: int, seconds: int) -> tuple[dict[str, float], list[float]]:
    names = [f"bench-{k}" for k in range(PLUGS)]
    peer = HomeAssistant(names)
    try:
        start = await peer.start()
        seen: dict[str, int] = {}
        ready = asyncio.Event()
        task = asyncio.create_task(peer.watch(seen, ready))
        await asyncio.wait_for(ready.wait(), 60)
        load = Load(
            port=peer.broker.port, plugs=[(n, "") for n in names], rate=rate, seconds=seconds, qos=0, trace=True
        )
        await load.connect()
        stored, before = peer.stored, sum(map(cpu_seconds, peer.pids))
        report = await load.run()
        await _until_seen(report, seen, 2)
        used = sum(map(cpu_seconds, peer.pids)) - before
        memory = sum(map(resident_mb, peer.pids))
        await load.end()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        figures = {
            "cpu": used / report["sent"],
            "memory": memory,
            "share": len(seen) / report["sent"],
            "start": start,
            "stored": (peer.stored - stored) / report["sent"],
        }
        return figures, _delays(report, seen)
    finally:
        await peer.close()


async def peers(quick: bool) -> list[Row]:
    """100 plugs at 1 Hz, then more than one Home Assistant carries; each with one client that watches everything."""
    rows: list[Row] = []
    # Long enough for a commit between merges: the one that a merge begins with comes early, and costs a sample more.
    seconds, ours = 20 if quick else 100, {}
    # A merge of fewer samples than an hour's costs more for each.
    for rate, before, limit, p99 in ((100, 1200 if quick else 3600, 120, None), (2000, 150 if quick else 600, 40, 25)):
        run = await _hub_alone(rate, seconds, before, 2 if quick else 20)
        ours[rate] = run.whole
        name = f"hub, {rate}/s"
        rows += [row(f"{name}: CPU a sample", ours[rate] * 1e6, "µs", at_most=limit), *_shares(name, run)]
        rows += _arrived(name, run, p99, 125 if rate == PLUGS else None)
    if installed() is None:
        return [*rows, row("Home Assistant + Mosquitto", "HOMEASSISTANT is not set", "")]
    for rate in (100, 800):
        figures, delays = await _home_assistant(rate, seconds)
        name = f"Home Assistant + Mosquitto, {rate}/s"
        rows += [
            row(f"{name}: CPU a sample", figures["cpu"] * 1e6, "µs"),
            row(f"{name}: publish to WebSocket, p50", percentile(delays, 0.5), "ms"),
            row(f"{name}: publish to WebSocket, p99", percentile(delays, 0.99), "ms"),
            row(f"{name}: reached the page", figures["share"] * 100, "%"),
            row(f"{name}: resident", figures["memory"], "MB"),
            row(f"{name}: stored", figures["stored"], "B a sample"),
        ]
        if rate in ours:
            rows.append(row("their CPU a sample, times ours", figures["cpu"] / ours[rate], "×", at_least=12))
    return rows


async def hour(quick: bool) -> list[Row]:
    """100 plugs at 1 Hz for an hour in real time, with its sixty commits and its merge: CPU of all / samples."""
    run = await _hub_alone(100, 20 if quick else 3620, 600 if quick else 0, 5 if quick else 3605)
    name = "hub, 100/s, " + ("quick, not an hour" if quick else "an hour of real time")
    used = run.whole if quick else run.cpu / run.sent
    rows = [row(f"{name}: CPU a sample, all of it", used * 1e6, "µs", at_most=120)]
    return [*rows, *_shares(name, run), *_arrived(name, run, None, 125)]


async def capacity(quick: bool) -> list[Row]:
    """2,000 plugs with their subscriptions, one page open, one core: 30,000 QoS 1 samples a second, commits and a merge
    inside. All of it must be in the store."""
    count, rate, seconds, ahead = (200, 3_000, 20, 10) if quick else (2000, 30_300, 150, 100)
    hub = _steered(0, ahead)
    try:
        plugs = await prepare(hub, count)
        run = await _hub(hub, plugs, 0, ahead, rate=rate, seconds=seconds, qos=1, subscribe=True)
        begin = time.monotonic()
        await hub.stop(within=600)
        stopped = time.monotonic() - begin
        with contextlib.closing(sqlite3.connect(hub.data / "history.sqlite")) as store:
            (stored,) = store.execute("select sum(count) from raw").fetchone()
        name = f"{count:,} plugs"
        return [
            row(f"{name}: QoS 1 samples acknowledged", run.acknowledged / run.took, "/s", at_least=30_000),
            row(f"{name}: CPU a sample", run.whole * 1e6, "µs"),
            *_shares(name, run),
            row(f"{name}: a core carries, every sample merged", 1 / run.whole, "/s", at_least=30_000),
            row(f"{name}: acknowledged but not stored", run.acknowledged - stored, "samples", at_most=0),
            row(f"{name}: resident", run.memory, "MB"),
            row(f"{name}: stop, with the merge of what is left", stopped, "s"),
        ]
    finally:
        await hub.close()
