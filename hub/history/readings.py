"""Readings: the samples of one outlet in order of run and seq, as columns, with what parts each from the one before."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hub.history.minutes import Spans, contributions, is_minutes, spans_of
from hub.plugins.contract import MINUTES, NONE, Float64, Int8, Int64, RawColumns
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


FOREVER = (1 << 62) - 1
AHEAD_MS = 300_000  # a line through the offsets of a day away may be off by some
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

    def dated(self, part: RawColumns, shift: int | None = None, *, arrived: int = FOREVER) -> RawColumns:
        """With dates by this run's offsets; where there are none, by the samples' own (see `own_dates`).

        arrived: Unix ms by which all had come. Nothing is measured later than it is told: an `up` that leads beyond
        that, and beyond when this run was ever heard, is dated by the later of the two.
        """
        own = own_dates(part.at, shift)
        at = date(list(self.points), part.up)
        latest = max([arrived, *(up + offset for up, offset in self.points)])
        at[at > latest + AHEAD_MS] = latest
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
    """The reading at one end of a gap or of the whole history: enough to go on counting from it.

    at: NONE within a run that cannot be dated. kept: it is known by minutes of the plug's flash alone."""

    at: int
    run: str
    seq: int
    up: int = NONE
    energy_mwh: int = NONE
    export_mwh: int = NONE
    kept: bool = False


class Readings(msgspec.Struct):
    """Columns in order of run and seq. `run`: index into `runs`. `bare`: no sample, but an End or the last moment of
    minutes (`kept`: known by minutes alone).

    at: of what cannot be dated, the reading with a date that follows it; since: the one before it (else equal to at).
    broken[k]: something is missing between k - 1 and k (another run, a seq, or more than three intervals).
    span[k]: the minutes in `spans` that tell what lies between k - 1 and k, else -1; lacking[k]: how many samples they
    stand for. clock: ms that never step back, for elapsed times.
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
    kept: Bools
    dated: Bools
    since: Int64
    broken: Bools
    clock: Int64
    spans: Spans
    span: Int64
    lacking: Int64

    def __len__(self) -> int:
        return len(self.seq)

    def end(self, k: int) -> End:
        """Reading k as the end of a gap."""
        run = self.runs[int(self.run[k])].run
        seq, up, energy, export = (int(column[k]) for column in (self.seq, self.up, self.energy_mwh, self.export_mwh))
        at = int(self.at[k]) if self.dated[k] else NONE
        return End(at, run, seq, up, energy, export, bool(self.kept[k]))


def arrange(parts: Sequence[RawColumns], ends: Sequence[End], runs: Mapping[str, Run], traits: Traits) -> Readings:
    """Put dated samples and minutes (several parts of one run may overlap: the last part counts) and bare ends in
    order. Ends without a date stay where a run with a date stands before and behind them.

    A run that nobody knows is ordered by its first date.
    """
    minutes = [part for part in parts if is_minutes(part.run)]
    parts = [part for part in parts if not is_minutes(part.run)]
    known = _complete([*parts, *(renamed(part) for part in minutes)], ends, runs)
    index = {run.run: k for k, run in enumerate(known)}
    spans = spans_of([(part, index[renamed(part).run]) for part in minutes], parts, index, traits.interval_ms)
    columns = [_columns(part, index[part.run]) for part in parts]
    bare = [_bare(end, index[end.run]) for end in ends]
    if not len(spans.run) and (ordered := _in_order(columns, bare)) is not None:
        joined = {name: np.concatenate([part[name] for part in ordered]) for name in KINDS}
        placed = _placed(joined["at"] != NONE)
        if not placed.all():
            joined = {name: values[placed] for name, values in joined.items()}
        return _readings(known, joined, spans, traits)
    columns += bare
    if len(spans.run):
        columns = [_begun(spans), *columns, _kept(spans)]
    if not columns:
        return _readings(known, {name: np.empty(0, kind) for name, kind in KINDS.items()}, spans, traits)
    joined = {name: np.concatenate([part[name] for part in columns]) for name in KINDS}
    # A later part replaces an earlier one, a sample replaces a bare end of the same place: lexsort is stable.
    order = np.lexsort((~joined["bare"], joined["seq"], joined["run"]))
    last = np.ones(len(order), bool)
    run, seq = joined["run"][order], joined["seq"][order]
    last[:-1] = (run[1:] != run[:-1]) | (seq[1:] != seq[:-1])
    order = order[last]
    order = order[_placed(joined["at"][order] != NONE)]
    return _readings(known, {name: values[order] for name, values in joined.items()}, spans, traits)


def _in_order(parts: Sequence[dict[str, Any]], bare: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """All of them, where they follow one another as they are: putting each sample in its place takes as long as all
    that is done with it afterwards. Without bare ends of which there is a sample; None where parts overlap."""
    found = [part for part in parts if len(part["seq"])]
    samples = found.copy()
    for end in bare:
        run, seq = int(end["run"][0]), int(end["seq"][0])
        for part in samples:
            place = int(part["seq"].searchsorted(seq))
            if part["run"][0] == run and place < len(part["seq"]) and part["seq"][place] == seq:
                break
        else:
            found.append(end)
    found.sort(key=lambda part: (int(part["run"][0]), int(part["seq"][0])))
    for part, following in pairwise(found):
        if part["run"][0] == following["run"][0] and part["seq"][-1] >= following["seq"][0]:
            return None
    ascending = all((part["seq"][1:] > part["seq"][:-1]).all() for part in samples)
    return found if found and ascending else None


def renamed(minutes: RawColumns) -> RawColumns:
    """Under the name of the run whose minutes they are."""
    return msgspec.structs.replace(minutes, run=minutes.run.removesuffix(MINUTES))


def _placed(dated: Bools) -> Bools:
    """What has a date, or something with a date on both sides."""
    placed: Bools = np.logical_or.accumulate(dated) & np.logical_or.accumulate(dated[::-1])[::-1]
    return placed


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
    "kept": np.bool_,
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
    columns = {name: getattr(part, name) for name in KINDS if name not in ("run", "bare", "kept")}
    nothing = np.zeros(len(part.seq), bool)
    return columns | {"run": np.full(len(part.seq), run, np.int64), "bare": nothing, "kept": nothing}


def _kept(spans: Spans) -> dict[str, Any]:
    """The last moments of minutes as readings."""
    names = {"run": spans.run, "seq": spans.last, "up": spans.up, "at": spans.at}
    return _without_sample(len(spans.run), names | {"energy_mwh": spans.energy_mwh, "export_mwh": spans.export_mwh})


def _begun(spans: Spans) -> dict[str, Any]:
    """The moments before minutes of which nothing is known, without counters."""
    begun = spans.begun
    names = {"run": spans.run[begun], "seq": spans.first[begun] - 1, "at": spans.begin[begun]}
    return _without_sample(len(begun), names) | {"kept": np.zeros(len(begun), bool)}


def _without_sample(n: int, known: dict[str, Any]) -> dict[str, Any]:
    unknown, none, relay = np.full(n, np.nan), np.full(n, NONE, np.int64), np.full(n, NONE, np.int8)
    empty = {name: unknown if kind is np.float64 else none for name, kind in KINDS.items()}
    return empty | {"relay": relay, "bare": np.ones(n, bool), "kept": np.ones(n, bool)} | known


def _bare(end: End, run: int) -> dict[str, Any]:
    known = {"seq": end.seq, "up": end.up, "at": end.at, "energy_mwh": end.energy_mwh, "export_mwh": end.export_mwh}
    known |= {"run": run, "bare": True, "kept": end.kept, "relay": NONE}
    return {name: np.array([known.get(name, np.nan)], kind) for name, kind in KINDS.items()}


def _readings(runs: list[Run], columns: dict[str, Any], spans: Spans, traits: Traits) -> Readings:
    run, seq, up, at = (columns[name] for name in ("run", "seq", "up", "at"))
    dated = at != NONE
    since = at
    if not dated.all():
        places = np.arange(len(at))
        before = np.maximum.accumulate(np.where(dated, places, 0))
        behind = np.minimum.accumulate(np.where(dated, places, len(at) - 1)[::-1])[::-1]
        since, at = at[before], at[behind]
        columns["at"] = at
    span, lacking = contributions(spans, run, seq, columns["bare"])
    elapsed = np.zeros(len(seq), np.int64)
    broken = np.ones(len(seq), bool)
    if len(seq) > 1:
        same = run[1:] == run[:-1]
        by_up = same & (up[1:] != NONE) & (up[:-1] != NONE)
        step = np.where(by_up, up[1:] - up[:-1], at[1:] - since[:-1])
        # Where the clock was set back, no less passed than since the run began, or than the device takes for a sample.
        unknown = up[1:] == NONE
        least = np.where(same, traits.interval_ms * (unknown & (up[:-1] == NONE)), np.where(unknown, 0, up[1:]))
        elapsed[1:] = np.where(step < 0, least, step)
        missing = (seq[1:] - seq[:-1] != 1) | (step > traits.longest_ms)
        broken[1:] = ~same | (missing & (span[1:] < 0)) | ~dated[1:] | ~dated[:-1]
    return Readings(
        runs=runs,
        **columns,
        dated=dated,
        since=since,
        broken=broken,
        clock=np.cumsum(elapsed),
        spans=spans,
        span=span,
        lacking=lacking,
    )
