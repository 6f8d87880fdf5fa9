"""What a report adds up, on a real store: parts are the whole, over changes of the clock, gaps and beginnings."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from hub.cost import Kind, Report
from hub.history.gaps import GapRecord
from hub.history.points import energy_sum
from hub.plugins.columns import select_rollup
from hub.plugins.contract import Merge, RollupColumns, SeriesKey
from tests.cost.parts import DAY, MINUTE, QUARTER, MeteredHome, at, noisy, quarters

HomeAt = Callable[..., MeteredHome]
ROOMS = {"fridge": "Kitchen", "kettle": "Kitchen", "lamp": None, "desk": "Office"}


def filled(home: MeteredHome, start: str, end: str | None = None) -> dict[str, RollupColumns]:
    """Every plug measured from then until now."""
    last = home.clock.now() // QUARTER * QUARTER if end is None else at(end)
    parts = {name: noisy(at(start), last, seed) for seed, name in enumerate(ROOMS)}
    for name, part in parts.items():
        home.fill(name, part)
    return parts


def within(parts: dict[str, RollupColumns], start: int, end: int) -> float:
    """mWh in that time, counted quarter by quarter."""
    chosen = [select_rollup(part, (part.start >= start) & (part.start < end)).import_mwh for part in parts.values()]
    return energy_sum(np.concatenate(chosen)) or 0.0


def check_parts(report: Report) -> None:
    whole = report.total.now.mwh
    assert whole is not None
    for parts in (report.devices, report.rooms):
        assert energy_sum(np.array([part.now.mwh for part in parts])) == whole
        assert energy_sum(np.array([part.before.mwh for part in parts])) == report.total.before.mwh
        costs = [part.now.cost for part in parts if part.now.cost is not None]
        assert sum(costs) == pytest.approx(report.total.now.cost, abs=1e-9)
    assert energy_sum(report.total.by_bucket) == whole
    for line in report.devices:
        assert energy_sum(line.by_bucket) == line.now.mwh
    assert energy_sum(report.before_by_bucket) is not None


@pytest.mark.parametrize(
    ("kind", "of", "buckets"),
    [
        ("day", "2026-03-29", 23),
        ("day", "2026-10-25", 25),
        ("week", "2026-10-25", 7),
        ("month", "2026-10", 31),
        ("month", "2026-03", 31),
        ("year", "2026", 12),
    ],
)
async def test_parts_are_the_whole_over_the_change_of_the_clock(
    home_at: HomeAt, kind: Kind, of: str, buckets: int
) -> None:
    home = home_at("2027-01-01T00:10")
    parts = filled(home, "2025-01-01T00:00")
    report = await home.report(kind, of, rooms=ROOMS)
    period = report.period
    assert len(report.edges) == buckets + 1
    check_parts(report)
    assert report.total.now.mwh == within(parts, period.start, period.end)
    assert report.total.before.mwh == within(parts, period.before_start, period.start)
    for (start, end), mwh in zip(pairwise(report.edges.tolist()), report.total.by_bucket.tolist(), strict=True):
        assert mwh == within(parts, start, end)
    assert report.total.now.cost == pytest.approx((report.total.now.mwh or 0) / 1e6 * 0.3)
    assert report.not_compared == 0


async def test_the_hour_that_comes_twice_is_compared_with_one(home_at: HomeAt) -> None:
    home = home_at("2027-01-01T00:10")
    parts = filled(home, "2026-10-01T00:00")
    changing = await home.report("day", "2026-10-25", rooms=ROOMS)
    assert np.isnan(changing.before_by_bucket[3]), "the second 02:00 has no counterpart"
    assert changing.before_by_bucket[2] == within(parts, at("2026-10-24T02:00"), at("2026-10-24T03:00"))
    after = await home.report("day", "2026-10-26", rooms=ROOMS)
    twice = within(parts, at("2026-10-25T02:00"), at("2026-10-25T04:00"))
    assert after.before_by_bucket[2] + after.before_by_bucket[3] == pytest.approx(twice)
    assert energy_sum(after.before_by_bucket) == after.total.before.mwh


@pytest.mark.parametrize(
    ("kind", "before"),
    [
        ("day", "2026-11-20"),
        ("week", "2026-11-09"),
        ("month", "2026-10-01"),
        ("year", "2025-01-01"),
    ],
)
async def test_a_running_period_is_compared_with_the_same_part(home_at: HomeAt, kind: Kind, before: str) -> None:
    home = home_at("2026-11-21T13:30")
    parts = filled(home, "2025-01-01T00:00")
    report = await home.report(kind, rooms=ROOMS)
    check_parts(report)
    until = report.period.before_until
    assert report.period.running
    assert report.total.now.mwh == within(parts, report.period.start, home.clock.now())
    assert report.total.before.mwh == pytest.approx(within(parts, at(before), until), abs=0.01)
    ratio = (report.total.now.mwh or 0) / (report.total.before.mwh or 1) - 1
    assert report.total.change == pytest.approx(ratio)
    if kind == "month":
        assert not np.isnan(report.before_by_bucket[29]), "the days to come are outlined"
        assert np.isnan(report.total.by_bucket[21:]).all()


async def test_the_quarter_in_which_it_is_now_is_compared_by_minutes(home_at: HomeAt) -> None:
    home = home_at("2026-11-21T13:35")
    start = at("2026-11-20T13:15")
    home.fill("lamp", quarters(start, np.array([4000.0, 900.0])))
    minutes = quarters(start, np.array([4000 / 15] * 15 + [60.0] * 15), width=MINUTE)
    home.store.merge(Merge([], [(SeriesKey("lamp"), "1m", minutes)]))
    report = await home.report("day", rooms={"lamp": None})
    assert report.total.before.mwh == 4300.0


async def test_without_a_price_there_is_no_cost(home_at: HomeAt) -> None:
    home = home_at("2026-12-02T10:00")
    filled(home, "2026-10-01T00:00")
    report = await home.report("month", "2026-11", rooms=ROOMS, price=None)
    assert report.total.now.mwh
    assert {line.now.cost for line in (report.total, *report.devices, *report.rooms)} == {None}
    assert report.cost_by_bucket is None
    free = await home.report("month", "2026-11", rooms=ROOMS, price=0.0)
    assert free.total.now.cost == 0.0


@pytest.mark.parametrize("rooms", [ROOMS, {}])
async def test_nothing_measured_is_not_zero(home_at: HomeAt, rooms: dict[str, str | None]) -> None:
    report = await home_at("2026-12-02T10:00").report("month", "2026-11", rooms=rooms)
    assert report.empty
    assert (report.total.now.mwh, report.total.now.cost, report.total.change, report.hours) == (None,) * 4
    assert len(report.devices) == len(rooms)
    assert np.isnan(report.total.by_bucket).all()


async def test_what_is_unknown_and_estimated_is_said(home_at: HomeAt) -> None:
    home = home_at("2026-11-21T13:30")
    energies, estimated = np.full(96, 1000.0), np.zeros(96)
    energies[8:12], estimated[20:24] = np.nan, 1000.0
    home.fill("fridge", quarters(at("2026-11-10"), energies, estimated))
    home.known_gaps = [
        GapRecord("fridge", 0, at("2026-10-31T23:00"), at("2026-11-01T01:00"), "power_lost", None),
        GapRecord("fridge", 0, at("2026-11-10T02:00"), at("2026-11-10T03:00"), "power_lost", None),
        GapRecord("fridge", 0, at("2026-11-10T05:00"), at("2026-11-10T06:00"), "offline", 4000.0),
        GapRecord("fridge", 0, at("2026-11-21T13:00"), None, "offline", None),
        GapRecord("lamp", 0, at("2026-11-02"), at("2026-11-03"), "power_lost", None),
    ]
    report = await home.report("month", rooms={"fridge": None})
    assert (report.unknown.count, report.unknown.hours, report.unknown.open) == (3, 2.5, 1)
    assert report.total.now.mwh == 92_000.0
    assert report.total.now.estimated_mwh == 4000.0
    assert report.total.estimated[9] == 4000.0
    assert report.since == at("2026-11-10")


async def test_percentages_are_of_what_was_measured_in_both(home_at: HomeAt) -> None:
    home = home_at("2026-12-01T00:10")
    october, november = at("2026-10-01"), at("2026-11-01")
    home.fill("fridge", quarters(october, np.full((at("2026-12-01") - october) // QUARTER, 1000.0)))
    home.fill("lamp", quarters(november - 5 * DAY, np.full((at("2026-12-01") - november + 5 * DAY) // QUARTER, 500.0)))
    report = await home.report("month", "2026-11", rooms=ROOMS)
    by_name = {line.name: line for line in report.devices}
    assert by_name["Lamp"].change is None
    assert by_name["Lamp"].before.mwh == 5 * 96 * 500.0
    assert report.not_compared == 1
    assert report.total.comparable == 1
    assert report.total.change == pytest.approx(by_name["Fridge"].change) == pytest.approx(30 / (31 + 1 / 24) - 1)
    assert [line.name for line in report.devices] == ["Fridge", "Lamp", "Desk", "Kettle"]
    assert [line.name for line in report.rooms] == ["Kitchen", "Office", None]


async def test_a_day_older_than_its_hours_is_still_a_day(home_at: HomeAt) -> None:
    home = home_at("2026-11-21T13:30")
    parts = filled(home, "2024-05-01T00:00", "2024-06-01T00:00")
    report = await home.report("day", "2024-05-10", rooms=ROOMS)
    assert len(report.edges) == 2
    check_parts(report)
    assert report.total.now.mwh == within(parts, at("2024-05-10"), at("2024-05-11"))


async def test_the_highest_hour_and_what_is_always_on(home_at: HomeAt) -> None:
    home = home_at("2026-11-21T13:30")
    energies = np.full(14 * 96, 2500.0)  # 10 W
    energies[40:44] = 250_000.0  # 1 kW from 10 to 11 on the first day, a Sunday
    home.fill("fridge", quarters(at("2026-11-01"), energies))
    hours = (await home.report("month", rooms={"fridge": None})).hours
    assert hours is not None
    assert (hours.highest, hours.highest_mwh) == (at("2026-11-01T10:00"), 1e6)
    assert (hours.base_w, hours.base_mwh) == (10.0, 14 * 24 * 10_000.0)
    assert hours.by_weekday[6, 10] == pytest.approx((1e6 + 10_000) / 2)
    assert hours.by_weekday[0, 10] == 10_000.0


async def test_another_zone_and_week(home_at: HomeAt) -> None:
    home = home_at("2026-11-21T13:30", "Asia/Kathmandu")  # 5 h 45 min ahead
    start = at("2026-11-01", "Asia/Kathmandu")
    home.fill("fridge", quarters(start, np.arange(20 * 96, dtype=np.float64)))
    report = await home.report("week", "2026-11-10", rooms={"fridge": None}, week_start=6)
    assert report.period.start == at("2026-11-08", "Asia/Kathmandu")
    assert report.total.now.mwh == float(np.arange(7 * 96, 14 * 96).sum())
    assert report.total.before.mwh == float(np.arange(7 * 96).sum())
    assert int(report.edges[1] - report.edges[0]) == DAY
