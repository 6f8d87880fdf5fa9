"""Errors of the disk below SQLite: they are told and end on their own, and no sound file is set aside for them."""

from pathlib import Path

import pytest

from hub.messages import HubError
from hub.plugins.contract import StoreDamaged
from hub.soundness import BadBlocks, damage_in
from tests.history.disk import Disk
from tests.history.house import DataCore, ManualClock, Registry, problem_ids, seqs
from tests.history_robust.sqlite_disk import unreadable
from tests.history_robust.test_damaged_reads import COUNT, filled, live, read, registry, settled
from tests.history_robust.test_set_aside import RUN, ask

__all__ = ["registry"]


def aside(folder: Path) -> list[str]:
    return [file.name for file in folder.glob("*.damaged-*")]


async def test_reads_that_fail_replace_nothing(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    with unreadable(tmp_path / "history.sqlite") as disk:
        disk.fails = lambda at: at > 0
        with pytest.raises(HubError, match="cannot be read at the moment"):
            await read(core)
        assert disk.failed
        disk.fails = lambda at: False
        await settled(core)
    assert (told, aside(tmp_path)) == ([], [])
    assert await read(core) == COUNT
    live(core, COUNT, COUNT + 9)
    assert await core.history.merge()
    assert ask(core) == (COUNT + 9, COUNT + 9)
    await core.stop()


async def test_a_disk_that_went_away_replaces_nothing(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    with unreadable(tmp_path / "history.sqlite"):
        await core.start()
        live(core, COUNT, COUNT + 9)
        for _ in range(4):
            assert not await core.history.merge()
    assert (told, aside(tmp_path)) == (["history-not-merged"], [])
    assert await core.history.merge()
    assert told == ["history-not-merged", "history-not-merged ended"]
    assert seqs(core) == {RUN: list(range(COUNT + 10))}
    await core.stop()


async def test_blocks_that_stay_unreadable_take_the_store_aside_in_the_end(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    path = tmp_path / "history.sqlite"
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    blocks = Disk(monkeypatch, path)
    last = path.stat().st_size // 4096 - 1
    blocks.bad = {last}
    with unreadable(path) as disk:
        disk.fails = lambda at: at // 4096 == last
        with pytest.raises(BadBlocks):
            damage_in(path)
        for _ in range(2):
            live(core, COUNT, COUNT + 9)
            await core.history._repair.begin_again(StoreDamaged("malformed"))
            assert aside(tmp_path) == []
        await core.history._repair.begin_again(StoreDamaged("malformed"))
    assert len(list(tmp_path.glob("history.sqlite.damaged-*Z"))) == 1
    assert told == ["history-store-lost"]
    await core.stop()


@pytest.mark.parametrize("bad", ["all", "one block"])
async def test_a_state_that_cannot_be_read(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    path = tmp_path / "history-state.sqlite"
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    blocks = Disk(monkeypatch, path)
    blocks.bad = set(range(path.stat().st_size // 4096)) if bad == "all" else {1}
    with unreadable(path) as disk:
        disk.fails = lambda at: bad == "all" or at // 4096 == 1
        if bad == "all":
            with pytest.raises(OSError, match="I/O error"):
                await core.start()
            assert aside(tmp_path) == []
        else:
            await core.start()
    monkeypatch.undo()
    if bad == "all":
        core = await DataCore(tmp_path, clock, registry).start()
        assert ask(core) == (COUNT - 1, COUNT - 1)
    else:
        assert told == ["history-state-lost"], "it is rebuilt"
        assert ask(core) == (COUNT - 1, COUNT - 1)
    await core.stop()
