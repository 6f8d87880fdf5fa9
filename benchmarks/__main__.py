"""One command measures the hub, prints a table and writes JSON: `script/bench [--quick] [--only NAME …]`."""

import argparse
import asyncio
import json
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import broker_scale, full_disk, fuzz, kills, peers, queries, returning, scenarios, soak

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
    "query": scenarios.query,
    "queries": queries.queries,
    "writes": scenarios.writes,
    "scale": broker_scale.broker_scale,
    "capacity": peers.capacity,
    "peers": peers.peers,
    "returning": returning.returning,
    "kills": kills.kills,
    "full_disk": full_disk.full_disk,
    "fuzz": fuzz_for_long,
    "soak": soak.soak,
}


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            model = line.split(":", 1)[1].strip()
            break
    return {"cpu": model, "python": platform.python_version(), "system": platform.platform(), "time": int(time.time())}


def show(rows: list[dict[str, object]]) -> None:
    """One line a figure."""
    for row in rows:
        value = row["value"]
        number = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
        print(f"  {row['name']!s:58} {number!s:>12} {row['unit']}", flush=True)


async def main() -> int:
    """Run the chosen scenarios."""
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--quick", action="store_true", help="short runs: to see that it works, not to quote")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), help="only these")
    args = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    results: dict[str, object] = {"machine": machine(), "quick": args.quick}
    for name in args.only or SCENARIOS:
        print(name, flush=True)
        rows = await SCENARIOS[name](args.quick)
        show(rows)
        results[name] = rows
    file = RESULTS / f"{time.strftime('%Y-%m-%d-%H%M%S')}.json"
    file.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written: {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
