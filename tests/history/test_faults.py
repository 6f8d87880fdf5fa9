"""When disks refuse, records are damaged, the clock is uncertain, or a device goes: what history does then."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.events import DeviceRemoved, GapsChanged, Merged
from hub.messages import HubError
from hub.plugins.contract import NONE, SeriesKey, StoreError
from tests.history.house import (
    FOREVER,
    START,
    DataCore,
    ManualClock,
    Plug,
    Registry,
    imported,
    play,
    problem_ids,
    sample,
    seqs,
    stored,
)

RUN = "a" * 16
SERIES = SeriesKey("d1")


async def test_a_disk_that_refuses_stops_storing_and_acks_until_it_takes_again(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    append = core.history.log.append

    def refuse(kind: int, payload: bytes) -> int:
        raise OSError(5, "Input/output error")

    play(core, 0, 9)
    core.history.log.append = refuse  # type: ignore[method-assign]
    assert not await core.history.commit()
    assert core.acks == []
    assert told == ["history-not-stored"]
    core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert core.acks.pop()["acks"] == [{"run": RUN, "channel": 0, "seq": -1, "seen": -1}]
    play(core, 10, 19)
    assert len(core.buffer) == 0, "the plug keeps these"
    live = core.live.get("d1")
    assert live is not None
    assert live.energy_mwh == 24_000
    assert not await core.history.commit()
    core.history.log.append = append  # type: ignore[method-assign]
    assert await core.history.commit()
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 9, "seen": 9}]
    assert told == ["history-not-stored", "history-not-stored ended"]
    play(core, 20, 29)
    await core.history.commit()
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 9, "seen": 29}], "so that it replays 10 to 19"
    await core.stop()


async def test_a_store_that_refuses_lets_the_log_grow_to_its_bound_and_no_further(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry, log_limit=20_000).start()
    told = problem_ids(core)
    merge = core.store.merge

    def refuse(change: Any) -> None:
        raise StoreError("not now")

    core.store.merge = refuse  # type: ignore[method-assign]
    rng = np.random.default_rng(1)
    seq = 0
    while "history-not-stored" not in told:
        for _ in range(60):
            clock.run(1.0)
            core.send(sample(seq, voltage=float(rng.uniform(220, 240)), current=float(rng.uniform(0, 10))))
            seq += 1
        assert not await core.history.merge()
        assert core.history.log.size < 200_000
    acknowledged = core.acks[-1]["acks"][0]["seq"]
    core.store.merge = merge  # type: ignore[method-assign]
    assert not await core.history.merge(), "what waited in memory had no room"
    assert await core.history.merge()
    assert {"history-not-stored ended", "history-not-merged ended"} <= set(told)
    await core.history.commit()
    assert core.acks[-1]["acks"][0]["seq"] >= acknowledged
    assert seqs(core)[RUN][: acknowledged + 1] == list(range(acknowledged + 1))
    await core.stop()


async def test_a_store_that_fails_in_the_middle_gets_the_same_again(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 100)
    merge, asked = core.store.merge, []

    def forget(change: Any) -> None:
        asked.append(change)
        if len(asked) == 1:
            merge(change)
            raise OSError("connection lost after the store took it")
        merge(change)

    core.store.merge = forget  # type: ignore[method-assign]
    assert not await core.history.merge()
    play(core, 101, 200)
    assert await core.history.merge()
    first, again = asked[0], asked[1]
    assert [(s, c.run, c.seq.tolist(), c.at.tolist()) for s, c in first.raw] == [
        (s, c.run, c.seq.tolist(), c.at.tolist()) for s, c in again.raw
    ]
    assert [(s, t, b.start.tolist(), b.import_mwh.tolist()) for s, t, b in first.rollups] == [
        (s, t, b.start.tolist(), b.import_mwh.tolist()) for s, t, b in again.rollups
    ]
    assert seqs(core) == {RUN: list(range(201))}
    assert imported(core) == pytest.approx(200_000)
    await core.stop()


async def test_a_damaged_record_takes_its_ranges_with_it(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    for first in (0, 60, 120):
        play(core, first, first + 59)
        await core.history.commit()
    place = core.history.log._index[1][1]
    core.kill()
    with (tmp_path / "history.log").open("r+b") as log:
        log.seek(place + 100)
        log.write(b"\xff\x00\xff\x00")
    core = DataCore(tmp_path, clock, registry)
    told = problem_ids(core)
    await core.start()
    assert told == ["history-damaged"]
    core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 59, "seen": 179}]
    assert seqs(core) == {RUN: [*range(60), *range(120, 180)]}
    # The plug's memory has moved on: the hole closes, and its cause is known.
    play(core, 180, 180, oldest=150)
    await core.history.commit()
    play(core, 181, 181, oldest=151)
    await core.history.merge()
    gap = (await core.history.gaps("d1", 0, 0, FOREVER))[0]
    assert (gap.cause, gap.energy_mwh) == ("damaged", 61_000.0)
    assert imported(core) == pytest.approx(181_000)
    await core.stop()


async def test_undated_samples_are_kept_and_enter_the_rollups_when_they_are_dated(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    clock.is_certain = False
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 100)
    await core.history.merge()
    assert core.acks[-1]["acks"] == [{"run": RUN, "channel": 0, "seq": 100, "seen": 100}]
    assert "time" not in core.acks[-1]
    assert stored(core) == []
    kept = core.store.read_stream(SERIES, RUN, 0, 1000)
    assert kept is not None
    assert kept.seq.tolist() == list(range(101))
    assert (kept.at == NONE).all()
    clock.step(86_400_000)
    clock.is_certain = True
    play(core, 101, 200)
    await core.history.merge()
    assert seqs(core) == {RUN: list(range(201))}
    assert stored(core)[0].at[0] == START + 1000 + 86_400_000
    assert imported(core) == pytest.approx(200_000)
    assert core.history.state.series(SERIES).undated == {}
    await core.stop()


async def test_undated_samples_of_an_earlier_hub_run_are_dated_when_their_run_is_heard_again(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    clock.is_certain = False
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 100)
    await core.stop()
    core = await DataCore(tmp_path, clock, registry).start()
    assert stored(core) == []
    clock.is_certain = True
    play(core, 101, 110)
    await core.history.merge()
    assert seqs(core) == {RUN: list(range(111))}
    assert imported(core, "1m") == pytest.approx(110_000)
    await core.stop()


async def test_samples_without_streams_wait_for_the_time_within_the_same_hub_run(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    clock.is_certain = False
    core = await DataCore(tmp_path, clock, registry).start()
    for _ in range(5):
        clock.run(1)
        core.send({"voltage": 230.0, "current": 1.0})
    await core.history.commit()
    clock.step(3_600_000)
    clock.is_certain = True
    clock.run(1)
    core.send({"voltage": 230.0, "current": 1.0})
    await core.history.merge()
    assert stored(core)[0].at.tolist() == [START + 3_600_000 + 1000 * k for k in range(1, 7)]
    await core.stop()


async def test_the_latest_certain_time_outlives_the_hub(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 9)
    await core.history.commit()
    certain = clock.now()
    assert clock.mark == certain
    clock.is_certain = False
    clock.step(10_000_000)
    play(core, 10, 19)
    await core.history.commit()
    core.kill()
    later = ManualClock(START - 86_400_000)
    core = await DataCore(tmp_path, later, registry).start()
    assert later.mark == certain
    await core.stop()
    again = ManualClock(START - 86_400_000)
    core = await DataCore(tmp_path, again, registry).start()
    assert again.mark == certain
    await core.stop()


async def test_a_removed_device_takes_its_history_with_it(tmp_path: Path, clock: ManualClock) -> None:
    registry = Registry(Plug(), Plug("d2", "plug-2"))
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 9)
    core.send(sample(0), hardware_id="plug-2")
    await core.history.merge()
    play(core, 10, 19)
    core.bus.publish(DeviceRemoved("d1", "home"))
    await core.history.worker.settled()
    assert stored(core) == []
    assert core.store.read_stream(SERIES, RUN, 0, 100) is None
    assert len(core.store.rollup(SERIES, "15m", 0, FOREVER).start) == 0
    assert (await core.history.gaps("d1", 0, 0, FOREVER)) == []
    assert core.live.get("d1") is None
    assert seqs(core, "d2") == {RUN: [0]}
    await core.stop()
    core = await DataCore(tmp_path, clock, registry).start()
    assert core.streams.of_device("d1") == []
    await core.stop()


async def test_a_newer_state_is_refused(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    import sqlite3

    core = await DataCore(tmp_path, clock, registry).start()
    await core.stop()
    connection = sqlite3.connect(tmp_path / "history-state.sqlite")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(HubError, match="newer version"):
        await DataCore(tmp_path, clock, registry).start()


async def test_listeners_are_told_of_merges_and_gaps(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    heard: list[Any] = []
    core.bus.subscribe(Merged, heard.append, "test")
    core.bus.subscribe(GapsChanged, heard.append, "test")
    play(core, 0, 9)
    await core.history.merge()
    assert heard == [Merged(clock.now(), clock.now())], "no gap began or ended"
    await core.history.merge()
    assert len(heard) == 1, "nothing new, nothing told"
    clock.run(300)
    play(core, 320, 329)
    await core.history.merge()
    assert heard[1:] == [Merged(clock.now(), clock.now()), GapsChanged("d1")]
    play(core, 330, 339)
    await core.history.merge()
    assert heard[3:] == [Merged(clock.now(), clock.now())], "it is still the same gap"
    for seq in range(10, 320):
        core.send(sample(seq))
    await core.history.merge()
    assert heard[4:] == [Merged(clock.now(), clock.now()), GapsChanged("d1")], "it is filled"
    await core.stop()


async def test_timers_commit_each_minute_and_merge_after_the_hour(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    monkeypatch.setattr("hub.history.pace.WORTH_MERGING", 1)
    minutes = (3600 - START // 1000 % 3600) // 60
    for minute in range(minutes):
        core.send(sample(minute, up=minute * 60_000))
        await clock.advance(60)
        await core.history.worker.settled()
        assert len(core.committed) == minute + 1
        assert seqs(core) == {}
    await clock.advance(1.9)
    core.send(sample(minutes, up=minutes * 60_000))
    assert seqs(core) == {}
    await clock.advance(0.2)
    await core.history.worker.settled()
    assert seqs(core) == {RUN: list(range(minutes + 1))}, "two seconds after the hour"
    await core.stop()


async def test_a_merge_that_would_merge_little_waits_for_hours(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    merged = []
    for hour in range(10):
        core.send(sample(hour, up=hour * 3_600_000))
        for _ in range(60):
            await clock.advance(60)
            await core.history.worker.settled()
        merged.append(len(seqs(core).get(RUN, [])))
    assert merged == [0, 0, 0, 4, 4, 4, 4, 8, 8, 8]
    await core.stop()


async def test_a_full_buffer_is_committed_at_once(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    core.buffer._limit = core.buffer._look = 50
    play(core, 0, 49)
    await core.history.worker.settled()
    assert core.committed[-1].samples == 50
    await core.stop()


async def test_what_cannot_be_written_down_is_told_and_not_acknowledged(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)

    def fail(commit: object) -> bytes:
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")

    monkeypatch.setattr("hub.history.commit.encode", fail)
    play(core, 0, 4)
    assert not await core.history.commit()
    assert not await core.history.commit()
    assert told == ["history-not-stored"]
    assert core.acks == []
    with pytest.raises(HubError) as stopped:
        await core.stop()
    assert stopped.value.message.values == {"samples": 5}


async def test_an_up_that_leaps_years_ahead_costs_no_bucket_for_each_minute_of_them(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    await core.history.commit()
    clock.run(61.0)
    core.send(sample(100, up=9 * 365 * 86_400_000))
    assert await core.history.merge()
    assert seqs(core)[RUN] == list(range(101))
    assert len(core.store.rollup(SERIES, "1m", 0, FOREVER).start) < 2000
    assert len(core.store.rollup(SERIES, "15m", 0, FOREVER).start) < 200
    await core.stop()
