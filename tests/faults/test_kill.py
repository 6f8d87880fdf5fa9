"""The hub is killed at random moments under load, by the kernel, with real plugs on a real network."""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from firmware.boards.desktop import DesktopPlug
from hub.history.gaps import GapRecord
from hub.plugins.contract import SeriesKey
from hub.testing.process import HubProcess
from tests.faults.archive import Archive, read

CONFIGURATION = """
network:
  mdns: false
history:
  commit_interval: 1 s
"""
KILLS = int(os.environ.get("KILLS", "10"))
INTERVAL_MS = 200  # the shortest that a plug takes
COMMIT_SAMPLES = 15  # of one commit interval and the next, and their writes
PATIENCE = 60  # seconds until a test gives up waiting


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    hub = HubProcess(CONFIGURATION)
    await hub.start()
    await hub.set_up()
    yield hub
    await hub.close()


async def make_plug(hub: HubProcess, hardware_id: str, outlets: int = 1) -> tuple[str, DesktopPlug]:
    device, secret = await hub.add_plug(hardware_id, channels=outlets)
    plug = DesktopPlug(
        "127.0.0.1",
        hub.mqtt_port,
        hardware_id,
        secret,
        outlets=outlets,
        interval_ms=INTERVAL_MS,
        ring_samples=20_000,
        backoff_max_ms=200,
    )
    await hub.call("PATCH", f"/devices/{device}", {"interval_ms": INTERVAL_MS})
    for number, meter in enumerate(plug.meters):
        meter.watts = 500 + 250 * number
    await start(plug)
    return device, plug


async def start(plug: DesktopPlug) -> None:
    """Power on, and note what the hub acknowledges."""
    await plug.start()
    for outlet in plug.plug.outlets:
        listen(outlet)
    await asyncio.wait_for(plug.wait_online(), PATIENCE)


def listen(outlet: Any) -> None:
    """Keep the newest (seq, seen) that an outlet was told in `acked`."""
    told = outlet.replay.ack
    outlet.acked = (-1, -1)

    def ack(session: str, seq: int, seen: int, now: int) -> bool:
        outlet.acked = (seq, seen)
        return bool(told(session, seq, seen, now))

    outlet.replay.ack = ack


def acknowledged(plug: DesktopPlug, channel: int) -> int:
    """The highest seq of the present run up to which the plug was told that nothing is missing."""
    return int(plug.plug.outlets[channel].acked[0])


async def until(condition: Callable[[], bool]) -> None:
    """Until it holds: plugs run in this process, and change nothing but while it waits."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


def holes(archive: Archive, series: SeriesKey) -> list[GapRecord]:
    """Every gap but the one that is open since the plug was stopped, and those in which the plug itself, on a busy
    machine, measured nothing between two samples that follow one another."""

    def stalled(gap: GapRecord) -> bool:
        left, right = gap.left, gap.right
        return left is not None and right is not None and left.run == right.run and right.seq == left.seq + 1

    return [gap for gap in archive.gaps[series] if gap.end is not None and not stalled(gap)]


async def more(plug: DesktopPlug, count: int) -> None:
    """Until each outlet has measured so often from now on."""
    rings = [outlet.ring for outlet in plug.plug.outlets]
    goals = [(ring, ring.next + count) for ring in rings]
    await until(lambda: all(ring.next >= goal for ring, goal in goals))


async def caught_up(plugs: list[DesktopPlug]) -> None:
    """Until everything that each plug has measured before now is acknowledged."""
    goals = [(p, c, p.plug.outlets[c].ring.next - 1) for p in plugs for c in range(len(p.meters))]
    await until(lambda: all(acknowledged(plug, channel) >= goal for plug, channel, goal in goals))


def check(archive: Archive, series: SeriesKey, measured: dict[tuple[str, int], tuple[object, ...]]) -> None:
    """Everything that was measured is there, once, as it was measured."""
    held = archive.samples[series]
    missing = measured.keys() - held.keys()
    double = [place for place, count in held.items() if count != 1]
    assert not missing, f"{len(missing)} of {len(measured)} are missing, e.g. {sorted(missing, key=lambda p: p[1])[:3]}"
    assert not double, f"{len(double)} are double, e.g. {double[:3]}"
    wrong = [place for place in measured if archive.power[series][place] != pytest.approx(measured[place][3], abs=0.06)]
    assert not wrong, f"{len(wrong)} differ from what was measured, e.g. {wrong[:3]}"


async def test_kills_lose_nothing_and_double_nothing(hub: HubProcess, tmp_path: Path) -> None:
    chance = random.Random(20261124)
    first, single = await make_plug(hub, "kill-single")
    second, double = await make_plug(hub, "kill-double", outlets=2)
    others = [await make_plug(hub, f"kill-{number}") for number in range(8)]
    plugs = [single, double, *(plug for _, plug in others)]
    outlets = [(first, single, 0), (second, double, 0), (second, double, 1), *((d, plug, 0) for d, plug in others)]
    for number in range(KILLS):
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        await hub.kill()
        promised = {
            SeriesKey(device, channel): (plug.run_id, acknowledged(plug, channel)) for device, plug, channel in outlets
        }
        archive = await read(hub.data, tmp_path / f"kill-{number}")
        for series, (run, seq) in promised.items():
            if seq < 0:
                continue
            there = {place for place in archive.samples.get(series, ()) if place[0] == run}
            lost = [n for n in range(seq + 1) if (run, n) not in there]
            assert not lost, f"kill {number}: {len(lost)} of {seq + 1} acknowledged samples are not on the disk"
        await hub.start()
    for plug in plugs:
        await asyncio.wait_for(plug.wait_online(), PATIENCE)
        await more(plug, max(0, 150 - min(outlet.ring.next for outlet in plug.plug.outlets)))
    await caught_up(plugs)
    for plug in plugs:
        await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "end")
    for device, plug, channel in outlets:
        series = SeriesKey(device, channel)
        measured = {p: v for p, v in plug.measured(channel).items() if p in archive.settled[series]}
        assert len(measured) > 100
        check(archive, series, measured)
        assert holes(archive, series) == []


async def test_hub_and_plug_killed_together_lose_at_most_a_commit_interval_and_say_so(
    hub: HubProcess, tmp_path: Path
) -> None:
    device, plug = await make_plug(hub, "kill-both")
    await caught_up([plug])
    await more(plug, 1)
    # A write that the machine's disk holds up is no loss of the hub's: power goes while none is overdue.
    await until(lambda: plug.plug.outlets[0].ring.next - 1 - acknowledged(plug, 0) <= COMMIT_SAMPLES)
    promised = acknowledged(plug, 0)
    before = plug.measured(0)
    await asyncio.gather(hub.kill(), plug.power_cut())
    await hub.start()
    await start(plug)
    await caught_up([plug])
    after = {place: v for place, v in plug.measured(0).items() if place[0] == plug.run_id}
    await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "end")
    series = SeriesKey(device, 0)
    held = archive.samples[series]
    lost = [place for place in before if place not in held]
    assert all(seq > promised for _, seq in lost), "an acknowledged sample is gone"
    assert len(lost) <= COMMIT_SAMPLES, "more than what one commit interval and its write hold"
    assert max(held.values()) == 1
    check(archive, series, {place: v for place, v in after.items() if place in archive.settled[series]})
    (gap,) = holes(archive, series)
    assert gap.cause == "power_lost"
    assert gap.energy_mwh is None, "the counter began anew: nobody knows what flowed meanwhile"


async def test_an_older_data_folder_is_filled_up_from_the_plug(hub: HubProcess, tmp_path: Path) -> None:
    device, plug = await make_plug(hub, "kill-restored")
    await caught_up([plug])
    assert await hub.stop() == 0
    backup = tmp_path / "backup"
    shutil.copytree(hub.data, backup)
    await hub.start()
    await asyncio.wait_for(plug.wait_online(), PATIENCE)
    await caught_up([plug])
    assert await hub.stop() == 0
    shutil.rmtree(hub.data)
    shutil.copytree(backup, hub.data)
    await hub.start()
    await asyncio.wait_for(plug.wait_online(), PATIENCE)
    await more(plug, 1)  # which only this hub can acknowledge
    await caught_up([plug])
    await until(lambda: plug.plug.outlets[0].acked[1] <= acknowledged(plug, 0))
    measured = plug.measured(0)
    await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "end")
    series = SeriesKey(device, 0)
    check(archive, series, {place: v for place, v in measured.items() if place in archive.settled[series]})
    assert holes(archive, series) == []


async def test_a_refused_sample_does_not_stop_the_ack(hub: HubProcess, tmp_path: Path) -> None:
    device, plug = await make_plug(hub, "kill-rejected")
    meter = plug.meters[0]
    await caught_up([plug])
    meter.watts = 60_000  # more than a plug can carry
    await more(plug, 2)
    meter.watts = 500
    await more(plug, 2)
    await caught_up([plug])
    await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "end")
    series = SeriesKey(device, 0)
    assert {gap.cause for gap in holes(archive, series)} == {"rejected"}
    refused = archive.settled[series] - archive.samples[series].keys()
    assert refused, "the hub took what cannot be"
