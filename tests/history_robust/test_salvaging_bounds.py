"""What salvaging may take: room on the disk, and how many damaged stores lie there before people are asked."""

from pathlib import Path

import pytest

from hub.events import ProblemRaised
from hub.history import salvage, salvaging
from hub.history.salvage import FOLDER
from hub.plugins.contract import StoreDamaged
from tests.history.house import ManualClock, Registry, problems
from tests.history_robust.salvage_house import COUNT, hub, later, lived, salvaged, truncate
from tests.history_robust.test_salvage import flip

pytestmark = pytest.mark.usefixtures("unrested")


async def test_without_room_it_waits_until_there_is_some(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvaging, "AGAIN_S", (0,))
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)
    assert core.history.salvaging is not None
    work = core.history.salvaging._salvage
    work._reserve = 1 << 60

    def made_room(event: ProblemRaised) -> None:
        if event.id == "history-store-waits":
            work._reserve = 0

    told = problems(core)
    core.bus.subscribe(ProblemRaised, made_room, "room")
    await core.start()
    await salvaged(core)
    lost, waits = "history-store-lost", "history-store-waits"
    assert [id for id, _ in told] == [lost, f"{lost} ended", waits, f"{waits} ended", "history-store-saved"]
    assert told[2][1]["reason"].id == "history-salvage-no-room"
    assert not (tmp_path / FOLDER).exists()
    await core.stop()


async def test_what_a_card_breaks_again_and_again_is_left_to_people(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await lived(tmp_path, clock, registry)
    (tmp_path / "history.log.damaged-20260101T000000Z").touch()
    for round in range(salvage.MOST_ASIDE + 2):
        flip(tmp_path / "history.sqlite", [1], 100)
        core = hub(tmp_path, clock, registry)
        told = problems(core)
        await core.start()
        later(core, COUNT + 10 * round, COUNT + 10 * round + 9)
        await salvaged(core)
        ids = [id for id, _ in told]
        left = round >= salvage.MOST_ASIDE
        assert ids == ["history-store-lost", "history-store-lost ended", f"history-store-{'not-' * left}saved"]
        await core.stop()
    assert told[-1][1]["reason"].id == "history-salvage-too-many"
    asides = sorted(tmp_path.glob("history.sqlite.damaged-*Z"))
    sizes = [aside.stat().st_size for aside in asides]
    assert len(sizes) == salvage.MOST_ASIDE + 2
    assert sizes[-1] < sizes[0] / 2, "it holds only what came since"
    assert told[-1][1]["command"] == f"plughub history rebuild --from {asides[-1]} --data here"
    assert not (tmp_path / FOLDER).exists()


async def test_of_two_files_both_are_named(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(tmp_path, clock, registry)
    for saved in (True, False):
        core = hub(tmp_path, clock, registry)
        assert core.history.salvaging is not None
        told = problems(core)
        await core.start()
        if not saved:
            monkeypatch.setattr(salvage, "MOST_ASIDE", 0)
        values = []
        for k in range(2):
            later(core, COUNT, COUNT + 9 + k)
            await core.history.commit()
            flip(tmp_path / "history.sqlite", [1], 100)
            core.history._repair.store_damaged(StoreDamaged("malformed"))
            await salvaged(core)
            await salvaged(core)
            values.append(told[-1][1])
        first, second = (each["file"] for each in values)
        assert second == f"{first}, {second.rpartition(', ')[2]}"
        assert first != second.rpartition(", ")[2]
        if saved:
            assert values[1]["samples"] > 2 * values[0]["samples"] - 20
        else:
            assert told[-1][0] == "history-store-not-saved"
            assert values[1]["command"].count(" && plughub history rebuild --from ") == 1
        await core.stop()
