"""`plughub history verify` names each damage of the merged history; rebuilding mends what can be mended."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hub.history.calendar import DAY, HOUR, MINUTE
from hub.history.inspection import HistoryCheck
from hub.history.offline import OfflineHistory
from hub.history.readings import Traits
from hub.history.retention import Retention
from hub.plugins.columns import select_rollup
from hub.plugins.contract import TIERS, Merge, RollupColumns, SeriesKey
from integrations.storage.sqlite.store import SqliteStore
from tests.history.house import FOREVER, START, DataCore, ManualClock, Plug, Registry, imported, sample

RUN, NEXT = "a" * 16, "b" * 16
SERIES = SeriesKey("d1")
STEP = 10  # s; 3.6 kW are 10,000 mWh
HOURS = 4
COUNT = HOURS * 3600 // STEP


@pytest.fixture
def registry() -> Registry:
    return Registry(Plug(interval_ms=STEP * 1000))


def live(core: DataCore, first: int, last: int, **fields: Any) -> None:
    for seq in range(first, last + 1):
        core.clock.run(STEP)  # type: ignore[attr-defined]
        power = 3600.0 + seq % 7
        known = {"up": seq * STEP * 1000, "power": power, "energy_mwh": 5000 + seq * 10_000}
        core.send(sample(seq, **(known | fields)))


def batch(run: str, first: int, counter: int, count: int = 360) -> dict[str, Any]:
    """A replay of samples."""
    columns = {"voltage": 230.0, "current": 15.6, "power": 3600.0, "relay_state": True}
    head = {"run": run, "seq": first, "oldest": 0, "up": first * STEP * 1000, "dt": STEP * 1000}
    counters = [counter + k * 10_000 for k in range(count)]
    return head | {name: [value] * count for name, value in columns.items()} | {"energy_mwh": counters}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hours, a gap of two, and four hours of another run."""
    folder = tmp_path_factory.mktemp("sound")
    asyncio.run(lived(folder))
    return folder


async def lived(folder: Path) -> None:
    clock = ManualClock(START)
    core = await DataCore(folder, clock, Registry(Plug(interval_ms=STEP * 1000))).start()
    for run, since in ((RUN, 0), (NEXT, COUNT + 720)):
        for seq in range(COUNT):
            live(core, seq, seq, run=run, energy_mwh=5000 + (seq + since) * 10_000)
            if (seq + 1) % (COUNT // HOURS) == 0:
                await core.history.merge()
        if run == RUN:
            clock.run(2 * 3600)
            core.send({"status": "on", "run": NEXT, "oldest": 0, "reason": "watchdog"}, "status")
    await core.stop()


@pytest.fixture
async def folder(tmp_path: Path, sound: Path) -> AsyncIterator[Path]:
    """A copy to be damaged."""
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    yield tmp_path
    assert (await look(tmp_path, mend=True)).fine, "what verify found is mended"


async def look(folder: Path, *, mend: bool = False) -> HistoryCheck:
    traits = Traits(interval_ms=STEP * 1000)
    store = SqliteStore(folder / "history.sqlite")
    with OfflineHistory(folder, store, lambda _: traits, lambda _: "plug-1").opened() as history:
        if mend:
            history.rebuild(state=False)
        return history.check()


def change(folder: Path, statement: str, *values: Any, file: str = "history.sqlite") -> None:
    connection = sqlite3.connect(folder / file)
    with connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def put(folder: Path, tier: str, columns: RollupColumns, removed: tuple[int, ...] = ()) -> None:
    store = SqliteStore(folder / "history.sqlite")
    store.open()
    store.merge(Merge([], [(SERIES, tier, columns)], [(SERIES, tier, start) for start in removed]))
    store.close()


def bucket(folder: Path, tier: str, number: int) -> RollupColumns:
    store = SqliteStore(folder / "history.sqlite")
    store.open()
    held = store.rollup(SERIES, tier, 0, FOREVER)
    store.close()
    return select_rollup(held, slice(number, None if number == -1 else number + 1))


def said(at: int) -> str:
    return f"{np.datetime_as_string(np.datetime64(at, 'ms'), unit='s')}Z"


async def test_an_undamaged_history_is_clean(folder: Path) -> None:
    found = await look(folder)
    assert (found.fine, found.differing, found.samples) == (True, [], 2 * COUNT)


async def test_a_rebuild_writes_only_what_differs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card need not be written for what it holds already."""
    written: list[tuple[str, list[int]]] = []
    merge = SqliteStore.merge

    def noting(store: SqliteStore, change: Merge) -> None:
        written.extend((tier, columns.start.tolist()) for _, tier, columns in change.rollups)
        merge(store, change)

    one = bucket(folder, "15m", 3)
    put(folder, "15m", msgspec.structs.replace(one, import_mwh=one.import_mwh + 1))
    monkeypatch.setattr(SqliteStore, "merge", noting)
    assert (await look(folder, mend=True)).fine
    [(tier, starts)] = written
    assert (tier, one.start[0] in starts) == ("15m", True)
    written.clear()
    assert (await look(folder, mend=True)).fine
    assert written == []


@pytest.mark.parametrize("place", [0, 1, -1])
@pytest.mark.parametrize("run", [RUN, NEXT])
async def test_raw_samples_that_were_kept_and_are_gone_are_named(folder: Path, run: str, place: int) -> None:
    connection = sqlite3.connect(folder / "history.sqlite")
    rows = connection.execute(
        "select raw.id, raw.count from raw join stream on stream.id = raw.stream where run = ? order by hour", (run,)
    ).fetchall()
    connection.close()
    before = bucket(folder, "1m", 0), bucket(folder, "15m", 0)
    id, count = rows[place]
    change(folder, "delete from raw where id = ?", id)
    found = await look(folder)
    assert not found.fine
    assert any(
        line.startswith("d1/0 raw 2023-11-") and f"{count} samples that were kept are gone, of run {run}" in line
        for line in found.differing
    )
    assert (await look(folder, mend=True)).fine
    assert [part.import_mwh.tolist() for part in (bucket(folder, "1m", 0), bucket(folder, "15m", 0))] == [
        part.import_mwh.tolist() for part in before
    ], "buckets of what is lost stay"


async def test_a_run_that_is_gone_altogether_is_named_and_comes_again(
    folder: Path, clock: ManualClock, registry: Registry
) -> None:
    change(folder, "delete from raw where stream = (select id from stream where run = ?)", NEXT)
    found = await look(folder)
    assert any(f"{COUNT} samples that were kept are gone, of run {NEXT}" in line for line in found.differing)
    energy = imported_of(folder)
    assert (await look(folder, mend=True)).fine
    assert imported_of(folder) == pytest.approx(energy)
    clock.run(11 * 3600)
    core = await DataCore(folder, clock, registry).start()
    core.send({"status": "on", "run": NEXT, "oldest": 0}, "status")
    assert {ack["run"]: ack["seq"] for ack in core.acks[-1]["acks"]}[NEXT] == -1, "the plug sends it again"
    for first in range(0, COUNT, 360):
        core.send(batch(NEXT, first, 5000 + (first + COUNT + 720) * 10_000), "telemetry/batch")
    assert await core.history.merge()
    assert imported(core) == pytest.approx(energy)
    assert (await core.history.care.check()).differing == []
    await core.stop()


def imported_of(folder: Path) -> float:
    store = SqliteStore(folder / "history.sqlite")
    store.open()
    energy = float(store.rollup(SERIES, "15m", 0, FOREVER).import_mwh.sum())
    store.close()
    return energy


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("place", ["long before", "in between", "just behind"])
async def test_a_bucket_that_nothing_explains_is_named(folder: Path, tier: str, place: str) -> None:
    first, last = (int(bucket(folder, tier, k).start[0]) for k in (0, -1))
    extra = bucket(folder, tier, 0)
    at = {"long before": first - 30 * DAY, "in between": first, "just behind": last + TIERS[tier]}[place]
    if place == "in between":
        change(folder, "delete from raw where stream = (select id from stream where run = ?)", RUN)
        change(folder, "delete from stream where run = ?", RUN, file="history-state.sqlite")
        change(folder, "delete from gap where cause = 'restarted'", file="history-state.sqlite")
        assert any(f"d1/0 {tier} {said(at)}" in line and "no gap" in line for line in (await look(folder)).differing)
        return
    extra.start = np.array([at], np.int64)
    put(folder, tier, extra)
    (line,) = (await look(folder)).differing
    assert line.startswith(
        f"d1/0 {tier} {said(at)} to {said(at + TIERS[tier])}: 1 buckets for which there is no sample"
    )


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("place", [0, 7, -1])
async def test_the_first_and_the_last_bucket_are_compared_too(folder: Path, tier: str, place: int) -> None:
    hurt = bucket(folder, tier, place)
    at = int(hurt.start[0])
    hurt.import_mwh = hurt.import_mwh + 5
    put(folder, tier, hurt)
    assert (await look(folder)).differing == [
        f"d1/0 {tier} {said(at)} to {said(at + TIERS[tier])}: 1 buckets are not what the raw samples say: import"
    ]
    put(folder, tier, select_rollup(hurt, slice(0)), (at,))
    assert (await look(folder)).differing == [
        f"d1/0 {tier} {said(at)} to {said(at + TIERS[tier])}: 1 buckets are missing"
    ]


@pytest.mark.parametrize(
    ("field", "name", "by"),
    [
        ("import_mwh", "import", 0.1),
        ("export_mwh", "export", 0.1),
        ("estimated_mwh", "estimated import", 0.1),
        ("mean_power", "mean power", 0.1),
        ("min_power", "minimum", -0.1),
        ("max_power", "maximum", 0.1),
        ("mean_voltage", "voltage", 0.1),
        ("mean_current", "current", 0.001),
        ("on_ms", "time on", 1000),
        ("covered_ms", "time covered", 1000),
        ("count", "count", 1),
    ],
)
async def test_everything_that_raw_samples_determine_is_compared(
    folder: Path, field: str, name: str, by: float
) -> None:
    hurt = bucket(folder, "15m", 3)
    setattr(hurt, field, getattr(hurt, field) + by)
    put(folder, "15m", hurt)
    (line,) = (await look(folder)).differing
    assert line.endswith(f": {name}")


async def test_what_retention_and_a_full_disk_removed_is_not_missed(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.history.upkeep.WORTH", 0)
    short = Retention(raw=1, minutes=3, hours=9, days=9)
    core = await DataCore(tmp_path, clock, registry, retention=lambda _: short).start()

    async def day(number: int) -> None:
        for hour in range(3):
            run = f"{number:08x}{hour:08x}"
            counter = [5000 + (number * 8640 + hour * 360 + seq) * 10_000 for seq in range(360)]
            for seq in range(360):
                live(core, seq, seq, run=run, energy_mwh=counter[seq])
            await core.history.merge()
        clock.run((DAY - 3 * HOUR) / 1000)

    for number in range(6):
        await day(number)
        assert (await core.history.care.check()).differing == []
    assert len(core.store.read(SERIES, 0, FOREVER)) < 18, "retention removed some"
    core.history._merging._upkeep._reserve = 1 << 60
    await day(6)
    core.history._merging._upkeep._reserve = 0
    assert (await core.history.care.check()).differing == []
    core.store.delete(None, "raw", clock.now() - 22 * HOUR)
    assert not (await core.history.care.check()).fine, "that was nobody's order"
    await core.stop()


async def test_late_samples_and_other_traits_are_no_damage(
    tmp_path: Path, clock: ManualClock, registry: Registry
) -> None:
    """What comes when raw samples are gone changes buckets by differences, and another interval what a gap is."""
    core = await DataCore(tmp_path, clock, registry).start()
    live(core, 0, 99)
    clock.run(900)
    live(core, 190, 299)
    await core.history.merge()
    registry.plugs[0].interval_ms = 2000
    clock.run(9 * DAY / 1000)
    core.send(sample(0, run=NEXT, up=0, energy_mwh=5_000_000))
    core.send(batch(RUN, 100, 5000 + 100 * 10_000, 90), "telemetry/batch")
    await core.history.merge()
    live(core, 1, 400, run=NEXT, energy_mwh=5_000_000)
    await core.history.merge()
    assert (await core.history.care.check()).differing == []
    assert core.store.rollup(SERIES, "1m", START + 9 * DAY, FOREVER).covered_ms.max() <= MINUTE
    await core.stop()
