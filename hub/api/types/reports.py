"""Reports of energy and cost."""

from typing import Literal

import msgspec


class ReportPeriod(msgspec.Struct):
    """Ends are not included. `until`: the end, or now while it is `running`. `before_until`: as much of the period
    before, up to the same date and time of day. Labels are in the reader's language. `bucket`: 1h, 1d or 1mo."""

    kind: Literal["day", "week", "month", "year"]
    label: str
    start: int
    end: int
    until: int
    running: bool
    zone: str
    bucket: str
    before_label: str
    before_start: int
    before_until: int


class ReportAmount(msgspec.Struct):
    """null = not known; a cost also where no price is set."""

    kwh: float | None
    cost: float | None


class ReportTotal(msgspec.Struct):
    """Exactly the sum of the devices, of the rooms and of the buckets.

    estimated_share: of the energy, 0 to 1. change_percent: against the period before (its same part while this one
    runs), of the outlets that were measured from the beginning of both; null = nothing to compare.
    """

    kwh: float | None
    cost: float | None
    currency: str
    price: float | None
    estimated_kwh: float
    estimated_share: float
    before: ReportAmount
    change_percent: float | None


class ReportBucket(msgspec.Struct):
    """An hour, day or month. `before_kwh`: of its counterpart in the whole period before."""

    start: int
    end: int
    kwh: float | None
    cost: float | None
    estimated_kwh: float
    before_kwh: float | None


class ReportDevice(msgspec.Struct):
    """One outlet. `by_bucket_kwh`: in the order of the buckets. `color`: 1 to 6 its own in every chart, 0 = others."""

    device: str
    channel: int
    key: str
    name: str
    room: str | None
    color: int
    kwh: float | None
    cost: float | None
    estimated_kwh: float
    before: ReportAmount
    change_percent: float | None
    by_bucket_kwh: list[float | None]


class ReportRoom(msgspec.Struct):
    """The outlets of one room; `room` null: those that are in none."""

    room: str | None
    kwh: float | None
    cost: float | None
    estimated_kwh: float
    before: ReportAmount
    change_percent: float | None
    by_bucket_kwh: list[float | None]


class ReportGaps(msgspec.Struct):
    """Gaps whose energy is not known and not included: how many, how long in all, and how many are still open."""

    count: int
    hours: float
    open: int


class ReportHours(msgspec.Struct):
    """Of a day, week or month. `highest`: start of the hour with the most energy. `base_w`: drawn in nine hours of
    ten, `base_kwh` and `base_cost`: what that makes (null in the first day). `by_weekday_kwh`: mean energy of the 24
    hours of each day of the week, from Monday."""

    highest: int
    highest_kwh: float
    base_w: float | None
    base_kwh: float | None
    base_cost: float | None
    by_weekday_kwh: list[list[float | None]]


class EnergyReport(msgspec.Struct):
    """Energy and cost of what you may see. Devices and rooms with the most first.

    since: when measuring began, null = at the beginning of the period. not_compared: outlets that were not measured
    from the beginning of both periods.
    """

    home: str
    period: ReportPeriod
    total: ReportTotal
    gaps: ReportGaps
    since: int | None
    not_compared: int
    by_bucket: list[ReportBucket]
    by_device: list[ReportDevice]
    by_room: list[ReportRoom]
    hours: ReportHours | None
