"""Retained messages: in memory at once, on the disk seldom."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from hub.database.tables import plug_retained
from hub.devices.retained import PlugRetained
from tests.devices.conftest import House


def status(**fields: Any) -> bytes:
    return json.dumps({"status": "on", **fields}).encode()


async def on_disk(house: House) -> dict[tuple[str, str], bytes]:
    async with house.database.transaction() as connection:
        return {(r.hardware_id, r.suffix): r.payload for r in await connection.execute(select(plug_retained))}


@pytest.fixture
async def retained(house: House) -> AsyncIterator[PlugRetained]:
    retained = PlugRetained(house.database, house.clock)
    await retained.load()
    yield retained
    await retained.stop()


async def test_memory_at_once_and_disk_after_a_minute(house: House, retained: PlugRetained) -> None:
    await retained.start()
    retained.set("plug-1", "status", status())
    retained.set("plug-2", "config", b"{}")
    assert retained.get("plug-1", "status") == status()
    assert retained.get("plug-1", "config") is None
    assert retained.all("status") == [("plug-1", status())]
    await house.clock.advance(59)
    assert await on_disk(house) == {}
    await house.clock.advance(1)
    await retained.stop()
    assert await on_disk(house) == {("plug-1", "status"): status(), ("plug-2", "config"): b"{}"}


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
    fresh = PlugRetained(house.database, house.clock)
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
