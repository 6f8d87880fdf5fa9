"""What history costs on real traces: bytes a sample in chunks, commit records and the SQLite file, and query times.

usage: python -m benchmarks.store TRACES [--json FILE] [--plugs 10] [--days 1] [--year 30]

TRACES: a folder with meter.py and plugs/<Appliance>/*.csv.gz. Everything is written to a temporary folder.
"""

import argparse
import asyncio
import importlib.util
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hub.clock import Clock
from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.query import Query
from hub.plugins.codec import decode_raw, encode_raw, encode_rollup, pack_raw
from hub.plugins.columns import RAW_ARRAYS, empty_rollup, rounded_rollup, select_raw, select_rollup
from hub.plugins.contract import NONE, TIERS, Merge, RawColumns, RollupColumns, SeriesKey
from integrations.storage.sqlite.store import SqliteStore

START = 1_750_000_000_000 // DAY * DAY
QUARTER = TIERS["15m"]
OFF_AFTER_S = 600

T = TypeVar("T")


class NoTail:
    """Everything is merged."""

    def snapshot(self, series: SeriesKey) -> "NoTail":
        return self

    def snapshots(self, series: Sequence[SeriesKey]) -> "list[NoTail]":
        return [self for _ in series]

    async def read(self, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(call)

    def raw(self, start: int, end: int) -> list[RawColumns]:
        return []

    def buckets(self, tier: str, start: int, end: int) -> RollupColumns:
        return empty_rollup()


class FixedClock(Clock):
    """Stands at the end of the data."""

    def __init__(self, now: int) -> None:
        super().__init__(trusted=True)
        self._time = now

    def now(self) -> int:
        return self._time


def load(folder: Path) -> Callable[..., Any]:
    """The traces' own meter."""
    spec = importlib.util.spec_from_file_location("meter", folder / "meter.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.samples  # type: ignore[no-any-return]


def columns_of(samples: tuple[Any, ...], run: str, start: int) -> RawColumns:
    """A day of a plug that measures a second after it has started; the hub dates it by a constant offset."""
    ts, voltage, current, power, energy = samples
    n = len(ts)
    return RawColumns(
        run=run,
        seq=np.arange(n, dtype=np.int64),
        up=ts - ts[0] + 1000,
        at=ts - ts[0] // DAY * DAY + start,
        voltage=voltage,
        current=current,
        power=power,
        energy_mwh=energy,
        export_mwh=np.full(n, NONE, np.int64),
        relay=switched(power).astype(np.int8),
        apparent=np.zeros(n, np.int8),
    )


def switched(power: Any) -> Any:
    """How the relay stood: somebody, or an automation, switches off what has used nothing for a minute and will use
    nothing for nine more."""
    off = np.flatnonzero(np.diff(np.concatenate([[0], power == 0, [0]]).astype(np.int8)))
    on = np.ones(len(power), bool)
    for first, end in off.reshape(-1, 2).tolist():
        if end - first >= OFF_AFTER_S:
            on[first + 60 : end] = False
    return on


def rollup(columns: RawColumns, width: int) -> RollupColumns:
    """Buckets as a merge makes them."""
    place = columns.at // width
    firsts = np.flatnonzero(np.diff(place, prepend=-1))
    count = np.diff(np.append(firsts, len(place)))
    steps = np.diff(columns.energy_mwh, prepend=columns.energy_mwh[0]).astype(np.float64)
    mean = {name: np.add.reduceat(getattr(columns, name), firsts) / count for name in ("power", "voltage", "current")}
    return rounded_rollup(
        RollupColumns(
            start=place[firsts] * width,
            mean_power=mean["power"],
            min_power=np.minimum.reduceat(columns.power, firsts),
            max_power=np.maximum.reduceat(columns.power, firsts),
            mean_voltage=mean["voltage"],
            mean_current=mean["current"],
            import_mwh=np.add.reduceat(steps, firsts),
            export_mwh=np.zeros(len(firsts)),
            estimated_mwh=np.zeros(len(firsts)),
            on_ms=count * 1000,
            covered_ms=count * 1000,
            count=count,
        )
    )


def within(columns: RawColumns, start: int, end: int) -> RawColumns:
    """Samples of a stretch of time."""
    return select_raw(columns, slice(*np.searchsorted(columns.at, [start, end]).tolist()))


def hours(plugs: dict[SeriesKey, RawColumns], days: int) -> Iterator[Merge]:
    """What each hourly merge brings."""
    tiers = {(key, tier): rollup(c, width) for key, c in plugs.items() for tier, width in TIERS.items()}
    for hour in range(START, START + days * DAY, HOUR):
        raw = [(key, part) for key, c in plugs.items() if len((part := within(c, hour, hour + HOUR)).seq)]
        buckets = []
        for (key, tier), c in tiers.items():
            new = select_rollup(c, slice(*np.searchsorted(c.start, [hour, hour + HOUR]).tolist()))
            if len(new.start):
                buckets.append((key, tier, new))
        yield Merge(raw, buckets)


def written_by(store: SqliteStore, path: Path, changes: Iterator[Merge]) -> tuple[float, int]:
    """(mean seconds of a merge, bytes written to WAL and file), counted in pages from what the process wrote."""
    seconds = []
    before = _process_writes()
    for change in changes:
        began = time.perf_counter()
        store.merge(change)
        seconds.append(time.perf_counter() - began)
    store.close()
    after = _process_writes()
    store.open()
    return statistics.mean(seconds), after - before


def _process_writes() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("wchar"):
            return int(line.split()[1])
    return 0


def chunk_sizes(plugs: dict[SeriesKey, RawColumns]) -> dict[str, float]:
    """Bytes a sample of the codec alone."""
    size = samples = 0
    encode_s = decode_s = 0.0
    for columns in plugs.values():
        for hour in range(START, int(columns.at[-1]), HOUR):
            part = within(columns, hour, hour + HOUR)
            if len(part.seq) < 3000:
                continue
            began = time.perf_counter()
            data = encode_raw(part)
            encode_s += time.perf_counter() - began
            began = time.perf_counter()
            back = decode_raw(data)
            decode_s += time.perf_counter() - began
            assert all(np.array_equal(getattr(back, name), getattr(part, name)) for name in RAW_ARRAYS)
            size, samples = size + len(data), samples + len(part.seq)
    result = {
        "hour chunks": size / samples,
        "encode us": encode_s / samples * 1e6,
        "decode us": decode_s / samples * 1e6,
    }
    for count in (1, 5, len(plugs)):
        chosen = list(plugs.values())[:count]
        size = samples = 0
        for minute in range(START + 6 * HOUR, START + 22 * HOUR, 7 * MINUTE):
            parts = [part for c in chosen if len((part := within(c, minute, minute + MINUTE)).seq)]
            for part in parts:
                part.run = ""
            size += len(pack_raw(parts))
            samples += sum(len(part.seq) for part in parts)
        result[f"60 s records, {count} plugs"] = size / samples
    for tier, width in TIERS.items():
        size = samples = 0
        for columns in plugs.values():
            size += len(encode_rollup(rollup(columns, width)))
            samples += len(columns.seq)
        result[f"{tier} day chunks"] = size / samples
    return result


async def timed(question: Callable[[], Awaitable[Any]], rounds: int = 15) -> float:
    """Median ms."""
    await question()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        await question()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


async def queries(store: SqliteStore, key: SeriesKey, end: int) -> dict[str, float]:
    """Median ms of what people look at."""
    query = Query(store, NoTail(), FixedClock(end), lambda _: "Europe/Berlin")
    spans = {"1 hour": HOUR, "1 day": DAY, "7 days": 7 * DAY, "30 days": 30 * DAY}
    result = {}
    for name, span in spans.items():
        answer = await query.series(key, end - span, end)
        result[f"{name} ({answer.source}, {len(answer.at)} points)"] = await timed(
            lambda span=span: query.series(key, end - span, end)  # type: ignore[misc]
        )
    result["7 days from 1 minute"] = await timed(lambda: query.series(key, end - 7 * DAY, end, bucket="1m"))
    result["7 days of raw, thinned by M4"] = await timed(lambda: query.series(key, end - 7 * DAY, end, 1000, "raw"), 5)
    result["energy of 30 days"] = await timed(lambda: query.energy(key, end - 30 * DAY, end))
    return result


def year(folder: Path, devices: int) -> tuple[SqliteStore, list[SeriesKey], int]:
    """A store with a year of quarters."""
    store = SqliteStore(folder / "year.sqlite")
    store.open()
    random = np.random.default_rng(5)
    keys = [SeriesKey(f"device-{k}") for k in range(devices)]
    start, n = START - 365 * DAY, 365 * 96
    for key in keys:
        power = np.round(random.gamma(1, 60, n), 2)
        whole = np.full(n, QUARTER, np.int64)
        store.merge(
            Merge(
                raw=[],
                rollups=[
                    (
                        key,
                        "15m",
                        RollupColumns(
                            start=start + np.arange(n, dtype=np.int64) * QUARTER,
                            mean_power=power,
                            min_power=np.zeros(n),
                            max_power=np.round(power * 3, 1),
                            mean_voltage=np.round(random.normal(230, 0.4, n), 2),
                            mean_current=np.round(power / 230, 4),
                            import_mwh=np.round(power * QUARTER / 3600, 3),
                            export_mwh=np.zeros(n),
                            estimated_mwh=np.zeros(n),
                            on_ms=whole,
                            covered_ms=whole,
                            count=whole // 1000,
                        ),
                    )
                ],
            )
        )
    return store, keys, START


async def year_of_days(folder: Path, devices: int) -> dict[str, float]:
    """A year of days of many devices, one question after another."""
    store, keys, end = year(folder, devices)
    query = Query(store, NoTail(), FixedClock(end), lambda _: "Europe/Berlin")

    async def ask() -> None:
        for key in keys:
            await query.series(key, end - 365 * DAY, end, bucket="1d")

    took = await timed(ask, 3)
    store.close()
    return {f"a year of days, {devices} devices": took}


def repeated(plugs: dict[SeriesKey, RawColumns], days: int) -> dict[SeriesKey, RawColumns]:
    """The same day again and again, as one stream of each plug."""
    result = {}
    for key, c in plugs.items():
        parts = []
        for day in range(days):
            part = select_raw(c, slice(None))
            part.seq, part.up, part.at = c.seq + day * len(c.seq), c.up + day * DAY, c.at + day * DAY
            part.energy_mwh = c.energy_mwh + day * int(c.energy_mwh[-1])
            parts.append(part)
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in RAW_ARRAYS}
        result[key] = RawColumns(run=c.run, extra={}, **arrays)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("traces", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plugs", type=int, default=10)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--year", type=int, default=30, help="devices with a year of buckets")
    arguments = parser.parse_args()
    meter = load(arguments.traces)
    paths = sorted((arguments.traces / "plugs").glob("*/*.csv.gz"))
    paths = paths[:: max(1, len(paths) // arguments.plugs)][: arguments.plugs]
    plugs = {
        SeriesKey(path.parent.name.lower() + f"-{k}"): columns_of(meter(path, k + 1), f"{k + 1:016x}", START)
        for k, path in enumerate(paths)
    }
    plugs = {key: within(columns, START, START + DAY) for key, columns in plugs.items()}
    report: dict[str, dict[str, float]] = {"codec, B or us a sample": chunk_sizes(plugs)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite"
        many = repeated(plugs, arguments.days)
        samples = sum(len(columns.seq) for columns in many.values())
        store = SqliteStore(path)
        store.open()
        seconds, written = written_by(store, path, hours(many, arguments.days))
        store.close()
        size = path.stat().st_size
        store.open()
        stats = store.stats()
        report["SQLite file, B a sample"] = {
            "raw": stats.raw_bytes / samples,
            **{tier: size / samples for tier, size in stats.rollup_bytes.items()},
            "file on disk": size / samples,
            "written by merges (WAL and file)": written / samples,
            "merge ms": seconds * 1000,
        }
        store.close()
        week = dict(list(plugs.items())[:1])
        store = SqliteStore(Path(folder) / "week.sqlite")
        store.open()
        for change in hours(repeated(week, 30), 30):
            store.merge(change)
        report["queries, ms"] = asyncio.run(queries(store, next(iter(week)), START + 30 * DAY))
        store.close()
        report["queries, ms"] |= asyncio.run(year_of_days(Path(folder), arguments.year))
    machine = {"machine": platform.machine(), "python": platform.python_version(), "system": platform.platform()}
    for title, rows in report.items():
        print(f"\n{title}")
        for name, value in rows.items():
            print(f"  {name:40} {value:10.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "results": report}, indent=2) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
