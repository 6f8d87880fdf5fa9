"""Devices without run and seq, which repeat nothing: gaps by their will and their silence, what a broker retained, and
samples that wait for the time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.events import SampleReceived
from hub.plugins.contract import SeriesKey
from tests.history.house import FOREVER, START, DataCore, ManualClock, Plug, Registry, imported, seqs

DAY_MS = 86_400_000
SERIES = SeriesKey("d1")

Make = Callable[[], DataCore]


@pytest.fixture
def make(tmp_path: Path, clock: ManualClock) -> Make:
    registry = Registry(Plug(interval_ms=10_000))
    return lambda: DataCore(tmp_path, clock, registry)


def reading(k: int, *, counter: bool = True) -> dict[str, Any]:
    """The k-th of a device that draws 360 W: 1000 mWh each ten seconds."""
    known = {"voltage": 230.0, "current": 1.565, "power": 360.0}
    return known | ({"energy_mwh": 5000 + k * 1000} if counter else {})


def play(core: DataCore, first: int, last: int, *, counter: bool = True) -> None:
    for k in range(first, last + 1):
        core.clock.run(10.0)
        core.send(reading(k, counter=counter))


async def gaps(core: DataCore) -> list[tuple[int, int | None, str, float | None]]:
    """Seconds since START, cause and energy; the same before the merge as after it."""
    shown = await listed(core)
    assert await core.history.merge()
    assert await listed(core) == shown
    return shown


async def listed(core: DataCore) -> list[tuple[int, int | None, str, float | None]]:
    return [
        ((gap.start - START) // 1000, gap.end and (gap.end - START) // 1000, gap.cause, gap.energy_mwh)
        for gap in await core.history.gaps("d1", 0, 0, FOREVER)
    ]


@pytest.mark.parametrize(("counter", "energy", "whole"), [(True, 3000.0, 21_000), (False, None, 18_000)])
async def test_a_will_makes_a_gap_however_soon_the_device_is_back(
    make: Make, counter: bool, energy: float | None, whole: int
) -> None:
    core = await make().start()
    play(core, 0, 9, counter=counter)
    core.send({"status": "offline"}, "status")
    core.clock.run(20)
    core.send({"status": "on"}, "status")
    play(core, 12, 21, counter=counter)
    assert core.history.energy_today("d1", 0, START) == pytest.approx(whole)
    assert await gaps(core) == [(100, 130, "offline", energy)]
    assert imported(core) == pytest.approx(whole), "nothing is made of the power before and after"
    assert core.history.energy_today("d1", 0, START) == pytest.approx(whole)
    assert (await core.history.care.check()).fine
    await core.stop()
    core = await make().start()
    play(core, 22, 31, counter=counter)
    assert await gaps(core) == [(100, 130, "offline", energy)]
    await core.stop()


async def test_a_will_when_the_hub_stops_is_no_gap(make: Make) -> None:
    """A broker that stops sends the wills of all."""
    core = await make().start()
    play(core, 0, 9)
    core.send({"status": "offline"}, "status")
    await core.stop()
    core = await make().start()
    play(core, 10, 19)
    assert await gaps(core) == []
    await core.stop()


async def test_a_silence_has_the_cause_with_which_it_began(make: Make) -> None:
    core = await make().start()
    play(core, 0, 9)
    assert await core.history.merge()
    core.clock.run(600)
    await core.stop()  # with nothing to commit
    core.clock.run(2)
    core = await make().start()
    core.clock.run(600)
    assert [gap[2] for gap in await listed(core)] == ["offline"], "while it lasts"
    play(core, 130, 139)
    await core.stop()
    core.clock.run(600)
    core = await make().start()
    core.clock.run(600)
    play(core, 270, 279)
    assert [gap[2] for gap in await gaps(core)] == ["offline", "hub_down"]
    await core.stop()


async def test_a_hub_that_wakes_without_the_time_knows_later_that_it_was_down(make: Make, clock: ManualClock) -> None:
    core = await make().start()
    play(core, 0, 9)
    await core.stop()
    clock.run(600)
    clock.step(-3 * DAY_MS)
    clock.is_certain = False
    core = await make().start()
    play(core, 70, 79)
    clock.step(3 * DAY_MS)
    clock.is_certain = True
    play(core, 80, 80)
    await core.history.worker.settled()
    assert len(core.history.state.outages()) == 1
    assert await gaps(core) == [(100, 710, "hub_down", 61_000)]
    await core.stop()


async def test_what_a_broker_retained_is_shown_and_no_sample(make: Make) -> None:
    core = await make().start()
    play(core, 0, 9)
    for _ in range(3):
        await core.stop()
        core.clock.run(600)
        core = await make().start()
        heard: list[SampleReceived] = []
        core.bus.subscribe(SampleReceived, heard.append, "test")
        core.ingest.message("plug-1", "telemetry", b'{"voltage":231,"current":1,"energy_mwh":14000}', retained=True)
        state = core.live.get("d1")
        assert state is not None
        assert (state.voltage, state.energy_mwh) == (231, 14_000)
        assert core.live.recent("d1", 0, core.clock.now()).at == []
        assert heard == []
        assert len(core.buffer) == 0
    play(core, 200, 209)
    core.ingest.message("plug-1", "telemetry", b'{"voltage":229,"current":1}', retained=True)
    state = core.live.get("d1")
    assert state is not None
    assert state.voltage == 230, "what was heard is newer"
    assert len(await gaps(core)) == 1
    assert seqs(core) == {"": list(range(20))}
    await core.stop()


@pytest.mark.parametrize("counter", [True, False])
async def test_samples_wait_for_the_time_as_long_as_their_hub_runs(
    make: Make, clock: ManualClock, counter: bool
) -> None:
    """A Raspberry Pi wakes three days behind, and for hours nothing tells it the time."""
    core = await make().start()
    play(core, 0, 9, counter=counter)
    await core.stop()
    clock.step(-3 * DAY_MS)
    clock.is_certain = False
    core = await make().start()
    for first in range(10, 70, 20):
        play(core, first, first + 19, counter=counter)
        assert await core.history.merge()
    assert seqs(core) == {"": list(range(10))}
    clock.step(3 * DAY_MS)
    clock.is_certain = True
    play(core, 70, 79, counter=counter)
    assert await gaps(core) == []
    assert seqs(core) == {"": list(range(80))}
    assert core.history.state.series(SERIES).undated == {}
    assert imported(core) == pytest.approx(79_000)
    assert (await core.history.care.check()).fine
    await core.stop()


async def test_samples_that_nothing_dates_any_more_are_in_no_bucket(make: Make, clock: ManualClock) -> None:
    core = await make().start()
    play(core, 0, 9)
    await core.stop()
    clock.is_certain = False
    core = await make().start()
    play(core, 10, 29)
    await core.history.commit()
    core.kill()
    clock.is_certain = True
    core = await make().start()
    play(core, 30, 39)
    assert await core.history.merge()
    assert list(core.history.state.series(SERIES).undated.values()) == [[(10, 29)]]
    assert core.store.rollup(SERIES, "1m", 0, FOREVER).count.sum() == 20
    assert imported(core) == pytest.approx(39_000)
    assert (await core.history.care.check()).fine
    await core.stop()


async def test_a_log_that_is_long_enough_waits_for_no_time(
    make: Make, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.is_certain = False
    core = await make().start()
    play(core, 0, 9)
    assert await core.history.merge()
    assert core.history.tail.commits
    monkeypatch.setattr("hub.history.merging.WAITING_BYTES", core.history.log.size)
    assert await core.history.merge()
    assert not core.history.tail.commits
    play(core, 10, 19)
    monkeypatch.undo()
    async with core.history.at_rest():
        assert not core.history.tail.commits, "a backup holds everything"
    await core.stop()
