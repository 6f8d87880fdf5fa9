"""Hooks of the SQLite history store."""

from pathlib import Path

from hub.plugins import HistoryStore, hookimpl
from integrations.storage.sqlite.store import SqliteStore

api = 1


@hookimpl
def plughub_history_store(data_folder: Path) -> HistoryStore:
    """History in `history.sqlite` of the data folder."""
    return SqliteStore(data_folder / "history.sqlite")
