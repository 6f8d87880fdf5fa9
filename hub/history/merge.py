"""The merge: moves what the log holds into the store, in steps of which each can be repeated after a crash."""

import logging
import threading
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import msgspec

from hub.history import commit as commits
from hub.history.editions import NEVER, Editions
from hub.history.gaps import GapRecord
from hub.history.log import CommitLog, LogFull
from hub.history.outlook import Outlook
from hub.history.plan import FOREVER, Planner
from hub.history.readings import Run
from hub.history.state import Merged, SeriesChange, State, StreamRow
from hub.plugins.codec import decode_rollup, encode_rollup
from hub.plugins.columns import join_raw, select_rollup
from hub.plugins.contract import HistoryStore, Merge, RawColumns, RollupColumns, SeriesKey, TransactionalStore
from hub.telemetry.offsets import Point
from hub.telemetry.ranges import Range

log = logging.getLogger("hub.history.merge")

INTENT = 2
"""Kind of an intent's record in the log."""
GROUP_BYTES = 128 << 10  # of the log, about 64,000 samples: what is decoded at once bounds a merge's memory
PIECE = 8192  # buckets that are encoded at once
MOST_BUCKETS = 20_000  # that are given to the store at once: one outlet's years, or some hours of hundreds
BATCH_BYTES = 4 << 20  # of the log that become one transaction of the store, which it may hold in memory


class BrokenOff(Exception):
    """The hub is ending. What is not in the store is in the log, and the next start goes on with it."""


class Logged(Protocol):
    """A commit of the log, read from the disk when it is asked for."""

    number: int
    size: int  # bytes

    def read(self, only: Container[int] | None = None) -> commits.Commit:
        """The commit; with `only` the samples of at least these streams."""


Records = Sequence[Logged]
Raw = list[tuple[SeriesKey, RawColumns]]


class Intent(msgspec.Struct, array_like=True):
    """What history is about to write, so that it can be written again and not computed again.

    Raw samples are named by their place: those of `streams` in the log's commits up to `through`, and the seqs of
    `late` in the store, with the offsets by which they are dated.
    """

    through: int
    shift: tuple[int, int] | None  # session, monotonic ms + this = Unix ms
    streams: dict[int, tuple[str, int, str, list[Point]]]  # number -> device, channel, run, offsets
    late: dict[int, list[Range]]
    rollups: list[tuple[str, int, str, bytes, list[int]]]  # device, channel, tier, whole buckets, starts removed
    changes: list[SeriesChange]
    arrived: int = FOREVER  # as Run.dated


class Round(msgspec.Struct):
    """One merge of the log's commits up to `through`, with the streams as they stood then."""

    through: int
    sessions: list[int]
    mark: int
    streams: list[StreamRow]
    numbers: set[int]  # streams of which the commits say something
    intents: list[Intent] = []


class Result(msgspec.Struct):
    """What a merge did."""

    series: list[SeriesKey] = []
    gaps: set[str] = set()  # devices whose gaps changed
    dropped: dict[str, int] = {}  # device -> counter readings that were passed over


class Work(NamedTuple):
    """A round that is being run."""

    round: Round
    records: Records
    outlook: Outlook
    result: Result


class _Change:
    """What is given to the store at once, while it is put together."""

    def __init__(self, raw: Raw | None = None) -> None:
        self.raw: Raw = raw or []
        self.buckets = 0
        self._rollups: list[tuple[SeriesKey, str, RollupColumns]] = []
        self._removed: list[tuple[SeriesKey, str, int]] = []

    def add(self, series: SeriesKey, tier: str, columns: RollupColumns, removed: Iterable[int]) -> None:
        """Buckets of one tier, and the starts of those that are no more."""
        self.buckets += len(columns.start)
        self._rollups.append((series, tier, columns))
        self._removed += [(series, tier, start) for start in removed]

    def made(self) -> Merge:
        """All of it."""
        return Merge(self.raw, self._rollups, self._removed)


class Singly:
    """A store that knows no transactions of many merges: each is made when they are committed."""

    def __init__(self, store: HistoryStore) -> None:
        self._store = store
        self._changes: list[Merge] = []

    @contextmanager
    def together(self) -> Iterator[None]:
        """Forgets what was not committed."""
        self._changes.clear()
        try:
            yield
        finally:
            self._changes.clear()

    def merge(self, change: Merge) -> None:
        """Remember it."""
        self._changes.append(change)

    def commit(self) -> None:
        """Make them all."""
        for change in self._changes:
            self._store.merge(change)
        self._changes.clear()


class Merger:
    """Runs rounds. Blocking; all calls in history's worker thread."""

    def __init__(self, log: CommitLog, store: HistoryStore, state: State, editions: Editions) -> None:
        self._log = log
        self._store: TransactionalStore = store if isinstance(store, TransactionalStore) else Singly(store)
        self._batch_bytes = BATCH_BYTES if self._store is store else 0
        self._read_stream = store.read_stream
        self._state = state
        self._editions = editions
        self._planner = Planner(store, state, pause=self._pause)
        self._ending = threading.Event()

    def break_off(self) -> None:
        """End the round that runs, and let no other begin. Called from any thread."""
        self._ending.set()

    def run(self, round: Round, records: Records, outlook: Outlook, serial: int) -> Result:
        """Write everything up to the round's last commit, which has this serial. Raises OSError, StoreError, BrokenOff;
        may then be run again."""
        result = Result()
        mine = [record for record in records if record.number <= round.through]
        for intent in round.intents:
            self._repeat(intent, mine, result, serial)
        done = {SeriesKey(change.device, change.channel) for intent in round.intents for change in intent.changes}
        outlets = _in_order(outlook, round.numbers, done)
        each = sum(record.size for record in mine) // max(len(outlets), 1) + 1  # bytes of an outlet
        group = max(GROUP_BYTES // each, 1)
        work = Work(round, mine, outlook, result)
        for part in _parts(outlets, max(self._batch_bytes // each, group)):
            intent = Intent(round.through, outlook.shift, {}, {}, [], [], outlook.arrived)
            with self._store.together():
                for some in _parts(part, group):
                    for change in self._intend(some, intent, work):
                        self._store.merge(change)
                # Before the store holds any of it for good: what it then may hold and the state not yet is repeated.
                self._announce(intent)
                round.intents.append(intent)
                self._commit(intent, result, serial, round if part[-1] == outlets[-1] else None)
        if not outlets:
            self._state.finish(*self._finished(round))
        return result

    def _finished(self, round: Round) -> tuple[Merged, int, list[StreamRow]]:
        return Merged(self._log.generation, round.through, round.sessions), round.mark, round.streams

    def _intend(self, group: Sequence[SeriesKey], intent: Intent, work: "Work") -> Iterator[Merge]:
        """What is to be written of these outlets, no more than one long plan at a time; the intent learns how to find
        it again."""
        round, records, outlook, result = work
        runs = {run.number: (series, run) for series in group for run in outlook.runs.get(series, {}).values()}
        new: dict[SeriesKey, list[RawColumns]] = {series: [] for series in group}
        for commit in self._decoded(records, runs.keys() & round.numbers):
            for number, part in commit.raw.items():
                if number in runs:
                    series, run = runs[number]
                    new[series].append(outlook.dated(run, commit.session, part))
        change = _Change()
        for series in group:
            self._pause()
            plan = outlook.plan(self._planner, series, new.pop(series))
            result.series.append(series)
            if plan.dropped:
                result.dropped[series.device] = result.dropped.get(series.device, 0) + plan.dropped
            before = self._state.series(series)
            change.raw += [(series, part) for part in plan.raw]
            for tier, columns in plan.rollups.items():
                removed = plan.removed[tier]
                for piece in _pieces(columns):
                    intent.rollups.append((series.device, series.channel, tier, encode_rollup(piece), removed))
                    removed = []
                change.add(series, tier, columns, plan.removed[tier])
            intent.changes.append(SeriesChange(series.device, series.channel, plan.span, plan.gaps, plan.state))
            for run in outlook.runs.get(series, {}).values():
                late = before.undated.get(run.number, []) if run.points else []
                if late:
                    intent.late[run.number] = late
                if late or run.number in round.numbers:
                    intent.streams[run.number] = (series.device, series.channel, run.run, list(run.points))
            if change.buckets > MOST_BUCKETS:
                yield change.made()
                del plan  # or it would be held while the next one is computed
                change = _Change()
        yield change.made()

    def _announce(self, intent: Intent) -> None:
        try:
            self._log.append(INTENT, msgspec.msgpack.encode(intent))
        except LogFull as error:
            # Merging is what makes room again; without the intent a crash costs only computing it anew.
            log.warning("merging without an intent: %s", error)

    def _repeat(self, intent: Intent, records: Records, result: Result, serial: int) -> None:
        """Write again what was intended, whether or not the store has it."""
        outlets = [SeriesKey(change.device, change.channel) for change in intent.changes]
        group = max(GROUP_BYTES * len(outlets) // (sum(record.size for record in records) + 1), 1)
        with self._store.together():
            for some in _parts(outlets, group):
                change = _Change(self._named(intent, some, records))
                for device, channel, tier, data, removed in intent.rollups:
                    if SeriesKey(device, channel) in some:
                        change.add(SeriesKey(device, channel), tier, decode_rollup(data), removed)
                        if change.buckets > MOST_BUCKETS:
                            self._store.merge(change.made())
                            change = _Change()
                self._store.merge(change.made())
            self._commit(intent, result, serial, None)

    def _commit(self, intent: Intent, result: Result, serial: int, finished: Round | None) -> None:
        """Store and state take up together what was merged. finished: the round of which this was the last part."""
        outlets = {SeriesKey(change.device, change.channel) for change in intent.changes}
        differing = {change.device for change in intent.changes if self._differs(change)}
        with self._editions.change(outlets, serial, _earliest(intent)):
            self._store.commit()
            if finished is None:
                self._state.apply(intent.changes)
            else:
                self._state.finish(*self._finished(finished), intent.changes)
        result.gaps |= differing

    def _differs(self, change: SeriesChange) -> bool:
        """Are its gaps others than the state has?"""
        low, high = change.span
        known = self._state.gaps(SeriesKey(change.device, change.channel), low, high)
        replaced = [gap for gap in known if low <= gap.start and gap.end is not None and gap.end <= high]
        return set(map(_seen, replaced)) != set(map(_seen, change.gaps))

    def _named(self, intent: Intent, outlets: Sequence[SeriesKey], records: Records) -> Raw:
        """The raw samples of these outlets that an intent names."""
        parts: dict[int, list[RawColumns]] = {}
        names = {
            number: (SeriesKey(device, channel), Run(number, run, 0, "", points=points))
            for number, (device, channel, run, points) in intent.streams.items()
            if SeriesKey(device, channel) in outlets
        }
        for number, ranges in intent.late.items():
            if number not in names:
                continue
            series, run = names[number]
            for first, last in ranges:
                part = self._read_stream(series, run.run, first, last)
                if part is not None:
                    parts.setdefault(number, []).append(run.dated(part, arrived=intent.arrived))
        for commit in self._decoded(records, names):
            shift = intent.shift[1] if intent.shift is not None and intent.shift[0] == commit.session else None
            for number, part in commit.raw.items():
                if number in names:
                    dated = names[number][1].dated(part, shift, arrived=intent.arrived)
                    parts.setdefault(number, []).append(dated)
        return [(names[number][0], join_raw(streams)) for number, streams in parts.items()]

    def _decoded(self, records: Records, numbers: Iterable[int]) -> Iterator[commits.Commit]:
        wanted = set(numbers)
        for record in records:
            self._pause()
            yield record.read(wanted)

    def _pause(self) -> None:
        if self._ending.is_set():
            raise BrokenOff


def decode_intent(payload: bytes) -> Intent:
    """An intent's record read back. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(payload, type=Intent)


def _in_order(outlook: Outlook, numbers: set[int], done: set[SeriesKey]) -> list[SeriesKey]:
    """The outlets that are left to do, by stream number: neighbours stand in the same chunks of a commit."""
    first: dict[SeriesKey, int] = {}
    for series, runs in outlook.runs.items():
        touched = [run.number for run in runs.values() if run.number in numbers]
        if touched and series not in done:
            first[series] = min(touched)
    return sorted(first, key=first.__getitem__)


def _parts(series: Sequence[SeriesKey], size: int) -> Iterator[Sequence[SeriesKey]]:
    for at in range(0, len(series), size):
        yield series[at : at + size]


def _pieces(columns: RollupColumns) -> Iterator[RollupColumns]:
    """The same buckets, few at a time; at least one piece."""
    for at in range(0, max(len(columns.start), 1), PIECE):
        yield select_rollup(columns, slice(at, at + PIECE))


def _seen(gap: GapRecord) -> tuple[int, int | None, str, float | None]:
    """What people are told of it."""
    return gap.start, gap.end, gap.cause, gap.energy_mwh


def _earliest(intent: Intent) -> dict[SeriesKey, int]:
    """The first bucket of each outlet that changes."""
    first: dict[SeriesKey, int] = {}
    begun = set()
    for device, channel, tier, data, removed in intent.rollups:
        series = SeriesKey(device, channel)
        if (series, tier) not in begun:  # what follows of a tier is later
            begun.add((series, tier))
            start = min([*removed, *decode_rollup(data).start[:1].tolist()], default=NEVER)
            first[series] = min(first.get(series, NEVER), start)
    return first
