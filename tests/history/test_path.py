"""One plug's samples on their whole way: message, commit, ack, merge, store, and a restart at every step."""

from pathlib import Path

import numpy as np
import pytest

from hub.plugins.contract import SeriesKey
from tests.history.house import START, DataCore, Killed, ManualClock, Registry, die_at, imported, play, sample, seqs

RUN = "a" * 16


async def test_a_commit_makes_samples_durable_and_acknowledges_them(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 59)
    assert core.acks == []
    assert await core.history.commit()
    assert core.committed[-1].samples == 60
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 59, "seen": 59}]
    assert core.acks[-1]["time"] == clock.now()
    await core.stop()


async def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 59)
    await core.history.commit()
    play(core, 60, 79)
    core.kill()
    core = await DataCore(tmp_path, clock, registry).start()
    assert seqs(core) == {RUN: list(range(60))}
    core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 59, "seen": 59}]
    play(core, 60, 79)
    await core.stop()
    core = await DataCore(tmp_path, clock, registry).start()
    assert seqs(core) == {RUN: list(range(80))}
    assert imported(core) == pytest.approx(79_000)
    await core.stop()


async def test_duplicates_are_dropped_before_and_after_a_restart(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 9)
    core.send(sample(4))
    await core.history.commit()
    core.send(sample(5))
    await core.stop()
    core = await DataCore(tmp_path, clock, registry).start()
    core.send(sample(6))
    assert len(core.buffer) == 0
    assert seqs(core) == {RUN: list(range(10))}
    await core.stop()


async def test_buckets_of_both_tiers_hold_the_same_energy(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 2000)
    await core.history.merge()
    play(core, 2001, 4000)
    await core.history.merge()
    minutes = core.store.rollup(SeriesKey("d1"), "1m", 0, 1 << 60)
    quarters = core.store.rollup(SeriesKey("d1"), "15m", 0, 1 << 60)
    assert minutes.import_mwh.sum() == pytest.approx(4_000_000)
    assert quarters.import_mwh.sum() == pytest.approx(4_000_000)
    assert quarters.count.sum() == minutes.count.sum() == 4001
    full = quarters.start == START + 900_000
    assert quarters.import_mwh[full] == pytest.approx([900_000])
    assert quarters.covered_ms[full].tolist() == quarters.on_ms[full].tolist() == [900_000]
    assert quarters.mean_power[full] == pytest.approx([3600.0])
    assert not quarters.estimated_mwh.any()
    await core.stop()


async def test_late_data_splits_the_estimated_step(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    clock.run(3600)
    play(core, 3700, 3799)
    await core.history.merge()
    series = SeriesKey("d1")
    assert imported(core) == pytest.approx(3_799_000)
    before = core.store.rollup(series, "15m", 0, 1 << 60)
    assert before.estimated_mwh.sum() == pytest.approx(3_601_000)
    gap = (await core.history.gaps("d1", 0, 0, 1 << 60))[0]
    assert (gap.cause, gap.energy_mwh) == ("unknown", 3_601_000.0)
    batch = {
        "run": RUN,
        "channel": 0,
        "seq": 100,
        "oldest": 100,
        "up": 100_000,
        "dt": 1000,
        "voltage": [230.0] * 600,
        "current": [1.0] * 600,
        "power": [0.0] * 600,
        "energy_mwh": [104_000 + 1100 * k for k in range(1, 601)],
    }
    core.send(batch, "telemetry/batch")
    await core.history.merge()
    after = core.store.rollup(series, "15m", 0, 1 << 60)
    assert imported(core) == pytest.approx(3_799_000)
    assert after.estimated_mwh.sum() == pytest.approx(2_941_000)
    measured, spread = 99_000 + 660_000, 2_941_000 * (900 - 700) / 3001  # seq 699 came 700 s after START
    assert after.import_mwh[after.start == START] == pytest.approx([measured + spread], rel=1e-3)
    assert (await core.history.gaps("d1", 0, 0, 1 << 60))[0].start == gap.start + 600_000
    await core.stop()


@pytest.mark.parametrize(
    ("part", "method", "after"),
    [
        ("log", "append", False),
        ("log", "append", True),
        ("store", "merge", False),
        ("store", "merge", True),
        ("store", "commit", False),
        ("store", "commit", True),
        ("state", "finish", False),
        ("state", "finish", True),
        ("log", "next_generation", False),
        ("log", "next_generation", True),
    ],
)
async def test_a_kill_at_any_step_of_a_merge_loses_and_doubles_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry, part: str, method: str, after: bool
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 1000)
    await core.history.merge()
    play(core, 1001, 1500)
    await core.history.commit()
    owner = {"log": core.history.log, "store": core.store, "state": core.history.state}[part]
    die_at(owner, method, after=after)
    with pytest.raises(Killed):
        await core.history.merge()
    core.kill()
    core = await DataCore(tmp_path, clock, registry).start()
    core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 1500, "seen": 1500}]
    play(core, 1501, 1600)
    await core.history.merge()
    assert seqs(core) == {RUN: list(range(1601))}
    assert imported(core) == pytest.approx(1_600_000)
    assert imported(core, "1m") == pytest.approx(1_600_000)
    assert core.history.tail.commits == []
    await core.stop()


async def test_the_tail_shows_what_is_not_merged_yet(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 1000)
    await core.history.merge()
    play(core, 1001, 1100)
    await core.history.commit()
    play(core, 1101, 1120)
    tail, series = core.history.tail, SeriesKey("d1")
    snapshot = tail.snapshot(series)
    play(core, 1121, 1130)  # later than the snapshot
    assert snapshot.raw(0, 1 << 60)[0].seq.tolist() == list(range(1001, 1121))
    quarters = snapshot.buckets("15m", 0, 1 << 60)
    assert quarters.start.tolist() == [START + 900_000]
    assert quarters.import_mwh == pytest.approx([221_000])
    assert quarters.count.tolist() == [222]
    shown = tail.snapshot(series).buckets("15m", 0, 1 << 60)
    await core.history.merge()
    kept = core.store.rollup(series, "15m", START + 900_000, 1 << 60)
    assert np.allclose(kept.import_mwh, shown.import_mwh)
    assert kept.count.tolist() == shown.count.tolist()
    assert len(tail.snapshot(series).buckets("15m", 0, 1 << 60).start) == 0
    assert len(snapshot.buckets("15m", 0, 1 << 60).start) == 0, "what is merged meanwhile is read from the store"
    await core.stop()


async def test_energy_of_today_follows_the_live_counter(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    assert core.history.energy_today("d1", 0, START) is None
    play(core, 0, 100)
    assert core.history.energy_today("d1", 0, START) == pytest.approx(100_000)
    await core.history.merge()
    play(core, 101, 130)
    assert core.history.energy_today("d1", 0, START) == pytest.approx(130_000)
    play(core, 131, 1000)
    await core.history.merge()
    play(core, 1001, 1010)
    assert core.history.energy_today("d1", 0, START + 900_000) == pytest.approx(111_000)
    await core.stop()
