"""How fast history answers: a home of 30 plugs with a year of quarters and a week of samples, in process and over HTTP.

usage: python -m benchmarks.queries [--quick] [--json FILE]
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp
import numpy as np

from benchmarks.processes import Load, cpu_seconds, pin, resident_mb
from benchmarks.scenarios import Row, add_plugs, percentile, row
from benchmarks.store import FixedClock, NoTail, rollup
from hub.bus import Bus
from hub.history.calendar import DAY, HOUR
from hub.history.editions import Editions
from hub.history.query import Query
from hub.history.ready import Ready
from hub.history.retention import Retention
from hub.plugins.columns import RAW_ARRAYS, rounded_rollup, select_rollup
from hub.plugins.contract import TIERS, Merge, RawColumns, RollupColumns, SeriesKey
from hub.testing.process import HubProcess
from hub.testing.traces import trace
from integrations.storage.sqlite.store import SqliteStore

DEVICES = 30
YEAR = 365 * DAY
WEEK = 7 * DAY


def week(end: int, seed: int) -> RawColumns:
    """A week of a plug at 1 Hz that ends then: one made-up day again and again."""
    day = trace(86_400, start=0, run=f"{seed:016x}", seed=seed)
    n = len(day.seq)
    shifts = {"seq": n, "up": DAY, "at": DAY, "energy_mwh": int(day.energy_mwh[-1] - day.energy_mwh[0])}
    arrays = {
        name: np.concatenate([getattr(day, name) + (k * shifts[name] if name in shifts else 0) for k in range(7)])
        for name in RAW_ARRAYS
    }
    arrays["at"] = arrays["at"] + end - WEEK
    typed = {name: values.astype(getattr(day, name).dtype) for name, values in arrays.items()}
    return RawColumns(run=day.run, extra={}, **typed)


def year(samples: RawColumns, end: int) -> RollupColumns:
    """Quarters of a year like those of the week, each week drawing a little more."""
    quarters = rollup(samples, TIERS["15m"])
    first = end // TIERS["15m"] * TIERS["15m"]
    parts = []
    for k in range(-(-YEAR // WEEK)):
        part = select_rollup(quarters, slice(None))
        part.start = quarters.start - k * WEEK
        for name in ("mean_power", "min_power", "max_power", "mean_current", "import_mwh"):
            setattr(part, name, getattr(quarters, name) * (1 + k / 100))
        parts.append(part)
    order = parts[::-1]
    whole = RollupColumns(
        **{name: np.concatenate([getattr(part, name) for part in order]) for name in RollupColumns.__struct_fields__}
    )
    return rounded_rollup(select_rollup(whole, (whole.start >= end - YEAR) & (whole.start < first)))


def fill(path: Path, keys: list[SeriesKey], end: int, raw: int) -> None:
    """The store of that home; the first `raw` plugs have samples and minutes."""
    store = SqliteStore(path)
    store.open()
    for seed, key in enumerate(keys):
        samples = week(end, seed + 1)
        own = seed < raw
        tiers = [(key, "15m", year(samples, end))]
        if own:
            tiers.append((key, "1m", rollup(samples, TIERS["1m"])))
        store.merge(Merge([(key, samples)] if own else [], tiers))
    store.close()


async def timed(
    name: str,
    ask: Callable[[], Awaitable[object]],
    rounds: int,
    cpu: Callable[[], float] = time.process_time,
    *,
    at_most: float | None = None,
) -> list[Row]:
    """Of the first and of so many further questions: wall time, and CPU time of the process, of which other work on the
    machine takes nothing. Both in ms. `cpu`: seconds of it so far; at_most: what its least is held against, because
    other work only ever adds to it."""
    took, worked = [], []
    for _ in range(rounds + 1):
        begin, used = time.perf_counter(), cpu()
        await ask()
        took.append((time.perf_counter() - begin) * 1000)
        worked.append((cpu() - used) * 1000)
        await asyncio.sleep(0.02)
    return [
        row(f"{name}: first", took[0], "ms"),
        row(f"{name}: first, CPU", worked[0], "ms"),
        *spread(name, took[1:], worked[1:], at_most),
    ]


def spread(name: str, took: list[float], worked: list[float], at_most: float | None = None) -> list[Row]:
    """Least and median of both, and what one in a hundred takes."""
    return [
        row(f"{name}: least, CPU", min(worked), "ms", at_most=at_most),
        row(f"{name}: p50, CPU", percentile(worked, 0.5), "ms"),
        row(f"{name}: mean, CPU", sum(worked) / len(worked), "ms"),
        row(f"{name}: least", min(took), "ms"),
        row(f"{name}: p50", percentile(took, 0.5), "ms"),
        row(f"{name}: p99", percentile(took, 0.99), "ms"),
    ]


async def after_a_start(path: Path, keys: list[SeriesKey], end: int, rounds: int) -> list[Row]:
    """A year of days, each time by a store and a query that have just been opened; the first two times sums are not
    kept yet, or not in one piece."""
    took, worked = [], []
    for _ in range(rounds + 2):
        store = SqliteStore(path)
        store.open()
        query = Query(store, NoTail(), FixedClock(end), lambda _: "Europe/Berlin", editions=Editions())
        begin, used = time.perf_counter(), time.process_time()
        await query.several(keys, end - YEAR, end, bucket="1d")
        took.append((time.perf_counter() - begin) * 1000)
        worked.append((time.process_time() - used) * 1000)
        store.merge(Merge([], []))  # keeps the sums of days in the file, as the merge of each hour does
        store.close()
    name = "year of days, 30 plugs, first after a start"
    return [
        row(f"{name}: nothing kept", took[0], "ms"),
        row(f"{name}: nothing kept, CPU", worked[0], "ms"),
        *spread(name, took[2:], worked[2:], at_most=60),
    ]


async def made_ready(path: Path, keys: list[SeriesKey], end: int, rounds: int) -> list[Row]:
    """A year of days for the first time ever, where the hub has made its sums before: each time in a store of which
    nothing was asked."""
    took, worked = [], []
    clock, zone = FixedClock(end), "Europe/Berlin"
    for _ in range(rounds):
        copy = path.with_name("asked-first.sqlite")
        copy.write_bytes(path.read_bytes())
        store = SqliteStore(copy)
        store.open()
        await Ready(
            store,
            NoTail(),
            outlets=lambda: keys,
            zone=lambda _: zone,
            retention=lambda _: Retention(),
            bus=Bus(),
            clock=clock,
        ).make()
        query = Query(store, NoTail(), clock, lambda _: zone, editions=Editions())
        begin, used = time.perf_counter(), time.process_time()
        await query.several(keys, end - YEAR, end, bucket="1d")
        took.append((time.perf_counter() - begin) * 1000)
        worked.append((time.process_time() - used) * 1000)
        store.close()
        copy.unlink()
    return spread("year of days, 30 plugs, first ever, made ready", took, worked, at_most=60)


async def in_process(path: Path, keys: list[SeriesKey], end: int, rounds: int) -> list[Row]:
    """Straight from the query, everything merged."""
    after = await made_ready(path, keys, end, max(rounds // 20, 3))
    after += await after_a_start(path, keys, end, max(rounds // 5, 10))
    store = SqliteStore(path)
    store.open()
    query = Query(store, NoTail(), FixedClock(end), lambda _: "Europe/Berlin", editions=Editions())
    one = keys[0]
    rows = [
        *await timed("week of 1 Hz, a chart", lambda: query.series(one, end - WEEK, end), rounds),
        *await timed("week of 1 Hz, from minutes", lambda: query.series(one, end - WEEK, end, bucket="1m"), rounds),
        *await timed(
            "week of 1 Hz, all samples by M4",
            lambda: query.series(one, end - WEEK, end, 1000, "raw"),
            rounds,
            at_most=15,
        ),
        *await timed("year of days, 30 plugs", lambda: query.several(keys, end - YEAR, end, bucket="1d"), rounds),
        *await timed("year of days, sum of 30", lambda: query.sum(keys, end - YEAR, end, bucket="1d"), rounds),
        *await timed("week, sum of 30", lambda: query.sum(keys, end - WEEK, end), rounds),
    ]
    store.close()
    return [{**each, "name": f"in process: {each['name']}"} for each in (*rows, *after)]


async def over_http(hub: HubProcess, ids: list[str], end: int, rounds: int) -> list[Row]:
    """The same from a running hub whose plugs are sending."""
    many = "&".join(f"device={id}" for id in ids)
    year_ago, week_ago = f"from={end - YEAR}&to={end}", f"from={end - WEEK}&to={end}"
    rows: list[Row] = []
    headers = {"Authorization": f"Bearer {hub.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:

        async def get(path: str) -> None:
            async with http.get(f"{hub.url}{path}") as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()

        waits: list[float] = []

        async def others() -> None:
            while True:
                begin = time.perf_counter()
                await get("/system/info")
                waits.append((time.perf_counter() - begin) * 1000)
                await asyncio.sleep(0.01)

        beside = asyncio.create_task(others())
        for name, path in (
            ("week of 1 Hz, a chart", f"/telemetry?device={ids[0]}&{week_ago}"),
            ("week of 1 Hz, all samples by M4", f"/telemetry?device={ids[0]}&{week_ago}&bucket=raw"),
            ("year of days, 30 plugs", f"/telemetry?{many}&{year_ago}&bucket=1d"),
            ("year of days, sum of 30", f"/telemetry/sum?{year_ago}&bucket=1d"),
        ):
            cpu = partial(cpu_seconds, hub.pid)  # with that of the samples that come in meanwhile
            rows += await timed(name, partial(get, path), rounds, cpu)
        beside.cancel()
        rows.append(row("another request meanwhile: p99", percentile(waits, 0.99), "ms"))
        rows += await export(
            http, hub, f"{hub.url}/telemetry/export?{many}&{year_ago}&bucket=15m", "a year of quarters"
        )
        rows += await export(
            http, hub, f"{hub.url}/telemetry/export?device={ids[0]}&{week_ago}&bucket=raw", "a week raw"
        )
    return [{**each, "name": f"over HTTP: {each['name']}"} for each in rows]


async def export(http: aiohttp.ClientSession, hub: HubProcess, url: str, name: str) -> list[Row]:
    """Lines a second, and what the hub's memory grows by."""
    before, most, lines, size = resident_mb(hub.pid), 0.0, 0, 0
    begin = time.perf_counter()
    async with http.get(url, timeout=aiohttp.ClientTimeout(total=None), headers={"Accept-Encoding": ""}) as answer:
        assert answer.status == 200
        async for piece in answer.content.iter_any():
            lines, size = lines + piece.count(b"\n"), size + len(piece)
            most = max(most, resident_mb(hub.pid))
    took = time.perf_counter() - begin
    return [
        row(f"export of {name}: lines", lines, ""),
        row(f"export of {name}: lines a second", lines / took, "/s"),
        row(f"export of {name}: size", size / 2**20, "MB"),
        row(f"export of {name}: memory, by", most - before, "MB"),
    ]


async def queries(quick: bool) -> list[Row]:
    """Everything, on one store."""
    rounds, raw = (10, 1) if quick else (100, DEVICES)
    hub = HubProcess()
    try:
        await hub.start()
        await hub.set_up()
        plugs = await add_plugs(hub, DEVICES)
        ids = [device["id"] for device in (await hub.call("GET", "/devices"))["items"]]
        await hub.stop()
        end = int(time.time() * 1000) // HOUR * HOUR
        keys = [SeriesKey(id) for id in ids]
        path = hub.data / "history.sqlite"
        path.unlink()
        await asyncio.to_thread(fill, path, keys, end, raw)
        rows = [row("history file", path.stat().st_size / 2**20, "MB")]
        rows += await in_process(path, keys, end, rounds)
        await hub.start()
        pin(hub.pid, {0})
        load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=DEVICES, seconds=20 if quick else 90, qos=0)
        await load.connect()
        sending = asyncio.create_task(load.run())
        await asyncio.sleep(5 if quick else 65)  # a commit is made, and none of it is merged
        rows += await over_http(hub, ids, int(time.time() * 1000), rounds)
        await sending
        await load.end()
        return rows
    finally:
        await hub.close()


async def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="samples of one plug only, few rounds")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = await queries(arguments.quick)
    for each in rows:
        verdict = f" ≤ {each['at_most']}: {'met' if each['met'] else 'MISSED'}" if "at_most" in each else ""
        print(f"  {each['name']!s:66} {float(str(each['value'])):>12,.1f} {each['unit']}{verdict}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
