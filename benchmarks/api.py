"""The API under load: a list of a hundred plugs, asked for again and again while these send."""

import asyncio
import json
import sys
import time

import aiohttp
import uvloop

from benchmarks.processes import Load, cpu_seconds, pin
from benchmarks.scenarios import Row, percentile, prepare, row
from hub.testing.process import HubProcess

CONFIGURATION = "network:\n  mdns: false\nsecurity:\n  reads_per_minute: 1000000\n"
AT_ONCE = 8
A_SECOND = 800


async def api(quick: bool) -> list[Row]:
    """The hub on one core, its plugs and its callers on the other."""
    hub = HubProcess(CONFIGURATION)
    seconds = 3 if quick else 15
    try:
        plugs = await prepare(hub, 100)
        load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=100, seconds=seconds * 2 + 10, qos=0)
        await load.connect()
        loading = asyncio.create_task(load.run())
        await asyncio.sleep(2)
        alone = await asked(hub, 1, seconds, pause=0.01)
        before = cpu_seconds(hub.pid)
        together = await asked(hub, AT_ONCE, seconds)
        used = (cpu_seconds(hub.pid) - before) / len(together["took"])
        await loading
        await load.end()
        size = alone["bytes"] / 1024
        return [
            row("list of 100 plugs, 100 samples/s live: p50", percentile(alone["took"], 0.5), "ms", at_most=3),
            row("list of 100 plugs, 100 samples/s live: p99", percentile(alone["took"], 0.99), "ms", at_most=15),
            row("list of 100 plugs: size, packed", size, "KB"),
            row(f"{AT_ONCE} callers at once", len(together["took"]) / together["seconds"], "/s", at_least=A_SECOND),
            # The same in another way, for a machine that has other work besides.
            row("CPU of the hub for one, plugs and all", used * 1e6, "µs", at_most=1e6 / A_SECOND),
        ]
    finally:
        await hub.close()


async def asked(hub: HubProcess, callers: int, seconds: float, pause: float = 0.0) -> dict:  # type: ignore[type-arg]
    """What a process of callers saw."""
    caller = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.api", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    pin(caller.pid, {1})
    order = {"url": hub.url, "token": hub.token, "callers": callers, "seconds": seconds, "pause": pause}
    out, _ = await caller.communicate(json.dumps(order).encode() + b"\n")
    found: dict[str, object] = json.loads(out)
    return found


async def call() -> None:
    """The callers: {"url", "token", "callers", "seconds", "pause"} -> {"took": [ms], "bytes", "seconds"}."""
    order = json.loads(sys.stdin.readline())
    took: list[float] = []
    size, begin = 0, time.perf_counter()
    headers = {"Authorization": f"Bearer {order['token']}", "Accept-Encoding": "gzip"}

    async with aiohttp.ClientSession(headers=headers, auto_decompress=False) as session:

        async def one() -> None:
            nonlocal size
            while time.perf_counter() - begin < order["seconds"]:
                at = time.perf_counter()
                async with session.get(f"{order['url']}/devices") as answer:
                    body = await answer.read()
                    if answer.status != 200:
                        raise RuntimeError(f"{answer.status} {body!r}")
                took.append((time.perf_counter() - at) * 1000)
                size = len(body)
                if order["pause"]:
                    await asyncio.sleep(order["pause"])

        await asyncio.gather(*(one() for _ in range(order["callers"])))
    print(json.dumps({"took": took, "bytes": size, "seconds": time.perf_counter() - begin}), flush=True)


if __name__ == "__main__":
    uvloop.run(call())
