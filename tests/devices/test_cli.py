"""plughub device, mqtt and user: on a stopped hub with its real files, and on one that runs."""

import asyncio
import hashlib
import io
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.auth.principal import system
from hub.broker.interface import Attempt
from hub.cli import main
from hub.cli.folders import default_config_dir, default_data_dir
from hub.cli.place import StoppedHub
from hub.clock import Clock
from hub.database import DataLock
from hub.events import PairingChanged
from tests.api.house import House as RunningHub
from tests.api.test_pairing import CODE, Label


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


async def command(*arguments: str, data: Path) -> int:
    """In a thread of its own: the command has an event loop of its own."""
    return await asyncio.to_thread(main, [*arguments, "--data", str(data)])


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningHub]:
    """The API over the real parts, with the lock and the key that a hub holds."""
    hub = RunningHub(tmp_path, Clock())
    with DataLock(tmp_path):
        await hub.start()
        await hub.move_in()
        hub.identity.keys.write_command_line_key(f"http://127.0.0.1:{hub.server.port}")
        yield hub
        await hub.stop()


def secret_in(text: str) -> str:
    [secret] = [line for line in text.splitlines() if len(line) == 64]
    return secret


async def test_device_on_a_stopped_hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    arguments = ("device", "add", "--hardware-id", "plug-1", "--name", "Kitchen lamp", "--room", "Kitchen")
    assert await command(*arguments, "--channels", "2", data=data) == 0
    printed = capsys.readouterr()
    assert "Kitchen lamp (kitchen-lamp) was added." in printed.out
    assert "this makes a new one" in printed.err
    assert await command("device", "add", "--hardware-id", "plug-2", data=data) == 0
    capsys.readouterr()
    assert await command("device", "list", data=data) == 0
    listed = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert [cells[0] for cells in listed] == ["KEY", "kitchen-lamp", "plug-2"]
    async with StoppedHub(data).opened() as hub:
        device = hub.registry.by_hardware("plug-1")
        assert device is not None
        assert (device.room, list(device.channels)) == ("Kitchen", [0, 1])
        assert hub.registry.secret_hash("plug-1") == hashlib.sha256(secret_in(printed.out).encode()).digest()


async def test_mistakes_are_said_and_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await command("device", "add", "--hardware-id", "plug-1", data=tmp_path) == 0
    capsys.readouterr()
    assert await command("device", "add", "--hardware-id", "plug-1", data=tmp_path) == 1
    assert capsys.readouterr().err == "The plug plug-1 has already been added.\n"
    assert await command("device", "add", "--hardware-id", "a b", data=tmp_path) == 1
    assert "hardware id" in capsys.readouterr().err
    assert await command("mqtt", "add", "reader", "--read", "a/#/b", data=tmp_path) == 1
    assert "a/#/b" in capsys.readouterr().err
    assert await command("mqtt", "remove", "reader", data=tmp_path) == 1
    assert "no login named reader" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        await command("device", "add", data=tmp_path)


async def test_mqtt_on_a_stopped_hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await command("mqtt", "list", data=tmp_path) == 0
    assert "no logins" in capsys.readouterr().out
    arguments = ("mqtt", "add", "reader", "--read", "smartplug/#", "--read", "a/+", "--write", "b")
    assert await command(*arguments, data=tmp_path) == 0
    secret = secret_in(capsys.readouterr().out)
    async with StoppedHub(tmp_path).opened() as hub:
        login = hub.mqtt.authenticate(Attempt("x", "reader", secret.encode(), "127.0.0.1", "mqtt"))
        assert login is not None
        assert (login.kind, login.read, login.write) == ("client", ("smartplug/#", "a/+"), ("b",))
    assert await command("mqtt", "list", data=tmp_path) == 0
    assert "smartplug/#, a/+" in capsys.readouterr().out
    assert await command("mqtt", "remove", "reader", data=tmp_path) == 0
    async with StoppedHub(tmp_path).opened() as hub:
        assert hub.mqtt.list(hub.principal) == []


async def test_user_on_a_stopped_hub(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("user", "add", "--email", "Ada@example.org", "--name", "Ada", "--role", "admin", "--password-stdin")
    monkeypatch.setattr(sys, "stdin", io.StringIO("copper lantern riddle\n"))
    assert await command(*arguments, data=tmp_path) == 0
    assert "was added as admin" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("password1234\n"))
    assert await command(*arguments, data=tmp_path) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert await command(*arguments, data=tmp_path) == 1
    assert "no password" in capsys.readouterr().err
    async with StoppedHub(tmp_path).opened() as hub:
        user, home = await hub.identity.logins.login("ada@example.org", "copper lantern riddle", "127.0.0.1")
        assert user.roles == {home.id: "admin"}
        assert hub.people.has_admin()


async def test_password_is_asked_for_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["copper lantern riddle", "copper lantern ridle", "copper lantern riddle", "copper lantern riddle"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    arguments = ("user", "add", "--email", "ada@example.org", "--name", "Ada")
    assert await command(*arguments, data=tmp_path) == 1
    assert "differ" in capsys.readouterr().err
    assert await command(*arguments, data=tmp_path) == 0


async def test_running_hub_is_asked_through_its_api(running: RunningHub, capsys: pytest.CaptureFixture[str]) -> None:
    data = running.data
    arguments = ("device", "add", "--hardware-id", "plug-1", "--name", "Lamp", "--room", "Kitchen")
    assert await command(*arguments, data=data) == 0
    secret = secret_in(capsys.readouterr().out)
    # In the running hub's memory at once: the plug may log in now.
    assert running.registry.secret_hash("plug-1") == hashlib.sha256(secret.encode()).digest()
    assert await command("device", "list", data=data) == 0
    assert "plug-1" in capsys.readouterr().out
    assert await command("mqtt", "add", "reader", "--read", "#", data=data) == 0
    secret = secret_in(capsys.readouterr().out)
    assert running.mqtt.authenticate(Attempt("x", "reader", secret.encode(), "127.0.0.1", "mqtt")) is not None
    assert await command("mqtt", "list", data=data) == 0
    assert "reader" in capsys.readouterr().out
    assert await command("mqtt", "remove", "reader", data=data) == 0
    assert running.mqtt.list(system(running.people.homes.first.id)) == []
    assert await command("device", "add", "--hardware-id", "plug-1", data=data) == 1
    assert "already been added" in capsys.readouterr().err


async def test_user_on_a_running_hub(running: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("copper lantern riddle\n"))
    arguments = ("user", "add", "--email", "zoe@example.org", "--name", "Zoe", "--password-stdin")
    assert await command(*arguments, data=running.data) == 0
    user, _ = await running.identity.logins.login("zoe@example.org", "copper lantern riddle", "127.0.0.1")
    assert user.name == "Zoe"


async def test_hub_that_holds_the_lock_but_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with DataLock(tmp_path):
        assert await command("device", "list", data=tmp_path) == 1
        assert "takes no commands yet" in capsys.readouterr().err
        (tmp_path / "api.key").write_text('{"url": "http://127.0.0.1:9", "key": "plughub_x"}')
        assert await command("device", "list", data=tmp_path) == 1
        assert "does not answer" in capsys.readouterr().err
        (tmp_path / "api.key").write_text("broken")
        assert await command("device", "list", data=tmp_path) == 1
    assert not (tmp_path / "registry.sqlite").exists()


async def test_wrong_key_is_refused(running: RunningHub, capsys: pytest.CaptureFixture[str]) -> None:
    key = running.data / "api.key"
    key.write_text(key.read_text().replace("plughub_", "plughub_x"))
    assert await command("device", "list", data=running.data) == 1
    assert "does not take the key" in capsys.readouterr().err


def test_default_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PLUGHUB_DATA", "PLUGHUB_CONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / ".local/share/plughub"
    assert default_config_dir() == tmp_path / ".config/plughub"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "x"))
    assert default_data_dir() == tmp_path / "x/plughub"
    monkeypatch.setenv("PLUGHUB_DATA", "~/hub")
    monkeypatch.setenv("PLUGHUB_CONFIG", os.fspath(tmp_path / "c"))
    assert default_data_dir() == tmp_path / "hub"
    assert default_config_dir() == tmp_path / "c"


RETENTION = """\
every measurement: 3 days
minutes and 5 minutes: as long as the home's
hours: 730 days
days: as long as the home's
"""


async def test_how_long_history_of_a_plug_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], running: RunningHub
) -> None:
    data = tmp_path / "stopped"
    await command("device", "add", "--hardware-id", "plug-1", data=data)
    await running.plug()
    for folder in (data, tmp_path):
        assert await command("device", "retention", "plug-1", "--raw", "3d", "--days", "1d", data=folder) == 0
        capsys.readouterr()
        assert await command("device", "retention", "plug-1", "--hours", "2y", "--days", "default", data=folder) == 0
        assert capsys.readouterr().out == RETENTION
        assert await command("device", "retention", "plug-1", data=folder) == 0
        assert capsys.readouterr().out == RETENTION
        assert await command("device", "retention", "plug-1", "--raw", "soon", data=folder) == 1
        assert "as in 3d" in capsys.readouterr().err
        assert await command("device", "retention", "plug-2", "--raw", "3d", data=folder) == 1
        assert "There is no plug plug-2." in capsys.readouterr().err


async def test_what_the_broker_has_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], running: RunningHub
) -> None:
    running.broker_counts = {"connections": 3, "plugs": 1, "clients": 2, "received": 500}
    assert await command("mqtt", "stats", data=tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "3 connections now, of them 1 plug and 2 other programs.",
        "500 messages of plugs since the start; nobody sent too fast.",
        "Nothing was refused or dropped.",
    ]
    running.broker_counts |= {"refused:login": 4, "dropped:away": 12, "throttled": 1}
    assert await command("mqtt", "stats", data=tmp_path) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[2:]] == [
        ["WHAT", "REASON", "COUNT"],
        ["refused", "login", "4"],
        ["dropped", "away", "12"],
    ]
    assert await command("mqtt", "stats", "--json", data=tmp_path) == 0
    assert '"login": 4' in capsys.readouterr().out
    assert await command("mqtt", "stats", data=tmp_path / "stopped") == 1
    assert "is not running" in capsys.readouterr().err


async def test_a_plug_is_paired_and_replaced_step_by_step(
    running: RunningHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = asyncio.Event()
    running.bus.subscribe(PairingChanged, lambda event: opened.set(), "test")

    async def paired(hardware_id: str, *arguments: str) -> list[str]:
        opened.clear()
        asked = ("--hardware-id", hardware_id, "--code", CODE)
        command_line = asyncio.create_task(command("device", *arguments, *asked, data=tmp_path))
        await opened.wait()
        await Label(running, hardware_id).pairs()
        assert await command_line == 0
        return capsys.readouterr().out.splitlines()

    steps = ["The plug is here.", "It knows the code, and so does the hub.", "It has got its own key."]
    assert (await paired("plug-1", "pair", "--name", "Lamp"))[1:] == [*steps, "Lamp is paired."]
    assert (await paired("plug-2", "replace", "lamp"))[1:] == [*steps, "Lamp is paired."]
    device = running.registry.by_hardware("plug-2")
    assert device is not None
    assert device.key == "lamp"
    assert await command("device", "replace", "none", "--hardware-id", "x-1", "--code", CODE, data=tmp_path) == 1


async def test_pairing_needs_a_running_hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await command("device", "pair", "--hardware-id", "plug-1", "--code", CODE, data=tmp_path) == 1
    assert "is not running" in capsys.readouterr().err
