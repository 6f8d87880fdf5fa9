"""SQLite's errors as the store's."""

import contextlib
import sqlite3
from collections.abc import Iterator

from hub.plugins import StoreDamaged, StoreError

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raises StoreDamaged or StoreError for what SQLite raises."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        raise (StoreDamaged if code in DAMAGED else StoreError)(str(error)) from error
