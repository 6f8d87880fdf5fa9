"""Years between two samples: merged window by window in little memory, with what one piece would give."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from hub.history.calendar import DAY
from hub.plugins.contract import TIERS, RollupColumns, SeriesKey
from tests.history.house import FOREVER, DataCore, ManualClock, Registry, imported, play, sample

NEXT = "b" * 16
SERIES = SeriesKey("d1")
YEAR = 365 * DAY
LIMIT = 32 << 20  # bytes; at once it took 75 to 150 MB


async def merged(core: DataCore) -> int:
    """Merge; the most bytes that it held."""
    tracemalloc.start()
    assert await core.history.merge()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


async def test_years_cost_little_memory_and_no_energy(tmp_path: Path, clock: ManualClock, registry: Registry) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 59)
    await core.history.merge()
    clock.run(4 * YEAR / 1000)
    since = 1_000_000_000
    core.send(sample(0, run=NEXT, energy_mwh=since))
    assert await merged(core) < LIMIT
    assert imported(core) == pytest.approx(since - 5000, rel=1e-6)
    clock.run(1.0)
    old = {"voltage": 230.0, "current": 1.0, "power": 230.0, "ts": clock.now() - 4 * YEAR - 250 * DAY}
    core.send(old)
    core.send(sample(1, run=NEXT, up=1000, energy_mwh=since + 1000))
    assert await merged(core) < LIMIT
    assert imported(core) == pytest.approx(since + 1000 - 5000, rel=1e-6)
    assert core.store.rollup(SERIES, "15m", 0, FOREVER).count.sum() == 63
    await core.stop()


async def lived(folder: Path, clock: ManualClock, registry: Registry) -> dict[str, RollupColumns]:
    folder.mkdir()
    core = await DataCore(folder, clock, registry).start()
    for hour in range(3):
        play(core, hour * 600, hour * 600 + 599, up=None)
        clock.run(3000)
        await core.history.merge()
    counter = 5000 + 1800 * 1000
    core.send(sample(0, run=NEXT, up=None, ts=clock.now() - 2 * 3_600_000, energy_mwh=counter + 500))
    core.send(sample(1, run=NEXT, up=None, energy_mwh=counter + 7000))
    await core.history.merge()
    found = {tier: core.store.rollup(SERIES, tier, 0, FOREVER) for tier in TIERS}
    await core.stop()
    return found


async def test_windows_give_what_one_piece_gives(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = 1_700_000_100_000
    whole = await lived(tmp_path / "whole", ManualClock(start), registry)
    monkeypatch.setattr("hub.history.frame.SHORT", 0)
    for name, length in (("TILE", 900_000), ("SPARSE_TILE", 3_600_000), ("WINDOW", 3_600_000)):
        monkeypatch.setattr(f"hub.history.frame.{name}", length)
    parts = await lived(tmp_path / "parts", ManualClock(start), registry)
    for tier in TIERS:
        for name in RollupColumns.__struct_fields__:
            np.testing.assert_allclose(getattr(parts[tier], name), getattr(whole[tier], name), atol=0.0011)
