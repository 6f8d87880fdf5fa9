"""A start without the state over a long history: the hub receives at once, the state is made anew beside it."""

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.events import DeviceRemoved, ProblemRaised
from hub.history import files
from hub.history.gaps import GapRecord
from hub.history.plan import MARGIN_MS
from hub.history.problems import REBUILD_WAITS
from hub.history.state import SeriesState
from hub.messages import HubError
from hub.plugins.contract import SeriesKey, StoreDamaged, StoreError
from tests.history.house import (
    FOREVER,
    START,
    DataCore,
    ManualClock,
    Plug,
    Registry,
    imported,
    play,
    problem_ids,
    problems,
    sample,
    seqs,
)
from tests.history_robust.test_set_aside import ask

RUN, NEXT = "a" * 16, "b" * 16
SERIES = SeriesKey("d1")
PATIENCE = 30  # seconds until a test gives up waiting
TOLD = ["history-rebuilding", "history-state-lost", "history-rebuilding ended"]


@pytest.fixture(autouse=True)
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any history is a long one, and the machine is all its own."""
    monkeypatch.setattr(files, "AT_ONCE", 0)
    monkeypatch.setattr(files, "REST", 0)


class Before:
    """What the state knew before it was lost."""

    state: SeriesState
    gaps: list[GapRecord]


async def lost(folder: Path, clock: ManualClock, registry: Registry) -> Before:
    """A history with two runs and a gap, some of it in the log alone, whose state is lost."""
    folder.mkdir(exist_ok=True)
    core, before = await DataCore(folder, clock, registry).start(), Before()
    play(core, 0, 99)
    clock.run(100)
    play(core, 200, 299)
    await core.history.merge()
    before.state, before.gaps = core.history.state.series(SERIES), await gaps_of(core)
    play(core, 300, 319)
    await core.history.commit()
    core.kill()
    remove_state(folder)
    return before


def remove_state(folder: Path) -> None:
    for file in folder.glob("history-state.sqlite*"):
        file.unlink()


async def gaps_of(core: DataCore) -> list[GapRecord]:
    return await core.history.gaps("d1", 0, 0, START + 300_000)


def seen(gaps: list[GapRecord]) -> list[tuple[int, int | None, float | None]]:
    return [(gap.start, gap.end, gap.energy_mwh) for gap in gaps]


class Hold:
    """Holds the rebuild at its first sample."""

    def __init__(self, core: DataCore) -> None:
        self.reached = asyncio.Event()
        self.go: Callable[[], threading.Event] = lambda: released
        released, loop, pieces = threading.Event(), asyncio.get_running_loop(), core.store.pieces
        self.release = released.set

        def held(*args: Any) -> Any:
            loop.call_soon_threadsafe(self.reached.set)
            assert self.go().wait(60)
            return pieces(*args)

        core.store.pieces = held  # type: ignore[method-assign,assignment]


async def exact(core: DataCore, before: Before, mwh: float) -> None:
    """Everything is there once, and the state is what it was."""
    assert core.history.files.unbuilt is None
    assert await core.history.merge()
    assert seen(await gaps_of(core)) == seen(before.gaps)
    assert core.history.state.series(SERIES).first_at == before.state.first_at
    assert imported(core) == imported(core, "1m") == pytest.approx(mwh)
    check = await core.history.care.check()
    assert (check.fine, check.differing) == (True, [])


async def rested(core: DataCore) -> None:
    """What a backup asks for."""
    async with core.history.at_rest():
        pass


async def test_the_hub_receives_while_the_state_is_made_anew(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    before = await lost(tmp_path, clock, registry)
    core = DataCore(tmp_path, clock, registry)
    told, hold = problems(core), Hold(core)
    await core.start()
    await hold.reached.wait()
    assert told == [("history-rebuilding", {"share": 0})]
    assert ask(core) == (99, 319), "what is there need not come again; what is missing may"
    play(core, 320, 329)
    assert await core.history.commit()
    assert ask(core) == (99, 329)
    assert core.history.energy_today("d1", 0, 0) == pytest.approx(329_000)
    core.send(sample(100))  # what the plug still holds
    core.send(sample(299, power=1.0))  # what it need not have sent
    play(core, 330, 339, run=NEXT)
    assert await core.history.merge()
    assert seqs(core) == {RUN: [*range(100), *range(200, 300)]}, "what is due is committed, and merged behind it"
    for asked in (core.history.care.check(), rested(core)):  # neither waits for hours and says nothing
        with pytest.raises(HubError) as refused:
            await asyncio.wait_for(asked, PATIENCE)
        assert (refused.value.id, refused.value.message.values) == ("history-rebuilding", {"share": 0})
    play(core, 340, 344, run=NEXT)
    hold.release()
    await core.history.rebuilding.settled()
    assert [id for id, _ in told] == TOLD
    assert told[1][1] == {"file": "-", "outlets": 1}
    assert seqs(core) == {RUN: [*range(101), *range(200, 330)], NEXT: list(range(330, 345))}
    assert ask(core) == (100, 329)
    for seq in range(101, 200):
        core.send(sample(seq))
    assert await core.history.merge()
    assert await gaps_of(core) == []
    before.gaps = []
    await exact(core, before, 344_000)
    await core.stop()


async def test_what_comes_in_the_moment_of_the_change_is_not_acknowledged(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    before = await lost(tmp_path, clock, registry)
    core = DataCore(tmp_path, clock, registry)
    hold, loop, close = Hold(core), asyncio.get_running_loop(), core.history.files.close
    await core.start()
    await hold.reached.wait()

    async def come() -> None:
        play(core, 320, 324)

    def closed() -> None:
        asyncio.run_coroutine_threadsafe(come(), loop).result()
        close()

    core.history.files.close = closed  # type: ignore[method-assign]
    hold.release()
    await core.history.rebuilding.settled()
    core.history.files.close = close  # type: ignore[method-assign]
    assert ask(core) == (99, 319)
    for seq in range(320, 325):
        core.send(sample(seq))
    await exact(core, before, 324_000)
    assert seqs(core) == {RUN: [*range(100), *range(200, 325)]}
    await core.stop()


POINTS = [("pieces", 1), ("put", 1), ("apply", 1), ("put", 2), ("apply", 2), ("completed", 1)]


@pytest.mark.parametrize(("method", "times"), POINTS)
async def test_a_kill_in_the_middle_loses_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry, method: str, times: int
) -> None:
    folder, copy = tmp_path / "data", tmp_path / "killed"
    before = await lost(folder, clock, registry)
    core = DataCore(folder, clock, registry)
    owner: Any = core.store if method == "pieces" else core.history.state
    real, calls = getattr(owner, method), []

    def copied(*args: Any) -> Any:
        calls.append(method)
        if len(calls) == times:
            shutil.copytree(folder, copy)
        return real(*args)

    setattr(owner, method, copied)
    await core.start()
    await core.history.rebuilding.settled()
    play(core, 320, 329)
    await exact(core, before, 329_000)
    await core.stop()
    again = DataCore(copy, clock, registry)
    told = problem_ids(again)
    await again.start()
    await again.history.rebuilding.settled()
    assert told == TOLD
    for seq in range(320, 330):
        again.send(sample(seq))
    await exact(again, before, 329_000)
    await again.stop()


async def test_a_stop_in_the_middle_waits_for_nothing(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    before = await lost(tmp_path, clock, registry)
    core = DataCore(tmp_path, clock, registry)
    hold = Hold(core)

    def stopping() -> threading.Event:
        assert core.history.files.unbuilt is not None
        return core.history.files.unbuilt.progress.stopping

    hold.go = stopping
    await core.start()
    await hold.reached.wait()
    play(core, 320, 329)
    await core.stop()
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    assert ask(core) == (99, 329)
    await core.history.rebuilding.settled()
    assert told == TOLD
    await exact(core, before, 329_000)
    assert seqs(core) == {RUN: [*range(100), *range(200, 330)]}
    await core.stop()


async def test_a_device_that_is_removed_in_the_middle_stays_so(tmp_path: Path, clock: ManualClock) -> None:
    registry = Registry(Plug(), Plug("d2", "plug-2"))
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    for seq in range(100):
        core.send(sample(seq), hardware_id="plug-2")
    await core.history.merge()
    core.kill()
    remove_state(tmp_path)
    core = DataCore(tmp_path, clock, registry)
    hold = Hold(core)
    await core.start()
    await hold.reached.wait()
    del registry.plugs[1]
    core.bus.publish(DeviceRemoved("d2", "home"))
    hold.release()
    await core.history.rebuilding.settled()
    await core.history.worker.settled()
    assert (seqs(core), seqs(core, "d2")) == ({RUN: list(range(100))}, {})
    assert set(core.store.contents()) == {SERIES}
    assert (await core.history.care.check()).fine
    await core.stop()


class Waits:
    """The next try is made when the test says so. seconds: for how long it would have been waited."""

    def __init__(self, core: DataCore) -> None:
        self.seconds: list[float] = []
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        core.history.rebuilding._wait = self.wait  # type: ignore[method-assign]

    async def wait(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.go.clear()
        self.reached.set()
        await self.go.wait()

    async def again(self) -> None:
        """Until it waits again."""
        self.reached.clear()
        self.go.set()
        await asyncio.wait_for(self.reached.wait(), PATIENCE)


@pytest.mark.parametrize("method", ["pieces", "contents"])
async def test_a_store_that_cannot_be_read_holds_nothing_up_and_is_read_later(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """pieces: while it is read; contents: before that could even begin."""
    before = await lost(tmp_path, clock, registry)
    core = DataCore(tmp_path, clock, registry)
    told, waits = problems(core), Waits(core)

    def failing(*_: Any) -> Any:
        raise StoreError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(core.store, method, failing)
        await core.start()
        await asyncio.wait_for(waits.reached.wait(), PATIENCE)
        assert told[-1] == ("history-rebuild-waits", {"reason": "disk I/O error", "minutes": 5})
        await waits.again()
        assert told[-1][1]["minutes"] == 15
        for _ in range(4):
            await waits.again()
        assert waits.seconds == [300, 900, 3600, 6 * 3600, 24 * 3600, 24 * 3600]
        play(core, 320, 329)
        assert await core.history.merge(), "it goes on with what it knows"
        if method == "pieces":
            assert seqs(core) == {RUN: [*range(100), *range(200, 330)]}
            assert ask(core) == (99, 329), "which samples there are is known"
        play(core, 330, 339)
    waits.go.set()
    await asyncio.wait_for(core.history.rebuilding.settled(), PATIENCE)
    assert [id for id, _ in told][-2:] == ["history-state-lost", "history-rebuilding ended"]
    assert "history-rebuild-waits ended" in {id for id, _ in told}
    await exact(core, before, 339_000)
    assert seqs(core) == {RUN: [*range(100), *range(200, 340)]}
    await core.stop()
    core = DataCore(tmp_path, clock, registry)
    again = problem_ids(core)
    await core.start()
    assert again == [], "it is done"
    await core.stop()


async def test_a_stop_while_it_waits_leaves_it_to_the_next_start(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is merged meanwhile does not make the state whole."""
    before = await lost(tmp_path, clock, registry)
    core = DataCore(tmp_path, clock, registry)
    waits = asyncio.Event()
    core.bus.subscribe(ProblemRaised, lambda event: event.id == REBUILD_WAITS and waits.set(), "test")

    def failing(*_: Any) -> Any:
        raise StoreError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(core.store, "pieces", failing)
        await core.start()
        await asyncio.wait_for(waits.wait(), PATIENCE)
        play(core, 320, 329)
        await asyncio.wait_for(core.stop(), PATIENCE)
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    await core.history.rebuilding.settled()
    assert told == TOLD
    await exact(core, before, 329_000)
    await core.stop()


async def test_the_energy_of_a_long_time_without_the_hub_is_known_at_once(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    """Longer than what is read of the store around what is new."""
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    await core.stop()
    remove_state(tmp_path)
    clock.run(2 * MARGIN_MS / 1000)
    core = DataCore(tmp_path, clock, registry)
    hold, first = Hold(core), 100 + 2 * MARGIN_MS // 1000
    await core.start()
    await hold.reached.wait()
    play(core, first, first + 9)
    assert await core.history.commit()
    assert core.history.energy_today("d1", 0, 0) == pytest.approx(1000 * (first + 9))
    [gap] = await core.history.gaps("d1", 0, 0, FOREVER)
    assert gap.energy_mwh == pytest.approx(1000 * (first - 99))
    hold.release()
    await core.history.rebuilding.settled()
    assert await core.history.merge()
    assert imported(core) == pytest.approx(1000 * (first + 9), abs=1)
    assert [found.energy_mwh for found in await core.history.gaps("d1", 0, 0, FOREVER)] == [gap.energy_mwh]
    assert (await core.history.care.check()).fine
    await core.stop()


async def test_a_store_that_is_called_damaged_and_is_sound_is_read_again(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await lost(tmp_path, clock, registry)
    core = DataCore(tmp_path, clock, registry)
    told, pieces, damaged = problem_ids(core), core.store.pieces, [True]

    def once(*args: Any) -> Any:
        if damaged:
            damaged.clear()
            raise StoreDamaged("database disk image is malformed")
        return pieces(*args)

    monkeypatch.setattr(core.store, "pieces", once)
    await core.start()
    await core.history.rebuilding.settled()
    await core.history.worker.settled()
    await core.history.rebuilding.settled()
    assert told == TOLD
    await exact(core, before, 319_000)
    await core.stop()


def unnumbered(core: DataCore, first: int, last: int) -> None:
    for number in range(first, last + 1):
        core.clock.run(1.0)
        core.send(sample(number) | {"run": None, "seq": None, "up": None, "oldest": None})


async def test_readings_without_a_seq_go_on_behind_those_that_are_there(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    """Nothing else tells them apart: begun anew they would take the places of older ones."""
    core = await DataCore(tmp_path, clock, registry).start()
    unnumbered(core, 0, 99)
    await core.history.merge()
    core.kill()
    remove_state(tmp_path)
    core = DataCore(tmp_path, clock, registry)
    hold = Hold(core)
    await core.start()
    await hold.reached.wait()
    unnumbered(core, 100, 109)
    await core.history.commit()
    hold.release()
    await core.history.rebuilding.settled()
    assert seqs(core) == {"": list(range(110))}
    assert imported(core) == pytest.approx(109_000)
    assert len(core.store.read(SERIES, 0, FOREVER)[0].seq) == 110
    assert (await core.history.care.check()).fine
    await core.stop()
