"""Putting columns together and taking them apart: samples of one stream, buckets of one series."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hub.plugins.contract import RawColumns, RollupColumns

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


def select_raw(columns: RawColumns, chosen: Any) -> RawColumns:
    """The samples that a slice, mask or index array chooses; further columns without a value are left out."""
    arrays = {name: getattr(columns, name)[chosen] for name in RAW_ARRAYS}
    extra = {name: values[chosen] for name, values in columns.extra.items()}
    extra = {name: values for name, values in extra.items() if not np.isnan(values).all()}
    return RawColumns(run=columns.run, extra=extra, **arrays)


def join_raw(parts: Sequence[RawColumns]) -> RawColumns:
    """Samples of one stream as one, ascending by seq; of equal seqs the last part's sample stays. At least one part."""
    if len(parts) == 1:
        joined = parts[0]
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


def _last_of_equal(keys: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.intp]]:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    last = np.ones(len(keys), bool)
    last[:-1] = ordered[1:] != ordered[:-1]
    return order[last]
