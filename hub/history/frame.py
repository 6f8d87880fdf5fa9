"""The readings around a span of one outlet: all of them where it is short; where it is long, those that decide about
order, gaps and energy, and the rest read again window by window."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec
import numpy as np

from hub.history import rollups
from hub.history.calendar import DAY, HOUR
from hub.history.minutes import is_minutes
from hub.history.readings import End, Readings, Run, Traits, arrange, renamed
from hub.history.rollups import Flow
from hub.history.steps import beside_ends, beside_steps
from hub.history.thinned import Thinned, around, ranges_of
from hub.plugins.columns import empty_rollup
from hub.plugins.contract import MINUTES, TIERS, Int64, RawColumns, RollupColumns, SeriesKey
from hub.telemetry.ranges import Ranges

SHORT = 12 * HOUR  # up to here everything is held at once
TILE = 6 * HOUR  # of raw samples that are held at once: 22,000
SPARSE_TILE = 32 * DAY  # where raw samples are hardly kept any more
WINDOW = 16 * DAY  # of buckets that are computed at once: 23,000 minutes

Span = tuple[int, int]


class Source(Protocol):
    """What planning reads of the store (see HistoryStore)."""

    def read(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]: ...
    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None: ...
    def rollup(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns: ...


class Outline(NamedTuple):
    """Of which outlet, and what is known of its runs and readings."""

    store: Source
    series: SeriesKey
    runs: Mapping[str, Run]
    traits: Traits


class Frame:
    """Stored samples with span[0] <= at < span[1], those beyond steps of the clock, and what is put beside them.

    new: samples that replace or join the stored ones; ends: readings that the store may not hold; margin: ms around a
    bucket in which its samples are needed; sparse: Unix ms before which raw samples are hardly kept.
    """

    def __init__(
        self,
        outline: Outline,
        span: Span,
        *,
        margin: int,
        new: Sequence[RawColumns] = (),
        ends: Sequence[End] = (),
        sparse: int = 0,
        thinned: Thinned | None = None,
    ) -> None:
        self._outline = outline
        self._span = span
        self._margin = margin
        self._new = new
        self._ends = ends
        self._thinned = Thinned(outline.traits)
        self._new_thinned = thinned
        self._thin: list[Span] = []  # where stored samples were left out
        self._loaded: tuple[Span, list[RawColumns]] = ((0, 0), [])
        self._unnumbered = Ranges()  # of what was read of a device that does not number its samples
        self._stored = self._taken(self._read(*span)) if span[1] - span[0] <= SHORT else self._thin_out(sparse)
        self._stored += beside_steps(outline.store, outline.series, outline.runs, span)
        self._stored += beside_ends(outline.store, outline.series, self._unnumbered)

    def whole(self) -> "View":
        """Everything. A frame must not hold it: two that know each other keep megabytes until the collector comes."""
        return View(self, [*self._stored, *self._new], self._ends)

    def without(self, ends: Sequence[End]) -> "View":
        """What the stored samples alone say, with these ends."""
        return View(self, self._stored, ends)

    def windows(self, start: int, end: int) -> Iterator[Span]:
        """The span in parts of which the buckets are to be computed at once; start and end are edges of the widest."""
        if self._span[1] - self._span[0] <= SHORT:
            yield start, end
            return
        widest = max(TIERS.values())
        begin = start
        while begin < end:
            until = min(begin + TILE // widest * widest, end)
            if not self.thinned((begin, until)):
                while until < end and until - begin < WINDOW and not self.thinned((until, until + TILE)):
                    until = min(until + TILE // widest * widest, end)
            yield begin, until
            begin = until

    def thinned(self, window: Span) -> bool:
        """Does it take more stored samples than are held to compute these buckets?"""
        low, high = window[0] - self._margin, window[1] + self._margin
        return any(start < high and end > low for start, end in self._thin)

    def arranged(self, parts: Sequence[RawColumns], ends: Sequence[End], window: Span | None = None) -> Readings:
        """In order; `window`: with all stored samples that its buckets need."""
        full = [] if window is None else self._load(window)
        # What is stored comes first: of one seq the last part counts.
        readings = arrange([*full, *parts], ends, self._outline.runs, self._outline.traits)
        self._thinned.bridge(readings)
        if self._new_thinned is not None:
            self._new_thinned.bridge(readings)
        return readings

    @property
    def traits(self) -> Traits:
        """Of the outlet."""
        return self._outline.traits

    def _load(self, window: Span) -> list[RawColumns]:
        if self._loaded[0] != window:
            self._loaded = window, []
            parts = self._read(window[0] - self._margin, window[1] + self._margin)
            self._loaded = window, [part for part in parts if not is_minutes(part.run)]
        return self._loaded[1]

    def _read(self, start: int, end: int) -> list[RawColumns]:
        return self._outline.store.read(self._outline.series, start, end)

    def _taken(self, parts: list[RawColumns]) -> list[RawColumns]:
        for part in parts:
            if not part.run:
                for first, last in ranges_of(part.seq, part.seq):
                    self._unnumbered.add(first, last)
        return parts

    def _thin_out(self, sparse: int) -> list[RawColumns]:
        (start, end), edges = self._span, self._edges()
        while start < end:
            until = min(start + (SPARSE_TILE if start + SPARSE_TILE <= sparse else TILE), end)
            for part in self._taken(self._read(start, until)):
                if self._thinned.take(part, edges.get(part.run)):
                    self._thin.append((start, until))
            start = until
        return self._thinned.parts()

    def _edges(self) -> dict[str, Int64]:
        """Seqs by run next to which stored samples matter: of new samples, and at both ends of minutes."""
        seqs: dict[str, list[Int64]] = {}
        for part in self._new:
            seqs.setdefault(renamed(part).run, []).append(around(part))
        for run in self._outline.runs:
            if is_minutes(run):
                stored = self._outline.store.read_stream(self._outline.series, run, 0, (1 << 62) - 1)
                if stored is not None:
                    seqs.setdefault(run.removesuffix(MINUTES), []).append(around(stored))
        return {run: np.concatenate(parts) for run, parts in seqs.items()}


class View:
    """Readings of a frame in order, their energy, and buckets of them."""

    def __init__(self, frame: Frame, parts: Sequence[RawColumns], ends: Sequence[End]) -> None:
        self._frame = frame
        self._parts = parts
        self._ends = ends
        self.readings = frame.arranged(parts, ends)
        self.energy = rollups.flow(self.readings, frame.traits)
        self._last: tuple[Span, Readings, Flow] | None = None

    def buckets(self, window: Span, tier: str, start: int, end: int) -> RollupColumns:
        """Those with start <= bucket < end (multiples of its width), which lie in the window."""
        readings, energy = self._of(window)
        return rollups.buckets(readings, energy, self._frame.traits, TIERS[tier], (start, end))

    def _of(self, window: Span) -> tuple[Readings, Flow]:
        if not self._frame.thinned(window):
            return self.readings, self.energy
        if self._last is None or self._last[0] != window:
            self._last = None
            readings = self._frame.arranged(self._parts, self._ends, window)
            self._last = window, readings, rollups.flow(readings, self._frame.traits)
        return self._last[1], self._last[2]


class Joined(msgspec.Struct):
    """Buckets of one tier that are put together window by window."""

    parts: list[RollupColumns] = []

    def add(self, part: RollupColumns) -> None:
        """Those of the next window."""
        if len(part.start):
            self.parts.append(part)

    def columns(self) -> RollupColumns:
        """All of them; the parts are given up column by column, so that they are not held twice."""
        parts, self.parts = self.parts, []
        if not parts:
            return empty_rollup()
        if len(parts) == 1:
            return parts[0]
        columns = {}
        for name in RollupColumns.__struct_fields__:
            columns[name] = np.concatenate([getattr(part, name) for part in parts])
            for part in parts:
                setattr(part, name, columns[name][:0])
        return RollupColumns(**columns)
