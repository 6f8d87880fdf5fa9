"""The firmware under MicroPython and under CPython against the real hub: command, kills, no hole."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from firmware.boards.desktop import DesktopPlug
from hub.plugins.contract import SeriesKey
from hub.testing.process import HubProcess
from tests.faults.archive import Archive, read
from tests.firmware.conftest import PlugProcess

CONFIGURATION = """
network:
  mdns: false
history:
  commit_interval: 1 s
"""
INTERVAL_MS = 200


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    made = HubProcess(CONFIGURATION)
    await made.start()
    await made.set_up()
    yield made
    await made.close()


async def switch(hub: HubProcess, device: str, command: str, channel: int) -> None:
    """Until the plug has confirmed it; before, it may not be connected yet."""
    async with asyncio.timeout(30):
        while True:
            try:
                await hub.call("POST", f"/devices/{device}/command", {"command": command, "channel": channel})
            except RuntimeError:
                await asyncio.sleep(0.2)
            else:
                return


def highest(archive: Archive, series: SeriesKey) -> int:
    """The seq up to which everything is settled, or -1 where there is a hole."""
    seqs = sorted(seq for _, seq in archive.settled.get(series, ()))
    return seqs[-1] if seqs == list(range(len(seqs))) and seqs else -1


async def test_killed_hub_no_hole(plug: PlugProcess, hub: HubProcess, tmp_path: Path) -> None:
    device, secret = await hub.add_plug("real-plug", channels=2)
    await hub.call("PATCH", f"/devices/{device}", {"interval_ms": INTERVAL_MS})
    outlets = [SeriesKey(device, channel) for channel in (0, 1)]
    await plug.start(
        port=hub.mqtt_port, login=["real-plug", secret], outlets=2, interval_ms=INTERVAL_MS, backoff_max_ms=300
    )
    await switch(hub, device, "relay_off", 1)
    for _ in range(2):
        await asyncio.sleep(1.5)  # some samples are committed, some are not
        await hub.kill()
        await asyncio.sleep(0.5)  # some are measured with no hub
        await hub.start()
    await switch(hub, device, "relay_on", 1)
    copies = 0
    async with asyncio.timeout(120):
        while True:
            await asyncio.sleep(1)
            assert await hub.stop() == 0  # what is being written cannot be copied
            copies += 1
            archive = await read(hub.data, tmp_path / f"copy-{copies}")
            if min(highest(archive, series) for series in outlets) > 30:
                break
            await hub.start()
    for series in outlets:
        assert set(archive.samples[series].values()) == {1}
        assert len(archive.samples[series]) == highest(archive, series) + 1
        assert len({run for run, _ in archive.samples[series]}) == 1
    powers = archive.power[outlets[1]]
    assert {0.0, 230.0} == set(powers.values())
    assert set(archive.power[outlets[0]].values()) == {230.0}


async def test_an_outage_longer_than_the_ring_leaves_no_gap(hub: HubProcess, tmp_path: Path) -> None:
    device, secret = await hub.add_plug("kept-plug")
    await hub.call("PATCH", f"/devices/{device}", {"interval_ms": INTERVAL_MS})
    plug = DesktopPlug(
        "127.0.0.1",
        hub.mqtt_port,
        "kept-plug",
        secret,
        interval_ms=INTERVAL_MS,
        ring_samples=10,
        backoff_max_ms=300,
        minutes_folder=str(tmp_path / "minutes"),
    )
    plug.settings.minute_ms = 400
    plug.settings.minutes_after_ms = plug.settings.minutes_write_ms = 500
    await plug.start()
    outlet = plug.plug.outlets[0]
    async with asyncio.timeout(60):
        while outlet.ring.next < 15:
            await asyncio.sleep(0.1)
        await hub.kill()
        away = outlet.ring.next
        while outlet.ring.next < away + 25:  # the ring moves on twice and more
            await asyncio.sleep(0.1)
        await hub.start()
        await plug.wait_online()
        back = outlet.ring.next
        while outlet.ring.next < back + 15 or plug.plug.minutes._log.segments:
            await asyncio.sleep(0.1)
    now = int(time.time() * 1000)
    found = await hub.call("GET", f"/gaps?device={device}&from={now - 3_600_000}&to={now}")
    await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "copy")
    missing = set(range(away, back)) - {seq for _, seq in archive.samples[SeriesKey(device, 0)]}
    assert missing, "the ring was long enough"
    assert [gap for gap in found["items"] if gap["to"] is not None] == []
