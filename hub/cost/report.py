"""Report: the figures of a period with their cost, by outlet, by room, by bucket and in all. Parts are the whole."""

from collections.abc import Sequence

import msgspec
import numpy as np

from hub.cost.figures import Column, Figures, Unknown
from hub.cost.outlets import ReportOutlet
from hub.cost.period import Period
from hub.cost.tariff import Tariff
from hub.history.calendar import HOUR
from hub.history.points import energy_sum
from hub.plugins.contract import Float64, Int64

BASE_SHARE = 10.0  # per cent of the hours lie below the base load: one that a plug slept through does not set it
BASE_FROM = 24  # hours, before which nothing is called usual


class Amount(msgspec.Struct, frozen=True):
    """Energy in mWh and its cost in the home's currency; None = not known. `estimated_mwh` is part of `mwh`."""

    mwh: float | None = None
    cost: float | None = None
    estimated_mwh: float = 0.0


class Line(msgspec.Struct):
    """An outlet, or a room (`outlet` None; `name` None: what is in no room).

    before: the period before, up to the same moment. by_bucket: mWh, NaN = not known; estimated:
    the part of it that is. comparable: how many outlets of it were
    measured from the beginning of both periods? change: of the comparable ones, as a fraction (0.06 = 6 % more).
    """

    outlet: ReportOutlet | None
    name: str | None
    now: Amount
    before: Amount
    by_bucket: Float64
    estimated: Float64
    comparable: int
    change: float | None


class Hours(msgspec.Struct):
    """highest: Unix ms of the hour with the most energy, and its mWh. base_w: what is nearly always drawn; base_mwh:
    its part of the period. by_weekday: mean mWh of each hour (24 columns) of each day from Monday (7 rows)."""

    highest: int
    highest_mwh: float
    base_w: float | None
    base_mwh: float | None
    by_weekday: Float64


class Report(msgspec.Struct):
    """Everything that is shown, exact: rounding is done by whoever shows it.

    edges: Unix ms of the buckets. by_bucket, before_by_bucket: mWh of all (NaN = not known), cost_by_bucket: None
    without a price. since: when the first of it was measured, None = from the beginning. not_compared: outlets that
    were not measured from the beginning of both periods.
    """

    period: Period
    home: str
    currency: str
    price: float | None
    edges: Int64
    total: Line
    cost_by_bucket: Float64 | None
    before_by_bucket: Float64
    devices: list[Line]
    rooms: list[Line]
    unknown: Unknown
    hours: Hours | None
    since: int | None
    not_compared: int

    @property
    def empty(self) -> bool:
        """Was nothing measured at all?"""
        return self.total.now.mwh is None


def assemble(
    period: Period,
    outlets: Sequence[ReportOutlet],
    figures: Figures,
    tariff: Tariff | None,
    *,
    home: str,
    currency: str,
    price: float | None,
) -> Report:
    """The report, largest first. Takes a few ms for a year of 100 outlets; call it in a thread."""
    starts = figures.edges[:-1]
    columns = [figures.columns[outlet.series] for outlet in outlets]
    devices = [
        _line(outlet, outlet.name, [column], starts, tariff) for outlet, column in zip(outlets, columns, strict=True)
    ]
    by_room: dict[str | None, list[Column]] = {}
    for outlet, column in zip(outlets, columns, strict=True):
        by_room.setdefault(outlet.room, []).append(column)
    rooms = [_line(None, room, inside, starts, tariff) for room, inside in by_room.items()]
    total = _line(None, None, columns, starts, tariff)
    known = np.flatnonzero(~np.isnan(total.by_bucket))
    measured = [line for line in devices if line.now.mwh is not None]
    return Report(
        period=period,
        home=home,
        currency=currency,
        price=price,
        edges=figures.edges,
        total=total,
        cost_by_bucket=None if tariff is None else tariff.cost(starts, total.by_bucket),
        before_by_bucket=_added([column.before for column in columns], len(starts)),
        devices=sorted(devices, key=_size),
        rooms=sorted(rooms, key=lambda line: (line.name is None, *_size(line))),
        unknown=figures.unknown,
        hours=_hours(period, figures),
        since=int(starts[known[0]]) if len(known) and known[0] > 0 else None,
        not_compared=sum(1 for line in measured if not line.comparable) if total.before.mwh is not None else 0,
    )


def _size(line: Line) -> tuple[bool, float, str]:
    return line.now.mwh is None, -(line.now.mwh or 0.0), (line.name or "").casefold()


def _line(
    outlet: ReportOutlet | None, name: str | None, columns: Sequence[Column], starts: Int64, tariff: Tariff | None
) -> Line:
    by_bucket = _added([column.now for column in columns], len(starts))
    so_far = np.array([np.nan if column.so_far is None else column.so_far for column in columns])
    alike = [column for column in columns if _comparable(column)]
    earlier = energy_sum(np.array([column.so_far for column in alike], np.float64))
    present = energy_sum(np.concatenate([np.empty(0), *(column.now for column in alike)]))
    change = None
    if earlier is not None and present is not None and earlier > 0:
        change = present / earlier - 1
    return Line(
        outlet,
        name,
        _amount(by_bucket, starts, tariff, energy_sum(np.concatenate([np.empty(0), *(c.estimated for c in columns)]))),
        _amount(so_far, starts[:1].repeat(len(so_far)), tariff, None),
        by_bucket,
        np.nan_to_num(_added([column.estimated for column in columns], len(starts))),
        len(alike),
        change,
    )


def _comparable(column: Column) -> bool:
    return column.so_far_begun and column.so_far is not None and not np.isnan(column.now[0])


def _amount(mwh: Float64, starts: Int64, tariff: Tariff | None, estimated: float | None) -> Amount:
    whole = energy_sum(mwh)
    cost = None if tariff is None or whole is None else float(np.nansum(tariff.cost(starts, mwh)))
    return Amount(whole, cost, estimated or 0.0)


def _added(columns: Sequence[Float64], count: int) -> Float64:
    """The sum of what is known, exact; NaN where nothing is."""
    if not columns:
        return np.full(count, np.nan)
    stacked = np.stack(columns)
    known = ~np.isnan(stacked)
    micro = np.rint(np.where(known, stacked, 0.0) * 1000).astype(np.int64).sum(axis=0)
    return np.where(known.any(axis=0), micro / 1000, np.nan)


def _hours(period: Period, figures: Figures) -> Hours | None:
    starts, mwh = figures.hour_starts, figures.hour_mwh
    over = starts + HOUR <= period.until
    starts, mwh = starts[over], mwh[over]
    if not len(starts) or not mwh.max() > 0:
        return None
    base = float(np.percentile(mwh, BASE_SHARE)) if len(mwh) >= BASE_FROM else None
    sums, counts = np.zeros((7, 24)), np.zeros((7, 24))
    for at, value in zip(starts.tolist(), mwh.tolist(), strict=True):
        local = period.local(at)
        sums[local.weekday(), local.hour] += value
        counts[local.weekday(), local.hour] += 1
    highest = int(mwh.argmax())
    return Hours(
        highest=int(starts[highest]),
        highest_mwh=float(mwh[highest]),
        base_w=None if base is None else base / 1000,
        base_mwh=None if base is None else base * len(mwh),
        by_weekday=np.divide(sums, counts, out=np.full((7, 24), np.nan), where=counts > 0),
    )
