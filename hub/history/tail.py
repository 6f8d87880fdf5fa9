"""The tail: what is committed or buffered but not merged yet, as a query sees it before the store."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

import msgspec

from hub.history import commit as commits
from hub.history.commit import Taken
from hub.history.editions import Edition, Editions
from hub.history.log import CommitLog, RecordLost
from hub.history.merge import Outlook
from hub.history.plan import Planner, SeriesPlan, Source
from hub.history.readers import Readers
from hub.history.readings import own_dates
from hub.history.state import SeriesState, State
from hub.plugins.codec import DamagedChunk
from hub.plugins.columns import empty_rollup, join_raw, select_raw, select_rollup
from hub.plugins.contract import RawColumns, RollupColumns, SeriesKey
from hub.telemetry.buffer import Buffer, Columns
from hub.telemetry.streams import Streams

REMEMBERED = 32  # outlets whose tail stays decoded; an hour of one takes 350 kB
HOT_PARTS = 900  # of 60 samples each, about 5.6 kB: an hour of 15 outlets
TOGETHER = 16  # outlets for which a commit is decoded at once
FAR_MS = 366 * 86_400_000
RAW_WITH = "15m"  # the tier of the plan of which samples are taken: whoever asks for them asks for their energy

Part = tuple[int, int, RawColumns]
"""session, stream number, samples"""

T = TypeVar("T")


class Remembering(Generic[T]):
    """The last few results of something slow."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._results: OrderedDict[Hashable, T] = OrderedDict()
        self._most = most

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """The remembered result, else a new one."""
        if key not in self._results:
            self._results[key] = make()
        self._results.move_to_end(key)
        while len(self._results) > self._most:
            self._results.popitem(last=False)
        return self._results[key]

    def clear(self) -> None:
        """Forget all."""
        self._results.clear()


class Unmerged(msgspec.Struct):
    """One commit of the log that is not merged yet. `raw`: its samples by stream, while they are held in memory.

    size: bytes of its payload, which stays in the log. serial: counts the commits of this hub run, those that were
    found in the log included.
    """

    log: CommitLog
    generation: int
    number: int
    session: int
    streams: frozenset[int]
    size: int
    at: int
    certain: bool
    raw: dict[int, RawColumns] | None = None
    serial: int = 0

    def read(self, only: Container[int] | None = None) -> commits.Commit:
        """The record, from the disk; with `only` the samples of at least these streams. Raises RecordLost, OSError."""
        payload = self.log.read(self.generation, self.number)
        try:
            return commits.decode(self.number, payload, only)
        except (DamagedChunk, msgspec.DecodeError) as error:
            raise RecordLost(str(error)) from error

    def decoded(self, numbers: frozenset[int]) -> Mapping[int, RawColumns]:
        """The samples of at least these streams. Raises RecordLost, OSError."""
        raw = self.raw
        return self.read(numbers).raw if raw is None else raw


class Pending(msgspec.Struct):
    """Samples that no commit holds yet, by stream number; `serial`: of the commit that will hold them.

    shift: what their own dates were to be shifted by when they were taken; None = the outlook's.
    """

    serial: int
    shift: int | None
    columns: dict[int, Columns]


class UnmergedTail:
    """Implements hub.telemetry.interface.Tail. All calls are made on the event loop."""

    def __init__(
        self,
        *,
        store: Source,
        state: State,
        streams: Streams,
        buffer: Buffer,
        outlook: Callable[[Iterable[SeriesKey]], Outlook],
        session: int,
        editions: Editions,
        readers: Readers,
    ) -> None:
        self.store = store
        self.state = state
        self.session = session
        self.editions = editions
        self.commits: list[Unmerged] = []
        """In order; history removes what is merged."""
        self.waiting: list[Taken] = []
        """What was taken out of the buffer for commits that are not written yet."""
        self._readers = readers
        self._streams = streams
        self._buffer = buffer
        self._outlook = outlook
        self._serial = 0
        self._hot = 0  # parts that are held undecoded of the newest commits
        self._remembered: Remembering[_Remembered] = Remembering()

    def add(self, commit: Unmerged) -> None:
        """A commit was made. The samples of the newest ones stay as they are: decoding an hour takes 100 ms."""
        self._serial += 1
        commit.serial = self._serial
        self.commits.append(commit)
        self._hot += len(commit.raw or ())
        for older in self.commits:
            if self._hot <= HOT_PARTS:
                break
            self._hot -= len(older.raw or ())
            older.raw = None

    def merged(self, through: int) -> None:
        """Everything up to this record of the log is in the store."""
        self.commits[:] = [commit for commit in self.commits if commit.number > through]
        self._hot = sum(len(commit.raw or ()) for commit in self.commits)

    def reset(self) -> None:
        """History begins again: nothing is unmerged."""
        self.commits.clear()
        self.waiting.clear()
        self._hot = 0

    def serial(self, through: int) -> int:
        """The serial of the last unmerged commit up to this record of the log."""
        return max((commit.serial for commit in self.commits if commit.number <= through), default=0)

    async def read(self, call: Callable[[], T]) -> T:
        """Call it in a reader thread."""
        return await self._readers.run(call)

    def snapshot(self, series: SeriesKey) -> "Snapshot":
        """The tail as it is now."""
        return self.snapshots([series])[0]

    def snapshots(self, series: Sequence[SeriesKey]) -> "list[Snapshot]":
        """The same of several outlets, to be read one after the other: they decode each commit once for many."""
        found: list[Snapshot] = []
        for at in range(0, len(series), TOGETHER):
            group = series[at : at + TOGETHER]
            outlook = self._outlook(group)
            shared = _Shared(outlook)
            for key in group:
                known = self._remembered.of(key, lambda: _Remembered(self.store, self.state))
                found.append(Snapshot(self, key, outlook, known, self._pending(outlook, key), shared=shared))
        return found

    def committed(self, series: SeriesKey, outlook: Outlook) -> "Snapshot":
        """The tail without what is not committed; shares nothing with other snapshots, so that it waits for none."""
        return Snapshot(self, series, outlook, _Remembered(self.store, self.state), [])

    def uncommitted(self, stream: int) -> Iterator[Columns]:
        """What no commit holds yet of this stream, oldest first; not copies."""
        for taken in self.waiting:
            if stream in taken.columns:
                yield taken.columns[stream]
        if (columns := self._buffer.of_stream(stream)) is not None:
            yield columns

    def _pending(self, outlook: Outlook, series: SeriesKey) -> list[Pending]:
        numbers = [run.number for run in outlook.runs.get(series, {}).values()]
        pending = [
            Pending(
                self._serial + place,
                taken.shift if taken.certain else None,
                {number: taken.columns[number] for number in numbers if number in taken.columns},
            )
            for place, taken in enumerate(self.waiting, 1)
        ]
        buffered = {n: _copy(columns) for n in numbers if (columns := self._buffer.of_stream(n)) is not None}
        pending.append(Pending(self._serial + len(self.waiting) + 1, None, buffered))
        return [part for part in pending if part.columns]


class Snapshot:
    """The tail of one outlet at one moment. Its methods block: they are called in threads.

    What is merged meanwhile is left out and read from the store instead: nothing is lost or counted twice.
    """

    def __init__(
        self,
        tail: UnmergedTail,
        series: SeriesKey,
        outlook: Outlook,
        known: "_Remembered",
        pending: list[Pending],
        *,
        shared: "_Shared | None" = None,
    ) -> None:
        self.series = series
        self.outlook = outlook
        self.commits = tail.commits.copy()
        self.ready: Mapping[int, Mapping[int, RawColumns]] = {}
        """Commits that were decoded for several outlets at once, by serial."""
        self.shared = shared
        self.numbers = frozenset(run.number for run in outlook.runs.get(series, {}).values())
        self._editions = tail.editions
        self._session = tail.session
        self._pending = pending
        self._known = known

    def raw(self, start: int, end: int) -> list[RawColumns]:
        """Unmerged samples with start <= at < end, one entry a stream."""
        chosen = [select_raw(part, (part.at >= start) & (part.at < end)) for part in self._of(RAW_WITH).raw]
        return [part for part in chosen if len(part.seq)]

    def buckets(self, tier: str, start: int, end: int) -> RollupColumns:
        """Whole new values of every bucket that unmerged samples touch; each replaces the store's."""
        whole = self._of(tier).rollups.get(tier)
        if whole is None:
            return empty_rollup()
        return select_rollup(whole, (whole.start >= start) & (whole.start < end))

    def plan(self) -> SeriesPlan:
        """What a merge would write now."""
        return self.with_plan(lambda plan: plan)

    def with_plan(self, read: Callable[[SeriesPlan], T], only: str | None = None) -> T:
        """What `read` makes of the plan (`only` as in Planner.plan) and of reads of store and state, all of one
        edition."""
        while True:
            edition = self._editions.settled(self.series)
            try:
                result = read(self._known.plan(edition, self._key(), only, partial(self._compute, edition, only)))
            except RecordLost:  # a log whose records are all merged begins anew, and the edition with it
                if self._editions.of(self.series) == edition:
                    raise
                continue
            if self._editions.of(self.series) == edition:
                return result

    def decoded(self, commit: Unmerged) -> Mapping[int, RawColumns]:
        """The samples of at least this outlet."""
        return commit.decoded(self.numbers) if self.shared is None else self.shared.decoded(commit)

    def _key(self) -> Hashable:
        last = self.commits[-1].serial if self.commits else 0
        return last, tuple((p.serial, n, len(c)) for p in self._pending for n, c in p.columns.items())

    def _of(self, tier: str) -> SeriesPlan:
        return self.with_plan(lambda plan: plan, tier)

    def _compute(self, edition: Edition, only: str | None) -> SeriesPlan:
        outlook, known = self.outlook, self._known
        runs = {run.number: run for run in outlook.runs.get(self.series, {}).values()}
        parts = [
            outlook.dated(runs[number], session, part)
            for session, number, part in known.committed(self, edition)
            if number in runs
        ]
        for pending in self._pending:
            if pending.serial > edition.through:
                for number, columns in pending.columns.items():
                    raw = columns.raw("")
                    if pending.shift is not None:
                        raw.at = own_dates(raw.at, pending.shift)
                    parts.append(outlook.dated(runs[number], self._session, raw))
        if not parts:
            return SeriesPlan(self.series, [], {}, {}, (0, 0), [], known.state(self.series))
        return outlook.plan(known.planner, self.series, parts, only)


def together(snapshots: Sequence[Snapshot]) -> Iterator[Snapshot]:
    """The same snapshots one after the other, for which each commit is decoded once for many. Blocking."""
    for at in range(0, len(snapshots), TOGETHER):
        group = snapshots[at : at + TOGETHER]
        numbers = frozenset[int]().union(*(snapshot.numbers for snapshot in group))
        ready = {
            commit.serial: commit.decoded(numbers)
            for commit in group[0].commits
            if commit.raw is None and not numbers.isdisjoint(commit.streams)
        }
        for snapshot in group:
            snapshot.ready = ready
            yield snapshot
            snapshot.ready = {}


class _Shared:
    """Commits that were decoded for the outlets of one question; called by its thread."""

    def __init__(self, outlook: Outlook) -> None:
        self._numbers = frozenset(run.number for runs in outlook.runs.values() for run in runs.values())
        self._decoded: dict[int, Mapping[int, RawColumns]] = {}

    def decoded(self, commit: Unmerged) -> Mapping[int, RawColumns]:
        """The samples of at least these outlets."""
        if commit.serial not in self._decoded:
            self._decoded[commit.serial] = commit.decoded(self._numbers)
        return self._decoded[commit.serial]


class _Remembered:
    """What reader threads keep of one outlet from one question to the next, all of one edition."""

    def __init__(self, store: Source, state: State) -> None:
        self._lock = threading.Lock()
        self._source = RememberingStore(store)
        self._state = state
        self.planner = Planner(self._source, state)
        self._edition = Edition()
        self._seen = 0  # serial
        self._parts: list[Part] = []
        self._plans: tuple[Hashable, dict[str | None, SeriesPlan]] = (None, {})  # by the only tier that they have

    def plan(self, edition: Edition, key: Hashable, only: str | None, make: Callable[[], SeriesPlan]) -> SeriesPlan:
        """The remembered plan, else a new one."""
        with self._lock:
            if self._edition != edition:
                self._edition, self._seen, self._parts, self._plans = edition, 0, [], (None, {})
                self._source.clear()
            if self._plans[0] != key:
                self._plans = key, {}
            plans = self._plans[1]
            if only not in plans:
                plans[only] = plans[None] if None in plans else make()
            return plans[only]

    def committed(self, snapshot: Snapshot, edition: Edition) -> list[Part]:
        """The samples of all commits that the edition does not hold; only what is new is decoded."""
        numbers, parts = snapshot.numbers, self._parts.copy()
        for commit in snapshot.commits:
            if commit.serial > max(self._seen, edition.through) and not numbers.isdisjoint(commit.streams):
                raw = snapshot.ready.get(commit.serial) or snapshot.decoded(commit)
                parts += [(commit.session, n, part) for n, part in raw.items() if n in numbers]
        if snapshot.commits and snapshot.commits[-1].serial > self._seen:
            self._seen, self._parts = snapshot.commits[-1].serial, _packed(parts)
        return self._parts

    def state(self, series: SeriesKey) -> SeriesState:
        """Where the merged history stands."""
        return self._state.series(series)


def _packed(parts: list[Part]) -> list[Part]:
    """One entry a hub run and stream."""
    groups: dict[tuple[int, int], list[RawColumns]] = {}
    for session, number, part in parts:
        groups.setdefault((session, number), []).append(part)
    return [(session, number, join_raw(same)) for (session, number), same in groups.items()]


def _copy(columns: Columns) -> Columns:
    """As it is now: copying arrays takes 2 us, putting them in order 50."""
    copy = Columns()
    for name in Columns.__slots__:
        if name != "extra":
            setattr(copy, name, getattr(columns, name)[:])
    if columns.extra is not None:
        copy.extra = {name: values[:] for name, values in columns.extra.items()}
    return copy


class RememberingStore:
    """The store's readings, asked for once until the next merge."""

    def __init__(self, store: Source) -> None:
        self._store = store
        self._raw: Remembering[list[RawColumns]] = Remembering(4)
        self._rollups: Remembering[RollupColumns] = Remembering(8)

    def clear(self) -> None:
        """The store has changed."""
        self._raw.clear()
        self._rollups.clear()

    def read(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """As HistoryStore.read."""
        # The end moves with every sample, but the store holds little behind the merge: one reading serves for long.
        parts = self._raw.of((series, start), lambda: self._store.read(series, start, start + FAR_MS))
        return [part for part in (select_raw(p, p.at < end) for p in parts) if len(part.seq)]

    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None:
        """As HistoryStore.read_stream."""
        return self._store.read_stream(series, run, seq_from, seq_to)

    def rollup(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns:
        """As HistoryStore.rollup."""
        return self._rollups.of((series, tier, start, end), lambda: self._store.rollup(series, tier, start, end))
