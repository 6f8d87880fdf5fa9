"""A history of every format that there ever was opens with all that is in it, and goes on."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.history import state
from integrations.storage.sqlite import schema
from tests.history.house import START, DataCore, ManualClock, Plug, Registry, problems, seqs
from tests.history_robust.freeze import COMMITTED, FIRST, FOLDER, MERGED, SECOND, answers, freeze, play, thaw

FROZEN = sorted(FOLDER.iterdir())
FORMATS = ("pragma user_version", "select group_concat(sql, ';') from (select sql from sqlite_schema order by name)")


def formats(folder: Path) -> list[object]:
    """Versions and tables of store and notes."""
    found: list[object] = []
    for name in ("history.sqlite", "history-state.sqlite"):
        with closing(sqlite3.connect(folder / name)) as connection:
            found += [connection.execute(query).fetchone()[0] for query in FORMATS]
    return found


def test_the_present_formats_are_frozen(tmp_path: Path) -> None:
    thaw(FROZEN[-1], tmp_path / "data")
    store_version, _, notes_version, _ = formats(tmp_path / "data")
    assert (store_version, notes_version) == (schema.VERSION, state.VERSION), "see docs/history-format.md: Freezing"


async def test_the_newest_frozen_one_is_the_present_format(tmp_path: Path) -> None:
    thaw(await freeze("again", tmp_path), tmp_path / "again-data")
    thaw(FROZEN[-1], tmp_path / "data")
    assert formats(tmp_path / "again-data") == formats(tmp_path / "data"), "see docs/history-format.md: Freezing"
    with pytest.raises(FileExistsError):
        await freeze("again", tmp_path)


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.name)
async def test_a_frozen_history_opens_with_all_that_is_in_it_and_goes_on(tmp_path: Path, frozen: Path) -> None:
    folder = tmp_path / "data"
    thaw(frozen, folder)
    said = json.loads((frozen / "answers.json").read_text(encoding="utf-8"))
    clock = ManualClock(START + 3_600_000)
    core = DataCore(folder, clock, Registry(Plug()))
    told = problems(core)
    await core.start(merge=False)
    first = [*range(60), *range(160, 180)]
    assert seqs(core) == {FIRST: first, SECOND: list(range(MERGED))}, "what was merged by then"
    assert await core.history.merge()
    assert await answers(core) == said, "the log is merged on top"
    play(core, SECOND, COMMITTED, COMMITTED + 20, 1800)
    assert await core.history.merge()
    assert seqs(core) == {FIRST: first, SECOND: list(range(COMMITTED + 20))}
    check = await core.history.care.check()
    assert (check.differing, check.damaged, check.log_damaged, check.aside) == ([], [], 0, [])
    assert told == []
    await core.stop()
