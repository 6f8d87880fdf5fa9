"""M4 (Jugel et al. 2014): of each stretch of time the first, lowest, highest and last sample, which draw the same line.

What is chosen of samples already chosen in parts is the same as what is chosen of all, whatever the parts.
"""

from itertools import pairwise

import numpy as np

from hub.plugins.contract import Float64, Int64

PARTS = 4  # samples that are kept of each stretch
FEW = 16  # stretches: looking at each by itself is quicker
ROUND = 600_000  # ms: a store may keep what stands out in each ten minutes of UTC


def stretches(start: int, end: int, count: int) -> Int64:
    """The first ms of each of `count` stretches, and the end. They are equal, or where they are longer than 20 minutes
    nearly so: they begin at a multiple of ten."""
    borders = -(np.arange(count + 1, dtype=np.int64) * (start - end) // count) + start
    if end - start >= 2 * ROUND * count:
        borders[1:-1] = (borders[1:-1] + ROUND // 2) // ROUND * ROUND
    return borders


def chosen(at: Int64, values: Float64, borders: Int64) -> Int64:
    """Positions of the first, lowest, highest and last value between each two neighbours of `borders`; `at` ascends and
    lies between the first and the last of them. Of equal values the first."""
    if not len(at):
        return np.empty(0, np.int64)
    low, high = borders.searchsorted((at[0], at[-1]), "right")
    edges = [0, *at.searchsorted(borders[low:high]).tolist(), len(at)]
    if len(edges) <= FEW:
        kept: set[int] = set()
        for first, end in pairwise(edges):
            if first < end:
                part = values[first:end]
                kept |= {first, first + int(part.argmin()), first + int(part.argmax()), end - 1}
        return np.array(sorted(kept), np.int64)
    firsts = np.unique(edges[:-1])
    firsts = firsts[firsts < len(at)]
    sizes = np.diff(np.append(firsts, len(at)))
    extremes = (
        np.flatnonzero(values == np.repeat(extreme.reduceat(values, firsts), sizes))
        for extreme in (np.minimum, np.maximum)
    )
    found = [places[np.searchsorted(places, firsts)] for places in extremes]
    return np.unique(np.concatenate([firsts, firsts + sizes - 1, *found]))
