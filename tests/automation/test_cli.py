"""plughub schedule: on a running hub through its API; a stopped one says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from hub.cli import main
from hub.cli.schedule import following, read_days, read_time, write_days
from hub.database import DataLock
from hub.messages import HubError
from tests.automation.conftest import Home, at

Run = Callable[..., Awaitable[str]]


@pytest.fixture
def plughub(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`plughub schedule WORDS`; what it printed (on failure: its complaint)."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    home.identity.keys.write_command_line_key(f"http://127.0.0.1:{home.server.port}")

    async def run(*words: str, code: int = 0) -> str:
        with DataLock(home.data):
            assert await asyncio.to_thread(main, ["schedule", *words, "--data", str(home.data)]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


async def test_a_pair_from_the_first_to_the_last_word(plughub: Run, home: Home) -> None:
    assert await plughub("list") == "There are no schedules.\n"
    added = (await plughub("add", "heater", "--on", "6:30", "--off", "08:00", "--days", "mon-fri")).splitlines()
    assert [line.split(": ")[1] for line in added] == ["Heater off at 08:00, mon-fri.", "Heater on at 06:30, mon-fri."]
    off, on = home.schedules.all()
    assert [line.split()[1] for line in added] == [f"{off.id}:", f"{on.id}:"]
    assert (off.name, off.days, off.author) == ("Heater", [0, 1, 2, 3, 4], None)

    assert await plughub("change", on.id, "--time", "12:30", "--days", "daily") == "Now: Heater on at 12:30, daily.\n"
    assert await plughub("change", off.id, "--disable") == "Paused now: Heater off at 08:00, mon-fri.\n"
    await home.until(at("2026-03-24 12:30"))
    heading, first, second = (await plughub("list", "--device", "heater")).splitlines()
    assert heading.split() == ["ID", "PLUG", "DOES", "AT", "DAYS", "NEXT", "LAST", "NAME"]
    assert first.split() == [off.id, "heater", "off", "08:00", "mon-fri", "paused", "–", "Heater"]
    assert second.split() == [
        *(on.id, "heater", "on", "12:30", "daily", "2026-03-25", "12:30", "2026-03-24", "12:30", "switched", "Heater")
    ]
    assert {one["id"]: one["last"] for one in json.loads(await plughub("list", "--json"))} == {
        off.id: None,
        on.id: {"at": at("2026-03-24 12:30"), "outcome": "confirmed", "detail": None},
    }

    assert await plughub("remove", off.id) == f"The schedule {off.id} is removed.\n"
    assert "There is no such schedule here." in await plughub("remove", off.id, code=1)
    assert [one.id for one in home.schedules.all()] == [on.id]


async def test_off_after_midnight_is_on_the_next_day(plughub: Run, home: Home) -> None:
    await plughub("add", "heater:0", "--on", "22:00", "--off", "06:00", "--days", "sat,sun", "--name", "Night")
    off, on = home.schedules.all()
    assert (on.days, off.days, on.name) == ([5, 6], [0, 6], "Night")


async def test_when_only_one_of_two_is_taken(plughub: Run, home: Home) -> None:
    for _ in range(199):
        await home.schedule()
    assert await plughub("add", "heater", "--on", "06:30", "--off", "08:00", code=1) == (
        "The second one was not added: A home has at most 200 schedules.\n"
    )
    assert home.schedules.all()[-1].command == "relay_off"


async def test_mistakes_are_said_and_change_nothing(plughub: Run, home: Home) -> None:
    kept = await home.schedule()
    for words, said in (
        (("add", "heater"), "Say when: --on 06:30, --off 08:00, or both."),
        (("add", "heater", "--on", "6:30", "--off", "06:30"), "--on and --off are the same time."),
        (("add", "heater", "--on", "24:00"), "24:00 is no time of day. Write 06:30."),
        (("add", "heater", "--on", "06:30", "--days", "weekend"), "weekend names no days."),
        (("add", "boiler", "--on", "06:30"), "There is no plug boiler."),
        (("list", "--device", "boiler"), "There is no plug boiler."),
        (("change", kept.id), "Say what changes:"),
        (("change", "nothing", "--enable"), "There is no such schedule here."),
        (("add", "heater", "--on", "06:30", "--name", "x" * 61), "The hub answered:"),
    ):
        assert said in await plughub(*words, code=1)
    assert home.schedules.all() == [kept]
    await home.registry.change(home.principal("admin"), home.plug.id, always_on=True)
    assert "always on" in await plughub("add", "heater", "--off", "08:00", code=1)
    with pytest.raises(SystemExit):
        await plughub("change", kept.id, "--enable", "--disable")


async def test_a_stopped_hub_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    await home.stop()
    home.stopped = True
    assert await asyncio.to_thread(main, ["schedule", "list", "--data", str(home.data)]) == 1
    assert "plughub run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "days", "written"),
    [
        ("daily", [0, 1, 2, 3, 4, 5, 6], "daily"),
        ("Mon-Fri", [0, 1, 2, 3, 4], "mon-fri"),
        ("sun, sat", [5, 6], "sat,sun"),
        ("fri-mon", [0, 4, 5, 6], "mon,fri-sun"),
        ("tue", [1], "tue"),
    ],
)
def test_days(text: str, days: list[int], written: str) -> None:
    assert read_days(text) == days
    assert write_days(days) == written
    assert read_days(written) == days


@pytest.mark.parametrize("text", ["", "mon-", "mon;tue", "m", "-fri", "mon-fri-sun"])
def test_no_days(text: str) -> None:
    with pytest.raises(HubError):
        read_days(text)


def test_times() -> None:
    assert read_time("6:05") == "06:05"
    assert following([4], "22:00", "06:00") == [5]
    assert following([4, 3], "06:00", "22:00") == [3, 4]
