"""Database: one SQLite file behind SQLAlchemy, every transaction on its own and durable when it returns."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from hub.database.upgrade import upgrade
from hub.messages import HubError

FILE_NAME = "registry.sqlite"
PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000")


class Database:
    """The registry's file in the data folder. `open()` makes or migrates it, `close()` lets go of it."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME
        self._backups = data_dir / "backups"
        self._engine: AsyncEngine | None = None

    async def open(self) -> None:
        """Raises HubError("database-newer", "database-damaged" or "database-unreadable")."""
        try:
            await upgrade(self.path, self._backups)
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise HubError("database-damaged", file=str(self.path), reason=str(error)) from error
        except OSError as error:
            raise HubError("database-unreadable", file=str(self.path), reason=str(error)) from error
        # One connection: transactions queue here instead of meeting SQLite's "database is locked".
        self._engine = create_async_engine(f"sqlite+aiosqlite:///{self.path}", pool_size=1, max_overflow=0)
        event.listen(self._engine.sync_engine, "connect", prepare)

    async def close(self) -> None:
        """Close the file; calling it again does nothing."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Committed and on the disk when the block ends, rolled back when it raises. Must not be nested."""
        if self._engine is None:
            raise RuntimeError("the database is not open")
        async with self._engine.begin() as connection:
            yield connection


def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    """Set SQLite's switches on each new connection."""
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
