"""The whole hub beside Home Assistant with Mosquitto on the same samples, and how much one core of the hub carries."""

import asyncio
import contextlib
import resource
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.homeassistant import HomeAssistant, installed
from benchmarks.processes import Load, cpu_seconds, resident_mb
from benchmarks.scenarios import Row, percentile, prepare, row
from benchmarks.watcher import Watcher
from hub.testing.process import HubProcess

PLUGS = 100


def _delays(report: dict[str, Any], seen: dict[str, int]) -> list[float]:
    return [(seen[key] - at) / 1e6 for key, at in report["sent_at"].items() if key in seen]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _until_seen(report: dict[str, Any], seen: dict[str, int], seconds: float) -> None:
    """Give what is still under way a little time."""
    deadline = time.monotonic() + seconds
    while len(seen) < report["sent"] and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


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


async def _hub(rate: int, seconds: int) -> tuple[dict[str, float], list[float]]:
    """With the commits of that time; a merge is counted apart, because a real one is of an hour."""
    hub = HubProcess()
    try:
        plugs = await prepare(hub, PLUGS)
        async with _watched(hub) as seen:
            load = Load(port=hub.mqtt_port, plugs=plugs, rate=rate, seconds=seconds, qos=0, trace=True)
            await load.connect()
            before = cpu_seconds(hub.pid)
            report = await load.run()
            await _until_seen(report, seen, 2)
            used = cpu_seconds(hub.pid) - before
            await load.end()
        memory, running, reaped = resident_mb(hub.pid), cpu_seconds(hub.pid), _children()
        await hub.stop()
        figures = {
            "cpu": used / report["sent"],
            "memory": memory,
            "share": len(seen) / report["sent"],
            "stop": _children() - reaped - running,
        }
        return figures, _delays(report, seen)
    finally:
        await hub.close()


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
    seconds = 10 if quick else 75
    ours = {}
    for rate in (100, 2000):
        figures, delays = await _hub(rate, seconds)
        ours[rate] = figures
        rows += [
            row(f"hub, {rate}/s: CPU a sample", figures["cpu"] * 1e6, "µs"),
            row(f"hub, {rate}/s: publish to WebSocket, p50", percentile(delays, 0.5), "ms"),
            row(f"hub, {rate}/s: publish to WebSocket, p99", percentile(delays, 0.99), "ms"),
            row(f"hub, {rate}/s: reached the page", figures["share"] * 100, "%"),
            row(f"hub, {rate}/s: resident", figures["memory"], "MB"),
            row(f"hub, {rate}/s: CPU of the stop, with commit and merge", figures["stop"], "s"),
        ]
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
            rows.append(row("their CPU a sample, times ours", figures["cpu"] / ours[rate]["cpu"], "×"))
    return rows


async def capacity(quick: bool) -> list[Row]:
    """2,000 plugs with their subscriptions, one page open, one core: 30,000 QoS 1 samples a second for over a minute,
    so that commits lie inside, and the merge of all of it at the end. All of it must be in the store."""
    count, rate, seconds = 2000, 30_000, 10 if quick else 75
    hub = HubProcess()
    try:
        plugs = await prepare(hub, count)
        async with _watched(hub):
            load = Load(port=hub.mqtt_port, plugs=plugs, rate=rate, seconds=seconds, qos=1, subscribe=True)
            await load.connect()
            before = cpu_seconds(hub.pid)
            report = await load.run()
            used = cpu_seconds(hub.pid) - before
            await load.end()
        memory, begin = resident_mb(hub.pid), time.monotonic()
        await hub.stop(within=120)
        merged = time.monotonic() - begin
        with contextlib.closing(sqlite3.connect(hub.data / "history.sqlite")) as store:
            (stored,) = store.execute("select sum(count) from raw").fetchone()
        return [
            row("2,000 plugs: QoS 1 samples acknowledged", report["acknowledged"] / report["took"], "/s"),
            row("2,000 plugs: share of one core", used / report["took"] * 100, "%"),
            row("2,000 plugs: CPU a sample", used / report["acknowledged"] * 1e6, "µs"),
            row("2,000 plugs: acknowledged but not stored", report["acknowledged"] - stored, "samples"),
            row("2,000 plugs: resident", memory, "MB"),
            row("2,000 plugs: stop, with the merge of everything", merged, "s"),
        ]
    finally:
        await hub.close()
