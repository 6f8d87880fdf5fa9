"""Where a test's commit log is, and an empty store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.storage.sqlite.store import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.log"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "history.sqlite")
    store.open()
    yield store
    store.close()
