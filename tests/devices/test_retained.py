"""Retained messages: in memory at once, on the disk seldom."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import select

from hub.database.tables import plug_retained
from hub.devices.retained import PlugRetained
from hub.events import Merged
from tests.devices.conftest import House


def status(**fields: Any) -> bytes:
    return json.dumps({"status": "on", **fields}).encode()


async def on_disk(house: House) -> dict[tuple[str, str], bytes]:
    async with house.database.transaction() as connection:
        return {(r.hardware_id, r.suffix): r.payload for r in await connection.execute(select(plug_retained))}


@pytest.fixture
async def retained(house: House) -> AsyncIterator[PlugRetained]:
    retained = PlugRetained(house.database, house.bus, house.clock)
    await retained.load()
    yield retained
    await retained.stop()


async def test_memory_at_once_and_settings_on_disk_after_a_minute(house: House, retained: PlugRetained) -> None:
    await retained.start()
    retained.set("plug-1", "status", status())
    retained.set("plug-2", "config", b"{}")
    assert retained.get("plug-1", "status") == status()
    assert retained.get("plug-1", "config") is None
    assert retained.all("status") == [("plug-1", status())]
    await house.clock.advance(59)
    assert await on_disk(house) == {}
    await house.clock.advance(1)
    await retained.written()
    assert await on_disk(house) == {("plug-1", "status"): status(), ("plug-2", "config"): b"{}"}


async def test_statuses_are_written_with_a_merge_all_at_once(house: House, retained: PlugRetained) -> None:
    await retained.start()
    with mock.patch.object(house.database, "transaction", wraps=house.database.transaction) as transaction:
        for minute in range(59):
            retained.set(f"plug-{minute}", "status", status())
            await house.clock.advance(60)
            await retained.written()
        assert not transaction.called
        house.bus.publish(Merged(house.clock.now(), house.clock.now()))
        await retained.written()
        assert transaction.call_count == 1
    assert len(await on_disk(house)) == 59


async def test_a_status_that_could_not_be_written_is_tried_again_after_a_minute(
    house: House, retained: PlugRetained
) -> None:
    await retained.start()
    retained.set("plug-1", "status", status())
    with closing(sqlite3.connect(house.database.path)) as other:
        other.execute("create trigger no before insert on plug_retained begin select raise(abort, 'no'); end")
    house.bus.publish(Merged(house.clock.now(), house.clock.now()))
    await retained.written()
    assert await on_disk(house) == {}
    with closing(sqlite3.connect(house.database.path)) as other:
        other.execute("drop trigger no")
    await house.clock.advance(60)
    await retained.written()
    assert await on_disk(house) == {("plug-1", "status"): status()}


async def test_only_substance_is_written(retained: PlugRetained) -> None:
    retained.set("plug-1", "status", status(rssi=-60, uptime=1, oldest=5, channels={"0": {"on": True, "oldest": 5}}))
    assert await retained.flush() == 1
    retained.set("plug-1", "status", status(rssi=-70, uptime=61, oldest=9, channels={"0": {"on": True, "oldest": 9}}))
    assert await retained.flush() == 0
    assert b"-70" in (retained.get("plug-1", "status") or b"")
    retained.set("plug-1", "status", status(rssi=-70, uptime=99, channels={"0": {"on": False, "oldest": 9}}))
    assert await retained.flush() == 1
    assert await retained.flush() == 0


async def test_there_and_back_within_a_minute_costs_nothing(retained: PlugRetained) -> None:
    retained.set("plug-1", "status", status())
    assert await retained.flush() == 1
    retained.set("plug-1", "status", b'{"status":"offline"}')
    retained.set("plug-1", "status", status(uptime=3))
    assert await retained.flush() == 0


async def test_empty_payload_deletes(house: House, retained: PlugRetained) -> None:
    retained.set("plug-1", "status", status())
    await retained.flush()
    retained.set("plug-1", "status", b"")
    assert retained.all("status") == []
    assert await retained.flush() == 1
    assert await on_disk(house) == {}
    retained.set("plug-1", "status", b"")
    assert await retained.flush() == 0


async def test_stop_writes_and_a_new_start_reads(house: House, retained: PlugRetained) -> None:
    await retained.start()
    retained.set("plug-1", "status", status(firmware="1.0"))
    retained.set("plug-1", "config", b"not json \xff")
    await retained.stop()
    fresh = PlugRetained(house.database, house.bus, house.clock)
    await fresh.load()
    assert fresh.get("plug-1", "status") == status(firmware="1.0")
    assert fresh.get("plug-1", "config") == b"not json \xff"
    fresh.set("plug-1", "config", b"not json \xff")
    assert await fresh.flush() == 0


async def test_many_plugs_in_one_flush(house: House, retained: PlugRetained) -> None:
    for number in range(2000):
        retained.set(f"plug-{number}", "status", status())
    assert await retained.flush() == 2000
    for number in range(2000):
        retained.set(f"plug-{number}", "status", b"")
    assert await retained.flush() == 2000
    assert await on_disk(house) == {}


async def test_failed_write_is_tried_again(house: House, retained: PlugRetained) -> None:
    retained.set("plug-1", "status", status())
    await house.database.close()
    with pytest.raises(RuntimeError):
        await retained.flush()
    await house.database.open()
    assert await retained.flush() == 1
