"""Points of a chart: buckets summed to longer ones, and samples thinned so that nothing that stands out is lost."""

import msgspec
import numpy as np

from hub.plugins.contract import Float64, Int64, RawColumns, RollupColumns, SeriesKey

MICRO = 1000  # energy is summed as integers of 0.001 mWh, so that any grouping gives the same total
PARTS = 4  # samples that M4 keeps of each column: first, lowest, highest, last


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


class Energy(msgspec.Struct, frozen=True):
    """Energy of a range in mWh; None = nothing is known. `estimated_mwh` is part of `imported_mwh`."""

    imported_mwh: float | None
    exported_mwh: float | None
    estimated_mwh: float


def summed(series: SeriesKey, source: str, bucket_ms: int, parts: RollupColumns, edges: Int64) -> SeriesResult:
    """Stored buckets as buckets between `edges`; each part lies wholly in one of them."""
    place = np.searchsorted(edges, parts.start, "right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    place = place[inside]
    firsts = np.flatnonzero(np.diff(place, prepend=-1))
    held = place[firsts]
    weights = np.maximum(parts.covered_ms[inside], 1).astype(np.float64)
    imported, exported, estimated = (
        _energies(values[inside], firsts) for values in (parts.import_mwh, parts.export_mwh, parts.estimated_mwh)
    )
    total, estimated_total = energy_sum(imported), energy_sum(estimated)
    return SeriesResult(
        series=series,
        source=source,
        bucket_ms=bucket_ms,
        at=edges[held],
        mean=_mean(parts.mean_power[inside], weights, firsts),
        min=np.fmin.reduceat(parts.min_power[inside], firsts) if len(firsts) else np.empty(0),
        max=np.fmax.reduceat(parts.max_power[inside], firsts) if len(firsts) else np.empty(0),
        energy_mwh=imported,
        export_mwh=exported,
        estimated_mwh=np.nan_to_num(estimated),
        total_mwh=total,
        estimated_total_mwh=estimated_total or 0.0,
    )


def thinned(
    series: SeriesKey, streams: list[RawColumns], span: tuple[int, int], points: int, energy: Energy
) -> SeriesResult:
    """Samples of all streams in order of time, at most about `points` of them by M4 (Jugel et al. 2014): of each of
    points / 4 equal stretches the first, lowest, highest and last sample, which draws the same line."""
    at = np.concatenate([np.empty(0, np.int64), *(columns.at for columns in streams)])
    power = np.concatenate([np.empty(0), *(columns.power for columns in streams)])
    measured = ~np.isnan(power)
    at, power = at[measured], power[measured]
    order = np.argsort(at, kind="stable")
    at, power = at[order], power[order]
    if len(at) > points:
        chosen = m4(at, power, span, max(points // PARTS, 1))
        at, power = at[chosen], power[chosen]
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
    )


def m4(at: Int64, values: Float64, span: tuple[int, int], columns: int) -> Int64:
    """Positions of the first, lowest, highest and last value in each of `columns` equal stretches of `span`."""
    start, end = span
    place = (at - start) * columns // (end - start)
    firsts = np.flatnonzero(np.diff(place, prepend=-1))
    lasts = np.append(firsts[1:], len(at)) - 1
    by_value = np.lexsort((values, place))
    return np.unique(np.concatenate([firsts, lasts, by_value[firsts], by_value[lasts]]))


def energy_sum(values: Float64) -> float | None:
    """The sum without rounding on the way; None if no value is known."""
    known = values[~np.isnan(values)]
    return int(np.rint(known * MICRO).astype(np.int64).sum()) / MICRO if len(known) else None


def _energies(values: Float64, firsts: Int64) -> Float64:
    if not len(firsts):
        return np.empty(0)
    known = ~np.isnan(values)
    micro = np.rint(np.where(known, values, 0.0) * MICRO).astype(np.int64)
    sums = np.add.reduceat(micro, firsts) / MICRO
    return np.where(np.logical_or.reduceat(known, firsts), sums, np.nan)


def _mean(values: Float64, weights: Float64, firsts: Int64) -> Float64:
    """Means weighted by the time that samples cover."""
    if not len(firsts):
        return np.empty(0)
    known = ~np.isnan(values)
    weights = np.where(known, weights, 0.0)
    weight = np.add.reduceat(weights, firsts)
    total = np.add.reduceat(np.where(known, values, 0.0) * weights, firsts)
    means: Float64 = np.divide(total, weight, out=np.full(len(firsts), np.nan), where=weight > 0)
    return means
