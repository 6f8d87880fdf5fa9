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
from hub.history.commit import columns_of
from hub.history.gaps import Causes, GapRecord, Outage
from hub.history.log import CommitLog, LogFull
from hub.history.merge import Merger, Outlook, Result, Round, describe
from hub.history.readings import End, Traits, own_dates
from hub.history.recovery import Recovered, begin, recover
from hub.history.retention import Retention, expire
from hub.history.state import State
from hub.history.tail import Unmerged, UnmergedTail
from hub.history.today import Today
from hub.plugins.contract import TIERS, DeviceDriver, HistoryStore, SeriesKey, StoreError
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer, Columns
from hub.telemetry.energy import DEFAULT_LIMIT_W
from hub.telemetry.live import Live
from hub.telemetry.streams import StreamDelta, Streams

COMMIT_S = 60.0
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


class Taken(msgspec.Struct):
    """What one commit is to write; kept until it is written."""

    at: int
    certain: bool
    shift: int
    deltas: list[StreamDelta]
    columns: dict[int, Columns]


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
        self.tail = UnmergedTail(
            store=store, state=self.state, streams=streams, buffer=buffer, outlook=self._outlook, session=self.session
        )
        self.dropped: dict[str, int] = {}
        """Counter readings that the energy rule passed over, by device."""
        self._today = Today(store=store, state=self.state, tail=self.tail, live=live, clock=clock, traits=self._traits)
        self._merger = Merger(self.log, store, self.state)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._writing = asyncio.Lock()
        self._waiting: list[Taken] = []
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
        except BaseException:
            await self._in_thread(self._close)
            self._thread.shutdown()
            raise
        try:
            await self._in_thread(self._open_store)
        except (StoreError, OSError) as error:
            self._problem(NOT_MERGED, str(error))
        self._buffer.on_full = self._buffer_full
        self._bus.subscribe(DeviceRemoved, self._device_removed, OWNER)
        self._next_merge = self._clock.monotonic() + MERGE_S
        self._schedule()
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
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def commit(self) -> bool:
        """Make everything that was accepted so far durable and say so; False when the disk refused."""
        async with self._writing:
            return await self._commit()

    async def merge(self) -> bool:
        """Commit, then bring everything into the store; False when the store refused."""
        async with self._writing:
            committed = await self._commit()
            self._next_merge = self._clock.monotonic() + MERGE_S
            return await self._merge() and committed

    def gaps(self, device: str, channel: int, start: int, end: int) -> list[GapRecord]:
        """Every gap of an outlet that overlaps start..end (Unix ms), by start; the last may still be open."""
        series = SeriesKey(device, channel)
        plan = self.tail.plan(series)
        low, high = plan.span
        new = {gap.start: gap for gap in plan.gaps}
        found = [
            gap
            for gap in self.state.gaps(series, start, end)
            if gap.start not in new and not (gap.start >= low and gap.end is not None and gap.end <= high)
        ]
        found += [gap for gap in new.values() if gap.start <= end and (gap.end or gap.start) >= start]
        still = self._open_gap(series, plan.state.head)
        if still is not None and still.start <= end:
            found.append(still)
        return sorted(found, key=lambda gap: gap.start)

    def energy_today(self, device: str, channel: int, midnight: int) -> float | None:
        """mWh imported since `midnight` (Unix ms) up to the newest live reading; None when nothing is known."""
        return self._today.energy(SeriesKey(device, channel), midnight)

    async def _commit(self) -> bool:
        self._arrivals.read()
        self._arrivals.check()
        deltas, columns = self._streams.take(), self._buffer.take()
        if deltas or columns:
            arrivals = self._arrivals
            self._waiting.append(Taken(arrivals.wall, arrivals.certain, arrivals.shift, deltas, columns))
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

    def _write(self, taken: Taken) -> Unmerged:
        """In the thread: encode and append."""
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
        return Unmerged(number, self.session, touched, payload, taken.at, taken.certain, raw)

    def _durable(self, taken: Taken, written: Unmerged) -> None:
        self._streams.durable(taken.deltas)
        self.tail.add(written)
        if self.session not in self._sessions:
            self._sessions.append(self.session)
        if taken.certain:
            self._mark = taken.at
            self._clock.set_mark(taken.at)
        grown = [self._streams.by_number(delta.number) for delta in taken.deltas if delta.settled]
        keys = tuple(stream.key for stream in grown if stream is not None)
        samples = sum(len(columns) for columns in taken.columns.values())
        self._bus.publish(Committed(taken.at, written.number, samples, keys))

    async def _merge(self) -> bool:
        while self._round is not None or self.tail.commits:
            if self._round is None:
                self._round = begin(self._streams, self.tail.commits, self._sessions, self._mark)
            round, commits_now = self._round, [(c.number, c.payload) for c in self.tail.commits]
            outlook = self._outlook(self._series_of(round.numbers))
            try:
                result = await self._in_thread(partial(self._run, round, commits_now, outlook))
            except (StoreError, OSError) as error:
                self._next_merge = self._clock.monotonic() + RETRY_S
                self._problem(NOT_MERGED, str(error))
                return False
            self._merged(round, result)
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

    def _run(self, round: Round, records: list[tuple[int, bytes]], outlook: Outlook) -> Result:
        """In the thread: one round; a log of which everything is merged begins anew."""
        self._open_store()
        result = self._merger.run(round, records, outlook)
        if records[-1][0] <= round.through:
            self.log.next_generation()
        return result

    def _merged(self, round: Round, result: Result) -> None:
        self._round = None
        self.tail.commits[:] = [commit for commit in self.tail.commits if commit.number > round.through]
        if not self.tail.commits:
            self._sessions.clear()
        for stored in round.streams:
            stream = self._streams.by_number(stored.number)
            if stream is not None:
                stream.stored = True
        self.tail.merged()
        self._today.merged()
        for device, count in result.dropped.items():
            self.dropped[device] = self.dropped.get(device, 0) + count
        self._bus.publish(Merged(self._clock.now(), self._mark))
        for device in sorted(result.gaps):
            self._bus.publish(GapsChanged(device))

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
        self.tail.commits[:] = found.unmerged
        self._round, self._sessions, self._mark = found.round, found.sessions, found.mark
        self._damaged, self._outages = found.damaged, found.outages
        if self._mark:
            self._clock.set_mark(self._mark)
        self._arrivals.read()
        self._arrivals.check()
        last = found.last or found.mark
        if last and self._arrivals.certain and self._arrivals.wall > last:
            self._outages = [*self._outages, Outage(last, self._arrivals.wall)][-MOST_OUTAGES:]
            self.state.keep_outages(self._outages)
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

    def _open_gap(self, series: SeriesKey, head: End | None) -> GapRecord | None:
        now = self._clock.now()
        if head is None or now - head.at <= self._traits(series).longest_ms or not self._arrivals.certain:
            return None
        cause = Causes(self._outlook([series]).runs[series], self._outages).silence(head, now)
        return GapRecord(series.device, series.channel, head.at, None, cause, None, head)

    def _schedule(self) -> None:
        self._timer = self._clock.call_later(self._commit_interval, self._tick)

    def _tick(self) -> None:
        self._schedule()
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
            self.tail.merged()
            return merged

    def _delete(self, device: str, series: set[SeriesKey]) -> None:
        """In the thread."""
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
