"""Bytes on disk for each sample of real traces: a day of ten devices through the whole data core, and other codecs.

usage: python -m benchmarks.stored TRACES [--json FILE] [--plugs 10] [--quick]

TRACES: a folder with meter.py and plugs/<Appliance>/*.csv.gz. Every sample has voltage, current, power, energy counter,
relay, up and seq; the store keeps both rollup tiers besides. Everything is written to a temporary folder.
"""

import argparse
import asyncio
import bz2
import json
import lzma
import sqlite3
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.datacore import DataCore
from benchmarks.store import START, columns_of, load, within
from hub.history.calendar import DAY, HOUR
from hub.plugins.codec import decode_raw, encode_raw
from hub.plugins.contract import RawColumns

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


async def whole(folder: Path, plugs: list[RawColumns]) -> Report:
    """The files after a day through ingest, log and store, merged as history does it."""
    core = await DataCore(folder, len(plugs), START).start()
    due = np.concatenate([columns.at for columns in plugs])
    order = np.argsort(due, kind="stable")
    owner = np.concatenate([np.full(len(columns.at), k) for k, columns in enumerate(plugs)])
    place = np.concatenate([np.arange(len(columns.at)) for columns in plugs])
    rows = [
        list(zip(c.voltage.tolist(), c.current.tolist(), c.power.tolist(), c.energy_mwh.tolist(), c.up.tolist()))  # noqa: B905
        for c in plugs
    ]
    now = START
    for at, k, n in zip(due[order].tolist(), owner[order].tolist(), place[order].tolist(), strict=True):
        while now < at:
            await core.clock.advance(1)
            await core.settled()
            now += 1000
        volts, amperes, watts, energy, up = rows[k][n]
        message = (
            f'{{"voltage":{volts},"current":{amperes},"power":{watts},"energy_mwh":{energy},"relay_state":true,'
            f'"run":"{k:016x}","seq":{n},"oldest":0,"up":{up}}}'
        )
        core.ingest.message(f"plug-{k}", "telemetry", message.encode(), False)
    await core.history.merge()
    stats = core.store.stats()
    await core.stop()
    samples = sum(len(columns.seq) for columns in plugs)
    if stats.raw_samples != samples:
        raise RuntimeError(f"{stats.raw_samples} of {samples} samples are in the store")
    sizes = {file.name: file.stat().st_size / samples for file in sorted(folder.iterdir())}
    return {
        "history.sqlite on disk": sizes["history.sqlite"],
        "  of it raw chunks": stats.raw_bytes / samples,
        **{f"  of it {tier} chunks": size / samples for tier, size in stats.rollup_bytes.items()},
        "history-state.sqlite on disk": sizes["history-state.sqlite"],
        "samples": float(samples),
    }


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
        with tempfile.TemporaryDirectory() as folder:
            report["a day through the data core, B a sample"] = asyncio.run(whole(Path(folder), plugs))
    for title, rows in report.items():
        print(title)
        for name, value in rows.items():
            print(f"    {name:40} {value:12.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
