"""The merge: moves what the log holds into the store, in steps of which each can be repeated after a crash."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from hub.history import commit as commits
from hub.history.editions import Editions
from hub.history.gaps import Causes, Outage
from hub.history.log import CommitLog, LogFull
from hub.history.plan import Planner, SeriesPlan
from hub.history.readings import Run, Traits
from hub.history.retention import Retention
from hub.history.state import Merged, SeriesChange, State, StreamKnown, StreamRow
from hub.plugins.codec import decode_rollup, encode_rollup
from hub.plugins.columns import join_raw
from hub.plugins.contract import HistoryStore, Merge, RawColumns, RollupColumns, SeriesKey
from hub.telemetry.offsets import Point
from hub.telemetry.ranges import Range
from hub.telemetry.streams import Stream

log = logging.getLogger("hub.history.merge")

INTENT = 2
"""Kind of an intent's record in the log."""
GROUP = 16  # outlets that are merged in one transaction: bounds the memory that a merge takes

Records = Sequence[tuple[int, bytes]]
"""Commits of the log: number, payload."""

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


class Round(msgspec.Struct):
    """One merge of the log's commits up to `through`, with the streams as they stood then."""

    through: int
    sessions: list[int]
    mark: int
    streams: list[StreamRow]
    numbers: set[int]  # streams of which the commits say something
    intents: list[Intent] = []


class Outlook(msgspec.Struct):
    """What planning needs to know besides the samples."""

    runs: Mapping[SeriesKey, Mapping[str, Run]]
    traits: Mapping[SeriesKey, Traits]
    outages: Sequence[Outage]
    damaged: Sequence[Outage]
    now: int
    shift: tuple[int, int] | None
    retention: Callable[[SeriesKey], Retention]

    def plan(self, planner: Planner, series: SeriesKey, new: Sequence[RawColumns]) -> SeriesPlan:
        """The plan of one outlet."""
        runs, retention = self.runs.get(series, {}), self.retention(series)
        return planner.plan(
            series,
            new,
            runs,
            self.traits.get(series, Traits()),
            Causes(runs, self.outages, self.damaged),
            horizon=self.now - retention.answered("raw"),
            minutes_from=self.now - retention.answered("1m"),
        )

    def dated(self, run: Run, session: int, part: RawColumns) -> RawColumns:
        """Samples of a commit of that hub run, with their dates."""
        return run.dated(part, self.shift[1] if self.shift is not None and self.shift[0] == session else None)


class Result(msgspec.Struct):
    """What a merge did."""

    series: list[SeriesKey] = []
    gaps: set[str] = set()  # devices whose gaps changed
    dropped: dict[str, int] = {}  # device -> counter readings that were passed over


class Merger:
    """Runs rounds. Blocking; all calls in history's worker thread."""

    def __init__(self, log: CommitLog, store: HistoryStore, state: State, editions: Editions) -> None:
        self._log = log
        self._store = store
        self._state = state
        self._editions = editions
        self._planner = Planner(store, state)

    def run(self, round: Round, records: Records, outlook: Outlook, serial: int) -> Result:
        """Write everything up to the round's last commit, which has this serial. Raises OSError, StoreError; may then
        be run again."""
        result = Result()
        mine = [record for record in records if record[0] <= round.through]
        for intent in round.intents:
            self._put(intent, self._named(intent, mine), result, serial)
        done = {SeriesKey(change.device, change.channel) for intent in round.intents for change in intent.changes}
        for group in _groups(sorted(_series(outlook, round.numbers) - done)):
            intent, raw = self._intend(group, round, mine, outlook, result)
            self._announce(intent)
            round.intents.append(intent)
            self._put(intent, raw, result, serial)
        self._state.finish(Merged(self._log.generation, round.through, round.sessions), round.mark, round.streams)
        return result

    def _intend(
        self, group: Sequence[SeriesKey], round: Round, records: Records, outlook: Outlook, result: Result
    ) -> tuple[Intent, Raw]:
        runs = {run.number: (series, run) for series in group for run in outlook.runs.get(series, {}).values()}
        new: dict[SeriesKey, list[RawColumns]] = {series: [] for series in group}
        for commit in _decoded(records, runs.keys() & round.numbers):
            for number, part in commit.raw.items():
                if number in runs:
                    series, run = runs[number]
                    new[series].append(outlook.dated(run, commit.session, part))
        intent = Intent(round.through, outlook.shift, {}, {}, [], [])
        raw: Raw = []
        for series in group:
            plan = outlook.plan(self._planner, series, new.pop(series))
            result.series.append(series)
            raw += [(series, part) for part in plan.raw]
            if plan.dropped:
                result.dropped[series.device] = result.dropped.get(series.device, 0) + plan.dropped
            before = self._state.series(series)
            for tier, columns in plan.rollups.items():
                name = (series.device, series.channel, tier)
                intent.rollups.append((*name, encode_rollup(columns), plan.removed[tier]))
            intent.changes.append(SeriesChange(series.device, series.channel, plan.span, plan.gaps, plan.state))
            for run in outlook.runs.get(series, {}).values():
                late = before.undated.get(run.number, []) if run.points else []
                if late:
                    intent.late[run.number] = late
                if late or run.number in round.numbers:
                    intent.streams[run.number] = (series.device, series.channel, run.run, list(run.points))
        return intent, raw

    def _announce(self, intent: Intent) -> None:
        try:
            self._log.append(INTENT, msgspec.msgpack.encode(intent))
        except LogFull as error:
            # Merging is what makes room again; without the intent a crash costs only computing it anew.
            log.warning("merging without an intent: %s", error)

    def _put(self, intent: Intent, raw: Raw, result: Result, serial: int) -> None:
        """Write what was intended into store and state."""
        rollups: list[tuple[SeriesKey, str, RollupColumns]] = []
        removed = []
        for device, channel, tier, data, starts in intent.rollups:
            series = SeriesKey(device, channel)
            rollups.append((series, tier, decode_rollup(data)))
            removed += [(series, tier, start) for start in starts]
        outlets = {SeriesKey(change.device, change.channel) for change in intent.changes}
        with self._editions.change(outlets, serial):
            self._store.merge(Merge(raw, rollups, removed))
            self._state.apply(intent.changes)
        result.gaps.update(change.device for change in intent.changes if change.gaps or change.span != (0, 0))

    def _named(self, intent: Intent, records: Records) -> Raw:
        """The raw samples that an intent names."""
        parts: dict[int, list[RawColumns]] = {}
        names = {
            number: (SeriesKey(device, channel), Run(number, run, 0, "", points=points))
            for number, (device, channel, run, points) in intent.streams.items()
        }
        for number, ranges in intent.late.items():
            series, run = names[number]
            for first, last in ranges:
                part = self._store.read_stream(series, run.run, first, last)
                if part is not None:
                    parts.setdefault(number, []).append(run.dated(part))
        for commit in _decoded(records, names):
            shift = intent.shift[1] if intent.shift is not None and intent.shift[0] == commit.session else None
            for number, part in commit.raw.items():
                if number in names:
                    parts.setdefault(number, []).append(names[number][1].dated(part, shift))
        return [(names[number][0], join_raw(streams)) for number, streams in parts.items()]


def decode_intent(payload: bytes) -> Intent:
    """An intent's record read back. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(payload, type=Intent)


def describe(stream: Stream) -> Run:
    """A stream as planning sees it."""
    return Run(
        number=stream.number,
        run=stream.run,
        order=0 if stream.order is None else stream.order,
        hardware=stream.hardware,
        reason=stream.reason,
        points=stream.offsets.wall.known(),
        notes=tuple(stream.notes),
    )


def row(stream: Stream) -> StreamRow:
    """A stream as the state keeps it: with what is durable."""
    durable = stream.durable
    notes = [note for note in stream.notes if note[0] in durable]
    wall = stream.offsets.wall
    known = StreamKnown(list(durable), notes, wall.points.copy(), wall.provisional())
    return StreamRow(
        stream.number, stream.device, stream.channel, stream.run, stream.hardware, stream.order, stream.reason, known
    )


def _series(outlook: Outlook, numbers: set[int]) -> set[SeriesKey]:
    return {series for series, runs in outlook.runs.items() if any(run.number in numbers for run in runs.values())}


def _groups(series: Sequence[SeriesKey]) -> Iterator[Sequence[SeriesKey]]:
    for at in range(0, len(series), GROUP):
        yield series[at : at + GROUP]


def _decoded(records: Records, numbers: Iterable[int]) -> Iterator[commits.Commit]:
    wanted = set(numbers)
    for number, payload in records:
        yield commits.decode(number, payload, wanted)
