"""The suite's kill test, at length: the hub is killed a hundred times under load, and everything is counted after.

usage: python -m benchmarks.kills [--times 100]
"""

import argparse
import asyncio
import os
import re
import sys
import time
from pathlib import Path

from benchmarks.scenarios import Row, row

TEST = "tests/faults/test_kill.py::test_kills_lose_nothing_and_double_nothing"
OFTEN = 100


async def kill(times: int) -> list[Row]:
    """kill -9 at random moments; lost, double and missing samples make the test fail, and this with it."""
    begin = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--timeout", "0", TEST),
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "KILLS": str(times)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    if process.returncode or not re.search(r"^1 passed", text, re.MULTILINE):
        raise RuntimeError(f"the kills were not survived:\n{text[-3000:]}")
    took = time.monotonic() - begin
    return [
        row("kill -9 under load", times, "times", at_least=OFTEN),
        row("acknowledged samples lost, double, or holes after replay", 0, "", at_most=0),
        row("all of it took", took, "s"),
    ]


async def kills(quick: bool) -> list[Row]:
    """A hundred times; ten in a short run."""
    return await kill(10 if quick else OFTEN)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--times", type=int, default=OFTEN)
    for each in asyncio.run(kill(parser.parse_args().times)):
        print(f"    {each['name']!s:60} {each['value']!s:>8} {each['unit']}")


if __name__ == "__main__":
    main()
