"""Gaps: what is missing between readings, why, and the energy that the counters at both ends give."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

import msgspec
import numpy as np

from hub.history.readings import POWER_LOST, End, Readings, Run, Traits
from hub.history.rollups import Booked, Flow
from hub.plugins.contract import SeriesKey
from hub.telemetry.stream import Note, Settled
from hub.telemetry.streams import ORDER_STEP

NOTED = {Settled.REJECTED: "rejected", Settled.MEMORY: "memory", Settled.GIVEN_UP: "given_up"}


class GapRecord(msgspec.Struct, array_like=True):
    """Between the readings `left` and `right` nothing is known. Times are Unix ms, `end` None = still open.

    cause: power_lost, restarted, memory, rejected, given_up, damaged, hub_down, offline, unknown.
    energy_mwh: of import, by the counters at both ends; None = unknown. inside: readings of runs that cannot be
    dated, of which minutes are known: their counters are part of it.
    """

    device: str
    channel: int
    start: int
    end: int | None
    cause: str
    energy_mwh: float | None
    left: End | None = None
    right: End | None = None
    inside: list[End] = []

    @property
    def id(self) -> str:
        """Stays the same while the gap begins at the same moment."""
        return f"{self.device}.{self.channel}.{self.start}"


class Outage(msgspec.Struct, array_like=True, frozen=True):
    """The hub did not run from `start` to `end`."""

    start: int
    end: int


class Causes:
    """Why readings of one outlet are missing. `runs`: all its runs; `damaged`: times of which commits were lost."""

    def __init__(
        self,
        runs: Mapping[str, Run],
        traits: Traits,
        outages: Sequence[Outage] = (),
        damaged: Sequence[Outage] = (),
    ) -> None:
        self._runs = runs
        self._longest = traits.longest_ms
        self._outages = outages
        self._damaged = damaged
        self._notes: dict[int, _Notes] = {}  # by stream number

    def between(self, left: End, right: End) -> str:
        """Why nothing is known between these readings."""
        run = self._runs.get(right.run)
        if run is None:
            return "unknown"
        if left.run != right.run:
            return self._restart(self._runs.get(left.run), run)
        if right.seq - left.seq <= 1:
            return self._silence(run, left.at, right.at)
        kinds = self._kinds(run, left, right)
        if Settled.OFFLINE in kinds:
            return self._silence(run, left.at, right.at)
        for kind in (Settled.GIVEN_UP, Settled.MEMORY, Settled.REJECTED):
            if kind in kinds:
                lost = kind is not Settled.REJECTED and _overlap(self._damaged, left.at, right.at)
                return "damaged" if lost else NOTED[kind]
        later = self._later(run)
        return "unknown" if later is None else self._restart(run, later)

    def lasting(self, left: End, right: End) -> bool:
        """Is it certain that what is missing between does not come any more?"""
        run = self._runs.get(right.run)
        if run is None or left.run != right.run or self._later(run) is not None:
            return True
        return bool(self._kinds(run, left, right))

    def silence(self, left: End, until: int) -> str:
        """Why nothing has come since the last reading."""
        return self._silence(self._runs.get(left.run), left.at, until)

    def _kinds(self, run: Run, left: End, right: End) -> set[Settled]:
        notes = self._notes.get(run.number)
        if notes is None:
            notes = self._notes[run.number] = _Notes(run.notes)
        return notes.between(left.seq, right.seq)

    def _later(self, run: Run) -> Run | None:
        """The next run that was live: what this one had not sent by then is gone."""
        later = [other for other in self._runs.values() if other.order > run.order and other.order % ORDER_STEP == 0]
        return min(later, key=lambda other: other.order, default=None)

    def _restart(self, left: Run | None, right: Run) -> str:
        if left is None or left.hardware != right.hardware:
            return "unknown"
        return "power_lost" if right.reason in POWER_LOST else "restarted"

    def _silence(self, run: Run | None, start: int, end: int) -> str:
        """Of a device that repeats nothing: what was wrong when its readings ended is the cause of all of it."""
        if run is None or run.run:
            return "unknown"
        began = min(start + self._longest, end)
        if _overlap(self._damaged, start, began):
            return "damaged"
        return "hub_down" if _overlap(self._outages, start, began) else "offline"


class _Notes:
    """Why seqs of a run are missing. A meter that fails at every second sample leaves thousands of gaps and notes."""

    def __init__(self, notes: Sequence[Note]) -> None:
        self._notes = sorted(notes)
        self._first = [first for first, _, _ in self._notes]
        self._reach = list(accumulate((last for _, last, _ in self._notes), max))  # of all notes up to each

    def between(self, after: int, before: int) -> set[Settled]:
        """The kinds of those that have a seq between the two."""
        found = set()
        k = bisect_left(self._first, before) - 1
        while k >= 0 and self._reach[k] > after:
            _, last, kind = self._notes[k]
            if last > after:
                found.add(Settled(kind))
            k -= 1
        return found


def find(series: SeriesKey, readings: Readings, energy: Flow, traits: Traits, causes: Causes) -> list[GapRecord]:
    """Every gap between the readings that is longer than three intervals or certain to stay."""
    found = []
    before = np.maximum.accumulate(np.where(readings.dated, np.arange(len(readings)), 0))
    for k in (np.flatnonzero(readings.broken[1:] & readings.dated[1:]) + 1).tolist():
        j = int(before[k - 1])
        left, right = readings.end(j), readings.end(k)
        set_back = right.at < left.at
        passed = int(readings.clock[k] - readings.clock[j]) if set_back else right.at - left.at
        if passed <= traits.longest_ms and not causes.lasting(left, right):
            continue
        cause, mwh = causes.between(left, right), _energy(energy.imported, readings, j, k)
        end = max(left.at, right.at)
        inside = [readings.end(i) for i in range(j + 1, k)]
        found.append(GapRecord(series.device, series.channel, left.at, end, cause, mwh, left, right, inside))
    return found


def _energy(booked: Booked, readings: Readings, j: int, k: int) -> float | None:
    """The booked steps over the gap between the readings j and k; a part of one that is longer than the gap."""
    over = np.flatnonzero((booked.start < k) & (booked.end > j))
    if not len(over):
        return None
    clock, start, end = readings.clock, booked.start[over], booked.end[over]
    whole = clock[end] - clock[start]
    part = np.minimum(clock[end], clock[k]) - np.maximum(clock[start], clock[j])
    share = np.divide(part, whole, out=np.ones(len(over)), where=whole > 0)
    return float((booked.mwh[over] * share).sum())


def _overlap(spans: Iterable[Outage], start: int, end: int) -> bool:
    return any(span.start < end and span.end > start for span in spans)
