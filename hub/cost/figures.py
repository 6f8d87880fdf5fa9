"""Figures: what history says about a period, as columns of its buckets."""

import msgspec
import numpy as np

from hub.plugins.contract import Float64, Int64, SeriesKey


class Column(msgspec.Struct):
    """One outlet; energies in mWh, NaN = not known.

    now, estimated: of each bucket of the period. before: of each bucket's counterpart in the whole period before.
    so_far: of the period before up to the same moment, None = not known.
    """

    now: Float64
    estimated: Float64
    before: Float64
    so_far: float | None
    so_far_begun: bool
    """Was it measured from the first bucket of the period before on?"""


class Unknown(msgspec.Struct):
    """Gaps of which the energy is not known: how many, how long together, how many of them are still open."""

    count: int = 0
    hours: float = 0.0
    open: int = 0


class Figures(msgspec.Struct):
    """edges: Unix ms, one more than there are buckets. hour_starts, hour_mwh: every hour of the period in which
    anything was measured, all outlets together; empty where hours are not looked at."""

    edges: Int64
    columns: dict[SeriesKey, Column]
    unknown: Unknown
    hour_starts: Int64
    hour_mwh: Float64


def on_grid(edges: Int64, at: Int64, values: Float64) -> Float64:
    """Values of buckets that begin `at`, each in its place between the edges; NaN where there is none."""
    grid = np.full(len(edges) - 1, np.nan)
    inside = (at >= edges[0]) & (at < edges[-1])
    grid[np.searchsorted(edges, at[inside], "right") - 1] = values[inside]
    return grid
