"""Set-up of the tests of salvaging: a store that lived for some hours, what damages it, and a hub that salvages it."""

import random
from pathlib import Path
from typing import Any

from hub.history.salvaging import Means
from integrations.storage.sqlite.schema import PAGE
from integrations.storage.sqlite.store import SqliteStore
from tests.history.house import FOREVER, DataCore, ManualClock, Registry, play, problems, sample
from tests.history_robust.test_set_aside import SERIES

HOURS = 3
COUNT = HOURS * 900
BACKUP = Path("/backups/plughub-20260101.plughub")


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


async def is_saved_at_the_next_start(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = hub(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    await salvaged(core)
    assert [id for id, _ in told] == ["history-store-lost", "history-store-lost ended", "history-store-saved"]
    await core.stop()


def seqs_of(folder: Path) -> dict[str, list[int]]:
    store = SqliteStore(folder / "history.sqlite")
    store.open()
    found = {part.run: part.seq.tolist() for part in store.read(SERIES, 0, FOREVER)}
    store.close()
    return found
