"""A day of one outlet in memory: its import by quarters of an hour, and the readings from which counting goes on."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from hub.history import rollups
from hub.history.calendar import HOUR
from hub.history.minutes import is_minutes
from hub.history.readings import Readings, Run, Traits, arrange
from hub.history.rollups import Flow
from hub.plugins.contract import NONE, TIERS, RawColumns

TIER = "15m"  # every zone's midnight is the start of one
KEPT_MS = 26 * HOUR  # before the newest reading: the longest day has 25 hours


class Day(msgspec.Struct):
    """What is durable of the last 26 hours of one outlet.

    mwh: import by start of 15-minute bucket; last: the newest reading, as a part of its own; edge: the readings from
    which counting goes on, `last` included; runs: those of the edge, by name; base: Unix ms and value of the counter
    reading that the next one is compared with, None without counter. total: the sum since `since`.
    """

    mwh: dict[int, float]
    edge: list[RawColumns]
    last: RawColumns
    runs: dict[str, Run]
    base: tuple[int, int] | None
    since: int = -1
    total: float = 0.0

    @property
    def run(self) -> Run:
        """Of the newest reading."""
        return self.runs[self.last.run]

    def sum(self, midnight: int) -> float:
        """mWh since then."""
        if self.since != midnight:
            self.since, self.total = midnight, sum(mwh for start, mwh in self.mwh.items() if start >= midnight)
        return self.total


def follows(day: Day | None, parts: Iterable[RawColumns], runs: Mapping[str, Run]) -> bool:
    """Do all samples come after everything that is counted? Minutes never do: they fill what is missing before."""
    parts = list(parts)
    if any(is_minutes(part.run) for part in parts):
        return False
    if day is None:
        return True
    last = (day.run.order, int(day.last.seq[0]))
    return all((runs[part.run].order, int(part.seq[0])) > last for part in parts)


def counted_on(day: Day | None, parts: list[RawColumns], runs: dict[str, Run], traits: Traits) -> Day:
    """The day with these samples, which all follow it."""
    edge, known = ([], runs) if day is None else (day.edge, day.runs | runs)
    readings = arrange([*edge, *parts], [], known, traits)
    energy = rollups.flow(readings, traits)
    new = rollups.imports(readings, energy, TIERS[TIER], sum(len(part.seq) for part in edge), KEPT_MS)
    mwh = {} if day is None else day.mwh.copy()
    for start, amount in new.items():
        mwh[start] = mwh.get(start, 0.0) + amount
    return day_of(mwh, readings, energy)


def day_of(mwh: dict[int, float], readings: Readings, energy: Flow) -> Day:
    """With what counting goes on from: the counter reading that counts, the last one, and the last reading of all."""
    last = len(readings) - 1
    hardware = np.array([run.hardware == readings.runs[-1].hardware for run in readings.runs])
    counted = np.flatnonzero((readings.energy_mwh != NONE) & hardware[readings.run])
    chosen, base = {last}, None
    if len(counted):
        booked = energy.imported.end[np.isin(energy.imported.end, counted)]
        at = int(booked.max()) if len(booked) else int(counted[0])
        base = int(readings.at[at]), int(readings.energy_mwh[at])
        chosen |= {at, int(counted[-1])}
    edge = _parts(readings, sorted(chosen))
    runs = {run.run: run for run in readings.runs if any(part.run == run.run for part in edge)}
    return Day(mwh, edge, _parts(readings, [last])[0], runs, base)


def _parts(readings: Readings, chosen: list[int]) -> list[RawColumns]:
    """These readings as samples, one part a run."""
    parts = []
    for run in np.unique(readings.run[chosen]).tolist():
        k = [k for k in chosen if readings.run[k] == run]
        names = ("seq", "up", "at", "voltage", "current", "power", "energy_mwh", "export_mwh", "relay")
        columns = {name: getattr(readings, name)[k] for name in names}
        parts.append(RawColumns(run=readings.runs[run].run, apparent=np.zeros(len(k), np.int8), **columns))
    return parts
