"""Comparing buckets: where those that are stored are not what the raw samples say, and in what."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from hub.plugins.contract import TIERS, Int64, RollupColumns

CLOSE = {  # twice what a stored value is rounded to, of sums of many parts some more
    "import_mwh": ("import", 0.01),
    "export_mwh": ("export", 0.01),
    "estimated_mwh": ("estimated import", 0.01),
    "mean_power": ("mean power", 0.02),
    "min_power": ("minimum", 0.02),
    "max_power": ("maximum", 0.02),
    "mean_voltage": ("voltage", 0.02),
    "mean_current": ("current", 0.0002),
    "on_ms": ("time on", 2),
    "covered_ms": ("time covered", 2),
    "count": ("count", 0),
}
MISSING, SURPLUS = -1, -2


class Stretch(NamedTuple):
    """Buckets of one tier in a row that differ alike. what: MISSING, SURPLUS, or a bit for each name in CLOSE."""

    tier: str
    start: int
    end: int
    what: int

    @property
    def buckets(self) -> int:
        """How many."""
        return (self.end - self.start) // TIERS[self.tier]

    def __str__(self) -> str:
        return f"{self.tier} {moment(self.start)} to {moment(self.end)}: {self._words()}"

    def _words(self) -> str:
        if self.what == MISSING:
            return f"{self.buckets} buckets are missing"
        if self.what == SURPLUS:
            return f"{self.buckets} buckets for which there is no sample, no minute and no gap"
        names = [name for k, (name, _) in enumerate(CLOSE.values()) if self.what >> k & 1]
        return f"{self.buckets} buckets are not what the raw samples say: {', '.join(names)}"


def differing(tier: str, wanted: RollupColumns, stored: RollupColumns) -> Iterator[Stretch]:
    """Where they are not the same, both ascending."""
    starts = np.union1d(wanted.start, stored.start)
    what = np.zeros(len(starts), np.int64)
    what[~np.isin(starts, stored.start)] = MISSING
    what[~np.isin(starts, wanted.start)] = SURPLUS
    both, ours, theirs = np.intersect1d(wanted.start, stored.start, assume_unique=True, return_indices=True)
    place = np.searchsorted(starts, both)
    for k, (name, (_, close)) in enumerate(CLOSE.items()):
        one, other = getattr(wanted, name)[ours], getattr(stored, name)[theirs]
        same = (np.abs(one - other) <= close) | (np.isnan(one) & np.isnan(other))
        what[place[~same]] |= 1 << k
    return _stretches(tier, starts[what != 0], what[what != 0])


def _stretches(tier: str, starts: Int64, what: Int64) -> Iterator[Stretch]:
    width = TIERS[tier]
    breaks = np.flatnonzero((np.diff(starts) != width) | (np.diff(what) != 0)) + 1
    for part, kinds in zip(np.split(starts, breaks), np.split(what, breaks), strict=True):
        if len(part):
            yield Stretch(tier, int(part[0]), int(part[-1]) + width, int(kinds[0]))


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """By tier and time; those that follow one another and differ alike are one."""
    found: list[Stretch] = []
    for stretch in sorted(stretches):
        last = found[-1] if found else None
        if last is not None and (last.tier, last.end, last.what) == (stretch.tier, stretch.start, stretch.what):
            found[-1] = last._replace(end=stretch.end)
        else:
            found.append(stretch)
    return found


def moment(at: int) -> str:
    """Unix ms for people."""
    return f"{np.datetime_as_string(np.datetime64(at, 'ms'), unit='s')}Z"
