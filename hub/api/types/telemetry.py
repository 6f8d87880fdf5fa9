"""Series, sums and gaps."""

import msgspec


class Filled(msgspec.Struct):
    """A stretch in which no samples are known, but buckets are: each point in it stands for `bucket_ms`."""

    start: int
    end: int
    bucket_ms: int


class Series(msgspec.Struct):
    """One outlet over a range, as columns of equal length, ascending by time; at most about 1,000 points.

    source: raw, 1m, 5m, 15m, 1h, 1d, 1w or 1mo. thinned: "m4" where of many samples the first, lowest, highest and last
    of each stretch are given, null where all are. `at` is the start of each point's bucket (raw: the sample's time).
    energy_kwh: of each bucket (null: unknown or raw); estimated_part_kwh: what of it is known only from the counter at
    both ends of a gap, and estimated: is that more than nothing. filled: where raw samples are missing and buckets are
    given instead. A point stands where something was measured; what is missing is in `gaps`.
    """

    device: str
    channel: int
    source: str
    bucket_ms: int
    at: list[int]
    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]
    energy_kwh: list[float | None]
    estimated_part_kwh: list[float]
    estimated: list[bool]
    total_kwh: float | None
    estimated_kwh: float
    thinned: str | None = None
    filled: list[Filled] = []


class SumSeries(msgspec.Struct):
    """Several outlets added up, otherwise as a series. min and max are sums of the outlets' own in each stored bucket:
    the true ones lie between them."""

    outlets: list[str]
    source: str
    bucket_ms: int
    at: list[int]
    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]
    energy_kwh: list[float | None]
    estimated_part_kwh: list[float]
    estimated: list[bool]
    total_kwh: float | None
    estimated_kwh: float


class Gap(msgspec.Struct):
    """cause: power_lost, restarted, memory, rejected, given_up, damaged, hub_down, offline, unknown.
    energy_kwh null = unknown; `to` null = still open."""

    id: str
    device: str
    channel: int
    start: int
    end: int | None
    cause: str
    energy_kwh: float | None
    estimated: bool


class GapList(msgspec.Struct):
    items: list[Gap]
    next: str | None = None


class Telemetry(msgspec.Struct):
    """`series` in the order asked for; `gaps` of all of them within the range."""

    start: int
    end: int
    series: list[Series]
    gaps: list[Gap]


class TelemetrySum(msgspec.Struct):
    """`gaps` of all outlets within the range."""

    start: int
    end: int
    sum: SumSeries
    gaps: list[Gap]
