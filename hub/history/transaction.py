"""One transaction on a SQLite connection that threads share; whatever SQLite says against it is an OSError."""

import sqlite3
import threading
from pathlib import Path


class Transaction:
    """All or nothing, in one thread at a time. `path` is named in errors. Raises OSError."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock, path: Path) -> None:
        self._connection = connection
        self._lock = lock
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            self._connection.execute("begin immediate")
        except sqlite3.Error as error:
            self._lock.release()
            raise OSError(f"{self._path}: {error}") from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            self._connection.execute("rollback" if kind else "commit")
        except sqlite3.Error as failure:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise OSError(f"{self._path}: {failure}") from failure
        finally:
            self._lock.release()
        if isinstance(error, sqlite3.Error):
            raise OSError(f"{self._path}: {error}") from error
