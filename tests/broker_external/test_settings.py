"""What people write to use their own broker, and the lines that they are shown for its files."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.auth.principal import system
from hub.cli import main
from hub.cli.place import StoppedHub
from hub.config import load_configuration
from hub.config.schema import ExternalMqtt, ExternalTls
from hub.database.settings import LOGINS_BY_HAND
from hub.testing.process import HubProcess
from tests.broker_external.mosquitto import Mosquitto
from tests.broker_external.test_hub import configuration


def loaded(folder: Path, text: str, secrets: str = "") -> tuple[list[str], ExternalMqtt | None, str]:
    (folder / "configuration.yaml").write_text(text)
    (folder / "secrets.yaml").write_text(secrets)
    found = load_configuration(folder)
    lines = [problem.line("en") for problem in found.problems]
    external = None if lines else found.configuration().network.mqtt.external
    return lines, external, "\n".join(lines)


def test_all_of_it(tmp_path: Path) -> None:
    text = """
network:
  mqtt:
    external:
      host: broker.home
      username: hub
      password: !secret broker
      dynamic_security: true
      tls:
        ca: /etc/ssl/home.pem
"""
    lines, external, _ = loaded(tmp_path, text, 'broker: "12345"\n')
    assert lines == []
    tls = ExternalTls(ca="/etc/ssl/home.pem")
    assert external == ExternalMqtt("broker.home", None, "hub", "12345", tls, dynamic_security=True)


def test_tls_alone_is_the_systems_authorities(tmp_path: Path) -> None:
    _, external, _ = loaded(tmp_path, "network:\n  mqtt:\n    external:\n      host: b\n      tls: {}\n")
    assert external == ExternalMqtt("b", tls=ExternalTls())
    assert loaded(tmp_path, "network:\n  mqtt:\n    port: 1884\n")[1] is None


def test_mistakes_have_their_place_and_show_no_password(tmp_path: Path) -> None:
    text = """network:
  mqtt:
    external:
      prot: 1883
      password: !secret broker
      dynamic_security: on
      tls:
        ca: home.pem
"""
    lines, _, said = loaded(tmp_path, text, "broker: 12345\n")
    assert len(lines) == 5, said
    for place in ("3:5", "4:7", "5:17", "6:25", "8:13"):
        assert f"configuration.yaml:{place}" in said, said
    assert "whole path" in said
    assert "12345" not in said


@pytest.fixture
async def data(mosquitto: Mosquitto) -> AsyncIterator[Path]:
    """The data folder of a hub that has run with a broker of the home's own, and is stopped."""
    hub = HubProcess(configuration(mosquitto))
    await hub.start()
    await hub.set_up()
    assert await hub.stop() == 0
    yield hub.data
    await hub.close()


async def command(*arguments: str, data: Path) -> int:
    return await asyncio.to_thread(main, [*arguments, "--data", str(data)])


async def test_the_command_line_shows_the_lines_to_add(
    data: Path, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert await command("device", "add", "--hardware-id", "plug-one", "--name", "Lamp", data=data) == 0
    printed = capsys.readouterr()
    secret = printed.out.splitlines()[-1]
    lines = printed.err.splitlines()
    rules = lines[lines.index("Lines for its acl_file:") + 1 : -1]
    password = lines[lines.index("Line for the password_file of your broker:") + 1]
    assert secret not in printed.err
    mosquitto.add(password, rules)
    await mosquitto.reload()
    await mosquitto.publish("smartplug/plug-one/telemetry", "{}", login=("plug-one", secret))

    assert await command("device", "secret", "lamp", data=data) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() not in ("", secret)
    assert "plug-one:$7$" in printed.err
    assert await command("device", "secret", "nothing", data=data) == 1
    capsys.readouterr()

    assert await command("mqtt", "add", "panel", "--read", "smartplug/#", data=data) == 0
    assert "topic read smartplug/#" in capsys.readouterr().err


async def test_with_the_embedded_broker_there_is_nothing_to_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("device", "add", "--hardware-id", "plug-one", data=tmp_path) == 0
    assert "$7$" not in capsys.readouterr().err


async def test_whoever_hears_of_logins_hears_of_all(tmp_path: Path) -> None:
    async with StoppedHub(tmp_path).opened() as hub:
        heard: list[tuple[str, str | None]] = []
        hub.registry.on_login = hub.mqtt.on_login = lambda name, secret: heard.append((name, secret))
        principal = system(hub.people.homes.first.id)
        device, first = await hub.registry.add(principal, hardware_id="plug-one", name="Lamp")
        second = await hub.registry.new_secret(principal, device.id)
        _, third = await hub.registry.replace(principal, device.id, "plug-two")
        await hub.registry.remove(principal, device.id)
        _, fourth = await hub.mqtt.add(principal, name="panel", read=["a"], write=[])
        await hub.mqtt.remove(principal, "panel")
        assert heard == [
            ("plug-one", first),
            ("plug-one", second),
            ("plug-one", None),
            ("plug-two", third),
            ("plug-two", None),
            ("panel", fourth),
            ("panel", None),
        ]
        assert hub.settings.get(LOGINS_BY_HAND) is None
