"""VictoriaMetrics with the same day of real traces: the time-series database that is known for its small files.

usage: python -m benchmarks.victoria TRACES [--plugs 10]     (Debian: victoria-metrics)

Every field of a sample (voltage, current, power, energy, relay) is a series there, as its users keep them.
"""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.scenarios import Row, percentile, row
from benchmarks.store import START
from benchmarks.stored import traces
from hub.history.calendar import DAY
from hub.plugins.contract import RawColumns
from hub.testing.process import free_port

FIELDS = ("voltage", "current", "power", "energy_mwh", "relay")
QUESTIONS = 50


async def victoria(plugs: list[RawColumns]) -> list[Row]:
    """Bytes on disk for each sample, and the time that a day of one plug takes as 1,440 maxima."""
    path = shutil.which("victoria-metrics")
    if path is None:
        return [row("VictoriaMetrics", "not installed", "")]
    with tempfile.TemporaryDirectory(prefix="victoria-bench-") as folder:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(path, f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                await _until_ready(session)
                return await _measure(session, Path(folder), plugs)
        finally:
            process.terminate()
            await process.wait()


async def _until_ready(session: aiohttp.ClientSession) -> None:
    for _ in range(500):
        try:
            async with session.get("/health") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.02)
    raise RuntimeError("VictoriaMetrics did not start")


async def _call(session: aiohttp.ClientSession, path: str, body: bytes | None = None, **params: Any) -> bytes:
    method = "GET" if body is None else "POST"
    async with session.request(method, path, data=body, params=params) as answer:
        answer.raise_for_status()
        return await answer.read()


async def _measure(session: aiohttp.ClientSession, folder: Path, plugs: list[RawColumns]) -> list[Row]:
    for k, columns in enumerate(plugs):
        for name in FIELDS:
            line = {
                "metric": {"__name__": f"plug_{name}", "plug": str(k)},
                "values": getattr(columns, name).astype(float).tolist(),
                "timestamps": columns.at.tolist(),
            }
            await _call(session, "/api/v1/import", json.dumps(line).encode())
    await _call(session, "/internal/force_flush")
    await _call(session, "/internal/force_merge")
    size, before = 0, -1
    while size != before:  # it merges for a while
        await asyncio.sleep(5)
        before, size = size, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    times = []
    for k in range(QUESTIONS):
        question = f'max_over_time(plug_power{{plug="{k % len(plugs)}"}}[1m])'
        begin = time.perf_counter()
        span: dict[str, Any] = {"start": START / 1000, "end": (START + DAY) / 1000, "step": "1m", "nocache": "1"}
        found = json.loads(await _call(session, "/api/v1/query_range", query=question, **span))
        times.append((time.perf_counter() - begin) * 1000)
        if not found["data"]["result"]:
            raise RuntimeError("VictoriaMetrics found nothing")
    samples = sum(len(columns.at) for columns in plugs)
    return [
        row("VictoriaMetrics: stored, five series a plug, no rollups", size / samples, "B a sample"),
        row("VictoriaMetrics: a day as 1,440 maxima, p50", percentile(times, 0.5), "ms"),
    ]


async def beside(quick: bool) -> list[Row]:
    """The same as `script/bench` shows it; TRACES names the folder."""
    if "TRACES" not in os.environ:
        return [row("VictoriaMetrics", "TRACES is not set", "")]
    return await victoria(traces(Path(os.environ["TRACES"]), 2 if quick else 10))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("traces", type=Path)
    parser.add_argument("--plugs", type=int, default=10)
    arguments = parser.parse_args()
    for each in asyncio.run(victoria(traces(arguments.traces, arguments.plugs))):
        print(f"    {each['name']!s:60} {each['value']!s:>12} {each['unit']}")


if __name__ == "__main__":
    main()
