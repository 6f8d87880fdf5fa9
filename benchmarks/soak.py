"""Eight hours of a hundred plugs within one: does the hub's memory grow?"""

import asyncio
import json
import time

from benchmarks.processes import Load, resident_mb
from benchmarks.scenarios import Row, prepare, row
from benchmarks.watcher import Watcher
from hub.testing.process import CONFIGURATION, HubProcess

PLUGS, RATE = 100, 800
COMMITS = "history:\n  commit_interval: 8 s\n"
QUESTION_S = 10
GROWTH_MB = 10  # the heap's own ups and downs


async def soak(quick: bool) -> list[Row]:
    """800 samples a second, commits eight times as often, one page open and one that asks for charts, for 64 minutes
    (so that a merge lies inside)."""
    seconds = 120 if quick else 64 * 60
    hub = HubProcess(CONFIGURATION + COMMITS)
    try:
        plugs = await prepare(hub, PLUGS)
        devices = (await hub.call("GET", "/devices"))["items"]
        load = Load(port=hub.mqtt_port, plugs=plugs, rate=RATE, seconds=seconds, qos=1)
        await load.connect()
        loading = asyncio.create_task(load.run())
        begin, memory, asked = time.monotonic(), [], 0
        while not loading.done():
            await asyncio.wait({loading}, timeout=QUESTION_S)
            now = int(time.time() * 1000)
            if asked % 60 == 0:
                await hub.log_in()
            device = devices[asked % PLUGS]
            asked += 1
            watcher = Watcher(hub)
            watching = asyncio.create_task(watcher.watch({}))  # a page is opened and closed again
            await watcher.ready()
            await hub.call("GET", "/telemetry", None, **{"device": device["id"], "from": now - 3_600_000, "to": now})
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            memory.append((time.monotonic() - begin, resident_mb(hub.pid)))
        report = await loading
        await load.end()
        settled = next(mb for at, mb in memory if at > seconds / 4)  # the ten minutes kept for live charts are full
        print(json.dumps([round(mb, 1) for _, mb in memory[:: max(1, len(memory) // 32)]]), flush=True)
        return [
            row("soak: samples acknowledged", report["acknowledged"], "samples"),
            row("soak: resident after a quarter", settled, "MB"),
            row("soak: resident at the end", memory[-1][1], "MB"),
            row("soak: grown from then to the end", memory[-1][1] - settled, "MB", at_most=GROWTH_MB),
            row("soak: most resident", max(mb for _, mb in memory), "MB"),
        ]
    finally:
        await hub.close()
