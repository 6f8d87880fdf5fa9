"""What is measured. Each scenario returns rows of {"name", "value", "unit"} and, where something is promised,
{"at_most" or "at_least", "met"}."""

import asyncio
import os
import time
from typing import Any

from benchmarks.processes import Load, Mosquitto, cpu_seconds, pin, resident_mb
from benchmarks.watcher import Watcher
from hub.testing.process import HubProcess

Row = dict[str, object]


def row(name: str, value: object, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> Row:
    """One figure, with the promise that it is held against, if there is one."""
    figure: Row = {"name": name, "value": value, "unit": unit}
    if at_most is not None:
        figure |= {"at_most": at_most, "met": isinstance(value, (int, float)) and value <= at_most}
    if at_least is not None:
        figure |= {"at_least": at_least, "met": isinstance(value, (int, float)) and value >= at_least}
    return figure


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def prepare(hub: HubProcess, count: int) -> list[tuple[str, str]]:
    """A running hub on the first core, with this many plugs; returns (hardware_id, secret)."""
    await hub.start()
    pin(hub.pid, {0})
    await hub.set_up()
    return await add_plugs(hub, count)


async def add_plugs(hub: HubProcess, count: int) -> list[tuple[str, str]]:
    """Further plugs."""
    names = [f"bench-{os.urandom(4).hex()}-{k}" for k in range(count)]
    return [(name, (await hub.add_plug(name))[1]) for name in names]


async def start_and_memory(quick: bool) -> list[Row]:
    """Seconds from exec to the first HTTP answer (second start: nothing to create), and memory without plugs."""
    hub = HubProcess()
    try:
        await hub.start()
        await hub.set_up()
        await hub.stop()
        took = await hub.start()
        await asyncio.sleep(3)
        return [row("start: exec to HTTP answer", took, "s"), row("resident, no plugs", resident_mb(hub.pid), "MB")]
    finally:
        await hub.close()


async def idle(quick: bool) -> list[Row]:
    """Five plugs at 1 Hz and nobody looking; then 100 plugs."""
    hub, rows = HubProcess(), []
    try:
        await prepare(hub, 0)
        for count in (5, 100):
            plugs = await add_plugs(hub, count)
            seconds = 10 if quick else 70
            load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=count, seconds=seconds, qos=0)
            await load.connect()
            before, begin = cpu_seconds(hub.pid), time.monotonic()
            await load.run()
            share = (cpu_seconds(hub.pid) - before) / (time.monotonic() - begin)
            rows += [
                row(f"{count} plugs at 1 Hz: share of one core", share * 100, "%"),
                row(f"{count} plugs at 1 Hz: CPU a sample", share / count * 1e6, "µs"),
                row(f"{count} plugs: resident", resident_mb(hub.pid), "MB"),
            ]
            await load.end()
        return rows
    finally:
        await hub.close()


async def ingest(quick: bool) -> list[Row]:
    """CPU a sample with one page open, and the time from a plug's publish to the page's WebSocket."""
    hub, rows = HubProcess(), []
    try:
        plugs = await prepare(hub, 100)
        names = {d["id"]: d["hardware_id"] for d in (await hub.call("GET", "/devices"))["items"]}
        seconds = 5 if quick else 20
        for rate in (100, 2000):
            watcher = Watcher(hub)
            task = asyncio.create_task(watcher.watch(names))
            await watcher.ready()
            load = Load(
                host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=rate, seconds=seconds, qos=0, trace=True
            )
            await load.connect()
            before = cpu_seconds(hub.pid)
            report = await load.run()
            used = cpu_seconds(hub.pid) - before
            await asyncio.sleep(0.5)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await load.end()
            delays = [(watcher.seen[k] - at) / 1e6 for k, at in report["sent_at"].items() if k in watcher.seen]
            rows += [
                row(f"{rate}/s, one page open: CPU a sample", used / report["sent"] * 1e6, "µs"),
                row(f"{rate}/s: publish to WebSocket, p50", percentile(delays, 0.5), "ms"),
                row(f"{rate}/s: publish to WebSocket, p99", percentile(delays, 0.99), "ms"),
                row(f"{rate}/s: samples that reached the page", len(delays) / report["sent"] * 100, "%"),
            ]
        return rows
    finally:
        await hub.close()


async def _closed_loop(port: int, pid: int, plugs: list[tuple[str, str]], seconds: int) -> tuple[float, float]:
    load = Load(host="127.0.0.1", port=port, plugs=plugs, rate=0, seconds=seconds, qos=1)
    await load.connect()
    before = cpu_seconds(pid)
    report: dict[str, Any] = await load.run()
    used = cpu_seconds(pid) - before
    await load.end()
    return report["acknowledged"] / report["seconds"], used / max(report["acknowledged"], 1) * 1e6


async def broker(quick: bool) -> list[Row]:
    """As many QoS 1 messages as are acknowledged, 100 connections: the whole hub, and Mosquitto beside it."""
    seconds, rows = 3 if quick else 10, []
    hub = HubProcess()
    try:
        plugs = await prepare(hub, 100)
        rate, cost = await _closed_loop(hub.mqtt_port, hub.pid, plugs, seconds)
        rows += [row("hub (decoded, stored): QoS 1 samples", round(rate), "/s"), row("hub: CPU a sample", cost, "µs")]
    finally:
        await hub.close()
    if Mosquitto.path() is None:
        return [*rows, row("Mosquitto", "not installed", "")]
    peer = Mosquitto()
    try:
        await peer.start()
        assert peer.process is not None
        plugs = [(f"bench-{k}", "") for k in range(100)]
        rate, cost = await _closed_loop(peer.port, peer.process.pid, plugs, seconds)
        return [*rows, row("Mosquitto (routed to nobody): QoS 1", round(rate), "/s"), row("Mosquitto: CPU", cost, "µs")]
    finally:
        await peer.stop()


async def query(quick: bool) -> list[Row]:
    """The answer time of charts and of the device list, with 100 plugs live."""
    hub = HubProcess()
    try:
        plugs = await prepare(hub, 100)
        load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=500, seconds=8 if quick else 40, qos=0)
        await load.connect()
        loading = asyncio.create_task(load.run())
        device = (await hub.call("GET", "/devices"))["items"][0]["id"]
        rows, now = [], int(time.time() * 1000)
        asked: dict[str, tuple[str, dict[str, object]]] = {
            "device list of 100": ("/devices", {}),
            "chart of the last hour": ("/telemetry", {"device": device, "from": now - 3_600_000, "to": now}),
            "chart of a day": ("/telemetry", {"device": device, "from": now - 86_400_000, "to": now}),
            "bars of a day": ("/telemetry", {"device": device, "from": now - 86_400_000, "to": now, "bucket": "1h"}),
        }
        for name, (path, params) in asked.items():
            times = []
            for _ in range(20 if quick else 200):
                begin = time.perf_counter()
                await hub.call("GET", path, None, **params)
                times.append((time.perf_counter() - begin) * 1000)
            rows += [
                row(f"{name}, p50", percentile(times, 0.5), "ms"),
                row(f"{name}, p99", percentile(times, 0.99), "ms"),
            ]
        await loading
        await load.end()
        return rows
    finally:
        await hub.close()
