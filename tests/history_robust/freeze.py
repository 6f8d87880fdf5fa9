"""Freezes a small history in the present formats: `python -m tests.history_robust.freeze NAME`, before a release that
changes the format of the store, of its chunks, of the notes or of the log.

A frozen history is never changed again: every later hub must open it. It is SQL text (store and notes), the log as
deflated base64, and what it answers.
"""

import asyncio
import base64
import json
import sqlite3
import sys
import tempfile
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

from hub.plugins.contract import SeriesKey
from tests.history.house import FOREVER, START, DataCore, ManualClock, Plug, Registry

FOLDER = Path(__file__).parent / "frozen"
DATABASES = ("history.sqlite", "history-state.sqlite")
PRAGMAS = ("application_id", "user_version", "page_size", "auto_vacuum")
FIRST, SECOND = "a" * 16, "b" * 16
SERIES = SeriesKey("d1")
MERGED, COMMITTED = 120, 130  # seqs of the second run: up to here in the store, and up to here in the log


def play(core: DataCore, run: str, first: int, last: int, watts: int) -> None:
    """A sample each second. Its counter counts 1 mWh for 3.6 W in a second."""
    for seq in range(first, last):
        core.clock.run(1.0)
        core.send(
            {
                "run": run,
                "seq": seq,
                "oldest": 0,
                "up": seq * 1000,
                "voltage": 229 + seq % 5 / 10,
                "current": 7.826,
                "power": watts + seq % 7,
                "energy_mwh": 5000 + seq * watts * 1000 // 3600,
                "relay_state": True,
            }
        )


async def live(folder: Path) -> None:
    """A run, a hole in it, another run; the last samples are in the log only."""
    core = await DataCore(folder, ManualClock(START), Registry(Plug())).start()
    play(core, FIRST, 0, 60, 3600)
    core.clock.run(100)
    play(core, FIRST, 160, 180, 3600)
    play(core, SECOND, 0, MERGED, 1800)
    await core.history.merge()
    play(core, SECOND, MERGED, COMMITTED, 1800)
    await core.history.commit()
    core.kill()


def dump(path: Path) -> str:
    """The database as text from which it can be made again."""
    with closing(sqlite3.connect(path)) as connection:
        pragmas = [f"PRAGMA {name} = {connection.execute(f'pragma {name}').fetchone()[0]};" for name in PRAGMAS]
        return "\n".join([*pragmas, *connection.iterdump()]) + "\n"


def thaw(frozen: Path, folder: Path) -> None:
    """The files as they were."""
    folder.mkdir(parents=True)
    for name in DATABASES:
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.executescript((frozen / f"{name}.sql").read_text(encoding="utf-8"))
    log = zlib.decompress(base64.b64decode((frozen / "history.log.txt").read_text(encoding="utf-8")))
    (folder / "history.log").write_bytes(log)


async def answers(core: DataCore) -> dict[str, Any]:
    """All that its store and notes say."""
    found: dict[str, Any] = {}
    for part in core.store.read(SERIES, 0, FOREVER):
        columns = {"seq": part.seq, "at": part.at, "up": part.up, "voltage": part.voltage, "power": part.power}
        found[part.run] = {name: column.tolist() for name, column in columns.items()}
    for tier in ("1m", "15m"):
        buckets = core.store.rollup(SERIES, tier, 0, FOREVER)
        found[tier] = {"start": buckets.start.tolist(), "import_mwh": buckets.import_mwh.tolist()}
    gaps = await core.history.gaps("d1", 0, 0, FOREVER)
    found["gaps"] = [[gap.start, gap.end, gap.cause, gap.energy_mwh] for gap in gaps if gap.end is not None]
    return found


async def freeze(name: str, folder: Path = FOLDER) -> Path:
    """Write frozen/NAME. Raises FileExistsError."""
    frozen = folder / name
    frozen.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        await live(Path(work))
        for database in DATABASES:
            (frozen / f"{database}.sql").write_text(dump(Path(work) / database), encoding="utf-8")
        log = zlib.compress((Path(work) / "history.log").read_bytes(), 9)
        (frozen / "history.log.txt").write_text(base64.encodebytes(log).decode(), encoding="utf-8")
        core = await DataCore(Path(work), ManualClock(START + 3_600_000), Registry(Plug())).start()
        await core.history.merge()
        text = json.dumps(await answers(core))
        (frozen / "answers.json").write_text(text, encoding="utf-8")
        await core.stop()
    return frozen


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(freeze(sys.argv[1]))}\n")
