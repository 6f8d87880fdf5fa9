"""The suite's kill test, at length: the hub is killed a hundred times under load, and everything is counted after."""

import asyncio
import os
import re
import sys
import time
from pathlib import Path

from benchmarks.scenarios import Row, row

TEST = "tests/faults/test_kill.py::test_kills_lose_nothing_and_double_nothing"


async def kills(quick: bool) -> list[Row]:
    """kill -9 at random moments; lost, double and missing samples make the test fail, and this with it."""
    count, begin = 10 if quick else 100, time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", TEST),
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "KILLS": str(count)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    if process.returncode or not re.search(r"^1 passed", text, re.MULTILINE):
        raise RuntimeError(f"the kills were not survived:\n{text[-3000:]}")
    return [
        row("kill -9 under load", count, "times"),
        row("acknowledged samples lost, double, or holes after replay", 0, ""),
        row("all of it took", time.monotonic() - begin, "s"),
    ]
