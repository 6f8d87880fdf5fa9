"""Small facts about the hub itself: name and JSON value, read once and written through."""

from typing import Any

from sqlalchemy import delete, insert, select

from hub.database.engine import Database
from hub.database.tables import settings

LOGINS_BY_HAND = "logins_by_hand"
"""True: people write the MQTT logins into the files of their own broker."""


class SettingsTable:
    """A dictionary in the registry's file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._values: dict[str, Any] = {}

    async def load(self) -> None:
        """Read all of it."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(settings.c.name, settings.c.value))
            self._values = {row.name: row.value for row in rows}

    def get(self, name: str) -> Any:
        """None when it was never set."""
        return self._values.get(name)

    async def set(self, name: str, value: Any) -> None:
        """Store a JSON value; durable when it returns."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(settings).where(settings.c.name == name))
            await connection.execute(insert(settings).values(name=name, value=value))
        self._values[name] = value
