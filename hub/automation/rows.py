"""The SQL of schedules. Every statement names the home."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.automation.schedule import Schedule
from hub.database import Database
from hub.database.tables import schedules
from hub.messages import HubError


class ScheduleRows:
    """One transaction a call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Schedule]:
        """Those of every home, the oldest first."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(schedules).order_by(schedules.c.created, schedules.c.id))
            return [Schedule(**row) for row in rows.mappings()]

    async def add(self, schedule: Schedule) -> None:
        """Raises HubError("device-unknown") where the device, or the author, has gone meanwhile."""
        try:
            async with self._database.transaction() as connection:
                await connection.execute(insert(schedules).values(**msgspec.structs.asdict(schedule)))
        except IntegrityError as error:
            raise HubError("device-unknown", field="device", device=schedule.device) from error

    async def change(self, schedule: Schedule, changes: Mapping[str, Any]) -> None:
        """Write these columns."""
        here = (schedules.c.home == schedule.home) & (schedules.c.id == schedule.id)
        async with self._database.transaction() as connection:
            await connection.execute(update(schedules).where(here).values(**changes))

    async def remove(self, schedule: Schedule) -> None:
        """Delete it."""
        here = (schedules.c.home == schedule.home) & (schedules.c.id == schedule.id)
        async with self._database.transaction() as connection:
            await connection.execute(delete(schedules).where(here))
