"""The hub as `plughub run` builds it, with a clock that a benchmark moves: the process below SteeredHub.

`python -m benchmarks.steered SOCKET NOW --config … --data … --host … --http-port … --mqtt-port …`; NOW: Unix ms at the
start. The clock stands still until it is told on the Unix socket SOCKET, one JSON object a line:
{"do": "advance", "seconds": s}: move on, and finish the commit or merge that falls due;
{"do": "merge"}: merge now; {"do": "go"}: run as clocks do from now on; {"do": "count"}: finish what is under way;
{"do": "step", "ms": ms}: the wall clock alone jumps while it stands; {"do": "synchronise"}: the kernel says so. Each is
answered with Counts. What speaks for the time at first: `--sure synchronised`: the kernel; `trusted`: the configuration
alone; `doubted`: nothing, as on a Raspberry Pi that just woke.
"""

import argparse
import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from unittest import mock

import msgspec
import uvloop

from hub.app import App, Options
from hub.broker import gather
from hub.bus import Bus
from hub.cli.run import allow_many_connections, serve
from hub.clock import Clock, Timer
from hub.collector import keep_heap_small
from hub.events import Committed, Merged
from hub.history.building import Needs
from hub.history.core import History
from hub.log import setup_logging
from hub.plugins import prepare
from hub.testing.clock import FakeClock

T = TypeVar("T")
TURNS = gather.CALM_S, gather.BUSY_S


class Counts(msgspec.Struct):
    """What history has done since the start, and the CPU seconds of its thread for it (of the process: `cpu`).
    What that thread does besides writing commits it does because of a merge, much of it after."""

    commits: int = 0
    merges: int = 0
    committed: int = 0  # samples
    merged: int = 0  # samples
    commit_cpu: float = 0.0
    merge_cpu: float = 0.0
    cpu: float = 0.0
    now: int = 0  # Unix ms by the hub's clock
    merge_span: tuple[int, int] = (0, 0)  # the newest merge, Unix ns of the machine


class SteeredClock(Clock):
    """Stands still and is moved, until `go`; then it runs, that far from the machine's own."""

    def __init__(self, now: int, sure: str = "synchronised") -> None:
        super().__init__(trusted=True)
        self._trusted, self.is_synchronised = sure != "doubted", sure == "synchronised"
        self.still = FakeClock(now)
        self._going = False
        self._wall, self._monotonic = 0, 0.0  # ahead of the machine's

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self._wall if self._going else self.still.now()

    def monotonic(self) -> float:
        return time.monotonic() + self._monotonic if self._going else self.still.monotonic()

    def synchronised(self) -> bool:
        return self.is_synchronised

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        return super().call_later(delay, callback) if self._going else self.still.call_later(delay, callback)

    async def sleep(self, delay: float) -> None:
        await (super().sleep(delay) if self._going else self.still.sleep(delay))

    def go(self) -> None:
        """Run; what is pending falls due as planned."""
        self._wall = self.still.now() - time.time_ns() // 1_000_000
        self._monotonic = self.still.monotonic() - time.monotonic()
        self._going = True
        for delay, timer in self.still.release():
            super().call_later(delay, lambda timer=timer: timer.callback and timer.callback())  # type: ignore[misc]


class Steering:
    """Counts what history does, and moves the clock as it is told."""

    def __init__(self, clock: SteeredClock, bus: Bus) -> None:
        self._clock = clock
        self._counts = Counts()
        self._history: History | None = None
        self._waiting = 0  # samples that are committed and not merged
        self._used = 0.0  # CPU of history's thread that is not yet a commit's
        self._committed_at = 0  # Unix ns
        bus.subscribe(Committed, self._committed, "benchmark")
        bus.subscribe(Merged, self._merged, "benchmark")

    def history(self, needs: Needs) -> History:
        """Make it, and watch its thread."""
        self._history = history = History(needs)
        run, writing = history.worker.run, history._writer._write

        async def timed(call: Callable[[], T]) -> T:
            def work() -> T:
                begin = time.thread_time()
                try:
                    return call()
                finally:
                    used = time.thread_time() - begin
                    if getattr(call, "func", None) == writing:
                        self._used += used
                    else:
                        self._counts.merge_cpu += used

            return await run(work)

        setattr(history.worker, "run", timed)  # noqa: B010 - mypy forbids the assignment
        return history

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One benchmark, until it closes."""
        history = self._history
        assert history is not None, "the hub keeps no history that could be counted"
        with contextlib.closing(writer):
            while line := await reader.readline():
                order = json.loads(line)
                if order["do"] == "advance":
                    await self._clock.still.advance(order["seconds"])
                elif order["do"] == "merge":
                    await history.merge()
                elif order["do"] == "step":
                    self._clock.still.step(order["ms"])
                elif order["do"] == "synchronise":
                    self._clock.is_synchronised = True
                elif order["do"] == "go":
                    gather.CALM_S, gather.BUSY_S = TURNS
                    self._clock.go()
                while order["do"] in ("advance", "count") and history.worker.tasks:
                    await history.worker.settled()
                self._counts.cpu, self._counts.now = time.process_time(), self._clock.now()
                writer.write(msgspec.json.encode(self._counts) + b"\n")
                await writer.drain()

    def _committed(self, event: Committed) -> None:
        counts = self._counts
        counts.commits += 1
        counts.committed += event.samples
        counts.commit_cpu += self._used
        self._waiting += event.samples
        self._used = 0.0
        self._committed_at = time.time_ns()

    def _merged(self, event: Merged) -> None:
        counts = self._counts
        counts.merges += 1
        counts.merged += self._waiting
        counts.merge_span = self._committed_at, time.time_ns()  # a merge begins with a commit
        self._waiting = 0


async def run(app: App, bus: Bus, steering: Steering, socket: str) -> None:
    """As `plughub run` does, and hear the benchmark."""
    server = await asyncio.start_unix_server(steering.converse, socket)
    try:
        await serve(app, bus)
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("socket")
    parser.add_argument("now", type=int)
    parser.add_argument("--sure", default="synchronised")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--host")
    for port in ("http", "https", "mqtt", "mqtts"):
        parser.add_argument(f"--{port}-port", type=int)
    args = parser.parse_args()
    os.umask(0o077)
    bus, clock = Bus(), SteeredClock(args.now, args.sure)
    setup_logging(format="text")
    loaded, plugins = prepare(args.config, bus, clock, safe_mode=False)
    options = Options(
        args.data,
        args.host,
        http_port=args.http_port,
        mqtt_port=args.mqtt_port,
        https_port=args.https_port,
        mqtts_port=args.mqtts_port,
        config=args.config,
    )
    steering = Steering(clock, bus)
    gather.CALM_S = gather.BUSY_S = 0.0  # while time stands still there is nothing to wait for
    allow_many_connections()
    keep_heap_small()
    with (
        mock.patch("hub.app.history.History", steering.history),
        mock.patch("hub.clock.RTC_DEVICE", args.data / "no clock chip"),
    ):
        app = App(options, loaded.configuration(), plugins, bus=bus, clock=clock)
        uvloop.run(run(app, bus, steering, args.socket))


if __name__ == "__main__":
    main()
