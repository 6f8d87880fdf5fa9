"""A store that is set aside is salvaged while the hub runs: what it holds is there again, and people are told."""

import asyncio
from pathlib import Path

import pytest

from hub.history.salvage import FOLDER
from hub.plugins.contract import SeriesKey, StoreDamaged
from integrations.storage.sqlite.store import SqliteStore
from tests.history.house import FOREVER, DataCore, ManualClock, Plug, Registry, imported, play, problems, sample, seqs
from tests.history_robust.salvage_house import BACKUP, COUNT, hub, later, lived, ruin, salvaged, seqs_of, truncate
from tests.history_robust.test_cli import plughub
from tests.history_robust.test_salvage import flip, pages_of
from tests.history_robust.test_set_aside import RUN, SERIES, ask

pytestmark = pytest.mark.usefixtures("unrested")


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
