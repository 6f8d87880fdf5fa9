"""A hub that ends with much to merge: it does not wait for that, and the next start goes on with it."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from hub.history.core import LAST_MERGE_S
from hub.plugins.contract import TIERS, SeriesKey
from tests.history.house import DataCore, ManualClock, Registry, imported, play, problems, seqs

CHANNELS = range(4)
RUN = "a" * 16


class Stuck:
    """A store of which one reading, the `nth` from now on, does not come back until it is released."""

    def __init__(self, core: DataCore, nth: int) -> None:
        self._read = core.store.read
        self._left = nth
        self._lock = threading.Lock()
        self._go_on = threading.Event()
        self.reached = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        core.store.read = self.read  # type: ignore[method-assign]

    def read(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            self._left -= 1
            waits = self._left == 0
        if waits:
            self._loop.call_soon_threadsafe(self.reached.set)
            self._go_on.wait()
        return self._read(*args, **kwargs)

    def release(self) -> None:
        self._go_on.set()


async def with_much(folder: Path, clock: ManualClock, registry: Registry) -> DataCore:
    """Some outlets with samples that are in the log and not merged."""
    core = await DataCore(folder, clock, registry).start()
    for channel in CHANNELS:
        play(core, 0, 59, channel=channel)
        await core.history.commit()
    return core


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("merging", [False, True], ids=["merged at the stop", "a merge was under way"])
async def test_a_stop_breaks_off_what_takes_too_long(
    tmp_path: Path, clock: ManualClock, registry: Registry, merging: bool, plain: bool
) -> None:
    core = await with_much(tmp_path, clock, registry)
    stuck = Stuck(core, 2)
    if merging:
        core.history.worker.spawn(core.history.merge)
        await stuck.reached.wait()
    stopping = asyncio.ensure_future(core.stop())
    await stuck.reached.wait()
    await clock.advance(LAST_MERGE_S)
    stuck.release()
    await stopping

    core = DataCore(tmp_path, clock, registry, plain=plain)
    told = problems(core)
    await core.start(merge=False)
    assert core.history.tail.commits, "all of it was merged"
    assert await core.history.merge()
    for channel in CHANNELS:
        assert seqs(core, channel=channel) == {RUN: list(range(60))}
        for tier in TIERS:
            assert imported(core, tier, channel=channel) == pytest.approx(59_000)
            assert core.store.rollup(SeriesKey("d1", channel), tier, 0, 1 << 60).count.sum() == 60
    assert (await core.history.care.check()).fine
    assert told == []
    await core.stop()


async def test_what_is_merged_in_time_is_in_the_store(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await with_much(tmp_path, clock, registry)
    await core.stop()
    core = await DataCore(tmp_path, clock, registry).start(merge=False)
    assert not core.history.tail.commits
    assert seqs(core, channel=3) == {RUN: list(range(60))}
    await core.stop()
