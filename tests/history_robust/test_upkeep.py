"""What history forgets: what is older than retention, and the oldest raw samples where the disk runs short."""

import resource
import shutil
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.history.calendar import DAY, HOUR
from hub.history.log import CommitLog
from hub.history.retention import Retention
from hub.plugins.contract import SeriesKey, StoreError
from tests.history.house import FOREVER, DataCore, ManualClock, Plug, Registry, problem_ids, sample, seqs, stored

RUN = "a" * 16
SERIES = SeriesKey("d1")


def noisy(core: DataCore, first: int, last: int, **fields: Any) -> None:
    """Samples that no two of are alike: they take room."""
    rng = np.random.default_rng(first)
    for seq in range(first, last + 1):
        core.clock.run(1.0)
        noise = {"voltage": float(rng.uniform(220, 240)), "current": float(rng.uniform(0, 10))}
        core.send(sample(seq, power=float(rng.uniform(0, 2300)), **(noise | fields)))


def taken(folder: Path) -> int:
    """Bytes of the store."""
    return (folder / "history.sqlite").stat().st_size


def small_disk(monkeypatch: pytest.MonkeyPatch, folder: Path, size: int) -> None:
    """One that nothing but the store fills: on a real one others write meanwhile."""
    monkeypatch.setattr("hub.history.upkeep._free", lambda _: size - taken(folder))


async def fill(core: DataCore, days: int, a_day: int = 600) -> None:
    """Some minutes of each day, each in a run of its own."""
    for day in range(days):
        noisy(core, 0, a_day - 1, run=f"{day:016x}")
        await core.history.merge()
        core.clock.run(DAY / 1000 - a_day)


async def test_a_disk_that_runs_short_costs_the_oldest_raw_samples_only(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.history.upkeep.WORTH", 0)
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    await fill(core, 5)
    assert told == []
    minutes = core.store.rollup(SERIES, "1m", 0, FOREVER)
    upkeep = core.history._merging._upkeep
    upkeep._reserve = shutil.disk_usage(tmp_path).free * 2
    noisy(core, 0, 9, run="f" * 16)
    await core.history.merge()
    await core.history.merge()
    assert told == ["history-space"]
    oldest = min(int(part.at.min()) for part in stored(core))
    assert clock.now() - DAY - 7 * HOUR <= oldest, "what is older than a day is gone"
    assert len(stored(core)) == 2
    kept = core.store.rollup(SERIES, "1m", 0, FOREVER)
    assert kept.import_mwh[: len(minutes.start)].tolist() == pytest.approx(minutes.import_mwh.tolist())
    noisy(core, 10, 19, run="f" * 16)
    assert await core.history.merge(), "live and rollups go on"
    upkeep._reserve = 0
    await core.history.merge()
    assert told == ["history-space", "history-space ended"]
    await core.stop()


async def test_no_more_goes_than_a_small_disk_needs(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = 64 << 20
    small_disk(monkeypatch, tmp_path, disk)
    monkeypatch.setattr("hub.history.upkeep.WORTH", 0)
    core = await DataCore(
        tmp_path, clock, registry, reserve=0, retention=lambda _: Retention(raw=60, minutes=60)
    ).start()
    told = problem_ids(core)
    await fill(core, 12, a_day=1800)
    before = core.store.stats()
    noisy(core, 0, 9, run="f" * 16)
    short = before.raw_bytes // 4
    upkeep = core.history._merging._upkeep
    upkeep._reserve = disk - taken(tmp_path) + short
    assert await core.history.merge()
    assert told == ["history-space", "history-space ended"]
    assert disk - taken(tmp_path) >= upkeep._reserve
    assert core.store.stats().raw_samples > before.raw_samples // 2
    held = core.store.stats().raw_samples
    assert await core.history.merge()
    assert core.store.stats().raw_samples == held
    await core.stop()


async def test_room_that_the_store_has_to_spare_costs_no_samples(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of it, where a merge cannot wait for all, goes back behind the commits."""
    disk = 64 << 20
    small_disk(monkeypatch, tmp_path, disk)
    monkeypatch.setattr("hub.history.upkeep.WORTH", 0)
    monkeypatch.setattr("hub.history.upkeep.SLICE", 16 << 10)
    monkeypatch.setattr("hub.history.upkeep.AT_ONCE", 1)
    core = await DataCore(
        tmp_path, clock, registry, reserve=0, retention=lambda _: Retention(raw=60, minutes=60)
    ).start()
    told = problem_ids(core)
    await fill(core, 12, a_day=1800)
    core.store.delete(None, "raw", clock.now() - 5 * DAY)
    held = core.store.stats().raw_samples
    upkeep = core.history._merging._upkeep
    upkeep._reserve = disk - taken(tmp_path) + (40 << 10)
    noisy(core, 0, 9, run="f" * 16)
    assert await core.history.merge()
    assert told == ["history-disk-low"]
    upkeep._reserve = int(upkeep._reserve / (1 + 1 / 20)) + 1  # the problem ends with a little more than that
    for _ in range(10):
        assert await core.history.commit()
    assert told == ["history-disk-low", "history-disk-low ended"]
    assert core.store.stats().raw_samples == held + 10
    await core.stop()


async def test_no_slice_is_larger_than_a_nearly_full_disk_can_bear(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store's journal needs room first, and a slice for which there is none takes what is left in vain."""
    monkeypatch.setattr("hub.history.upkeep.AT_ONCE", 1)
    core = await DataCore(
        tmp_path, clock, registry, reserve=0, retention=lambda _: Retention(raw=60, minutes=60)
    ).start()
    await fill(core, 12, a_day=1800)
    core.store.delete(None, "raw", clock.now() - 2 * DAY)
    disk = taken(tmp_path) + (100 << 10)
    small_disk(monkeypatch, tmp_path, disk)
    core.history._merging._upkeep._reserve = 190 << 10
    sizes = [taken(tmp_path)]
    for _ in range(4):
        assert await core.history.commit()
        sizes.append(taken(tmp_path))
    # With the first commit there are two: one to make room, and what the night has freed goes back as well.
    for before, after in pairwise(sizes[1:]):
        assert 0 < before - after <= (disk - before) // 4 + 2048
    assert sizes[0] - sizes[1] < disk - sizes[0]
    small_disk(monkeypatch, tmp_path, taken(tmp_path))
    full = taken(tmp_path)
    assert await core.history.commit()
    assert 0 < full - taken(tmp_path) <= 2 * (16 << 10) + 2048
    await core.stop()


async def test_making_room_writes_nothing_about_time_before_the_first_sample(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.history.upkeep.WORTH", 0)
    core = await DataCore(tmp_path, clock, registry, reserve=0, retention=lambda _: Retention(raw=3000)).start()
    await fill(core, 3, a_day=60)
    notes = tmp_path / "history-state.sqlite-wal"
    before = notes.stat().st_size
    core.history._merging._upkeep._reserve = shutil.disk_usage(tmp_path).free * 2
    assert await core.history.commit()
    assert core.store.stats().raw_samples < 180
    assert notes.stat().st_size - before < 200_000
    await core.stop()


async def test_what_a_night_frees_goes_back_in_slices_behind_commits(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 16 << 10
    monkeypatch.setattr("hub.history.upkeep.SLICE", size)
    monkeypatch.setattr("hub.history.upkeep.NIGHTLY", 3 * size)
    kept = [Retention(raw=30)]
    core = await DataCore(tmp_path, clock, registry, reserve=0, retention=lambda _: kept[0]).start()
    await fill(core, 8, a_day=1800)
    file = tmp_path / "history.sqlite"

    async def slices(commits: int) -> list[int]:
        """Each commit's, in whole slices."""
        sizes = [file.stat().st_size]
        for _ in range(commits):
            assert await core.history.commit()
            sizes.append(file.stat().st_size)
        return [(before - after) // size for before, after in pairwise(sizes)]

    async def night(run: str) -> None:
        clock.run(DAY / 1000)
        noisy(core, 0, 9, run=run)
        assert await core.history.merge()

    kept[0] = Retention(raw=1)
    full, held = file.stat().st_size, core.store.stats().raw_samples
    await night("d" * 16)
    assert core.store.stats().raw_samples < held // 2
    assert await slices(2) == [0, 0], "room for what the next day brings"
    assert file.stat().st_size >= full
    await night("e" * 16)
    assert await slices(5) == [1, 1, 1, 0, 0], "a card wears: so much a day"
    await night("f" * 16)
    assert await slices(4) == [1, 1, 1, 0]
    await core.stop()


async def test_a_disk_that_others_filled_is_told_and_history_is_left_alone(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    free = shutil.disk_usage(tmp_path).free
    core = await DataCore(tmp_path, clock, registry, reserve=0).start()
    await fill(core, 3, a_day=60)
    await core.stop()
    core = DataCore(tmp_path, clock, registry, reserve=free * 2)
    told = problem_ids(core)
    await core.start()
    assert await core.history.commit()
    assert told == ["history-disk-low"], "long before the log needs more, and though no plug sends"
    noisy(core, 0, 9, run="f" * 16)
    assert await core.history.commit(), "the log's own room is there already"
    assert await core.history.merge()
    assert told == ["history-disk-low"]
    assert sum(len(part.seq) for part in stored(core)) == 190
    upkeep = core.history._merging._upkeep
    upkeep._reserve = shutil.disk_usage(tmp_path).free - (1 << 20)
    assert await core.history.commit()
    assert told == ["history-disk-low"], "it does not come and go with each commit"
    upkeep._reserve = free // 2
    assert await core.history.commit()
    assert told == ["history-disk-low", "history-disk-low ended"], "with no merge"
    await core.stop()


async def test_a_file_that_may_not_grow_stops_storing_and_acks_and_starts_again(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    """RLIMIT_FSIZE: the kernel itself refuses the writes of log and store."""
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    noisy(core, 0, 59)
    await core.history.commit()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (core.history.log.capacity, hard))
    try:
        seq = 60
        while "history-not-stored" not in told:
            noisy(core, seq, seq + 999)
            seq += 1000
            await core.history.commit()
            assert seq < 200_000
        acknowledged = core.acks[-1]["acks"][0]["seq"]
        noisy(core, seq, seq + 9)
        live = core.live.get("d1")
        assert live is not None
        assert live.energy_mwh == 5000 + (seq + 9) * 1000
        assert len(core.buffer) == 0, "the plug keeps these"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await core.history.merge()
    await core.history.commit()
    assert told[-1].endswith("ended")
    assert seqs(core)[RUN][: acknowledged + 1] == list(range(acknowledged + 1))
    await core.stop()


async def test_streams_offsets_and_gaps_go_with_their_samples(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    short = Retention(raw=1, minutes=2, hours=2, days=2)
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()
    await fill(core, 9, a_day=60)
    runs = [stream.run for stream in core.streams.of_series(SERIES)]
    assert runs == [f"{day:016x}" for day in (6, 7, 8)], "two days, a margin, and whole chunks"
    assert [row.run for row in core.history.state.streams()] == runs
    gaps = await core.history.gaps("d1", 0, 0, FOREVER)
    assert all(gap.end is None or gap.end >= clock.now() - 5 * DAY for gap in gaps)
    assert len(gaps) >= 3
    clock.run(60)  # the gap behind the oldest of them is now older than samples are kept
    await core.stop()
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()
    assert [stream.run for stream in core.streams.of_series(SERIES)] == runs[1:], "a day later"
    await core.stop()


async def test_two_plugs_keep_their_samples_for_different_times(tmp_path: Path, clock: ManualClock) -> None:
    registry = Registry(Plug(), Plug("d2", "plug-2"), Plug("d3", "plug-3"))
    kept = {"d1": Retention(raw=2), "d2": Retention(raw=5, minutes=3), "d3": Retention(raw=2, days=4000)}
    core = await DataCore(tmp_path, clock, registry, retention=lambda series: kept[series.device]).start()
    for plug in ("plug-1", "plug-2", "plug-3"):
        core.send(sample(0, run="e" * 16), hardware_id=plug)
    for day in range(9):
        for seq in range(60):
            core.clock.run(1.0)
            for plug in ("plug-1", "plug-2"):
                core.send(sample(seq, run=f"{day:016x}"), hardware_id=plug)
        await core.history.merge()
        core.clock.run(DAY / 1000 - 60)

    def days(device: str) -> tuple[int, int]:
        series = SeriesKey(device)
        minutes = core.store.rollup(series, "1m", 0, FOREVER).start // DAY
        return len(core.store.read(series, 0, FOREVER)), len(np.unique(minutes))

    assert days("d1") == (4, 9), "two days, a margin, and whole chunks"
    assert days("d2") == (7, 5)
    clock.run(2000 * DAY / 1000)
    core.send(sample(0, run="f" * 16))
    await core.history.merge()
    assert len(core.store.rollup(SeriesKey("d2"), "15m", 0, FOREVER).start) == 0
    assert len(core.store.rollup(SeriesKey("d3"), "15m", 0, FOREVER).start) == 1
    await core.stop()


async def test_nothing_expires_by_a_clock_that_is_not_certain(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    short = Retention(raw=1, minutes=1, hours=1, days=1)
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()
    await fill(core, 1, a_day=60)
    clock.is_certain = False
    clock.run(30 * DAY / 1000)
    core.send(sample(60))
    await core.history.merge()
    assert seqs(core) == {f"{0:016x}": list(range(60))}
    await core.stop()


@pytest.mark.parametrize("killed", [False, True])
async def test_a_clock_that_is_weeks_ahead_takes_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry, killed: bool
) -> None:
    """A machine whose battery is empty has any time, until the network tells it the right one."""
    core = await DataCore(tmp_path, clock, registry).start()
    await fill(core, 9, a_day=60)
    days = [f"{day:016x}" for day in range(2, 9)]
    for boot in range(3):
        noisy(core, 60 * boot, 60 * boot + 59, run="e" * 16)
        await core.history.commit()
        if killed:
            core.kill()
        clock.step(60 * DAY)
        if killed:
            core = await DataCore(tmp_path, clock, registry).start()
        noisy(core, 60 * boot, 60 * boot + 59, run="f" * 16)
        assert await core.history.merge()
        clock.step(-60 * DAY)
        noisy(core, 60 * boot, 60 * boot + 59, run=f"{boot:x}" * 16)
        assert await core.history.merge()
    held = seqs(core)
    assert [len(held.get(run, [])) for run in days] == [60] * 7
    assert [len(held.get(letter * 16, [])) for letter in "ef"] == [180] * 2
    minutes = core.store.rollup(SERIES, "1m", 0, clock.now() + DAY).start
    assert len(np.unique(minutes // DAY)) == 10
    await core.stop()


async def test_what_became_too_old_while_the_hub_was_off_goes_day_by_day(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    short = Retention(raw=1, minutes=1, hours=1, days=1)
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()
    noisy(core, 0, 59)
    await core.stop()
    clock.run(30 * DAY / 1000)
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()
    noisy(core, 0, 59, run="b" * 16)
    assert await core.history.merge()
    assert seqs(core).keys() == {RUN, "b" * 16}
    await fill(core, 3, a_day=60)
    assert RUN not in seqs(core)
    await core.stop()


async def test_undated_samples_stay(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    short = Retention(raw=1, minutes=1, hours=1, days=1)
    clock.is_certain = False
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()
    noisy(core, 0, 59)
    await core.stop()
    clock.is_certain = True
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()
    for _ in range(5):
        clock.run(DAY / 1000)
        noisy(core, 0, 9, run="b" * 16)
        await core.history.merge()
    kept = core.store.read_stream(SERIES, RUN, 0, FOREVER)
    assert kept is not None
    assert len(kept.seq) == 60
    await core.stop()


def test_a_long_log_is_not_held_in_memory(tmp_path: Path) -> None:
    log = CommitLog(tmp_path / "history.log", reserve=0)
    log.open()
    payload = np.random.default_rng(1).bytes(1 << 20)
    for _ in range(64):
        log.append(1, payload)
    log.close()
    tracemalloc.start()
    log.open()
    sizes = [len(payload) for _, _, payload in log.records()]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    log.close()
    assert sizes == [1 << 20] * 64
    assert peak < 8 << 20


async def test_what_is_not_merged_stays_in_the_log_alone(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    merge = core.store.merge

    def refuse(change: Any) -> None:
        raise StoreError("not now")

    core.store.merge = refuse  # type: ignore[method-assign]
    for first in range(0, 60_000, 3000):
        noisy(core, first, first + 2999)
        await core.history.commit()
    assert not await core.history.merge()
    held = sum(len(part.seq) for commit in core.history.tail.commits for part in (commit.raw or {}).values())
    assert held <= 900 * 3000
    core.kill()
    core = DataCore(tmp_path, clock, registry)
    await core.start(merge=False)
    assert all(commit.raw is None for commit in core.history.tail.commits)
    assert await core.history.merge()
    assert seqs(core) == {RUN: list(range(60_000))}
    core.store.merge = merge  # type: ignore[method-assign]
    await core.stop()
