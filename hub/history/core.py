"""History: commits what was accepted, says that it is durable, and merges it into the store."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from hub.bus import Bus
from hub.clock import Clock
from hub.events import DeviceRemoved, GapsChanged
from hub.history.care import Care
from hub.history.editions import Editions
from hub.history.files import Files, Mended
from hub.history.gaps import GapRecord, Outage
from hub.history.inspection import Inspector
from hub.history.ledger import Ledger
from hub.history.listing import gaps_between
from hub.history.log import FILE_NAME as LOG_FILE
from hub.history.log import CommitLog, RecordLost
from hub.history.mending import Mending
from hub.history.merge import Merger
from hub.history.merging import Merging
from hub.history.outlooks import Devices, Outlooks
from hub.history.pace import COMMIT_S, Pace, is_dear, mounts
from hub.history.problems import DAMAGED, NOT_MERGED, PIECES, STORE_LOST, Troubles
from hub.history.readers import Readers
from hub.history.recovery import Recovered
from hub.history.retention import Retention
from hub.history.state import FILE_NAME as STATE_FILE
from hub.history.state import State
from hub.history.tail import UnmergedTail
from hub.history.today import Today
from hub.history.upkeep import Upkeep, spared
from hub.history.worker import RETRY_S, Schedule, Worker
from hub.history.writing import Writer
from hub.messages import HubError
from hub.plugins.contract import (
    TIERS,
    DeviceDriver,
    FileStore,
    HistoryStore,
    MendableStore,
    SeriesKey,
    StoreDamaged,
    StoreError,
)
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer
from hub.telemetry.live import Live
from hub.telemetry.streams import Streams

FIRST_COMMIT_S = 10.0  # soon after a start: a hub that keeps crashing within its first minute would never commit
LOG_LIMIT = 1 << 30
LOG_ROOM = 64 << 20  # beyond the limit for commits: what a merge needs to say what it will do
MERGE_BYTES = 64 << 20  # a log of this size is merged at once
MERGE_MINUTES = 600  # of one plug that comes back after hours: merged at once
FOREVER = (1 << 62) - 1
OWNER = "history"

log = logging.getLogger("hub.history")


class History:
    """The one place that knows what is durable. All calls are made on the event loop; disks are touched in a thread.

    `folder` holds history.log and history-state.sqlite; the store keeps its own files.
    """

    def __init__(
        self,
        *,
        folder: Path,
        store: HistoryStore,
        streams: Streams,
        buffer: Buffer,
        live: Live,
        registry: Devices,
        drivers: Mapping[str, DeviceDriver],
        arrivals: Arrivals,
        bus: Bus,
        clock: Clock,
        retention: Callable[[SeriesKey], Retention] = lambda _: Retention(),
        log_limit: int = LOG_LIMIT,
        commit_interval: float | None = COMMIT_S,
        reserve: int | None = None,
    ) -> None:
        reserve = spared(folder) if reserve is None else reserve
        self._store = store
        self._streams = streams
        self._buffer = buffer
        self._live = live
        self._arrivals = arrivals
        self._bus = bus
        self._clock = clock
        self.log = CommitLog(folder / LOG_FILE, limit=log_limit + LOG_ROOM, reserve=reserve)
        self.state = State(folder / STATE_FILE)
        self.worker = Worker()
        self._changing = asyncio.Lock()  # who deletes from the store, or keeps it at rest
        self._ledger = ledger = Ledger()
        self._troubles = Troubles(bus)
        self._editions = Editions()
        self._readers = Readers()
        self._running = self._stopping = False
        self._unread = False  # history begins again, and the disk could not be read yet
        self._lost: StoreDamaged | None = None  # the store is beyond repair and not replaced yet
        self._outlooks = Outlooks(
            streams=streams,
            registry=registry,
            drivers=drivers,
            arrivals=arrivals,
            clock=clock,
            retention=retention,
            ledger=ledger,
        )
        outlooks = self._outlooks
        self._mending = Mending(store, self.state, self._editions, outlooks.traits, outlooks.hardware)
        self._readers.after, self._readers.on_damaged = self._look, self._store_damaged
        self.files = Files(folder, self.log, self.state, store, traits=outlooks.traits, hardware=outlooks.hardware)
        self.tail = UnmergedTail(
            store=store,
            state=self.state,
            streams=streams,
            buffer=buffer,
            outlook=self._outlooks.of,
            session=ledger.session,
            editions=self._editions,
            readers=self._readers,
        )
        self._today = Today(store=store, tail=self.tail, streams=streams, live=live)
        self._writer = Writer(
            log=self.log,
            limit=log_limit,
            streams=streams,
            buffer=buffer,
            arrivals=arrivals,
            outlooks=self._outlooks,
            tail=self.tail,
            today=self._today,
            ledger=ledger,
            worker=self.worker,
            troubles=self._troubles,
            bus=bus,
            clock=clock,
        )
        self._merging = Merging(
            merger=Merger(self.log, store, self.state, self._editions),
            log=self.log,
            files=self.files,
            streams=streams,
            tail=self.tail,
            outlooks=self._outlooks,
            arrivals=arrivals,
            ledger=ledger,
            worker=self.worker,
            troubles=self._troubles,
            upkeep=Upkeep(
                folder=folder,
                reserve=reserve,
                store=store,
                state=self.state,
                files=self.files,
                streams=streams,
                worker=self.worker,
                troubles=self._troubles,
                retention=retention,
            ),
            refresh=self._refresh,
            bus=bus,
            clock=clock,
        )
        self.care = Care(
            inspector=Inspector(folder, store, self.state, self.log, outlooks.traits),
            merging=self._merging,
            state=self.state,
            ledger=ledger,
            worker=self.worker,
            troubles=self._troubles,
            clock=clock,
            after=self._look,
            on_damaged=self._store_damaged,
        )
        self.schedule = Schedule(
            self.worker,
            clock,
            pace=Pace(commit_interval, dear=is_dear(folder, mounts())),
            commit=self.commit,
            merge=self.merge,
            urgent=self._urgent,
            last=lambda: self.tail.commits[-1].size if self.tail.commits else 0,
            waiting=lambda: self.log.size,
        )

    @property
    def session(self) -> int:
        """Names this hub run."""
        return self._ledger.session

    @property
    def dropped(self) -> Mapping[str, int]:
        """Counter readings that the energy rule passed over, by device."""
        return self._merging.dropped

    async def start(self) -> None:
        """Read back what is on disk; from then on streams know what is durable. Raises HubError, OSError."""
        try:
            self._take_over(await self.worker.run(partial(self.files.open, self._streams)))
            await self.worker.run(partial(self.state.keep_outages, self._ledger.outages))
            if file := await self.worker.run(self.state.untold):
                self._troubles.begin(STORE_LOST, file=file)
                await self.worker.run(partial(self.state.keep_untold, ""))
        except BaseException:
            await self.worker.run(self.files.close)
            self.worker.close()
            raise
        try:
            await self.worker.run(self.files.open_store)
        except (StoreError, OSError) as error:
            self._troubles.begin(NOT_MERGED, reason=str(error))
        await self._refresh(self._streams.series())
        self._buffer.on_full = lambda: self.worker.spawn(self.commit)
        self._bus.subscribe(DeviceRemoved, self._device_removed, OWNER)
        self._running = True
        self.schedule.begin(FIRST_COMMIT_S)
        if self._merging.pending:
            self.worker.spawn(self.merge)

    async def stop(self) -> None:
        """Commit and merge everything, then let go of all files. Raises HubError("history-not-saved")."""
        self._bus.remove_owner(OWNER)
        self._buffer.on_full = None
        self.schedule.end()
        self._stopping = True
        await self.worker.settled()
        await self.merge()
        unsaved = sum(len(part) for taken in self.tail.waiting for part in taken.columns.values())
        await self.worker.run(self._readers.close)
        await self.worker.run(self.files.close)
        self.worker.close()
        if unsaved:
            raise HubError("history-not-saved", samples=unsaved)

    async def commit(self) -> bool:
        """Make everything that was accepted so far durable and say so; False when the disk refused."""
        async with self.worker.writing:
            committed = await self._commit()
            if not self._changing.locked():
                try:
                    await self._merging.watch_room()
                except StoreDamaged as error:
                    self._store_damaged(error)
            await self._refresh(self._today.late)
            return committed

    async def merge(self) -> bool:
        """Commit, then bring everything into the store; False when the store refused. While the store is at rest it
        only commits."""
        async with self.worker.writing:
            committed = await self._commit()
            merged = self._changing.locked() or await self._merge()
            await self._refresh(self._today.late)
            return merged and committed

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[list[Path]]:
        """The files that are all of history, with everything merged that was accepted so far; until the block ends
        nothing changes them, and commits go into the log. Raises HubError("history-not-at-rest",
        "backup-history-elsewhere")."""
        if not isinstance(self._store, FileStore):
            raise HubError("backup-history-elsewhere", store=self._store.name)
        async with self._changing:
            async with self.worker.writing:
                ready = await self._commit() and await self._merge()
                await self._refresh(self._today.late)
            if not ready:
                raise HubError("history-not-at-rest")
            yield [*self._store.files(), self.state.path]

    async def gaps(self, device: str, channel: int, start: int, end: int) -> list[GapRecord]:
        """Every gap of an outlet that overlaps start..end (Unix ms), by start; the last may still be open.

        Raises HubError("history-unreadable").
        """
        snapshot, certain = self.tail.snapshot(SeriesKey(device, channel)), self._arrivals.certain
        try:
            find = partial(gaps_between, snapshot, self.state, start, end, certain=certain)
            return await self._readers.run(find)
        except (StoreError, OSError) as error:
            raise HubError("history-unreadable", reason=str(error)) from error

    def energy_today(self, device: str, channel: int, midnight: int) -> float | None:
        """mWh imported since `midnight` (Unix ms) up to the newest live reading; None when nothing is known."""
        series = SeriesKey(device, channel)
        return self._today.energy(series, midnight, self._outlooks.traits(series))

    def _urgent(self) -> bool:
        """Is a merge due before its time? It makes room, and what comes after it is quick to read."""
        many = self.tail.minutes >= MERGE_MINUTES and not self._troubles.holds(NOT_MERGED)
        return many or self.log.size > MERGE_BYTES or not self._buffer.storing

    async def _commit(self) -> bool:
        return await self._read_back() and await self._writer.commit()

    async def _merge(self) -> bool:
        self.schedule.merge_in()
        if self._unread:
            return False
        try:
            merged = await self._merging.merge()
            if merged:
                await self._mend_pieces()
        except RecordLost as error:
            await self._begin_again(self.files.close, error)
            merged = False
        except StoreDamaged as error:
            await self._begin_again(self.files.lose_store, error)
            merged = False
        if not merged:
            self.schedule.merge_in(RETRY_S)
        return merged

    def _look(self) -> None:
        """Something was read: what the store met that does not check is told at once, and mended behind a merge."""
        found = self._mending.look()
        if not found:
            return
        self._troubles.again(PIECES, count=self._mending.met, what=found[0].what)
        raw = [Outage(damage.start, damage.end) for damage in found if damage.tier == "raw" and damage.end]
        self._ledger.damaged = [*self._ledger.damaged, *raw]
        if not self._stopping:
            self.worker.spawn(self._mend)

    async def _mend(self) -> bool:
        async with self._changing, self.worker.writing:
            return not self._mending.waiting or (await self._commit() and await self._merge())

    async def _mend_pieces(self) -> None:
        """While nothing is unmerged. What cannot be done now is done behind the next merge."""
        self._look()
        damages = list(self._mending.waiting)
        if not damages:
            return
        try:
            reopened = await self.worker.run(partial(self._mending.mend, damages))
        except StoreDamaged:
            raise
        except (StoreError, OSError) as error:
            log.warning("damaged pieces of the history could not be mended: %s", error)
            return
        del self._mending.waiting[: len(damages)]
        for number, ranges in reopened.items():
            self._streams.reopen(number, ranges)
        harmed = {damage.series for damage in damages}
        await self._refresh(harmed)
        for device in sorted({series.device for series in harmed}):
            self._bus.publish(GapsChanged(device))

    def _store_damaged(self, error: StoreDamaged) -> None:
        """A read found that the store is beyond repair: it is replaced, once."""
        if self._lost is None and not self._stopping and isinstance(self._store, MendableStore):
            self._lost = error
            self.worker.spawn(self._replace_store)

    async def _replace_store(self) -> bool:
        async with self._changing, self.worker.writing:
            if self._lost is None:
                return True
            await self._commit()
            if self._lost is not None:
                await self._begin_again(self.files.lose_store, self._lost)
            await self._refresh(self._streams.series())
            return True

    async def _begin_again(self, close: Callable[[], None], why: Exception) -> None:
        """Read everything back as at a start: what was acknowledged and is lost is then not acknowledged any more."""
        log.error("history begins again: %s", why)
        self._unread, kept = True, None
        try:
            await self.worker.run(close)
        except OSError as error:  # what could not be set aside is found damaged again
            log.error("a damaged file could not be set aside: %s", error)
            kept = why if isinstance(why, StoreDamaged) else None
        if await self._read_back():
            self._lost = kept  # merges try again, not each read

    async def _read_back(self) -> bool:
        """Where history begins again: False as long as the disk cannot be read."""
        if not self._unread:
            return True
        known = Streams()
        try:
            found = await self.worker.run(partial(self.files.open, known))
        except (HubError, OSError) as error:
            await self.worker.run(self.files.close)
            return self._writer.refused(str(error))
        self._unread = False
        self._readers.store += 1
        self._lost = None
        self._mending.forget()
        self._streams.replace(known)
        self._buffer.take()  # named by streams that are no more; not acknowledged, so the plugs send it again
        self.tail.reset()
        if self._stopping and self.files.mended.store is not None:  # nobody is there any more to be told
            await self.worker.run(partial(self.state.keep_untold, self.files.mended.store))
        self._take_over(found)
        with self._editions.change(self._streams.series()):
            pass  # what readers remember is no longer so
        self._today.complete = False
        return True

    async def _refresh(self, outlets: Iterable[SeriesKey]) -> None:
        """The energy of today of these outlets, from store and log; of all, until it is known of all."""
        series = list(outlets if self._today.complete else self._streams.series())
        if not self.files.store_open or (self._today.complete and not series):
            return
        outlook = self._outlooks.of(series)
        snapshots = [self.tail.committed(key, outlook) for key in series]
        try:
            days = await self.worker.run(partial(self._today.compute, snapshots))
        except StoreDamaged as error:
            self._store_damaged(error)
            return
        except (StoreError, OSError) as error:
            log.warning("the energy of today could not be read: %s", error)
            return
        self._today.put(days)
        self._today.complete = True
        self._today.late.difference_update(series)

    def _take_over(self, found: Recovered) -> None:
        for commit in found.unmerged:
            self.tail.add(commit)
        self._ledger.take_over(found)
        self._merging.round = found.round
        if found.mark:
            self._clock.set_mark(found.mark)
        self._arrivals.read()
        self._arrivals.check()
        last = 0 if self._running else found.last or found.mark
        if last and self._arrivals.certain and self._arrivals.wall > last:
            self._ledger.was_down(last, self._arrivals.wall)
        self._troubles.mended(self.files.mended)
        self.files.mended = Mended()
        if found.lost:
            self._troubles.begin(DAMAGED, count=found.lost)
        if found.cut:
            self._ledger.damaged.append(Outage(found.last or found.mark, self._arrivals.wall))

    def _device_removed(self, event: DeviceRemoved) -> None:
        self.worker.spawn(partial(self._forget, event.device))

    async def _forget(self, device: str) -> bool:
        async with self._changing, self.worker.writing:
            await self._commit()
            merged = await self._merge()
            streams = self._streams.of_device(device)
            series = {SeriesKey(device, stream.channel) for stream in streams}
            self._buffer.forget({stream.number for stream in streams})
            self._streams.forget(device)
            self._live.forget(device)
            await self.worker.run(partial(self._delete, device, series))
            self._today.forget(device)
            return merged

    def _delete(self, device: str, series: set[SeriesKey]) -> None:
        """In the thread."""
        with self._editions.change(series):
            self.state.forget(device)
            for key in series:
                for tier in ("raw", *TIERS):
                    self._store.delete(key, tier, FOREVER)
