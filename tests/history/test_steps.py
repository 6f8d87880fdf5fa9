"""Steps of the hub's clock: the energy of the counter is booked once, whenever merges come between."""

from pathlib import Path

import pytest

from tests.history.house import DataCore, ManualClock, Registry, imported, play, seqs

HOUR = 3_600_000
DAY = 24 * HOUR
MWH = 1000  # a second


@pytest.mark.parametrize("merge_s", [100, 1800])
@pytest.mark.parametrize("ms", [-HOUR, -20 * 60_000, HOUR, -DAY])
async def test_energy_is_booked_once(
    tmp_path: Path, clock: ManualClock, registry: Registry, ms: int, merge_s: int
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    last = 149
    play(core, 0, last)
    await core.history.merge()
    clock.step(ms)
    while last < 7200:
        play(core, last + 1, last + merge_s)
        last += merge_s
        await core.history.merge()
        for tier in ("1m", "15m"):
            assert imported(core, tier) == pytest.approx(last * MWH, abs=1)
    assert seqs(core) == {"a" * 16: list(range(last + 1))}
    assert await core.history.gaps("d1", 0, 0, 1 << 60) == []
    await core.stop()


async def test_a_check_knows_of_the_reading_before_a_step_that_lies_days_ahead(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 0)
    clock.step(-2 * DAY)
    await core.history.merge()
    play(core, 1, 10)
    await core.history.commit()
    await core.history.merge()
    assert imported(core) == pytest.approx(10 * MWH, abs=1)
    assert (await core.history.care.check()).wrong == 0
    await core.stop()
