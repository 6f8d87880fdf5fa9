"""Readings: the samples of one outlet in order of run and seq, as columns, with what parts each from the one before."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hub.plugins.contract import NONE, Float64, Int8, Int64, RawColumns
from hub.telemetry.energy import DEFAULT_LIMIT_W, INTERVALS
from hub.telemetry.offsets import date

Bools = npt.NDArray[np.bool_]


class Traits(msgspec.Struct, frozen=True):
    """What a device's readings may look like."""

    interval_ms: int = 1000
    limit_w: float = DEFAULT_LIMIT_W
    resolution_mwh: int = 1

    @property
    def longest_ms(self) -> int:
        """Two samples further apart have a gap between them."""
        return INTERVALS * self.interval_ms


POWER_LOST = frozenset({"power_on", "brownout"})
"""Reasons of a run that began because the plug had no power."""


class Run(msgspec.Struct, frozen=True):
    """What merging needs to know of a stream. `points` are its offsets, `notes` why seqs hold no sample."""

    number: int
    run: str
    order: int
    hardware: str
    reason: str | None = None
    points: Sequence[tuple[int, int]] = ()
    notes: Sequence[tuple[int, int, int]] = ()

    def dated(self, part: RawColumns, shift: int | None = None) -> RawColumns:
        """With dates by this run's offsets; where there are none, by the samples' own (see `own_dates`)."""
        own = own_dates(part.at, shift)
        at = date(list(self.points), part.up)
        return msgspec.structs.replace(part, run=self.run, at=np.where(at == NONE, own, at))


def own_dates(at: Int64, shift: int | None) -> Int64:
    """The buffer's `at` column as Unix ms: arrivals on the monotonic clock need the shift of their hub run."""
    monotonic = at < NONE
    if not monotonic.any():
        return at
    dated = at.copy()
    dated[monotonic] = NONE if shift is None else NONE - 1 - at[monotonic] + shift
    return dated


class End(msgspec.Struct, array_like=True, frozen=True):
    """The reading at one end of a gap or of the whole history: enough to go on counting from it."""

    at: int
    run: str
    seq: int
    up: int = NONE
    energy_mwh: int = NONE
    export_mwh: int = NONE


class Readings(msgspec.Struct):
    """Columns in order of run and seq, all dated. `run`: index into `runs`. `bare`: an End, no sample.

    broken[k]: something is missing between k - 1 and k (another run, a seq, or more than three intervals).
    clock: ms that never step back, for elapsed times.
    """

    runs: list[Run]
    run: Int64
    seq: Int64
    up: Int64
    at: Int64
    voltage: Float64
    current: Float64
    power: Float64
    energy_mwh: Int64
    export_mwh: Int64
    relay: Int8
    bare: Bools
    broken: Bools
    clock: Int64

    def __len__(self) -> int:
        return len(self.seq)

    def end(self, k: int) -> End:
        """Reading k as the end of a gap."""
        run = self.runs[int(self.run[k])].run
        numbers = (column[k] for column in (self.seq, self.up, self.energy_mwh, self.export_mwh))
        return End(int(self.at[k]), run, *(int(number) for number in numbers))


def arrange(parts: Sequence[RawColumns], ends: Sequence[End], runs: Mapping[str, Run], traits: Traits) -> Readings:
    """Put dated samples (several parts of one run may overlap: the last part counts) and bare ends in order.

    A run that nobody knows is ordered by its first date.
    """
    known = _complete(parts, ends, runs)
    index = {run.run: k for k, run in enumerate(known)}
    columns = [_columns(part, index[part.run]) for part in parts] + [_bare(end, index[end.run]) for end in ends]
    if not columns:
        return _readings(known, {name: np.empty(0, kind) for name, kind in KINDS.items()}, traits)
    joined = {name: np.concatenate([part[name] for part in columns]) for name in KINDS}
    # A later part replaces an earlier one, a sample replaces a bare end of the same place: lexsort is stable.
    order = np.lexsort((~joined["bare"], joined["seq"], joined["run"]))
    last = np.ones(len(order), bool)
    run, seq = joined["run"][order], joined["seq"][order]
    last[:-1] = (run[1:] != run[:-1]) | (seq[1:] != seq[:-1])
    order = order[last]
    return _readings(known, {name: values[order] for name, values in joined.items()}, traits)


KINDS: dict[str, Any] = {
    "run": np.int64,
    "seq": np.int64,
    "up": np.int64,
    "at": np.int64,
    "voltage": np.float64,
    "current": np.float64,
    "power": np.float64,
    "energy_mwh": np.int64,
    "export_mwh": np.int64,
    "relay": np.int8,
    "bare": np.bool_,
}


def _complete(parts: Sequence[RawColumns], ends: Sequence[End], runs: Mapping[str, Run]) -> list[Run]:
    first: dict[str, int] = {}
    for run, at in [(part.run, int(part.at[0])) for part in parts if len(part.at)] + [(e.run, e.at) for e in ends]:
        first[run] = min(at, first.get(run, at))
    for part in parts:
        first.setdefault(part.run, 0)
    named = [runs[run] for run in first if run in runs]
    stray = sorted((run for run in first if run not in runs), key=first.__getitem__)
    named.sort(key=lambda run: run.order)
    return [Run(0, run, -1, "") for run in stray] + named


def _columns(part: RawColumns, run: int) -> dict[str, Any]:
    columns = {name: getattr(part, name) for name in KINDS if name not in ("run", "bare")}
    return columns | {"run": np.full(len(part.seq), run, np.int64), "bare": np.zeros(len(part.seq), bool)}


def _bare(end: End, run: int) -> dict[str, Any]:
    known = {"seq": end.seq, "up": end.up, "at": end.at, "energy_mwh": end.energy_mwh, "export_mwh": end.export_mwh}
    known |= {"run": run, "bare": True, "relay": NONE}
    return {name: np.array([known.get(name, np.nan)], kind) for name, kind in KINDS.items()}


def _readings(runs: list[Run], columns: dict[str, Any], traits: Traits) -> Readings:
    run, seq, up, at = (columns[name] for name in ("run", "seq", "up", "at"))
    elapsed = np.zeros(len(seq), np.int64)
    broken = np.ones(len(seq), bool)
    if len(seq) > 1:
        same = run[1:] == run[:-1]
        by_up = same & (up[1:] != NONE) & (up[:-1] != NONE)
        step = np.where(by_up, up[1:] - up[:-1], at[1:] - at[:-1])
        elapsed[1:] = np.maximum(step, 0)
        broken[1:] = ~same | (seq[1:] - seq[:-1] != 1) | (step > traits.longest_ms)
    return Readings(runs=runs, **columns, broken=broken, clock=np.cumsum(elapsed))
