"""Minutes that a plug kept in flash: what they fill, what raw takes back, where runs stand that only they tell of."""

from pathlib import Path
from typing import Any

import pytest

from hub.plugins.contract import SeriesKey, StoreError
from tests.history.house import FOREVER, START, DataCore, imported, sample, seqs
from tests.history.test_gaps import NEXT, RUN, Story

SERIES = SeriesKey("d1")
HIDDEN = "c" * 16


@pytest.fixture
async def story(tmp_path: Path):
    story = await Story(tmp_path).start()
    yield story
    await story.core.stop()


def minute(first: int, last: int, **fields: Any) -> dict[str, Any]:
    """Of a plug that draws 3.6 kW: 1000 mWh a second, counters as `sample` has them."""
    known = {"seq_from": first, "seq_to": last, "up": last * 1000, "min": 3000.0, "mean": 3600.0, "max": 4000.0}
    return known | {"energy_mwh": 5000 + last * 1000, "on_s": last - first + 1} | fields


def keep(core: DataCore, *minutes: dict[str, Any], run: str = RUN, **fields: Any) -> None:
    core.send({"run": run, "channel": 0, "minutes": list(minutes)} | fields, "telemetry/minutes")


def batch(first: int, last: int, **fields: Any) -> dict[str, Any]:
    n = last - first + 1
    columns = {"voltage": [230.0] * n, "current": [1.0] * n, "power": [3600.0] * n, "relay_state": [True] * n}
    columns["energy_mwh"] = [5000 + seq * 1000 for seq in range(first, last + 1)]  # type: ignore[assignment]
    return {"run": RUN, "seq": first, "oldest": 0, "up": first * 1000, "dt": 1000} | columns | fields


def acked(core: DataCore, run: str = RUN) -> list[list[int]]:
    """Ranges that any ack named so far."""
    return [
        range for ack in core.acks for entry in ack["acks"] if entry["run"] == run for range in entry.get("minutes", [])
    ]


def rollup(core: DataCore, tier: str = "1m") -> Any:
    return core.store.rollup(SERIES, tier, 0, FOREVER)


async def test_minutes_fill_what_the_ring_lost(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(600)
    story.play(660, 719, oldest=660)
    await story.core.history.merge()
    assert [energy for _, energy in await story.gaps()] == [601_000.0]
    keep(story.core, *(minute(k * 60, k * 60 + 59) for k in range(1, 11)))
    assert await story.gaps() == []
    for tier in ("1m", "15m"):
        buckets = rollup(story.core, tier)
        assert buckets.import_mwh.sum() == pytest.approx(719_000)
        assert buckets.estimated_mwh.sum() == 0
        assert buckets.count.sum() == 720
        assert buckets.covered_ms.sum() == buckets.on_ms.sum() == 720_000
    minutes = rollup(story.core)
    assert minutes.mean_power.tolist() == pytest.approx([3600.0] * 13)
    assert minutes.max_power.tolist() == [4000.0 if 1 <= k <= 11 else 3600.0 for k in range(13)]
    assert minutes.min_power.tolist() == [3000.0 if 1 <= k <= 11 else 3600.0 for k in range(13)]
    assert seqs(story.core)[RUN] == [*range(60), *range(660, 720)]


async def test_raw_that_comes_later_takes_their_place_and_never_the_other_way_round(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(600)
    story.play(660, 719)
    keep(story.core, *(minute(k * 60, k * 60 + 59) for k in range(1, 11)))
    await story.core.history.merge()
    story.core.send(batch(90, 389), "telemetry/batch")
    assert await story.gaps() == []
    buckets = rollup(story.core)
    assert (buckets.import_mwh.sum(), buckets.count.sum()) == (pytest.approx(719_000), 720)
    assert buckets.max_power[3:6].tolist() == [3600.0] * 3, "what raw tells whole is raw's"
    assert buckets.max_power[1] == 4000.0
    before = rollup(story.core)
    story.core.acks.clear()
    keep(story.core, minute(90, 389, energy_mwh=0, max=9999.0), minute(60, 119, max=9999.0))
    await story.core.history.merge()
    story.core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert rollup(story.core).max_power.tolist() == before.max_power.tolist()
    assert acked(story.core) == [[60, 389]], "known already"
    story.core.send(batch(60, 659), "telemetry/batch")
    await story.core.history.merge()
    assert rollup(story.core).max_power.max() == 3600.0
    assert imported(story.core, "1m") == pytest.approx(719_000)


async def test_a_record_that_spans_hours_is_split_by_time(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(7200)
    story.play(7260, 7319, oldest=7260)
    keep(story.core, minute(60, 7259))
    assert await story.gaps() == []
    for tier, each in (("1m", 60_000), ("15m", 900_000)):
        buckets = rollup(story.core, tier)
        assert buckets.import_mwh[1:-1].tolist() == pytest.approx([each] * (len(buckets.start) - 2))
        assert buckets.count.sum() == 7320
        assert set(buckets.max_power[2:-2].tolist()) <= {4000.0}
    story.core.send(batch(3000, 3119), "telemetry/batch")
    await story.core.history.merge()
    for tier in ("1m", "15m"):
        buckets = rollup(story.core, tier)
        assert buckets.count.sum() == 7320
        assert buckets.import_mwh.sum() == pytest.approx(7319_000)
        assert buckets.estimated_mwh.sum() == 0


async def test_only_what_they_cover_is_no_gap(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(600)
    story.play(660, 719, oldest=660)
    keep(story.core, minute(120, 179), minute(180, 239))
    listed = await story.gaps()
    assert [energy for _, energy in listed] == [pytest.approx(60_000), pytest.approx(421_000)]
    gaps = await story.list()
    assert [(start - START, end - START) for start, end, _, _ in gaps if end] == [(60_000, 120_000), (240_000, 661_000)]
    # The counter says nothing of where the gap ends: its step reaches to the end of the first minutes behind it.
    assert rollup(story.core).estimated_mwh.sum() == pytest.approx(60_000 + 60_000 + 421_000)


async def test_acks_name_what_is_durable_known_or_refused_and_nothing_else(story: Story) -> None:
    story.play(0, 9)
    keep(story.core, minute(10, 19), minute(30, 39), minute(20, 29, min=30_000.0), minute(50, 59, energy_mwh="x"))
    story.core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert acked(story.core) == [[20, 29], [50, 59]], "nothing is durable, two are refused"
    assert {reject.reason for reject in story.core.rejects.newest()} == {"type", "power"}
    story.core.acks.clear()
    await story.core.history.commit()
    assert acked(story.core) == [[10, 19], [30, 39]]
    story.core.acks.clear()
    keep(story.core, minute(10, 19))
    story.play(40, 40)
    await story.core.history.commit()
    assert acked(story.core) == [[10, 19]]
    story.core.kill()
    await story.start()
    keep(story.core, minute(30, 39))
    story.core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert acked(story.core) == [[30, 39]], "it was durable before the hub was killed"


async def test_a_run_known_only_by_its_minutes_splits_the_gap_in_which_it_lies(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(1000)
    story.reason(NEXT, "power_on")
    story.play(0, 59, run=NEXT, energy_mwh=0)
    at = START + 500_000
    keep(
        story.core,
        *(minute(k, k + 59, energy_mwh=100 + k * 10, ts=at + k * 1000 + 59_000) for k in (0, 60, 120)),
        run=HIDDEN,
        reason="power_on",
    )
    await story.core.history.commit()
    assert acked(story.core, HIDDEN) == [[0, 179]]
    assert await story.gaps() == [("power_lost", None), ("power_lost", None)]
    (first, second) = await story.list()
    assert first[1] == at - 1000
    assert second[0] == at + 179_000
    assert rollup(story.core).count.sum() == 300


async def test_a_run_without_a_date_gives_its_gap_the_energy(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(1000)
    story.reason(NEXT, "power_on")
    story.play(0, 59, run=NEXT, energy_mwh=0)
    await story.core.history.merge()
    assert await story.gaps() == [("power_lost", None)]
    keep(story.core, minute(0, 0, energy_mwh=0), minute(1, 59, energy_mwh=7_000), run=HIDDEN, reason="power_on")
    await story.core.history.merge()
    keep(story.core, minute(60, 119, energy_mwh=16_000), run=HIDDEN)
    assert await story.gaps() == [("power_lost", pytest.approx(16_000))]
    buckets = rollup(story.core)
    assert buckets.estimated_mwh.sum() == pytest.approx(16_000)
    assert buckets.import_mwh.sum() == pytest.approx(59_000 + 16_000)
    assert len(buckets.start) > 15, "spread over the gap"
    assert story.core.history.state.series(SERIES).undated == {}


async def test_runs_without_dates_stand_in_order_of_delivery(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(1000)
    story.reason(NEXT, "power_on")
    story.play(0, 0, run=NEXT, energy_mwh=0)
    for run, mwh in (("d" * 16, 3000), ("e" * 16, 4000)):
        keep(story.core, minute(0, 0, energy_mwh=1), minute(1, 59, energy_mwh=mwh), run=run, reason="power_on")
    await story.core.history.merge()
    order = {stream.run: stream.order for stream in story.core.streams.of_series(SERIES) if stream.order}
    assert order[RUN] < order["d" * 16] < order["e" * 16] < order[NEXT]  # type: ignore[operator]
    story.play(1, 30, run=NEXT, energy_mwh=0)
    assert await story.gaps() == [("power_lost", pytest.approx(6998))]


async def test_a_run_stands_where_a_status_named_it_first_whenever_its_minutes_come(story: Story) -> None:
    story.play(0, 59)
    story.clock.run(500)
    last = "f" * 16
    older = {"status": "on", "run": NEXT, "oldest": 0, "reason": "watchdog", "older": [HIDDEN]}
    story.core.send(older, "status")
    story.play(0, 9, run=NEXT, energy_mwh=84_000)
    await story.core.history.merge()
    story.core.kill()
    await story.start()
    story.clock.run(500)
    story.reason(last, "watchdog")
    story.play(0, 9, run=last, energy_mwh=84_000)
    keep(story.core, minute(0, 0, energy_mwh=65_000), minute(1, 59, energy_mwh=80_000), run=HIDDEN)
    gaps = await story.gaps()
    assert gaps == [("restarted", pytest.approx(20_000)), ("restarted", pytest.approx(0))]
    assert imported(story.core) == pytest.approx(59_000 + 20_000), "the counter went on all the time"


async def test_a_counter_that_goes_on_from_flash_leaves_the_energy_unknown(story: Story) -> None:
    """It stands where the last minutes left it: what was counted after them went with the power."""
    story.play(0, 59)
    story.clock.run(1000)
    story.reason(NEXT, "power_on")
    for seq in range(5):
        story.clock.run(1)
        story.core.send(sample(seq, run=NEXT, energy_mwh=5000 + 359_000 + seq * 1000))
    keep(story.core, *(minute(k * 60, k * 60 + 59) for k in range(1, 6)))
    assert await story.gaps() == [("power_lost", None)]
    assert imported(story.core) == pytest.approx(359_000 + 4_000)


async def test_minutes_of_samples_without_a_date_wait_for_it(story: Story) -> None:
    story.clock.is_certain = False
    await story.core.stop()
    await story.start()
    story.play(0, 9)
    story.clock.run(60)
    story.play(70, 79, oldest=70)
    keep(story.core, minute(10, 69))
    await story.core.history.merge()
    assert len(rollup(story.core).start) == 0
    story.clock.is_certain = True
    story.play(80, 89)
    assert await story.gaps() == []
    assert imported(story.core, "1m") == pytest.approx(89_000)
    assert rollup(story.core).count.sum() == 90


async def test_nothing_is_taken_while_history_can_store_nothing(story: Story) -> None:
    story.play(0, 9)
    story.core.buffer.storing = False
    keep(story.core, minute(10, 19), minute(20, 29, min=99_999.0))
    story.core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    assert acked(story.core) == []


@pytest.mark.parametrize(
    "body",
    [
        {"run": RUN},
        {"run": "", "minutes": [minute(0, 9)]},
        {"run": "x" * 65, "minutes": [minute(0, 9)]},
        {"run": RUN + "/minutes", "minutes": [minute(0, 9)]},
        {"run": RUN, "channel": 99, "minutes": [minute(0, 9)]},
        {"run": RUN, "minutes": [minute(0, 9)] * 601},
        {"run": RUN, "minutes": [{"seq_from": "a"}]},
        {"run": RUN, "minutes": [minute(9, 0), minute(-1, 0), minute(0, 1 << 60)]},
        {
            "run": RUN,
            "minutes": [minute(0, 1 << 21), minute(0, 9, up=-1), minute(0, 9, on_s=-1), minute(0, 9, mean=1e9)],
        },
    ],
)
async def test_what_cannot_be_used_is_counted_and_stops_nothing(story: Story, body: dict[str, Any]) -> None:
    story.core.send(body, "telemetry/minutes")
    assert story.core.rejects.newest()
    assert story.core.streams.get("d1", 0, RUN + "/minutes") is None or not len(
        story.core.streams.get("d1", 0, RUN + "/minutes").settled  # type: ignore[union-attr]
    )
    story.play(0, 9)
    assert await story.gaps() == []


async def test_a_plug_that_knows_no_numbers_sends_null(story: Story) -> None:
    story.play(0, 9)
    keep(story.core, minute(10, 19, min=None, mean=None, max=None))
    story.clock.run(10)
    story.play(20, 29, oldest=20)
    assert await story.gaps() == []
    assert rollup(story.core).count.sum() == 30
    assert rollup(story.core).max_power.max() == 3600.0


async def test_thousands_that_come_at_once_are_merged_soon(story: Story) -> None:
    story.play(0, 59)
    await story.core.history.merge()
    urgent = story.core.history.schedule._urgent
    story.clock.run(36_000)
    story.play(36_060, 36_119, oldest=36_060)
    keep(story.core, *(minute(k * 60, k * 60 + 59) for k in range(1, 301)))
    await story.core.history.commit()
    assert not urgent(), "what an evening brings waits for the hour"
    keep(story.core, *(minute(k * 60, k * 60 + 59) for k in range(301, 601)))
    await story.core.history.commit()
    assert urgent()
    await story.core.history.merge()
    assert not urgent()
    assert rollup(story.core).count.sum() == 36_120


async def test_a_store_that_refuses_is_not_asked_at_every_commit(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("not now")

    story.play(0, 59)
    story.clock.run(36_000)
    story.play(36_060, 36_119, oldest=36_060)
    keep(story.core, *(minute(k * 60, k * 60 + 59) for k in range(1, 601)))
    with monkeypatch.context() as patched:
        for name in ("merge", "commit"):
            patched.setattr(story.core.store, name, refuse)
        assert not await story.core.history.merge()
        assert not story.core.history.schedule._urgent()
