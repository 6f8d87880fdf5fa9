"""What plugs have retained (`status`, `config`): in memory for reading, written behind so that the SD card lasts.

A write of its own costs the card 30 KB, mostly the file system's journal. `status` therefore waits for a merge of
history, which writes anyway. A crash costs what plugs said since: those that are there say it again when they connect.
"""

import asyncio
import json
import logging
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert
from sqlalchemy.exc import SQLAlchemyError

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.database import Database
from hub.database.rows import Blob, Id, read
from hub.database.tables import plug_retained
from hub.events import Merged
from hub.messages import HubError

WRITE_EVERY_S = 60.0
UNHURRIED = "status"  # the suffix that waits for a merge
OWNER = "devices.retained"
# These differ in every status and are stale in an hour: alone they are not worth a write.
FLEETING = frozenset({"rssi", "uptime", "oldest", "id", "up", "ts"})

log = logging.getLogger("hub.devices")
Place = tuple[str, str]
DELETE = delete(plug_retained).where(
    plug_retained.c.hardware_id == bindparam("hardware"), plug_retained.c.suffix == bindparam("below")
)


class Retained(msgspec.Struct):
    """A row. What is nonsense is left out: the plug says it again."""

    hardware_id: Id
    suffix: Id
    payload: Blob


class PlugRetained:
    """Implements broker.RetainedStore. A change in substance is on disk within a minute, that of a status with the next
    merge of history, and all at stop; all changes until then in one transaction. A plug that repeats itself costs no
    write.
    """

    def __init__(self, database: Database, bus: Bus, clock: Clock) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._payloads: dict[Place, bytes] = {}
        self._written: dict[Place, Any] = {}  # the substance on disk
        self._changed: set[Place] = set()
        self._timer: Timer | None = None
        self._writing: asyncio.Task[None] | None = None
        self._failed = False

    async def load(self) -> None:
        """Read what is stored; before the broker starts."""
        async with self._database.transaction() as connection:
            for row in await read(self._database, connection, plug_retained, Retained):
                place = (row.value.hardware_id, row.value.suffix)
                self._payloads[place] = row.value.payload
                self._written[place] = substance(row.value.payload)

    async def start(self) -> None:
        """Begin to write behind."""
        self._bus.subscribe(Merged, lambda _: self._write_behind(), OWNER)
        self._timer = self._clock.call_later(WRITE_EVERY_S, self._each_minute)

    async def stop(self) -> None:
        """Write what is left."""
        self._bus.remove_owner(OWNER)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self.written()
        await self.flush()

    async def written(self) -> None:
        """When the write that was begun has ended."""
        if self._writing is not None:
            await self._writing

    def get(self, hardware_id: str, suffix: str) -> bytes | None:
        """The stored payload."""
        return self._payloads.get((hardware_id, suffix))

    def set(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        """Store; an empty payload deletes."""
        place = (hardware_id, suffix)
        if not payload:
            self._payloads.pop(place, None)
            self._changed.add(place)
        elif self._payloads.get(place) != payload:
            self._payloads[place] = payload
            self._changed.add(place)

    def all(self, suffix: str) -> list[tuple[str, bytes]]:
        """Every (hardware_id, payload) with this suffix."""
        return [(hardware_id, payload) for (hardware_id, s), payload in self._payloads.items() if s == suffix]

    async def flush(self) -> int:
        """Write what changed in substance, in one transaction; returns how many messages that were."""
        changed, self._changed = self._changed, set()
        now = {place: self._payloads.get(place) for place in changed}
        news = {p: data for p, data in now.items() if self._written.get(p) != (data and substance(data))}
        if not news:
            return 0
        stored = [{"hardware_id": p[0], "suffix": p[1], "payload": data} for p, data in news.items() if data]
        places = [{"hardware": h, "below": s} for h, s in news]
        try:
            async with self._database.transaction() as connection:
                await connection.execute(DELETE, places)
                if stored:
                    await connection.execute(insert(plug_retained), stored)
        except BaseException:
            self._changed |= changed
            raise
        for place, data in news.items():
            if data:
                self._written[place] = substance(data)
            else:
                self._written.pop(place, None)
        return len(news)

    def _each_minute(self) -> None:
        self._timer = self._clock.call_later(WRITE_EVERY_S, self._each_minute)
        if self._failed or any(suffix != UNHURRIED for _, suffix in self._changed):
            self._write_behind()

    def _write_behind(self) -> None:
        if self._changed and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._try_to_write(), name="retained messages")

    async def _try_to_write(self) -> None:
        self._failed = True
        try:
            await self.flush()
            self._failed = False
        except HubError as error:
            log.warning("retained messages could not be written: %s Next try in %d s", error, WRITE_EVERY_S)
        except SQLAlchemyError:
            log.exception("retained messages could not be written; next try in %d s", WRITE_EVERY_S)


def substance(payload: bytes) -> Any:
    """A payload without what changes all the time; as it is when it is not JSON."""
    try:
        return without_fleeting(json.loads(payload))
    except (ValueError, RecursionError):
        return payload


def without_fleeting(value: Any) -> Any:
    """The same without the fleeting fields, at every depth."""
    if isinstance(value, dict):
        return {k: without_fleeting(v) for k, v in value.items() if k not in FLEETING}
    return value
