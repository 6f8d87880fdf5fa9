"""The first question about a year finds sums that were made before anybody asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.bus import Bus
from hub.events import Merged
from hub.history.calendar import DAY, HOUR
from hub.history.editions import Editions
from hub.history.query import Query
from hub.history.ready import FIRST_S, Ready
from hub.history.retention import Retention
from hub.plugins.contract import TIERS, Merge, RollupColumns, SeriesKey, StoreError
from hub.testing.clock import FakeClock
from hub.testing.traces import buckets
from integrations.storage.sqlite import recent, rollups
from integrations.storage.sqlite.store import SqliteStore
from tests.history_query.parts import FakeTail

KEYS = [SeriesKey("fridge"), SeriesKey("lamp")]
QUARTER = TIERS["15m"]
BEGIN = 1_700_000_000_000 // DAY * DAY
NOW = BEGIN + 400 * DAY + 7 * HOUR
ZONE = "Europe/Berlin"


def quarters(start: int, end: int, seed: int) -> RollupColumns:
    return buckets((end - start) // QUARTER, start=start, bucket_ms=QUARTER, seed=seed)


class House:
    """A store with more than a year of two outlets, of which nothing was ever asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock, self.bus, self.tail = FakeClock(NOW), Bus(), FakeTail()
        self.open()
        self.store.merge(Merge([], [(key, "15m", quarters(BEGIN, NOW, k)) for k, key in enumerate(KEYS)]))
        self.ready = Ready(
            self.store,
            self.tail,
            outlets=lambda: KEYS,
            zone=lambda _: ZONE,
            retention=lambda _: Retention(),
            bus=self.bus,
            clock=self.clock,
        )

    def open(self) -> None:
        self.store = SqliteStore(self.path)
        self.store.open()

    async def made(self) -> None:
        assert self.ready._task is not None
        await self.ready._task

    async def year(self) -> list[Any]:
        query = Query(self.store, self.tail, self.clock, zone=lambda _: ZONE, editions=Editions())
        return await query.several(KEYS, NOW - 365 * DAY, self.clock.now(), bucket="1d")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "history.sqlite")
    await house.ready.start()
    yield house
    await house.ready.stop()
    house.store.close()


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many chunks each reading unpacks."""
    found: list[int] = []

    def counted(decode: Callable[..., Any]) -> Callable[..., Any]:
        return lambda chunks, **options: found.append(len(chunks)) or decode(chunks, **options)

    for module in (rollups, recent):
        monkeypatch.setattr(module, "decode_rollups", counted(module.decode_rollups))
    return found


async def test_a_year_is_not_unpacked_when_somebody_asks_first(house: House, unpacked: list[int]) -> None:
    await house.clock.advance(FIRST_S)
    await house.made()
    assert sum(unpacked) > 20, "each month, once"
    unpacked.clear()
    found = await house.year()
    assert sum(unpacked) <= 2 * len(KEYS)
    house.store.merge(Merge([], []))
    house.store.close()
    house.open()
    unpacked.clear()
    again = await house.year()
    assert sum(unpacked) <= 4 * len(KEYS), "it is in the file"
    for key, one, other in zip(KEYS, found, again, strict=True):
        np.testing.assert_array_equal(one.energy_mwh, other.energy_mwh)
        whole = house.store.rollup(key, "15m", int(one.at[0]), NOW)
        assert one.total_mwh == pytest.approx(whole.import_mwh.sum(), abs=1e-6)
        assert len(one.at) == 366


async def test_behind_the_first_merge_of_each_day(house: House, unpacked: list[int]) -> None:
    house.bus.publish(Merged(NOW, NOW))
    assert house.ready._task is None, "a start has other work"
    await house.clock.advance(FIRST_S)
    await house.made()
    unpacked.clear()
    house.bus.publish(Merged(NOW, NOW))
    assert house.ready._task is not None
    assert house.ready._task.done(), "once a day"
    later = NOW // DAY * DAY + DAY + HOUR
    house.store.merge(Merge([], [(key, "15m", quarters(NOW // HOUR * HOUR, later, 7)) for key in KEYS]))
    house.clock.step(later - house.clock.now())
    house.bus.publish(Merged(later, later))
    await house.made()
    assert 0 < sum(unpacked) <= 30 * len(KEYS), "hours of two days, not the months before"
    unpacked.clear()
    await house.year()
    assert sum(unpacked) <= 2 * len(KEYS)


async def test_a_question_that_ends_earlier_takes_what_was_kept_for_a_later_one(
    house: House, unpacked: list[int]
) -> None:
    await house.clock.advance(FIRST_S)
    await house.made()
    query = Query(house.store, house.tail, house.clock, zone=lambda _: ZONE, editions=Editions())
    unpacked.clear()
    for ago in (1, 5, 9):
        end = NOW - ago * DAY
        (found, _) = await query.several(KEYS, NOW - 365 * DAY, end, bucket="1d")
        whole = house.store.rollup(KEYS[0], "15m", int(found.at[0]), int(found.at[-1]) + DAY)
        assert found.total_mwh == pytest.approx(whole.import_mwh.sum(), abs=1e-6)
    assert sum(unpacked) < 90


async def test_a_store_that_cannot_be_read_is_asked_again_the_next_day(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:

        def refuse(*_: Any) -> RollupColumns:
            raise StoreError("not now")

        broken.setattr(house.store, "sums", refuse)
        await house.clock.advance(FIRST_S)
        await house.made()
    assert "not now" in caplog.text
    house.clock.step(DAY)
    house.bus.publish(Merged(NOW + DAY, NOW + DAY))
    await asyncio.wait_for(house.made(), 10)
    assert house.store._fresh


async def test_what_is_kept_for_a_day_only_is_no_reason_to_stop(house: House, unpacked: list[int]) -> None:
    house.ready._retention = lambda series: Retention(days=1) if series == KEYS[0] else Retention()
    await house.clock.advance(FIRST_S)
    await house.made()
    unpacked.clear()
    await house.year()
    assert sum(unpacked) < 200, "the other one was made ready"
