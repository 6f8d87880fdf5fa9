"""Taking over: everything that one history store holds, put into another that keeps what it has."""

from collections.abc import Callable

from hub.plugins.contract import (
    TIERS,
    HistoryStore,
    MendableStore,
    Merge,
    RollupColumns,
    SeriesKey,
)

FOREVER = (1 << 62) - 1


def unhurried() -> None:
    """Nobody waits for the CPU."""


def take_over(into: HistoryStore, source: HistoryStore, pause: Callable[[], None] = unhurried) -> int:
    """Blocking; returns how many raw samples came. What `into` holds already stays. Raises OSError, StoreError."""
    count = 0
    for series, runs in (source.contents() if isinstance(source, MendableStore) else {}).items():
        for run in runs:
            count += _run(into, source, series, run)
            pause()
        for tier in TIERS:
            _buckets(into, source, series, tier)
            pause()
    return count


def _run(into: HistoryStore, source: HistoryStore, series: SeriesKey, run: str) -> int:
    part = source.read_stream(series, run, 0, FOREVER)
    if part is None:
        return 0
    here = into.read_stream(series, run, int(part.seq[0]), int(part.seq[-1]))
    into.merge(Merge([(series, part)] + ([] if here is None else [(series, here)]), []))
    return len(part.seq)


def _buckets(into: HistoryStore, source: HistoryStore, series: SeriesKey, tier: str) -> None:
    columns: RollupColumns = source.rollup(series, tier, 0, FOREVER)
    if len(columns.start):
        here = into.rollup(series, tier, 0, FOREVER)
        into.merge(Merge([], [(series, tier, columns), (series, tier, here)]))
