"""Made-up samples and buckets that look like a plug's: for tests and conformance suites."""

from typing import Any

import numpy as np

from hub.plugins.columns import RAW_ARRAYS, ROLLUP_ARRAYS
from hub.plugins.contract import NONE, RawColumns, RollupColumns


def trace(
    count: int, *, start: int = 1_700_000_000_000, run: str = "00000000000000aa", seq: int = 0, seed: int = 1
) -> RawColumns:
    """`count` samples, one a second from `start` (Unix ms): a load that switches between 0 W and some hundreds."""
    random = np.random.default_rng(seed)
    places = np.arange(seq, seq + count, dtype=np.int64)
    levels = np.repeat(random.choice([0.0, 0.0, 0.0, 75.3, 480.0, 2100.0], count // 97 + 1), 97)[:count]
    power = np.where(levels > 0, np.round(levels + random.normal(0, 0.3 + levels / 300, count), 1).clip(0), 0.0)
    voltage = np.round(230 + np.cumsum(random.normal(0, 0.03, count)) + random.normal(0, 0.15, count), 1)
    return RawColumns(
        run=run,
        seq=places,
        up=places * 1000 + 730,
        at=start + np.arange(count, dtype=np.int64) * 1000,
        voltage=voltage,
        current=np.round(power / voltage, 3),
        power=power,
        energy_mwh=np.floor(5_000_000 + np.cumsum(power / 3.6)).astype(np.int64),
        export_mwh=np.full(count, NONE, np.int64),
        relay=np.ones(count, np.int8),
        apparent=np.zeros(count, np.int8),
    )


def buckets(count: int, *, start: int, bucket_ms: int, seed: int = 1) -> RollupColumns:
    """`count` buckets in a row from `start`, energy in thousandths of a mWh."""
    random = np.random.default_rng(seed)
    mean = np.round(random.uniform(0, 400, count), 2)
    return RollupColumns(
        start=start + np.arange(count, dtype=np.int64) * bucket_ms,
        mean_power=mean,
        min_power=np.round(mean * random.uniform(0.5, 1, count), 1),
        max_power=np.round(mean * random.uniform(1, 2, count), 1),
        mean_voltage=np.round(random.normal(230, 1, count), 2),
        mean_current=np.round(mean / 230, 4),
        import_mwh=np.round(mean * bucket_ms / 3600, 3),
        export_mwh=np.zeros(count),
        estimated_mwh=np.zeros(count),
        on_ms=np.full(count, bucket_ms, np.int64),
        covered_ms=np.full(count, bucket_ms, np.int64),
        count=np.full(count, bucket_ms // 1000, np.int64),
    )


def assert_raw_equal(left: RawColumns, right: RawColumns) -> None:
    """Same run, same values to the last bit (NaN equals NaN)."""
    assert left.run == right.run
    for name in RAW_ARRAYS:
        _assert_equal(name, getattr(left, name), getattr(right, name))
    assert left.extra.keys() == right.extra.keys()
    for name, values in left.extra.items():
        _assert_equal(name, values, right.extra[name])


def assert_rollup_equal(left: RollupColumns, right: RollupColumns) -> None:
    """Same buckets, same values to the last bit (NaN equals NaN)."""
    for name in ROLLUP_ARRAYS:
        _assert_equal(name, getattr(left, name), getattr(right, name))


def _assert_equal(name: str, left: Any, right: Any) -> None:
    assert left.dtype == right.dtype, f"{name}: {left.dtype} is not {right.dtype}"
    np.testing.assert_array_equal(left, right, err_msg=name)
