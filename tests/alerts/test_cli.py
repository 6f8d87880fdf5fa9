"""plughub alert on a running hub: the whole way of an alert, test messages, and what is refused."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hub.cli import main
from hub.database import DataLock
from tests.alerts.conftest import Home
from tests.alerts.test_delivery import Phone

Run = Callable[..., Awaitable[str]]


@pytest.fixture
def plughub(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`plughub alert WORDS`; what it printed (on failure: its complaint)."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    home.identity.keys.write_command_line_key(f"http://127.0.0.1:{home.server.port}")

    async def run(*words: str, code: int = 0, running: bool = True) -> str:
        lock = DataLock(home.data)
        if running:
            lock.acquire()
        try:
            assert await asyncio.to_thread(main, ["alert", *words, "--data", str(home.data)]) == code
        finally:
            if running:
                lock.release()
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


async def test_from_its_beginning_to_its_end(home: Home, plughub: Run) -> None:
    for words in (("--above", "1500", "--for", "10 min", "--name", "Left on"), ("--offline", "--name", "Away")):
        assert "is there" in await plughub("add", "heater", *words)
        await home.clock.advance(1)
    power, away = (line.split("  ") for line in (await plughub("list")).splitlines()[1:])
    assert [cell.strip() for cell in power if cell][1:5] == [
        "Left on",
        "heater",
        "above 1,500 W for 10 min",
        "all is well",
    ]
    assert [cell.strip() for cell in away if cell][1:5] == ["Away", "heater", "away", "all is well"]
    first = power[0]
    await plughub("change", first, "--for", "0 s", "--threshold", "0.5")
    await home.measures(100, 1)
    assert "fires" in await plughub("list", "--device", "heater", "--firing")
    await plughub("change", first, "--disable", "--name", "Hot")
    assert "fires" not in await plughub("list")
    assert [(one.name, one.enabled, one.threshold, one.hold_s) for one in home.alerts.all()] == [
        ("Hot", False, 0.5, 0),
        ("Away", True, None, 0),
    ]
    await plughub("remove", first)
    assert [one.name for one in home.alerts.all()] == ["Away"]


async def test_messages_on_trial(home: Home, plughub: Run) -> None:
    assert "nothing that delivers" in await plughub("test", code=1)
    home.notifiers = {"phone": (phone := Phone()), "tablet": (tablet := Phone())}
    assert await plughub("test") == "phone: the message arrived.\ntablet: the message arrived.\n"
    tablet.refusals = 2
    assert "tablet: The message did not arrive." in await plughub("test", code=1)
    assert await plughub("test", "phone") == "phone: the message arrived.\n"
    assert len(phone.got) == 3
    assert "of the name pigeon" in await plughub("test", "pigeon", code=1)


async def test_what_does_not_work_is_said(home: Home, plughub: Run) -> None:
    offline = ("--offline", "--name", "x")
    assert "no plug cellar" in await plughub("add", "cellar", *offline, code=1)
    assert "no plug cellar" in await plughub("list", "--device", "cellar", code=1)
    assert "outlet" in await plughub("add", "heater:3", *offline, code=1)
    assert "outlet" in await plughub("add", "heater:x", *offline, code=1)
    assert "no time" in await plughub("add", "heater", *offline, "--for", "2 d", code=1)
    assert "Nothing to change" in await plughub("change", "x", code=1)
    assert "no such alert" in await plughub("change", "x", "--enable", code=1)
    assert "no such alert" in await plughub("remove", "x", code=1)
    assert "not running" in await plughub("list", code=1, running=False)
    assert home.alerts.all() == []
