"""History: commits what was accepted, says that it is durable, and merges it into the store."""

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from hub.events import ClockChanged, DeviceRemoved
from hub.history.building import Needs, build
from hub.history.files import Mended
from hub.history.gaps import GapRecord, Outage
from hub.history.listing import gaps_between
from hub.history.log import RecordLost
from hub.history.pace import Pace, is_dear, mounts
from hub.history.problems import DAMAGED, LOG_GONE, LOG_LOST, NOT_MERGED, STORE_LOST
from hub.history.recovery import Recovered
from hub.history.worker import RETRY_S, Schedule
from hub.messages import HubError
from hub.plugins.contract import TIERS, FileStore, SeriesKey, StoreDamaged, StoreError

FIRST_COMMIT_S = 10.0  # soon after a start: a hub that keeps crashing within its first minute would never commit
MERGE_BYTES = 64 << 20  # a log of this size is merged at once
MERGE_MINUTES = 600  # of one plug that comes back after hours: merged at once
MERGE_SAMPLES = 43_200  # of one outlet: three times what four hours at 1 Hz leave; a longer replay is merged in parts
LAST_MERGE_S = 3.0  # when the hub stops: Docker waits 10 s for all of it before it kills
FOREVER = (1 << 62) - 1
OWNER = "history"

log = logging.getLogger("hub.history")


class History:
    """The one place that knows what is durable. All calls are made on the event loop; disks are touched in a thread."""

    def __init__(self, needs: Needs) -> None:
        parts = build(
            needs,
            commit=self._commit,
            merge=self._merge,
            refresh=self._refresh,
            take_over=self._take_over,
            at_rest=self.at_rest,
        )
        self._store = needs.store
        self._streams = needs.streams
        self._buffer = needs.buffer
        self._live = needs.live
        self._arrivals = needs.arrivals
        self._bus = needs.bus
        self._clock = needs.clock
        self.log = parts.log
        self.state = parts.state
        self.files = parts.files
        self.tail = parts.tail
        self.care = parts.care
        self.rebuilding = parts.rebuilding
        self.salvaging = parts.salvaging
        self.worker = parts.worker
        self._changing = parts.changing
        self._ledger = parts.ledger
        self._troubles = parts.troubles
        self._editions = parts.editions
        self._readers = parts.readers
        self._outlooks = parts.outlooks
        self._today = parts.today
        self._writer = parts.writer
        self._repair = parts.repair
        self._merging = parts.merging
        self._doubt = parts.doubt
        self._ahead = parts.ahead
        self._running = False
        self._down = 0  # Unix ms since when the hub had not run, while that is not noted yet
        self._started = 0  # then, ms of the monotonic clock
        self.schedule = Schedule(
            self.worker,
            needs.clock,
            pace=Pace(needs.commit_interval, dear=is_dear(needs.folder, mounts())),
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

    async def start(self) -> None:
        """Read back what is on disk; from then on streams know what is durable. Raises HubError, OSError."""
        try:
            self._take_over(await self.worker.run(partial(self.files.open, self._streams)))
            await self._keep_outages()
            if file := await self.worker.run(self.state.untold):
                self._troubles.begin(STORE_LOST, file=file)
                if self.salvaging is not None:
                    self.salvaging.store_lost(file)
                await self.worker.run(partial(self.state.keep_untold, ""))
        except BaseException:
            self.files.stopping.set()
            await self.rebuilding.stop()
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
        self.rebuilding.look()
        if self.salvaging is not None:
            self.salvaging.resume()
        self.schedule.begin(FIRST_COMMIT_S)
        if self._merging.pending:
            self.worker.spawn(self.merge)

    async def stop(self) -> None:
        """Commit everything and merge what can be merged in a few seconds, then let go of all files. What is not merged
        is in the log, and the next start goes on with it. Raises HubError("history-not-saved")."""
        self._bus.remove_owner(OWNER)
        self._ahead.end()
        self._doubt.end()
        self._buffer.on_many = None
        self.schedule.end()
        self._repair.stopping = True
        await self.rebuilding.stop()  # first: others wait until the store may be changed again
        enough = self._clock.call_later(LAST_MERGE_S, self._merging.break_off)
        if self.salvaging is not None:
            await self.salvaging.stop()
        await self.worker.settled()
        await self.merge()
        enough.cancel()
        unsaved = sum(len(part) for taken in self.tail.waiting for part in taken.columns.values())
        await self.worker.run(self._readers.close)
        if not unsaved and not self._merging.pending:
            await self.worker.run(partial(self.files.note_running, False, self._now()))
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
        """Commit, then bring everything into the store; False when the store refused. While the store is at rest, and
        while samples wait for the time, it only commits."""
        async with self.worker.writing:
            committed = await self._commit()
            merged = self._changing.locked() or await self._merge()
            await self._refresh(self._today.late)
            return merged and committed

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[list[Path]]:
        """The files that are all of history, with everything merged that was accepted so far; until the block ends
        nothing changes them, and commits go into the log. Raises HubError("history-not-at-rest", "history-rebuilding",
        "backup-history-elsewhere")."""
        if not isinstance(self._store, FileStore):
            raise HubError("backup-history-elsewhere", store=self._store.name)
        self.files.require_built()  # which may take hours, and whoever asks would not know what it waits for
        async with self._changing:
            async with self.worker.writing:
                ready = await self._commit() and await self._merge(everything=True)
                await self._refresh(self._today.late)
            if not ready:
                raise HubError("history-not-at-rest")
            # A copy has no log, and misses none.
            await self.worker.run(partial(self.files.note_running, False, self._now()))
            try:
                yield [*self._store.files(), self.state.path]
            finally:
                await self.worker.run(partial(self.files.note_running, True))

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

    async def _merge(self, *, everything: bool = False) -> bool:
        self.schedule.merge_in()
        if self._repair.unread or self.files.unbuilt is not None:
            return False
        try:
            merged = await self._merging.merge(everything=everything)
            if merged and not self._merging.pending:
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
        if self._repair.stopping:  # nobody will ask
            return
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
        if not self._running:
            self._down = max(found.last or found.mark, found.ended)
            self._started = self._arrivals.monotonic_ms
            self._note_outage()
        self._troubles.mended(self.files.mended)
        if self.salvaging is not None and self.files.mended.store is not None:
            self.salvaging.store_lost(self.files.mended.store)
        self.files.mended = Mended()
        if self._running:
            self.rebuilding.look()
        if found.lost:
            self._troubles.begin(DAMAGED, count=found.lost)
        if found.gone and not self._troubles.holds(LOG_LOST):
            self._troubles.begin(LOG_GONE)
        if found.cut or found.gone:
            self._ledger.damaged.append(Outage(found.last or found.mark, self._arrivals.wall))

    def _now(self) -> int:
        """Unix ms; 0 = nobody knows."""
        return self._clock.now() if self._arrivals.certain else 0

    def _clock_changed(self, event: ClockChanged) -> None:
        """Nothing on the disk says yet that what comes is dated otherwise, and a kill must not leave it so."""
        if event.step_ms:
            self.worker.spawn(self.commit)
        if self._note_outage():
            self.worker.spawn(self._keep_outages)

    def _note_outage(self) -> bool:
        """When the hub did not run is known once the time is certain. Is it news?"""
        down, started = self._down, self._started + self._arrivals.shift
        if not down or not self._arrivals.certain:
            return False
        self._down = 0
        if started > down:
            self._ledger.was_down(down, started)
        return started > down

    async def _keep_outages(self) -> bool:
        await self.worker.run(partial(self.state.keep_outages, self._ledger.outages))
        return True

    def _device_removed(self, event: DeviceRemoved) -> None:
        self.worker.spawn(partial(self._forget, event.device))

    async def _forget(self, device: str) -> bool:
        async with self._changing, self.worker.writing:
            await self._commit()
            merged = await self._merge(everything=True)
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
