"""Putting columns together and taking them apart: samples of one stream, buckets of one series."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hub.plugins.contract import NONE, Float64, Int64, RawColumns, RollupColumns

RAW_ARRAYS = ("seq", "up", "at", "voltage", "current", "power", "energy_mwh", "export_mwh", "relay", "apparent")
ROLLUP_ARRAYS = RollupColumns.__struct_fields__
ROLLUP_TYPES = {"start": np.int64, "on_ms": np.int64, "covered_ms": np.int64, "count": np.int64}
DECIMALS = {
    "mean_power": 2,
    "min_power": 2,
    "max_power": 2,
    "mean_voltage": 2,
    "mean_current": 4,
    "import_mwh": 3,
    "export_mwh": 3,
    "estimated_mwh": 3,
}
MICRO = 1000  # energy is summed as integers of 0.001 mWh, so that any grouping gives the same total


def size_of(columns: RawColumns | RollupColumns) -> int:
    """Bytes of its arrays."""
    if isinstance(columns, RollupColumns):
        return sum(int(getattr(columns, name).nbytes) for name in ROLLUP_ARRAYS)
    return sum(int(getattr(columns, name).nbytes) for name in RAW_ARRAYS) + sum(
        values.nbytes for values in columns.extra.values()
    )


def select_raw(columns: RawColumns, chosen: Any) -> RawColumns:
    """The samples that a slice, mask or index array chooses; further columns without a value are left out."""
    arrays = {name: getattr(columns, name)[chosen] for name in RAW_ARRAYS}
    extra = {name: values[chosen] for name, values in columns.extra.items()}
    extra = {name: values for name, values in extra.items() if not np.isnan(values).all()}
    return RawColumns(run=columns.run, extra=extra, **arrays)


def chosen_raw(columns: RawColumns, chosen: Any) -> RawColumns:
    """The same for a mask, without a copy where it chooses all of them."""
    return columns if chosen.all() and not columns.extra else select_raw(columns, chosen)


def brief_raw(run: str, seq: Int64, at: Int64, power: Float64) -> RawColumns:
    """Samples of which nothing else is known; the other columns take no memory and cannot be written to."""
    shape = seq.shape
    unknown, none = np.broadcast_to(np.float64(np.nan), shape), np.broadcast_to(np.int64(NONE), shape)
    neither = np.broadcast_to(np.int8(NONE), shape)
    return RawColumns(run, seq, none, at, unknown, unknown, power, none, none, neither, neither, {})


def join_raw(parts: Sequence[RawColumns], *, brief: bool = False) -> RawColumns:
    """Samples of one stream as one, ascending by seq; of equal seqs the last part's sample stays. At least one part.

    `brief`: only seq, at and power are needed."""
    if len(parts) == 1:
        joined = parts[0]
    elif brief:
        seq, at, power = (np.concatenate([getattr(part, name) for part in parts]) for name in ("seq", "at", "power"))
        joined = brief_raw(parts[0].run, seq, at, power)
    else:
        names = sorted({name for part in parts for name in part.extra})
        joined = RawColumns(
            run=parts[0].run,
            extra={
                name: np.concatenate([part.extra.get(name, np.full(len(part.seq), np.nan)) for part in parts])
                for name in names
            },
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in RAW_ARRAYS},
        )
    if (np.diff(joined.seq) > 0).all():
        return joined
    return select_raw(joined, _last_of_equal(joined.seq))


def empty_rollup() -> RollupColumns:
    """No buckets."""
    arrays: dict[str, Any] = {name: np.empty(0, ROLLUP_TYPES.get(name, np.float64)) for name in ROLLUP_ARRAYS}
    return RollupColumns(**arrays)


def select_rollup(columns: RollupColumns, chosen: Any) -> RollupColumns:
    """The buckets that a slice, mask or index array chooses."""
    return RollupColumns(**{name: getattr(columns, name)[chosen] for name in ROLLUP_ARRAYS})


def join_rollup(parts: Sequence[RollupColumns]) -> RollupColumns:
    """Buckets as one, ascending by start; of equal starts the last part's bucket stays."""
    parts = [part for part in parts if len(part.start)]
    if not parts:
        return empty_rollup()
    if len(parts) == 1:
        joined = parts[0]
    else:
        joined = RollupColumns(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in ROLLUP_ARRAYS})
    if (np.diff(joined.start) > 0).all():
        return joined
    return select_rollup(joined, _last_of_equal(joined.start))


def rounded_rollup(columns: RollupColumns) -> RollupColumns:
    """Means and energies at the precision worth keeping: 0.01 W, 0.01 V, 0.1 mA, 0.001 mWh. As decimals they take a
    tenth of what they take as floats."""
    arrays = {name: getattr(columns, name) for name in ROLLUP_ARRAYS}
    return RollupColumns(
        **{name: np.round(a, DECIMALS[name]) + 0.0 if name in DECIMALS else a for name, a in arrays.items()}
    )


def condensed(parts: RollupColumns, edges: Int64) -> RollupColumns:
    """Ascending buckets summed to those between `edges`; each part lies wholly in one of them. Power, energy and time
    covered; all else is unknown."""
    if not len(edges):
        return empty_rollup()
    first, last = np.searchsorted(parts.start, [edges[0], edges[-1]])
    inside = slice(first, last)
    if first == last:
        return empty_rollup()
    place = np.searchsorted(edges, parts.start[inside], "right") - 1
    begins = np.ones(len(place), bool)
    np.not_equal(place[1:], place[:-1], out=begins[1:])
    firsts = np.flatnonzero(begins)
    n = len(firsts)
    covered = parts.covered_ms[inside]
    unknown, nothing = np.full(n, np.nan), np.zeros(n, np.int64)
    imported, exported, estimated = (
        _energies(values[inside], firsts) for values in (parts.import_mwh, parts.export_mwh, parts.estimated_mwh)
    )
    return RollupColumns(
        start=edges[place[firsts]],
        mean_power=_mean(parts.mean_power[inside], np.maximum(covered, 1).astype(np.float64), firsts),
        min_power=np.fmin.reduceat(parts.min_power[inside], firsts),
        max_power=np.fmax.reduceat(parts.max_power[inside], firsts),
        mean_voltage=unknown,
        mean_current=unknown,
        import_mwh=imported,
        export_mwh=exported,
        estimated_mwh=estimated,
        on_ms=nothing,
        covered_ms=np.add.reduceat(covered, firsts),
        count=nothing,
    )


def _last_of_equal(keys: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.intp]]:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    last = np.ones(len(keys), bool)
    last[:-1] = ordered[1:] != ordered[:-1]
    return order[last]


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
