"""The SQL of alerts. Every statement names the home."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from hub.alerts.alert import OF_POWER, OFFLINE, POWER_ABOVE, Alert
from hub.database import Database
from hub.database.rows import read
from hub.database.tables import alerts
from hub.messages import HubError

STAND_INS = {
    "channel": 0,
    "name": "?",
    "kind": lambda row: OFFLINE if row["threshold"] is None else POWER_ABOVE,
    "threshold": lambda row: None if row["kind"] == OFFLINE else 0.0,
    "hold_s": 0,
    "enabled": False,
    "author": lambda row: row["author"] if isinstance(row["author"], str) else "?",  # nobody's rights, not the hub's
    "created": 0,
    "since": None,
}
NEEDED = frozenset({"channel", "kind", "threshold", "hold_s"})
"""Where one of these is nonsense, nobody knows what it was to watch: it is off until somebody says so."""


class AlertRows:
    """One transaction a call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Alert]:
        """Those of every home, the oldest first."""
        async with self._database.transaction() as connection:
            rows = await read(
                self._database,
                connection,
                alerts,
                Alert,
                stand_ins=STAND_INS,
                order_by=(alerts.c.created, alerts.c.id),
                check=lambda alert: "threshold" if (alert.kind in OF_POWER) is (alert.threshold is None) else None,
            )
        for row in rows:
            row.value.enabled = row.value.enabled and not row.broken & NEEDED
        return [row.value for row in rows]

    async def add(self, alert: Alert) -> None:
        """Raises HubError("device-unknown") where the device, or the author, has gone meanwhile."""
        try:
            async with self._database.transaction() as connection:
                await connection.execute(insert(alerts).values(**msgspec.structs.asdict(alert)))
        except IntegrityError as error:
            raise HubError("device-unknown", field="device", device=alert.device) from error

    async def change(self, alert: Alert, changes: Mapping[str, Any]) -> None:
        """Write these columns; of a row with nonsense in it all, as people see it by now."""
        here = (alerts.c.home == alert.home) & (alerts.c.id == alert.id)
        broken = self._database.faults.holds(alerts.name, alert.id)
        values = {**msgspec.structs.asdict(alert), **changes} if broken else changes
        async with self._database.transaction() as connection:
            await connection.execute(update(alerts).where(here).values(**values))
        self._database.faults.mended(alerts.name, alert.id)

    async def remove(self, alert: Alert) -> None:
        """Delete it."""
        here = (alerts.c.home == alert.home) & (alerts.c.id == alert.id)
        async with self._database.transaction() as connection:
            await connection.execute(delete(alerts).where(here))
        self._database.faults.mended(alerts.name, alert.id)
