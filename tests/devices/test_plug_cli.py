"""plughub device found, change, switch, identify, restart, share, shares, remove: on a running hub through its API."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hub.auth.principal import system
from hub.cli import main
from hub.clock import Clock
from hub.database import DataLock
from hub.devices.device import Device
from hub.devices.discovery import Found
from tests.api.house import House

Run = Callable[..., Awaitable[str]]


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A home with an admin, a user and a guest, whose hub runs."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    house = House(tmp_path, Clock())
    lock = DataLock(tmp_path)
    lock.acquire()
    await house.start()
    await house.move_in()
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    yield house
    await house.stop()
    lock.release()


@pytest.fixture
async def kettle(house: House) -> Device:
    return await house.plug("plug-1", name="Kettle")


@pytest.fixture
def plughub(house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`plughub device WORDS`; what it printed (on failure: its complaint)."""

    async def run(*words: str, code: int = 0, stdin: io.TextIOBase | None = None) -> str:
        monkeypatch.setattr(sys, "stdin", stdin or io.StringIO(""))
        assert await asyncio.to_thread(main, ["device", *words, "--data", str(house.data)]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


async def test_what_a_plug_is_and_who_sees_it(plughub: Run, house: House, kettle: Device) -> None:
    words = ("--name", "Big kettle", "--room", "Kitchen", "--icon", "lamp", "--private", "--always-on")
    assert await plughub("change", "kettle", *words, "--max-power", "2300", "--interval", "500") == (
        "Big kettle is changed.\n"
    )
    assert (kettle.name, kettle.room, kettle.icon, kettle.private, kettle.always_on) == (
        *("Big kettle", "Kitchen", "lamp", True, True),
    )
    assert (kettle.channels[0].max_power_w, kettle.interval_ms) == (2300, 500)
    await plughub("change", "kettle", "--no-room", "--no-private", "--no-max-power")
    assert (kettle.room, kettle.private, kettle.always_on) == (None, False, True), "what is not said stays"
    assert kettle.channels[0].max_power_w is None
    assert "--name" in await plughub("change", "kettle", code=1)
    assert "no plug toaster" in await plughub("change", "toaster", "--name", "x", code=1)
    assert "no outlet 3" in await plughub("change", "kettle", "--max-power", "9", "--channel", "3", code=1)


async def test_a_plug_that_nobody_sees_any_more_is_said(
    plughub: Run, kettle: Device, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["device", "change", "kettle", "--private", "--data", str(house.data)]
    assert await asyncio.to_thread(main, words) == 0
    assert "plughub device share kettle" in capsys.readouterr().err
    await plughub("share", "kettle", "user@example.org", "manage")
    assert await asyncio.to_thread(main, words) == 0
    assert capsys.readouterr().err == ""


async def test_a_word_in_place_of_a_number(plughub: Run, kettle: Device, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await plughub("change", "kettle", "--max-power", "much")
    said = capsys.readouterr().err
    assert "“much” is no whole number" in said
    assert "int" not in said.splitlines()[-1]


async def test_switching_waits_for_the_plug(plughub: Run, house: House, kettle: Device) -> None:
    assert "offline" in await plughub("switch", "kettle", "on", code=1)
    house.status(kettle, on=False)
    house.broker.answer = lambda _, message: house.status(kettle, on=True, command_id=message["id"])
    assert await plughub("switch", "kettle", "on") == "Kettle is on.\n"
    assert await plughub("identify", "kettle") == "Kettle blinks.\n"
    assert [message["command"] for _, _, message in house.broker.sent] == ["relay_on", "identify"]


async def test_sharing(plughub: Run, house: House, kettle: Device) -> None:
    assert await plughub("share", "kettle", "Guest@example.org", "control") == (
        "Guest@example.org has the share control on Kettle.\n"
    )
    lines = (await plughub("shares", "kettle")).splitlines()
    assert next(line for line in lines if "guest@" in line).split() == [
        *("guest@example.org", "guest", "guest", "control", "view")
    ]
    await plughub("share", "kettle", "guest@example.org", "none")
    assert house.registry.shares(system(house.home), kettle.id) == {}
    assert "Nobody here" in await plughub("share", "kettle", "eve@example.org", "view", code=1)


async def test_removing_asks_first(plughub: Run, house: House, kettle: Device) -> None:
    assert "Nothing was done" in await plughub("remove", "kettle", code=1)
    for answer in ("n", "y"):
        assert house.registry.device(kettle.id) is not None
        teller, terminal = os.openpty()
        os.write(teller, f"{answer}\n".encode())
        with os.fdopen(terminal) as typed:
            await plughub("remove", "kettle", code=1 if answer == "n" else 0, stdin=typed)
        os.close(teller)
    assert house.registry.device(kettle.id) is None
    lamp = await house.plug("plug-2", name="Lamp")
    assert (await plughub("remove", "lamp", "--yes")).startswith("Lamp is removed.")
    assert house.registry.device(lamp.id) is None


async def test_new_plugs_in_the_network(plughub: Run, house: House) -> None:
    assert await plughub("found") == "No new plug announces itself.\n"
    house.discovery.seen = [Found("plug-7c2f11", "Plug 7C2F", "smartplug-1", "192.168.1.40", "smartplug")]
    assert (await plughub("found")).splitlines()[1].split() == [
        *("plug-7c2f11", "Plug", "7C2F", "smartplug-1", "192.168.1.40")
    ]


async def test_plugs_of_another_home(plughub: Run, house: House, kettle: Device) -> None:
    await house.identity.homes.add(system(house.home), name="Hut")
    assert "no devices" in await plughub("list", "--home", "Hut")
    assert "no plug kettle" in await plughub("remove", "kettle", "--yes", "--home", "Hut", code=1)
    await plughub("add", "--hardware-id", "plug-9", "--name", "Stove", "--home", "Hut")
    assert "stove" in await plughub("list", "--home", "Hut")
    assert "stove" not in await plughub("list")


async def test_a_stopped_hub_says_that_it_has_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = await asyncio.to_thread(main, ["device", "remove", "kettle", "--yes", "--data", str(tmp_path / "none")])
    assert (code, "plughub run" in capsys.readouterr().err) == (1, True)
