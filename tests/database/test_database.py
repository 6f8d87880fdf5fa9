"""The registry's file: made, migrated, refused, copied, and durable."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.database import Database, DataLock, SettingsTable
from hub.database import upgrade as upgrading
from hub.database.tables import HEAD, channels, homes, settings
from hub.messages import HubError
from tests.database.schema import schema
from tests.history_robust.sqlite_disk import unreadable


def old_file(path: Path, revision: str = "0000") -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))


async def test_new_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "data")
    await database.open()
    async with database.transaction() as connection:
        pragmas = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        head = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    await database.close()
    await database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert head == HEAD
    assert database.path.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "data" / "backups").exists()


async def test_migrations_give_the_very_same_tables(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made.sqlite", tmp_path / "migrated.sqlite"
    upgrading.create(made)
    upgrading.migrate(migrated)
    assert schema(made) == schema(migrated)
    assert upgrading.read_revision(migrated) == HEAD


def test_head_is_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(upgrading.VERSIONS.parent))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = Database(tmp_path)
    old_file(database.path, "9999")
    before = database.path.read_bytes()
    with pytest.raises(HubError) as caught:
        await database.open()
    assert caught.value.id == "database-newer"
    assert "9999" in str(caught.value)
    assert database.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["registry.sqlite"]


@pytest.mark.parametrize("gone", [False, True])
async def test_an_empty_or_missing_file_of_which_there_is_a_copy_was_no_first_start(tmp_path: Path, gone: bool) -> None:
    database, backups = Database(tmp_path), tmp_path / "backups"
    await database.open()
    await SettingsTable(database).set("name", "kept")
    upgrading.save_copy(database.path, backups / "registry-latest.sqlite")
    await database.close()
    if gone:
        database.path.unlink()
    else:
        database.path.write_bytes(b"")
    database = Database(tmp_path)
    await database.open()
    assert database.mended is not None
    assert database.mended.copy == "registry-latest.sqlite"
    known = SettingsTable(database)
    await known.load()
    assert known.get("name") == "kept"
    await database.close()


@pytest.mark.parametrize("content", [b"this is not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_damaged_file_without_a_copy_is_set_aside_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    database = Database(tmp_path)
    database.path.write_bytes(content)
    await database.open()
    assert database.mended is not None
    assert database.mended.copy is None
    assert (tmp_path / database.mended.aside).read_bytes() == content
    known = SettingsTable(database)
    await known.load()
    assert known.get("first_start") is not None, "so that the set-up page is not open to everybody nearby"
    await database.close()


async def test_the_newest_good_copy_takes_the_place_of_a_damaged_file(tmp_path: Path) -> None:
    database, backups = Database(tmp_path), tmp_path / "backups"
    await database.open()
    known = SettingsTable(database)
    for k, name in enumerate(("oldest", "good", "newest")):
        await known.set("name", name)
        copy = backups / f"registry-{name}.sqlite"
        upgrading.save_copy(database.path, copy)
        os.utime(copy, (1000 + k, 1000 + k))
    await database.close()
    (backups / "registry-newest.sqlite").write_bytes(b"rotten too" * 1000)
    os.utime(backups / "registry-newest.sqlite", (2000, 2000))
    pages = database.path.read_bytes()
    damaged = pages[:8192] + b"\xff" * 8192 + pages[16384:]
    database.path.write_bytes(damaged)
    database = Database(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(HubError) as caught:
            await database.open()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.id == "database-unreadable"
    assert database.path.read_bytes() == damaged, "without it the next start would begin a new home"
    assert not list(tmp_path.glob(".*"))
    await database.open()
    assert database.mended is not None
    assert database.mended.copy == "registry-good.sqlite"
    known = SettingsTable(database)
    await known.load()
    assert known.get("name") == "good"
    await database.close()
    database = Database(tmp_path)
    await database.open()
    assert database.mended is None
    await database.close()


async def test_a_file_that_cannot_be_opened_is_not_set_aside(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.path.mkdir()
    with pytest.raises(HubError) as caught:
        await database.open()
    assert caught.value.id in {"database-damaged", "database-unreadable"}
    assert [file.name for file in tmp_path.iterdir()] == ["registry.sqlite"]


def test_damaged_copy_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    upgrading.create(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO settings VALUES (?, ?)", [(str(n), "x" * 500) for n in range(200)])
    content = bytearray(path.read_bytes())
    content[-8192:-4096] = b"\xaa" * 4096
    path.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError):
        upgrading.save_copy(path, tmp_path / "backups" / "copy.sqlite")
    assert not (tmp_path / "backups" / "copy.sqlite").exists()


def test_start_on_a_current_file_does_not_load_alembic(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from hub.database import Database\n"
        "async def main():\n"
        "    database = Database(pathlib.Path(sys.argv[1]))\n"
        "    await database.open()\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
        "assert 'sqlalchemy' in sys.modules\n"
        "assert 'alembic' not in sys.modules\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)


async def test_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path)
    await database.open()
    with pytest.raises(ValueError, match="stop"):
        async with database.transaction() as connection:
            await connection.execute(insert(settings).values(name="a", value=1))
            raise ValueError("stop")
    with pytest.raises(IntegrityError):
        async with database.transaction() as connection:
            await connection.execute(insert(channels).values(device="no such", channel=0, idle_below_w=1.0))
    async with database.transaction() as connection:
        assert (await connection.execute(select(settings))).all() == []
    await database.close()
    with pytest.raises(RuntimeError):
        async with database.transaction():
            pass


async def test_transactions_at_once_queue_up(tmp_path: Path) -> None:
    database = Database(tmp_path)
    await database.open()

    async def write(number: int) -> None:
        async with database.transaction() as connection:
            rows = (await connection.execute(select(homes))).all()
            name = f"{len(rows)}"
            await connection.execute(
                insert(homes).values(id=str(number), name=name, time_zone="UTC", currency="EUR", created=0)
            )

    await asyncio.gather(*(write(number) for number in range(20)))
    async with database.transaction() as connection:
        names = sorted(int(row.name) for row in await connection.execute(select(homes)))
    await database.close()
    assert names == list(range(20))


async def test_what_was_written_survives_kill(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, pathlib, signal, sys\n"
        "from hub.database import Database, SettingsTable\n"
        "async def main():\n"
        "    database = Database(pathlib.Path(sys.argv[1]))\n"
        "    await database.open()\n"
        "    settings = SettingsTable(database)\n"
        "    await settings.set('answer', {'is': 42})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path))
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    database = Database(tmp_path)
    await database.open()
    stored = SettingsTable(database)
    await stored.load()
    assert stored.get("answer") == {"is": 42}
    assert stored.get("other") is None
    await stored.set("answer", None)
    fresh = SettingsTable(database)
    await fresh.load()
    assert fresh.get("answer") is None
    await database.close()


def test_lock_is_for_one_process_at_a_time(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from hub.database import DataLock\n"
        "lock = DataLock(pathlib.Path(sys.argv[1]))\n"
        "lock.acquire()\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    folder = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HubError) as caught:
            DataLock(folder).acquire()
        assert caught.value.id == "data-in-use"
        holder.kill()
        holder.communicate(timeout=60)
    with DataLock(folder) as lock:
        with pytest.raises(HubError):
            DataLock(folder).acquire()
        lock.release()
        DataLock(folder).acquire()


async def test_a_disk_that_takes_nothing_is_named_and_nothing_is_half_done(tmp_path: Path) -> None:
    """RLIMIT_FSIZE: the kernel itself refuses to let the file grow."""
    database = Database(tmp_path)
    await database.open()
    table = SettingsTable(database)
    await table.set("before", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(HubError) as caught:
            await table.set("big", "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.id == "database-unwritable"
    assert "disk" in caught.value.message.values["reason"]
    assert table.get("big") is None
    await table.set("big", "y")
    await table.load()
    assert (table.get("before"), table.get("big")) == (1, "y")
    await database.close()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(HubError) as refused:
        DataLock(tmp_path / "file" / "data").acquire()
    assert refused.value.id == "data-unwritable"
    assert str(tmp_path / "file" / "data") in str(refused.value)


async def test_a_disk_that_does_not_answer_is_no_damage(tmp_path: Path) -> None:
    database = Database(tmp_path)
    await database.open()
    await database.close()
    upgrading.save_copy(database.path, tmp_path / "backups" / f"{upgrading.COPY}1.sqlite")
    whole = database.path.read_bytes()
    with unreadable(database.path), pytest.raises(HubError) as caught:
        await database.open()
    assert caught.value.id == "database-unreadable"
    with unreadable(database.path) as disk:
        disk.fails = lambda at: at > 0 and disk.failed < 2
        await database.open()
        assert disk.failed
    await database.close()
    assert database.mended is None
    assert list(tmp_path.glob("*.damaged-*")) == []
    assert database.path.read_bytes() == whole
