"""Bytes on disk for each sample of real traces: a day of ten devices through the whole hub, and other codecs.

usage: python -m benchmarks.stored TRACES [--json FILE] [--plugs 10] [--quick]

TRACES: a folder with meter.py and plugs/<Appliance>/*.csv.gz. Every sample has voltage, current, power, energy counter,
relay, up, seq and oldest, and comes over MQTT in its second (see lockstep.py); the store keeps both rollup tiers
besides. Everything is written to a temporary folder.
"""

import argparse
import asyncio
import bz2
import json
import lzma
import os
import sqlite3
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.lockstep import Reading, Steer, SteeredHub, Told, Turnstile
from benchmarks.mqtt import connect
from benchmarks.scenarios import Row, prepare, row
from benchmarks.store import START, columns_of, load, within
from hub.history.calendar import DAY, HOUR
from hub.plugins.codec import decode_raw, encode_raw
from hub.plugins.contract import RawColumns
from integrations.storage.sqlite.store import SqliteStore

PING_MS = 60_000

Report = dict[str, float]

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "zlib 9": lambda data: zlib.compress(data, 9),
    "zlib 1": lambda data: zlib.compress(data, 1),
    "bz2": bz2.compress,
    "lzma": lambda data: lzma.compress(
        data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "pb": 0}]
    ),
}


def traces(folder: Path, plugs: int) -> list[RawColumns]:
    """The fullest day of each of so many kinds of appliance, all moved to the same day."""
    meter = load(folder)
    kinds = sorted(path for path in (folder / "plugs").iterdir() if path.is_dir())
    found = []
    for k, kind in enumerate(kinds[:: max(1, len(kinds) // plugs)][:plugs]):
        path = max(sorted(kind.glob("*.csv.gz")), key=lambda path: path.stat().st_size)
        found.append(within(columns_of(meter(path, k + 1), f"{k + 1:016x}", START), START, START + DAY))
    return found


async def whole(plugs: list[RawColumns]) -> Report:
    """The files after a day through the hub, merged as history does it."""
    hub = SteeredHub(START)
    try:
        logins = await prepare(hub, len(plugs))
        turnstile = Turnstile()
        told = [Told(name, secret, f"{k + 1:016x}", turnstile) for k, (name, secret) in enumerate(logins)]
        await connect("127.0.0.1", hub.mqtt_port, told, subscribe=True)
        async with Steer(hub.steer) as steer:
            await _a_day(steer, turnstile, list(zip(told, plugs, strict=True)))
        for plug in told:
            plug.transport.close()
        if await hub.stop(within=120):
            raise RuntimeError(hub.output()[-3000:])
        return _sizes(hub.data, sum(len(columns.seq) for columns in plugs))
    finally:
        await hub.close()


async def _a_day(steer: Steer, turnstile: Turnstile, plugs: list[tuple[Told, RawColumns]]) -> None:
    readings = [
        (plug, n, Reading(volts, amperes, watts, energy, bool(relay)), up, at)
        for plug, c in plugs
        for n, (volts, amperes, watts, energy, relay, up, at) in enumerate(
            zip(
                *(getattr(c, name).tolist() for name in ("voltage", "current", "power", "energy_mwh", "relay")),
                c.up.tolist(),
                c.at.tolist(),
                strict=True,
            )
        )
    ]
    readings.sort(key=lambda reading: reading[4])
    now = START
    for plug, seq, reading, up, at in readings:
        while now < at:
            await turnstile.passed()
            await steer.advance(1)
            now += 1000
            if now % PING_MS == 0:
                for each, _ in plugs:
                    each.ping()
        plug.measured(reading, seq, up)
    await turnstile.passed()


def _sizes(data: Path, samples: int) -> Report:
    store = SqliteStore(data / "history.sqlite")
    sizes = {name: (data / name).stat().st_size / samples for name in ("history.sqlite", "history-state.sqlite")}
    store.open()
    stats = store.stats()
    store.close()
    if stats.raw_samples != samples:
        raise RuntimeError(f"{stats.raw_samples} of {samples} samples are in the store")
    return {
        "all of history on disk": sum(sizes.values()),
        "history.sqlite on disk": sizes["history.sqlite"],
        "  of it raw chunks": stats.raw_bytes / samples,
        **{f"  of it {tier} chunks": size / samples for tier, size in stats.rollup_bytes.items()},
        "history-state.sqlite on disk": sizes["history-state.sqlite"],
        "samples": float(samples),
    }


async def stored(quick: bool) -> list[Row]:
    """The same as `script/bench` shows it; TRACES names the folder."""
    if "TRACES" not in os.environ:
        return [row("stored", "TRACES is not set", "")]
    plugs = traces(Path(os.environ["TRACES"]), 2 if quick else 10)
    sizes = await whole([within(c, START, START + 2 * HOUR) for c in plugs] if quick else plugs)
    count = int(sizes.pop("samples"))
    name = f"{len(plugs)} plugs, {count:,} samples"
    first, *others = sizes.items()
    rows = [row(f"{name}: {first[0]}", first[1], "B a sample", at_most=1.5)]
    return [*rows, *(row(f"{name}: {title}", size, "B a sample") for title, size in others)]


def chunks(plugs: list[RawColumns]) -> Iterator[RawColumns]:
    """What the store encodes at once: the hours of each device."""
    for columns in plugs:
        for hour in range(START, START + DAY, HOUR):
            part = within(columns, hour, hour + HOUR)
            if len(part.seq):
                part.run = ""
                yield part


def codecs(plugs: list[RawColumns]) -> dict[str, Report]:
    """Bytes, encoding and decoding of raw chunks: ours, ours with other compressors, plain columns, and rows."""
    parts = list(chunks(plugs))
    samples = sum(len(part.seq) for part in parts)

    def measured(encode: Callable[[RawColumns], bytes], decode: Callable[[bytes], object] | None = None) -> Report:
        began = time.perf_counter()
        encoded = [encode(part) for part in parts]
        took = {"B": sum(map(len, encoded)) / samples, "encode us": (time.perf_counter() - began) / samples * 1e6}
        if decode is not None:
            began = time.perf_counter()
            for data in encoded:
                decode(data)
            took["decode us"] = (time.perf_counter() - began) / samples * 1e6
        return took

    result = {"ours (best of two deflate strategies a column)": measured(encode_raw, decode_raw)}
    for name, compress in COMPRESSORS.items():
        with mock.patch(
            "hub.plugins.packing._deflated", lambda data, c=compress: min(b"\0" + data, b"\1" + c(data), key=len)
        ):
            result[f"our predictions, {name}"] = measured(encode_raw)
    for name in ("zlib 9", "lzma"):
        result[f"columns as they are, {name}"] = measured(lambda part, c=COMPRESSORS[name]: c(_plain(part)))  # type: ignore[misc]
    result["SQLite rows"] = {"B": rows_size(plugs)}
    return result


def _plain(part: RawColumns) -> bytes:
    """Scaled integers of the width that fits, column by column."""
    decimals = ((part.voltage, 10), (part.current, 1000), (part.power, 10))
    columns = [part.seq, part.up, part.at, part.energy_mwh, part.relay.astype(np.int64)]
    columns += [np.round(values * scale).astype(np.int64) for values, scale in decimals]
    return b"".join(c.astype(np.int32 if abs(c).max() < 1 << 31 else np.int64).tobytes() for c in columns)


def rows_size(plugs: list[RawColumns]) -> float:
    """Bytes a sample of one SQLite row each, clustered by device and time, without any index besides."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.sqlite"
        connection = sqlite3.connect(path)
        connection.execute(
            "create table sample(device integer, at integer, seq integer, up integer, voltage real, current real, "
            "power real, energy integer, relay integer, primary key (device, at)) without rowid"
        )
        for k, c in enumerate(plugs):
            columns = (c.at, c.seq, c.up, c.voltage, c.current, c.power, c.energy_mwh, c.relay)
            values = zip(*(column.tolist() for column in columns), strict=True)
            connection.executemany(f"insert into sample values({k}, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        connection.commit()
        connection.close()
        return path.stat().st_size / sum(len(c.at) for c in plugs)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("traces", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plugs", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="the codecs alone")
    arguments = parser.parse_args()
    plugs = traces(arguments.traces, arguments.plugs)
    report = {f"{name}": values for name, values in codecs(plugs).items()}
    if not arguments.quick:
        report["a day through the hub, B a sample"] = asyncio.run(whole(plugs))
    for title, rows in report.items():
        print(title)
        for name, value in rows.items():
            print(f"    {name:40} {value:12.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
