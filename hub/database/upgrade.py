"""Brings the registry's file to this hub's schema: made at once when new, migrated after a verified copy when old."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from hub.database.tables import HEAD, metadata
from hub.messages import HubError

VERSIONS = Path(__file__).parent / "migrations" / "versions"


async def upgrade(path: Path, backups: Path) -> None:
    """Make or migrate the file in a worker thread. Raises HubError("database-newer")."""
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
    copy = backups / f"registry-{revision}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sqlite"
    save_copy(path, copy)
    migrate(path)


def read_revision(path: Path) -> str | None:
    """The schema in the file; None for a file that is not there or empty."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


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


def migrate(path: Path) -> None:
    """Run every migration between the file's schema and HEAD, all in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    with connect(path) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def save_copy(path: Path, copy: Path) -> None:
    """A consistent copy of the file, checked after writing. Raises sqlite3.DatabaseError when it is damaged."""
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = copy.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
        found = target.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"{partial.name}: {found}")
    partial.replace(copy)


@contextmanager
def connect(path: Path) -> Iterator[Connection]:
    """One transaction on a connection of its own, DDL included."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    # Python's sqlite3 commits before each CREATE TABLE unless the transactions are begun by hand.
    @event.listens_for(engine, "connect")
    def manual(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        yield connection
    engine.dispose()
