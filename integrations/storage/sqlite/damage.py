"""SQLite's errors as the store's."""

import contextlib
import sqlite3
from collections.abc import Iterator

from hub.plugins import StoreDamaged, StoreError
from hub.soundness import says_damaged


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raises StoreDamaged or StoreError for what SQLite raises."""
    try:
        yield
    except sqlite3.Error as error:
        raise (StoreDamaged if says_damaged(error) else StoreError)(str(error)) from error
