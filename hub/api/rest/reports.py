"""Reports: energy and cost of a day, week, month or year, of what the asker may see; as figures, table and page."""

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from hub.api.reports import file_name, report_table, report_view
from hub.api.routing import Call, Route
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
from hub.cost import Kind, Report, ReportOutlet, Words, assemble, period_of, read_figures, tariff_of
from hub.devices.device import Device
from hub.plugins.contract import SeriesKey

TAG = "reports"


class ReportQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which period, by the home's clock."""

    period: Kind = "month"
    of: (
        Annotated[
            str, Meta(max_length=10, description="2026, 2026-10 or 2026-10-21: which one; without it the one that runs")
        ]
        | None
    ) = None


ReportCall = Call[ReportQuery, None]


def outlets_of(device: Device) -> list[ReportOutlet]:
    """Its outlets, named as people see them."""

    def name(channel: int) -> str:
        return device.name if len(device.channels) == 1 else f"{device.name} · {own(channel)}"

    def own(channel: int) -> str:
        return device.channels[channel].name or str(channel + 1)

    return [
        ReportOutlet(SeriesKey(device.id, channel), device.key, name(channel), device.room, device.color)
        for channel in device.channels
    ]


async def made(call: ReportCall) -> tuple[Report, Words]:
    """The report that was asked for, and the words of its reader."""
    services, asked = call.services, call.query
    home = services.homes.get(call.principal.home) or services.homes.first
    now = services.clock.now()
    period = period_of(asked.period, asked.of, now=now, zone=home.time_zone, week_start=home.week_start)
    outlets = [outlet for device in services.registry.list(call.principal) for outlet in outlets_of(device)]
    figures = await read_figures(services.query, services.history.gaps, [each.series for each in outlets], period)
    name, currency, price = home.name, home.currency, home.price
    report = await asyncio.to_thread(
        lambda: assemble(period, outlets, figures, tariff_of(price), home=name, currency=currency, price=price)
    )
    return report, Words(call.language, currency)


async def get_report(call: ReportCall) -> EnergyReport | bytes:
    """GET /reports/energy"""
    report, words = await made(call)
    return await asyncio.to_thread(lambda: msgspec.json.encode(report_view(report, words)))


async def get_report_table(call: ReportCall) -> web.StreamResponse:
    """GET /reports/energy.csv"""
    report, _ = await made(call)
    return _file(await asyncio.to_thread(report_table, report), "text/csv", file_name(report.period, "csv"))


async def get_report_page(call: ReportCall) -> web.StreamResponse:
    """GET /reports/energy.pdf"""
    from hub.cost.pdf import render_pdf

    with call.services.exports.taken("exports-too-many"):
        report, words = await made(call)
        page = await asyncio.to_thread(render_pdf, report, words, call.services.clock.now())
    return _file(page, "application/pdf", file_name(report.period, "pdf"))


def _file(body: bytes, kind: str, name: str) -> web.Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=kind, charset="utf-8" if kind == "text/csv" else None, headers=headers)


BEFORE = ReportAmount(11.2, 2.91)
EXAMPLE = EnergyReport(
    home="Home",
    period=ReportPeriod(
        kind="month",
        label="October 2026",
        start=1790805600000,
        end=1793487600000,
        until=1793487600000,
        running=False,
        zone="Europe/Berlin",
        bucket="1d",
        before_label="September 2026",
        before_start=1788213600000,
        before_until=1790805600000,
    ),
    total=ReportTotal(10.4, 2.704, "EUR", 0.26, 0.3, 0.0288, BEFORE, -7.1),
    gaps=ReportGaps(1, 0.6, 0),
    since=None,
    not_compared=0,
    by_bucket=[ReportBucket(1790805600000, 1790892000000, 10.4, 2.704, 0.3, 0.4)],
    by_device=[
        ReportDevice("5b1c9a2e77f04d13", 0, "fridge", "Fridge", "Kitchen", 1, 10.4, 2.704, 0.3, BEFORE, -7.1, [10.4])
    ],
    by_room=[ReportRoom("Kitchen", 10.4, 2.704, 0.3, BEFORE, -7.1, [10.4])],
    hours=ReportHours(1790964000000, 0.11, 8.5, 6.3, 1.638, [[0.01] * 24] * 7),
)
ERRORS = ("report-period-wrong", "report-period-ahead", "history-unreadable", "field-too-long")

ROUTES = (
    Route(
        method="GET",
        path="/reports/energy",
        summary="Energy and cost of a period, beside those of the one before",
        tag=TAG,
        handler=get_report,
        role="guest",
        query=ReportQuery,
        answer=EnergyReport,
        errors=ERRORS,
        description="By device, by room and by hour, day or month, of what you may see. Energies are exact sums of the "
        "stored quarters of an hour; what is estimated or not known is said. A running period is compared with the "
        "same part of the one before.",
        answer_example=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/reports/energy.csv",
        summary="The same as a table for a spreadsheet",
        tag=TAG,
        handler=get_report_table,
        role="guest",
        query=ReportQuery,
        media="text/csv",
        errors=ERRORS,
        description="A line for each hour, day or month of each device, in UTC and by the home's clock.",
    ),
    Route(
        method="GET",
        path="/reports/energy.pdf",
        summary="The same as a page to print",
        tag=TAG,
        handler=get_report_page,
        role="guest",
        query=ReportQuery,
        media="application/pdf",
        errors=(*ERRORS, "exports-too-many"),
        description="A4, in the language of Accept-Language. Only a few are made at once.",
    ),
)
