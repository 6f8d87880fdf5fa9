"""The tail: what is committed or buffered but not merged yet, as a query sees it after the store."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

import msgspec

from hub.history import commit as commits
from hub.history.merge import Outlook
from hub.history.plan import Planner, SeriesPlan, Source
from hub.history.state import SeriesState, State
from hub.plugins.columns import empty_rollup, join_raw, select_raw, select_rollup
from hub.plugins.contract import TIERS, RawColumns, RollupColumns, SeriesKey
from hub.telemetry.buffer import Buffer
from hub.telemetry.streams import Streams

REMEMBERED = 16  # outlets whose tail stays decoded
HOT_PARTS = 900  # of 60 samples each, about 5.6 kB: an hour of 15 outlets
FAR_MS = 366 * 86_400_000

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
            self.put(key, make())
        self._results.move_to_end(key)
        return self._results[key]

    def put(self, key: Hashable, value: T) -> None:
        """Remember this in place of what was known."""
        self._results[key] = value
        while len(self._results) > self._most:
            self._results.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._results.clear()


class Unmerged(msgspec.Struct):
    """One commit of the log that is not merged yet. `raw`: its samples by stream, while they are held in memory."""

    number: int
    session: int
    streams: frozenset[int]
    payload: bytes
    at: int
    certain: bool
    raw: dict[int, RawColumns] | None = None


class UnmergedTail:
    """Implements hub.telemetry.interface.Tail. All calls are made on the event loop, but for `prepare`."""

    def __init__(
        self,
        *,
        store: Source,
        state: State,
        streams: Streams,
        buffer: Buffer,
        outlook: Callable[[Iterable[SeriesKey]], Outlook],
        session: int,
    ) -> None:
        self._source = RememberingStore(store)
        self._planner = Planner(self._source, state)
        self._state = state
        self._streams = streams
        self._buffer = buffer
        self._outlook = outlook
        self._session = session
        self.commits: list[Unmerged] = []
        """In order; history removes what is merged."""
        self._hot = 0  # parts that are held undecoded of the newest commits
        self._decoded: Remembering[tuple[int, list[Part]]] = Remembering()
        self._plans: Remembering[SeriesPlan] = Remembering()

    def add(self, commit: Unmerged) -> None:
        """A commit was made. The samples of the newest ones stay as they are: decoding an hour takes 100 ms."""
        self.commits.append(commit)
        self._hot += len(commit.raw or ())
        for older in self.commits:
            if self._hot <= HOT_PARTS:
                break
            self._hot -= len(older.raw or ())
            older.raw = None

    def merged(self) -> None:
        """The store has changed: forget everything that was read from it."""
        self._hot = sum(len(commit.raw or ()) for commit in self.commits)
        self._decoded.clear()
        self._plans.clear()
        self._source.clear()

    def merged_until(self, series: SeriesKey) -> int:
        """Buckets that start before this are complete in the store unless listed by `buckets`."""
        plan = self.plan(series)
        if plan.rollups:
            return plan.span[0] // max(TIERS.values()) * max(TIERS.values())
        head = self._state.series(series).head
        return 0 if head is None else head.at + 1

    def raw(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """Unmerged samples with start <= at < end, one entry a stream."""
        chosen = [select_raw(part, (part.at >= start) & (part.at < end)) for part in self.plan(series).raw]
        return [part for part in chosen if len(part.seq)]

    def buckets(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns:
        """Whole new values of every bucket that unmerged samples touch; each replaces the store's."""
        whole = self.plan(series).rollups.get(tier)
        if whole is None:
            return empty_rollup()
        return select_rollup(whole, (whole.start >= start) & (whole.start < end))

    def plan(self, series: SeriesKey) -> SeriesPlan:
        """What a merge would write now, the buffer included."""
        streams = {stream.number: stream.run for stream in self._streams.of_series(series)}
        buffered = {n: len(c) for n in streams if (c := self._buffer.of_stream(n)) is not None}
        last = self.commits[-1].number if self.commits else 0
        key = (series, last, tuple(buffered.items()))
        return self._plans.of(key, lambda: self._compute(series, set(streams), buffered))

    def state(self, series: SeriesKey) -> SeriesState:
        """Where the history of this outlet would stand after a merge."""
        return self.plan(series).state

    def _compute(self, series: SeriesKey, numbers: set[int], buffered: dict[int, int]) -> SeriesPlan:
        outlook = self._outlook([series])
        runs = {run.number: run for run in outlook.runs.get(series, {}).values()}
        parts = [
            outlook.dated(runs[number], session, part)
            for session, number, part in self._committed(series, numbers)
            if number in runs
        ]
        for number in buffered:
            columns = self._buffer.of_stream(number)
            if columns is not None and number in runs:
                parts.append(outlook.dated(runs[number], self._session, columns.raw("")))
        if not parts:
            return SeriesPlan(series, [], {}, {}, (0, 0), [], self._state.series(series))
        return outlook.plan(self._planner, series, parts)

    def _committed(self, series: SeriesKey, numbers: set[int]) -> list[Part]:
        """The samples of all commits; only what is new since the last call is decoded."""
        seen, known = self._decoded.of(series, lambda: (0, []))
        parts = known.copy()
        for unmerged in self.commits:
            if unmerged.number > seen and not numbers.isdisjoint(unmerged.streams):
                raw = unmerged.raw
                if raw is None:
                    raw = commits.decode(unmerged.number, unmerged.payload, numbers).raw
                parts += [(unmerged.session, n, part) for n, part in raw.items() if n in numbers]
        if self.commits and self.commits[-1].number > seen:
            parts = _packed(parts)
            self._decoded.put(series, (self.commits[-1].number, parts))
        return parts


def _packed(parts: list[Part]) -> list[Part]:
    """One entry a hub run and stream."""
    groups: dict[tuple[int, int], list[RawColumns]] = {}
    for session, number, part in parts:
        groups.setdefault((session, number), []).append(part)
    return [(session, number, join_raw(same)) for (session, number), same in groups.items()]


class RememberingStore:
    """The store's readings, asked for once until the next merge."""

    def __init__(self, store: Source) -> None:
        self._store = store
        self._raw: Remembering[list[RawColumns]] = Remembering()
        self._rollups: Remembering[RollupColumns] = Remembering(4 * REMEMBERED)

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
