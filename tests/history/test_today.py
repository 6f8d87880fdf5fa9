"""Energy of today: always fresh, and the same as the bars of the day, whatever happened before."""

from pathlib import Path

import pytest

from hub.history.calendar import HOUR
from hub.history.offline import OfflineHistory
from hub.history.query import Query
from hub.history.readings import Traits
from hub.plugins.contract import SeriesKey
from integrations.storage.sqlite.store import SqliteStore
from tests.history.house import START, DataCore, ManualClock, Outlet, Plug, Registry, sample

SERIES = SeriesKey("d1")


class Day:
    """One plug whose midnight is `midnight`; `agree` is the energy of today, compared with the day's bars."""

    def __init__(self, folder: Path, midnight: int = START) -> None:
        self.folder = folder
        self.clock = ManualClock(START)
        self.registry = Registry(Plug())
        self.midnight = midnight

    async def start(self, *, merge: bool = True) -> "Day":
        self.core = await DataCore(self.folder, self.clock, self.registry).start(merge=merge)
        return self

    async def restart(self, *, kill: bool = False, merge: bool = True) -> None:
        if kill:
            self.core.kill()
        else:
            await self.core.stop()
        await self.start(merge=merge)

    def play(self, first: int, last: int, **fields: object) -> None:
        for seq in range(first, last + 1):
            self.clock.run(1.0)
            self.core.send(sample(seq, **fields))

    def batch(self, first: int, last: int, **fields: object) -> None:
        count = last - first + 1
        self.core.send(
            {
                "run": "a" * 16,
                "seq": first,
                "oldest": 0,
                "up": first * 1000,
                "dt": 1000,
                "voltage": [230.0] * count,
                "current": [1.0] * count,
                "power": [3600.0] * count,
                "energy_mwh": [5000 + seq * 1000 for seq in range(first, last + 1)],
            }
            | fields,
            "telemetry/batch",
        )

    async def agree(self, within: float = 1.0) -> float | None:
        shown = self.core.history.energy_today("d1", 0, self.midnight)
        query = Query(self.core.store, self.core.history.tail, self.clock)
        bars = await query.series(SERIES, self.midnight, max(self.clock.now(), self.midnight) + HOUR, bucket="15m")
        assert shown is not None
        assert shown == pytest.approx(bars.total_mwh or 0.0, abs=within)
        return shown


@pytest.fixture
async def day(tmp_path: Path):
    day = await Day(tmp_path).start()
    yield day
    await day.core.stop()


async def test_a_plug_that_counts_in_wh_counts_whatever_its_limit(tmp_path: Path) -> None:
    """Each Wh is a step that its limit does not allow within the second in which the counter shows it. What is live,
    committed, merged, read back after a crash and computed anew says the same."""
    day = await Day(tmp_path).start()
    day.registry.plugs[0].channels = {0: Outlet(max_power_w=2300)}

    def count(first: int, last: int) -> None:
        for seq in range(first, last + 1):
            day.clock.run(1.0)
            fields = {name: value for name, value in sample(seq, power=1800.0).items() if name != "energy_mwh"}
            day.core.send(fields | {"energy": 5000 + seq // 2})

    count(0, 600)
    assert await day.agree() == 300_000
    await day.core.history.commit()
    assert await day.agree() == 300_000
    count(601, 1200)
    await day.core.history.commit()
    await day.restart(kill=True)
    assert await day.agree() == 600_000
    await day.core.history.merge()
    assert await day.agree() == 600_000
    count(1201, 1800)
    assert await day.agree() == 900_000
    await day.core.stop()
    traits = Traits(limit_w=2300)
    with OfflineHistory(
        tmp_path, SqliteStore(tmp_path / "history.sqlite"), lambda _: traits, lambda _: "plug-1"
    ).opened() as history:
        assert history.check().fine
        history.rebuild(state=True)
        assert history.check().fine
    await day.start()
    assert await day.agree() == 900_000
    await day.core.stop()


async def test_a_new_plug_counts_from_its_first_samples(day: Day) -> None:
    assert day.core.history.energy_today("d1", 0, START) is None
    day.play(0, 0)
    assert await day.agree() == 0.0
    day.play(1, 10)
    assert await day.agree() == pytest.approx(10_000)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(10_000)
    day.play(11, 70)
    assert await day.agree() == pytest.approx(70_000)


async def test_a_restart_changes_nothing(day: Day) -> None:
    day.play(0, 3000)
    assert await day.agree() == pytest.approx(3_000_000)
    await day.restart()
    assert await day.agree() == pytest.approx(3_000_000)
    day.play(3001, 3010)
    assert await day.agree() == pytest.approx(3_010_000)


@pytest.mark.parametrize("merge", [True, False])
async def test_a_kill_and_what_is_replayed_after_it(day: Day, merge: bool) -> None:
    day.play(0, 999)
    await day.core.history.merge()
    day.play(1000, 1499)
    await day.core.history.commit()
    day.play(1500, 1520)  # die with the hub
    await day.restart(kill=True, merge=merge)
    assert await day.agree() == pytest.approx(1_499_000)
    day.play(1521, 1530)
    assert await day.agree() == pytest.approx(1_530_000)
    await day.core.history.commit()
    day.batch(1500, 1520)
    assert await day.agree() == pytest.approx(1_530_000)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(1_530_000)


async def test_midnight_passes(day: Day) -> None:
    day.midnight = START + 900_000
    day.play(0, 880)
    assert day.core.history.energy_today("d1", 0, START) == pytest.approx(880_000)
    assert await day.agree() == 0.0
    day.play(881, 905)  # midnight is between samples that no commit holds yet
    assert await day.agree() == pytest.approx(6_000)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(6_000)
    day.play(906, 1000)
    await day.core.history.merge()
    day.play(1001, 1010)
    assert await day.agree() == pytest.approx(111_000)


async def test_a_replay_over_midnight_moves_what_was_spread(day: Day) -> None:
    day.midnight = START + 900_000
    day.play(0, 99)
    await day.core.history.merge()
    day.clock.run(1700)
    day.play(1800, 1830)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(931_000, abs=1500)
    counters = [104_000 + 2000 * k for k in range(1, 601)]  # two thirds of the gap's energy, all before midnight
    day.batch(100, 699, power=[7200.0] * 600, energy_mwh=counters)
    day.registry.plugs[0].channels = {0: Outlet(max_power_w=9000)}
    await day.core.history.commit()
    moved = await day.agree()
    assert moved is not None
    assert moved < 700_000
    await day.core.history.merge()
    assert await day.agree() == pytest.approx(moved)


async def test_a_device_without_counter(day: Day) -> None:
    quiet = {"energy_mwh": None, "power": 1800.0}
    day.play(0, 30, **quiet)
    assert await day.agree() == pytest.approx(15_000)
    await day.core.history.commit()
    day.play(31, 90, **quiet)
    assert await day.agree() == pytest.approx(45_000)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(45_000)
    await day.core.history.merge()
    day.play(91, 100, **quiet)
    assert await day.agree() == pytest.approx(50_000)
    await day.restart(kill=True)
    assert await day.agree() == pytest.approx(45_000)
    day.play(101, 110, **quiet)
    day.batch(91, 100, energy_mwh=[None] * 10, power=[1800.0] * 10)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(55_000)


async def test_a_new_run_of_which_nothing_was_kept(day: Day) -> None:
    quiet = {"energy_mwh": None, "power": 1800.0}
    day.play(0, 30, **quiet)
    await day.core.history.commit()
    day.core.send(sample(0, run="b" * 16, voltage=900.0, **quiet))
    assert await day.agree() == pytest.approx(15_000)


async def test_midnight_of_a_device_without_counter(day: Day) -> None:
    day.midnight = START + 900_000
    day.play(0, 880, energy_mwh=None)
    await day.core.history.commit()
    day.play(881, 910, energy_mwh=None)
    assert await day.agree() == pytest.approx(11_000)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(11_000)


async def test_a_power_cut_that_the_counter_does_not_survive(day: Day) -> None:
    day.play(0, 200)
    await day.core.history.commit()
    for seq in range(10):
        day.clock.run(1.0)
        day.core.send(sample(seq, run="b" * 16, energy_mwh=seq * 1000))
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(209_000, abs=1001)
    day.clock.run(1.0)
    day.core.send(sample(10, run="b" * 16, energy_mwh=10_000))
    before = await day.agree()
    await day.core.history.merge()
    assert await day.agree() == pytest.approx(before)


async def test_another_plug_takes_over(day: Day) -> None:
    day.play(0, 200)
    await day.core.history.commit()
    day.registry.plugs[0].hardware_id = "plug-2"
    for seq in range(10):
        day.clock.run(1.0)
        day.core.send(sample(seq, run="b" * 16, energy_mwh=210_000 + seq * 500), hardware_id="plug-2")
    assert await day.agree() == pytest.approx(204_500)
    await day.core.history.commit()
    assert await day.agree() == pytest.approx(204_500)


async def test_samples_that_wait_for_a_disk_are_counted_once(day: Day) -> None:
    def full(*_: object) -> int:
        raise OSError("no space")

    append = day.core.history.log.append
    for fields in ({}, {"energy_mwh": None}):
        first = 0 if not fields else 200
        day.play(first, first + 30, **fields)
        day.core.history.log.append = full  # type: ignore[method-assign]
        assert not await day.core.history.commit()
        waiting = await day.agree()
        day.core.history.log.append = append  # type: ignore[method-assign]
        assert await day.core.history.commit()
        assert await day.agree() == pytest.approx(waiting)


async def test_days_ago_is_not_today(day: Day) -> None:
    day.play(0, 600)
    day.clock.run(40 * 3600)
    day.midnight = START + 36 * HOUR
    assert await day.agree() == 0.0
    await day.restart()
    assert await day.agree() == 0.0


async def test_a_store_that_cannot_be_read_leaves_today_as_it_was(day: Day) -> None:
    day.play(0, 100)
    await day.core.history.commit()
    read = day.core.store.rollup

    def broken(*_: object) -> None:
        raise OSError("disk gone")

    day.core.store.rollup = broken  # type: ignore[assignment,method-assign]
    day.play(103, 110)
    await day.core.history.commit()
    day.batch(101, 102)
    await day.core.history.commit()
    day.core.store.rollup = read  # type: ignore[method-assign]
    assert await day.agree() == pytest.approx(110_000)
