"""A hub that does not know the time says so when that lasts, and no more when it knows."""

from pathlib import Path

from tests.history.house import ManualClock, Registry, play, telling

UNCERTAIN = "clock-uncertain"
HOUR = 3_600_000


async def test_a_start_without_the_time_is_told_after_five_minutes(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    clock.is_certain = False
    async with telling(tmp_path, clock, registry) as (core, found):
        await clock.advance(299)
        play(core, 0, 0)
        assert found == []
        await clock.advance(2)
        assert found == [(UNCERTAIN, {"why": "unknown"})]
        clock.is_certain = True
        play(core, 1, 2)
        assert found[1:] == [(f"{UNCERTAIN} ended", {})]


async def test_a_start_that_soon_has_the_time_tells_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    clock.is_certain = False
    async with telling(tmp_path, clock, registry) as (core, found):
        await clock.advance(200)
        clock.is_certain = True
        play(core, 0, 2)
        await clock.advance(600)
        assert found == []


async def test_a_clock_that_was_set_back_and_that_nobody_speaks_for_is_told(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    async with telling(tmp_path, clock, registry) as (core, found):
        play(core, 0, 9)
        await core.history.commit()
        clock.step(-HOUR)
        clock.is_certain = False
        play(core, 10, 11)
        await clock.advance(301)
        assert found == [(UNCERTAIN, {"why": "behind"})]
