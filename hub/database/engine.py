"""Database: one SQLite file behind SQLAlchemy, every transaction on its own and durable when it returns."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine.interfaces import AdaptedConnection, DBAPIConnection
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from hub.database.faults import Faults
from hub.database.mend import Mended, begin_closed, check, is_confirmed, is_damage, mend
from hub.database.upgrade import upgrade
from hub.messages import HubError

FILE_NAME = "registry.sqlite"
log = logging.getLogger("hub.database")
UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
UNWRITABLE_ID = "database-unwritable"
TAKEN = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
Step = Callable[[AsyncConnection], Awaitable[None]]
"""More to do in a transaction, which is rolled back as a whole where that raises."""
PRAGMAS = (
    *("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"),
    "secure_delete = ON",  # names that were deleted must not stand in the file until their place is needed again
)


class Database:
    """The registry's file in the data folder. `open()` makes, mends or migrates it, `close()` lets go of it."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME
        self._backups = data_dir / "backups"
        self._engine: AsyncEngine | None = None
        self.mended: Mended | None = None
        """What became of a damaged file when it was opened."""
        self.faults = Faults()
        """Values that were found to be nonsense when they were read."""

    async def open(self) -> None:
        """Raises HubError("database-newer", "database-foreign", "database-damaged" or "database-unreadable")."""
        try:
            await self._prepare()
        except (DatabaseError, sqlite3.DatabaseError) as error:
            id = "database-damaged" if is_damage(error) else "database-unreadable"
            raise HubError(id, file=str(self.path), reason=str(error)) from error
        except OSError as error:
            raise HubError("database-unreadable", file=str(self.path), reason=str(error)) from error
        # One connection: transactions queue here instead of meeting SQLite's "database is locked".
        self._engine = create_async_engine(f"sqlite+aiosqlite:///{self.path}", pool_size=1, max_overflow=0)
        event.listen(self._engine.sync_engine, "connect", prepare)

    async def _prepare(self) -> None:
        try:
            await asyncio.to_thread(check, self.path, self._backups)
            await upgrade(self.path, self._backups)
        except (DatabaseError, sqlite3.DatabaseError) as error:
            if not is_damage(error):
                raise
            if not await asyncio.to_thread(is_confirmed, self.path, self._backups):
                log.warning("%s: %s; a second look finds nothing wrong with it", self.path, error)
                await upgrade(self.path, self._backups)
                return
            log.error("%s is damaged: %s", self.path, error)
            self.mended = await asyncio.to_thread(mend, self.path, self._backups)
            await upgrade(self.path, self._backups)
            if self.mended.copy is None:
                await asyncio.to_thread(begin_closed, self.path)

    async def close(self) -> None:
        """Close the file; calling it again does nothing."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Committed and on the disk when the block ends, rolled back when it raises. Must not be nested.

        Raises HubError("database-unwritable") where the disk takes nothing, and "registry-row-held" where a row that
        was left out at the start holds what must be there once.
        """
        if self._engine is None:
            raise RuntimeError("the database is not open")
        try:
            async with self._engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            table = _taken(error)
            if table is None or not self.faults.leaves_out(table):
                raise
            raise HubError("registry-row-held", table=table) from error
        except OperationalError as error:
            if (getattr(error.orig, "sqlite_errorcode", 0) & 0xFF) in UNWRITABLE:
                raise HubError(UNWRITABLE_ID, reason=str(error.orig)) from error
            raise

    async def scrub(self) -> None:
        """Once what is to be forgotten is deleted: the write-ahead log, in which it stands still, is emptied now, not
        when SQLite comes to it. Where that cannot be, a warning tells; at the hub's stop it is tried again."""
        if self._engine is None:
            raise RuntimeError("the database is not open")
        try:
            async with self._engine.connect() as connection:
                left = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]
        except OperationalError as error:
            log.warning("what was deleted may stand in %s-wal until the hub stops: %s", self.path, error.orig)
            return
        if left:
            log.warning("what was deleted may stand in %s-wal: another program reads the file", self.path)


async def no_step(_connection: AsyncConnection) -> None:
    """Nothing more."""


def is_orphan(error: Exception) -> bool:
    """Was a row refused because what it belongs to was deleted meanwhile?"""
    if not isinstance(error, IntegrityError):
        return False
    return getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY


def _taken(error: IntegrityError) -> str | None:
    """The table in which another row has what must be there once; None where something else was wrong."""
    if getattr(error.orig, "sqlite_errorcode", 0) not in TAKEN:
        return None
    return str(error.orig).partition(": ")[2].partition(".")[0]


def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    """Set SQLite's switches on each new connection."""
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    driver = connection.driver_connection if isinstance(connection, AdaptedConnection) else connection
    driver.text_factory = _text


def _text(data: bytes) -> str | bytes:
    """What is no text would otherwise end the reading of all rows, and is known by being none."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
