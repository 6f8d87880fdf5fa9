"""Measured values: a range for a chart, the last ten minutes, and gaps with their causes."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hub.api.charts import gap_view, live_series, series_view
from hub.api.routing import Call, Route
from hub.api.types import Gap, GapList, Series, Telemetry
from hub.messages import HubError
from hub.plugins.contract import SeriesKey

TAG = "telemetry"
OUTLET = re.compile(r"([A-Za-z0-9_-]{1,64})(?::(\d{1,2}))?")
DAY = 86_400_000
LONGEST_DAYS = 3660
MOST_SERIES = 20

Outlets = Annotated[
    list[Annotated[str, Meta(max_length=80)]],
    Meta(min_length=1, max_length=MOST_SERIES, description="ID or ID:CHANNEL; repeat for several"),
]
Moment = Annotated[int, Meta(ge=0, le=4_102_444_800_000, description="Unix ms")]


class RangeQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Which outlets, from when to when (Unix ms, the end not included)."""

    device: Outlets
    start: Moment
    end: Moment


class TelemetryQuery(RangeQuery, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """`points` bounds the length; `bucket` asks for one size of bucket in the home's zone."""

    points: Annotated[int, Meta(ge=10, le=5000)] = 1000
    bucket: Literal["raw", "1m", "5m", "15m", "1h", "1d"] | None = None


class LiveQuery(msgspec.Struct, forbid_unknown_fields=True):
    """One outlet."""

    device: Annotated[str, Meta(max_length=80, description="ID or ID:CHANNEL")]


EXAMPLE = Series(
    device="5b1c9a2e77f04d13",
    channel=0,
    source="1h",
    bucket_ms=3_600_000,
    at=[1764000000000],
    mean=[512.4],
    min=[2.1],
    max=[2104.0],
    energy_kwh=[0.512],
    estimated=[False],
    total_kwh=0.512,
    estimated_kwh=0.0,
)
EXAMPLE_GAP = Gap(
    id="g-12",
    device="5b1c9a2e77f04d13",
    channel=0,
    start=1764000000000,
    end=1764000060000,
    cause="power_lost",
    energy_kwh=None,
    estimated=False,
)


def outlets(call: Call[Any, None]) -> list[SeriesKey]:
    """The outlets asked for, each of which the asker may see. Raises "device-unknown", "channel-unknown"."""
    return [outlet(call, text) for text in dict.fromkeys(call.query.device)]


def outlet(call: Call[Any, None], text: str) -> SeriesKey:
    """One outlet written ID or ID:CHANNEL."""
    match = OUTLET.fullmatch(text)
    if match is None:
        raise HubError("device-unknown", field="device", device=text)
    device = call.services.registry.get(call.principal, match[1])
    channel = int(match[2] or 0)
    if channel not in device.channels:
        raise HubError("channel-unknown", field="device", channel=channel)
    return SeriesKey(device.id, channel)


def span(query: RangeQuery) -> tuple[int, int]:
    """Start and end. Raises HubError("series-range-invalid", "range-too-long")."""
    if query.start >= query.end:
        raise HubError("series-range-invalid", field="from")
    if query.end - query.start > LONGEST_DAYS * DAY:
        raise HubError("range-too-long", field="to", days=LONGEST_DAYS)
    return query.start, query.end


async def get_telemetry(call: Call[TelemetryQuery, None]) -> Telemetry:
    """GET /telemetry"""
    asked, query = call.query, call.services.query
    keys = outlets(call)
    start, end = span(asked)
    results = [await query.series(key, start, end, asked.points, asked.bucket) for key in keys]
    return Telemetry(start, end, [series_view(result) for result in results], await gaps_of(call, keys, start, end))


async def gaps_of(call: Call[Any, None], keys: list[SeriesKey], start: int, end: int) -> list[Gap]:
    """Gaps of all these outlets, oldest first."""
    history = call.services.history
    gaps = [gap_view(gap) for key in keys for gap in await history.gaps(key.device, key.channel, start, end)]
    return sorted(gaps, key=lambda gap: gap.start)


async def get_live(call: Call[LiveQuery, None]) -> Series:
    """GET /telemetry/live"""
    key = outlet(call, call.query.device)
    return live_series(key, call.services.live.recent(key.device, key.channel, call.services.clock.now()))


async def list_gaps(call: Call[RangeQuery, None]) -> GapList:
    """GET /gaps"""
    keys = outlets(call)
    start, end = span(call.query)
    return GapList(await gaps_of(call, keys, start, end))


ERRORS = (
    "device-unknown",
    "channel-unknown",
    "series-range-invalid",
    "range-too-long",
    *("field-too-small", "field-too-large"),
)

ROUTES = (
    Route(
        method="GET",
        path="/telemetry",
        summary="Power and energy over a range, ready for a chart",
        tag=TAG,
        handler=get_telemetry,
        role="guest",
        query=TelemetryQuery,
        answer=Telemetry,
        errors=(*ERRORS, "too-many-points", "history-unreadable"),
        description="At most about `points` points for each outlet, from the tier that fits; minima and maxima stay.",
        answer_example=Telemetry(1764000000000, 1764003600000, [EXAMPLE], [EXAMPLE_GAP]),
    ),
    Route(
        method="GET",
        path="/telemetry/live",
        summary="The samples of the last ten minutes",
        tag=TAG,
        handler=get_live,
        role="guest",
        query=LiveQuery,
        answer=Series,
        errors=("device-unknown", "channel-unknown"),
        answer_example=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/gaps",
        summary="What was not measured, and why",
        tag=TAG,
        handler=list_gaps,
        role="guest",
        query=RangeQuery,
        answer=GapList,
        errors=ERRORS,
        answer_example=GapList([EXAMPLE_GAP]),
    ),
)
