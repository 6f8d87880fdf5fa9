"""Taking over: everything that one history store holds, put into another that keeps what it has."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from hub.history.calendar import DAY
from hub.plugins.contract import TIERS, HistoryStore, MendableStore, Merge, RawColumns, SeriesKey
from hub.telemetry.ranges import Range

FOREVER = (1 << 62) - 1
PIECE = 100_000  # samples of a stream that are held at once, about 8 MB; a year at 1 Hz is 31 million
WINDOW = 60 * DAY  # of buckets: 86,400 minutes


def unhurried() -> None:
    """Nobody waits for the CPU."""


def take_over(into: HistoryStore, source: HistoryStore, pause: Callable[[], None] = unhurried) -> int:
    """Blocking; returns how many raw samples came. What `into` holds already stays. Raises OSError, StoreError."""
    count = 0
    for series, runs in (source.contents() if isinstance(source, MendableStore) else {}).items():
        for run in runs:
            for part in _parts(into, source, series, run):
                here = into.read_stream(series, run, int(part.seq[0]), int(part.seq[-1]))
                into.merge(Merge([(series, part)] + ([] if here is None else [(series, here)]), []))
                count += len(part.seq)
                pause()
        for tier in TIERS:
            _buckets(into, source, series, tier, pause)
    return count


def parts_of(store: HistoryStore, series: SeriesKey, run: str) -> Iterator[RawColumns]:
    """All samples of a stream, piece by piece. Raises OSError, StoreError."""
    for first, last in pieces_of(store, series, run):
        part = store.read_stream(series, run, first, last)
        if part is not None:
            yield part


def pieces_of(store: HistoryStore, series: SeriesKey, run: str) -> list[Range]:
    """Ranges of seqs of about PIECE samples each. Raises OSError, StoreError."""
    return list(store.pieces(series, run, PIECE)) if isinstance(store, MendableStore) else [(0, FOREVER)]


def _parts(into: HistoryStore, source: HistoryStore, series: SeriesKey, run: str) -> Iterator[RawColumns]:
    """Of `source`, cut also where pieces of `into` begin: few samples over a long time may lie where it holds many."""
    cuts = [first for first, _ in pieces_of(into, series, run)]
    for first, last in pieces_of(source, series, run):
        for start, end in pairwise([first, *(cut for cut in cuts if first < cut <= last), last + 1]):
            part = source.read_stream(series, run, start, end - 1)
            if part is not None:
                yield part


def _buckets(into: HistoryStore, source: HistoryStore, series: SeriesKey, tier: str, pause: Callable[[], None]) -> None:
    for start, end in pairwise(_edges(source, series)):
        columns = source.rollup(series, tier, start, end)
        if len(columns.start):
            here = into.rollup(series, tier, start, end)
            into.merge(Merge([], [(series, tier, columns), (series, tier, here)]))
        pause()


def _edges(store: HistoryStore, series: SeriesKey) -> list[int]:
    """Of windows over all time, by where quarters of an hour lie: they are kept longest, and are few."""
    quarters = store.rollup(series, "15m", 0, FOREVER, brief=True).start
    if not len(quarters):
        return [0, FOREVER]
    begin, end = int(quarters[0]) // DAY * DAY, int(quarters[-1]) + TIERS["15m"]
    return [0, *range(begin, end, WINDOW), end, FOREVER]
