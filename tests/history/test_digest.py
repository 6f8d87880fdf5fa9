"""Weeks that the store could not take: a question about them holds little at once and says what the merge will."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from hub.history.calendar import DAY, HOUR
from hub.plugins.contract import TIERS, RollupColumns, SeriesKey
from tests.history.house import FOREVER, START, DataCore, ManualClock, Registry, sample

SERIES = SeriesKey("d1")


def replay(core: DataCore, first: int, last: int) -> None:
    """Samples of 1 Hz by hundreds."""
    for begin in range(first, last, 500):
        rows = [sample(seq, oldest=0) for seq in range(begin, min(begin + 500, last))]
        several = {"voltage", "current", "power", "energy_mwh", "relay_state"}
        head = {name: value for name, value in rows[0].items() if name not in several}
        columns = {name: [row[name] for row in rows] for name in several}
        core.send({**head, "dt": 1000, **columns}, "telemetry/batch")


async def waiting(folder: Path, clock: ManualClock, registry: Registry, until: int) -> DataCore:
    """Samples 0 to 99, then a hole, then the rest up to `until` by commits of 5000; the first hundred are merged."""
    core = await DataCore(folder, clock, registry).start()
    clock.run(until)
    core.send(sample(until, oldest=0))
    replay(core, 0, 100)
    await core.history.merge()
    for first in range(7000, until, 5000):
        replay(core, first, min(first + 5000, until))
        await core.history.commit()
    replay(core, 3000, 4000)  # out of order, in the middle of the hole
    await core.history.commit()
    return core


async def test_it_says_what_the_merge_will(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.history.remembered.LONG", 10_000)
    monkeypatch.setattr("hub.history.digest.PIECE", 3000)
    monkeypatch.setattr("hub.history.digest.WINDOW", 2 * HOUR)
    core = await waiting(tmp_path, clock, registry, 30_000)
    snapshot = core.history.tail.snapshot(SERIES)
    assert snapshot.plan().thinned
    told = {tier: snapshot.buckets(tier, 0, FOREVER) for tier in TIERS}
    around = (START + 3500_000, START + 9000_000)
    raw = {seq: at for part in snapshot.raw(*around) for seq, at in zip(part.seq, part.at, strict=True)}
    gaps = await core.history.gaps("d1", 0, 0, FOREVER)
    await core.history.merge()
    for tier in TIERS:
        merged = core.store.rollup(SERIES, tier, int(told[tier].start[0]), FOREVER)
        for name in RollupColumns.__struct_fields__:
            np.testing.assert_allclose(getattr(told[tier], name), getattr(merged, name), atol=0.0011, err_msg=name)
    stored = {seq: at for part in core.store.read(SERIES, *around) for seq, at in zip(part.seq, part.at, strict=True)}
    assert raw == stored
    assert len(raw) == 500 + 2000
    assert await core.history.gaps("d1", 0, 0, FOREVER) == gaps
    await core.stop()


async def test_a_day_of_weeks_takes_little_memory(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await waiting(tmp_path, clock, registry, 4 * DAY // 1000)
    core.history.tail._hot = 0
    for commit in core.history.tail.commits:
        commit.raw = None
    tracemalloc.start()
    snapshot = core.history.tail.snapshot(SERIES)
    buckets = snapshot.buckets("1m", START + 2 * DAY, START + 3 * DAY)
    raw = snapshot.raw(START + 2 * DAY, START + 2 * DAY + HOUR)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert buckets.count.sum() == DAY // 1000
    assert sum(len(part.seq) for part in raw) == HOUR // 1000
    assert peak < 64 << 20
    await core.stop()
