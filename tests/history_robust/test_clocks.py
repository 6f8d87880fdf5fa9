"""Clocks that are wrong by days: of the hub, and of a plug. Each sample has its buckets, and its energy counts once."""

from pathlib import Path

import pytest

from hub.plugins.contract import TIERS, SeriesKey
from tests.history.house import FOREVER, DataCore, Killed, ManualClock, Registry, die_at, imported, play, sample, stored

HOUR = 3_600_000
DAY = 24 * HOUR
SERIES = SeriesKey("d1")


async def agrees(core: DataCore, samples: int, mwh: float) -> None:
    """Both tiers hold all, and the raw samples say the same."""
    for tier in TIERS:
        assert core.store.rollup(SERIES, tier, 0, FOREVER).count.sum() == samples, tier
        assert imported(core, tier) == pytest.approx(mwh, abs=20), tier  # a gap of days is many rounded minutes
    found = await core.history.care.check()
    assert found.fine, found.differing


def batch(first: int, last: int, **fields: object) -> dict[str, object]:
    """A replay of these."""
    several = {"voltage", "current", "power", "energy_mwh", "relay_state"}
    rows = [sample(seq) for seq in range(first, last + 1)]
    head = {name: value for name, value in rows[0].items() if name not in several}
    return {**head, "dt": 1000, **{name: [row[name] for row in rows] for name in several}, **fields}


@pytest.mark.parametrize(("days", "merged"), [(0.5, False), (0.5, True), (3, False), (3, True), (25, False)])
@pytest.mark.parametrize("up", [True, False], ids=["up", "no up"])
async def test_the_clock_of_the_hub_was_ahead(
    tmp_path: Path, clock: ManualClock, registry: Registry, days: float, merged: bool, up: bool
) -> None:
    """What came then keeps its dates; what is replayed of it later goes there too."""
    fields = {} if up else {"up": None}
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 59, **fields)
    await core.history.merge()
    clock.step(round(days * DAY))
    play(core, 60, 99, **fields)
    if not up:  # without it a hole would be more than the plug can draw in a second
        play(core, 100, 159, **fields)
    play(core, 160, 199, **fields)
    await (core.history.merge() if merged else core.history.commit())
    clock.step(-round(days * DAY))
    play(core, 200, 259, **fields)
    await core.history.merge()
    await agrees(core, 200 if up else 260, 259_000)
    if up:
        core.send(batch(100, 159), "telemetry/batch")
        await core.history.merge()
        await agrees(core, 260, 259_000)
    await core.stop()


async def test_buckets_of_removed_samples_keep_what_they_hold(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    """Raw samples may be gone before their time: a clock that was ahead removed them, or a full disk did."""
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 89)
    await core.history.merge()
    core.history.state.keep_removed("raw", clock.now() + HOUR)
    assert core.store.delete(None, "raw", clock.now() + HOUR) == 90
    play(core, 90, 149)
    await core.history.merge()
    for tier in TIERS:
        assert core.store.rollup(SERIES, tier, 0, FOREVER).count.sum() == 150, tier
    await core.stop()


@pytest.mark.parametrize("leap", [2 * DAY, 3 * 365 * DAY, -40_000])
async def test_the_up_of_a_plug_leaps(tmp_path: Path, clock: ManualClock, registry: Registry, leap: int) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 89)
    for seq in range(90, 150):
        clock.run(1.0)
        core.send(sample(seq, up=seq * 1000 + leap))
    await core.history.merge()
    parts = stored(core)
    assert max(int(part.at.max()) for part in parts) <= clock.now()
    if leap > 0:
        late = [at for part in parts for seq, at in zip(part.seq, part.at, strict=True) if seq >= 90]
        assert late == [clock.now() - 1000 * k for k in range(59, -1, -1)]
    await agrees(core, 150, 149_000)
    await core.stop()


@pytest.mark.parametrize("dies", [False, True])
async def test_a_replay_that_leads_into_the_future(
    tmp_path: Path, clock: ManualClock, registry: Registry, dies: bool
) -> None:
    """It had come by the time it was merged. A crash in the middle dates it no other way."""
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 59)
    core.send(batch(60, 89, up=60_000 + 9 * DAY), "telemetry/batch")
    clock.run(30)
    play(core, 90, 119)
    arrived = clock.now()
    if dies:
        die_at(core.history.state, "finish", after=False)
        with pytest.raises(Killed):
            await core.history.merge()
        core.kill()
        clock.run(7200)
        core = await DataCore(tmp_path, clock, registry).start()
    await core.history.merge()
    await agrees(core, 120, 119_000)
    assert max(int(part.at.max()) for part in stored(core)) == arrived
    await core.stop()


async def test_a_time_of_no_home_is_not_believed_while_the_hub_has_none(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    clock.is_certain = False
    clock.run(2)
    for ts in (1, 2**53 - 1):
        core.send({"voltage": 230.0, "current": 1.0, "ts": ts})
    await core.history.commit()
    clock.is_certain = True
    clock.run(2)
    core.send({"voltage": 230.0, "current": 1.0})
    await core.history.merge()
    assert sum(len(part.seq) for part in stored(core)) == 3
    assert all(abs(int(at) - clock.now()) < 5000 for part in stored(core) for at in part.at)
    await core.stop()
