"""Rebuilding: history's state from what the store holds, and rollups from the raw samples that are still there."""

import logging
from collections.abc import Callable, Iterable, Mapping, Set

import msgspec
import numpy as np

from hub.history import commit as commits
from hub.history.calendar import DAY
from hub.history.gaps import Causes
from hub.history.log import CommitLog
from hub.history.plan import EVERYTHING, WIDEST, Planner, ranges_of
from hub.history.readings import Run, Traits
from hub.history.state import SeriesChange, State, StreamKnown, StreamRow
from hub.history.takeover import parts_of, unhurried
from hub.history.whole import Samples, Whole, runs_of
from hub.plugins.codec import DamagedChunk
from hub.plugins.contract import MINUTES, NONE, TIERS, HistoryStore, Merge, RawColumns, SeriesKey
from hub.telemetry.offsets import TOLERANCE_MS, Point
from hub.telemetry.ranges import Range, Ranges
from hub.telemetry.stream import StreamDelta
from hub.telemetry.streams import ORDER_STEP

FOREVER = (1 << 62) - 1
GAPS = frozenset({"gaps"})  # buckets, which are most of the work, are in the store

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
        self.read = 0
        """Samples so far; `state` reads each twice."""
        self.reopened: dict[int, list[Range]] = {}
        """Seqs of lost samples, which may come again, by number of the stream."""

    def state(self, named: Mapping[tuple[str, int, str], StreamDelta], *, above: int = 0) -> None:
        """Fill the state, which is complete once all of it is done: one that was broken off begins anew. `named`:
        streams that have a number already; `above`: so many numbers after theirs stay free. Raises OSError, StoreError.
        """
        number = max((delta.number for delta in named.values()), default=0) + above
        rows: list[StreamRow] = []
        looks: dict[tuple[SeriesKey, str], Held] = {}
        for series, runs in self._contents.items():
            found: list[tuple[int, str, StreamRow]] = []
            for run in runs:
                held = looks[series, run] = self._look(series, run)
                if held.settled:
                    known = StreamKnown(list(held.settled), [], held.points)
                    row = StreamRow(0, series.device, series.channel, run, "", None, None, known)
                    found.append((held.first, run, row))
            found.sort(key=lambda each: each[:2])
            deltas = [named.get((series.device, series.channel, run)) for _, run, _ in found]
            orders = [delta.order for delta in deltas if delta is not None and delta.order is not None]
            first = (min(orders) // ORDER_STEP if orders else len(found) + 1) - len(found)
            for k, (delta, (_, _, row)) in enumerate(zip(deltas, found, strict=True)):
                row.order = (first + k) * ORDER_STEP
                if delta is None:
                    number += 1
                    row.number, row.hardware = number, self._hardware(series.device)
                elif delta.name is not None:
                    row.number, row.hardware, row.reason = delta.number, delta.name[3], delta.reason
                    row.order = row.order if delta.order is None else delta.order
                rows.append(row)
        self._state.begin_anew()
        self._state.put(rows)
        self.rebuilt.streams = len(rows)
        for series in self._contents:
            mine = [row for row in rows if SeriesKey(row.device, row.channel) == series]
            self._series(series, mine, {row.run: looks[series, row.run] for row in mine})
        self._state.completed()

    def rollups(self, *, buckets: bool = True, salvaged: bool = False) -> None:
        """Compute the `buckets` of all raw samples anew; those of which raw is gone stay. Samples that the state takes
        for stored and that are lost may come again; those that it does not know are settled. salvaged: samples may be
        lost of which not even the state knows; buckets that count more samples than there are stay. Raises OSError,
        StoreError."""
        rows = self._state.streams()
        mark = self._state.mark()
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
            for part in whole.buckets(samples.last, mark + DAY if mark else FOREVER):
                gone = np.setdiff1d(part.stored.start, part.wanted.start).tolist()
                removed = [(series, part.tier, start) for start in gone]
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
        begin, end = _span(self._look(series, run) for run in self._contents[series])
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

    def _series(self, series: SeriesKey, rows: Iterable[StreamRow], looks: Mapping[str, "Held"]) -> None:
        """Plan day after day as merges would, so that no more than a day is in memory."""
        runs = runs_of({row.run: row for row in rows})
        begin, end = _span(looks.values())
        for day in range(begin // DAY * DAY, end, DAY):
            parts = self._store.read(series, day, day + DAY)
            if parts:
                self._plan(series, parts, runs, begin, wanted=GAPS)
                self.read += sum(len(part.seq) for part in parts)
            self._pause()
        undated = {run.number: ranges for run in runs.values() if (ranges := list(looks[run.run].undated))}
        state = self._state.series(series)
        oldest = self._store.rollup(series, "15m", 0, FOREVER).start
        state.unproven = []
        if len(oldest) and (state.first_at is None or oldest[0] + TIERS["15m"] <= state.first_at):
            state.first_at = int(oldest[0])  # of raw samples that are gone
            state.unproven = [(0, begin if end else int(oldest[-1]) + TIERS["15m"] - 1)]
        state.undated = undated
        self._state.apply([SeriesChange(series.device, series.channel, (0, 0), [], state)])

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
        plan = self._planner.plan(
            series, parts, runs, self._traits(series), Causes(runs), horizon=begin, minutes_from=begin, wanted=wanted
        )
        self.rebuilt.gaps += len(plan.gaps)
        for gap in plan.gaps:
            if lost is not None and gap.cause == "unknown" and gap.start <= lost[0] and (gap.end or 0) >= lost[1]:
                gap.cause = "damaged"
        self._state.apply([SeriesChange(series.device, series.channel, plan.span, plan.gaps, plan.state)])

    def _look(self, series: SeriesKey, run: str) -> "Held":
        held = Held()
        for part in parts_of(self._store, series, run):
            held.take(run, part)
            self.read += len(part.seq)
            self._pause()
        held.finish()
        return held


class Held:
    """What the store holds of one stream, taken piece by piece. first, end: from the first dated sample to behind the
    last (Unix ms); points: offsets that give the samples the dates which they have."""

    def __init__(self) -> None:
        self.settled, self.undated = Ranges(), Ranges()
        self.first, self.end = FOREVER, 0
        self.points: list[Point] = []
        self._last: Point | None = None

    def take(self, run: str, part: RawColumns) -> None:
        """The next samples."""
        dated = part.at != NONE
        first = part.extra["seq_from"].astype(np.int64) if run.endswith(MINUTES) else part.seq
        for span in ranges_of(first, part.seq):
            self.settled.add(*span)
        if not dated.all():
            for span in ranges_of(part.seq[~dated], part.seq[~dated]):
                self.undated.add(*span)
        if dated.any():
            self.first = min(self.first, int(part.at[dated].min()))
            self.end = max(self.end, int(part.at[dated].max()) + 1)
        known = dated & (part.up != NONE)
        ups, offsets = part.up[known], (part.at - part.up)[known]
        for k in (np.append(0, np.flatnonzero(np.diff(offsets)) + 1) if len(ups) else np.empty(0, int)).tolist():
            if not self.points or abs(int(offsets[k]) - self.points[-1][1]) > TOLERANCE_MS:
                self.points.append((int(ups[k]), int(offsets[k])))
        if len(ups):
            self._last = (int(ups[-1]), int(offsets[-1]))

    def finish(self) -> None:
        """There are no more."""
        if self._last is not None and self.points[-1][0] != self._last[0]:
            self.points.append(self._last)


def _span(looks: Iterable[Held]) -> Range:
    """From the first dated sample of all to behind the last; (0, 0) where there is none."""
    known = [(held.first, held.end) for held in looks if held.end]
    return (min(first for first, _ in known), max(end for _, end in known)) if known else (0, 0)
