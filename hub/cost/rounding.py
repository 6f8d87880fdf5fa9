"""Rounding in which the parts add up to the whole."""

from collections.abc import Sequence

import numpy as np


def round_parts(parts: Sequence[float | None], digits: int, whole: float | None = None) -> list[float | None]:
    """Each part rounded so that they add up to the rounded whole (largest remainder); None stays None.

    `whole`: normally the sum of the parts; given where it was itself rounded as a part of something.
    """
    known = [n for n, part in enumerate(parts) if part is not None]
    scale = 10.0**digits
    scaled = np.array([float(parts[n] or 0) for n in known]) * scale
    target = int(np.rint((scaled.sum() / scale if whole is None else whole) * scale))
    floors = np.floor(scaled + 1e-9).astype(np.int64)
    missing = target - int(floors.sum())
    order = np.argsort(-(scaled - floors), kind="stable")
    if missing > 0:
        floors[order[:missing]] += 1
    elif missing < 0:
        smallest = [n for n in order[::-1] if floors[n] > 0]
        floors[smallest[:-missing]] -= 1
    rounded: list[float | None] = [None] * len(parts)
    for place, value in zip(known, floors.tolist(), strict=True):
        rounded[place] = round(value / scale, digits)
    return rounded
