"""One command measures the hub, prints a table and writes JSON: `script/bench [--quick] [--only NAME …]`."""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import (
    api,
    attacks,
    broker_scale,
    full_disk,
    fuzz,
    fuzz_api,
    kills,
    peers,
    power_cut,
    queries,
    returning,
    scenarios,
    soak,
    stored,
    victoria,
    websockets,
    week_at_once,
    writes,
)

RESULTS = Path(__file__).parent / "results"
Scenario = Callable[[bool], Awaitable[list[dict[str, object]]]]


async def fuzz_for_long(quick: bool) -> list[dict[str, object]]:
    """A million broken packets and payloads; about 22 minutes."""
    return await fuzz.fuzz(20_000 if quick else 1_000_000, 1)


SCENARIOS: dict[str, Scenario] = {
    "start": scenarios.start_and_memory,
    "idle": scenarios.idle,
    "ingest": scenarios.ingest,
    "broker": scenarios.broker,
    "api": api.api,
    "websockets": websockets.websockets,
    "attacks": attacks.attacks,
    "query": scenarios.query,
    "queries": queries.queries,
    "writes": writes.writes,
    "stored": stored.stored,
    "victoria": victoria.beside,
    "scale": broker_scale.broker_scale,
    "capacity": peers.capacity,
    "peers": peers.peers,
    "hour": peers.hour,
    "returning": returning.returning,
    "week": week_at_once.week_at_once,
    "kills": kills.kills,
    "power_cut": power_cut.power_cut,
    "full_disk": full_disk.full_disk,
    "fuzz": fuzz_for_long,
    "fuzz-api": fuzz_api.fuzz_api,
    "soak": soak.soak,
}


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.platform(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load_before": round(os.getloadavg()[0], 2),
    }


def number(value: object) -> str:
    """As people read it."""
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def show(rows: list[dict[str, object]], quick: bool) -> None:
    """One line a figure: what was promised, and whether it holds (short runs promise nothing)."""
    for row in rows:
        sign = "≤" if "at_most" in row else "≥"
        target = row.get("at_most", row.get("at_least"))
        promise = "" if target is None else f"{sign} {target:,}"
        verdict = "" if target is None else ("met" if row["met"] else "MISSED") + (" (quick)" if quick else "")
        line = f"  {row['name']!s:64} {number(row['value']):>14} {row['unit']!s:12} {promise:>10} {verdict}"
        print(line.rstrip(), flush=True)


async def main() -> int:
    """Run the chosen scenarios."""
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--quick", action="store_true", help="short runs: to see that it works, not to quote")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), help="only these")
    args = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    results: dict[str, object] = {"machine": machine(), "quick": args.quick}
    print(", ".join(f"{name}: {value}" for name, value in machine().items()))
    for name in args.only or SCENARIOS:
        print(name, flush=True)
        rows = await SCENARIOS[name](args.quick)
        show(rows, args.quick)
        results[name] = rows
    file = RESULTS / f"{time.strftime('%Y-%m-%d-%H%M%S')}.json"
    file.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written: {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
