"""What a column of integers leaves when a predictor has said what it can: small residuals, and how to undo it."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Residuals = npt.NDArray[np.unsignedinteger[Any]]
"""Of any width: the narrower, the less there is to compute."""
Mask = npt.NDArray[np.bool_]

BLOCK = 32  # values that share one level

EMPTY, LINE, DELTA, LEVEL = range(4)
"""How a column is predicted: it holds nothing; first + i * slope exactly; the previous value + slope; the middle of its
block of 32 (better than DELTA where noise is larger than drift, as with mains voltage)."""
PREDICTOR = 3
MASK = 4  # some values are missing
SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
FLAGS = 3  # bits of `mode` above these are the caller's


class Column(NamedTuple):
    """One predicted column: `mode` (predictor, MASK, the caller's flags), integers, up to three residual arrays."""

    mode: int = EMPTY
    first: int = 0
    slope: int = 0
    extra: int = 0
    values: Residuals | None = None
    levels: Residuals | None = None
    mask: Residuals | None = None


def predict(values: Int64, missing: Mask | None = None) -> tuple[Column, float]:
    """The column with the predictor that fits it best, and about how many bits it takes.

    Where `missing` the value does not matter. Arithmetic wraps, so that any int64 is restored exactly."""
    if missing is not None and not missing.any():
        missing = None
    if len(values) == 0 or (missing is not None and missing.all()):
        return Column(), 0.0
    if missing is not None:
        values = _filled(values, missing)
    column, cost = _predict(values)
    if missing is None:
        return column, cost
    return column._replace(mode=column.mode | MASK, mask=missing.astype(np.uint64)), cost + len(values) / 8


def restore(column: Column, length: int) -> tuple[Int64, Mask | None]:
    """The values, and which of them are missing (None = none is)."""
    kind = column.mode & PREDICTOR
    missing = None if column.mask is None else column.mask.astype(np.bool_)
    if kind == EMPTY:
        return np.zeros(length, np.int64), np.ones(length, np.bool_)
    if kind == LEVEL:
        assert column.values is not None
        assert column.levels is not None
        levels = np.cumsum(unzigzag(column.levels), dtype=np.int64) + np.int64(column.first)
        blocks = np.empty((len(levels), BLOCK), np.int64)
        values = blocks.reshape(-1)[:length]
        values[:] = unzigzag(column.values)
        blocks += levels[:, np.newaxis]
        return values, missing
    if kind == LINE or column.values is None:
        values = np.arange(length, dtype=np.int64)
        if column.slope != 1:
            values *= np.int64(column.slope)
        values += np.int64(column.first)
        return values, missing
    values = np.empty(length, np.int64)
    values[0] = column.first
    values[1:] = unzigzag(column.values)
    if column.slope:
        values[1:] += np.int64(column.slope)
    return np.cumsum(values, out=values), missing


def restore_all(columns: Sequence[Column], lengths: Sequence[int]) -> tuple[Int64, Mask | None]:
    """The same of several columns end to end: where they are short, each by itself costs as much as all of them."""
    if len(columns) == 1:
        return restore(columns[0], lengths[0])
    ends = list(accumulate(lengths))
    starts = [end - length for end, length in zip(ends, lengths, strict=True)]
    missing: Mask | None = None
    if any(column.mask is not None or not column.mode & PREDICTOR for column in columns):
        missing = np.zeros(ends[-1], np.bool_)
    residuals = np.zeros(ends[-1], np.uint64)
    for column, start, end in zip(columns, starts, ends, strict=True):
        kind = column.mode & PREDICTOR
        if kind == LEVEL:
            return _end_to_end([restore(*each) for each in zip(columns, lengths, strict=True)])
        if kind == DELTA and column.values is not None:
            residuals[start + 1 : end] = column.values
        if missing is not None and (column.mask is not None or kind == EMPTY):
            missing[start:end] = True if column.mask is None else column.mask
    values: Int64 = unzigzag(residuals)
    values += np.repeat(np.array([column.slope for column in columns], np.int64), lengths)
    values[starts] = 0
    np.cumsum(values, out=values)
    firsts = np.array([column.first for column in columns], np.int64)
    values += np.repeat(firsts - values[starts], lengths)
    return values, missing


def _end_to_end(parts: Sequence[tuple[Int64, Mask | None]]) -> tuple[Int64, Mask | None]:
    values = np.concatenate([values for values, _ in parts])
    if all(missing is None for _, missing in parts):
        return values, None
    masks = [np.zeros(len(values), np.bool_) if missing is None else missing for values, missing in parts]
    return values, np.concatenate(masks)


def zigzag(values: Int64) -> UInt64:
    """Small numbers of either sign as small numbers."""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(values: Residuals) -> npt.NDArray[np.signedinteger[Any]]:
    """The inverse of `zigzag`, as wide as they are."""
    signed = SIGNED[values.dtype.itemsize]
    low: npt.NDArray[np.signedinteger[Any]] = (values & 1).view(signed)
    np.negative(low, out=low)
    low ^= (values >> 1).view(signed)
    return low


def _predict(values: Int64) -> tuple[Column, float]:
    first = int(values[0])
    if len(values) == 1:
        return Column(LINE, first), 8.0
    steps = values[1:] - values[:-1]  # np.diff, and where few samples come that alone is ten times as long
    if (steps == steps[0]).all():
        return Column(LINE, first, int(steps[0])), 8.0
    slope = int(_middle(steps))
    delta = zigzag(steps - np.int64(slope))
    best, cost = Column(DELTA, first, slope, 0, delta), _bits(delta)
    if len(values) < BLOCK:
        return best, cost
    padded = np.empty((-(-len(values) // BLOCK), BLOCK), np.int64)
    flat = padded.reshape(-1)
    flat[: len(values)] = values
    flat[len(values) :] = values[-1]
    levels = _middle(padded)
    residuals = zigzag(values - levels.repeat(BLOCK)[: len(values)])
    level_steps = np.zeros(len(levels), np.uint64)
    level_steps[1:] = zigzag(levels[1:] - levels[:-1])
    level_cost = _bits(residuals) + _bits(level_steps)
    if level_cost < cost:
        return Column(LEVEL, int(levels[0]), 0, 0, residuals, level_steps), level_cost
    return best, cost


def _middle(values: Int64) -> Int64:
    half, values = values.shape[-1] // 2, values.copy()
    values.partition(half)
    return values[..., half]


def _bits(residuals: UInt64) -> float:
    """About how many bits deflate needs: entropy of the low bytes, and eight bits for each further byte in use."""
    if len(residuals) == 0:
        return 0.0
    large = int(residuals.max()) > 255
    counts = np.bincount((np.minimum(residuals, 255) if large else residuals).astype(np.uint8))
    counts = counts[counts > 0]
    entropy = float((counts * np.log2(len(residuals) / counts)).sum())
    if not large:
        return entropy
    return entropy + 8.0 * sum(float(np.count_nonzero(residuals >> np.uint64(8 * k))) for k in (1, 2, 4))


def _filled(values: Int64, missing: Mask) -> Int64:
    """Missing values repeat the one before, at the start the first one after."""
    index = np.where(missing, 0, np.arange(len(values)))
    index[: int(np.argmin(missing))] = int(np.argmin(missing))
    return values[np.maximum.accumulate(index)]
