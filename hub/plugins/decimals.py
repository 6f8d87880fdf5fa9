"""Columns of floats as decimals: integers at the coarsest scale that gives every value back bit for bit."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from hub.plugins.contract import Float64, Int64
from hub.plugins.predict import FLAGS, Column, Mask, predict, restore_all

BASE = 1  # predicted from another column
SCALE = 1  # shift of the scale within the caller's flags
DECIMALS = 7  # scales 0 to 6 decimals
FLOATS = 15  # scale: no decimals fit
EXACT = 2.0**53


def float_column(values: Float64, base: Float64 | None) -> Column:
    """A column of decimals, NaN missing; as its distance from `base` where that is smaller."""
    missing = np.isnan(values)
    scale, numbers = scaled(values, missing)
    column, cost = predict(numbers, missing)
    if not column.mode:
        return column
    flags = scale << SCALE
    if base is not None and scale != FLOATS:
        leaning, bits = predict(numbers - _rounded(base, 10.0**scale), missing)
        if bits < cost:
            column, flags = leaning, flags | BASE
    return column._replace(mode=column.mode | flags << FLAGS)


def floats(column: Column, length: int, base: Float64 | None = None) -> Float64:
    return all_floats([column], [length], base)


def all_floats(columns: Sequence[Column], lengths: Sequence[int], base: Float64 | None = None) -> Float64:
    """Several columns end to end, of which `base` says what they may lean on."""
    scales = [column.mode >> FLAGS + SCALE for column in columns]
    if len(columns) > 1 and FLOATS in scales:
        ends = list(accumulate(lengths))
        bases = [None if base is None else base[end - n : end] for end, n in zip(ends, lengths, strict=True)]
        return np.concatenate([floats(*each) for each in zip(columns, lengths, bases, strict=True)])
    numbers, missing = restore_all(columns, lengths)
    if scales[0] == FLOATS:
        values = numbers.view(np.float64).copy()
    else:
        powers = [10.0**scale for scale in scales]
        factor = powers[0] if len(set(powers)) == 1 else np.repeat(powers, lengths)
        leaning = [bool(column.mode >> FLAGS & BASE) for column in columns]
        if base is not None and any(leaning):
            expected = _rounded(base, factor)
            numbers = numbers + (expected if all(leaning) else np.where(np.repeat(leaning, lengths), expected, 0))
        values = numbers / factor
    if missing is not None:
        values[missing] = np.nan
    return values


def scaled(values: Float64, missing: Mask) -> tuple[int, Int64]:
    """The coarsest number of decimals at which every value comes back exactly, and the values so."""
    known = np.where(missing, 0.0, values)
    if np.isfinite(known).all() and np.abs(known).max(initial=0.0) < EXACT / 10**DECIMALS:
        for decimals in range(DECIMALS):
            numbers = np.rint(known * 10.0**decimals)
            if (numbers / 10.0**decimals == known).all():
                return decimals, numbers.astype(np.int64)
    return FLOATS, known.view(np.int64)


def _rounded(base: Float64, factor: Float64 | float) -> Int64:
    within = np.minimum(np.maximum(finite(base), -1e9), 1e9)  # np.clip takes ten times as long where there are few
    return np.rint(within * factor).astype(np.int64)


def finite(values: Float64) -> Float64:
    return np.where(np.isfinite(values), values, 0.0)
