"""History: commits what was accepted, says that it is durable, and merges it into the store."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.events import Committed, DeviceRemoved, GapsChanged, Merged, ProblemEnded, ProblemRaised
from hub.history import commit as commits
from hub.history.calendar import DAY
from hub.history.commit import Taken, columns_of
from hub.history.editions import Editions
from hub.history.gaps import Causes, GapRecord, Outage
from hub.history.log import CommitLog, LogFull
from hub.history.merge import Merger, Outlook, Result, Round, describe
from hub.history.readers import Readers
from hub.history.readings import End, Run, Traits, own_dates
from hub.history.recovery import Recovered, begin, recover
from hub.history.retention import Retention, expire
from hub.history.state import State
from hub.history.tail import Snapshot, Unmerged, UnmergedTail
from hub.history.today import Followed, Today
from hub.messages import HubError
from hub.plugins.contract import TIERS, DeviceDriver, HistoryStore, SeriesKey, StoreError
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer, Columns
from hub.telemetry.energy import DEFAULT_LIMIT_W
from hub.telemetry.live import Live
from hub.telemetry.streams import Streams

COMMIT_S = 60.0
FIRST_COMMIT_S = 10.0  # soon after a start: a hub that keeps crashing within its first minute would never commit
MERGE_S = 3600.0
RETRY_S = 300.0  # after the store refused a merge
LOG_LIMIT = 1 << 30
LOG_ROOM = 64 << 20  # beyond the limit for commits: what a merge needs to say what it will do
MERGE_BYTES = 64 << 20  # a log of this size is merged at once
MOST_OUTAGES = 200
FOREVER = (1 << 62) - 1
NOT_STORED = "history-not-stored"
NOT_MERGED = "history-not-merged"
OWNER = "history"

log = logging.getLogger("hub.history")
T = TypeVar("T")


class Devices(Protocol):
    """What history needs of the registry."""

    def device(self, device_id: str) -> Any:
        """The device with this id."""


class Written(msgspec.Struct):
    """What one commit wrote, and the energy of today after it."""

    commit: Unmerged
    today: Followed


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
        commit_interval: float = COMMIT_S,
    ) -> None:
        self._folder = folder
        self._store = store
        self._streams = streams
        self._buffer = buffer
        self._live = live
        self._registry = registry
        self._drivers = drivers
        self._arrivals = arrivals
        self._bus = bus
        self._clock = clock
        self._retention = retention
        self._log_limit = log_limit
        self._commit_interval = commit_interval  # seconds
        self.session = secrets.randbits(48)
        self.log = CommitLog(folder / "history.log", limit=log_limit + LOG_ROOM)
        self.state = State(folder / "history-state.sqlite")
        self._editions = Editions()
        self._readers = Readers()
        self.tail = UnmergedTail(
            store=store,
            state=self.state,
            streams=streams,
            buffer=buffer,
            outlook=self._outlook,
            session=self.session,
            editions=self._editions,
            readers=self._readers,
        )
        self.dropped: dict[str, int] = {}
        """Counter readings that the energy rule passed over, by device."""
        self._today = Today(store=store, tail=self.tail, streams=streams, live=live)
        self._late: set[SeriesKey] = set()
        self._merger = Merger(self.log, store, self.state, self._editions)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._writing = asyncio.Lock()
        self._waiting = self.tail.waiting
        self._round: Round | None = None
        self._sessions: list[int] = []
        self._mark = 0
        self._damaged: list[Outage] = []
        self._outages: list[Outage] = []
        self._store_open = False
        self._timer: Timer | None = None
        self._tasks: set[asyncio.Task[bool]] = set()
        self._next_merge = 0.0
        self._problems: set[str] = set()
        self._expired_on = 0  # day

    async def start(self) -> None:
        """Read back what is on disk; from then on streams know what is durable. Raises HubError, OSError."""
        try:
            self._take_over(await self._in_thread(self._open))
            await self._in_thread(partial(self.state.keep_outages, self._outages))
        except BaseException:
            await self._in_thread(self._close)
            self._thread.shutdown()
            raise
        try:
            await self._in_thread(self._open_store)
        except (StoreError, OSError) as error:
            self._problem(NOT_MERGED, str(error))
        await self._refresh(self._streams.series())
        self._buffer.on_full = self._buffer_full
        self._bus.subscribe(DeviceRemoved, self._device_removed, OWNER)
        self._next_merge = self._clock.monotonic() + MERGE_S
        self._schedule(min(FIRST_COMMIT_S, self._commit_interval))
        if self.tail.commits or self._round is not None:
            self._spawn(self.merge)

    async def stop(self) -> None:
        """Commit and merge everything, then let go of all files."""
        self._bus.remove_owner(OWNER)
        self._buffer.on_full = None
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.merge()
        await self._in_thread(self._readers.close)
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def commit(self) -> bool:
        """Make everything that was accepted so far durable and say so; False when the disk refused."""
        async with self._writing:
            committed = await self._commit()
            await self._refresh(self._late)
            return committed

    async def merge(self) -> bool:
        """Commit, then bring everything into the store; False when the store refused."""
        async with self._writing:
            committed = await self._commit()
            self._next_merge = self._clock.monotonic() + MERGE_S
            merged = await self._merge()
            await self._refresh(self._late)
            return merged and committed

    async def gaps(self, device: str, channel: int, start: int, end: int) -> list[GapRecord]:
        """Every gap of an outlet that overlaps start..end (Unix ms), by start; the last may still be open.

        Raises HubError("history-unreadable").
        """
        snapshot, certain = self.tail.snapshot(SeriesKey(device, channel)), self._arrivals.certain
        try:
            return await self._readers.run(partial(self._gaps, snapshot, certain, start, end))
        except (StoreError, OSError) as error:
            raise HubError("history-unreadable", reason=str(error)) from error

    def _gaps(self, snapshot: Snapshot, certain: bool, start: int, end: int) -> list[GapRecord]:
        """In a reader thread."""
        series = snapshot.series
        plan, merged = snapshot.with_plan(lambda plan: (plan, self.state.gaps(series, start, end)))
        low, high = plan.span
        new = {gap.start: gap for gap in plan.gaps}
        found = [
            gap
            for gap in merged
            if gap.start not in new and not (gap.start >= low and gap.end is not None and gap.end <= high)
        ]
        found += [gap for gap in new.values() if gap.start <= end and (gap.end or gap.start) >= start]
        still = _open_gap(snapshot, plan.state.head) if certain else None
        if still is not None and still.start <= end:
            found.append(still)
        return sorted(found, key=lambda gap: gap.start)

    def energy_today(self, device: str, channel: int, midnight: int) -> float | None:
        """mWh imported since `midnight` (Unix ms) up to the newest live reading; None when nothing is known."""
        series = SeriesKey(device, channel)
        return self._today.energy(series, midnight, self._traits(series))

    async def _commit(self) -> bool:
        self._arrivals.read()
        self._arrivals.check()
        deltas, columns = self._streams.take(), self._buffer.take()
        if deltas or columns:
            arrivals = self._arrivals
            self._waiting.append(
                Taken(arrivals.wall, arrivals.certain, arrivals.shift, deltas, columns, self._outlets(columns))
            )
        while self._waiting:
            taken = self._waiting[0]
            try:
                written = await self._in_thread(partial(self._write, taken))
            except OSError as error:
                # What waits stays in memory; more is not taken on, so that the plugs keep it.
                self._buffer.storing = False
                self._problem(NOT_STORED, str(error))
                return False
            del self._waiting[0]
            self._durable(taken, written)
        self._buffer.storing = True
        self._no_problem(NOT_STORED)
        return True

    def _write(self, taken: Taken) -> Written:
        """In the thread: encode and append; then count on the energy of today."""
        raw = columns_of(taken.columns)
        if taken.certain:
            for columns in raw.values():
                columns.at = own_dates(columns.at, taken.shift)
        commit = commits.Commit(taken.at, taken.certain, self.session, taken.deltas, raw)
        payload = commits.encode(commit)
        if self.log.size + len(payload) > self._log_limit:
            raise LogFull(f"the history log holds {self.log.size} bytes that could not be merged yet")
        number = self.log.append(commits.COMMIT, payload)
        touched = frozenset(delta.number for delta in taken.deltas)
        written = Unmerged(number, self.session, touched, payload, taken.at, taken.certain, raw)
        return Written(written, self._today.follow(taken, raw))

    def _durable(self, taken: Taken, written: Written) -> None:
        self._streams.durable(taken.deltas)
        self.tail.add(written.commit)
        self._today.put(written.today.days)
        self._late |= written.today.late
        if self.session not in self._sessions:
            self._sessions.append(self.session)
        if taken.certain:
            self._mark = taken.at
            self._clock.set_mark(taken.at)
        grown = [self._streams.by_number(delta.number) for delta in taken.deltas if delta.settled]
        keys = tuple(stream.key for stream in grown if stream is not None)
        samples = sum(len(columns) for columns in taken.columns.values())
        self._bus.publish(Committed(taken.at, written.commit.number, samples, keys))

    async def _merge(self) -> bool:
        while self._round is not None or self.tail.commits:
            if self._round is None:
                self._round = begin(self._streams, self.tail.commits, self._sessions, self._mark)
            round, commits_now = self._round, [(c.number, c.payload) for c in self.tail.commits]
            outlets = self._series_of(round.numbers)
            outlook, serial = self._outlook(outlets), self.tail.serial(round.through)
            try:
                result = await self._in_thread(partial(self._run, round, commits_now, outlook, serial))
            except (StoreError, OSError) as error:
                self._next_merge = self._clock.monotonic() + RETRY_S
                self._problem(NOT_MERGED, str(error))
                return False
            self._merged(round, result)
            await self._refresh(outlets)
        self._no_problem(NOT_MERGED)
        await self._expire()
        return True

    async def _expire(self) -> None:
        """Once a day: forget what is older than retention, only by a clock that is certain."""
        now = self._clock.now()
        if not self._arrivals.certain or now // DAY == self._expired_on or not self._store_open:
            return
        self._expired_on = now // DAY
        own = {series: self._retention(series) for series in self._streams.series()}
        try:
            gone = await self._in_thread(partial(expire, self._store, now, Retention(), own))
        except (StoreError, OSError) as error:
            log.warning("old history could not be removed: %s", error)
            return
        if any(gone.gone.values()):
            log.info("removed what is older than retention: %s", gone.gone)

    def _run(self, round: Round, records: list[tuple[int, bytes]], outlook: Outlook, serial: int) -> Result:
        """In the thread: one round; a log of which everything is merged begins anew."""
        self._open_store()
        result = self._merger.run(round, records, outlook, serial)
        if records[-1][0] <= round.through:
            self.log.next_generation()
        return result

    def _merged(self, round: Round, result: Result) -> None:
        self._round = None
        self.tail.merged(round.through)
        if not self.tail.commits:
            self._sessions.clear()
        for stored in round.streams:
            stream = self._streams.by_number(stored.number)
            if stream is not None:
                stream.stored = True
        for device, count in result.dropped.items():
            self.dropped[device] = self.dropped.get(device, 0) + count
        self._bus.publish(Merged(self._clock.now(), self._mark))
        for device in sorted(result.gaps):
            self._bus.publish(GapsChanged(device))

    async def _refresh(self, outlets: Iterable[SeriesKey]) -> None:
        """The energy of today of these outlets, from store and log; of all, until it is known of all."""
        series = list(outlets if self._today.complete else self._streams.series())
        if not self._store_open or (self._today.complete and not series):
            return
        outlook = self._outlook(series)
        snapshots = [self.tail.committed(key, outlook) for key in series]
        try:
            days = await self._in_thread(partial(self._today.compute, snapshots))
        except (StoreError, OSError) as error:
            log.warning("the energy of today could not be read: %s", error)
            return
        self._today.put(days)
        self._today.complete = True
        self._late.difference_update(series)

    def _open(self) -> Recovered:
        """In the thread."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.state.open()
        return recover(self.log.open(), self.log, self.state, self._streams)

    def _open_store(self) -> None:
        if not self._store_open:
            self._store.open()
            self._store_open = True

    def _take_over(self, found: Recovered) -> None:
        for commit in found.unmerged:
            self.tail.add(commit)
        self._round, self._sessions, self._mark = found.round, found.sessions, found.mark
        self._damaged, self._outages = found.damaged, found.outages
        if self._mark:
            self._clock.set_mark(self._mark)
        self._arrivals.read()
        self._arrivals.check()
        last = found.last or found.mark
        if last and self._arrivals.certain and self._arrivals.wall > last:
            self._outages = [*self._outages, Outage(last, self._arrivals.wall)][-MOST_OUTAGES:]
        if found.lost:
            self._bus.publish(ProblemRaised("history-damaged", {"count": found.lost}))

    def _close(self) -> None:
        """In the thread."""
        self.log.close()
        self.state.close()
        if self._store_open:
            self._store.close()
            self._store_open = False

    def _outlook(self, wanted: Iterable[SeriesKey]) -> Outlook:
        series = list(wanted)
        arrivals = self._arrivals
        return Outlook(
            runs={key: {s.run: describe(s) for s in self._streams.of_series(key)} for key in series},
            traits={key: self._traits(key) for key in series},
            outages=self._outages,
            damaged=self._damaged,
            now=self._clock.now(),
            shift=(self.session, arrivals.shift) if arrivals.certain else None,
            retention=self._retention,
        )

    def _traits(self, series: SeriesKey) -> Traits:
        device = self._registry.device(series.device)
        if device is None:
            return Traits()
        driver = self._drivers.get(device.driver)
        channel = device.channels.get(series.channel)
        return Traits(
            interval_ms=device.interval_ms,
            limit_w=(None if channel is None else channel.max_power_w) or DEFAULT_LIMIT_W,
            resolution_mwh=1 if driver is None else driver.counter_resolution_mwh,
        )

    def _series_of(self, numbers: Iterable[int]) -> set[SeriesKey]:
        streams = (self._streams.by_number(number) for number in numbers)
        return {SeriesKey(stream.device, stream.channel) for stream in streams if stream is not None}

    def _outlets(self, columns: Mapping[int, Columns]) -> dict[SeriesKey, tuple[Traits, list[Run]]]:
        """Whose samples these are."""
        outlets: dict[SeriesKey, tuple[Traits, list[Run]]] = {}
        for number in columns:
            stream = self._streams.by_number(number)
            if stream is not None:
                series = SeriesKey(stream.device, stream.channel)
                known = outlets.get(series) or outlets.setdefault(series, (self._traits(series), []))
                known[1].append(describe(stream))
        return outlets

    def _schedule(self, delay: float) -> None:
        self._timer = self._clock.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._schedule(self._commit_interval)
        if not self._writing.locked():
            due = self._clock.monotonic() >= self._next_merge or self.log.size > MERGE_BYTES
            self._spawn(self.merge if due else self.commit)

    def _buffer_full(self) -> None:
        self._spawn(self.commit)

    def _device_removed(self, event: DeviceRemoved) -> None:
        self._spawn(partial(self._forget, event.device))

    async def _forget(self, device: str) -> bool:
        async with self._writing:
            await self._commit()
            merged = await self._merge()
            streams = self._streams.of_device(device)
            series = {SeriesKey(device, stream.channel) for stream in streams}
            self._buffer.forget({stream.number for stream in streams})
            self._streams.forget(device)
            self._live.forget(device)
            await self._in_thread(partial(self._delete, device, series))
            self._today.forget(device)
            return merged

    def _delete(self, device: str, series: set[SeriesKey]) -> None:
        """In the thread."""
        with self._editions.change(series):
            self.state.forget(device)
            for key in series:
                for tier in ("raw", *TIERS):
                    self._store.delete(key, tier, FOREVER)

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[bool]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("history failed", exc_info=task.exception())

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _problem(self, id: str, reason: str) -> None:
        if id not in self._problems:
            log.warning("%s: %s", id, reason)
            self._problems.add(id)
            self._bus.publish(ProblemRaised(id, {"reason": reason}))

    def _no_problem(self, id: str) -> None:
        if id in self._problems:
            self._problems.discard(id)
            self._bus.publish(ProblemEnded(id))


def _open_gap(snapshot: Snapshot, head: End | None) -> GapRecord | None:
    series, outlook = snapshot.series, snapshot.outlook
    if head is None or outlook.now - head.at <= outlook.traits[series].longest_ms:
        return None
    cause = Causes(outlook.runs[series], outlook.outages).silence(head, outlook.now)
    return GapRecord(series.device, series.channel, head.at, None, cause, None, head)
