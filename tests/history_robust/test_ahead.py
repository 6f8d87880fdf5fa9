"""Samples that are dated later than now, because the hub's clock was ahead: told at once, until their time has come."""

from pathlib import Path

import pytest

from hub.events import ClockChanged, DeviceRemoved
from tests.history.house import DataCore, ManualClock, Registry, play, problems, telling

HOUR = 3_600_000
DAY = 24 * HOUR
AHEAD = "history-dated-ahead"


async def step(core: DataCore, ms: int) -> None:
    """The clock jumps, and a commit notices."""
    core.clock.step(ms)
    await core.history.commit()
    await core.history.worker.settled()


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    ("ms", "told"),
    [
        (-20 * 60_000, {"outlets": 1, "hours": 1, "days": 0}),
        (-HOUR, {"outlets": 1, "hours": 1, "days": 0}),
        (-40 * HOUR, {"outlets": 1, "hours": 40, "days": 0}),
        (-3 * DAY, {"outlets": 1, "hours": 72, "days": 3}),
    ],
)
async def test_a_step_back_is_told_at_once(
    tmp_path: Path, clock: ManualClock, registry: Registry, ms: int, told: dict[str, int], merged: bool
) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        await (core.history.merge() if merged else core.history.commit())
        await step(core, ms)
        assert found == [(AHEAD, told)]
        play(core, 10, 19)
        await core.history.merge()
        assert found == [(AHEAD, told)]


async def test_what_is_not_even_committed_counts(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        clock.step(-HOUR)
        play(core, 10, 10)
        await core.history.worker.settled()
        assert found == [(AHEAD, {"outlets": 1, "hours": 1, "days": 0})]


@pytest.mark.parametrize("ms", [HOUR, 3 * DAY, 2000, -2000, -200_000])
async def test_steps_forward_and_small_ones_are_nothing_to_tell(
    tmp_path: Path, clock: ManualClock, registry: Registry, ms: int
) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        await core.history.merge()
        await step(core, ms)
        assert found == []


async def test_it_ends_by_itself_when_time_has_caught_up(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        await core.history.commit()
        await step(core, -HOUR)
        await clock.advance(HOUR / 1000 - 310)
        assert [id for id, _ in found] == [AHEAD]
        await clock.advance(120)
        await core.history.worker.settled()
        assert [id for id, _ in found] == [AHEAD, f"{AHEAD} ended"]


async def test_a_clock_that_was_right_all_along_ends_it(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        await core.history.merge()
        await step(core, -DAY)
        await step(core, DAY)
        assert [id for id, _ in found] == [AHEAD, f"{AHEAD} ended"]


async def test_a_start_tells_it_too(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 9)
    await core.stop()
    core = DataCore(tmp_path, ManualClock(clock.now() - 5 * HOUR), registry)
    found = problems(core)
    await core.start()
    assert found == [(AHEAD, {"outlets": 1, "hours": 5, "days": 0})]
    await core.stop()


async def test_nothing_is_told_while_the_time_is_uncertain_until_an_admin_confirms_it(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        assert await core.history.care.confirm_time() == 0
        play(core, 0, 9)
        await core.history.merge()
        clock.is_certain = False
        await step(core, -3 * DAY)
        play(core, 10, 19)
        await core.history.merge()
        assert found == []
        clock.is_certain = True
        assert await core.history.care.confirm_time() == 1
        assert found == [(AHEAD, {"outlets": 1, "hours": 72, "days": 3})]
        assert clock.mark <= clock.now()


async def test_more_outlets_are_told_anew(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        await core.history.commit()
        await step(core, -HOUR)
        await step(core, 2 * HOUR)
        play(core, 10, 19, channel=1)
        await step(core, -2 * HOUR)
        assert [values.get("outlets") for _, values in found] == [1, None, 2]
        core.bus.publish(ClockChanged(certain=True, step_ms=0))
        await core.history.worker.settled()
        assert len(found) == 3


async def test_a_removed_outlet_is_told_of_no_more(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        await core.history.merge()
        await step(core, -HOUR)
        registry.plugs.clear()
        core.bus.publish(DeviceRemoved("d1", "home"))
        await core.history.worker.settled()
        assert [id for id, _ in found] == [AHEAD, f"{AHEAD} ended"]
