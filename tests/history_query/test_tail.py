"""The tail in memory: little of it, however many outlets are asked for, and nothing is decoded twice."""

from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest

from hub.history import commit as commits
from hub.history.plan import Planner, SeriesPlan
from hub.history.query import Query
from hub.history.remembered import OUTLET_BYTES
from hub.history.tail import HOT_SAMPLES
from hub.plugins.columns import size_of
from hub.plugins.contract import RawColumns, SeriesKey
from tests.history.house import START, DataCore, ManualClock, Plug, Registry, sample

PLUGS = 40
ROOM = 100_000  # bytes; what is remembered of one outlet here takes some 20,000


def plugs(count: int) -> Registry:
    return Registry(*(Plug(id=f"d{k}", hardware_id=f"plug-{k}") for k in range(count)))


def play(core: DataCore, count: int, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        core.clock.run(1.0)
        for k in range(count):
            core.send(sample(seq, run=f"{k:016x}"), hardware_id=f"plug-{k}")


async def ask(core: DataCore, plug: int) -> int:
    """How many samples a chart of the last hour shows."""
    now = core.clock.now()
    query = Query(core.store, core.history.tail, core.clock)
    return len((await query.series(SeriesKey(f"d{plug}"), now - 3_600_000, now + 1, 5000, "raw")).at)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Commit and stream of what was decoded."""
    found: list[tuple[int, int]] = []
    real = commits.decode

    def noting(number: int, *args: Any) -> commits.Commit:
        commit = real(number, *args)
        found.extend((number, stream) for stream in commit.raw)
        return commit

    monkeypatch.setattr(commits, "decode", noting)
    return found


def remembered(core: DataCore) -> list[RawColumns]:
    """All samples that are kept for later questions, counted anew."""
    known = core.history.tail.remembering._known.values()
    found = [part for each in known for part in each._parts.values()]
    found += [part for each in known for plan in each._plans.values() for part in plan.raw]
    return found + [p for each in known for r in each._source._readings.values() if isinstance(r, list) for p in r]


async def test_what_is_remembered_is_bounded_in_bytes(tmp_path: Path) -> None:
    core = await DataCore(tmp_path, ManualClock(START), plugs(PLUGS)).start()
    remembering = core.history.tail.remembering
    remembering._most = ROOM
    play(core, PLUGS, 0, 40)
    await core.history.merge()
    play(core, PLUGS, 41, 100)
    await core.history.commit()
    most = 0
    for plug in [*range(PLUGS), 3]:
        assert await ask(core, plug) == 101
        held = sum(map(size_of, remembered(core)))
        most = max(most, held)
        assert held + OUTLET_BYTES * len(remembering._known) <= remembering.bytes <= ROOM
    assert most > ROOM / 2, "as much as fits is remembered"
    remembering._most = 1000
    assert await ask(core, 7) == 101, "what does not fit at all is read all the same"
    assert remembering.bytes == 0
    assert remembered(core) == []
    await core.stop()


async def test_a_question_asked_again_decodes_what_is_new(tmp_path: Path, decoded: list[tuple[int, int]]) -> None:
    count = 20
    core = await DataCore(tmp_path, ManualClock(START), plugs(count)).start()
    for k in range(4):
        play(core, count, 50 * k, 50 * k + 49)
        await core.history.commit()
    for commit in core.history.tail.commits:
        commit.raw = None  # as those of an hour with many plugs, or found in the log after a crash
    assert await ask(core, 7) == 200
    assert len(decoded) == 4, "of each commit its own samples"
    decoded.clear()
    play(core, count, 200, 209)
    assert await ask(core, 7) == 210
    assert decoded == []
    await core.history.commit()
    core.history.tail.commits[-1].raw = None
    assert await ask(core, 7) == 210
    assert len(decoded) == 1
    await core.stop()


async def test_of_many_samples_only_what_was_made_of_them_is_kept(
    tmp_path: Path, decoded: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.history.remembered.MOST_OF_ONE", ROOM)
    planned: list[Set[str]] = []
    real = Planner.plan

    def noting(*args: Any, **options: Any) -> SeriesPlan:
        planned.append(options["wanted"])
        return real(*args, **options)

    monkeypatch.setattr(Planner, "plan", noting)
    core = await DataCore(tmp_path, ManualClock(START), plugs(1)).start()
    for first in range(0, 3600, 900):
        play(core, 1, first, first + 899)
        await core.history.commit()
    for commit in core.history.tail.commits:
        commit.raw = None
    planned.clear()
    assert await ask(core, 0) == 3600
    assert len(decoded) == 4, "once for the line, its energy and both ends of that"
    assert planned == [{"raw", "15m", "1m"}]
    assert core.history.tail.remembering.bytes < ROOM
    assert remembered(core) == []
    decoded.clear()
    planned.clear()
    assert await ask(core, 0) == 3600
    assert len(decoded) == 4
    assert planned == [{"raw"}], "the samples alone"
    await core.stop()


async def test_several_outlets_decode_each_commit_once(
    tmp_path: Path, decoded: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 6
    core = await DataCore(tmp_path, ManualClock(START), plugs(count)).start()
    for k in range(3):
        play(core, count, 50 * k, 50 * k + 49)
        await core.history.commit()
    for commit in core.history.tail.commits:
        commit.raw = None
    query = Query(core.store, core.history.tail, core.clock)
    keys, now = [SeriesKey(f"d{k}") for k in range(count)], core.clock.now()
    for room in (1 << 20, -1):
        monkeypatch.setattr("hub.history.unmerged.SHARED_BYTES", room)
        core.history.tail.remembering._most = 0  # they are decoded for this question alone
        decoded.clear()
        found = await query.several(keys[:1], now - 3_600_000, now + 1, bucket="15m")
        found = await query.several(keys, now - 3_600_000, now + 1, bucket="15m")
        assert {each.total_mwh for each in found} == {149_000.0}
        assert len(decoded) == 3 * (1 + count), "once for all, or where that takes too much memory once for each"
    await core.stop()


async def test_the_newest_commits_stay_in_memory_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert HOT_SAMPLES * 90 < 6 << 20
    monkeypatch.setattr("hub.history.tail.HOT_SAMPLES", 500)
    core = await DataCore(tmp_path, ManualClock(START), plugs(4)).start()
    tail = core.history.tail
    for k in range(6):
        play(core, 4, 50 * k, 50 * k + 49)
        await core.history.commit()
        held = sum(len(part.seq) for commit in tail.commits for part in (commit.raw or {}).values())
        assert held == min(200 * (k + 1), 400)
    assert await ask(core, 0) == 300
    await core.stop()
