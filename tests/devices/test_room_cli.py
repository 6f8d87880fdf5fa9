"""plughub room list, add, rename, remove: on a running hub through its API, and on a stopped one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hub.cli import main
from hub.clock import Clock
from hub.database import DataLock
from tests.api.house import House

Run = Callable[..., Awaitable[str]]


@pytest.fixture(params=["running", "stopped"])
async def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """The data folder of a hub with two plugs in no room."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    lock, house = DataLock(tmp_path), House(tmp_path, Clock())
    lock.acquire()
    await house.start()
    await house.move_in()
    for number, name in enumerate(("Kettle", "Toaster")):
        await house.plug(f"plug-{number}", name=name, room=None)
    if request.param == "stopped":
        await house.stop()
        lock.release()
        yield tmp_path
        return
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    yield tmp_path
    await house.stop()
    lock.release()


@pytest.fixture
def plughub(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`plughub WORDS`; what it printed (on failure: its complaint)."""

    async def run(*words: str, code: int = 0) -> str:
        assert await asyncio.to_thread(main, [*words, "--data", str(data)]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


async def table(plughub: Run) -> list[list[str]]:
    lines = (await plughub("room", "list")).splitlines()[1:]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


async def test_a_room_from_its_making_to_its_end(plughub: Run) -> None:
    assert "There are no rooms yet." in await plughub("room", "list")
    assert (await plughub("room", "add", "Kitchen")).startswith("Kitchen was added.")
    await plughub("room", "add", "Hall")
    assert await table(plughub) == [["Kitchen"], ["Hall"]]
    assert await plughub("room", "rename", "kitchen", "Big kitchen") == "Kitchen is called Big kitchen now.\n"
    assert await table(plughub) == [["Big kitchen"], ["Hall"]]
    assert (await plughub("room", "remove", "Hall")).startswith("Hall is gone.")
    assert await table(plughub) == [["Big kitchen"]]


async def test_mistakes_are_said_and_change_nothing(plughub: Run) -> None:
    assert "There is no room Attic. The rooms of this home: –." in await plughub("room", "remove", "Attic", code=1)
    await plughub("room", "add", "Kitchen")
    await plughub("room", "add", "Hall")
    assert "There is a room called Kitchen already." in await plughub("room", "add", "Kitchen", code=1)
    assert "There is a room called Kitchen already." in await plughub("room", "rename", "Hall", "Kitchen", code=1)
    assert "Kitchen, Hall" in await plughub("room", "rename", "Attic", "Loft", code=1)
    assert await plughub("room", "add", " ", code=1) != ""
    assert await table(plughub) == [["Kitchen"], ["Hall"]]


@pytest.mark.parametrize("data", ["running"], indirect=True)
async def test_plugs_come_in_and_stay_when_it_goes(plughub: Run) -> None:
    await plughub("room", "add", "Kitchen")
    for key in ("kettle", "toaster"):
        await plughub("device", "change", key, "--room", "Kitchen")
    assert await table(plughub) == [["Kitchen", "Kettle, Toaster"]]
    await plughub("room", "rename", "Kitchen", "Galley")
    assert await table(plughub) == [["Galley", "Kettle, Toaster"]]
    assert "Galley" in await plughub("device", "list")
    await plughub("room", "remove", "Galley")
    assert "There are no rooms yet." in await plughub("room", "list")
    assert "Galley" not in await plughub("device", "list")
