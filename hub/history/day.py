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
from hub.telemetry.energy import counter_steps

TIER = "15m"  # every zone's midnight is the start of one
KEPT_MS = 26 * HOUR  # before the newest reading: the longest day has 25 hours
KEPT = ("seq", "up", "at", "voltage", "current", "power", "energy_mwh", "export_mwh", "relay")


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
    return _counted_simply(day, parts, runs, traits) or _counted_anew(day, parts, runs, traits)


def _counted_simply(day: Day | None, parts: list[RawColumns], runs: dict[str, Run], traits: Traits) -> Day | None:
    """The same for what nearly every commit brings, in a tenth of the time: one run goes on within a quarter of an
    hour, and its counter with it. None = it is not so."""
    if day is None or day.base is None or len(parts) != 1 or len(day.edge) != 1 or parts[0].run != day.last.run:
        return None
    part, last, width = parts[0], day.last, TIERS[TIER]
    at, up, counter = (
        np.concatenate([getattr(last, name), getattr(part, name)]) for name in ("at", "up", "energy_mwh")
    )
    if day.base != (at[0], counter[0]) or at[0] // width != at[-1] // width or (np.minimum(up, counter) == NONE).any():
        return None
    if (at[1:] < at[:-1]).any() or (up[1:] < up[:-1]).any():
        return None
    if len(counter_steps(counter, up, traits.limit_w, traits.resolution_mwh).end) < len(part.seq):
        return None
    mwh, amount, start = day.mwh, float(counter[-1] - counter[0]), int(at[0]) // width * width
    if amount:
        mwh = mwh | {start: mwh.get(start, 0.0) + amount}
    newest = {name: getattr(part, name)[-1:].copy() for name in KEPT}
    reading = RawColumns(run=part.run, apparent=np.zeros(1, np.int8), **newest)
    return Day(mwh, [reading], reading, {part.run: runs[part.run]}, (int(at[-1]), int(counter[-1])))


def _counted_anew(day: Day | None, parts: list[RawColumns], runs: dict[str, Run], traits: Traits) -> Day:
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
        columns = {name: getattr(readings, name)[k] for name in KEPT}
        parts.append(RawColumns(run=readings.runs[run].run, apparent=np.zeros(len(k), np.int8), **columns))
    return parts
