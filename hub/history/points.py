"""Points of a chart: buckets summed to longer ones, and samples thinned so that nothing that stands out is lost."""

from collections.abc import Sequence

import msgspec
import numpy as np

from hub.plugins import m4
from hub.plugins.columns import MICRO, condensed, empty_rollup
from hub.plugins.contract import Float64, Int64, RawColumns, RollupColumns, SeriesKey


class Filled(msgspec.Struct, frozen=True):
    """A stretch of a line of samples in which only buckets are known: each of its points stands for `bucket_ms`."""

    start: int
    end: int
    bucket_ms: int


class SeriesResult(msgspec.Struct):
    """One series over a range, arrays of equal length, ascending by `at`.

    source: raw, 1m, 5m, 15m, 1h or 1d; bucket_ms: its usual length (days of 23 and 25 hours differ), 0 for raw.
    at: start of each bucket, Unix ms (raw: the sample's time). mean, min, max: W (NaN = none; raw: all the sample's).
    energy_mwh: import of each bucket (NaN = unknown, raw: always); export_mwh likewise; estimated_mwh: the part of
    energy_mwh known only from the counters at both ends of a gap. total_mwh: exactly the sum of energy_mwh, for raw
    that of the range; None = unknown. estimated_total_mwh: the part of it that is estimated.
    """

    series: SeriesKey
    source: str
    bucket_ms: int
    at: Int64
    mean: Float64
    min: Float64
    max: Float64
    energy_mwh: Float64
    export_mwh: Float64
    estimated_mwh: Float64
    total_mwh: float | None
    estimated_total_mwh: float
    thinned: str | None = None
    """How samples were chosen, "m4", where there were more than could be given."""
    filled: list[Filled] = []
    """Where a line of samples is made of buckets."""


class Energy(msgspec.Struct, frozen=True):
    """Energy of a range in mWh; None = nothing is known. `estimated_mwh` is part of `imported_mwh`."""

    imported_mwh: float | None
    exported_mwh: float | None
    estimated_mwh: float


def summed(series: SeriesKey, source: str, bucket_ms: int, parts: RollupColumns, edges: Int64) -> SeriesResult:
    """Stored buckets as those between `edges`."""
    sums = condensed(parts, edges)
    return SeriesResult(
        series=series,
        source=source,
        bucket_ms=bucket_ms,
        at=sums.start,
        mean=sums.mean_power,
        min=sums.min_power,
        max=sums.max_power,
        energy_mwh=sums.import_mwh,
        export_mwh=sums.export_mwh,
        estimated_mwh=np.nan_to_num(sums.estimated_mwh),
        total_mwh=energy_sum(sums.import_mwh),
        estimated_total_mwh=energy_sum(sums.estimated_mwh) or 0.0,
    )


def added(parts: Sequence[RollupColumns]) -> RollupColumns:
    """Buckets of one width of several outlets, added up where they begin together.

    Means and energies are sums of what is known; so are minima and maxima, which bound those of the sum: two outlets
    need not have been highest at the same second.
    """
    starts = np.unique(np.concatenate([np.empty(0, np.int64), *(part.start for part in parts)]))
    total = empty_rollup()
    total.start = starts
    places = [np.searchsorted(starts, part.start) for part in parts]
    for name in ("mean_power", "min_power", "max_power", "import_mwh", "export_mwh", "estimated_mwh"):
        values = np.full(len(starts), np.nan)
        for part, place in zip(parts, places, strict=True):
            values[place] = _plus(values[place], getattr(part, name))
        setattr(total, name, values)
    covered = np.zeros(len(starts), np.int64)
    for part, place in zip(parts, places, strict=True):
        covered[place] = np.maximum(covered[place], part.covered_ms)
    total.covered_ms = covered
    total.mean_voltage = total.mean_current = np.full(len(starts), np.nan)
    total.on_ms = total.count = np.zeros(len(starts), np.int64)
    return total


def thinned(  # noqa: PLR0917
    series: SeriesKey, streams: Sequence[RawColumns], borders: Int64, points: int, energy: Energy, chosen: int = 0
) -> SeriesResult:
    """Samples of all streams in order of time, at most about `points` of them: by M4 those between `borders`.

    chosen: of so many they were chosen already."""
    at = np.concatenate([np.empty(0, np.int64), *(columns.at for columns in streams)])
    power = np.concatenate([np.empty(0), *(columns.power for columns in streams)])
    measured = ~np.isnan(power)
    if not measured.all():
        at, power = at[measured], power[measured]
    if (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        at, power = at[order], power[order]
    many = max(chosen, len(at)) > points
    if many:
        places = m4.chosen(at, power, borders)
        at, power = at[places], power[places]
    unknown = np.full(len(at), np.nan)
    return SeriesResult(
        series=series,
        source="raw",
        bucket_ms=0,
        at=at,
        mean=power,
        min=power,
        max=power,
        energy_mwh=unknown,
        export_mwh=unknown,
        estimated_mwh=np.zeros(len(at)),
        total_mwh=energy.imported_mwh,
        estimated_total_mwh=energy.estimated_mwh,
        thinned="m4" if many else None,
    )


def energy_sum(values: Float64) -> float | None:
    """The sum without rounding on the way; None if no value is known."""
    known = values[~np.isnan(values)]
    return int(np.rint(known * MICRO).astype(np.int64).sum()) / MICRO if len(known) else None


def _plus(left: Float64, right: Float64) -> Float64:
    """The sum; of known and unknown the known."""
    return np.where(np.isnan(left), right, left + np.nan_to_num(right))
