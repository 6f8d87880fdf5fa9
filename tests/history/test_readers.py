"""Questions that are asked while a merge is under way: everything counts once, and a commit waits for nobody."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from hub.history.query import Query
from hub.history.readers import THREADS
from hub.plugins.contract import SeriesKey
from tests.history.house import START, DataCore, ManualClock, Plug, Registry, play

SERIES = SeriesKey("d1")
WEEKS = 14 * 86_400_000


class Pause:
    """Stops a method in its thread, before or after its work, until `go`."""

    def __init__(self, owner: Any, method: str, *, after: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self.reached = asyncio.Event()
        self._go = threading.Event()
        real = getattr(owner, method)

        def paused(*args: Any) -> Any:
            setattr(owner, method, real)
            result = real(*args) if after else None
            self.loop.call_soon_threadsafe(self.reached.set)
            self._go.wait(20)
            return result if after else real(*args)

        setattr(owner, method, paused)

    def go(self) -> None:
        self._go.set()


@pytest.fixture
async def core(tmp_path: Path):
    core = await DataCore(tmp_path, ManualClock(START), Registry(Plug())).start()
    play(core, 0, 500)
    await core.history.merge()
    play(core, 501, 700)
    await core.history.commit()
    play(core, 701, 720)
    yield core
    await core.stop()


async def seen(query: Query, bucket: str) -> tuple[int, float | None]:
    end = START + 10_000_000
    samples = sum(len(part.seq) for part in await query.raw(SERIES, START, end))
    return samples, (await query.series(SERIES, START, end, bucket=bucket)).total_mwh


@pytest.mark.parametrize(
    ("part", "method", "after"),
    [
        ("store", "merge", False),
        ("store", "merge", True),
        ("store", "commit", False),
        ("store", "commit", True),
        ("state", "finish", True),
        ("log", "next_generation", True),
    ],
)
async def test_a_question_during_a_merge_loses_and_doubles_nothing(
    core: DataCore, part: str, method: str, after: bool
) -> None:
    query = Query(core.store, core.history.tail, core.clock)
    owner = {"store": core.store, "state": core.history.state, "log": core.history.log}[part]
    pause = Pause(owner, method, after=after)
    merging = asyncio.ensure_future(core.history.merge())
    await pause.reached.wait()
    asked = [asyncio.ensure_future(seen(query, bucket)) for bucket in ("1m", "15m")]
    gaps = asyncio.ensure_future(core.history.gaps("d1", 0, 0, 1 << 60))
    today = core.history.energy_today("d1", 0, START)
    await asyncio.sleep(0)
    pause.go()
    for samples, total in await asyncio.gather(*asked):
        assert samples == 721
        assert total == pytest.approx(720_000)
    assert await gaps == []
    assert today == pytest.approx(720_000)
    assert await merging
    assert core.history.energy_today("d1", 0, START) == pytest.approx(720_000)


async def test_a_merge_during_a_question_is_noticed(core: DataCore) -> None:
    """What is older than raw samples are kept is added to its buckets: added twice it would be doubled."""
    await core.history.merge()
    core.clock.run(WEEKS / 1000)
    core.store.delete(SERIES, "raw", core.clock.now() - WEEKS // 2)
    before = float(core.store.rollup(SERIES, "15m", START, START + 1).import_mwh.sum())
    for k in range(4):
        core.send({"voltage": 230.0, "current": 1.0, "power": 3600.0, "ts": START + 800_000 + k * 1000})
    query = Query(core.store, core.history.tail, core.clock)
    pause = Pause(core.store, "read", after=True)
    asked = asyncio.ensure_future(query.series(SERIES, START, START + 900_000, bucket="15m"))
    await pause.reached.wait()
    await core.history.merge()
    pause.go()
    during = (await asked).total_mwh
    after = (await query.series(SERIES, START, START + 900_000, bucket="15m")).total_mwh
    assert during == after == pytest.approx(before + 3000)


async def test_a_commit_does_not_wait_for_a_question(core: DataCore) -> None:
    query = Query(core.store, core.history.tail, core.clock)
    pause = Pause(core.store, "rollup", after=False)
    asked = asyncio.ensure_future(query.series(SERIES, START, START + 10_000_000, bucket="1m"))
    await pause.reached.wait()
    assert await core.history.commit()
    pause.go()
    assert (await asked).total_mwh == pytest.approx(720_000)


async def test_a_question_after_a_merge_that_failed_half_way(core: DataCore) -> None:
    def refused(*_: object) -> None:
        raise OSError("disk full")

    finish = core.history.state.finish
    core.history.state.finish = refused  # type: ignore[method-assign]
    assert not await core.history.merge()
    query = Query(core.store, core.history.tail, core.clock)
    assert await seen(query, "15m") == (721, pytest.approx(720_000))
    core.history.state.finish = finish  # type: ignore[method-assign]
    assert await core.history.merge()
    assert await seen(query, "15m") == (721, pytest.approx(720_000))


async def test_a_merge_waits_for_no_reader(core: DataCore) -> None:
    free = threading.Event()
    reading = [asyncio.ensure_future(core.history._readers.run(free.wait)) for _ in range(THREADS)]
    try:
        async with asyncio.timeout(60):  # it would never end
            assert await core.history.merge()
    finally:
        free.set()
        await asyncio.gather(*reading)
