"""Small facts about the hub itself: name and JSON value, read once and written through."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import delete, insert

from hub.database.engine import Database
from hub.database.faults import Fault
from hub.database.rows import Id, read
from hub.database.tables import settings

LOGINS_BY_HAND = "logins_by_hand"
"""True: people write the MQTT logins into the files of their own broker."""
T = TypeVar("T")
Other = TypeVar("Other")


class Setting(msgspec.Struct):
    """A row."""

    name: Id
    value: Any


class SettingsTable:
    """A dictionary in the registry's file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._values: dict[str, Any] = {}
        self._unreadable: set[str] = set()

    async def load(self) -> None:
        """Read all of it."""
        async with self._database.transaction() as connection:
            rows = await read(self._database, connection, settings, Setting)
        self._values = {row.value.name: row.value.value for row in rows}
        self._unreadable = {fault.row for fault in self._database.faults.all() if fault.table == settings.name}

    def get(self, name: str) -> Any:
        """None when it was never set, or cannot be read."""
        return self._values.get(name)

    def typed(self, name: str, kind: type[T], otherwise: Other) -> T | Other:
        """As what it must be. `otherwise`: when it was never set, cannot be read, or is something else, which is
        told."""
        value = self._values.get(name)
        if value is None:
            return otherwise
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            self._database.faults.add(Fault(settings.name, name, "value", None, used=True))
            return otherwise

    def has(self, name: str) -> bool:
        """Was it ever set, to whatever that may be?"""
        return name in self._values or name in self._unreadable

    async def set(self, name: str, value: Any) -> None:
        """Store a JSON value; durable when it returns."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(settings).where(settings.c.name == name))
            await connection.execute(insert(settings).values(name=name, value=value))
        self._values[name] = value
        self._unreadable.discard(name)
        self._database.faults.mended(settings.name, name)
