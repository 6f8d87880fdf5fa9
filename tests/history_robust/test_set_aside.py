"""Files that cannot be read are set aside and told of; the hub runs on with what the others hold."""

import sqlite3
from pathlib import Path

import pytest

from hub.history.scan import START as LOG_START
from hub.plugins.contract import SeriesKey
from tests.history.house import FOREVER, START, DataCore, ManualClock, Registry, imported, play, problems, sample, seqs

RUN = "a" * 16
SERIES = SeriesKey("d1")


def overwrite(path: Path, at: int = 0, length: int = 4096) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xde\xad" * (length // 2))


def ask(core: DataCore) -> tuple[int, int]:
    """seq and seen of the ack that a plug gets when it connects."""
    core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    ack = next(ack for ack in core.acks[-1]["acks"] if ack["run"] == RUN)
    return ack["seq"], ack["seen"]


@pytest.mark.parametrize("how", ["missing", "no database", "damaged page"])
async def test_a_lost_state_is_rebuilt_from_store_and_log(
    tmp_path: Path, clock: ManualClock, registry: Registry, how: str
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    clock.run(100)
    play(core, 200, 299, run=RUN)
    await core.history.merge()
    gaps = await core.history.gaps("d1", 0, 0, FOREVER)
    merged = core.history.state.series(SERIES)
    play(core, 300, 319)
    await core.history.commit()
    play(core, 320, 329, run="b" * 16)
    await core.history.commit()
    core.kill()
    path = tmp_path / "history-state.sqlite"
    if how == "missing":
        path.unlink()
    elif how == "no database":
        path.write_bytes(b"this is not SQLite" * 100)
    else:
        overwrite(path, 4096, 3 * 4096)
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start(merge=False)
    aside = [file.name for file in tmp_path.glob("history-state.sqlite.damaged-*") if "-journal" not in file.name]
    assert told == [("history-state-lost", {"file": aside[0] if aside else "-", "outlets": 1})]
    assert len(aside) == (how != "missing")
    rebuilt = core.history.state.series(SERIES)
    assert (rebuilt.head, rebuilt.first_at) == (merged.head, merged.first_at)
    again = await core.history.gaps("d1", 0, 0, START + 290_000)
    assert [(g.start, g.end, g.energy_mwh) for g in again] == [(g.start, g.end, g.energy_mwh) for g in gaps]
    assert ask(core) == (99, 319), "what is there need not come again; what is missing may"
    await core.history.merge()
    assert seqs(core) == {RUN: [*range(100), *range(200, 320)], "b" * 16: list(range(320, 330))}
    core.send(sample(100, up=100_000))
    play(core, 330, 339, run="b" * 16)
    await core.history.merge()
    assert [order for stream in core.streams.of_series(SERIES) if (order := stream.order) is not None] == sorted(
        stream.order or 0 for stream in core.streams.of_device("d1")
    )
    assert imported(core) == pytest.approx(339_000)
    await core.stop()
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    assert told == [], "told once"
    await core.stop()


async def test_a_damaged_store_is_set_aside_and_the_plugs_fill_the_new_one(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    await core.history.merge()
    play(core, 100, 109)
    await core.history.commit()
    core.kill()
    overwrite(tmp_path / "history.sqlite")
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    aside = next(tmp_path.glob("history.sqlite.damaged-*Z"))
    assert told == [("history-store-lost", {"file": aside.name})]
    assert ask(core) == (-1, 109), "so that the plug sends again all that it holds"
    assert seqs(core) == {RUN: list(range(100, 110))}, "the log was not lost"
    for seq in range(50, 100):
        core.send(sample(seq))
    await core.history.merge()
    assert seqs(core) == {RUN: list(range(50, 110))}
    await core.stop()


async def test_a_store_that_breaks_under_the_running_hub_is_replaced(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    for first in range(0, 3600, 600):  # many pages
        play(core, first, first + 599)
        clock.run(3600)
        await core.history.merge()
    told = problems(core)
    play(core, 3600, 3609)
    core.store._writer.execute("pragma wal_checkpoint(truncate)")  # type: ignore[union-attr]
    size = (tmp_path / "history.sqlite").stat().st_size
    overwrite(tmp_path / "history.sqlite", 0, size)
    assert not await core.history.merge()
    assert [id for id, _ in told] == ["history-store-lost"]
    play(core, 3610, 3619)
    assert await core.history.merge()
    assert seqs(core) == {RUN: list(range(3600, 3620))}, "the commits that were not merged, and what came since"
    assert ask(core) == (-1, 3619)
    assert next(tmp_path.glob("history.sqlite.damaged-*Z")).stat().st_size == size
    await core.stop()


async def test_a_log_that_is_none_is_set_aside(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 9)
    await core.history.merge()
    play(core, 10, 19)
    await core.history.commit()
    core.kill()
    size = (tmp_path / "history.log").stat().st_size
    overwrite(tmp_path / "history.log", 0, size)
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    aside = next(tmp_path.glob("history.log.damaged-*"))
    assert told == [("history-log-lost", {"file": aside.name})]
    assert ask(core) == (9, 9)
    await core.stop()


async def test_a_damaged_head_of_the_log_costs_nothing(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 9)
    await core.history.commit()
    core.kill()
    overwrite(tmp_path / "history.log", 0, LOG_START)
    core = DataCore(tmp_path, clock, registry)
    await core.start()
    assert seqs(core) == {RUN: list(range(10))}
    await core.stop()


async def test_a_record_that_rots_under_the_running_hub_is_asked_for_again(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    for first in (0, 60, 120):
        play(core, first, first + 59)
        await core.history.commit()
    told = problems(core)
    place = core.history.log._index[1][1]
    overwrite(tmp_path / "history.log", place + 100, 8)
    assert not await core.history.merge()
    assert told == [("history-damaged", {"count": 1})]
    assert await core.history.merge()
    assert seqs(core) == {RUN: [*range(60), *range(120, 180)]}
    assert ask(core) == (59, 179)
    for seq in range(60, 120):
        core.send(sample(seq))
    await core.history.merge()
    assert seqs(core) == {RUN: list(range(180))}
    assert imported(core) == pytest.approx(179_000)
    await core.stop()


async def test_a_damaged_chunk_costs_its_hour_alone(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    for first in (0, 100, 200):
        play(core, first, first + 99, up=None)
        clock.run(3600)
        await core.history.merge()
    await core.stop()
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        id, data = connection.execute("select id, data from raw order by hour limit 1 offset 1").fetchone()
        connection.execute("update raw set data = ? where id = ?", (data[:-20] + bytes(20), id))
    connection.close()
    core = await DataCore(tmp_path, clock, registry).start()
    assert seqs(core) == {RUN: [*range(100), *range(200, 300)]}
    assert len(core.store.stats().damaged) == 1
    play(core, 300, 309, up=None)
    assert await core.history.merge()
    await core.stop()


def flip(path: Path, table: str, place: int) -> None:
    """One bit of the newest value of a table of the state."""
    connection = sqlite3.connect(path)
    column = "value" if table == "meta" else "known"
    ((row, value),) = connection.execute(f"select rowid, {column} from {table} limit 1").fetchall()
    flipped = bytearray(value)
    flipped[place] ^= 0x40
    connection.execute(f"update {table} set {column} = ? where rowid = ?", (bytes(flipped), row))
    connection.commit()
    connection.close()


@pytest.mark.parametrize("place", range(12))
async def test_a_flipped_bit_in_the_state_is_found_at_the_start(
    tmp_path: Path, clock: ManualClock, registry: Registry, place: int
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    await core.history.merge()
    await core.stop()
    flip(tmp_path / "history-state.sqlite", "stream", place)
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    assert told[0][0] == "history-state-lost"
    assert ask(core) == (99, 99)
    play(core, 100, 109)
    await core.history.merge()
    assert seqs(core)[RUN] == list(range(110))
    await core.stop()


async def test_a_state_without_checksums_is_taken_over(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    clock.run(100)
    play(core, 200, 299)
    await core.history.merge()
    gaps = await core.history.gaps("d1", 0, 0, FOREVER)
    await core.stop()
    connection = sqlite3.connect(tmp_path / "history-state.sqlite")
    for table, column in {"stream": "known", "series": "known", "gap": "known", "meta": "value"}.items():
        connection.execute(f"update {table} set {column} = substr({column}, 1, length({column}) - 4)")
    connection.execute("pragma user_version = 1")
    connection.commit()
    connection.close()
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    assert told == []
    assert await core.history.gaps("d1", 0, 0, FOREVER) == gaps
    assert ask(core) == (99, 299), "100 to 199 never came"
    await core.stop()


@pytest.mark.parametrize("how", ["missing", "empty"])
async def test_a_store_that_was_emptied_is_told_and_asked_for_again(
    tmp_path: Path, clock: ManualClock, registry: Registry, how: str
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    await core.history.merge()
    core.kill()
    path = tmp_path / "history.sqlite"
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(b"")
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start(merge=False)
    assert [id for id, _ in told] == ["history-store-lost"]
    assert ask(core)[0] == -1
    await core.stop()


async def test_a_store_whose_list_cannot_be_read_hinders_no_start(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    await core.history.merge()
    core.kill()
    path = tmp_path / "history.sqlite"
    with sqlite3.connect(path) as connection:
        size = connection.execute("pragma page_size").fetchone()[0]
        page = connection.execute("select rootpage from sqlite_master where name = 'stream'").fetchone()[0]
    connection.close()
    overwrite(path, (page - 1) * size, size)
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 100, 109)
    assert await core.history.commit()
    await core.stop()
