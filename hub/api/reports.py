"""Reports as the API gives them: as JSON, and as a table (CSV, RFC 4180). Energies in kWh, NaN becomes null."""

from datetime import UTC, datetime

import numpy as np

from hub.api.charts import ENERGY_DIGITS, MWH_IN_KWH, kwh
from hub.api.table import END, cell
from hub.api.types.reports import (
    EnergyReport,
    ReportAmount,
    ReportBucket,
    ReportDevice,
    ReportGaps,
    ReportHours,
    ReportPeriod,
    ReportRoom,
    ReportTotal,
)
from hub.cost import Amount, Hours, Line, Period, Report, Words
from hub.plugins.contract import Float64

COST_DIGITS = 6
COLUMNS = ("time_utc", "time_local", "device", "channel", "name", "room", "import_kWh", "estimated_kWh")


def report_view(report: Report, words: Words) -> EnergyReport:
    """The whole report."""
    total = report.total
    energy = total.now.mwh or 0.0
    return EnergyReport(
        home=report.home,
        period=_period(report.period, words),
        total=ReportTotal(
            kwh=kwh(total.now.mwh),
            cost=_cost(total.now.cost),
            currency=report.currency,
            price=report.price,
            estimated_kwh=kwh(total.now.estimated_mwh) or 0.0,
            estimated_share=round(total.now.estimated_mwh / energy, 4) if energy else 0.0,
            before=_amount(total.before),
            change_percent=_percent(total.change),
        ),
        gaps=ReportGaps(report.unknown.count, round(report.unknown.hours, 3), report.unknown.open),
        since=report.since,
        not_compared=report.not_compared,
        by_bucket=_buckets(report),
        by_device=[_device(line) for line in report.devices],
        by_room=[_room(line) for line in report.rooms],
        hours=None if report.hours is None else _hours(report.hours, report.price),
    )


def report_table(report: Report) -> bytes:
    """A line for each bucket of each outlet, up to now. Unknown is empty; without a price there is no cost."""
    priced = report.price is not None
    lines = [",".join([*COLUMNS, *([f"cost_{report.currency}"] if priced else []), "note"])]
    starts = report.edges[:-1].tolist()
    times = [_times(report.period, at) for at in starts]
    for line in report.devices:
        outlet = line.outlet
        if outlet is None:
            continue
        place = ",".join(
            [outlet.key, str(outlet.series.channel), cell(outlet.name), cell(outlet.room or "")],
        )
        parts = zip(starts, times, line.by_bucket.tolist(), line.estimated.tolist(), strict=True)
        for at, time, mwh, estimated in parts:
            if at >= report.period.until:
                break
            known = not np.isnan(mwh)
            cells = [_decimal(mwh / MWH_IN_KWH, ENERGY_DIGITS) if known else ""]
            cells.append(_decimal(estimated / MWH_IN_KWH, ENERGY_DIGITS) if known else "")
            if report.price is not None:
                cells.append(_decimal(mwh / MWH_IN_KWH * report.price, COST_DIGITS) if known else "")
            cells.append("estimated" if known and estimated > 0 else "")
            lines.append(f"{time},{place},{','.join(cells)}")
    return "".join(line + END for line in lines).encode()


def file_name(period: Period, ending: str) -> str:
    """energy-2026-10.pdf"""
    form = {"year": "%Y", "month": "%Y-%m"}.get(period.kind, "%Y-%m-%d")
    return f"energy-{period.kind}-{period.local(period.start).strftime(form)}.{ending}"


def _period(period: Period, words: Words) -> ReportPeriod:
    return ReportPeriod(
        kind=period.kind,
        label=words.label(period),
        start=period.start,
        end=period.end,
        until=period.until,
        running=period.running,
        zone=period.zone,
        bucket=period.bucket,
        before_label=words.label_before(period),
        before_start=period.before_start,
        before_until=period.before_until,
    )


def _buckets(report: Report) -> list[ReportBucket]:
    nothing = np.full(len(report.edges) - 1, np.nan)
    costs = nothing if report.cost_by_bucket is None else report.cost_by_bucket
    columns = (
        report.edges[:-1].tolist(),
        report.edges[1:].tolist(),
        _column(report.total.by_bucket),
        [None if np.isnan(cost) else round(cost, COST_DIGITS) for cost in costs.tolist()],
        [value or 0.0 for value in _column(report.total.estimated)],
        _column(report.before_by_bucket),
    )
    return [ReportBucket(*cells) for cells in zip(*columns, strict=True)]


def _device(line: Line) -> ReportDevice:
    outlet = line.outlet
    assert outlet is not None
    return ReportDevice(
        device=outlet.series.device,
        channel=outlet.series.channel,
        key=outlet.key,
        name=outlet.name,
        room=outlet.room,
        color=outlet.color,
        kwh=kwh(line.now.mwh),
        cost=_cost(line.now.cost),
        estimated_kwh=kwh(line.now.estimated_mwh) or 0.0,
        before=_amount(line.before),
        change_percent=_percent(line.change),
        by_bucket_kwh=_column(line.by_bucket),
    )


def _room(line: Line) -> ReportRoom:
    return ReportRoom(
        room=line.name,
        kwh=kwh(line.now.mwh),
        cost=_cost(line.now.cost),
        estimated_kwh=kwh(line.now.estimated_mwh) or 0.0,
        before=_amount(line.before),
        change_percent=_percent(line.change),
        by_bucket_kwh=_column(line.by_bucket),
    )


def _hours(hours: Hours, price: float | None) -> ReportHours:
    base = kwh(hours.base_mwh)
    return ReportHours(
        highest=hours.highest,
        highest_kwh=kwh(hours.highest_mwh) or 0.0,
        base_w=None if hours.base_w is None else round(hours.base_w, 1),
        base_kwh=base,
        base_cost=None if base is None or price is None else _cost(base * price),
        by_weekday_kwh=[_column(np.round(row)) for row in hours.by_weekday],
    )


def _amount(amount: Amount) -> ReportAmount:
    return ReportAmount(kwh(amount.mwh), _cost(amount.cost))


def _cost(cost: float | None) -> float | None:
    return None if cost is None else round(cost, COST_DIGITS)


def _percent(change: float | None) -> float | None:
    return None if change is None else round(change * 100, 1)


def _column(mwh: Float64) -> list[float | None]:
    return [None if np.isnan(value) else round(value / MWH_IN_KWH, ENERGY_DIGITS) for value in mwh.tolist()]


def _times(period: Period, at: int) -> str:
    utc = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{utc},{period.local(at).isoformat(timespec='seconds')}"


def _decimal(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
