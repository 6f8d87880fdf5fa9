"""Where samples are missing from a line of samples and minutes are known: their buckets take the place."""

from collections.abc import Callable

import numpy as np

from hub.history.calendar import CHARTED
from hub.history.points import Filled, SeriesResult
from hub.plugins.columns import condensed, select_rollup
from hub.plugins.contract import TIERS, Int64, RollupColumns

SHORTEST_MS = 2 * TIERS["1m"]  # between two samples; in less there need not be a whole minute

Read = Callable[[str, int, int], RollupColumns]
"""tier, start, end: the buckets of an outlet"""


def holes(at: Int64, borders: Int64 | None, start: int, end: int) -> tuple[Int64, Int64]:
    """The samples before and behind each stretch without one, start - 1 and `end` at the ends of the range. borders:
    between which samples were chosen; of each stretch the first and the last are there, so that two neighbours of
    different stretches have nothing between them."""
    left, right = np.append(start - 1, at), np.append(at, end)
    wide = right - left > SHORTEST_MS
    if borders is not None and len(at):
        stretch = np.searchsorted(borders, at, "right")
        wide[1:-1] &= stretch[1:] != stretch[:-1]
    return left[wide], right[wide]


def filled(  # noqa: PLR0917
    result: SeriesResult, borders: Int64, start: int, end: int, points: int, minutes_from: int, read: Read
) -> SeriesResult:
    """The line with buckets where it has holes: of the finest kind of which the whole range has no more than `points`,
    none of them reaching to a sample. minutes_from: before it there are only quarters."""
    left, right = holes(result.at, borders if result.thinned else None, start, end)
    if not len(left):
        return result
    first, last = int(left[0]), int(right[-1])
    fine = first >= minutes_from
    width = next((ms for ms in CHARTED.values() if ms * points >= end - start), CHARTED["1d"])
    tier = "1m" if fine and width < TIERS["15m"] else "15m"
    width = max(width, TIERS[tier])
    first, last = first // width * width, -(-last // width) * width
    buckets = read(tier, first, last)
    if not len(buckets.start):
        return result
    if width > TIERS[tier]:
        buckets = condensed(buckets, np.arange(first, last + width, width))
    place = np.searchsorted(left, buckets.start) - 1
    inside = (place >= 0) & ~np.isnan(buckets.mean_power)
    inside[inside] = buckets.start[inside] + width <= right[place[inside]]
    return _joined(result, select_rollup(buckets, inside), width) if inside.any() else result


def _joined(result: SeriesResult, buckets: RollupColumns, width: int) -> SeriesResult:
    at = np.append(result.at, buckets.start)
    order = np.argsort(at, kind="stable")
    unknown = np.full(len(at), np.nan)
    begins = np.flatnonzero(np.diff(buckets.start, prepend=-width - 1) > width)
    ends = np.append(begins[1:], len(buckets.start)) - 1
    spans = zip(buckets.start[begins].tolist(), buckets.start[ends].tolist(), strict=True)
    result.at = at[order]
    result.mean = np.append(result.mean, buckets.mean_power)[order]
    result.min = np.append(result.min, buckets.min_power)[order]
    result.max = np.append(result.max, buckets.max_power)[order]
    result.energy_mwh, result.export_mwh, result.estimated_mwh = unknown, unknown, np.zeros(len(at))
    result.filled = [Filled(begin, end + width, width) for begin, end in spans]
    return result
