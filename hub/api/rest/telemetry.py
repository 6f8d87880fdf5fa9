"""Measured values: a range for a chart, the last ten minutes, and gaps with their causes."""

import asyncio
import re
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from hub.api.charts import gap_view, live_series, series_view, sum_view
from hub.api.paging import MOST, Cursor, Limit, page
from hub.api.routing import Call, Route
from hub.api.types.telemetry import Gap, GapList, Series, SumSeries, Telemetry, TelemetrySum
from hub.history.calendar import BUCKETS
from hub.messages import HubError
from hub.plugins.contract import SeriesKey

TAG = "telemetry"
MOST_SUMMED = 200
OUTLET = re.compile(r"([A-Za-z0-9_-]{1,64})(?::(\d{1,2}))?")
DAY = 86_400_000
LONGEST_DAYS = 3660
MOST_SERIES = 50
MOST_POINTS = 60_000  # of one answer; 4 MB of JSON
ENCODED_APART = 3_000  # points, above which JSON is made in a thread

Outlets = Annotated[
    list[Annotated[str, Meta(max_length=80)]],
    Meta(min_length=1, max_length=MOST_SERIES, description="ID or ID:CHANNEL; repeat for several"),
]
Moment = Annotated[int, Meta(ge=0, le=4_102_444_800_000, description="Unix ms")]


class Ranged(Protocol):
    """A query that names a range."""

    start: Moment
    end: Moment


class RangeQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Which outlets, from when to when (Unix ms, the end not included)."""

    device: Outlets
    start: Moment
    end: Moment


class TelemetryQuery(RangeQuery, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """`points` bounds the length; `bucket` asks for one size of bucket in the home's zone."""

    points: Annotated[int, Meta(ge=10, le=5000)] = 1000
    bucket: Literal["raw", "1m", "5m", "15m", "1h", "1d", "1w", "1mo"] | None = None


class GapsQuery(RangeQuery, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """A page of the gaps that touch the range."""

    limit: Limit = MOST
    cursor: Cursor | None = None


class SumQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Which outlets and rooms are added up (neither: all that you may see), from when to when, in Unix ms."""

    start: Moment
    end: Moment
    device: Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=MOST_SUMMED)] = []
    room: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=50)] = []
    points: Annotated[int, Meta(ge=10, le=5000)] = 1000
    bucket: Literal["1m", "5m", "15m", "1h", "1d", "1w", "1mo"] | None = None


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
    estimated_part_kwh=[0.0],
    estimated=[False],
    total_kwh=0.512,
    estimated_kwh=0.0,
)
EXAMPLE_SUM = SumSeries(
    outlets=["5b1c9a2e77f04d13:0", "0d8e5f1c22b94a77:0"],
    source="1h",
    bucket_ms=3_600_000,
    at=[1764000000000],
    mean=[734.1],
    min=[14.3],
    max=[2391.0],
    energy_kwh=[0.7341],
    estimated_part_kwh=[0.0],
    estimated=[False],
    total_kwh=0.7341,
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


def summed_outlets(call: Call[SumQuery, None]) -> list[SeriesKey]:
    """The outlets and rooms asked for, each outlet once; all visible ones where none is named.

    Raises HubError("device-unknown", "channel-unknown", "plug-room-unknown")."""
    asked = call.query
    devices = call.services.registry.list(call.principal)
    chosen = {outlet(call, text): None for text in asked.device}
    for room in asked.room:
        inside = [device for device in devices if device.room == room]
        if not inside:
            raise HubError("plug-room-unknown", field="room", room=room)
        chosen |= {SeriesKey(device.id, channel): None for device in inside for channel in device.channels}
    if not asked.device and not asked.room:
        chosen = {SeriesKey(device.id, channel): None for device in devices for channel in device.channels}
    return list(chosen)


def span(query: "Ranged") -> tuple[int, int]:
    """Start and end. Raises HubError("series-range-invalid", "range-too-long")."""
    if query.start >= query.end:
        raise HubError("series-range-invalid", field="from")
    if query.end - query.start > LONGEST_DAYS * DAY:
        raise HubError("range-too-long", field="to", days=LONGEST_DAYS)
    return query.start, query.end


async def get_telemetry(call: Call[TelemetryQuery, None]) -> Telemetry | bytes:
    """GET /telemetry"""
    asked, query = call.query, call.services.query
    keys = outlets(call)
    start, end = span(asked)
    each = asked.points if asked.bucket in (None, "raw") else (end - start) // BUCKETS[asked.bucket] + 1
    if len(keys) * each > MOST_POINTS:
        raise HubError("too-many-points-in-all", field="points", limit=MOST_POINTS)
    results = await query.several(keys, start, end, asked.points, asked.bucket)
    gaps = await gaps_of(call, keys, start, end)

    def answer() -> Telemetry:
        return Telemetry(start, end, [series_view(result) for result in results], gaps)

    if sum(len(result.at) for result in results) < ENCODED_APART:
        return answer()
    return await asyncio.to_thread(lambda: msgspec.json.encode(answer()))


async def get_sum(call: Call[SumQuery, None]) -> TelemetrySum:
    """GET /telemetry/sum"""
    asked = call.query
    keys = summed_outlets(call)
    start, end = span(asked)
    result = await call.services.query.sum(keys, start, end, asked.points, asked.bucket)
    names = [f"{key.device}:{key.channel}" for key in keys]
    return TelemetrySum(start, end, sum_view(result, names), await gaps_of(call, keys, start, end))


async def gaps_of(call: Call[Any, None], keys: list[SeriesKey], start: int, end: int) -> list[Gap]:
    """Gaps of all these outlets, oldest first."""
    history = call.services.history
    gaps = [gap_view(gap) for key in keys for gap in await history.gaps(key.device, key.channel, start, end)]
    return sorted(gaps, key=lambda gap: gap.start)


async def get_live(call: Call[LiveQuery, None]) -> Series:
    """GET /telemetry/live"""
    key = outlet(call, call.query.device)
    return live_series(key, call.services.live.recent(key.device, key.channel, call.services.clock.now()))


async def list_gaps(call: Call[GapsQuery, None]) -> GapList:
    """GET /gaps"""
    keys = outlets(call)
    start, end = span(call.query)
    gaps = await gaps_of(call, keys, start, end)
    shown, following = page(gaps, call.query, lambda gap: (gap.start, gap.id), tuple[int, str])
    return GapList([*shown], following)


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
        errors=(*ERRORS, "too-many-points", "too-many-points-in-all", "history-unreadable"),
        description="At most about `points` points for each outlet, from the tier that fits; minima and maxima stay.",
        answer_example=Telemetry(1764000000000, 1764003600000, [EXAMPLE], [EXAMPLE_GAP]),
    ),
    Route(
        method="GET",
        path="/telemetry/sum",
        summary="Power and energy of several outlets, of rooms or of the whole home as one",
        tag=TAG,
        handler=get_sum,
        role="guest",
        query=SumQuery,
        answer=TelemetrySum,
        errors=(*ERRORS, "plug-room-unknown", "too-many-points", "history-unreadable"),
        description="Energies are exact sums. Where an outlet measured nothing, the sum is of the others; see `gaps`.",
        answer_example=TelemetrySum(1764000000000, 1764003600000, EXAMPLE_SUM, [EXAMPLE_GAP]),
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
        query=GapsQuery,
        answer=GapList,
        errors=ERRORS,
        answer_example=GapList([EXAMPLE_GAP]),
    ),
)
