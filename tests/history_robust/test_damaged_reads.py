"""What a read finds damaged: a piece costs its hour alone and is asked for again, a file is replaced once."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hub.history.calendar import DAY
from hub.history.query import Query
from hub.messages import HubError
from hub.plugins.contract import SeriesKey, StoreDamaged
from tests.history.house import (
    FOREVER,
    START,
    DataCore,
    ManualClock,
    Plug,
    Registry,
    imported,
    problem_ids,
    problems,
    sample,
    seqs,
)
from tests.history_robust.test_set_aside import RUN, SERIES, ask
from tests.history_robust.test_verify import batch

STEP = 10  # s; 3.6 kW are 10,000 mWh
HOUR = 3600 // STEP
COUNT = 3 * HOUR
END = START + COUNT * STEP * 1000


@pytest.fixture
def registry() -> Registry:
    return Registry(Plug(interval_ms=STEP * 1000))


def measured(core: DataCore, seq: int, **fields: Any) -> None:
    core.send(sample(seq, up=seq * STEP * 1000, energy_mwh=5000 + seq * STEP * 1000, **fields))


def live(core: DataCore, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        core.clock.run(STEP)
        measured(core, seq)


async def filled(folder: Path, clock: ManualClock, registry: Registry) -> DataCore:
    """Three hours, merged."""
    core = await DataCore(folder, clock, registry).start()
    for first in range(0, COUNT, HOUR):
        live(core, first, first + HOUR - 1)
        await core.history.merge()
    return core


def flip(path: Path, table: str, row: int) -> None:
    """One bit in the middle of a chunk."""
    connection = sqlite3.connect(path)
    found = connection.execute(f"select id, data from {table} order by id").fetchall()
    id, data = found[row]
    flipped = bytearray(data)
    flipped[len(flipped) // 2] ^= 1
    with connection:
        connection.execute(f"update {table} set data = ? where id = ?", (bytes(flipped), id))
    connection.close()


def zero_a_page(path: Path) -> None:
    """The page at which the raw chunks begin."""
    connection = sqlite3.connect(path)
    (root,) = connection.execute("select rootpage from sqlite_schema where name = 'raw'").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 1024)
        file.write(bytes(1024))


async def settled(core: DataCore) -> None:
    """What the reads began is done."""
    while core.history.worker.tasks:
        await core.history.worker.settled()


def query(core: DataCore) -> Query:
    return Query(core.store, core.history.tail, core.clock)


async def read(core: DataCore) -> int:
    """How many raw samples a question finds."""
    found = await query(core).raw(SERIES, START - DAY, END + DAY)
    return sum(len(part.seq) for part in found)


async def by_query(core: DataCore) -> None:
    await read(core)


async def by_verify(core: DataCore) -> None:
    await core.history.care.check()


@pytest.mark.parametrize("look", [by_query, by_verify])
async def test_a_flipped_bit_is_a_gap_and_asked_for_again(
    tmp_path: Path, clock: ManualClock, registry: Registry, look: Callable[[DataCore], Awaitable[None]]
) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    flip(tmp_path / "history.sqlite", "raw", 1)
    core = await DataCore(tmp_path, clock, registry).start()
    told = problems(core)
    assert ask(core) == (COUNT - 1, COUNT - 1), "nobody has read it yet"
    before = imported(core)
    await look(core)
    await settled(core)
    assert [(id, values["count"]) for id, values in told] == [("history-pieces-damaged", 1)]
    assert "raw d1/0 2023-11-14T23:00" in told[0][1]["what"]
    held = seqs(core)[RUN]
    lost = sorted(set(range(COUNT)) - set(held))
    assert len(lost) == HOUR
    gaps = [gap for gap in await core.history.gaps("d1", 0, 0, FOREVER) if gap.end is not None]
    assert [(gap.cause, gap.left.seq, gap.right.seq) for gap in gaps if gap.left and gap.right] == [
        ("damaged", lost[0] - 1, lost[-1] + 1)
    ]
    assert gaps[0].energy_mwh == pytest.approx(3_610_000)
    assert imported(core) == before, "the buckets still know it"
    assert ask(core) == (lost[0] - 1, COUNT - 1)
    assert len(core.store.stats().damaged) == 1
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        assert connection.execute("select count(*) from damaged").fetchone() == (1,)
    connection.close()
    await look(core)
    await settled(core)
    assert len(told) == 1, "told once"
    await core.stop()

    core = await DataCore(tmp_path, clock, registry).start()
    assert ask(core) == (lost[0] - 1, COUNT - 1), "also after a restart"
    live(core, COUNT, COUNT)
    core.send(batch(RUN, lost[0], 5000 + lost[0] * STEP * 1000), "telemetry/batch")
    await core.history.merge()
    assert seqs(core)[RUN] == list(range(COUNT + 1))
    assert [gap for gap in await core.history.gaps("d1", 0, 0, FOREVER) if gap.end is not None] == []
    assert imported(core) == pytest.approx(before + 10_000)
    assert ask(core) == (COUNT, COUNT)
    await core.stop()


async def test_a_damaged_chunk_of_buckets_is_computed_anew(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await filled(tmp_path, clock, registry)
    wanted = imported(core, "1m")
    await core.stop()
    for row in range(2):
        flip(tmp_path / "history.sqlite", "rollup", row)
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    await query(core).series(SERIES, START, END, bucket="1m")
    await query(core).series(SERIES, START, END, bucket="15m")
    await settled(core)
    assert set(told) == {"history-pieces-damaged"}
    assert imported(core, "1m") == pytest.approx(wanted)
    assert imported(core, "15m") == pytest.approx(wanted)
    assert ask(core) == (COUNT - 1, COUNT - 1)
    check = await core.history.care.check()
    assert check.wrong == 0
    await core.stop()


async def test_a_file_that_a_read_finds_malformed_is_replaced_once(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    core = await DataCore(tmp_path, clock, registry).start()
    zero_a_page(tmp_path / "history.sqlite")
    told = problems(core)
    live(core, COUNT, COUNT + 9)
    answers = await asyncio.gather(*(read(core) for _ in range(3)), return_exceptions=True)
    assert [answer.id for answer in answers if isinstance(answer, HubError)] == ["history-unreadable"] * 3
    await settled(core)
    assert [id for id, _ in told] == ["history-store-lost"]
    assert len(list(tmp_path.glob("history.sqlite.damaged-*Z"))) == 1
    assert await read(core) == 10, "what had come by then is kept"
    assert ask(core) == (-1, COUNT + 9), "the plug is to send what it holds"
    for seq in range(COUNT - 60, COUNT):
        measured(core, seq)
    assert await core.history.merge()
    assert seqs(core) == {RUN: list(range(COUNT - 60, COUNT + 10))}
    await core.stop()
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    assert told == [], "told once"
    await core.stop()


async def test_a_file_that_cannot_be_set_aside_stays_in_use(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = await filled(tmp_path, clock, registry)
    tried = []

    def refused() -> str:
        tried.append(1)
        raise OSError("the disk takes nothing")

    monkeypatch.setattr(core.store, "set_aside", refused)
    monkeypatch.setattr(core.store, "damaged", lambda: True)  # where nothing below reads
    core.history._repair.store_damaged(StoreDamaged("malformed"))
    core.history._repair.store_damaged(StoreDamaged("malformed"))
    await settled(core)
    core.history._repair.store_damaged(StoreDamaged("malformed"))
    await settled(core)
    assert tried == [1]
    assert await read(core) == COUNT
    live(core, COUNT, COUNT + 9)
    assert await core.history.merge()
    assert await read(core) == COUNT + 10
    await core.stop()


async def test_a_store_that_a_second_look_finds_sound_stays_in_use(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await filled(tmp_path, clock, registry)
    told = problem_ids(core)
    for first in (COUNT, COUNT + 10):
        core.history._repair.store_damaged(StoreDamaged("malformed"))
        await settled(core)
        assert (told, list(tmp_path.glob("*.damaged-*"))) == ([], [])
        assert await read(core) == first
        live(core, first, first + 9)
        assert await core.history.merge()
        assert ask(core) == (first + 9, first + 9)
    await core.stop()


async def test_a_store_that_is_replaced_while_the_hub_stops_is_told_at_the_next_start(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    core = await DataCore(tmp_path, clock, registry).start()
    zero_a_page(tmp_path / "history.sqlite")
    live(core, COUNT, COUNT + 9)
    await core.stop()
    aside = next(tmp_path.glob("history.sqlite.damaged-*Z"))
    for expected in ([("history-store-lost", {"file": aside.name})], []):
        core = DataCore(tmp_path, clock, registry)
        told = problems(core)
        await core.start()
        assert told == expected
        await core.stop()
    assert seqs(await DataCore(tmp_path, clock, registry).start()) == {RUN: list(range(COUNT, COUNT + 10))}


async def test_a_truncated_file_is_found_at_the_start(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    await (await filled(tmp_path, clock, registry)).stop()
    path = tmp_path / "history.sqlite"
    os.truncate(path, path.stat().st_size // 2)
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    assert told == ["history-store-lost"]
    assert await read(core) == 0
    await core.stop()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_FULL])
async def test_an_error_of_the_disk_replaces_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    core = await filled(tmp_path, clock, registry)
    told = problem_ids(core)

    def failing(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("the disk does not want to")
        error.sqlite_errorcode = code
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("integrations.storage.sqlite.raw.RawChunks.between", failing)
        with pytest.raises(HubError, match="cannot be read at the moment"):
            await read(core)
        await settled(core)
    assert (told, list(tmp_path.glob("*.damaged-*"))) == ([], [])
    assert await read(core) == COUNT
    await core.stop()


async def test_another_outlet_is_left_alone(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await filled(tmp_path, clock, registry)
    for seq in range(60):
        measured(core, seq, channel=1)
    await core.history.merge()
    await core.stop()
    flip(tmp_path / "history.sqlite", "raw", 0)
    core = await DataCore(tmp_path, clock, registry).start()
    await read(core)
    await settled(core)
    assert seqs(core, channel=1) == {RUN: list(range(60))}
    assert [gap.cause for gap in await core.history.gaps("d1", 1, 0, FOREVER) if gap.end is not None] == []
    stream = next(each for each in core.streams.of_series(SeriesKey("d1", 1)))
    assert list(stream.durable) == [(0, 59)]
    await core.stop()
