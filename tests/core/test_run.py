"""`plughub run` as people start it: ports in use, a second hub, broken configuration, broken plugins, clean stops."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.testing.process import HubProcess, free_port

RAISES = '''
"""A plugin that raises in every hook."""
from hub.plugins import hookimpl

api = 1


@hookimpl
def plughub_device_driver(hub):
    raise RuntimeError("no driver today")


@hookimpl
def plughub_history_store(hub, config, data_folder):
    raise RuntimeError("no store today")


@hookimpl
def plughub_notifier(hub, config):
    raise RuntimeError("no notifier today")


@hookimpl
def plughub_config_schema():
    raise RuntimeError("no schema today")


@hookimpl
def plughub_sentences():
    raise RuntimeError("no sentences today")
'''
TRIPS = '''
"""A plugin that raises each time it hears of a new plug."""
from hub.events import DeviceAdded
from hub.plugins import hookimpl

api = 1


def trip(event):
    raise RuntimeError("tripped")


class Trips:
    name = "trips"

    async def notify(self, notification):
        pass

    async def close(self):
        pass


@hookimpl
def plughub_notifier(hub, config):
    hub.subscribe(DeviceAdded, trip)
    return Trips()
'''
FIVE_MISTAKES = """hub:
  log:
    level: loud
home:
  time_zone: Europe/Berln
network:
  http_port: 99999
  mdns: yes
  htp_port: 8080
"""


async def plughub(*arguments: str, language: str = "C.UTF-8") -> tuple[int, str]:
    """Run the command until it ends; returns its exit code and all that it printed."""
    environment = {**os.environ, "LC_ALL": language, "LANG": language}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    hub = HubProcess()
    yield hub
    await hub.close()


async def test_a_port_in_use_is_said_and_ends_the_start(hub: HubProcess, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = await plughub(
            "run",
            *("--host", "127.0.0.1", "--config", str(tmp_path / "c"), "--data", str(tmp_path / "d")),
            *("--http-port", str(free_port()), "--mqtt-port", str(port)),
        )
    assert code == 1
    assert str(port) in said
    assert "broker" in said
    assert "Traceback" not in said


async def test_the_demo_takes_the_next_free_port_and_remembers_it(tmp_path: Path) -> None:
    hub = HubProcess(arguments=("--demo",))
    try:
        with socket.create_server(("127.0.0.1", hub.mqtt_port)):
            await hub.start()
            moved = json.loads((hub.data / "demo.json").read_text())["broker"]["port"]
            assert moved != hub.mqtt_port
            async with asyncio.timeout(20):
                while f"MQTT on {moved}" not in hub.output():  # HTTP answers a little before
                    await asyncio.sleep(0.02)
            assert await hub.stop() == 0
        await hub.start()
        assert json.loads((hub.data / "demo.json").read_text())["broker"]["port"] == moved
    finally:
        await hub.close()


async def test_two_hubs_do_not_share_a_data_folder(hub: HubProcess, tmp_path: Path) -> None:
    await hub.start()
    code, said = await plughub(
        "run",
        *("--host", "127.0.0.1", "--config", str(tmp_path / "c"), "--data", str(hub.data)),
        *("--http-port", str(free_port()), "--mqtt-port", str(free_port())),
    )
    assert code == 1
    assert str(hub.data) in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_cleanly(hub: HubProcess, number: signal.Signals) -> None:
    await hub.start()
    assert await hub.stop(number) == 0
    assert "everything is saved" in hub.output()
    assert not (hub.data / "api.key").exists()


async def test_five_mistakes_are_told_at_once_each_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "configuration.yaml").write_text(FIVE_MISTAKES)
    for arguments in (("check", "--config", str(config)), ("run", "--config", str(config), "--data", str(tmp_path))):
        code, said = await plughub(*arguments)
        assert code == 1
        for place in ("3:12", "5:14", "7:14", "8:9", "9:3"):
            assert f"configuration.yaml:{place}" in said, said
        assert "Europe/Berlin" in said
        assert "http_port" in said
    _, german = await plughub("check", "--config", str(config), language="de_DE.UTF-8")
    assert "Meinst du „http_port“?" in german


async def test_a_plugin_that_raises_in_every_hook_is_shown_and_stops_nothing(hub: HubProcess) -> None:
    plugins = hub.config / "plugins"
    plugins.mkdir()
    (plugins / "raises.py").write_text(RAISES)
    (plugins / "typo.py").write_text("def broken(:\n")
    await hub.start()
    await hub.set_up()
    await hub.add_plug("still-works")
    listed = {plugin["name"]: plugin for plugin in (await hub.call("GET", "/plugins"))["items"]}
    assert listed["raises"]["state"] == "failed"
    assert listed["typo"]["state"] == "failed"
    assert listed["raises"]["detail"]
    assert "typo.py" in listed["typo"]["detail"] or "line 1" in listed["typo"]["detail"]
    assert {name for name, plugin in listed.items() if plugin["state"] == "loaded"} == {"ntfy", "smartplug", "sqlite"}
    assert "Traceback" in hub.output(), "a plugin's author finds the place in the log"


async def test_a_plugin_that_raises_as_it_runs_is_counted_and_goes_on(hub: HubProcess) -> None:
    (hub.config / "plugins").mkdir()
    (hub.config / "plugins" / "trips.py").write_text(TRIPS)
    (hub.config / "configuration.yaml").write_text("network:\n  mdns: false\nintegrations:\n  trips:\n")
    await hub.start()
    await hub.set_up()
    await hub.add_plug("one")
    await hub.add_plug("two")
    listed = {plugin["name"]: plugin for plugin in (await hub.call("GET", "/plugins"))["items"]}
    assert listed["trips"]["state"] == "loaded"
    assert listed["trips"]["errors"]["count"] == 2
    assert "RuntimeError: tripped" in listed["trips"]["errors"]["last"]
    assert listed["smartplug"]["errors"] == {"count": 0, "last": None}


async def test_a_ctrl_c_that_comes_twice_stops_in_order(hub: HubProcess) -> None:
    await hub.start()
    os.kill(hub.pid, signal.SIGINT)  # the terminal, to all in front
    os.kill(hub.pid, signal.SIGTERM)  # the script that started it
    assert await hub.stop() == 0
    assert "everything is saved" in hub.output()


@pytest.mark.parametrize("wrong", ["0", "-1", "65536", "80000", "x"])
async def test_a_port_that_is_none(tmp_path: Path, wrong: str) -> None:
    code, said = await plughub("run", "--data", str(tmp_path / "d"), f"--http-port={wrong}")
    assert code == 2
    assert f"{wrong} is no port" in said
