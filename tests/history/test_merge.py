"""A merge in many parts, into stores with and without transactions, killed at each step: nothing is lost or doubled."""

import gc
from pathlib import Path
from typing import Any

import pytest

from hub.history.frame import Frame, View
from hub.history.log import LogFull
from hub.history.readings import Readings
from hub.plugins.contract import SeriesKey, StoreError
from tests.history.house import DataCore, Killed, ManualClock, Registry, die_at, imported, sample, seqs

RUN = "a" * 16
OUTLETS = 3

STEPS = [
    (part, method, after, times)
    for part, method in (
        ("log", "append"),
        ("store", "merge"),
        ("store", "commit"),
        ("state", "apply"),
        ("state", "finish"),
        ("log", "next_generation"),
    )
    for after in (False, True)
    for times in ((1, 2, 3) if method not in ("finish", "next_generation", "apply") else (1,))
]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One outlet is a group, and a transaction."""
    monkeypatch.setattr("hub.history.merge.GROUP_BYTES", 1)
    monkeypatch.setattr("hub.history.merge.BATCH_BYTES", 1)


def play(core: DataCore, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        core.clock.run(1.0)
        for channel in range(OUTLETS):
            core.send(sample(seq, channel=channel))


def check(core: DataCore, count: int) -> None:
    for channel in range(OUTLETS):
        assert seqs(core, channel=channel) == {RUN: list(range(count))}
        for tier in ("1m", "15m"):
            assert imported(core, tier, channel=channel) == pytest.approx((count - 1) * 1000)
            assert core.store.rollup(SeriesKey("d1", channel), tier, 0, 1 << 60).count.sum() == count


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("part", "method", "after", "times"), STEPS)
async def test_a_kill_at_any_step(
    tmp_path: Path,
    clock: ManualClock,
    registry: Registry,
    plain: bool,
    part: str,
    method: str,
    after: bool,
    times: int,
) -> None:
    if plain and method == "commit":
        part, method = "store", "merge"  # a plain store has none
    core = await DataCore(tmp_path, clock, registry, plain=plain).start()
    play(core, 0, 199)
    await core.history.merge()
    play(core, 200, 299)
    await core.history.commit()
    owner: Any = {"log": core.history.log, "store": core.store, "state": core.history.state}[part]
    die_at(owner, method, after=after, times=times)
    with pytest.raises(Killed):
        await core.history.merge()
    core.kill()
    core = await DataCore(tmp_path, clock, registry, plain=plain).start()
    play(core, 300, 309)
    await core.history.merge()
    check(core, 310)
    assert core.history.tail.commits == []
    await core.stop()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("part", "method"), [("store", "merge"), ("store", "commit"), ("state", "apply"), ("state", "finish")]
)
async def test_a_refusal_at_any_step_is_made_up_for(
    tmp_path: Path,
    clock: ManualClock,
    registry: Registry,
    plain: bool,
    part: str,
    method: str,
) -> None:
    core = await DataCore(tmp_path, clock, registry, plain=plain).start()
    play(core, 0, 99)
    owner: Any = {"store": core.store, "state": core.history.state}[part]
    method = "merge" if plain and method == "commit" else method
    real, calls = getattr(owner, method), [0]

    def refuse(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] == (1 if method == "finish" else 2):
            raise StoreError("not now") if part == "store" else OSError("disk full")
        return real(*args)

    setattr(owner, method, refuse)
    assert not await core.history.merge()
    play(core, 100, 149)
    assert await core.history.merge()
    check(core, 150)
    await core.stop()


async def test_what_is_not_committed_is_not_seen_and_not_kept(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    """One transaction for all outlets: killed before its end, none of them is in the store."""
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    die_at(core.store, "commit", after=False)
    with pytest.raises(Killed):
        await core.history.merge()
    assert core.store.stats().raw_samples == 0
    core.kill()
    core = await DataCore(tmp_path, clock, registry).start()
    check(core, 100)
    await core.stop()


async def test_a_full_log_does_not_stop_the_merge_that_empties_it(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 99)
    await core.history.commit()

    def full(kind: int, payload: bytes) -> int:
        raise LogFull("no room")

    append = core.history.log.append
    core.history.log.append = full  # type: ignore[method-assign]
    assert await core.history.merge()
    core.history.log.append = append  # type: ignore[method-assign]
    check(core, 100)
    await core.stop()


async def test_what_a_merge_computes_waits_for_no_collector(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    """Readings that know themselves in a circle stay until the collector comes: of an hour of 100 plugs 60 MB."""
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 30)
    gc.collect()
    gc.disable()
    try:
        assert await core.history.merge()
        left = [kept for kept in gc.get_objects() if isinstance(kept, (Frame, View, Readings))]
    finally:
        gc.enable()
    await core.stop()
    assert not left
