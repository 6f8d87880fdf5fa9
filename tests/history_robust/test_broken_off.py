"""A rebuild of history's state at the start: told in the log, ended by a stop, and begun anew after it."""

import asyncio
import logging
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from hub.history.progress import Progress
from hub.history.salvage import Stopped
from hub.plugins.contract import SeriesKey
from hub.testing.clock import FakeClock
from tests.history.house import FOREVER, DataCore, ManualClock, Registry, play, problems

SERIES = SeriesKey("d1")


async def two_runs(folder: Path, clock: ManualClock, registry: Registry) -> tuple[Any, Any]:
    """A store with a gap in it, whose state is lost; returns the state of the outlet and its gaps as they were."""
    core = await DataCore(folder, clock, registry).start()
    play(core, 0, 99)
    clock.run(100)
    play(core, 200, 299)
    await core.history.merge()
    found = core.history.state.series(SERIES), await core.history.gaps("d1", 0, 0, FOREVER)
    await core.stop()
    for file in folder.glob("history-state.sqlite*"):
        file.unlink()
    return found


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_a_rebuild_that_was_broken_off_begins_anew(
    tmp_path: Path, clock: ManualClock, registry: Registry, how: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    merged, gaps = await two_runs(folder, clock, registry)
    core = DataCore(folder, clock, registry)
    reached, loop, read = asyncio.Event(), asyncio.get_running_loop(), core.store.read_stream

    def held(*args: Any, **options: Any) -> Any:
        loop.call_soon_threadsafe(reached.set)
        core.history.files.stopping.wait(10)
        return read(*args, **options)

    core.store.read_stream = held  # type: ignore[method-assign]
    starting = asyncio.create_task(core.start())
    await reached.wait()
    shutil.copytree(folder, tmp_path / "killed")
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    core.acker.stop()
    again = DataCore(folder if how == "stopped" else tmp_path / "killed", clock, registry)
    told = problems(again)
    await again.start()
    rebuilt = again.history.state.series(SERIES)
    assert [id for id, _ in told] == ["history-state-lost"]
    assert (rebuilt.head, rebuilt.first_at) == (merged.head, merged.first_at)
    found = await again.history.gaps("d1", 0, 0, FOREVER)
    assert [(gap.start, gap.end, gap.energy_mwh) for gap in found] == [
        (gap.start, gap.end, gap.energy_mwh) for gap in gaps
    ]
    assert len(found) == 1
    await again.stop()


async def test_progress_is_told_every_ten_seconds_and_ends_with_the_hub(caplog: pytest.LogCaptureFixture) -> None:
    clock, stopping, done = FakeClock(), threading.Event(), 0
    progress = Progress(1000, lambda: done, stopping, monotonic=clock.monotonic)
    with caplog.at_level(logging.WARNING, "hub.history.rebuild"):
        progress()
        await clock.advance(10)
        progress()
        progress()
        done = 250
        await clock.advance(10)
        progress()
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "0 %, it has only begun",
        "25 %, about 60 s are left",
    ]
    stopping.set()
    with pytest.raises(Stopped):
        progress()
