"""One outlet as a whole: what its buckets must be by all raw samples in the store, and which samples are lacking."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from hub.history.frame import Frame, Outline, Span
from hub.history.gaps import GapRecord
from hub.history.lost import Finder, Lost
from hub.history.minutes import is_minutes
from hub.history.plan import MINUTES_AHEAD, WIDEST, margin_ms
from hub.history.readings import End, Run, Traits
from hub.history.state import SeriesState, State, StreamRow
from hub.history.takeover import pieces_of
from hub.history.thinned import NEIGHBOURS, ranges_of
from hub.plugins.columns import rounded_rollup, select_rollup
from hub.plugins.contract import MINUTES, NONE, TIERS, HistoryStore, Int64, RollupColumns, SeriesKey
from hub.telemetry.ranges import Range, Ranges

FOREVER = (1 << 62) - 1
PIECE = 50_000  # samples of a stream that are held at once


class Compared(NamedTuple):
    """Buckets of one tier, start <= bucket < end: what raw samples say, and what the store holds."""

    tier: str
    start: int
    end: int
    wanted: RollupColumns
    stored: RollupColumns


class Samples(msgspec.Struct):
    """What the store holds of the streams of one outlet. unsettled: seqs that the state does not know, by run; last:
    the newest date."""

    count: int = 0
    last: int = 0
    unsettled: dict[str, list[Range]] = {}
    lost: list[Lost] = []


class Whole:
    """Blocking, while nobody merges. Holds no more than some hours of raw samples at once."""

    def __init__(
        self, store: HistoryStore, state: State, series: SeriesKey, rows: Iterable[StreamRow], traits: Traits
    ) -> None:
        self._store = store
        self._state = state
        self.series = series
        self.rows = {row.run: row for row in rows if SeriesKey(row.device, row.channel) == series}
        self.runs = runs_of(self.rows)
        self._traits = traits
        self._removed = {tier: state.removed(series, tier) for tier in ("raw", *TIERS)}
        self._read_state()

    def refresh(self, lost: Iterable[Span]) -> None:
        """Read the state again. lost: times of samples that are gone for good: their buckets are proven no more."""
        self._read_state()
        if self.known.unproven is None:
            floor = self.floor()
            self.known.unproven = [(0, floor - 1)] if floor else []
        self.known.unproven = list(Ranges([*self.known.unproven, *lost]))

    def samples(self, runs: Iterable[str]) -> Samples:
        """Read every sample. runs: of which the store says that there are samples. Raises OSError, StoreError."""
        found = Samples()
        for run in sorted({*runs, *self.rows}):
            self._stream(run, found)
        return found

    def buckets(self, last: int) -> Iterator[Compared]:
        """Window by window, of all times whose buckets follow from raw samples. last: the newest date of a sample.
        Raises OSError, StoreError."""
        floor = self.floor()
        stored = [self._store.rollup(self.series, "15m", max(last, 0), FOREVER).start[-1:]]
        head = [] if self.known.head is None else [self.known.head.at]
        last = max([last, *head, *(int(starts[0]) for starts in stored if len(starts))])
        begin = max(floor, self.known.first_at or 0)
        if self.known.first_at is None or last < begin:
            return
        margin = margin_ms(self._traits, self.known.longest_ms)
        span = (begin - margin, last + WIDEST + margin)
        frame = Frame(
            Outline(self._store, self.series, self.runs, self._traits),
            span,
            margin=margin,
            ends=self._ends,
            sparse=self._removed["raw"],
        )
        whole = frame.whole()
        start = self._proven_from(whole.readings.at[~whole.readings.bare], floor)
        if start is None:
            return
        mark = self._state.mark()
        for window in frame.windows(start, (last // WIDEST + 1) * WIDEST):
            for tier in TIERS:
                low = max(window[0], self._removed[tier] and self._removed[tier] // WIDEST * WIDEST + WIDEST)
                high = min(window[1], (mark + MINUTES_AHEAD) // WIDEST * WIDEST if mark and tier == "1m" else FOREVER)
                if low >= high:
                    continue
                wanted = rounded_rollup(whole.buckets(window, tier, low, high))
                held = self._store.rollup(self.series, tier, low, high)
                yield Compared(tier, low, high, self._proven(wanted, tier), self._proven(held, tier))

    def early(self, tier: str) -> RollupColumns:
        """Buckets that end before anything was ever measured."""
        if self.known.first_at is None:
            return self._store.rollup(self.series, tier, 0, FOREVER)
        return self._store.rollup(self.series, tier, 0, self.known.first_at // TIERS[tier] * TIERS[tier])

    def floor(self) -> int:
        """Unix ms before which raw samples may rightly be gone, 0 = never; later ones must be there."""
        front = next((last + 1 for first, last in self.known.unproven or () if first == 0), 0)
        if self.known.unproven is None:
            front = self._oldest()
        floor = max(front, self._removed["raw"])
        return floor if floor > (self.known.first_at or 0) else 0

    def _read_state(self) -> None:
        self.known: SeriesState = self._state.series(self.series)
        self._gaps = self._state.gaps(self.series, 0, FOREVER)
        self._ends = _ends(self._gaps, self.known.head)

    def _oldest(self) -> int:
        """The date of the oldest sample: where nobody noted what was removed, all before may have been."""
        found = FOREVER
        for run, row in self.rows.items():
            first = min((first for first, _ in row.known.settled), default=0)
            part = self._store.read_stream(self.series, run, first, first + PIECE)
            if part is not None and (part.at != NONE).any():
                found = min(found, int(part.at[part.at != NONE].min()))
        return 0 if found == FOREVER else found

    def _proven_from(self, at: Int64, floor: int) -> int | None:
        """The first bucket whose samples are all there, with enough before it for the energy rule to find its feet."""
        if not floor:
            return (self.known.first_at or 0) // WIDEST * WIDEST
        after = np.sort(at[at >= floor])[NEIGHBOURS : NEIGHBOURS + 1]
        return None if not len(after) else int(after[0]) // WIDEST * WIDEST + WIDEST

    def _proven(self, columns: RollupColumns, tier: str) -> RollupColumns:
        # The last sample before a gap reaches up to an interval into the next bucket, which is not made for that alone.
        chosen = (columns.count > 0) | (columns.import_mwh + columns.export_mwh > 0)
        chosen |= columns.covered_ms > self._traits.interval_ms
        if self.known.head is not None:  # nor is one changed that is there because a clock was ahead
            after = columns.start - self.known.head.at
            reached = (after > 0) & (after <= self._traits.interval_ms)
            covered, on = (np.where(reached, 0, times) for times in (columns.covered_ms, columns.on_ms))
            columns = msgspec.structs.replace(columns, covered_ms=covered, on_ms=on)
        for first, last in self.known.unproven or ():
            chosen &= (columns.start + TIERS[tier] <= first) | (columns.start > last)
        return columns if chosen.all() else select_rollup(columns, chosen)

    def _stream(self, run: str, found: Samples) -> None:
        row = self.rows.get(run)
        settled = Ranges(row.known.settled if row is not None else ())
        finder = None
        if row is not None and not is_minutes(run):
            undated = self.known.undated.get(row.number, [])
            finder = Finder(row, self._traits, self.floor(), undated, self._gaps)
        pieces = pieces_of(self._store, self.series, run)
        at = 0
        for first, last in [*settled, (FOREVER, FOREVER)]:
            for low, high in pieces:
                if low < first and high >= at:
                    span = max(low, at), min(high, first - 1)
                    self._piece(run, span, found, settled=is_minutes(run) and row is not None, finder=None)
            for begin in range(first, min(last, FOREVER - 1) + 1, PIECE):
                self._piece(run, (begin, min(begin + PIECE - 1, last)), found, settled=True, finder=finder)
            at = last + 1
        if finder is not None:
            found.lost += finder.lost()

    def _piece(self, run: str, span: Range, found: Samples, *, settled: bool, finder: Finder | None) -> None:
        part = self._store.read_stream(self.series, run, *span)
        seqs, dates = (np.empty(0, np.int64), np.empty(0, np.int64)) if part is None else (part.seq, part.at)
        found.count += len(seqs)
        if (dates != NONE).any():
            found.last = max(found.last, int(dates.max()))
        if len(seqs) and not settled:
            found.unsettled.setdefault(run, []).extend(ranges_of(seqs, seqs))
        if finder is not None:
            finder.take(span, seqs, dates)


def runs_of(rows: Mapping[str, StreamRow]) -> dict[str, Run]:
    """Streams of the state as planning sees them; minutes stand where their run does."""
    runs = {}
    for run, row in rows.items():
        parent = rows.get(run.removesuffix(MINUTES), row)
        points = [*parent.known.points, *([] if parent.known.first is None else [parent.known.first])]
        notes = tuple(row.known.notes)
        runs[run] = Run(row.number, run, parent.order or 0, parent.hardware, parent.reason, tuple(points), notes)
    return runs


def _ends(gaps: Sequence[GapRecord], head: End | None) -> list[End]:
    ends = [end for gap in gaps for end in (gap.left, *gap.inside, gap.right) if end is not None]
    return ends if head is None else [*ends, head]
