"""The SQL of alerts. Every statement names the home."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.alerts.alert import Alert
from hub.database import Database
from hub.database.tables import alerts
from hub.messages import HubError


class AlertRows:
    """One transaction a call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Alert]:
        """Those of every home, the oldest first."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(alerts).order_by(alerts.c.created, alerts.c.id))
            return [Alert(**row) for row in rows.mappings()]

    async def add(self, alert: Alert) -> None:
        """Raises HubError("device-unknown") where the device, or the author, has gone meanwhile."""
        try:
            async with self._database.transaction() as connection:
                await connection.execute(insert(alerts).values(**msgspec.structs.asdict(alert)))
        except IntegrityError as error:
            raise HubError("device-unknown", field="device", device=alert.device) from error

    async def change(self, alert: Alert, changes: Mapping[str, Any]) -> None:
        """Write these columns."""
        here = (alerts.c.home == alert.home) & (alerts.c.id == alert.id)
        async with self._database.transaction() as connection:
            await connection.execute(update(alerts).where(here).values(**changes))

    async def remove(self, alert: Alert) -> None:
        """Delete it."""
        here = (alerts.c.home == alert.home) & (alerts.c.id == alert.id)
        async with self._database.transaction() as connection:
            await connection.execute(delete(alerts).where(here))
