"""A home restored on a fresh machine: real hub, real firmware; plugs go on without pairing, nothing is double."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.plugins.contract import SeriesKey
from hub.testing.process import PASSWORD, HubProcess
from tests.backup.home import PASSPHRASE
from tests.faults.archive import read
from tests.faults.test_kill import PATIENCE, acknowledged, caught_up, check, holes, make_plug, more

ROOT = Path(__file__).parents[2]
CONFIGURATION = f"""
network:
  mdns: false
history:
  commit_interval: 1 s
backup:
  passphrase: {PASSPHRASE}
"""


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    hub = HubProcess(CONFIGURATION)
    await hub.start()
    await hub.set_up()
    yield hub
    await hub.close()


async def plughub(*arguments: object, code: int = 0) -> str:
    """The command line as people use it."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PLUGHUB_PASSPHRASE": PASSPHRASE}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", *map(str, arguments)),
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == code, output.decode()
    return output.decode()


def folders(hub: HubProcess) -> tuple[object, ...]:
    return "--data", hub.data, "--config", hub.config


async def test_the_same_home_on_a_fresh_machine(hub: HubProcess, tmp_path: Path) -> None:
    device, plug = await make_plug(hub, "restored-plug")
    usb = tmp_path / "usb"
    usb.mkdir()
    await caught_up([plug])
    await plughub("backup", "--with-history", "--to", usb, *folders(hub))
    at_backup = acknowledged(plug, 0)
    await more(plug, 1)
    await caught_up([plug])
    await plughub("backup", "--with-history", "--to", usb, *folders(hub))
    second = acknowledged(plug, 0)
    assert second > at_backup >= 0
    await more(plug, 1)
    await caught_up([plug])
    last = acknowledged(plug, 0)
    assert last > second, "what came after the backup is lost with the machine"
    await hub.kill()

    fresh = HubProcess("", folder=tmp_path / "fresh")
    fresh.config.joinpath("configuration.yaml").unlink()
    said = await plughub("restore", usb, *folders(fresh))
    assert "plugs go on without pairing" in said
    assert (fresh.config / "configuration.yaml").read_text() == CONFIGURATION
    fresh.http_port, fresh.mqtt_port = hub.http_port, hub.mqtt_port
    session: list[tuple[int, int]] = []
    plug.plug.outlets[0].replay.ack = noting(plug.plug.outlets[0].replay.ack, session)
    await fresh.start()
    await fresh.log_in()
    [known] = (await fresh.call("GET", "/devices"))["items"]
    assert known["id"] == device
    await asyncio.wait_for(plug.wait_online(), PATIENCE)
    await caught_up([plug])
    assert session[0][0] < last, "the ack falls back to what the backup holds"
    measured = plug.measured(0)
    await plug.stop()
    assert await fresh.stop() == 0
    archive = await read(fresh.data, tmp_path / "end")
    series = SeriesKey(device, 0)
    check(archive, series, {p: v for p, v in measured.items() if p in archive.settled[series]})
    assert len(archive.samples[series]) > second
    assert {p for p in measured if p[1] <= second} <= archive.samples[series].keys()
    assert holes(archive, series) == []
    await fresh.close()


def noting(told: Any, session: list[tuple[int, int]]) -> Any:
    def ack(name: str, seq: int, seen: int, now: int) -> bool:
        session.append((seq, seen))
        return bool(told(name, seq, seen, now))

    return ack


async def test_the_home_without_history_gets_back_what_plugs_still_hold(hub: HubProcess, tmp_path: Path) -> None:
    device, plug = await make_plug(hub, "plain-plug")
    await caught_up([plug])
    await plughub("backup", *folders(hub))
    await caught_up([plug])
    await hub.kill()
    said = await plughub("restore", hub.data / "backups", *folders(hub), code=1)
    assert "--replace" in said
    said = await plughub("restore", hub.data / "backups", "--replace", *folders(hub))
    [before] = hub.data.glob("before-*")
    assert (before / "history.log").exists()
    assert not (hub.data / "history.log").exists()
    await hub.start()
    await caught_up([plug])
    measured = plug.measured(0)
    await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "end")
    series = SeriesKey(device, 0)
    check(archive, series, {p: v for p, v in measured.items() if p in archive.settled[series]})
    assert min(seq for _, seq in archive.samples[series]) == 0, "from the first sample on, out of the plug's memory"
    assert holes(archive, series) == []


async def test_the_api_and_the_command_line_of_a_running_and_a_stopped_hub(hub: HubProcess) -> None:
    state = await hub.call("POST", "/backups", {"history": True})
    async with asyncio.timeout(PATIENCE):
        while state["running"] is not None:
            await asyncio.sleep(0.05)
            state = (await hub.call("GET", "/backups"))["state"]
    [backup] = (await hub.call("GET", "/backups"))["items"]
    assert backup["verified"]
    assert backup["encrypted"]
    assert backup["history"]
    assert backup["name"] == state["last"]["name"]
    assert state["declared"] == ["passphrase"]
    assert PASSPHRASE not in json.dumps(state)
    changed = await hub.call("PATCH", "/backups/settings", {"keep": 2, "history": True})
    assert (changed["keep"], changed["history"]) == (2, True)
    with pytest.raises(RuntimeError, match="backup-declared"):
        await hub.call("PATCH", "/backups/settings", {"passphrase": "another sentence"})
    assert "encrypted" in await plughub("backup", *folders(hub))
    assert await hub.stop() == 0
    assert "written and checked" in await plughub("backup", *folders(hub))
    listed = await plughub("backup", "--list", *folders(hub))
    assert listed.count("home and history, encrypted") == 3
    newest = sorted((hub.data / "backups").glob("*.plughub"))[-1]
    assert "can be restored" in await plughub("restore", newest, "--check")
    assert PASSWORD.encode() not in newest.read_bytes()


async def test_a_running_hub_is_not_restored_over(hub: HubProcess) -> None:
    await plughub("backup", *folders(hub))
    said = await plughub("restore", hub.data / "backups", "--replace", *folders(hub), code=1)
    assert "Another hub is running" in said
