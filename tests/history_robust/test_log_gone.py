"""A log that is missing, empty or cut short: told, its acknowledgements taken back, and gaps that say so."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.history.inspection import HistoryCheck
from hub.history.offline import OfflineHistory
from hub.history.readings import Traits
from hub.history.scan import START as RECORDS
from hub.history.state import State
from integrations.storage.sqlite.store import SqliteStore
from tests.history.house import FOREVER, DataCore, ManualClock, Plug, Registry, play, problem_ids

RUN = "a" * 16


def remove(log: Path) -> None:
    log.unlink()


def empty(log: Path) -> None:
    os.truncate(log, 0)


def zeros(log: Path) -> None:
    log.write_bytes(bytes(log.stat().st_size))


def cut(log: Path) -> None:
    os.truncate(log, RECORDS)


def nonsense(log: Path) -> None:
    log.write_bytes(b"?" * log.stat().st_size)


def look(folder: Path) -> HistoryCheck:
    """What `plughub history verify` finds while the hub does not run."""
    store = SqliteStore(folder / "history.sqlite")
    with OfflineHistory(folder, store, lambda _: Traits(), lambda _: "plug-1").opened() as history:
        return history.check()


LOST = pytest.mark.parametrize("lose", [remove, empty, zeros, cut, nonsense])


@LOST
@pytest.mark.parametrize("merged", [True, False])
async def test_what_it_held_is_told_and_becomes_a_gap(
    tmp_path: Path, clock: ManualClock, registry: Registry, lose: Callable[[Path], None], merged: bool
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 100)
    if merged:
        await core.history.merge()
    play(core, 101, 300)
    await core.history.commit()
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 300, "seen": 300}]
    core.kill()
    lose(tmp_path / "history.log")
    held = sorted(tmp_path.iterdir())
    found = look(tmp_path)
    assert (found.fine, found.log_damaged) == (False, 1)
    assert sorted(tmp_path.iterdir()) == held, "who looks leaves it for the hub to find"
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    assert told == ["history-log-lost" if lose is nonsense else "history-log-gone"]
    assert (await core.history.care.check()).log_damaged == 1
    play(core, 301, 301, oldest=200)
    await core.history.commit()
    assert core.acks[-1]["acks"][0]["seq"] < 301, "the plug sends again what it holds"
    play(core, 302, 302, oldest=290)
    await core.history.commit()
    play(core, 303, 303, oldest=291)
    await core.history.merge()
    causes = [gap.cause for gap in await core.history.gaps("d1", 0, 0, FOREVER)]
    assert causes == (["damaged"] if merged else [])
    await core.stop()
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    assert told == [], "once"
    await core.stop()


async def test_a_device_that_repeats_nothing_has_a_gap_too(tmp_path: Path, clock: ManualClock) -> None:
    registry = Registry(Plug())
    core = await DataCore(tmp_path, clock, registry).start()

    def send(count: int) -> None:
        for _ in range(count):
            clock.run(1.0)
            core.send({"voltage": 230.0, "current": 1.0})

    send(60)
    await core.history.merge()
    send(60)
    await core.history.commit()
    core.kill()
    (tmp_path / "history.log").unlink()
    core = await DataCore(tmp_path, clock, registry).start()
    send(60)
    await core.history.merge()
    assert [gap.cause for gap in await core.history.gaps("d1", 0, 0, FOREVER)] == ["damaged"]
    await core.stop()


@LOST
async def test_nothing_is_missed_of_a_hub_that_ended_with_everything_merged(
    tmp_path: Path, clock: ManualClock, registry: Registry, lose: Callable[[Path], None]
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 100)
    await core.stop()
    lose(tmp_path / "history.log")
    assert look(tmp_path).fine is (lose is not nonsense)
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    assert told == (["history-log-lost"] if lose is nonsense else [])
    await core.stop()


async def test_a_copy_made_while_it_runs_misses_no_log(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 100)
    state: State = core.history.state
    async with core.history.at_rest():
        assert not state.running
    assert state.running
    await core.stop()


async def test_notes_made_anew_by_hand_do_not_hide_it(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 100)
    await core.history.merge()
    play(core, 101, 300)
    await core.history.commit()
    core.kill()
    (tmp_path / "history.log").unlink()
    store = SqliteStore(tmp_path / "history.sqlite")
    with OfflineHistory(tmp_path, store, lambda _: Traits(), lambda _: "plug-1").opened() as history:
        history.rebuild(state=True)
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    assert told == ["history-log-gone"]
    await core.stop()
