"""Rollups: from readings in order to the buckets of a tier; every bucket a sum of booked steps and of samples."""

from itertools import pairwise

import msgspec
import numpy as np

from hub.history import minutes
from hub.history.readings import POWER_LOST, Bools, Readings, Traits
from hub.plugins.contract import NONE, Float64, Int64, RollupColumns
from hub.telemetry.energy import counter_steps, largest_step, power_steps

FAR = 64  # buckets: what reaches over more is spread one by one, so that little is held at once


class Booked(msgspec.Struct):
    """Energy that flowed between readings start[k] and end[k]; `estimated` where something is missing between."""

    start: Int64
    end: Int64
    mwh: Float64
    estimated: Bools


class Flow(msgspec.Struct):
    """All energy of some readings. `dropped`: counter values that were passed over."""

    imported: Booked
    exported: Booked
    dropped: int


def flow(readings: Readings, traits: Traits) -> Flow:
    """Book every step: run by run, a new baseline where another plug took over."""
    imported, exported, dropped = [], [], 0
    clock = _counting(readings, traits)
    for first, last in _stretches(readings, traits):
        step, lost = _counter(readings, readings.energy_mwh, clock, (first, last), traits)
        imported.append(step)
        dropped += lost
        step, lost = _counter(readings, readings.export_mwh, clock, (first, last), traits)
        exported.append(step)
        dropped += lost
        ends, mwh = _without_counter(readings, first, last, traits)
        nothing = np.zeros(len(ends), bool)
        imported.append(Booked(ends - 1, ends, mwh.clip(0), nothing))
        exported.append(Booked(ends - 1, ends, (-mwh).clip(0), nothing))
    return Flow(_joined(imported), _joined(exported), dropped)


def buckets(readings: Readings, energy: Flow, traits: Traits, width: int, span: tuple[int, int]) -> RollupColumns:
    """The buckets of `width` ms with span[0] <= bucket < span[1] (multiples of width) that hold something."""
    start, end = span
    n = (end - start) // width
    grid = _Grid(start, width, n)
    place = (readings.at - start) // width
    inside = _all_or(~readings.bare & (place >= 0) & (place < n))
    place, power = place[inside], readings.power[inside]
    count = np.bincount(place, minlength=n)
    seen = _all_or(~np.isnan(power))
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, place[seen], power[seen])
    np.maximum.at(high, place[seen], power[seen])
    kept = minutes.shares(readings.span, readings.lacking, readings.seq, readings.at, (start, width, n))
    count = count + np.bincount(kept.place, weights=kept.count, minlength=n).astype(np.int64)
    record = readings.spans
    np.fmin.at(low, kept.place, record.low[kept.span])
    np.fmax.at(high, kept.place, record.high[kept.span])
    voltage, current = readings.voltage[inside], readings.current[inside]
    means, where, weights = power, place, None
    if len(kept.place):
        means, where = np.append(power, record.mean[kept.span]), np.append(place, kept.place)
        weights = np.append(np.ones(len(power)), kept.count)
    covered, on = _covered(readings, traits, grid)
    imports = _spread(readings, energy.imported, grid)
    exports = _spread(readings, energy.exported, grid)
    estimated = _spread(readings, _only(energy.imported), grid)
    held = np.flatnonzero((count > 0) | (imports > 0) | (exports > 0) | (covered > 0))
    nothing = np.isinf(low)
    low[nothing] = high[nothing] = np.nan
    return RollupColumns(
        start=start + held * width,
        mean_power=_means(means, where, weights, n)[held],
        min_power=low[held],
        max_power=high[held],
        mean_voltage=_means(voltage, place, None, n)[held],
        mean_current=_means(current, place, None, n)[held],
        import_mwh=imports[held],
        export_mwh=exports[held],
        estimated_mwh=estimated[held],
        on_ms=np.rint(on[held]).astype(np.int64),
        covered_ms=np.rint(covered[held]).astype(np.int64),
        count=count[held].astype(np.int64),
    )


def imports(readings: Readings, energy: Flow, width: int, after: int, longest_ms: int) -> dict[int, float]:
    """mWh by start of bucket, of the steps that end at reading `after` or later; only the last `longest_ms`."""
    chosen = energy.imported.end >= after
    begin, end = readings.since[energy.imported.start[chosen]], readings.at[energy.imported.end[chosen]]
    if not len(end):
        return {}
    last = int(max(begin.max(), end.max())) // width
    first = max(int(min(begin.min(), end.min())) // width, last - longest_ms // width)
    sums = _Grid(first * width, width, last - first + 1).spread(begin, end, energy.imported.mwh[chosen])
    return {(first + k) * width: float(sums[k]) for k in np.flatnonzero(sums).tolist()}


def combine(old: RollupColumns, new: RollupColumns, unchanged: RollupColumns, edge: int) -> RollupColumns:
    """Buckets before `edge`, whose raw samples may be gone: old + new - unchanged; from `edge` on: new.

    `unchanged`: what the readings give without the new samples.
    """
    starts = np.union1d(old.start[old.start < edge], new.start)
    o, n, u = (_aligned(part, starts) for part in (old, new, unchanged))
    late = starts >= edge

    def added(name: str) -> Float64:
        sums: Float64 = np.where(late, n[name], o[name] + n[name] - u[name])
        return sums

    def mean(name: str) -> Float64:
        weights = [np.where(np.isnan(part[name]), 0, part["count"]) for part in (o, n, u)]
        values = [np.nan_to_num(part[name]) * weight for part, weight in zip((o, n, u), weights, strict=True)]
        weight = weights[0] + weights[1] - weights[2]
        total = values[0] + values[1] - values[2]
        means = np.divide(total, weight, out=np.full(len(starts), np.nan), where=weight > 0)
        return np.where(late, n[name], means)

    return RollupColumns(
        start=starts,
        mean_power=mean("mean_power"),
        min_power=np.where(late, n["min_power"], np.fmin(o["min_power"], n["min_power"])),
        max_power=np.where(late, n["max_power"], np.fmax(o["max_power"], n["max_power"])),
        mean_voltage=mean("mean_voltage"),
        mean_current=mean("mean_current"),
        import_mwh=added("import_mwh").clip(0),
        export_mwh=added("export_mwh").clip(0),
        estimated_mwh=added("estimated_mwh").clip(0),
        on_ms=np.rint(added("on_ms")).astype(np.int64),
        covered_ms=np.rint(added("covered_ms")).astype(np.int64),
        count=np.rint(added("count")).astype(np.int64),
    )


def _aligned(part: RollupColumns, starts: Int64) -> dict[str, Float64]:
    """The columns at these starts; where there is no bucket NaN for a level, 0 for a sum."""
    where = np.searchsorted(starts, part.start)
    known = (where < len(starts)) & (starts[np.minimum(where, max(len(starts) - 1, 0))] == part.start)
    columns = {}
    for name in RollupColumns.__struct_fields__:
        level = name.startswith(("mean", "min_p", "max_p"))
        columns[name] = np.full(len(starts), np.nan if level else 0.0)
        columns[name][where[known]] = getattr(part, name)[known]
    return columns


class _Grid:
    """Equal buckets from `start` on."""

    def __init__(self, start: int, width: int, n: int) -> None:
        self.start = start
        self.width = width
        self.n = n

    def spread(self, begin: Int64, end: Int64, amount: Float64) -> Float64:
        """What of each amount, spread evenly over begin..end, falls into each bucket; without length: at its end."""
        limit = self.start + self.n * self.width
        length = end - begin
        instant = length <= 0
        first = (np.where(instant, end, begin) - self.start) // self.width
        last = (np.where(instant, end, end - 1) - self.start) // self.width
        whole = _all_or((first == last) & (first >= 0) & (first < self.n))
        sums: Float64 = np.bincount(first[whole], weights=amount[whole], minlength=self.n).astype(np.float64)
        parted = np.flatnonzero((first != last) & (end > self.start) & (begin < limit))
        low, high = first[parted].clip(min=0), last[parted].clip(max=self.n - 1)
        each = high - low + 1
        far = each > FAR
        for k, a, b in zip(parted[far], low[far], high[far], strict=True):
            edges = self.start + np.arange(a, b + 2) * self.width
            inside = np.diff(edges.clip(begin[k], end[k]))
            sums[a : b + 1] += amount[k] * inside / length[k]
        # Minutes of plugs begin within a bucket and end in the next one, by the thousand.
        row, each = np.repeat(parted[~far], each[~far]), each[~far]
        place = np.repeat(low[~far] - np.cumsum(each) + each, each) + np.arange(len(row))
        edge = self.start + place * self.width
        inside = np.minimum(edge + self.width, end[row]) - np.maximum(edge, begin[row])
        np.add.at(sums, place, amount[row] * inside / length[row])
        return sums


def _stretches(readings: Readings, traits: Traits) -> list[tuple[int, int]]:
    """first, last + 1 of what one counter measured: another hardware_id brings another one, and so does a power cut
    that took the old one with it."""
    if not len(readings):
        return []
    hardware = [run.hardware for run in readings.runs]
    numbers = {name: k for k, name in enumerate(dict.fromkeys(hardware))}
    plug = np.array([numbers[name] for name in hardware])[readings.run]
    others = np.flatnonzero(np.diff(plug)) + 1
    lost = [k for k in (np.flatnonzero(np.diff(readings.run)) + 1).tolist() if _lost_counter(readings, k, traits)]
    return list(pairwise(sorted({0, *others.tolist(), *lost, len(readings)})))


def _lost_counter(readings: Readings, k: int, traits: Traits) -> bool:
    """Did the run of reading k begin after a power cut that took its counter: did it begin at 0, or where the plug's
    flash had it last, with the minutes before? It would seem to go on, and the energy of the gap to be known."""
    if readings.runs[int(readings.run[k])].reason not in POWER_LOST:
        return False
    own = readings.run == readings.run[k]
    counted = np.flatnonzero(own & (readings.energy_mwh != NONE))
    if not len(counted) or readings.up[counted[0]] == NONE:
        return False
    up, value = int(readings.up[counted[0]]), int(readings.energy_mwh[counted[0]])
    if value <= largest_step(0, value, up, traits.limit_w, traits.resolution_mwh):
        return True
    before = np.flatnonzero(readings.energy_mwh[:k] != NONE)
    if not len(before) or not readings.kept[before[-1]]:
        return False
    last = int(readings.energy_mwh[before[-1]])
    return 0 <= value - last <= largest_step(last, value, up, traits.limit_w, traits.resolution_mwh)


def _counting(readings: Readings, traits: Traits) -> Int64:
    """ms, by which a counter may have grown. Where the dates alone tell, the hub's clock may have been set back by some
    seconds in between: it is an interval at least."""
    dated = (readings.up[1:] == NONE) | (readings.up[:-1] == NONE)
    if not dated.any():
        return readings.clock
    elapsed = np.diff(readings.clock, prepend=0)
    elapsed[1:][dated] = np.maximum(elapsed[1:][dated], traits.interval_ms)
    clock: Int64 = np.cumsum(elapsed)
    return clock


def _counter(
    readings: Readings, counter: Int64, clock: Int64, stretch: tuple[int, int], traits: Traits
) -> tuple[Booked, int]:
    where = np.flatnonzero(counter[slice(*stretch)] != NONE) + stretch[0]
    steps = counter_steps(counter[where], clock[where], traits.limit_w, traits.resolution_mwh)
    start, end = where[steps.start], where[steps.end]
    breaks = np.cumsum(readings.broken)
    return Booked(start, end, steps.mwh, breaks[end] > breaks[start]), len(steps.dropped)


def _without_counter(readings: Readings, first: int, last: int, traits: Traits) -> tuple[Int64, Float64]:
    """Power integrated within runs that send no counter of import."""
    runs, has = readings.run[first:last], readings.energy_mwh[first:last] != NONE
    counted = runs if has.all() else runs[has]
    there, counting = (np.bincount(each, minlength=len(readings.runs)) for each in (runs, counted))
    ends, amounts = [np.empty(0, np.int64)], [np.empty(0)]
    for run in np.flatnonzero((there > 0) & (counting == 0)):
        where = np.flatnonzero(readings.run[first:last] == run) + first
        step, mwh = power_steps(readings.power[where], readings.clock[where], traits.longest_ms)
        end = where[step]
        if not readings.runs[run].run:  # it repeats nothing: where something is missing, it was away
            whole = ~readings.broken[end]
            end, mwh = end[whole], mwh[whole]
        ends.append(end)
        amounts.append(mwh)
    return np.concatenate(ends), np.concatenate(amounts)


def _joined(booked: list[Booked]) -> Booked:
    if not booked:
        empty = np.empty(0, np.int64)
        return Booked(empty, empty, np.empty(0), np.empty(0, bool))
    fields = ("start", "end", "mwh", "estimated")
    return Booked(*(np.concatenate([getattr(part, name) for part in booked]) for name in fields))


def _only(booked: Booked) -> Booked:
    """The estimated part."""
    chosen = booked.estimated
    return Booked(booked.start[chosen], booked.end[chosen], booked.mwh[chosen], booked.estimated[chosen])


def _spread(readings: Readings, booked: Booked, grid: _Grid) -> Float64:
    return grid.spread(readings.since[booked.start], readings.at[booked.end], booked.mwh)


def _covered(readings: Readings, traits: Traits, grid: _Grid) -> tuple[Float64, Float64]:
    """ms that samples and minutes cover, and the part of them with the relay on: each until the next, at most one
    interval where something is missing behind it."""
    if not len(readings):
        return np.zeros(grid.n), np.zeros(grid.n)
    until = np.append(readings.clock[1:] - readings.clock[:-1], traits.interval_ms)
    behind = np.append(readings.broken[1:], True)
    until = np.where(behind, np.minimum(np.where(until > 0, until, traits.interval_ms), traits.interval_ms), until)
    told = np.append(readings.span[1:] >= 0, False)  # by minutes, up to the next reading
    ends = (readings.span >= 0) & readings.bare
    until[readings.bare & ~told & ~ends] = 0
    begin, amount = readings.at, until.astype(np.float64)
    covered = grid.spread(begin, begin + until, amount)
    share = (readings.relay == 1).astype(np.float64)
    if len(readings.spans.run):
        on = minutes.on_share(readings.spans, readings.span, readings.seq, readings.clock)
        share = np.where(told, np.append(on[1:], 0.0), np.where(ends, on, share))
    lit = share > 0
    if lit.all() and not len(readings.spans.run):
        return covered, covered
    return covered, grid.spread(begin[lit], (begin + until)[lit], (amount * share)[lit])


def _all_or(chosen: Bools) -> Bools | slice:
    """What chooses the same, without a copy where that is all."""
    return slice(None) if chosen.all() else chosen


def _means(values: Float64, place: Int64, weights: Float64 | None, n: int) -> Float64:
    seen = _all_or(~np.isnan(values))
    values, place, weights = values[seen], place[seen], None if weights is None else weights[seen]
    count = np.bincount(place, weights=weights, minlength=n)
    total = np.bincount(place, weights=values if weights is None else values * weights, minlength=n)
    means: Float64 = np.divide(total, count, out=np.full(n, np.nan), where=count > 0)
    return means
