"""Minutes that plugs kept, as readings see them: which stretches of seqs they tell, and what of it is lacking."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from hub.plugins.contract import MINUTES, Float64, Int64, RawColumns
from hub.telemetry.ranges import Ranges

Bools = npt.NDArray[np.bool_]


class Spans(msgspec.Struct):
    """Records by run (an index) and last seq. Each stands for the samples first..last.

    at, up, energy_mwh, export_mwh: of the sample `last`; begin: Unix ms of the moment before `first`.
    low, mean, high: W; on_ms: relay on. begun: records before whose first sample nothing of their run is known.
    """

    run: Int64
    first: Int64
    last: Int64
    up: Int64
    at: Int64
    begin: Int64
    energy_mwh: Int64
    export_mwh: Int64
    low: Float64
    mean: Float64
    high: Float64
    on_ms: Float64
    begun: Int64
    covered: Mapping[int, Ranges]


def is_minutes(run: str) -> bool:
    """Does a stream of this name hold minutes?"""
    return run.endswith(MINUTES)


def begins(minutes: RawColumns, interval_ms: int) -> Int64:
    """Unix ms of the moment before the first sample of each record: where the one before ends, else by its length."""
    first = minutes.extra["seq_from"].astype(np.int64)
    begin: Int64 = minutes.at - (minutes.seq - first + 1) * interval_ms
    if len(first) > 1:
        joined = minutes.seq[:-1] >= first[1:] - 1
        begin[1:] = np.where(joined, minutes.at[:-1], begin[1:])
    return begin


def spans_of(
    minutes: Sequence[tuple[RawColumns, int]], samples: Sequence[RawColumns], index: Mapping[str, int], interval_ms: int
) -> Spans:
    """Dated minutes of some runs in order; of equal last seqs the last part's record counts."""
    parts = [(part, run) for part, run in minutes if len(part.seq)]
    whole, none = np.empty(0, np.int64), np.empty(0)
    if not parts:
        return Spans(whole, whole, whole, whole, whole, whole, whole, whole, none, none, none, none, whole, {})
    columns = [
        (
            np.full(len(part.seq), run, np.int64),
            part.extra["seq_from"].astype(np.int64),
            part.seq,
            part.up,
            part.at,
            begins(part, interval_ms),
            part.energy_mwh,
            part.export_mwh,
            *(part.extra.get("min", part.power), part.power, part.extra.get("max", part.power)),
            part.extra.get("on_ms", np.full(len(part.seq), np.nan)),
        )
        for part, run in parts
    ]
    joined = [np.concatenate(values) for values in zip(*columns, strict=True)]
    order = np.lexsort((joined[2], joined[0]))
    last = np.ones(len(order), bool)
    run, seq = joined[0][order], joined[2][order]
    last[:-1] = (run[1:] != run[:-1]) | (seq[1:] != seq[:-1])
    order = order[last]
    run, first, seq, up, at, begin, energy, export, low, mean, high, on = (values[order] for values in joined)
    covered = {
        number: Ranges(zip(first[run == number].tolist(), seq[run == number].tolist(), strict=True))
        for number in np.unique(run).tolist()
    }
    begun = _begun(run, first, covered, samples, index)
    return Spans(run, first, seq, up, at, begin, energy, export, low, mean, high, on, begun, covered)


def contributions(spans: Spans, run: Int64, seq: Int64, bare: Bools) -> tuple[Int64, Int64]:
    """For each reading k the record that tells what lies between k - 1 and k (-1 = none does, or not all of it), and
    for how many samples it stands; a bare reading's own place counts too."""
    span, lacking = np.full(len(seq), -1, np.int64), np.zeros(len(seq), np.int64)
    for number, ranges in spans.covered.items():
        k = np.flatnonzero((run[1:] == number) & (run[:-1] == number)) + 1
        after = seq[k - 1] + 1
        starts, ends = np.array(ranges.starts), np.array(ranges.ends)
        place = np.searchsorted(starts, after, "right") - 1
        reach = np.where(place >= 0, ends[place.clip(0)], -1)
        told = np.minimum(np.where(bare[k], seq[k], seq[k] - 1), reach)
        whole = (told >= after) & (told >= seq[k] - 1)
        k, after, told = k[whole], after[whole], told[whole]
        mine = np.flatnonzero(spans.run == number)
        span[k] = mine[np.searchsorted(spans.last[mine], told)]
        lacking[k] = told - after + 1
    return span, lacking


class Shares(msgspec.Struct):
    """What of records falls into buckets: record `span` stands for `count` samples of bucket `place`."""

    span: Int64
    place: Int64
    count: Float64


def shares(span: Int64, lacking: Int64, seq: Int64, at: Int64, grid: tuple[int, int, int]) -> Shares:
    """The samples that records stand for, by bucket of `grid` (start, width, number of buckets): a record's samples
    are taken as evenly spread between the readings at both ends; every bucket that it reaches into gets its share."""
    start, width, n = grid
    k = np.flatnonzero(span >= 0)
    begin, end, steps = at[k - 1], at[k], seq[k] - seq[k - 1]
    length = np.maximum(end - begin, 0)
    first, last = (begin - start) // width, np.maximum((end - start) // width, (begin - start) // width)
    first, last = np.maximum(first, 0), np.minimum(last, n - 1)
    inside = first <= last
    k, begin, steps, length, first, last = (a[inside] for a in (k, begin, steps, length, first, last))
    each = last - first + 1
    row = np.repeat(np.arange(len(k)), each)
    place = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)

    def before(edge: Int64) -> Int64:
        """How many of the samples come before it: sample i of `lacking` at begin + i x length / steps, i from 1."""
        reached = -(-(edge - begin[row]) * steps[row] // np.maximum(length[row], 1)) - 1
        return np.clip(reached, 0, lacking[k][row])

    edge = start + place * width
    until = np.where(place == (begin[row] + length[row] - start) // width, lacking[k][row], before(edge + width))
    count = until - np.where(length[row] > 0, before(edge), 0)
    return Shares(span[k][row], place, count.astype(np.float64))


def on_share(spans: Spans, span: Int64, seq: Int64, clock: Int64) -> Float64:
    """The part of the time with the relay on by the record that tells of reading k, 0 where none does."""
    share = np.zeros(len(span))
    k = np.flatnonzero(span >= 0)
    each = (clock[k] - clock[k - 1]) / np.maximum(seq[k] - seq[k - 1], 1)
    record = span[k]
    length = each * (spans.last[record] - spans.first[record] + 1)
    on = np.nan_to_num(spans.on_ms[record])
    share[k] = np.divide(on, length, out=np.zeros(len(k)), where=length > 0).clip(0, 1)
    return share


def _begun(
    run: Int64, first: Int64, covered: Mapping[int, Ranges], samples: Sequence[RawColumns], index: Mapping[str, int]
) -> Int64:
    """Records that begin a stretch of minutes, where no sample of the run stands directly before it or at its start."""
    begun = [np.empty(0, np.int64)]
    for number, ranges in covered.items():
        starts = np.array(ranges.starts)
        for part in samples:
            if index[part.run] == number:
                starts = starts[~np.isin(starts, part.seq) & ~np.isin(starts - 1, part.seq)]
        mine = np.flatnonzero(run == number)
        known, place = np.unique(first[mine], return_index=True)
        begun.append(mine[place[np.searchsorted(known, starts)]])
    return np.concatenate(begun)
