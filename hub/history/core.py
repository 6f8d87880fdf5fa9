"""History: commits what was accepted, says that it is durable, and merges it into the store."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.events import Committed, DeviceRemoved, GapsChanged, Merged, ProblemEnded, ProblemRaised
from hub.history import commit as commits
from hub.history.gaps import Causes, GapRecord, Outage
from hub.history.log import CommitLog
from hub.history.merge import INTENT, Merger, Outlook, Round, decode_intent, describe, row
from hub.history.readings import Traits
from hub.history.recovery import Recovered, recover
from hub.history.state import State
from hub.history.tail import UnmergedTail, Unmerged
from hub.plugins.contract import DeviceDriver, HistoryStore, SeriesKey, StoreError
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer, Columns
from hub.telemetry.energy import DEFAULT_LIMIT_W
from hub.telemetry.live import Live
from hub.telemetry.streams import StreamDelta, Streams

COMMIT_S = 60.0
MERGE_S = 3600.0
HOUR_MS = 3_600_000
LOG_LIMIT = 1 << 30
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

    `folder` holds history.log and history-state.sqlite; the store keeps its own files. `raw_days`, `minute_days`:
    retention of raw samples and of the 1-minute tier.
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
        raw_days: int = 7,
        minute_days: int = 30,
        log_limit: int = LOG_LIMIT,
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
        self._raw_days = raw_days
        self._minute_days = minute_days
        self.session = secrets.randbits(48)
        self.log = CommitLog(folder / "history.log", limit=log_limit)
        self.state = State(folder / "history-state.sqlite")
        self.tail = UnmergedTail(
            store=store, state=self.state, streams=streams, buffer=buffer, outlook=self._outlook, session=self.session
        )
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
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_merge = 0.0
        self._problems: set[str] = set()
        self._today: dict[SeriesKey, tuple[int, int, float]] = {}  # -> midnight, merges seen, merged mWh since
        self._merges = 0
        self.dropped: dict[str, int] = {}
        """Counter readings that the energy rule passed over, by device."""

    async def start(self) -> None:
        """Read back what is on disk; from then on streams know what is durable. Raises HubError, OSError."""
        recovered = await self._in_thread(self._open)
        self._take_over(recovered)
        self._buffer.on_full = self._buffer_full
        self._bus.subscribe(DeviceRemoved, self._device_removed, OWNER)
        self._next_merge = self._clock.monotonic() + (0 if self.tail.commits or self._round else MERGE_S)
        self._schedule()
        if self.tail.commits or self._round:
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
        head, now = plan.state.head, self._clock.now()
        longest = self._traits(series).longest_ms
        if head is not None and now - head.at > longest and head.at <= end and now >= start and self._certain():
            cause = Causes(self._outlook([series]).runs[series], self._outages).silence(head, now)
            found.append(GapRecord(device, channel, head.at, None, cause, None, head))
        return sorted(found, key=lambda gap: gap.start)

    def energy_today(self, device: str, channel: int, midnight: int) -> float | None:
        """mWh imported since `midnight` (Unix ms), up to the newest live reading; None when nothing is known."""
        series = SeriesKey(device, channel)
        known = self._today.get(series)
        head = self.state.series(series).head if known is None or known[:2] != (midnight, self._merges) else None
        if known is None or known[:2] != (midnight, self._merges):
            merged = self._store.rollup(series, "15m", midnight, self._clock.now() + HOUR_MS)
            known = self._today[series] = (midnight, self._merges, float(merged.import_mwh.sum()))
            self._heads[series] = head
        return self._today_with_tail(series, known[2], midnight)

    def _open(self) -> Recovered:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.state.open()
        records = self.log.open()
        self._open_store()
        return Recovered(records, self.state, self.log)
