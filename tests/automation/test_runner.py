"""Runs: once each time, with the rights that hold then, never late, never on a guess of the time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub.auth.audit import Asked
from hub.auth.principal import system
from hub.events import ClockChanged
from hub.messages import HubError
from tests.automation.conftest import Home, at

DUE = at("2026-03-24 18:00")
MAY = at("2026-05-03 18:00")
DAY = 24 * 3600 * 1000


async def test_it_switches_once_at_its_time_and_again_the_next_day(home: Home) -> None:
    schedule = await home.schedule()
    assert home.runner.next(schedule) == DUE
    await home.until(DUE - 1000)
    assert home.sent == []
    await home.until(DUE)
    assert home.sent == ["relay_on"]
    assert (home.last(schedule).at, home.last(schedule).outcome) == (DUE, "confirmed")
    assert [(run.schedule, run.outcome) for run in home.ran] == [(schedule.id, "confirmed")]
    assert home.runner.next(schedule) == DUE + DAY
    await home.until(DUE + DAY - 1000)
    assert home.sent == ["relay_on"]
    await home.until(DUE + DAY)
    assert home.sent == ["relay_on"] * 2


async def test_several_at_one_moment_in_the_order_in_which_they_were_made(home: Home) -> None:
    await home.schedule(command="relay_on")
    await home.schedule("admin", command="relay_off")
    await home.schedule(days=[2])
    await home.until(DUE)
    assert home.sent == ["relay_on", "relay_off"]


async def test_the_hour_that_exists_twice_switches_once(home: Home) -> None:
    night = at("2026-10-25 02:30")
    home.clock.step(night - 3600_000 - home.clock.now())
    await home.until(night - 1800_000)
    await home.schedule(time="02:30", days=[6])
    await home.until(night)
    assert home.sent == ["relay_on"]
    await home.until(at("2026-10-25 02:30", fold=1))
    await home.until(night + DAY // 2)
    assert home.sent == ["relay_on"]


async def test_a_change_counts_from_then_on(home: Home) -> None:
    schedule = await home.schedule()
    await home.schedules.change(home.principal("user"), schedule.id, time="20:00")
    await home.until(DUE)
    assert home.sent == []
    await home.schedules.change(home.principal("user"), schedule.id, time="17:59")
    await home.until(DUE + 120_000)
    assert home.sent == [], "what is set to a time that is over waits for tomorrow"
    await home.schedules.change(home.principal("user"), schedule.id, time="18:05", enabled=False)
    await home.until(DUE + 600_000)
    await home.schedules.change(home.principal("user"), schedule.id, enabled=True)
    await home.until(DUE + 900_000)
    assert home.sent == []
    assert home.runner.next(schedule) == DUE + DAY + 300_000


async def test_another_zone_of_the_home_counts_at_once(home: Home) -> None:
    schedule = await home.schedule()
    await home.identity.homes.change(system(home.home), time_zone="Europe/London")
    assert home.runner.next(schedule) == DUE + 3600_000
    await home.until(DUE)
    assert home.sent == []
    await home.until(DUE + 3600_000)
    assert home.sent == ["relay_on"]


async def test_it_waits_until_the_time_is_certain(home: Home) -> None:
    schedule = await home.schedule()
    home.clock.is_certain = False
    await home.until(DUE + 120_000)
    assert home.sent == []
    assert home.runner.next(schedule) is None
    home.clock.is_certain = True
    home.bus.publish(ClockChanged(certain=True, step_ms=0))
    await home.until(DUE + 121_000)
    assert home.sent == ["relay_on"], "two minutes late is not missed"


async def test_without_a_word_of_the_clock_it_looks_again_within_a_minute(home: Home) -> None:
    await home.schedule()
    home.clock.is_certain = False
    await home.until(DUE + 60_000)
    home.clock.is_certain = True
    await home.until(DUE + 121_000)
    assert home.sent == ["relay_on"]


async def test_more_than_five_minutes_late_is_missed(home: Home) -> None:
    schedule = await home.schedule()
    home.clock.is_certain = False
    await home.until(DUE + 301_000)
    home.clock.is_certain = True
    await home.until(DUE + 400_000)
    assert home.sent == []
    assert (home.last(schedule).at, home.last(schedule).outcome) == (DUE, "missed")
    await home.until(DUE + DAY)
    assert home.sent == ["relay_on"]


async def test_a_clock_that_is_set_back_switches_nothing_twice(home: Home) -> None:
    await home.schedule()
    await home.until(DUE)
    home.clock.step(-120_000)
    home.bus.publish(ClockChanged(certain=True, step_ms=-120_000))
    await home.until(DUE + 60_000)
    assert home.sent == ["relay_on"]


async def test_a_clock_that_was_a_year_ahead_does_not_stop_schedules_for_a_year(home: Home) -> None:
    await home.schedule()
    home.clock.step(365 * DAY)
    await home.until(home.clock.now() + 61_000)
    home.clock.step(-365 * DAY)
    await home.until(home.clock.now() + 61_000)
    home.broker.sent.clear()
    await home.until(DUE)
    assert home.sent == ["relay_on"]


async def restarted(home: Home, now: int) -> Home:
    """The same data, in a hub that starts at that moment."""
    await home.idle()
    await home.stop()
    home.stopped = True
    again = Home(home.data, now)
    await again.start()
    found = again.registry.by_hardware("plug-1")
    assert found is not None
    again.plug = found
    await again.until(now + 21_000)
    return again


@pytest.mark.parametrize(
    ("stopped", "started", "outcome"),
    [
        (DUE - 60_000, DUE + 200_000, "confirmed"),  # not late yet
        (DUE - 60_000, DUE + 301_000, "missed"),
        (DUE - 60_000, MAY + 301_000, "missed"),
        (DUE - 60_000, MAY + 200_000, "confirmed"),  # of forty the one of a moment ago
        (DUE + 1000, DUE + 60_000, None),  # it ran before the stop
        (DUE - 600_000, DUE - 60_000, None),  # it was not due
    ],
)
async def test_what_was_due_while_the_hub_was_down(home: Home, stopped: int, started: int, outcome: str | None) -> None:
    schedule = await home.schedule()
    await home.until(stopped)
    again = await restarted(home, started)
    try:
        assert again.sent == (["relay_on"] if outcome == "confirmed" else [])
        run = again.runner.last(again.schedules.get(system(again.home), schedule.id))
        assert (run and run.outcome) == outcome
    finally:
        await again.idle()
        await again.stop()


async def test_a_hub_that_is_killed_after_a_run_does_not_run_it_again(home: Home) -> None:
    await home.schedule()
    await home.until(DUE)
    assert home.settings.get("schedules_until") >= DUE, "on the disk before it switched"


async def test_a_full_disk_keeps_no_schedule_from_running(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.schedule()

    async def full(name: str, value: Any) -> None:
        raise HubError("database-unwritable", reason="disk full")

    monkeypatch.setattr(home.settings, "set", full)
    await home.until(DUE)
    assert home.sent == ["relay_on"]


async def test_without_the_right_it_is_switched_off_and_says_so(home: Home) -> None:
    schedule = await home.schedule()
    user, admin = home.principal("user"), home.principal("admin")
    await home.registry.share(admin, home.plug.id, user.user, "view")
    await home.until(DUE)
    assert home.sent == []
    assert home.last(schedule).outcome == "right-lost"
    assert not schedule.enabled
    [line] = await home.identity.audit.page(admin, Asked(action="schedule.disable"), below=None, limit=9)
    assert (line.actor, line.origin, line.object, line.after) == ("system", "schedule", schedule.id, {"enabled": False})
    with pytest.raises(HubError) as refused:
        await home.schedules.change(user, schedule.id, enabled=True)
    assert refused.value.id == "forbidden"
    await home.schedules.change(admin, schedule.id, enabled=True)
    assert schedule.author == admin.user, "whoever revives it answers for it"
    await home.until(DUE + DAY)
    assert home.sent == ["relay_on"]


@pytest.mark.parametrize("how", ["guest", "disabled"])
async def test_a_lower_role_and_a_locked_account_switch_nothing(home: Home, how: str) -> None:
    schedule = await home.schedule()
    changes: dict[str, Any] = {"role": "guest"} if how == "guest" else {"disabled": True}
    await home.people.change(home.principal("admin"), home.principal("user").user, **changes)
    await home.until(DUE)
    assert home.sent == []
    assert home.last(schedule).outcome == "right-lost"


async def test_a_plug_that_is_always_on_is_not_switched_off(home: Home) -> None:
    admin = home.principal("admin")
    off = await home.schedule("admin", command="relay_off")
    await home.registry.change(admin, home.plug.id, always_on=True)
    with pytest.raises(HubError) as refused:
        await home.schedule("admin", command="relay_off")
    assert refused.value.id == "always-on"
    on = await home.schedule("admin", command="relay_on", time="19:00")
    with pytest.raises(HubError):
        await home.schedules.change(admin, on.id, command="relay_off")
    await home.until(DUE)
    assert home.sent == []
    run = home.last(off)
    assert run.outcome == "failed"
    assert run.reason is not None
    assert run.reason.id == "always-on"
    await home.schedules.change(admin, off.id, enabled=False)
    with pytest.raises(HubError):
        await home.schedules.change(admin, off.id, enabled=True)


async def test_a_plug_that_is_away_gets_nothing_later(home: Home) -> None:
    schedule = await home.schedule()
    home.there = False
    await home.until(DUE)
    run = home.last(schedule)
    assert run.reason is not None
    assert (run.outcome, run.reason.id) == ("failed", "device-offline")
    home.there = True
    await home.until(DUE + 60_000)
    assert home.sent == []


async def test_what_the_plug_says_is_the_outcome(home: Home) -> None:
    schedule = await home.schedule()
    home.broker.answer = lambda _, message: home.status(home.plug, on=False, command_id=message["id"], error="overload")
    await home.until(DUE)
    assert home.last(schedule).outcome == "refused"
    home.broker.answer = None
    await home.clock.advance(DAY / 1000 - 1)
    home.status(home.plug, on=False)
    await home.clock.advance(1)
    while len(home.sent) < 2:
        await asyncio.sleep(0)
    await home.clock.advance(6)
    await home.idle()
    assert home.last(schedule).outcome == "unconfirmed"


async def test_schedules_go_with_their_device_and_their_author(home: Home) -> None:
    admin = home.principal("admin")
    mine = await home.schedule("admin")
    await home.schedule("user")
    await home.people.remove(admin, home.principal("user").user)
    assert home.schedules.all() == [mine]
    await home.until(DUE)
    assert home.sent == ["relay_on"]
    await home.registry.remove(admin, home.plug.id)
    assert home.schedules.all() == []
    await home.schedules.load()
    assert home.schedules.all() == []


@pytest.mark.parametrize("certain", [True, False])
async def test_on_the_very_first_start_nothing_is_skipped(tmp_path: Path, certain: bool) -> None:
    home = Home(tmp_path, DUE - 5000)
    home.clock.is_certain = certain
    await home.start()
    try:
        await home.move_in()
        schedule = await home.schedule()
        await home.until(DUE + 10_000)
        home.clock.is_certain = True
        await home.until(DUE + 120_000)
        assert home.sent == ["relay_on"]
        assert (home.last(schedule).at, home.last(schedule).outcome) == (DUE, "confirmed")
    finally:
        await home.idle()
        await home.stop()


async def test_a_hub_that_ends_soon_after_its_first_start_makes_up_for_it(tmp_path: Path) -> None:
    home = Home(tmp_path, DUE - 5000)
    await home.start()
    await home.move_in()
    await home.schedule()
    await home.until(DUE + 3000)
    again = await restarted(home, DUE + 60_000)
    try:
        assert again.sent == ["relay_on"]
    finally:
        await again.idle()
        await again.stop()
