"""What the state of a lost store remembers: where samples are gone that it knew, a gap says so, with the energy between
readings that it still knows."""

import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from hub.history.gaps import Causes, GapRecord, Outage
from hub.history.lost import Lost
from hub.history.readings import End, Traits
from hub.history.state import SeriesChange, SeriesState, State, StreamRow
from hub.history.whole import Whole, runs_of
from hub.messages import HubError
from hub.plugins.contract import NONE, HistoryStore, SeriesKey

FOREVER = (1 << 62) - 1
FEW = 1000  # seqs among which a stream has a date
HOUR_MS = 3_600_000

log = logging.getLogger("hub.history.salvage")


def opened(copy: Path) -> State | None:
    """A copy of the state that was set aside with a store; None where it cannot be read."""
    state = State(copy)
    try:
        state.open()
    except (HubError, OSError) as error:
        log.warning("what the lost store held is not known: %s", error)
        return None
    return state


class LostStore:
    """Blocking, while nobody merges. `old`: the state of the store that was lost; `state`: made of what is there again,
    and now; `store`: what is there again, and what came since."""

    def __init__(
        self,
        old: State,
        state: State,
        store: HistoryStore,
        traits: Callable[[SeriesKey], Traits],
        outages: Sequence[Outage],
    ) -> None:
        self._old = old
        self._state = state
        self._store = store
        self._traits = traits
        self._outages = outages
        self._old_rows = old.streams()
        self._rows = state.streams()
        self.lost: list[str] = []
        """Samples that are gone, in words."""

    def tell(self, has: Callable[[str], bool]) -> list[SeriesKey]:
        """Put gaps into the state where samples are gone; returns of which outlets. has: is there this device? Raises
        OSError, StoreError."""
        return [
            series
            for series, known in self._old.all_series()
            if known.head is not None and has(series.device) and self._outlet(series, known, known.head)
        ]

    def _outlet(self, series: SeriesKey, known: SeriesState, head: End) -> bool:
        traits = self._traits(series)
        whole = Whole(self._store, self._old, series, self._old_rows, traits)
        lost = whole.samples([]).lost
        if not lost:
            return False
        now = self._state.series(series)
        floor = max(whole.floor(), known.first_at or 0)
        first = self._first(series)
        change = SeriesChange(series.device, series.channel, (0, 0), [], now)
        old_gaps = self._old.gaps(series, 0, FOREVER)
        runs = runs_of({row.run: row for row in (*self._old_rows, *self._rows) if _of(row) == series})
        tell = _Chain(series, old_gaps, head, traits, Causes(runs, traits, self._outages))
        if first is None or floor < first.at:
            change.gaps += tell.between(floor, None, first)
            now.first_at = floor if now.first_at is None else min(now.first_at, floor)
            now.longest_ms = max(now.longest_ms, known.longest_ms)
        if first is None:
            now.head, now.traits = head, traits
        elif now.head is not None and now.head.at < head.at:
            change.gaps += tell.between(now.head.at, now.head, None)
            now.head = head
        change.gaps += self._named(series, lost)
        self._state.apply([change])
        self.lost += [f"raw {series.device}/{series.channel} {_dated(each, floor, head)}" for each in lost]
        return True

    def _first(self, series: SeriesKey) -> End | None:
        """The first reading that is there."""
        found: list[End] = []
        for row in self._rows:
            if _of(row) == series and row.known.settled:
                begin = row.known.settled[0][0]
                part = self._store.read_stream(series, row.run, begin, begin + FEW)
                dated = [] if part is None else (part.at != NONE).nonzero()[0][:1].tolist()
                if part is not None and dated:
                    k = dated[0]
                    columns = (part.at, part.seq, part.up, part.energy_mwh, part.export_mwh)
                    at, seq, up, energy, export = (int(column[k]) for column in columns)
                    found.append(End(at, row.run, seq, up, energy, export))
        return min(found, key=lambda end: end.at, default=None)

    def _named(self, series: SeriesKey, lost: Iterable[Lost]) -> list[GapRecord]:
        """Gaps between samples that are there of which it is clear now why they came about."""
        return [
            msgspec.structs.replace(gap, cause="damaged")
            for each in lost
            if NONE not in (each.start, each.end)
            for gap in self._state.gaps(series, each.start, each.end)
            if gap.cause == "unknown" and gap.start <= each.start and (gap.end or 0) >= each.end
        ]


class _Chain:
    """The readings of one outlet that its old state knows, one after the other."""

    def __init__(self, series: SeriesKey, gaps: Sequence[GapRecord], head: End, traits: Traits, causes: Causes) -> None:
        self._series = series
        self._gaps = gaps
        self._head = head
        self._traits = traits
        self._causes = causes

    def between(self, start: int, left: End | None, right: End | None) -> list[GapRecord]:
        """Gaps over all from `start` (Unix ms), where `left` is known, to `right`, or to the last known reading. Those
        that were known before stay what they are."""
        until = FOREVER if right is None else right.at
        ends = [end for gap in self._gaps for end in (gap.left, gap.right) if end is not None]
        inside = {end.at: end for end in [*ends, self._head] if end.at != NONE and start <= end.at < until}
        known = [inside[at] for at in sorted(inside) if left is None or at > left.at]
        chain = [*([] if left is None else [left]), *known, *([] if right is None else [right])]
        old = {(gap.start, gap.end): gap for gap in self._gaps}
        found = []
        if left is None and chain and chain[0].at > start:
            found.append(self._gap(start, chain[0].at, "damaged", None, None, chain[0]))
        for before, after in pairwise(chain):
            gap = old.get((before.at, after.at))
            if gap is not None:
                found.append(gap)
            elif before != self._head:
                found.append(self._gap(before.at, after.at, "damaged", self._energy(before, after), before, after))
            elif after.at - before.at > self._traits.longest_ms or self._causes.lasting(before, after):
                cause = self._causes.between(before, after)
                found.append(self._gap(before.at, after.at, cause, self._energy(before, after), before, after))
        return found

    def _energy(self, before: End, after: End) -> float | None:
        if NONE in (before.energy_mwh, after.energy_mwh):
            return None
        mwh = after.energy_mwh - before.energy_mwh
        most = self._traits.limit_w * 1000 * (after.at - before.at) / HOUR_MS + self._traits.resolution_mwh
        return float(mwh) if 0 <= mwh <= most else None

    def _gap(  # noqa: PLR0917
        self, start: int, end: int, cause: str, mwh: float | None, left: End | None, right: End | None
    ) -> GapRecord:
        return GapRecord(self._series.device, self._series.channel, start, end, cause, mwh, left, right)


def _of(row: StreamRow) -> SeriesKey:
    return SeriesKey(row.device, row.channel)


def _dated(lost: Lost, start: int, head: End) -> Lost:
    """Where nothing beside it has a date it lay between the first and the last reading."""
    return lost._replace(
        start=start if lost.start == NONE else lost.start, end=head.at if lost.end == NONE else lost.end
    )
