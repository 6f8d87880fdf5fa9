"""`plughub history` on the files of a hub that does not run."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hub.auth.audit import Asked
from hub.cli import main
from hub.database import Database, DataLock
from hub.plugins.contract import Merge, SeriesKey
from tests.api.house import House
from tests.history.house import FOREVER, START, DataCore, ManualClock, Plug, Registry, imported, sample, seqs

RUN = "a" * 16
SERIES = SeriesKey("d1")


async def lived(folder: Path, clock: ManualClock, hours: int = 3) -> DataCore:
    """A hub that measured for some hours and was stopped."""
    core = await DataCore(folder, clock, Registry(Plug())).start()
    for seq in range(hours * 3600):
        clock.run(1.0)
        core.send(sample(seq))
        if seq % 3600 == 3599:
            await core.history.merge()
    await core.stop()
    return core


async def plughub(folder: Path, action: str, *options: str) -> int:
    config = folder / "config"
    config.mkdir(exist_ok=True)
    arguments = ["history", action, "--data", str(folder), "--config", str(config), *options]
    return await asyncio.to_thread(main, arguments)


def change(path: Path, statement: str, *values: Any) -> None:
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


async def test_stats_say_what_is_there(tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]) -> None:
    await lived(tmp_path, clock)
    assert await plughub(tmp_path, "stats", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["outlets"], found["samples"], found["damaged"], found["aside"]) == (1, 10_800, [], [])
    assert found["buckets"]["1m"] >= 180
    assert found["bytes_per_sample"] == pytest.approx(found["file_bytes"] / 10_800, abs=0.001)
    assert await plughub(tmp_path, "stats") == 0
    assert "1 outlet, 10800 raw samples" in capsys.readouterr().out


async def test_verify_finds_nothing_wrong_with_a_sound_history(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived(tmp_path, clock)
    assert await plughub(tmp_path, "verify") == 0
    assert "Everything can be read" in capsys.readouterr().out


async def test_verify_names_a_damaged_chunk(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived(tmp_path, clock)
    change(tmp_path / "history.sqlite", "update raw set data = cast('not a chunk' as blob) where id = 2")
    assert await plughub(tmp_path, "verify") == 1
    said = capsys.readouterr().out
    assert "1 damaged piece was set aside" in said
    assert "raw d1/0" in said


async def test_verify_finds_a_bucket_that_does_not_fit_and_rebuild_mends_it(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    core = await lived(tmp_path, clock)
    core.store.open()
    for tier in ("1m", "15m"):
        buckets = core.store.rollup(SERIES, tier, START + 5_400_000, START + 7_200_000)
        buckets.import_mwh = buckets.import_mwh * 2
        core.store.merge(Merge([], [(SERIES, tier, buckets)]))
    assert imported(core) == pytest.approx(10_799_000 + 1_800_000)
    core.store.close()
    assert await plughub(tmp_path, "verify") == 1
    said = capsys.readouterr().out
    assert "d1/0 15m" in said
    assert "d1/0 1m" in said
    assert await plughub(tmp_path, "rebuild") == 0
    assert "Rebuilt 1 outlet" in capsys.readouterr().out
    core.store.open()
    assert imported(core) == pytest.approx(10_799_000)
    assert imported(core, "1m") == pytest.approx(10_799_000)
    core.store.close()
    assert await plughub(tmp_path, "verify") == 0


async def test_verify_finds_samples_that_the_state_does_not_know(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived(tmp_path, clock, hours=1)
    change(tmp_path / "history-state.sqlite", "delete from stream")
    assert await plughub(tmp_path, "verify") == 1
    assert "3600 samples are not in the state" in capsys.readouterr().out
    assert await plughub(tmp_path, "rebuild", "--state") == 0
    assert await plughub(tmp_path, "verify") == 0
    core = await DataCore(tmp_path, clock, Registry(Plug())).start()
    core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 3599, "seen": 3599}]
    await core.stop()


async def test_a_damaged_state_is_named_and_rebuilt(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived(tmp_path, clock, hours=1)
    (tmp_path / "history-state.sqlite").write_bytes(b"nothing that SQLite knows" * 1000)
    assert await plughub(tmp_path, "verify") == 1
    assert "history-state.sqlite is damaged" in capsys.readouterr().err
    assert await plughub(tmp_path, "rebuild") == 0
    assert await plughub(tmp_path, "verify") == 0
    assert "Set aside because it was damaged: history-state.sqlite.damaged-" in capsys.readouterr().out


async def test_what_can_be_read_of_a_damaged_store_is_taken_over(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    core = await lived(tmp_path, clock)
    path = tmp_path / "history.sqlite"
    aside = path.rename(path.with_name("history.sqlite.damaged-20260101T000000Z"))
    for file in tmp_path.glob("history-state*"):
        file.unlink()
    core = DataCore(tmp_path, clock, Registry(Plug()))
    await core.start()
    clock.run(60)
    core.send(sample(10_900))
    await core.stop()
    assert await plughub(tmp_path, "rebuild", "--from", str(aside)) == 0
    assert "Took over 10800 raw samples" in capsys.readouterr().out
    core = await DataCore(tmp_path, clock, Registry(Plug())).start()
    assert seqs(core) == {RUN: [*range(10_800), 10_900]}
    assert imported(core) == pytest.approx(10_900_000)
    gaps = await core.history.gaps("d1", 0, 0, FOREVER)
    assert [gap.energy_mwh for gap in gaps if gap.end is not None] == [101_000]
    await core.stop()


async def test_a_running_hub_is_told_that_its_time_is_right(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    with DataLock(house.data):
        assert await asyncio.to_thread(main, ["history", "confirm-time", "--data", str(house.data)]) == 0
    assert "goes by the clock of this machine" in capsys.readouterr().out
    await house.identity.audit.flush()
    lines = await house.identity.audit.page(house.principal("admin"), Asked(), below=None, limit=10)
    assert "time.confirm" in [line.action for line in lines]


def test_a_stopped_hub_has_no_time_to_confirm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "confirm-time", "--data", str(tmp_path)]) == 1
    assert "not running" in capsys.readouterr().err


async def test_a_running_hub_answers_for_itself_and_is_not_rebuilt(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    with DataLock(house.data):
        assert await plughub(house.data, "stats") == 0
        assert "0 outlets, 0 raw samples" in capsys.readouterr().out
        assert await plughub(house.data, "verify") == 0
        assert await plughub(house.data, "rebuild") == 1
        assert "Stop it" in capsys.readouterr().err


async def test_what_a_backup_holds_is_taken_over_and_nothing_else_of_it(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived(tmp_path, clock, hours=1)
    database = Database(tmp_path)
    await database.open()
    await database.close()
    target = tmp_path.with_name("usb")
    arguments = [
        "backup",
        "--data",
        str(tmp_path),
        "--config",
        str(tmp_path / "config"),
        "--to",
        str(target),
        "--with-history",
    ]
    (tmp_path / "config").mkdir()
    assert await asyncio.to_thread(main, arguments) == 0
    archive = next(target.glob("*.plughub"))
    for file in [*tmp_path.glob("history*")]:
        file.unlink()
    registry = (tmp_path / "registry.sqlite").read_bytes()
    core = await DataCore(tmp_path, clock, Registry(Plug())).start()
    core.send(sample(3700))
    await core.stop()
    assert await plughub(tmp_path, "rebuild", "--from", str(archive)) == 0
    assert "Took over 3600 raw samples" in capsys.readouterr().out
    core = await DataCore(tmp_path, clock, Registry(Plug())).start()
    assert seqs(core) == {RUN: [*range(3600), 3700]}
    await core.stop()
    assert (tmp_path / "registry.sqlite").read_bytes() == registry
    assert await plughub(tmp_path, "verify") == 0
