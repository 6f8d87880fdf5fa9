"""What a merge writes for one outlet: computed from raw samples read back around what is new, never from old sums."""

from collections.abc import Callable, Mapping, Sequence, Set

import msgspec
import numpy as np

from hub.history import gaps, rollups
from hub.history.calendar import DAY
from hub.history.frame import Frame, Joined, Outline, Source, Span, View
from hub.history.hidden import hidden_ends, surrounding
from hub.history.minutes import begins, is_minutes
from hub.history.readings import End, Readings, Run, Traits, renamed
from hub.history.state import SeriesState, State
from hub.history.thinned import Thinned, ranges_of, widened
from hub.plugins.columns import chosen_raw, join_raw, rounded_rollup
from hub.plugins.contract import MINUTES, NONE, TIERS, Int64, RawColumns, RollupColumns, SeriesKey
from hub.telemetry.ranges import Range, Ranges

WIDEST = max(TIERS.values())
MARGIN_MS = 2 * WIDEST  # raw read back on either side: whole buckets, and enough for the energy rule to find its feet
MINUTES_AHEAD = 31 * DAY  # as far as samples that a clock ahead of time dated have minutes; quarters they always have
FOREVER = (1 << 62) - 1
EVERYTHING = frozenset({"raw", "gaps", *TIERS})


class SeriesPlan(msgspec.Struct):
    """New whole values of the touched buckets of one outlet, and what changes beside them.

    span: from the reading before everything new to the one after; the gaps within it are replaced by `gaps`.
    """

    series: SeriesKey
    raw: list[RawColumns]
    rollups: dict[str, RollupColumns]
    removed: dict[str, list[int]]
    span: tuple[int, int]
    gaps: list[gaps.GapRecord]
    state: SeriesState
    dropped: int = 0
    thinned: bool = False
    """Were most of the samples left out? It has no buckets then, unless of one window."""


class Planner:
    """Computes plans from the store, the state and what is new. Blocking; used from worker threads and the loop."""

    def __init__(self, store: Source, state: State, *, pause: Callable[[], None] = lambda: None) -> None:
        """pause: called after each piece of work; what it raises ends it."""
        self._store = store
        self._state = state
        self._pause = pause

    def plan(
        self,
        series: SeriesKey,
        new: Sequence[RawColumns],
        runs: Mapping[str, Run],
        traits: Traits,
        causes: gaps.Causes,
        *,
        horizon: int,
        raw_from: int,
        minutes_from: int,
        minutes_until: int = FOREVER,
        arrived: int = FOREVER,
        wanted: Set[str] = EVERYTHING,
        thinned: Thinned | None = None,
        window: Span = (0, FOREVER),
    ) -> SeriesPlan:
        """`new`: samples with their dates (`at` NONE = undated), `run` named, replacing what the store holds of them.

        horizon: raw samples before it may be gone: buckets there are changed by what the new samples add.
        raw_from: raw samples before it would be removed at once, and are not kept.
        minutes_from: the 1-minute tier is not kept before it; minutes_until: none of its buckets begins later: a hub
        whose clock was years ahead must not pay for each minute.
        arrived: as Run.dated, for samples that get their dates only now.
        wanted: "raw", rollups by tier, "gaps" with all that stands beside them; what is left out takes no time.
        thinned: what `new` is of many samples; only what lies in the `window` (Unix ms) is told of buckets then.
        """
        state = self._state.series(series)
        raw = _by_run(new)
        late = self._now_dated(series, state, runs, arrived)
        undated = _still_undated(state, raw, runs)
        parts = [dated for part in [*late, *raw] if len((dated := _dated(part)).seq)]
        longest = max([state.longest_ms, *(longest_ms(part, traits) for part in parts)])
        known = SeriesState(state.first_at, state.head, undated, longest, state.unproven, traits)
        hidden = hidden_ends(series, self._store, state, raw, runs)
        around = [gap for run in hidden for gap in surrounding(self._state.gaps(series, 0, FOREVER), runs[run], runs)]
        kept = [young for part in _by_run([*late, *raw]) if len((young := _younger(part, raw_from)).seq)]
        if wanted <= {"raw"}:
            return SeriesPlan(series, kept, {}, {}, (0, 0), [], known)
        if not parts and not around:
            regaps = self._explained(series, causes, (0, 0))
            return SeriesPlan(series, kept, {}, {}, (0, 0), regaps, known)
        span = self._span(series, state, parts, around, runs, traits)
        margin, reach = margin_ms(traits, longest), WIDEST + longest
        newer = [end for run in hidden.values() for end in run]
        while True:
            low, high = span
            first, last = low // WIDEST * WIDEST, (high // WIDEST + 1) * WIDEST
            ends = self._ends(series, state, (first - margin, last + margin), (low, high))
            frame = Frame(
                Outline(self._store, series, runs, traits),
                (first - margin, last + margin),
                margin=margin,
                new=parts,
                ends=[*ends, *newer],
                sparse=horizon - 2 * DAY,
                thinned=thinned,
            )
            whole = frame.whole()
            readings, energy = whole.readings, whole.energy
            if parts:
                low, high = span = _touched(readings, parts, (low, high), (first - reach, last + reach))
            if first - reach <= low and high < last + reach:
                break  # else the clock stepped beside what is new: the other side of the step changes too
        inside = {readings.runs[number].run for number in readings.run[~readings.dated].tolist()}
        for run in inside & hidden.keys():
            undated.pop(runs[run + MINUTES].number, None)  # they are in their gap now
        horizon = max(horizon, self._state.removed(series, "raw"))  # a clock that was ahead, or a full disk, took more
        before = frame.without(ends) if low < horizon + WIDEST else None
        plan = SeriesPlan(series, kept, {}, {}, (low, high), [], known, energy.dropped)
        limits = {
            tier: _limits(width, (low, high), *_both(window, (minutes_from, minutes_until) if tier == "1m" else window))
            for tier, width in TIERS.items()
            if tier in wanted
        }
        self._rollups(plan, frame, (whole, before), limits, horizon)
        known.unproven = _unproven(state, traits, plan, limits, horizon)
        if "gaps" not in wanted:
            return plan
        found = self._as_known(series, gaps.find(series, readings, energy, traits, causes), readings, (low, high))
        plan.gaps = [gap for gap in found if gap.start >= low and gap.end is not None and gap.end <= high]
        plan.gaps += self._explained(series, causes, (low, high))
        known.first_at = low if state.first_at is None else min(state.first_at, low)
        known.head = later(readings, state.head, runs)
        return plan

    def _rollups(
        self,
        plan: SeriesPlan,
        frame: Frame,
        views: tuple[View, View | None],
        limits: Mapping[str, Span],
        horizon: int,
    ) -> None:
        """Window by window: years of buckets are not held at once but for those that hold something. views: of
        everything, and of what was there before where that counts."""
        everything, before = views
        found = {tier: Joined() for tier, (start, end) in limits.items() if start < end}
        if not found:
            return
        plan.removed = {tier: [] for tier in found}
        low, high = plan.span
        first = min(start for start, _ in limits.values()) // WIDEST * WIDEST
        last = -(-max(end for _, end in limits.values()) // WIDEST) * WIDEST
        low, high = max(low // WIDEST * WIDEST, first), min((high // WIDEST + 1) * WIDEST, last)
        for window in frame.windows(low, high):
            self._pause()
            for tier, joined in found.items():
                start, end = max(window[0], limits[tier][0]), min(window[1], limits[tier][1])
                if start >= end:
                    continue
                whole = everything.buckets(window, tier, start, end)
                old = self._store.rollup(plan.series, tier, start, end)
                if before is not None and start < (edge := _edge(horizon, tier)):
                    whole = rollups.combine(old, whole, before.buckets(window, tier, start, end), edge)
                plan.removed[tier] += np.setdiff1d(old.start, whole.start).tolist()
                joined.add(rounded_rollup(whole))
        plan.rollups = {tier: joined.columns() for tier, joined in found.items()}

    def _span(  # noqa: PLR0917
        self,
        series: SeriesKey,
        state: SeriesState,
        parts: Sequence[RawColumns],
        around: Sequence[gaps.GapRecord],
        runs: Mapping[str, Run],
        traits: Traits,
    ) -> tuple[int, int]:
        """From the reading before everything new to the one after; the gaps `around` runs without a date are in it."""
        if not parts:
            return min(gap.start for gap in around), max(gap.end or gap.start for gap in around)
        low, high = min(int(starts(part, traits).min()) for part in parts), max(int(part.at.max()) for part in parts)
        low = min([low, *(gap.start for gap in around)])
        high = max([high, *(gap.end or gap.start for gap in around)])
        if state.head is not None and any(_follows(part, state.head, runs) for part in parts):
            low, high = min(low, state.head.at), max(high, state.head.at)
        elif state.first_at is not None:
            high = max(high, state.first_at) if high < state.first_at else high
        for gap in self._state.gaps(series, low, low) + self._state.gaps(series, high, high):
            low, high = min(low, gap.start), max(high, gap.end or high)
        return low, high

    def _ends(self, series: SeriesKey, state: SeriesState, window: tuple[int, int], span: tuple[int, int]) -> list[End]:
        """Readings next to the window that the store may no longer hold, or that lie far away."""
        near = [gap for gap in self._state.gaps(series, *window) if gap.start != gap.end]
        near += self._state.gaps_set_back(series)
        ends = [end for gap in near for end in (gap.left, *gap.inside, gap.right) if end is not None]
        if state.head is not None and span[0] <= state.head.at <= span[1]:
            ends.append(state.head)
        return ends

    def _now_dated(
        self, series: SeriesKey, state: SeriesState, runs: Mapping[str, Run], arrived: int
    ) -> list[RawColumns]:
        """Samples in the store that had no date, of runs that have one now."""
        found = []
        for run in runs.values():
            for first, last in state.undated.get(run.number, []) if run.points else []:
                part = self._store.read_stream(series, run.run, first, last)
                if part is not None:
                    found.append(run.dated(part, arrived=arrived))
        return found

    def _as_known(
        self, series: SeriesKey, found: Sequence[gaps.GapRecord], readings: Readings, span: Span
    ) -> list[gaps.GapRecord]:
        """With what was known of these gaps and nothing tells any more: why they came about; and those that are lost
        before the first reading."""
        before = self._state.gaps(series, *span)
        causes = {(gap.start, gap.end): gap.cause for gap in before}
        told = [
            msgspec.structs.replace(gap, cause=causes.get((gap.start, gap.end), "unknown"))
            if gap.cause == "unknown"
            else gap
            for gap in found
        ]
        dated = readings.at[readings.dated]
        for gap in before:
            first = int(dated[dated >= gap.start].min(initial=gap.end or FOREVER))
            if gap.left is None and gap.start < first:
                right = gap.right if first == gap.end else None
                told.append(msgspec.structs.replace(gap, end=first, right=right))
        return told

    def _explained(self, series: SeriesKey, causes: gaps.Causes, span: tuple[int, int]) -> list[gaps.GapRecord]:
        """Gaps outside the span of which the cause is known only now."""
        explained = []
        for gap in self._state.unexplained(series):
            if gap.left is None or gap.right is None or (gap.start >= span[0] and (gap.end or 0) <= span[1]):
                continue
            cause = causes.between(gap.left, gap.right)
            if cause != gap.cause:
                explained.append(msgspec.structs.replace(gap, cause=cause))
        return explained


def _unproven(
    state: SeriesState, traits: Traits, plan: SeriesPlan, limits: Mapping[str, Span], horizon: int
) -> list[Range]:
    """The times whose buckets do not follow from the raw samples that the store will hold."""
    unproven = Ranges(state.unproven or ())
    low, high = plan.span
    if state.unproven is None or low < _edge(horizon, "15m"):
        unproven.add(0, _edge(horizon, "15m") - 1)  # old values were changed by what is new
    if state.traits not in (None, traits) and state.head is not None:
        unproven.add(0, state.head.at)
    for tier, (start, end) in limits.items():
        if low // TIERS[tier] * TIERS[tier] < start:
            unproven.add(0, start - 1)
        if end <= high:
            unproven.add(end, high)
    return list(unproven)


def margin_ms(traits: Traits, longest: int) -> int:
    """ms around buckets within which samples have a say in them."""
    return max(MARGIN_MS, 2 * traits.longest_ms) + longest


def _edge(horizon: int, tier: str) -> int:
    """Buckets of a tier that begin from here on are computed from raw samples alone."""
    return (horizon // TIERS[tier] + 1) * TIERS[tier]


def _limits(width: int, span: Span, earliest: int, until: int) -> Span:
    """Of the buckets of a tier that a plan writes, as multiples of their width."""
    start, end = max(span[0], earliest) // width * width, (span[1] // width + 1) * width
    return start, min(end, until // width * width)


def _both(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), min(one[1], other[1])


def _touched(
    readings: Readings, new: Sequence[RawColumns], span: tuple[int, int], limits: tuple[int, int]
) -> tuple[int, int]:
    """The span, widened to the readings next to new ones, wherever they lie: the steps between them change. Those that
    follow these may book theirs otherwise: they count within the limits."""
    index = {run.run: k for k, run in enumerate(readings.runs)}
    fresh = np.zeros(len(readings), bool)
    for part in (renamed(part) for part in new):
        fresh |= (readings.run == index[part.run]) & np.isin(readings.seq, part.seq)
    near = widened(fresh) & (readings.at >= limits[0]) & (readings.at < limits[1])
    at = readings.at[near | widened(fresh, 1)]
    return min(span[0], int(at.min())), max(span[1], int(at.max()))


def starts(part: RawColumns, traits: Traits) -> Int64:
    """When what each row tells begins."""
    return begins(part, traits.interval_ms) if is_minutes(part.run) else part.at


def longest_ms(part: RawColumns, traits: Traits) -> int:
    return int((part.at - starts(part, traits)).max())


def _by_run(parts: Sequence[RawColumns]) -> list[RawColumns]:
    """One part a run, ascending by seq."""
    runs = dict.fromkeys(part.run for part in parts)
    return [join_raw([part for part in parts if part.run == run]) for run in runs]


def _younger(part: RawColumns, raw_from: int) -> RawColumns:
    """Without what raw retention would remove at once."""
    return chosen_raw(part, (part.at >= raw_from) | (part.at == NONE))


def _dated(part: RawColumns) -> RawColumns:
    return chosen_raw(part, part.at != NONE)


def _still_undated(state: SeriesState, new: Sequence[RawColumns], runs: Mapping[str, Run]) -> dict[int, list[Range]]:
    undated = {number: Ranges(ranges) for number, ranges in state.undated.items()}
    for run in runs.values():
        if run.points:
            undated.pop(run.number, None)
    for part in new:
        if part.run in runs:
            ranges = undated.setdefault(runs[part.run].number, Ranges())
            seqs = part.seq[part.at == NONE]
            for first, last in ranges_of(seqs, seqs):
                ranges.add(first, last)
    return {number: list(ranges) for number, ranges in undated.items() if len(ranges)}


def _order(run: str, runs: Mapping[str, Run]) -> int:
    return runs[run].order if run in runs else -1


def _follows(part: RawColumns, head: End, runs: Mapping[str, Run]) -> bool:
    return (_order(part.run, runs), int(part.seq[-1])) > (_order(head.run, runs), head.seq)


def later(readings: Readings, head: End | None, runs: Mapping[str, Run]) -> End | None:
    """The last reading of all."""
    dated = np.flatnonzero(readings.dated)
    if not len(dated):
        return head
    last = readings.end(int(dated[-1]))
    if head is None:
        return last
    return max(head, last, key=lambda end: (_order(end.run, runs), end.seq, end.at))
