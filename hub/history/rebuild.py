"""Rebuilding: history's state from what the store holds, and rollups from the raw samples that are still there."""

import logging
from collections.abc import Callable, Iterable, Mapping

import msgspec
import numpy as np

from hub.history import commit as commits
from hub.history.calendar import DAY
from hub.history.gaps import Causes
from hub.history.log import CommitLog
from hub.history.plan import WIDEST, Planner, ranges_of
from hub.history.readings import Run, Traits
from hub.history.state import SeriesChange, State, StreamKnown, StreamRow
from hub.history.takeover import unhurried
from hub.history.whole import Samples, Whole, runs_of
from hub.plugins.codec import DamagedChunk
from hub.plugins.columns import select_raw
from hub.plugins.contract import MINUTES, NONE, TIERS, HistoryStore, Merge, RawColumns, SeriesKey
from hub.telemetry.offsets import TOLERANCE_MS, Point
from hub.telemetry.ranges import Range, Ranges
from hub.telemetry.stream import StreamDelta
from hub.telemetry.streams import ORDER_STEP

FOREVER = (1 << 62) - 1

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
        self.reopened: dict[int, list[Range]] = {}
        """Seqs of lost samples, which may come again, by number of the stream."""

    def state(self, named: Mapping[tuple[str, int, str], StreamDelta], *, above: int = 0) -> None:
        """Fill an empty state. `named`: streams that have a number already; `above`: so many numbers after theirs stay
        free. Raises OSError, StoreError."""
        number = max((delta.number for delta in named.values()), default=0) + above
        rows: list[StreamRow] = []
        for series, runs in self._contents.items():
            found: list[tuple[int, str, StreamRow]] = []
            for run in runs:
                columns = self._all(series, run)
                if columns is not None:
                    found.append((self._first(columns), run, _row(series, run, columns)))
                self._pause()
            found.sort(key=lambda each: each[:2])
            mine = [named.get((series.device, series.channel, run)) for _, run, _ in found]
            orders = [delta.order for delta in mine if delta is not None and delta.order is not None]
            first = (min(orders) // ORDER_STEP if orders else len(found) + 1) - len(found)
            for k, (delta, (_, _, row)) in enumerate(zip(mine, found, strict=True)):
                row.order = (first + k) * ORDER_STEP
                if delta is None:
                    number += 1
                    row.number, row.hardware = number, self._hardware(series.device)
                elif delta.name is not None:
                    row.number, row.hardware, row.reason = delta.number, delta.name[3], delta.reason
                    row.order = row.order if delta.order is None else delta.order
                rows.append(row)
        self._state.completed(rows)
        self.rebuilt.streams = len(rows)
        for series in self._contents:
            self._series(series, [row for row in rows if _of(row) == series])

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
        self._state.completed([whole.rows[run] for run in changed])
        spans = [(lost.start, lost.end) for lost in samples.lost if NONE not in (lost.start, lost.end)]
        for start, end in spans:
            around = self._store.read(whole.series, start - WIDEST, start + 1)
            around += self._store.read(whole.series, end, end + WIDEST)
            if around:
                self._plan(whole.series, around, whole.runs, whole.floor(), lost=(start, end))
        whole.refresh(spans)

    def _outlived(self, series: SeriesKey) -> list[Range]:
        """Times whose stored buckets tell of more samples than there are, and the buckets at either side of them."""
        begin, end = self._span(series)
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

    def _series(self, series: SeriesKey, rows: Iterable[StreamRow]) -> None:
        """Plan day after day as merges would, so that no more than a day is in memory."""
        runs = runs_of({row.run: row for row in rows})
        begin, end = self._span(series)
        for day in range(begin // DAY * DAY, end, DAY):
            parts = self._store.read(series, day, day + DAY)
            if parts:
                self._plan(series, parts, runs, begin)
            self._pause()
        undated = {run.number: ranges for run in runs.values() if (ranges := _undated(self._all(series, run.run)))}
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
        lost: tuple[int, int] | None = None,
    ) -> None:
        """Gaps and where the outlet's history begins and ends, by these samples."""
        plan = self._planner.plan(
            series, parts, runs, self._traits(series), Causes(runs), horizon=begin, minutes_from=begin
        )
        self.rebuilt.gaps += len(plan.gaps)
        for gap in plan.gaps:
            if lost is not None and gap.cause == "unknown" and gap.start <= lost[0] and (gap.end or 0) >= lost[1]:
                gap.cause = "damaged"
        self._state.apply([SeriesChange(series.device, series.channel, plan.span, plan.gaps, plan.state)])

    def _span(self, series: SeriesKey) -> tuple[int, int]:
        """From the first dated raw sample to behind the last."""
        dates = [part.at[part.at != NONE] for run in self._contents[series] if (part := self._all(series, run))]
        known = [at for at in dates if len(at)]
        return (min(int(at.min()) for at in known), max(int(at.max()) for at in known) + 1) if known else (0, 0)

    def _all(self, series: SeriesKey, run: str) -> RawColumns | None:
        return self._store.read_stream(series, run, 0, FOREVER)

    def _first(self, columns: RawColumns) -> int:
        dated = columns.at[columns.at != NONE]
        return int(dated.min()) if len(dated) else FOREVER


def _of(row: StreamRow) -> SeriesKey:
    return SeriesKey(row.device, row.channel)


def _row(series: SeriesKey, run: str, columns: RawColumns) -> StreamRow:
    first = columns.extra["seq_from"].astype(np.int64) if run.endswith(MINUTES) else columns.seq
    settled = Ranges(ranges_of(first, columns.seq))
    known = StreamKnown(list(settled), [], _points(columns))
    return StreamRow(0, series.device, series.channel, run, "", None, None, known)


def _undated(columns: RawColumns | None) -> list[Range]:
    if columns is None:
        return []
    part = select_raw(columns, columns.at == NONE)
    return ranges_of(part.seq, part.seq)


def _points(columns: RawColumns) -> list[Point]:
    """Offsets that give the samples the dates which they have."""
    known = (columns.at != NONE) & (columns.up != NONE)
    ups, offsets = columns.up[known], (columns.at - columns.up)[known]
    points: list[Point] = []
    for k in (np.append(0, np.flatnonzero(np.diff(offsets)) + 1) if len(ups) else np.empty(0, int)).tolist():
        if not points or abs(int(offsets[k]) - points[-1][1]) > TOLERANCE_MS:
            points.append((int(ups[k]), int(offsets[k])))
    if points and points[-1][0] != ups[-1]:
        points.append((int(ups[-1]), int(offsets[-1])))
    return points
