"""Keeps retained messages and sessions of clients on disk: what changed in ten seconds is one write."""

import asyncio
import logging
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import msgspec

from hub.broker.interface import Login
from hub.broker.kept import Sessions, Stored
from hub.broker.retained import Retained
from hub.broker.statefile import StateFile
from hub.clock import Clock, Timer

log = logging.getLogger(__name__)

FILE_NAME = "mqtt-state"
SAVE_SECONDS = 10.0
RETAINED, SESSION = "r", "s"  # first letter of a key; a topic or a session's key follows

Known = Callable[[str], Login | None]
Report = Callable[[str, dict[str, object]], None]
"""Message id and values of what an admin should know; the id with no values = it is over."""


class Keeper:
    """Loads at the start, saves every ten seconds and at the stop. What a crash can cost are the last ten seconds."""

    def __init__(
        self, folder: Path, retained: Retained, sessions: Sessions, clock: Clock, *, known: Known, report: Report
    ) -> None:
        self._file = StateFile(folder / FILE_NAME)
        self._retained, self._sessions, self._clock = retained, sessions, clock
        self._known, self._report = known, report
        self._saved: dict[str, int] = {}  # session -> its number when it was last written
        self._timer: Timer | None = None
        self._saving: asyncio.Task[None] | None = None
        self._failing = False

    async def start(self) -> None:
        """Restore; before anybody is let in."""
        try:
            values, aside = await asyncio.to_thread(self._file.load)
        except OSError as error:
            self._failed(error)
            values, aside = {}, None
        if aside is not None:
            log.error("%s was damaged; what could be read is in use", aside)
            self._report("mqtt-state-damaged", {"file": str(aside)})
        sessions = []
        for key, value in values.items():
            try:
                if key.startswith(RETAINED):
                    payload, qos = msgspec.msgpack.decode(value, type=tuple[bytes, int])
                    self._retained.set(key[1:], payload, qos)
                else:
                    sessions.append(msgspec.msgpack.decode(value, type=Stored))
            except msgspec.DecodeError as error:
                log.error("%r in %s cannot be read: %s", key, FILE_NAME, error)
        self._retained.changed.clear()
        self._sessions.restore(sessions, self._known)
        numbers = {SESSION + stored.key: number for stored, number in self._sessions.stored()}
        # Those that were not restored are no longer among the numbers, and go with the next write.
        self._saved = {SESSION + stored.key: numbers.get(SESSION + stored.key, 0) for stored in sessions}
        self._timer = self._clock.call_later(SAVE_SECONDS, self._due)

    async def stop(self) -> None:
        """Save what is left."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        if self._saving is not None:
            await self._saving
        await self._save()

    def _due(self) -> None:
        self._timer = self._clock.call_later(SAVE_SECONDS, self._due)
        if self._saving is None or self._saving.done():
            self._saving = asyncio.ensure_future(self._save())

    async def _save(self) -> None:
        topics = set(self._retained.changed)
        self._retained.changed.clear()
        present = self._sessions.stored()
        numbers = {SESSION + stored.key: number for stored, number in present}
        gone = self._saved.keys() - numbers.keys()
        changed = [stored for stored, number in present if self._saved.get(SESSION + stored.key) != number]
        if not (topics or gone or changed):
            return
        whole = self._file.wants_rewrite()
        if whole:
            changed = [stored for stored, _ in present]
        messages = self._retained.messages(None if whole else topics)
        try:
            await asyncio.to_thread(self._write, whole, messages, changed, gone)
        except OSError as error:
            self._retained.changed |= topics
            self._failed(error)
            return
        self._saved = numbers
        if self._failing:
            self._failing = False
            self._report("mqtt-state-unwritable", {})

    def _write(
        self, whole: bool, messages: dict[str, tuple[bytes, int] | None], sessions: list[Stored], gone: set[str]
    ) -> None:
        # One by one, as they are written: together they may be as large as all that waits for clients.
        encode = msgspec.msgpack.encode
        kept = ((RETAINED + topic, encode(message)) for topic, message in messages.items() if message)
        waiting = ((SESSION + stored.key, encode(stored)) for stored in sessions)
        if whole:
            self._file.rewrite(chain(kept, waiting))
            return
        empty = [RETAINED + topic for topic, message in messages.items() if not message]
        self._file.append(chain(((key, None) for key in (*gone, *empty)), kept, waiting))

    def _failed(self, error: OSError) -> None:
        if not self._failing:
            log.error("Retained messages and sessions cannot be stored: %s", error)
            self._report("mqtt-state-unwritable", {"reason": error.strerror or str(error)})
        self._failing = True
