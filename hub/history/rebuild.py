"""Rebuilding: history's state from what the store holds, and rollups from the raw samples that are still there."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set

import msgspec
import numpy as np

from hub.history import commit as commits
from hub.history.calendar import DAY
from hub.history.gaps import Causes, GapRecord, find
from hub.history.held import Found, Held, in_order, span_of
from hub.history.log import CommitLog
from hub.history.minutes import is_minutes
from hub.history.plan import EVERYTHING, WIDEST, Planner, later, longest_ms, starts
from hub.history.readings import End, Run, Traits, arrange
from hub.history.rollups import flow
from hub.history.state import SeriesChange, SeriesState, State, StreamKnown, StreamRow
from hub.history.takeover import parts_of, unhurried
from hub.history.thinned import Thinned, around
from hub.history.whole import Samples, Whole, runs_of
from hub.plugins.codec import DamagedChunk
from hub.plugins.columns import ROLLUP_ARRAYS, chosen_raw
from hub.plugins.contract import (
    MINUTES,
    NONE,
    TIERS,
    HistoryStore,
    Int64,
    Merge,
    RawColumns,
    RollupColumns,
    SeriesKey,
)
from hub.telemetry.ranges import Range, Ranges
from hub.telemetry.stream import StreamDelta
from hub.telemetry.streams import ORDER_STEP

FOREVER = (1 << 62) - 1
GAPS = frozenset({"gaps"})  # buckets, which are most of the work, are in the store
MOST_HELD = 500_000  # samples of all outlets that decide about gaps, some 45 MB; a gap takes ten of them

Place = tuple[int, str, StreamKnown]
"""Of a run in an outlet: what its order goes by, its name, what is kept of it."""
Told = Mapping[SeriesKey, Mapping[str, Sequence[Range]]]

log = logging.getLogger("hub.history.rebuild")


class Rebuilt(msgspec.Struct):
    """What was rebuilt: streams, outlets, gaps found between raw samples, buckets written."""

    streams: int = 0
    outlets: int = 0
    gaps: int = 0
    buckets: int = 0


def named_in(log_file: CommitLog) -> dict[tuple[str, int, str], StreamDelta]:
    """The streams that the log names, by (device, channel, run): their numbers stand in its records."""
    found: dict[tuple[str, int, str], StreamDelta] = {}
    for kind, number, payload in log_file.records():
        if kind == commits.COMMIT:
            try:
                deltas = commits.decode(number, payload, ()).streams
            except (DamagedChunk, msgspec.DecodeError):
                continue  # recovery counts it
            found |= {delta.name[:3]: delta for delta in deltas if delta.name is not None}
    return found


class Rebuilder:
    """Blocking, in one thread while nobody merges. `hardware`: the hardware_id that a device has now.

    Why a run began, and why samples were refused, stood in the state alone: the causes of old gaps become unknown,
    and gaps older than the raw samples are lost.
    """

    def __init__(
        self,
        store: HistoryStore,
        contents: Mapping[SeriesKey, Iterable[str]],
        state: State,
        traits: Callable[[SeriesKey], Traits],
        hardware: Callable[[str], str],
        *,
        pause: Callable[[], None] = unhurried,
    ) -> None:
        """pause: called after each piece of work; what it raises ends it."""
        self._pause = pause
        self._store = store
        self._contents = contents
        self._state = state
        self._planner = Planner(store, state)
        self._traits = traits
        self._hardware = hardware
        self.rebuilt = Rebuilt(outlets=len(contents))
        self._found: dict[SeriesKey, Found] = {}
        self.complete = False
        """Is everything read?"""
        self.samples = 0
        """That were read so far."""
        self.reopened: dict[int, list[Range]] = {}
        """Seqs of lost samples, which may come again, by number of the stream."""

    def outline(self, named: Mapping[tuple[str, int, str], StreamDelta], told: Told) -> None:
        """Note which samples there are and where each outlet ends, almost without reading any: enough to go on
        receiving, until `read` and `state` make the rest. told: what ListingStore.seqs says. Raises OSError,
        StoreError."""
        found: dict[SeriesKey, list[Place]] = {}
        changes = []
        for series, runs in self._contents.items():
            places: list[Place] = []
            for place, run in enumerate(runs):
                if is_minutes(run):
                    settled = list(self._look(series, run).settled)
                else:
                    settled = list(told.get(series, {}).get(run, ()))
                if settled:
                    places.append((place, run, StreamKnown(settled, [], [])))
            found[series] = places
            state = SeriesState(head=self._head(series, places))
            changes.append(SeriesChange(series.device, series.channel, (0, 0), [], state))
        self._state.begin_anew()
        self._state.put(self._numbered(found, named, 0))
        self._state.apply(changes)

    def read(self) -> None:
        """Read every sample, once: the state then takes no time. Raises OSError, StoreError."""
        held = 0
        for series, runs in self._contents.items():
            samples: Thinned | None = Thinned(self._traits(series))
            near: dict[str, list[Int64]] = {}
            looks = {}
            for run in in_order(runs):
                look = looks[run] = Held()
                for part in parts_of(self._store, series, run):
                    look.take(run, part)
                    if samples is not None:
                        _thin_out(samples, part, near)
                        if held + samples.held > MOST_HELD:
                            samples = None
                    self.samples += len(part.seq)
                    self._pause()
                look.finish()
            held += 0 if samples is None else samples.held
            quarters = self._store.rollup(series, "15m", 0, FOREVER, brief=True).start
            ends = (int(quarters[0]), int(quarters[-1])) if len(quarters) else None
            self._found[series] = Found(looks, samples, ends)
        self.complete = True

    def state(self, named: Mapping[tuple[str, int, str], StreamDelta], *, above: int = 0) -> None:
        """Fill the state, which is complete once all of it is done: one that was broken off begins anew. `named`:
        streams that have a number already; `above`: so many numbers after theirs stay free. Raises OSError, StoreError.
        """
        if not self.complete:
            self.read()
        places = {
            series: [
                (held.first, run, StreamKnown(list(held.settled), [], held.points))
                for run, held in found.runs.items()
                if held.settled
            ]
            for series, found in self._found.items()
        }
        rows = self._numbered(places, named, above)
        self._state.begin_anew()
        self._state.put(rows)
        self.rebuilt.streams = len(rows)
        self._state.apply(
            [
                self._series(series, [row for row in rows if SeriesKey(row.device, row.channel) == series], found)
                for series, found in self._found.items()
            ]
        )
        self._state.completed()

    def _numbered(
        self,
        places: Mapping[SeriesKey, list[Place]],
        named: Mapping[tuple[str, int, str], StreamDelta],
        above: int,
    ) -> list[StreamRow]:
        """The runs of each outlet in their order, under the numbers that they have, or new ones."""
        number = max((delta.number for delta in named.values()), default=0) + above
        rows: list[StreamRow] = []
        for series, found in places.items():
            found.sort(key=lambda each: each[:2])
            deltas = [named.get((series.device, series.channel, run)) for _, run, _ in found]
            orders = [delta.order for delta in deltas if delta is not None and delta.order is not None]
            first = (min(orders) // ORDER_STEP if orders else len(found) + 1) - len(found)
            for k, (delta, (_, run, known)) in enumerate(zip(deltas, found, strict=True)):
                row = StreamRow(0, series.device, series.channel, run, "", (first + k) * ORDER_STEP, None, known)
                if delta is None:
                    number += 1
                    row.number, row.hardware = number, self._hardware(series.device)
                elif delta.name is not None:
                    row.number, row.hardware, row.reason = delta.number, delta.name[3], delta.reason
                    row.order = row.order if delta.order is None else delta.order
                rows.append(row)
        return rows

    def _head(self, series: SeriesKey, places: Iterable[Place]) -> End | None:
        """The last sample of the newest run, None where it has no date."""
        samples = [(run, known.settled[-1][1]) for _, run, known in places if not is_minutes(run)]
        part = self._store.read_stream(series, samples[-1][0], samples[-1][1], samples[-1][1]) if samples else None
        if part is None or part.at[0] == NONE:
            return None
        at, seq, up, energy, export = (
            int(column[0]) for column in (part.at, part.seq, part.up, part.energy_mwh, part.export_mwh)
        )
        return End(at, part.run, seq, up, energy, export)

    def rollups(self, *, buckets: bool = True, salvaged: bool = False) -> None:
        """Compute the `buckets` of all raw samples anew; those of which raw is gone stay. Samples that the state takes
        for stored and that are lost may come again; those that it does not know are settled. salvaged: samples may be
        lost of which not even the state knows; buckets that count more samples than there are stay. Raises OSError,
        StoreError."""
        rows = self._state.streams()
        for series, runs in self._contents.items():
            whole = Whole(self._store, self._state, series, rows, self._traits(series))
            samples = whole.samples(runs)
            self._settle(whole, samples)
            if salvaged:
                whole.refresh(self._outlived(series))
            if not buckets:
                self._state.apply([SeriesChange(series.device, series.channel, (0, 0), [], whole.known)])
                continue
            for tier in TIERS:
                early = whole.early(tier)
                self._store.merge(Merge([], [], [(series, tier, start) for start in early.start.tolist()]))
            for part in whole.buckets(samples.last):
                gone = np.setdiff1d(part.stored.start, part.wanted.start).tolist()
                removed = [(series, part.tier, start) for start in gone]
                if not _same(part.wanted, part.stored):  # most are, and a card need not be written for them
                    self._store.merge(Merge([], [(series, part.tier, part.wanted)], removed))
                self.rebuilt.buckets += len(part.wanted.start)
                self._pause()
            whole.known.traits = self._traits(series)
            self._state.apply([SeriesChange(series.device, series.channel, (0, 0), [], whole.known)])

    def _settle(self, whole: Whole, samples: Samples) -> None:
        """The state says of each sample what the store says. What is lost becomes a gap; its buckets, which may tell
        more of it than the gap, stay."""
        changed = {}
        for run, ranges in samples.unsettled.items():
            if run in whole.rows:
                changed[run] = Ranges([*whole.rows[run].known.settled, *ranges])
        for lost in samples.lost:
            settled = changed.get(lost.run) or Ranges(whole.rows[lost.run].known.settled)
            changed[lost.run] = settled.minus(Ranges([(lost.first, lost.last)]))
            self.reopened.setdefault(whole.rows[lost.run].number, []).append((lost.first, lost.last))
        for run, settled in changed.items():
            whole.rows[run].known.settled = list(settled)
        self._state.put([whole.rows[run] for run in changed])
        spans = [(lost.start, lost.end) for lost in samples.lost if NONE not in (lost.start, lost.end)]
        for start, end in spans:
            around = self._store.read(whole.series, start - WIDEST, start + 1)
            around += self._store.read(whole.series, end, end + WIDEST)
            if around:
                self._plan(whole.series, around, whole.runs, whole.floor(), lost=(start, end))
        whole.refresh(spans)

    def _outlived(self, series: SeriesKey) -> list[Range]:
        """Times whose stored buckets tell of more samples than there are, and the buckets at either side of them."""
        begin, end = span_of(self._look(series, run) for run in self._contents[series])
        found: list[Range] = []
        if not end:
            return found  # without raw samples nothing is computed anew
        newest = self._store.rollup(series, "15m", begin // DAY * DAY, FOREVER, brief=True).start[-1:].tolist()
        for day in range(begin // DAY * DAY, newest[0] + 1 if newest else 0, DAY):
            stored = self._store.rollup(series, "15m", day, day + DAY)
            parts = self._store.read(series, day, day + DAY, brief=True)
            at = np.concatenate([part.at for part in parts]) if parts else np.empty(0, np.int64)
            counts = np.bincount((at - day) // WIDEST, minlength=DAY // WIDEST)[(stored.start - day) // WIDEST]
            lost = stored.start[stored.count > counts]  # the sample that a gap begins with is not counted
            beside = np.intersect1d(np.append(lost - WIDEST, lost + WIDEST), stored.start[stored.count + 1 >= counts])
            found += [(start, start + WIDEST - 1) for start in np.union1d(lost, beside).tolist()]
            self._pause()
        return found

    def _series(self, series: SeriesKey, rows: Iterable[StreamRow], found: Found) -> SeriesChange:
        """What stands in the state beside the runs of an outlet."""
        runs, looks = runs_of({row.run: row for row in rows}), found.runs
        begin, end = span_of(looks.values())
        if found.samples is None:
            self._by_days(series, runs, (begin, end))
            gaps, state = list[GapRecord](), self._state.series(series)
        else:
            gaps, state = self._gaps(series, found.samples, runs)
        self.rebuilt.gaps += len(gaps)
        state.unproven = []
        oldest, newest = found.quarters or (FOREVER, 0)
        if found.quarters and (state.first_at is None or oldest + TIERS["15m"] <= state.first_at):
            state.first_at = oldest  # of raw samples that are gone
            state.unproven = [(0, begin if end else newest + TIERS["15m"] - 1)]
        state.undated = {run.number: ranges for run in runs.values() if (ranges := list(looks[run.run].undated))}
        return SeriesChange(series.device, series.channel, (0, 0), gaps, state)

    def _gaps(
        self, series: SeriesKey, samples: Thinned, runs: Mapping[str, Run]
    ) -> tuple[list[GapRecord], SeriesState]:
        """All gaps of an outlet, and where its history begins and ends, by the samples that decide about it."""
        parts, traits = samples.parts(), self._traits(series)
        if not parts:
            return [], SeriesState()
        readings = arrange(parts, [], runs, traits)
        samples.bridge(readings)
        state = SeriesState(
            first_at=min(int(starts(part, traits).min()) for part in parts),
            head=later(readings, None, runs),
            longest_ms=max(longest_ms(part, traits) for part in parts),
            traits=traits,
        )
        return find(series, readings, flow(readings, traits), traits, Causes(runs, traits)), state

    def _by_days(self, series: SeriesKey, runs: Mapping[str, Run], span: Range) -> None:
        """The same day after day as merges would, each day read again: an outlet with a gap at every few samples."""
        begin, end = span
        for day in range(begin // DAY * DAY, end, DAY):
            parts = self._store.read(series, day, day + DAY)
            if parts:
                self._plan(series, parts, runs, begin, wanted=GAPS)

    def _plan(
        self,
        series: SeriesKey,
        parts: list[RawColumns],
        runs: Mapping[str, Run],
        begin: int,
        *,
        lost: tuple[int, int] | None = None,
        wanted: Set[str] = EVERYTHING,
    ) -> None:
        """Gaps and where the outlet's history begins and ends, by these samples."""
        traits = self._traits(series)
        plan = self._planner.plan(
            series,
            parts,
            runs,
            traits,
            Causes(runs, traits),
            horizon=begin,
            raw_from=begin,
            minutes_from=begin,
            wanted=wanted,
        )
        self.rebuilt.gaps += len(plan.gaps)
        for gap in plan.gaps:
            if lost is not None and gap.cause == "unknown" and gap.start <= lost[0] and (gap.end or 0) >= lost[1]:
                gap.cause = "damaged"
        self._state.apply([SeriesChange(series.device, series.channel, plan.span, plan.gaps, plan.state)])

    def _look(self, series: SeriesKey, run: str) -> Held:
        held = Held()
        for part in parts_of(self._store, series, run):
            held.take(run, part)
            self._pause()
        held.finish()
        return held


def _thin_out(samples: Thinned, part: RawColumns, near: dict[str, list[Int64]]) -> None:
    """Take the dated ones. near: by run the seqs at which minutes begin and end."""
    part = chosen_raw(part, part.at != NONE)
    if not len(part.seq):
        return
    if is_minutes(part.run):
        near.setdefault(part.run.removesuffix(MINUTES), []).append(around(part))
    edges = near.get(part.run)
    samples.take(part, None if edges is None else np.concatenate(edges))


def _same(one: RollupColumns, other: RollupColumns) -> bool:
    """Are they the same buckets, as they are stored?"""
    return all(np.array_equal(getattr(one, n), getattr(other, n), equal_nan=True) for n in ROLLUP_ARRAYS)
