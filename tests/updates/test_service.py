"""Asking for new versions, with a clock that is moved and a server that is real."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hub.bus import Bus
from hub.config.schema import UpdatesSection
from hub.database import Database, SettingsTable
from hub.events import ProblemEnded, ProblemRaised
from hub.messages import HubError, Message, render
from hub.testing.clock import FakeClock
from hub.updates import Newest, Updates
from hub.updates.notice import LONGEST, milliseconds
from tests.updates.parts import NOW, Distributor, notice, public

HOUR, DAY = 3600.0, 86_400.0


class Home:
    """`updates` of a hub with this version; `problems` as an admin sees them."""

    def __init__(self, database: Database, distributor: Distributor) -> None:
        self.table = SettingsTable(database)
        self.distributor = distributor
        self.clock = FakeClock(milliseconds(NOW) + 60_000)
        self.bus = Bus()
        self.problems: dict[str, dict[str, Any]] = {}
        self.bus.subscribe(ProblemRaised, lambda event: self.problems.update({event.id: event.values}), "test")
        self.bus.subscribe(ProblemEnded, lambda event: self.problems.pop(event.id), "test")
        self.updates: Updates

    async def begin(self, version: str = "1.2.0", **declared: Any) -> Updates:
        """A start of the hub, with what it stored before."""
        await self.table.load()
        section = UpdatesSection(**{"url": self.distributor.url, "keys": (public(self.distributor.key),), **declared})
        self.updates = Updates(section, version=version, settings=self.table, bus=self.bus, clock=self.clock)
        await self.updates.start()
        return self.updates

    async def pass_time(self, seconds: float) -> int:
        """How many questions were asked meanwhile. Each is answered before the clock goes on."""
        before = len(self.distributor.requests)
        while seconds > 0:
            await self.clock.advance(min(seconds, 600.0))
            await self.updates.settled()
            seconds -= 600.0
        return len(self.distributor.requests) - before


@pytest.fixture
async def home(tmp_path: Path, distributor: Distributor) -> AsyncIterator[Home]:
    database = Database(tmp_path)
    await database.open()
    home = Home(database, distributor)
    distributor.publish(notice())
    yield home
    await home.updates.stop()
    await database.close()


async def refusal(home: Home) -> str:
    """Why asking now brings nothing."""
    with pytest.raises(HubError) as raised:
        await home.updates.ask()
    assert home.updates.failure == raised.value.message
    for language in ("en", "de"):
        assert render(raised.value.message, language) != raised.value.id
    return raised.value.id


async def test_nobody_is_asked_unless_it_is_allowed(home: Home) -> None:
    updates = await home.begin()
    assert not updates.check
    assert updates.source == "127.0.0.1"
    assert await home.pass_time(2 * DAY) == 0
    await updates.allow(True)
    assert await home.pass_time(60) == 1
    await updates.allow(False)
    assert await home.pass_time(2 * DAY) == 0


async def test_after_a_start_and_each_day_never_at_the_same_time(home: Home) -> None:
    updates = await home.begin(check=True)
    assert await home.pass_time(59) == 0
    assert await home.pass_time(15 * 60) == 1
    assert await home.pass_time(21 * HOUR) == 0
    assert await home.pass_time(5 * HOUR) == 1
    assert 5 <= await home.pass_time(6 * DAY) <= 7
    assert updates.newest == Newest("1.4.0", False, "https://releases.example/1.4.0", milliseconds(NOW))
    assert home.problems == {}, "a new version is no fault"


async def test_every_hub_asks_the_same(home: Home) -> None:
    await home.begin()
    await home.updates.ask()
    [(method, path, heads)] = home.distributor.requests
    assert (method, path) == ("GET", "/plughub.json")
    assert heads == {
        "Host": f"127.0.0.1:{home.distributor.port}",
        "User-Agent": "plughub",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


async def test_a_fault_that_is_mended_is_told_until_the_hub_is_updated(home: Home) -> None:
    home.distributor.publish(notice(secure_from="1.3.0"))
    updates = await home.begin()
    await updates.ask()
    assert updates.newest is not None
    assert updates.newest.security
    assert home.problems == {"updates-security": {"version": "1.4.0", "now": "1.2.0"}}
    await updates.stop()
    home.problems.clear()
    await home.begin()
    assert "updates-security" in home.problems, "over a restart, without asking"
    await home.updates.stop()
    home.problems.clear()
    await home.begin("1.3.0")
    assert home.updates.newest is not None
    assert not home.updates.newest.security
    assert home.problems == {}
    await home.updates.stop()
    assert (await home.begin("1.4.0")).newest is None


async def test_no_way_back_and_nothing_stale(home: Home) -> None:
    updates = await home.begin()
    await updates.ask()
    home.distributor.publish(notice("1.3.0", issued=NOW - timedelta(days=1)))
    assert await refusal(home) == "updates-rolled-back"
    home.distributor.publish(notice("1.5.0", issued=NOW + timedelta(days=3)))
    assert await refusal(home) == "updates-ahead"
    home.distributor.publish(notice())
    home.clock.step(90 * 86_400_000)
    assert await refusal(home) == "updates-expired"
    assert updates.newest is not None
    assert updates.newest.version == "1.4.0", "what was known stays known"
    assert home.problems["updates-failed"]["reason"] == Message("updates-expired", {"expires": "2027-02-28"})
    later = NOW + timedelta(days=90)
    home.distributor.publish(notice("1.3.9", issued=later, expires=later + timedelta(days=90)))
    await updates.ask()
    assert updates.failure is None
    assert home.problems == {}
    assert updates.newest.version == "1.3.9", "a version can be withdrawn by whoever may sign"


async def test_what_is_no_notice(home: Home) -> None:
    await home.begin()
    answers: list[tuple[web.Response | bytes, str]] = [
        (b"<html>Please sign in to the Wi-Fi</html>", "updates-unreadable"),
        (b"x" * LONGEST, "updates-unreadable"),
        (b"x" * (LONGEST + 1), "updates-too-large"),
        (web.Response(status=302, headers={"Location": home.distributor.url}), "updates-status"),
        (web.Response(status=404), "updates-status"),
        (web.Response(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b\x08"), "updates-unreadable"),
    ]
    for answer, why in answers:
        home.distributor.answer = answer
        before = len(home.distributor.requests)
        assert await refusal(home) == why
        assert len(home.distributor.requests) == before + 1, "a redirect is not followed"
    assert home.updates.newest is None


async def test_a_machine_that_is_not_trusted_is_not_asked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.begin()
    monkeypatch.delenv("SSL_CERT_FILE")
    assert await refusal(home) == "updates-unreachable"
    assert home.distributor.requests == []


async def test_silence_is_told_after_a_week(home: Home) -> None:
    await home.distributor.stop()
    await home.begin(check=True)
    await home.pass_time(HOUR)
    assert home.updates.failure is not None
    assert home.updates.failure.id == "updates-unreachable"
    assert home.problems == {}
    home.clock.step(1)
    await home.clock.advance(7 * DAY)
    await home.updates.settled()
    await home.pass_time(6 * HOUR)
    assert "updates-failed" in home.problems
    await home.distributor.start()
    await home.pass_time(6 * HOUR)
    assert home.problems == {}


async def test_silence_is_no_fault_of_a_hub_that_does_not_ask_by_itself(home: Home) -> None:
    await home.distributor.stop()
    updates = await home.begin()
    await home.clock.advance(8 * DAY)
    assert await refusal(home) == "updates-unreachable"
    assert home.problems == {}, "whoever asked was told"
    await updates.allow(True)
    await home.pass_time(6 * HOUR)
    assert home.problems == {}, "the week begins when it is allowed"


async def test_without_the_time_nothing_is_asked(home: Home) -> None:
    home.clock.is_certain = False
    updates = await home.begin(check=True)
    with pytest.raises(HubError, match="time"):
        await updates.ask()
    assert await home.pass_time(HOUR) == 0
    home.clock.is_certain = True
    assert await home.pass_time(600) == 1


async def test_another_distributor_counts_anew(home: Home) -> None:
    updates = await home.begin()
    await updates.allow(True)
    await home.pass_time(60)
    assert updates.newest is not None
    await updates.stop()
    updates = await home.begin(url=home.distributor.url + "?channel=2")
    assert updates.newest is None
    assert updates.check, "what the admin has set stays"


async def test_what_another_version_has_stored_keeps_no_hub_from_starting(home: Home) -> None:
    await home.table.load()
    await home.table.set("updates", {"check": True, "notice": {"version": 5}})
    updates = await home.begin()
    assert (updates.check, updates.newest) == (False, None)


async def test_what_the_configuration_says_stands(home: Home) -> None:
    updates = await home.begin(check=False)
    with pytest.raises(HubError) as declared:
        await updates.allow(True)
    assert declared.value.id == "updates-declared"
    await updates.stop()
    updates = await home.begin(url=None, keys=())
    assert updates.source is None
    for act in (updates.ask(), updates.allow(True)):
        with pytest.raises(HubError) as nobody:
            await act
        assert nobody.value.id == "updates-no-source"
    await updates.stop()
    await home.begin(url=None, keys=(), check=True)
    assert await home.pass_time(2 * DAY) == 0
