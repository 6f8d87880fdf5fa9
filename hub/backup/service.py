"""Backups in the running hub: one at a time, in a thread of its own, each day and when somebody asks."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from hub.backup.apart import Apart
from hub.backup.catalog import AHEAD_MS, Item, by_id, listed, missing, of_hub
from hub.backup.copying import Order
from hub.backup.keys import Keys
from hub.backup.making import Maker, Rest, silent
from hub.backup.pace import Pace, Progress, Stopped
from hub.backup.settings import (
    MARKED,
    STORED,
    Settings,
    checked,
    chosen,
    combined,
    folder_of,
    last_due,
    marked,
    next_due,
)
from hub.backup.target import FolderTarget
from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.config.schema import BackupSection
from hub.database import SettingsTable
from hub.database.rows import Ms
from hub.events import ProblemEnded, ProblemRaised
from hub.messages import HubError, Message, render

RATE = 8 << 20  # bytes read in a second: a fifth of what a card reads
TICK_S = 60.0
FIRST_S = 300.0  # after a start, which has other work for the card
RETRY_S = 3600.0
LOOK_S = 15.0  # for what is in the folder: after that it does not answer
STOP_S = 10.0
DAY_MS = 86_400_000
OLD_DAYS = 3
LAST, NEWEST, SINCE = "backup_last", "backup_newest", "backup_since"  # in the settings table
FAILED, WITHOUT_HISTORY, OLD = "backup-failed", "backup-without-history", "backup-old"

log = logging.getLogger("hub.backup")


class LastRun(msgspec.Struct, frozen=True):
    """at: Unix ms. name: the archive, None = it failed. error: why it failed, or why history is not in it. elsewhere:
    in another folder than the daily ones."""

    at: int
    automatic: bool
    name: str | None = None
    error: Message | None = None
    elsewhere: bool = False


class Listing(msgspec.Struct, frozen=True):
    """items: archives of this hub, newest first; `broken`: names of those whose history lacks an earlier archive.
    free: bytes. same_disk: a card that dies takes data and archives. problem: why the target cannot be read."""

    items: list[Item] = []
    broken: list[str] = []
    free: int | None = None
    same_disk: bool = False
    problem: Message | None = None


class Backups:
    """Makes and lists archives. All calls are made on the event loop."""

    def __init__(
        self,
        *,
        data: Path,
        config: Path | None,
        version: str,
        settings: SettingsTable,
        declared: BackupSection,
        rest: Rest,
        bus: Bus,
        clock: Clock,
        zone: Callable[[], str],
        rate: int | None = RATE,
    ) -> None:
        self._data = data
        self._config = config
        self._version = version
        self._table = settings
        self._declared = declared
        self._bus = bus
        self._clock = clock
        self._zone = zone
        self._rate = rate
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._pace: Pace | None = None
        self._not_before = 0.0
        self._looking: asyncio.Task[None] | None = None  # at what there is, after the start
        self._looks = Apart()
        self._maker = Maker(rest)
        self._made: list[int] = []  # when archives of the folder were made
        self._since = 0  # when this hub first had the time; a new home has no backup yet
        self._told: dict[str, dict[str, Any]] = {}
        self._storing = asyncio.Lock()
        self.last: LastRun | None = None

    @property
    def settings(self) -> Settings:
        """What holds now."""
        return combined(self._declared, self._table)

    @property
    def folder(self) -> Path:
        """Where archives go."""
        return folder_of(self.settings, self._data)

    @property
    def progress(self) -> Progress | None:
        """Of the one that runs."""
        return self._pace.progress if self._pace is not None else None

    @property
    def next(self) -> int | None:
        """When the next automatic one is due, Unix ms; None while the time is not certain."""
        return next_due(self._clock.now(), self.settings.time, self._zone()) if self._clock.certain() else None

    async def start(self) -> None:
        """From now on a backup is made each day."""
        self.last = self._table.typed(LAST, LastRun, None)
        if self.last is not None:
            self._tell(self.last)
        self._since = self._table.typed(SINCE, Ms, 0)
        if not self._since and self._clock.certain():
            self._since = self._clock.now()
            await self._table.set(SINCE, self._since)
        self._made = [self._table.typed(NEWEST, Ms, 0)]
        self._looking = asyncio.get_running_loop().create_task(self._look())
        self._not_before = self._clock.monotonic() + FIRST_S
        self._timer = self._clock.call_later(TICK_S, self._tick)

    async def stop(self) -> None:
        """A backup that runs ends without an archive."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._looking is not None:
            self._looking.cancel()
        if self._pace is not None:
            self._pace.stop()
        if self._task is not None and (await asyncio.wait([self._task], timeout=STOP_S))[1]:
            self._task.cancel()
        await asyncio.gather(*(task for task in (self._looking, self._task) if task), return_exceptions=True)

    async def list(self) -> Listing:
        """What is in the folder."""
        target, hub = self._target(), str(self._table.get("hub_id") or "")
        try:
            return await asyncio.wait_for(self._looks.call(partial(self._list, target, hub)), LOOK_S)
        except TimeoutError:
            return Listing(problem=silent(target).message)

    async def newest_with_history(self) -> Path | None:
        """The newest archive that history can be taken from; None where there is none, or the folder cannot be read."""
        listing = await self.list()
        whole = (item for item in listing.items if item.head is not None and item.name not in listing.broken)
        found = next((item for item in whole if item.head is not None and item.head.history), None)
        return None if found is None else self.folder.absolute() / found.name

    def begin(self, *, history: bool | None = None, folder: Path | None = None) -> None:
        """Start one now; `settled` waits for it. Raises HubError("backup-running", "backup-target-silent",
        "backup-folder-relative")."""
        if self._task is not None:
            raise HubError("backup-running")
        if self._maker.stuck:
            raise silent(self._target())
        if folder is not None and not folder.is_absolute():
            raise HubError("backup-folder-relative", field="folder")
        wanted = self.settings.history if history is None else history
        self._spawn(wanted, folder, automatic=False)

    async def settled(self) -> None:
        """When none runs, and what there is has been looked at."""
        for task in (self._looking, self._task):
            if task is not None:
                await asyncio.wait([task])

    async def change(self, changes: dict[str, Any]) -> tuple[Settings, Settings]:
        """Store what the page changes; a new folder is tried at once. Returns what held before, and what holds now.
        Raises HubError with the field."""
        changes = checked(changes, self.settings)
        if changes.get("folder") is not None:
            try:
                await self._prepared(FolderTarget(Path(changes["folder"])))
            except HubError as error:
                error.field = "folder"
                raise
        async with self._storing:
            before = self.settings
            await self._table.set(STORED, {**chosen(self._table), **changes})
            return before, self.settings

    def _target(self, folder: Path | None = None) -> FolderTarget:
        own = self.folder
        chosen = folder or own
        return FolderTarget(chosen, marked=str(chosen) in marked(self._table))

    def _list(self, target: FolderTarget, hub: str) -> Listing:
        """In a thread."""
        if not target.folder.exists() and self.settings.folder is None:
            return Listing(same_disk=True)
        try:
            target.check()
            items = listed(target)
            free, disk = target.free(), target.folder.stat().st_dev
        except HubError as error:
            return Listing(problem=error.message)
        except OSError as error:
            return Listing(
                problem=Message("backup-target-failed", {"folder": str(target.folder), "reason": str(error)})
            )
        own, known = of_hub(items, hub), by_id(items)
        unreadable = [item for item in items if item.head is None]
        broken = [item.name for item in own if item.head is not None and missing(item.head, known)]
        return Listing([*reversed(own), *unreadable], broken, free, disk == self._data.stat().st_dev)

    async def _prepared(self, target: FolderTarget) -> None:
        try:
            await asyncio.wait_for(self._looks.call(target.prepare), LOOK_S)
        except TimeoutError as error:
            raise silent(target) from error

    async def _look(self) -> None:
        listing = await self.list()
        if listing.problem is None:
            self._made = [item.head.created for item in listing.items if item.head]

    def _tick(self) -> None:
        self._timer = self._clock.call_later(TICK_S, self._tick)
        if not self._clock.certain() or self._looking is None or not self._looking.done():
            return
        now, settings = self._clock.now(), self.settings
        newest = self._newest(now)
        if now - newest > OLD_DAYS * DAY_MS:
            self._raise(OLD, days=(now - newest) // DAY_MS)
        else:
            self._end(OLD)
        due = newest < last_due(now, settings.time, self._zone()) and self._clock.monotonic() >= self._not_before
        if due and self._task is None and not self._maker.stuck:
            self._spawn(settings.history, None, automatic=True)

    def _newest(self, now: int) -> int:
        """When the newest one was made, or this hub began. What is dated ahead was made while the clock was wrong, and
        nobody knows when."""
        if not 0 < self._since <= now + AHEAD_MS:
            self._since = now
        return max([self._since, *(at for at in self._made if at <= now + AHEAD_MS)])

    def _spawn(self, history: bool, folder: Path | None, *, automatic: bool) -> None:
        self._pace = Pace(self._rate)
        self._task = self._watched(self._run(history, folder, self._pace, automatic=automatic))

    def _watched(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = self._pace = None
        if not task.cancelled() and task.exception() is not None:
            log.error("a backup failed", exc_info=task.exception())

    async def _run(self, history: bool, folder: Path | None, pace: Pace, *, automatic: bool) -> None:
        now, target = self._clock.now(), self._target(folder)
        elsewhere = target.folder != self.folder
        item: Item | None = None
        error: Message | None = None
        try:
            self.settings.require_known(target.folder, self._data)
            order = Order(self._data, self._version, now, self._config, self.settings.keep)
            keys = Keys(self.settings.passphrase)
            item, error = await self._maker.make(order, target, keys, pace, history=history)
        except Stopped:
            log.info("a backup was broken off: the hub ends")
            return
        except HubError as failure:
            error = failure.message
        except Exception as failure:
            log.exception("a backup failed")
            error = Message("backup-target-failed", {"folder": str(target.folder), "reason": repr(failure)})
        self.last = LastRun(now, automatic, None if item is None else item.name, error, elsewhere)
        if item is not None:
            log.info("backed up to %s (%d bytes)", item.name, item.size)
        else:
            log.warning("the backup failed: %s", "" if error is None else render(error))
        if not elsewhere:
            if item is not None:
                self._made.append(now)
            else:
                self._not_before = self._clock.monotonic() + RETRY_S
        self._tell(self.last)
        try:
            if item is not None and not elsewhere:
                await self._remember(target, now)
            await self._table.set(LAST, msgspec.to_builtins(self.last))
        except HubError as failure:  # the hub's own disk: told, but not remembered over a restart
            log.warning("how the backup went could not be stored: %s", failure)

    async def _remember(self, target: FolderTarget, now: int) -> None:
        """From now on this folder must be there, with its mark."""
        await self._table.set(NEWEST, now)
        known = marked(self._table)
        place = str(target.folder)
        if self.settings.folder is not None and place not in known:
            await self._table.set(MARKED, [*known, place])

    def _tell(self, last: LastRun) -> None:
        """What went elsewhere says nothing of the daily ones."""
        if last.elsewhere:
            return
        if last.name is not None:
            self._end(FAILED)
            self._end(OLD)
        elif last.automatic:
            self._raise(FAILED, reason=last.error)
        if last.name is not None and last.error is not None:
            self._raise(WITHOUT_HISTORY, reason=last.error)
        elif last.name is not None:
            self._end(WITHOUT_HISTORY)

    def _raise(self, id: str, **values: Any) -> None:
        if self._told.get(id) != values:
            self._told[id] = values
            self._bus.publish(ProblemRaised(id, values))

    def _end(self, id: str) -> None:
        if self._told.pop(id, None) is not None:
            self._bus.publish(ProblemEnded(id))
