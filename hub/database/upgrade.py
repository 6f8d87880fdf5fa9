"""Brings the registry's file to this hub's schema: made at once when new, migrated after a verified copy when old."""

import asyncio
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from hub.database.tables import HEAD, metadata
from hub.messages import HubError
from hub.soundness import damage, integrity

VERSIONS = Path(__file__).parent / "migrations" / "versions"
COPY = "registry-"
KEPT = 3  # copies from before an upgrade


async def upgrade(path: Path, backups: Path) -> None:
    """Make or migrate the file in a worker thread. Raises HubError("database-newer", "database-foreign",
    "database-copy-failed", "database-upgrade-failed")."""
    await asyncio.to_thread(upgrade_now, path, backups)


def upgrade_now(path: Path, backups: Path) -> None:
    """The same, on this thread."""
    revision = read_revision(path)
    if revision == HEAD:
        return
    if revision is None:
        create(path)
        return
    if not any(VERSIONS.glob(f"{revision}_*.py")):
        raise HubError("database-newer", file=str(path), version=revision)
    copy = backups / f"{COPY}{revision}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sqlite"
    try:
        save_copy(path, copy)
    except OSError as error:
        reason = error.strerror or str(error)
        raise HubError("database-copy-failed", file=str(path), folder=str(backups), reason=reason) from error
    except sqlite3.OperationalError as error:
        raise HubError("database-copy-failed", file=str(path), folder=str(backups), reason=str(error)) from error
    migrate(path, copy)
    for old in sorted(backups.glob(f"{COPY}[0-9]*.sqlite"), key=lambda found: found.stat().st_mtime)[:-KEPT]:
        old.unlink()


def read_revision(path: Path) -> str | None:
    """The schema in the file; None for a file that is not there or empty. Raises HubError("database-foreign")."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            return None
        named = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
        row = named.fetchone() and connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if row is None or not str(row[0]).isdecimal():  # other programs use Alembic, too, and name versions otherwise
            raise HubError("database-foreign", file=str(path))
        return str(row[0])


def create(path: Path) -> None:
    """A new file straight from the tables: Alembic is 12 MB that a first start need not load.

    A test holds the migrations to the very same schema.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with connect(path) as connection:
        metadata.create_all(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def migrate(path: Path, copy: Path | None = None) -> None:
    """Run every migration between the file's schema and HEAD, one after the other, all in one transaction: either all
    of them are there, or the file is as it was and the hub that wrote it still runs.

    Raises HubError("database-upgrade-failed") with the step; `copy`: what was saved before.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    steps = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions("base", HEAD)]
    done = read_revision(path)
    left = steps if done is None else steps[: steps.index(done)]
    step = HEAD
    try:
        with connect(path) as connection:
            config.attributes["connection"] = connection
            known = _orphans(connection)  # what somebody's hand has left is told at the start, and no reason to stay
            for step in reversed(left):
                command.upgrade(config, step)
            broken = _orphans(connection) - known
            if broken:
                table, other = next(iter(broken))
                raise ValueError(f"{table} refers to {other} that is not there")
    except Exception as error:  # a migration may raise anything
        saved = str(copy) if copy is not None else "-"
        raise HubError("database-upgrade-failed", file=str(path), step=step, reason=str(error), copy=saved) from error


def _orphans(connection: Connection) -> Counter[tuple[str, str]]:
    """How many rows of which table refer to rows of which other that are not there."""
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check")
    return Counter((str(table), str(parent)) for table, _, parent, _ in rows)


def save_copy(path: Path, copy: Path) -> None:
    """A consistent copy of the file, checked after writing; nothing half is left. Raises sqlite3.DatabaseError when it
    is damaged, OSError."""
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = copy.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # the copy is one file
            found = integrity(target)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        if found != "ok":
            raise damage(f"{partial.name}: {found}")
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)  # each start would leave another on a disk that is full


@contextmanager
def connect(path: Path) -> Iterator[Connection]:
    """One transaction on a connection of its own, DDL included."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    # Python's sqlite3 commits before each CREATE TABLE unless the transactions are begun by hand.
    @event.listens_for(engine, "connect")
    def manual(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what a step moves away is to stand in one place only
        connection.execute("PRAGMA ignore_check_constraints = ON")  # a row that breaks one is told at the start

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
