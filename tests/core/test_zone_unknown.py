"""A registry in which homes have a time zone that this machine does not know: the hub runs, by UTC, and says so."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.auth.passwords import Passwords
from hub.testing.process import EMAIL, PASSWORD, HubProcess
from tests.database.freeze import FOLDER


async def put_in(path: Path) -> None:
    """An old registry whose homes are in tim-1 and tim-2, with an admin who can sign in and a schedule that can run."""
    passwords = Passwords()
    hashed = await passwords.hash(PASSWORD)
    passwords.close()
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript((FOLDER / "0004.sql").read_text(encoding="utf-8"))
        connection.execute(
            "UPDATE users SET email = ?, language = 'en', password_hash = ?, disabled = 0, totp = NULL, "
            "totp_step = NULL WHERE id = 'id-1'",
            (EMAIL, hashed),
        )
        connection.execute("UPDATE schedules SET days = '[0, 1, 2, 3, 4, 5, 6]', time = '06:00'")


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    hub = HubProcess()
    yield hub
    await hub.close()


async def problem(hub: HubProcess) -> str:
    found = (await hub.call("GET", "/system/problems"))["items"]
    [told] = [each["detail"] for each in found if each["id"] == "home-zone-unknown"]
    return str(told)


async def test_the_hub_runs_by_utc_and_tells_which_homes_lack_a_zone(hub: HubProcess) -> None:
    await put_in(hub.data / "registry.sqlite")
    await hub.start()
    await hub.log_in()
    assert (await hub.call("GET", "/homes/current"))["time_zone"] == "UTC"
    before = await problem(hub)
    await hub.call("PATCH", "/homes/current", {"time_zone": "Europe/Berlin"})
    after = await problem(hub)
    assert await hub.stop() == 0, hub.output()
    assert "nam-1 (tim-1)" in before
    assert "nam-2 (tim-2)" in before
    assert "tim-1" not in after
    assert "tim-2" in after
