"""A plug that comes back and sends a week at once: it is merged in parts, so that a question never meets all of it."""

from pathlib import Path
from typing import Any

import pytest

from hub.events import Merged
from hub.history import commit as commits
from hub.history.query import Query
from hub.plugins.contract import SeriesKey, StoreError
from tests.history.house import DataCore, ManualClock, Plug, Registry, play, problem_ids, sample, seqs, stored

PARTS = 3000  # samples of one outlet, at which a merge is made at once
LOOK = 600
BATCH = 300
COUNT = 18_000
RUN = "a" * 16


def replay(core: DataCore, first: int, hardware_id: str = "plug-1") -> None:
    """One message."""
    places = range(first, first + BATCH)
    core.send(
        {
            "run": RUN,
            "seq": first,
            "oldest": 0,
            "up": first * 1000,
            "dt": 1000,
            "voltage": [230.0] * BATCH,
            "current": [15.652] * BATCH,
            "power": [3600.0] * BATCH,
            "energy_mwh": [5000 + seq * 1000 for seq in places],
            "relay_state": [True] * BATCH,
        },
        "telemetry/batch",
        hardware_id,
    )


@pytest.fixture
async def core(tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> DataCore:
    """It has heard one live sample of the plug, which holds all before it."""
    monkeypatch.setattr("hub.history.core.MERGE_SAMPLES", PARTS)
    monkeypatch.setattr("hub.telemetry.buffer.LOOK", LOOK)
    core = await DataCore(tmp_path, clock, registry).start()
    clock.run(COUNT)
    core.send(sample(COUNT))
    await core.history.commit()
    return core


async def test_a_long_replay_is_merged_in_parts(core: DataCore, monkeypatch: pytest.MonkeyPatch) -> None:
    merges: list[Merged] = []
    core.bus.subscribe(Merged, merges.append, "test")
    most = 0
    for first in range(0, COUNT, BATCH):
        replay(core, first)
        await core.history.worker.settled()
        most = max(most, core.history.tail.longest)
    assert PARTS / 2 < most < PARTS + LOOK
    assert len(merges) == COUNT // PARTS, "no more often than must be: each costs the card some blocks"
    decoded: list[int] = []
    real = commits.decode

    def noting(number: int, *args: Any) -> commits.Commit:
        decoded.append(number)
        return real(number, *args)

    monkeypatch.setattr(commits, "decode", noting)
    query, now = Query(core.store, core.history.tail, core.clock), core.clock.now() + 1
    line = await query.series(SeriesKey("d1"), now - COUNT * 1000 - 1, now, COUNT + 1, "raw")
    assert (len(line.at), line.total_mwh) == (COUNT + 1, COUNT * 1000)
    assert decoded == [], "all but the newest is in the store"
    await core.history.merge()
    assert seqs(core) == {RUN: list(range(COUNT + 1))}
    await core.stop()


async def test_many_plugs_with_little_each_wait_for_the_hour(core: DataCore) -> None:
    plugs = [Plug(id=f"d{k}", hardware_id=f"plug-{k}") for k in range(10)]
    core.registry.plugs += plugs
    for first in range(0, PARTS // 4, BATCH):
        for plug in plugs:
            replay(core, first, plug.hardware_id)
            await core.history.worker.settled()
        await core.history.commit()
    assert sum(commit.samples for commit in core.history.tail.commits) > 2 * PARTS
    assert not core.history.schedule._urgent()
    await core.stop()


async def test_a_store_that_refuses_is_asked_by_the_timer_alone(
    core: DataCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, asked = problem_ids(core), 0

    def refuse(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise StoreError("not now")

    with monkeypatch.context() as patched:
        patched.setattr(core.store, "commit", refuse)
        for first in range(0, COUNT, BATCH):
            replay(core, first)
            await core.history.worker.settled()
    assert (told, asked) == (["history-not-merged"], 1)
    assert core.history.tail.longest > COUNT / 2
    query, now = Query(core.store, core.history.tail, core.clock), core.clock.now() + 1
    assert (await query.energy(SeriesKey("d1"), 0, now)).imported_mwh == COUNT * 1000
    await core.history.merge()
    assert core.history.tail.longest == 0
    assert sum(len(part.seq) for part in stored(core)) == COUNT + 1
    await core.stop()


async def test_a_log_of_many_bytes_is_merged_at_once(core: DataCore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not core.history.schedule._urgent()
    monkeypatch.setattr("hub.history.core.MERGE_BYTES", core.history.log.size - 1)
    assert core.history.schedule._urgent()
    await core.history.merge()
    assert not core.history.schedule._urgent()
    await core.stop()


async def test_an_outlet_of_many_short_runs_counts_as_a_whole(core: DataCore) -> None:
    runs = [f"{number:016x}" for number in range(8)]
    await core.history.merge()
    for run in runs[:-1]:
        play(core, 0, PARTS // 8 - 1, run=run)
    await core.history.commit()
    assert core.history.tail.longest == PARTS // 8 * 7
    assert not core.history.schedule._urgent()
    play(core, 0, PARTS // 8 - 1, run=runs[-1])
    assert core.history.tail.longest == PARTS
    assert core.history.schedule._urgent()
    await core.stop()
