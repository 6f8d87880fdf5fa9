"""Runs that nothing can date: known by minutes alone, they give the gap in which they lie its energy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from hub.history.gaps import GapRecord
from hub.history.minutes import is_minutes
from hub.history.readings import End, Run, renamed
from hub.history.state import SeriesState
from hub.plugins.columns import join_raw, select_raw
from hub.plugins.contract import NONE, RawColumns, SeriesKey
from hub.telemetry.streams import ORDER_STEP


class Source(Protocol):
    """What this reads of the store (see HistoryStore)."""

    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None: ...


def hidden_ends(
    series: SeriesKey, store: Source, state: SeriesState, new: Sequence[RawColumns], runs: Mapping[str, Run]
) -> dict[str, list[End]]:
    """The first two readings and the last of each run without a date that ended before another was live, by name of the
    run: the second decides whether the energy rule takes the first for a new baseline.

    new: by run, some without a date. Only what is in no gap yet.
    """
    latest = max((run.order for run in runs.values() if run.order % ORDER_STEP == 0), default=0)
    found: dict[str, list[End]] = {}
    for run in runs.values():
        if not is_minutes(run.run) or run.points or run.order >= latest:
            continue
        parts = [part for part in new if part.run == run.run]
        for first, last in state.undated.get(run.number, []):
            stored = store.read_stream(series, run.run, first, last)
            if stored is not None:
                parts.insert(0, stored)
        parts = [part for part in parts if (part.at == NONE).any()]
        if parts:
            minutes = renamed(join_raw(parts))
            minutes = select_raw(minutes, minutes.at == NONE)
            found[minutes.run] = [
                _end(minutes, k) for k in sorted({0, min(1, len(minutes.seq) - 1), len(minutes.seq) - 1})
            ]
    return found


def surrounding(gaps: Iterable[GapRecord], run: Run, runs: Mapping[str, Run]) -> list[GapRecord]:
    """The gap in which this run lies, if it is known already."""
    order = {name: other.order for name, other in runs.items()}
    return [
        gap
        for gap in gaps
        if gap.left is not None
        and gap.right is not None
        and order.get(gap.left.run, -1) < run.order < order.get(gap.right.run, -1)
    ]


def _end(minutes: RawColumns, k: int) -> End:
    seq, up, energy, export = (
        int(column[k]) for column in (minutes.seq, minutes.up, minutes.energy_mwh, minutes.export_mwh)
    )
    return End(NONE, minutes.run, seq, up, energy, export, kept=True)
