"""History: commits what was accepted, says that it is durable, and merges it into the store."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from hub.bus import Bus
from hub.clock import Clock
from hub.events import ClockChanged, DeviceRemoved
from hub.history.ahead import Ahead
from hub.history.care import Care
from hub.history.doubt import Doubt
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
from hub.history.problems import DAMAGED, NOT_MERGED, STORE_LOST, Troubles
from hub.history.readers import Readers
from hub.history.recovery import Recovered
from hub.history.repair import Repair
from hub.history.retention import Retention
from hub.history.salvage import Salvage
from hub.history.salvaging import Means, Salvaging
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
MERGE_SAMPLES = 43_200  # of one outlet: three times what four hours at 1 Hz leave; a longer replay is merged in parts
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
        means: Means | None = None,
    ) -> None:
        """means: to salvage a damaged store; None = that is left to people."""
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
        self._running = False
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
        self._repair = repair = Repair(
            store=store,
            state=self.state,
            files=self.files,
            mending=Mending(store, self.state, self._editions, outlooks.traits, outlooks.hardware),
            streams=streams,
            buffer=buffer,
            tail=self.tail,
            today=self._today,
            editions=self._editions,
            readers=self._readers,
            ledger=ledger,
            writer=self._writer,
            worker=self.worker,
            troubles=self._troubles,
            changing=self._changing,
            commit=self._commit,
            merge=self._merge,
            refresh=self._refresh,
            take_over=self._take_over,
            bus=bus,
        )
        self._readers.after, self._readers.on_damaged = repair.look, repair.store_damaged
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
        self._doubt = Doubt(troubles=self._troubles, bus=bus, clock=clock)
        self._ahead = Ahead(
            store=store,
            files=self.files,
            streams=streams,
            live=live,
            tail=self.tail,
            outlooks=outlooks,
            on_damaged=repair.store_damaged,
            worker=self.worker,
            troubles=self._troubles,
            bus=bus,
            clock=clock,
        )
        self.care = Care(
            inspector=Inspector(folder, store, self.state, self.log, outlooks.traits),
            merging=self._merging,
            ledger=ledger,
            worker=self.worker,
            ahead=self._ahead,
            clock=clock,
            after=repair.look,
            on_damaged=repair.store_damaged,
        )
        self.salvaging: Salvaging | None = None
        if means is not None:
            salvage = Salvage(
                folder,
                store,
                means.another,
                reserve=reserve,
                traits=outlooks.traits,
                hardware=outlooks.hardware,
                has=lambda device: registry.device(device) is not None,
            )
            if salvage.possible():
                self.files.on_store_aside = salvage.note
            self.salvaging = Salvaging(
                salvage,
                means,
                folder=folder,
                state=self.state,
                streams=streams,
                ledger=ledger,
                repair=repair,
                troubles=self._troubles,
                at_rest=self.at_rest,
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
                if self.salvaging is not None:
                    self.salvaging.store_lost(file)
                await self.worker.run(partial(self.state.keep_untold, ""))
        except BaseException:
            self.files.stopping.set()
            if self.salvaging is not None:
                await self.salvaging.stop()
            await self.worker.run(self.files.close)
            self.worker.close()
            raise
        try:
            await self.worker.run(self.files.open_store)
        except (StoreError, OSError) as error:
            self._troubles.begin(NOT_MERGED, reason=str(error))
        await self._refresh(self._streams.series())
        self._ahead.begin()
        self._doubt.begin()
        self._buffer.on_many = self._many
        self._bus.subscribe(DeviceRemoved, self._device_removed, OWNER)
        self._bus.subscribe(ClockChanged, self._clock_changed, OWNER)
        self._running = True
        if self.salvaging is not None:
            self.salvaging.resume()
        self.schedule.begin(FIRST_COMMIT_S)
        if self._merging.pending:
            self.worker.spawn(self.merge)

    async def stop(self) -> None:
        """Commit and merge everything, then let go of all files. Raises HubError("history-not-saved")."""
        self._bus.remove_owner(OWNER)
        self._ahead.end()
        self._doubt.end()
        self._buffer.on_many = None
        self.schedule.end()
        self._repair.stopping = True
        if self.salvaging is not None:
            await self.salvaging.stop()
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
                    self._repair.store_damaged(error)
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
        many = self.tail.minutes >= MERGE_MINUTES or self.tail.longest >= MERGE_SAMPLES
        many = many and not self._troubles.holds(NOT_MERGED)
        return many or self.log.size > MERGE_BYTES or not self._buffer.storing

    def _many(self) -> None:
        """The buffer has taken many samples: need they be written down before the next commit is due?"""
        if not self.worker.writing.locked():
            if self._urgent():
                self.worker.spawn(self.merge)
            elif self._buffer.full:
                self.worker.spawn(self.commit)

    async def _commit(self) -> bool:
        return await self._repair.read_back() and await self._writer.commit()

    async def _merge(self) -> bool:
        self.schedule.merge_in()
        if self._repair.unread:
            return False
        try:
            merged = await self._merging.merge()
            if merged:
                await self._repair.mend_pieces()
        except (RecordLost, StoreDamaged) as error:
            await self._repair.begin_again(error)
            merged = False
        if not merged:
            self.schedule.merge_in(RETRY_S)
        return merged

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
            self._repair.store_damaged(error)
            return
        except (StoreError, OSError) as error:
            log.warning("the energy of today could not be read: %s", error)
            return
        self._today.put(days)
        self._today.complete = True
        self._today.late.difference_update(series)
        await self._ahead.look(series)

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
        if self.salvaging is not None and self.files.mended.store is not None:
            self.salvaging.store_lost(self.files.mended.store)
        self.files.mended = Mended()
        if found.lost:
            self._troubles.begin(DAMAGED, count=found.lost)
        if found.cut:
            self._ledger.damaged.append(Outage(found.last or found.mark, self._arrivals.wall))

    def _clock_changed(self, event: ClockChanged) -> None:
        """Nothing on the disk says yet that what comes is dated otherwise, and a kill must not leave it so."""
        if event.step_ms:
            self.worker.spawn(self.commit)

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
            self._ahead.forget(device)
            return merged

    def _delete(self, device: str, series: set[SeriesKey]) -> None:
        """In the thread."""
        with self._editions.change(series):
            self.state.forget(device)
            for key in series:
                for tier in ("raw", *TIERS):
                    self._store.delete(key, tier, FOREVER)
