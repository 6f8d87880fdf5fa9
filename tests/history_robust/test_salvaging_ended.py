"""A salvage that is ended in the middle, by a stop, a crash or the disk, goes on later and costs nothing."""

import asyncio
import errno
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.events import ProblemRaised
from hub.history import salvage, salvaging
from hub.history.salvage import FOLDER, NOTE
from hub.history.takeover import take_over
from hub.messages import HubError
from hub.plugins.contract import StoreDamaged, StoreError
from tests.history.house import DataCore, ManualClock, Registry, problems, seqs
from tests.history_robust.salvage_house import COUNT, hub, is_saved_at_the_next_start, later, lived, salvaged, truncate
from tests.history_robust.test_salvage import flip
from tests.history_robust.test_set_aside import RUN

pytestmark = pytest.mark.usefixtures("unrested")


async def test_it_goes_on_after_a_restart_and_is_given_up_where_the_hub_ends_each_time(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = await hub(tmp_path, clock, registry).start()
    assert core.history.salvaging is not None
    await core.stop()
    assert (tmp_path / FOLDER / NOTE).exists(), "it was broken off"
    shutil.copytree(tmp_path, copy := tmp_path.with_name("copy"))
    core = hub(copy, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert [id for id, _ in told] == ["history-store-lost", "history-store-lost ended", "history-store-saved"]
    await core.stop()
    (tmp_path / FOLDER / NOTE).write_text(
        (tmp_path / FOLDER / NOTE).read_text().replace('"tries":0', f'"tries":{salvage.MOST_TRIES}')
    )
    core = hub(tmp_path, clock, registry, backup=None)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert [id for id, _ in told] == ["history-store-lost", "history-store-lost ended", "history-store-not-saved"]
    aside = next(tmp_path.glob("history.sqlite.damaged-*Z"))
    assert told[-1][1]["command"] == f"plughub history rebuild --from {aside} --data here"
    assert told[-1][1]["backup"] == "none"
    await core.stop()
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert told == [], "people know"
    await core.stop()


async def test_a_second_store_that_is_lost_meanwhile_costs_the_first_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = await hub(tmp_path, clock, registry).start()
    later(core, COUNT, COUNT + 99)
    await core.stop()
    assert (tmp_path / FOLDER / NOTE).exists(), "it was broken off"
    clock.run(1000)
    flip(tmp_path / "history.sqlite", [1], 100)
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert len(list(tmp_path.glob("history.sqlite.damaged-*Z"))) == 2
    assert [id for id, _ in told].count("history-store-saved") == 2
    assert "history-store-lost" not in {id for id, _ in told[-2:]}
    held = seqs(core)[RUN]
    assert set(range(COUNT, COUNT + 100)) <= set(held), "of the second"
    assert len([seq for seq in held if seq < COUNT]) > COUNT // 2, "of the first"
    assert (await core.history.care.check()).wrong == 0
    assert not (tmp_path / FOLDER).exists()
    await core.stop()


async def test_a_start_that_fails_leaves_nothing_under_way_and_the_next_one_goes_on(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)

    def refuse(outages: object) -> None:
        raise OSError("the disk takes nothing")

    monkeypatch.setattr(core.history.state, "keep_outages", refuse)
    before = asyncio.all_tasks()
    with pytest.raises(OSError, match="takes nothing"):
        await core.start()
    core.acker.stop()
    assert asyncio.all_tasks() == before
    assert (tmp_path / FOLDER / NOTE).exists()
    await is_saved_at_the_next_start(tmp_path, clock, registry)


async def test_of_a_file_that_people_took_away_nothing_is_kept(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = await hub(tmp_path, clock, registry).start()
    await core.stop()
    assert (tmp_path / FOLDER / NOTE).exists(), "it was broken off"
    next(tmp_path.glob("history.sqlite.damaged-*Z")).unlink()
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert told == []
    assert not (tmp_path / FOLDER).exists()
    await core.stop()


async def test_a_start_that_ends_once_the_store_is_set_aside_forgets_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)

    def refuse() -> None:
        raise OSError("the disk gives nothing")

    monkeypatch.setattr(core.history.log, "open", refuse)
    with pytest.raises(OSError, match="gives nothing"):
        await core.start()
    core.acker.stop()
    aside = next(tmp_path.glob("history.sqlite.damaged-*Z"))
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert told[0] == ("history-store-lost", {"file": aside.name})
    assert told[-1][0] == "history-store-saved"
    await core.stop()


async def test_a_disk_that_refuses_for_a_while_does_not_end_it(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvaging, "WAIT_S", 0)
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    later(core, COUNT, COUNT + 9)
    refused = {"merges": 0, "commits": 0}
    merge, append, joined = core.store.commit, core.history.log.append, threading.Event()

    def refuse_merges() -> None:
        if refused["merges"] < 3:
            refused["merges"] += 1
            raise StoreError("not now")
        merge()

    def refuse_commits(*args: Any) -> Any:
        if joined.is_set() and refused["commits"] < 3:
            refused["commits"] += 1
            raise OSError("not now")
        return append(*args)

    join = salvage.Salvage.join

    def joining(*args: Any) -> Any:
        found = join(*args)
        joined.set()
        loop.call_soon_threadsafe(later, core, COUNT + 10, COUNT + 19)
        return found

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(core.store, "commit", refuse_merges)
    monkeypatch.setattr(core.history.log, "append", refuse_commits)
    monkeypatch.setattr(salvage.Salvage, "join", joining)
    await salvaged(core)
    assert refused == {"merges": 3, "commits": 3}
    assert told[-1][0] == "history-store-saved"
    assert "history-store-not-saved" not in {id for id, _ in told}
    await core.history.merge()
    assert set(range(COUNT, COUNT + 20)) <= set(seqs(core)[RUN])
    await core.stop()


async def test_a_state_that_is_made_anew_does_not_end_it(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvaging, "WAIT_S", 0)
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)
    told, shares = problems(core), [10, 50, 90]

    def unbuilt() -> None:
        if shares:
            raise HubError("history-rebuilding", share=shares.pop(0))

    monkeypatch.setattr(core.history.files, "require_built", unbuilt)
    await core.start()
    await salvaged(core)
    assert not shares
    assert told[-1][0] == "history-store-saved"
    assert "history-store-not-saved" not in {id for id, _ in told}
    await core.stop()


async def test_a_hub_that_ends_while_the_disk_refuses_goes_on_at_the_next_start(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = await hub(tmp_path, clock, registry).start()
    later(core, COUNT, COUNT + 9)
    refused, loop = asyncio.Event(), asyncio.get_running_loop()

    def refuse() -> None:
        loop.call_soon_threadsafe(refused.set)
        raise StoreError("not now")

    with monkeypatch.context() as patched:
        patched.setattr(core.store, "commit", refuse)
        await refused.wait()
        await core.stop()
    assert msgspec.json.decode((tmp_path / FOLDER / NOTE).read_bytes())["tries"] == 0
    await is_saved_at_the_next_start(tmp_path, clock, registry)


def refusing(real: Callable[..., Any], left: list[OSError | StoreError]) -> Callable[..., Any]:
    """Raises these before it does what it is for."""

    def called(*args: Any) -> Any:
        if left:
            raise left.pop()
        return real(*args)

    return called


@pytest.mark.parametrize("step", ["note", "extract", "join", "swap"])
async def test_what_the_disk_refuses_is_tried_again_and_people_are_told(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(salvaging, "AGAIN_S", (0,))
    await lived(tmp_path, clock, registry)
    core = await hub(tmp_path, clock, registry).start()
    told = problems(core)
    left: list[OSError | StoreError] = [OSError(errno.ENOSPC, "No space left on device"), StoreError("busy")]
    left = [OSError(errno.ENOSPC, "No space left on device")] * 2 if step in ("note", "swap") else left
    if step == "extract":
        monkeypatch.setattr(salvage, "_copied", refusing(salvage._copied, left))
    elif step == "join":
        monkeypatch.setattr(salvage, "take_over", refusing(take_over, left))
    else:
        assert core.history.salvaging is not None
        work = core.history.salvaging._salvage
        monkeypatch.setattr(work, step, refusing(getattr(work, step), left))
        core.history.files.on_store_aside = None
    flip(tmp_path / "history.sqlite", [1], 100)
    core.history._repair.store_damaged(StoreDamaged("malformed"))
    await salvaged(core)
    await salvaged(core)
    waits = [values for id, values in told if id == "history-store-waits"]
    assert not left
    assert len(waits) == 2
    assert "No space left" in waits[0]["reason"] + waits[1]["reason"]
    assert [id for id, _ in told][-2:] == ["history-store-waits ended", "history-store-saved"]
    assert (await core.history.care.check()).wrong == 0
    assert len(seqs(core)[RUN]) == COUNT
    await core.stop()


async def waiting(core: DataCore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub runs, and its salvage waits because the disk is full."""
    told = asyncio.Event()

    def raised(event: ProblemRaised) -> None:
        if event.id == "history-store-waits":
            told.set()

    core.bus.subscribe(ProblemRaised, raised, "waiting")
    with monkeypatch.context() as patched:
        full = [OSError(errno.ENOSPC, "No space left on device")]
        patched.setattr(salvage, "_copied", refusing(salvage._copied, full))  # type: ignore[arg-type]
        await core.start()
        await told.wait()


async def test_a_hub_that_ends_while_it_waits_for_the_disk_tries_again_at_the_next_start(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)
    await waiting(core, monkeypatch)
    assert [file.name for file in (tmp_path / FOLDER).iterdir()] == [NOTE], "a full disk is not kept full"
    await core.stop()
    assert msgspec.json.decode((tmp_path / FOLDER / NOTE).read_bytes())["tries"] == 0
    await is_saved_at_the_next_start(tmp_path, clock, registry)


async def test_what_people_take_away_while_it_waits_is_not_waited_for(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvaging, "AGAIN_S", (0,))
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)
    told = problems(core)

    def taken(event: ProblemRaised) -> None:
        if event.id == "history-store-waits":
            next(tmp_path.glob("history.sqlite.damaged-*Z")).unlink()

    core.bus.subscribe(ProblemRaised, taken, "people")
    await waiting(core, monkeypatch)
    await salvaged(core)
    lost, waits = "history-store-lost", "history-store-waits"
    assert [id for id, _ in told] == [lost, f"{lost} ended", waits, f"{waits} ended"]
    assert not (tmp_path / FOLDER).exists()
    await core.stop()
