"""Energy of today: kept in memory, so that it is cheap enough for every outlet of a list and always fresh."""

from collections.abc import Hashable, Mapping, Sequence

import msgspec
import numpy as np

from hub.history import rollups
from hub.history.commit import Taken
from hub.history.day import KEPT_MS, TIER, Day, counted_on, day_of, follows
from hub.history.frame import Source
from hub.history.plan import MARGIN_MS
from hub.history.readings import FOREVER, Traits, arrange
from hub.history.snapshot import Snapshot, one_by_one
from hub.history.tail import UnmergedTail
from hub.plugins.columns import join_rollup, select_raw
from hub.plugins.contract import NONE, TIERS, Float64, RawColumns, SeriesKey
from hub.telemetry.buffer import AT, ENERGY, UP, Columns
from hub.telemetry.energy import largest_step, power_steps
from hub.telemetry.live import Live
from hub.telemetry.streams import Streams


class Followed(msgspec.Struct):
    """The days after a commit; `late`: outlets whose samples did not all follow what was there, to be computed anew."""

    days: dict[SeriesKey, Day]
    late: set[SeriesKey]


class Today:
    """Import since midnight of every outlet: what is durable, by commits and merges, and what is buffered behind it.

    `energy`, `put` and `forget` are called on the event loop and read no disk; `follow` and `compute` in history's
    worker thread, never two at a time.
    """

    def __init__(self, *, store: Source, tail: UnmergedTail, streams: Streams, live: Live) -> None:
        self._store = store
        self._tail = tail
        self._streams = streams
        self._live = live
        self._days: dict[SeriesKey, Day] = {}
        self._undated: set[SeriesKey] = set()  # outlets of which samples came without a date since the last `compute`
        self._uncounted: dict[SeriesKey, tuple[Hashable, float]] = {}
        self.late: set[SeriesKey] = set()
        """Outlets that are to be computed anew."""
        self.complete = False
        """Are all outlets known that have history? What is not known is not counted on."""

    def energy(self, series: SeriesKey, midnight: int, traits: Traits) -> float | None:
        """mWh imported since `midnight` up to the newest live reading; None when nothing is known."""
        if not self.complete:
            return None
        day, stream = self._days.get(series), self._streams.live(series.device, series.channel)
        known = None if day is None else day.sum(midnight)
        live = self._live.get(series.device, series.channel)
        if stream is None or live is None:
            return known
        base = None if day is None or day.run.hardware != stream.hardware else day.base
        if known is not None and base is not None and live.energy_mwh is not None:
            # Nearly every plug, nearly always: what waits for its commit need not be looked at.
            return known + counted(base, live.energy_mwh, live.at, midnight, traits)
        parts = list(self._tail.uncommitted(stream.number))
        if known is None and not parts:
            return None
        last = None if day is None or day.run.number != stream.number else day.last
        value = live.energy_mwh
        if value is None:
            value = newest_counter(parts, None if last is None else base)
        if value is not None:
            base = base or first_counter(parts, live.at)
            return (known or 0.0) + (0.0 if base is None else counted(base, value, live.at, midnight, traits))
        fresh = _Fresh(series, stream.number, last, parts, repeats=bool(stream.run))
        return (known or 0.0) + self._by_power(fresh, live.at, midnight, traits)

    def put(self, days: Mapping[SeriesKey, Day | None]) -> None:
        """These are known now; None = nothing is."""
        for series, day in days.items():
            if day is None:
                self._days.pop(series, None)
            else:
                self._days[series] = day

    def forget(self, device: str) -> None:
        """The device was removed."""
        for known in (self._days, self._uncounted):
            for series in [series for series in known if series.device == device]:
                del known[series]

    def follow(self, taken: Taken, raw: Mapping[int, RawColumns]) -> Followed:
        """Count on from the last commit. `raw`: the samples of this one."""
        found = Followed({}, set())
        if not self.complete:
            return found
        for series, (traits, runs) in taken.outlets.items():
            arrived = taken.at if taken.certain else FOREVER
            dated = [run.dated(raw[run.number], arrived=arrived) for run in runs]
            parts = [part for part in (select_raw(part, part.at != NONE) for part in dated) if len(part.seq)]
            if sum(len(part.seq) for part in parts) < sum(len(part.seq) for part in dated):
                self._undated.add(series)
            if not parts:
                continue
            day, known = self._days.get(series), {run.run: run for run in runs}
            if series in self._undated or not follows(day, parts, known):
                found.late.add(series)
            else:
                found.days[series] = counted_on(day, parts, known, traits)
        return found

    def compute(self, snapshots: Sequence[Snapshot]) -> dict[SeriesKey, Day | None]:
        """Days from store and tail. Raises OSError, StoreError."""
        return {snapshot.series: self._computed(snapshot) for snapshot in one_by_one(snapshots)}

    def _computed(self, snapshot: Snapshot) -> Day | None:
        series, outlook, plan = snapshot.series, snapshot.outlook, snapshot.plan()
        head = plan.state.head
        self._undated.discard(series)
        if head is None:
            return None
        if not self.complete and (plan.state.undated or any((part.at == NONE).any() for part in plan.raw)):
            self._undated.add(series)  # of an earlier hub run: its samples may be dated by the next that come
        start = (head.at - KEPT_MS) // TIERS[TIER] * TIERS[TIER]
        tail = snapshot.buckets(TIER, start, head.at + 1)
        buckets = join_rollup([self._store.rollup(series, TIER, start, head.at + 1), tail])
        mwh = dict(zip(buckets.start.tolist(), buckets.import_mwh.tolist(), strict=True))
        begin = head.at - MARGIN_MS
        stored = self._store.read(series, begin, head.at + 1)
        parts = [*stored, *snapshot.raw(begin, head.at + 1)]
        traits, runs = outlook.traits.get(series, Traits()), outlook.runs.get(series, {})
        readings = arrange(parts, [head], runs, traits)
        return day_of(mwh, readings, rollups.flow(readings, traits))

    def _by_power(self, fresh: "_Fresh", now: int, midnight: int, traits: Traits) -> float:
        """mWh since the last commit, of an outlet without a counter."""
        known = self._uncounted.get(fresh.series)
        key = (fresh.place, midnight)
        if known is None or known[0] != key:
            known = self._uncounted[fresh.series] = key, fresh.energy(now, midnight, traits)
        return known[1]


def counted(base: tuple[int, int], value: int, at: int, midnight: int, traits: Traits) -> float:
    """mWh since midnight by a counter, as far as the energy rule would believe it. base: Unix ms and value of the
    reading before; `value` was read at `at`."""
    step, elapsed = value - base[1], at - base[0]
    most = largest_step(base[1], value, elapsed, traits.limit_w, traits.resolution_mwh)
    if elapsed <= 0 or not 0 <= step <= most:
        return 0.0
    return step * max(min((at - midnight) / elapsed, 1.0), 0.0)


def newest_counter(parts: Sequence[Columns], base: tuple[int, int] | None) -> int | None:
    """The newest value of the counter in samples, oldest part first, or else that of `base`; None = there is none."""
    for part in reversed(parts):
        values = part.column("energy")
        known = values[values != NONE]
        if len(known):
            return int(known[-1])
    return None if base is None else base[1]


def first_counter(parts: Sequence[Columns], now: int) -> tuple[int, int] | None:
    """Unix ms and value of the first reading of the counter, where the newest sample came `now`."""
    for part in parts:
        index = part.first_counter()
        if index is not None:
            first = part.row(index)
            clock = AT if first[UP] == NONE else UP
            return now - abs(parts[-1].row(-1)[clock] - first[clock]), first[ENERGY]
    return None


class _Fresh(msgspec.Struct):
    """What came of one outlet since the last commit. last: the reading before, of the same run; parts: samples of the
    live run, oldest first; repeats: may what is missing between them still come?"""

    series: SeriesKey
    number: int
    last: RawColumns | None
    parts: list[Columns]
    repeats: bool

    @property
    def place(self) -> Hashable:
        """Changes with every reading."""
        last = None if self.last is None else int(self.last.seq[0])
        return self.number, sum(len(part) for part in self.parts), last

    def energy(self, now: int, midnight: int, traits: Traits) -> float:
        """mWh since midnight by the power; the newest sample came `now`."""
        if self.last is None and not self.parts:
            return 0.0  # a new run of which nothing could be kept yet
        seq, up, at, power = (self._joined(name) for name in ("seq", "up", "at", "power"))
        order = np.argsort(seq, kind="stable")
        if self.last is not None:
            order = order[seq[order] >= self.last.seq[0]]
        clock = (at if (up == NONE).any() else up)[order]
        if not len(clock) or (clock < NONE).any():
            return 0.0
        end, mwh = power_steps(power[order], clock.astype(np.int64), traits.longest_ms)
        if not self.repeats:
            mwh[np.diff(seq[order])[end - 1] > 1] = 0
        share = (now - clock[-1] + clock[end] - midnight) / (clock[end] - clock[end - 1])
        return float((mwh.clip(0) * share.clip(0, 1)).sum())

    def _joined(self, name: str) -> Float64:
        before = [] if self.last is None else [getattr(self.last, name)]
        return np.concatenate([*before, *(part.column(name) for part in self.parts)]).astype(np.float64)
