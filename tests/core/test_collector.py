"""What the garbage collector is kept from, and that connections need none."""

import asyncio
import ctypes
import gc
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub import collector
from hub.broker import Limits, Listener
from hub.broker.connection import Connection
from hub.bus import Bus
from hub.collector import Collector
from hub.events import Merged
from tests.broker.certificates import make_certificate, trusting
from tests.broker.client import PATIENCE, Client, connect, publish, subscribe
from tests.broker.parts import PASSWORD, Bench
from tests.broker.websocket import open_websocket

HEAP = """
import ctypes, sys
from hub.collector import give_back, keep_heap_small

NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES]

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

info = ctypes.CDLL(None).mallinfo2
info.restype = Info
keep_heap_small()
size, count = map(int, sys.argv[1:])
start = info().fordblks
blocks = [(bytes(b"x" * size), bytes(1000)) for _ in range(count)]
kept = [other for _, other in blocks]
del blocks
free, before = info().fordblks, resident()
give_back()
print(free - start, before - resident())
"""
"""Blocks between others are freed: prints bytes that the heap keeps, and those that it then gives back."""


def heap(size: int, count: int) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", HEAP, str(size), str(count)], capture_output=True, text=True, check=True
    )
    free, given_back = map(int, done.stdout.split())
    return free, given_back


glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc's own counts are asked for")


@glibc
def test_columns_of_many_samples_leave_little_free_in_the_heap() -> None:
    assert heap(5_000 * 8, 500)[0] < 7_000_000  # of 20 MB: a few fit into what the heap has just grown by


@glibc
def test_free_memory_between_blocks_in_use_goes_back() -> None:
    assert heap(2_000 * 8, 1_000)[1] > 8_000_000  # of 16 MB


@pytest.fixture
async def running() -> AsyncIterator[Collector]:
    running = Collector(Bus())
    running.start()
    yield running
    running.stop()


async def test_what_is_there_at_the_start_is_left_alone(running: Collector) -> None:
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold() == (collector.YOUNG, collector.MIDDLE, collector.OLD)


async def test_what_a_long_round_walked_over_is_left_alone_too(
    running: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gc.get_freeze_count()
    living = [[number] for number in range(100_000)]
    gc.collect(1)
    assert gc.get_freeze_count() == before
    monkeypatch.setattr(collector, "LONG_S", 0.0)
    gc.collect()
    assert gc.get_freeze_count() >= before + len(living)
    assert running.longest > 0


async def test_everything_is_as_before_after_the_stop() -> None:
    before = gc.get_threshold()
    running = Collector(Bus())
    running.start()
    running.stop()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
    assert running._round not in gc.callbacks


async def test_free_memory_goes_back_after_a_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(collector, "SETTLED_S", 0.0)
    monkeypatch.setattr(collector, "give_back", lambda: loop.call_soon_threadsafe(given_back.set))
    bus = Bus()
    running = Collector(bus)
    running.start()
    try:
        bus.publish(Merged(0, 0))
        await asyncio.wait_for(given_back.wait(), 10)
    finally:
        running.stop()


async def test_free_memory_goes_back_again_and_again_without_a_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    times, often = 0, asyncio.Event()

    def given_back() -> None:
        nonlocal times
        times += 1
        if times == 3:
            often.set()

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(collector, "EVERY_S", 0.0)
    monkeypatch.setattr(collector, "give_back", lambda: loop.call_soon_threadsafe(given_back))
    running = Collector(Bus())
    running.start()
    try:
        await asyncio.wait_for(often.wait(), 10)
    finally:
        running.stop()


async def test_nothing_is_begun_after_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "SETTLED_S", 0.0)
    monkeypatch.setattr(collector, "give_back", lambda: pytest.fail("the threads may have ended"))
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    monkeypatch.setattr(loop, "run_in_executor", lambda *_: begun.set())
    bus = Bus()
    running = Collector(bus)
    running.start()
    bus.publish(Merged(0, 0))
    bus.publish(Merged(0, 0))
    running.stop()
    later = asyncio.Event()
    loop.call_later(0.001, later.set)
    await later.wait()
    assert not begun.is_set()


async def log_in(bench: Bench, kind: str, trust: ssl.SSLContext) -> Client:
    if kind == "websocket":
        client = await open_websocket(bench.broker.port("websocket"))
        client.send(connect("plug-1", "plug-1", PASSWORD))
    else:
        port = bench.broker.port("mqtts") if kind == "tls" else bench.port
        tls = {"ssl": trust, "server_hostname": "localhost"} if kind == "tls" else {}
        client = Client(*await asyncio.open_connection("127.0.0.1", port, **tls))  # type: ignore[arg-type]
        client.send(connect("plug-1", "plug-1", PASSWORD if kind != "stranger" else b"wrong"))
    await client.read()
    return client


@pytest.mark.parametrize("kind", ["plug-1", "stranger", "websocket", "tls"])
async def test_a_closed_connection_is_freed_without_the_collector(kind: str, tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    trust = trusting(files)
    others = [Listener("127.0.0.1", 0, "websocket", websocket=True), Listener("127.0.0.1", 0, "mqtts", files)]
    bench = Bench(Limits(free_failures=100), others)
    await bench.start()
    await (await log_in(bench, kind, trust)).close()  # loads what is loaded at first use
    await bench.settled("connections", 0)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            client = await log_in(bench, kind, trust)
            if kind != "stranger":
                client.send(subscribe(("smartplug/plug-1/control", 1)))
                client.send(publish("smartplug/plug-1/telemetry", b"x", 1))
                await client.expect(9)
                await client.expect(4)
            await client.close()
            await bench.settled("connections", 0)
            await bench.settled("clients", 0)
        async with asyncio.timeout(PATIENCE):  # the last turns of the loop may hold them
            while sum(isinstance(item, Connection) for item in gc.get_objects()) > 1:
                await asyncio.sleep(0)
    finally:
        gc.enable()
    await bench.stop()
