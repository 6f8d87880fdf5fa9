"""Measured values as a file: any range of any outlets, sent while it is read, however long it is."""

import asyncio
import logging
import zlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from hub.accept import takes_gzip
from hub.api import table
from hub.api.rest.telemetry import ERRORS, LONGEST_DAYS, Moment, outlets, span
from hub.api.routing import GZIP_LEVEL, Call, Route
from hub.history.calendar import HOUR, Calendar
from hub.messages import HubError
from hub.plugins.contract import SeriesKey

log = logging.getLogger("hub.api")

DAYS = {"1m": 2, "5m": 10, "15m": 30, "1h": 120, "1d": LONGEST_DAYS}
"""Of one page: about 3,000 lines, whatever the range."""
RAW_PAGE = HOUR
MOST_OUTLETS = 200
STALLED_SECONDS = 60.0  # for one page to be taken


class ExportQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Which outlets, from when to when (Unix ms, the end not included), and the size of a line's bucket."""

    device: Annotated[
        list[Annotated[str, Meta(max_length=80)]],
        Meta(min_length=1, max_length=MOST_OUTLETS, description="ID or ID:CHANNEL; repeat for several"),
    ]
    start: Moment
    end: Moment
    bucket: Annotated[
        Literal["raw", "1m", "5m", "15m", "1h", "1d"], Meta(description="raw: every sample as it came")
    ] = "15m"
    format: Literal["csv"] = "csv"


async def export_telemetry(call: Call[ExportQuery, None]) -> web.StreamResponse:
    """GET /telemetry/export"""
    keys = outlets(call)
    span(call.query)
    with call.services.exports.taken("exports-too-many"):
        return await _stream(call, keys)


async def _stream(call: Call[ExportQuery, None], keys: list[SeriesKey]) -> web.StreamResponse:
    pages = _pages(call, keys)
    first = await anext(pages)  # what is refused is still told as a problem
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "Vary": "Accept-Encoding"})
    response.content_type, response.charset = "text/csv", "utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(call, keys)}"'
    packer = None
    if takes_gzip(call.request.headers.get("Accept-Encoding")):
        response.headers["Content-Encoding"] = "gzip"
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    try:
        await response.prepare(call.request)
        if not call.wants_head_only:
            await _send(response, packer, first)
            async for page in pages:
                await _send(response, packer, page)
            if packer is not None:
                await response.write(packer.flush())
        await response.write_eof()
    except HubError as error:
        # Cut off: a file that ends early must not look complete.
        log.warning("an export was cut off: %s", error)
        if call.request.transport is not None:
            call.request.transport.abort()
    except TimeoutError:
        log.warning("an export was cut off: nothing of it was taken for %d s", STALLED_SECONDS)
        if call.request.transport is not None:
            call.request.transport.abort()
    except ConnectionError:
        log.debug("whoever asked for an export has left")
    finally:
        await pages.aclose()
    return response


async def _send(response: web.StreamResponse, packer: "zlib._Compress | None", page: bytes) -> None:
    """Waits while the other end reads more slowly than history does: no more than one page is in memory."""
    data = page if packer is None else await asyncio.to_thread(packer.compress, page)
    if data:
        async with asyncio.timeout(STALLED_SECONDS):  # it has one of the few places
            await response.write(data)


async def _pages(call: Call[ExportQuery, None], keys: list[SeriesKey]) -> AsyncGenerator[bytes, None]:
    """The heading with the first page, then page by page."""
    asked, services = call.query, call.services
    head = table.heading(raw=asked.bucket == "raw")
    for key in keys:
        device = services.registry.get(call.principal, key.device)
        calendar = Calendar(services.homes.time_zone(device.home))
        outlet = device.channels[key.channel]
        rows = table.Table(device.key, key.channel, outlet.name or device.name, calendar)
        for start, end in _stretches(calendar, asked.bucket, asked.start, asked.end):
            gaps = await services.history.gaps(key.device, key.channel, start, end)
            # A gap stands where it begins; the one that is open when the range begins, at its beginning. One that
            # begins where a page ends stands on the next.
            mine = [gap for gap in gaps if gap.start < end and (gap.start >= start or start == asked.start)]
            if asked.bucket == "raw":
                streams = await services.query.raw(key, start, end)
                page = await asyncio.to_thread(rows.samples, streams, mine)
            else:
                buckets = await services.query.buckets(key, start, end, asked.bucket)
                page = await asyncio.to_thread(rows.buckets, buckets, mine)
            if head or page:
                yield head + page
                head = b""
    if head:
        yield head


def _stretches(calendar: Calendar, bucket: str, start: int, end: int) -> list[tuple[int, int]]:
    """The range in pieces, of which no bucket lies in two."""
    if bucket == "raw":
        cuts = list(range(start // RAW_PAGE * RAW_PAGE + RAW_PAGE, end, RAW_PAGE))
    else:
        cuts = [at for at in calendar.edges("1d", start, end).tolist() if start < at < end][:: DAYS[bucket]]
    edges = [start, *cuts, end]
    return list(pairwise(edges))


def _file_name(call: Call[ExportQuery, None], keys: list[SeriesKey]) -> str:
    asked = call.query
    first, last = (datetime.fromtimestamp(at / 1000, UTC).date().isoformat() for at in (asked.start, asked.end - 1))
    device = call.services.registry.get(call.principal, keys[0].device)
    what = device.key if len({key.device for key in keys}) == 1 else "plugs"
    return f"{what}-{first}-{last}-{asked.bucket}.csv"


ROUTES = (
    Route(
        method="GET",
        path="/telemetry/export",
        summary="Measured values as a CSV file",
        tag="telemetry",
        handler=export_telemetry,
        role="guest",
        query=ExportQuery,
        media="text/csv",
        errors=(*ERRORS, "history-unreadable", "exports-too-many"),
        description="Streamed: a range of any length. Times are in UTC and by the home's clock, units stand in the "
        "heading, unknown is empty; a gap is a line of its own with its cause in `note`. Only a few run at once.",
    ),
)
