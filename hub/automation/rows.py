"""The SQL of schedules. Every statement names the home."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from hub.automation.schedule import Schedule
from hub.database import Database
from hub.database.rows import read
from hub.database.tables import schedules
from hub.messages import HubError

STAND_INS = {
    "channel": 0,
    "name": "?",
    "days": lambda _: [*range(7)],
    "time": "00:00",
    "command": "relay_off",
    "enabled": False,
    "author": lambda row: row["author"] if isinstance(row["author"], str) else "?",  # nobody's rights, not the hub's
    "created": 0,
}
NEEDED = frozenset({"channel", "days", "time", "command"})
"""Where one of these is nonsense, nobody knows what was to be switched when: it is off until somebody says so."""


class ScheduleRows:
    """One transaction a call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Schedule]:
        """Those of every home, the oldest first."""
        async with self._database.transaction() as connection:
            order = (schedules.c.created, schedules.c.id)
            rows = await read(self._database, connection, schedules, Schedule, stand_ins=STAND_INS, order_by=order)
        for row in rows:
            row.value.enabled = row.value.enabled and not row.broken & NEEDED
        return [row.value for row in rows]

    async def add(self, schedule: Schedule) -> None:
        """Raises HubError("device-unknown") where the device, or the author, has gone meanwhile."""
        try:
            async with self._database.transaction() as connection:
                await connection.execute(insert(schedules).values(**msgspec.structs.asdict(schedule)))
        except IntegrityError as error:
            raise HubError("device-unknown", field="device", device=schedule.device) from error

    async def change(self, schedule: Schedule, changes: Mapping[str, Any]) -> None:
        """Write these columns; of a row with nonsense in it all, as people see it by now."""
        here = (schedules.c.home == schedule.home) & (schedules.c.id == schedule.id)
        broken = self._database.faults.holds(schedules.name, schedule.id)
        values = {**msgspec.structs.asdict(schedule), **changes} if broken else changes
        async with self._database.transaction() as connection:
            await connection.execute(update(schedules).where(here).values(**values))
        self._database.faults.mended(schedules.name, schedule.id)

    async def remove(self, schedule: Schedule) -> None:
        """Delete it."""
        here = (schedules.c.home == schedule.home) & (schedules.c.id == schedule.id)
        async with self._database.transaction() as connection:
            await connection.execute(delete(schedules).where(here))
        self._database.faults.mended(schedules.name, schedule.id)
