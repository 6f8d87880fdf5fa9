"""A store that is set aside is salvaged while the hub runs: what it holds is there again, and people are told."""

import asyncio
import random
import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.history import salvage, salvaging
from hub.history.salvage import FOLDER, NOTE
from hub.history.salvaging import Means
from hub.plugins.contract import SeriesKey, StoreDamaged, StoreError
from integrations.storage.sqlite.schema import PAGE
from integrations.storage.sqlite.store import SqliteStore
from tests.history.house import (
    FOREVER,
    DataCore,
    ManualClock,
    Plug,
    Registry,
    imported,
    play,
    problems,
    sample,
    seqs,
)
from tests.history_robust.test_cli import plughub
from tests.history_robust.test_salvage import flip, pages_of
from tests.history_robust.test_set_aside import RUN, SERIES, ask

HOURS = 3
COUNT = HOURS * 900
BACKUP = Path("/backups/plughub-20260101.plughub")


@pytest.fixture(autouse=True)
def unrested(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine of its own."""
    monkeypatch.setattr(salvage, "REST", 0)


def hub(folder: Path, clock: ManualClock, registry: Registry, backup: Path | None = BACKUP, **options: Any) -> DataCore:
    async def newest_backup() -> Path | None:
        return backup

    means = Means(lambda other: SqliteStore(other / "history.sqlite"), newest_backup, "--data here")
    return DataCore(folder, clock, registry, means=means, reserve=0, **options)


async def lived(folder: Path, clock: ManualClock, registry: Registry) -> None:
    """Some hours over many pages, with a run and a gap before the one that goes on."""
    core = await DataCore(folder, clock, registry).start()
    play(core, 0, 99, run="e" * 16)
    chance = random.Random(4)
    for seq in range(COUNT):
        clock.run(4.0)
        core.send(sample(seq, up=seq * 4000, voltage=chance.uniform(225, 235), power=chance.uniform(3500, 3700)))
        if seq % 900 == 899:
            await core.history.merge()
    clock.run(100)
    await core.stop()


def later(core: DataCore, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        core.clock.run(4.0)
        core.send(sample(seq, up=seq * 4000))


async def salvaged(core: DataCore) -> None:
    assert core.history.salvaging is not None
    await core.history.salvaging.settled()
    while core.history.worker.tasks:
        await core.history.worker.settled()


def truncate(path: Path, pages: int) -> None:
    """The last pages are gone: SQLite opens no such file."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - pages * PAGE)


async def is_saved_at_the_next_start(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert [id for id, _ in told] == ["history-store-lost", "history-store-lost ended", "history-store-saved"]
    await core.stop()


async def test_what_can_be_read_of_a_lost_store_is_there_again(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await lived(tmp_path, clock, registry)
    whole = sum(len(held) for held in seqs_of(tmp_path).values())
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    aside = next(tmp_path.glob("history.sqlite.damaged-*Z"))
    assert told == [("history-store-lost", {"file": aside.name})]
    later(core, COUNT, COUNT + 59)
    await core.history.commit()
    await salvaged(core)
    later(core, COUNT + 60, COUNT + 119)
    await core.history.merge()
    saved = told[-1]
    assert [id for id, _ in told] == ["history-store-lost", "history-store-lost ended", "history-store-saved"]
    assert saved[1]["file"] == aside.name
    assert saved[1]["samples"] + 120 == sum(len(held) for held in seqs(core).values())
    assert saved[1]["samples"] > whole // 2
    assert set(range(COUNT, COUNT + 120)) <= set(seqs(core)[RUN]), "and nothing that came meanwhile is lost"
    assert ask(core)[1] == COUNT + 119
    assert (await core.history.care.check()).wrong == 0
    assert not (tmp_path / FOLDER).exists()
    held, energy = seqs(core), imported(core)
    await core.stop()
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert (told, seqs(core), imported(core)) == ([], held, energy)
    await core.stop()


def seqs_of(folder: Path) -> dict[str, list[int]]:
    store = SqliteStore(folder / "history.sqlite")
    store.open()
    found = {part.run: part.seq.tolist() for part in store.read(SERIES, 0, FOREVER)}
    store.close()
    return found


async def test_a_piece_that_is_lost_is_named_with_the_backup_that_may_hold_it(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await lived(tmp_path, clock, registry)
    path = tmp_path / "history.sqlite"
    store = SqliteStore(path)
    store.open()
    before = float(store.rollup(SERIES, "15m", 0, FOREVER).import_mwh.sum())
    store.close()
    lost = pages_of(path, "raw")
    flip(path, lost[len(lost) // 2 :][:1])
    flip(tmp_path / "history.sqlite", [1], 100)
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    id, values = told[-1]
    assert id == "history-store-saved"
    assert values["lost"] >= 1
    assert "raw d1/0" in values["what"]
    assert values["backup"] == BACKUP.name
    assert values["restore"] == f"plughub history rebuild --from {BACKUP} --data here"
    assert imported(core) == pytest.approx(before, abs=1000), "the buckets that tell of what is lost stay"
    assert (await core.history.care.check()).wrong == 0
    missing = set(range(COUNT)) - set(seqs(core)[RUN])
    assert 0 < len(missing) < COUNT
    assert ask(core)[0] < min(missing), "the plug is asked for what it may still hold"
    for seq in missing:
        core.send(sample(seq, up=seq * 4000))
    await core.history.merge()
    assert seqs(core)[RUN] == list(range(COUNT))
    await core.stop()


async def test_where_all_raw_samples_are_lost_the_buckets_stay(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await lived(tmp_path, clock, registry)
    path = tmp_path / "history.sqlite"
    flip(path, pages_of(path, "raw"))
    flip(path, [1], 100)
    core = await hub(tmp_path, clock, registry).start()
    await salvaged(core)
    assert seqs(core) == {}
    assert imported(core) == pytest.approx((COUNT - 1) * 1000 + 99_000, abs=1000)
    clock.run(3600)
    later(core, COUNT, COUNT + 9)
    assert await core.history.merge()
    assert seqs(core) == {RUN: list(range(COUNT, COUNT + 10))}
    assert imported(core) > (COUNT - 1) * 1000 + 99_000
    assert (await core.history.care.check()).wrong == 0
    await core.stop()


async def test_a_store_that_a_read_finds_damaged_is_salvaged_too(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await lived(tmp_path, clock, registry)
    core = await hub(tmp_path, clock, registry).start()
    told = problems(core)
    later(core, COUNT, COUNT + 9)
    root = pages_of(tmp_path / "history.sqlite", "raw_place")
    flip(tmp_path / "history.sqlite", root)
    core.history._repair.store_damaged(StoreDamaged("malformed"))
    await salvaged(core)
    await salvaged(core)
    assert [id for id, _ in told] == ["history-store-lost", "history-store-lost ended", "history-store-saved"]
    await core.history.merge()
    assert seqs(core)[RUN] == list(range(COUNT + 10))
    await core.stop()


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


async def test_without_room_it_is_left_to_people(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(tmp_path, clock, registry)
    truncate(tmp_path / "history.sqlite", 1)
    core = hub(tmp_path, clock, registry)
    assert core.history.salvaging is not None
    monkeypatch.setattr(core.history.salvaging._salvage, "_reserve", 1 << 60)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert told[-1][0] == "history-store-not-saved"
    assert told[-1][1]["reason"].id == "history-salvage-no-room"
    assert not (tmp_path / FOLDER).exists()
    await core.stop()


async def test_a_device_that_was_removed_meanwhile_does_not_come_back(tmp_path: Path, clock: ManualClock) -> None:
    registry = Registry(Plug(), Plug("d2", "plug-2"))
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    for seq in range(100):
        core.send(sample(seq), hardware_id="plug-2")
    await core.stop()
    flip(tmp_path / "history.sqlite", [1], 100)
    core = await hub(tmp_path, clock, registry).start(merge=False)
    registry.plugs.pop()
    await salvaged(core)
    assert list(core.store.contents()) == [SeriesKey("d1")]
    assert seqs(core) == {RUN: list(range(100))}
    await core.stop()


async def test_commits_go_on_while_it_works(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    await lived(tmp_path, clock, registry)
    flip(tmp_path / "history.sqlite", [1], 100)
    core = await hub(tmp_path, clock, registry).start()
    last, committed = COUNT, 0
    assert core.history.salvaging is not None
    working = asyncio.ensure_future(core.history.salvaging.settled())
    while not working.done():
        later(core, last, last + 4)
        last += 5
        committed += await core.history.commit()
        await asyncio.sleep(0)
    assert committed
    promised, _ = ask(core)
    assert promised >= COUNT
    for seq in range(promised + 1, last):  # what came in the moment when the files changed places
        core.send(sample(seq, up=seq * 4000))
    await core.history.merge()
    assert seqs(core)[RUN] == list(range(last))
    orders = [stream.order for stream in core.streams.of_series(SERIES)]
    assert len(set(orders)) == len(orders)
    assert (await core.history.care.check()).wrong == 0
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


async def test_of_two_files_both_are_named(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    await lived(tmp_path, clock, registry)
    for saved in (True, False):
        core = hub(tmp_path, clock, registry)
        assert core.history.salvaging is not None
        told = problems(core)
        await core.start()
        if not saved:
            core.history.salvaging._salvage._reserve = 1 << 60
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


def ruin(path: Path, how: str) -> None:
    size = path.stat().st_size
    if how == "missing":
        path.unlink()
    else:
        head = path.read_bytes()[: 4 * PAGE]
        path.write_bytes(
            {
                "zeros": bytes(size),
                "no database": b"hello\n" * 100,
                "empty": b"",
                "first pages": head + bytes(size - 4 * PAGE),
            }[how]
        )


@pytest.mark.parametrize("how", ["zeros", "no database", "empty", "missing", "first pages"])
async def test_of_a_store_that_is_wholly_lost_the_notes_say_what_it_held(
    tmp_path: Path, clock: ManualClock, registry: Registry, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 299, run="e" * 16)
    clock.run(600)
    play(core, 0, 299)
    await core.history.merge()
    before = await core.history.gaps("d1", 0, 0, FOREVER)
    known, energy = core.history.state.series(SERIES), imported(core)
    assert known.head is not None
    await core.stop()
    ruin(tmp_path / "history.sqlite", how)
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    id, values = told[-1]
    assert (id, values["samples"], values["backup"]) == ("history-store-saved", 0, BACKUP.name)
    assert values["what"].count("300 samples that were kept are gone") == 2
    gaps = await core.history.gaps("d1", 0, 0, FOREVER)
    assert [gap.cause for gap in gaps[:3]] == ["damaged", before[0].cause, "damaged"]
    assert (gaps[0].start, gaps[1], gaps[2].end) == (known.first_at, before[0], known.head.at)
    assert gaps[2].energy_mwh == pytest.approx(299_000, abs=1000)
    assert (await core.history.care.check()).lost == 2
    clock.run(100)
    play(core, 400, 499)
    await core.history.merge()
    assert imported(core) == pytest.approx(energy - 299_000 + 200_000, abs=2000), "what nothing tells is the first run"
    assert [gap.cause for gap in await core.history.gaps("d1", 0, 0, FOREVER)][:3] == [gap.cause for gap in gaps[:3]]
    check = await core.history.care.check()
    assert (check.wrong, check.differing) == (0, [])
    await core.stop()
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert told == []
    assert len(list(tmp_path.glob("history.sqlite.damaged-*Z"))) == 1
    await core.stop()
    capsys.readouterr()
    assert await plughub(tmp_path, "verify") == 0
    said = capsys.readouterr().out
    assert "2 gaps stand for measurements that were lost" in said
    assert "fits together" not in said
