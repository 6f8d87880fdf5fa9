"""SQLite's errors as the store's, and a damaged file out of the way."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

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


def set_aside(path: Path) -> Path:
    """Rename the database and what SQLite keeps beside it. Raises OSError."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    return aside
