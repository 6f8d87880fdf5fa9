"""Gaps as people see them: every cause, the energy of the counters at both ends, and how replay changes them."""

from pathlib import Path
from typing import Any

import pytest

from hub.plugins.contract import SeriesKey
from tests.history.house import (
    FOREVER,
    START,
    DataCore,
    Killed,
    ManualClock,
    Outlet,
    Plug,
    Registry,
    die_at,
    imported,
    sample,
)

RUN, NEXT = "a" * 16, "b" * 16
SERIES = SeriesKey("d1")


class Story:
    """One hub and one plug that sends what the test tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(START)
        self.registry = Registry(Plug())

    async def start(self) -> "Story":
        self.core = await DataCore(self.folder, self.clock, self.registry).start()
        return self

    def play(self, first: int, last: int, **fields: Any) -> None:
        for seq in range(first, last + 1):
            self.clock.run(1.0)
            self.core.send(sample(seq) | fields)

    async def gaps(self) -> list[tuple[str, float | None]]:
        """Cause and energy; the same before the merge as after it, and after a restart."""
        await self.core.history.commit()
        shown = await self.list()
        await self.core.history.merge()
        assert await self.list() == shown
        await self.core.stop()
        await self.start()
        assert await self.list() == shown
        return [(cause, energy) for _, _, cause, energy in shown]

    async def list(self) -> list[tuple[int, int | None, str, float | None]]:
        gaps = await self.core.history.gaps("d1", 0, 0, FOREVER)
        return [(gap.start, gap.end, gap.cause, gap.energy_mwh) for gap in gaps]

    def reason(self, run: str, reason: str) -> None:
        self.core.send({"status": "on", "run": run, "oldest": 0, "reason": reason}, "status")


@pytest.fixture
async def story(tmp_path: Path):
    story = await Story(tmp_path).start()
    yield story
    await story.core.stop()


@pytest.mark.parametrize(
    ("reason", "cause"),
    [("power_on", "power_lost"), ("brownout", "power_lost"), ("watchdog", "restarted"), ("ota", "restarted")],
)
async def test_a_new_run_says_why_the_old_one_ended(story: Story, reason: str, cause: str) -> None:
    story.play(0, 9)
    story.clock.run(30)
    story.reason(NEXT, reason)
    story.core.send(sample(0, run=NEXT, up=500, energy_mwh=20_000))
    story.reason(NEXT, reason)
    story.play(1, 9, run=NEXT)
    assert (await story.gaps())[0][0] == cause


async def test_a_counter_that_survived_gives_the_gap_its_energy(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(30)
    for seq in range(10):
        story.clock.run(1)
        story.core.send(sample(seq, run=NEXT, energy_mwh=20_000 + seq * 1000))
    assert await story.gaps() == [("restarted", 6_000.0)]
    assert imported(story.core) == pytest.approx(24_000)


async def test_a_counter_that_went_with_the_power_leaves_it_unknown(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(30)
    for seq in range(10):
        story.clock.run(1)
        story.core.send(sample(seq, run=NEXT, energy_mwh=seq * 1000))
    story.reason(NEXT, "power_on")
    assert await story.gaps() == [("power_lost", None)]
    assert imported(story.core) == pytest.approx(18_000)


async def test_another_plug_brings_another_counter(story: Story) -> None:
    story.play(0, 9)
    story.registry.plugs[0].hardware_id = "plug-9"
    story.clock.run(30)
    for seq in range(10):
        story.clock.run(1)
        story.core.send(sample(seq, run=NEXT, energy_mwh=15_000 + seq * 1000), hardware_id="plug-9")
    assert await story.gaps() == [("unknown", None)]
    assert imported(story.core) == pytest.approx(18_000)


async def test_a_rejected_sample_is_a_gap_of_one_sample(story: Story) -> None:
    story.play(0, 4)
    story.play(5, 5, voltage=900)
    story.play(6, 9)
    assert await story.list() == [(START + 5000, START + 7000, "rejected", 2000.0)]
    assert await story.gaps() == [("rejected", 2000.0)]


async def test_what_the_memory_lost_is_told_from_what_was_given_up(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(20)
    story.play(30, 59)
    await story.core.history.merge()
    assert [cause for _, _, cause, _ in await story.list()] == ["unknown"], "it may still come"
    story.play(60, 60, oldest=30)
    await story.core.history.commit()
    story.play(61, 61, oldest=31)
    assert await story.gaps() == [("given_up", 21_000.0)]


async def test_a_memory_that_moved_on(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(3600)
    story.play(3610, 3619, oldest=3000)
    await story.core.history.commit()
    story.play(3620, 3629, oldest=3010)
    await story.core.history.commit()
    story.play(3630, 3639, oldest=3020)
    assert (await story.gaps())[0] == ("memory", 3_601_000.0)


async def test_a_hole_in_a_run_that_ended_is_explained_by_how_it_ended(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(20)
    story.play(30, 39)
    await story.core.history.merge()
    assert [cause for _, _, cause, _ in await story.list()] == ["unknown"]
    story.reason(NEXT, "power_on")
    story.play(0, 3, run=NEXT, energy_mwh=50_000)
    story.reason(NEXT, "power_on")
    assert [cause for cause, _ in await story.gaps()][:2] == ["power_lost", "power_lost"]


async def test_a_moment_not_measured_is_a_gap_too(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(10)
    for seq in range(10, 20):
        story.clock.run(1)
        story.core.send(sample(seq, up=seq * 1000 + 10_000, energy_mwh=5000 + seq * 1000 + 10_000))
    assert await story.gaps() == [("unknown", 11_000.0)]


async def test_devices_without_streams_name_the_hub_or_themselves(story: Story) -> None:
    def speak(times: int) -> None:
        for _ in range(times):
            story.clock.run(1)
            story.core.send({"voltage": 230.0, "current": 1.0, "power": 360.0})

    speak(5)
    story.clock.run(60)
    speak(5)
    await story.core.stop()
    story.clock.run(60)
    await story.start()
    speak(5)
    assert await story.gaps() == [("offline", None), ("hub_down", None)]
    assert imported(story.core) == pytest.approx(12 * 100), "power is integrated, but not over gaps"


async def test_a_gap_is_open_while_nothing_comes(story: Story) -> None:
    story.play(0, 9)
    assert await story.list() == []
    story.clock.run(100)
    assert await story.list() == [(START + 10_000, None, "unknown", None)]
    await story.core.history.merge()
    assert await story.list() == [(START + 10_000, None, "unknown", None)]
    story.play(110, 111)
    assert [(cause, energy) for _, _, cause, energy in await story.list()] == [("unknown", 101_000.0)]


async def test_replay_closes_a_gap(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(60)
    story.play(70, 79)
    await story.core.history.merge()
    assert len(await story.list()) == 1
    first = (await story.core.history.gaps("d1", 0, 0, FOREVER))[0]
    body = {
        "run": RUN,
        "seq": 10,
        "oldest": 0,
        "up": 10_000,
        "dt": 1000,
        "voltage": [230.0] * 60,
        "current": [1.0] * 60,
        "power": [3600.0] * 60,
        "energy_mwh": [5000 + seq * 1000 for seq in range(10, 70)],
    }
    story.core.send(
        body | {key: body[key][:30] for key in ("voltage", "current", "power", "energy_mwh")}, "telemetry/batch"
    )
    await story.core.history.merge()
    (smaller,) = await story.core.history.gaps("d1", 0, 0, FOREVER)
    assert (smaller.start, smaller.end) == (first.start + 30_000, first.end)
    story.core.send(body, "telemetry/batch")
    assert await story.gaps() == []
    assert imported(story.core, "1m") == pytest.approx(79_000)
    assert story.core.store.rollup(SERIES, "1m", 0, FOREVER).estimated_mwh.sum() == 0


@pytest.mark.parametrize("death", [None, ("store", True), ("state", False), ("state", True)])
async def test_a_gap_of_weeks_keeps_old_buckets_whose_raw_samples_are_gone(
    story: Story, death: tuple[str, bool] | None
) -> None:
    """Such buckets are changed by what is new; a crash in the middle must not change them twice."""
    story.registry.plugs[0].channels = {0: Outlet(max_power_w=4000)}
    story.play(0, 600)
    await story.core.history.merge()
    before = story.core.store.rollup(SERIES, "15m", 0, FOREVER)
    fortnight = 14 * 86_400
    story.clock.run(fortnight)
    story.core.store.delete(SERIES, "raw", story.clock.now() - 7 * 86_400_000)
    assert story.core.store.read(SERIES, 0, FOREVER) == []
    story.play(601 + fortnight, 700 + fortnight)
    if death is None:
        await story.core.history.merge()
    else:
        part, method = (story.core.store, "commit") if death[0] == "store" else (story.core.history.state, "finish")
        die_at(part, method, after=death[1])
        with pytest.raises(Killed):
            await story.core.history.merge()
        story.core.kill()
        await story.start()
    after = story.core.store.rollup(SERIES, "15m", 0, FOREVER)
    assert after.import_mwh.sum() == pytest.approx((700 + fortnight) * 1000, rel=1e-6)
    assert after.count.sum() == 701
    assert after.count[0] == before.count[0]
    assert after.import_mwh[0] == pytest.approx(899_000)
    assert after.max_power[0] == 3600
    assert len(after.start) == 14 * 96 + 1
    minutes = story.core.store.rollup(SERIES, "1m", 0, FOREVER)
    assert minutes.import_mwh.sum() == pytest.approx(after.import_mwh.sum(), rel=1e-6)


async def test_a_power_cut_of_a_plug_that_never_counted_leaves_the_energy_unknown(story: Story) -> None:
    story.play(0, 9, power=0.0, current=0.0, energy_mwh=0)
    story.clock.run(30)
    story.reason(NEXT, "power_on")
    story.play(0, 9, run=NEXT, power=0.0, current=0.0, energy_mwh=0)
    assert await story.gaps() == [("power_lost", None)]


async def test_a_counter_kept_in_flash_goes_on_over_a_power_cut(story: Story) -> None:
    story.play(0, 9)
    story.clock.run(30)
    story.reason(NEXT, "power_on")
    for seq in range(10):
        story.clock.run(1)
        story.core.send(sample(seq, run=NEXT, energy_mwh=20_000 + seq * 1000))
    assert await story.gaps() == [("power_lost", 6_000.0)]
