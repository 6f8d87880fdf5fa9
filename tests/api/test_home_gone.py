"""A home is taken away while fifty requests write into it: each is told so in words, and nothing of it stays."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import aiohttp
import pytest

from hub.database.tables import metadata
from hub.testing.process import EMAIL, PASSWORD, HubProcess

TASKS = 50
AGENT = {"X-Plughub-Client": "program"}


class Garden:
    """Another home of the hub, seen by a session of its own."""

    def __init__(self, hub: HubProcess, http: aiohttp.ClientSession) -> None:
        self.hub, self.http = hub, http
        self.token = self.home = self.plug = self.link = ""
        self.statuses: dict[str, set[int]] = {}
        self.written = 0
        self.enough = asyncio.Event()

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", **AGENT}
        async with self.http.request(method, self.hub.url + path, json=body, headers=headers) as answer:
            value = None if answer.status == 204 else await answer.json(content_type=None)
            assert "problem" in answer.content_type or answer.status < 400
            return answer.status, value

    async def made(self, method: str, path: str, body: Any = None) -> Any:
        status, value = await self.ask(method, path, body)
        assert status < 300, (path, value)
        return value

    async def move_in(self) -> None:
        self.token = (await self.made("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD}))["access_token"]
        self.home = (
            await self.made("POST", "/homes", {"name": "Garden house", "time_zone": "UTC", "currency": "EUR"})
        )["id"]
        self.token = (await self.made("POST", "/account/home", {"home": self.home}))["access_token"]
        self.plug = (await self.made("POST", "/devices", {"name": "Pump", "hardware_id": "plug-pump"}))["device"]["id"]
        link = (await self.made("POST", "/invitations", {"role": "user"}))["link"]
        self.link = link.partition("#")[2]

    def wishes(self, number: int) -> list[tuple[str, str, Any]]:
        """What one of the tasks asks for, one after the other."""
        schedule = {"device": self.plug, "days": [0], "time": "07:00", "command": "relay_on"}
        alert = {"device": self.plug, "kind": "power_above", "threshold": 100.0}
        join = {
            "token": self.link,
            "name": "Eve",
            "email": f"eve-{number}@example.org",
            "password": "seven wooden boats",
        }
        filters = {"name": f"program-{number}", "read": ["x/#"]}
        wishes: list[tuple[str, str, Any]] = [
            ("POST", "/devices", {"name": f"Lamp {number}", "hardware_id": f"lamp-{number}", "room": f"Shed {number}"}),
            ("POST", "/rooms", {"name": f"Room {number}"}),
            ("POST", "/users", {"name": "Zoe", "email": f"zoe-{number}@example.org"}),
            ("POST", "/invitations", {"role": "guest"}),
            ("POST", "/mqtt-clients", filters),
            ("POST", "/schedules", {"name": f"Water {number}", **schedule}),
            ("POST", "/alerts", {"name": f"Flood {number}", **alert}),
            ("POST", "/auth/join", join),
            ("POST", "/account/keys", {"name": f"key {number}", "scopes": ["read"], "password": PASSWORD}),
            ("PATCH", "/homes/current", {"price": 0.3 + number / 1000}),
            ("PATCH", f"/devices/{self.plug}", {"name": f"Pump {number}"}),
            ("GET", "/devices", None),
        ]
        begin = number % len(wishes)
        return wishes[begin:] + wishes[:begin]

    async def write(self, number: int, before: int) -> None:
        """Until everything was asked for; after so many answers of all tasks the home goes."""
        for method, path, body in self.wishes(number):
            status, _ = await self.ask(method, path, body)
            self.statuses.setdefault(path.replace(self.plug, "PLUG"), set()).add(status)
            self.written += 1
            if self.written >= before:
                self.enough.set()


@pytest.fixture
async def garden() -> AsyncIterator[Garden]:
    hub = HubProcess()
    await hub.start()
    await hub.set_up()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        garden = Garden(hub, http)
        await garden.move_in()
        yield garden
    await hub.close()


@pytest.mark.parametrize("before", [5, 120])
async def test_a_home_goes_while_many_write_into_it(garden: Garden, before: int) -> None:
    hub = garden.hub
    writing = [asyncio.ensure_future(garden.write(number, before)) for number in range(TASKS)]
    await garden.enough.wait()
    await hub.call("DELETE", f"/homes/{garden.home}")
    await asyncio.gather(*writing)
    answered = set().union(*garden.statuses.values())
    assert not {status for status in answered if status >= 500}, garden.statuses
    assert answered & {401, 403, 404, 409, 410}
    # Every name that was used there is free again: nothing of it is in memory.
    for number in range(TASKS):
        await hub.call("POST", "/devices", {"name": "Lamp", "hardware_id": f"lamp-{number}"})
    await hub.call("POST", "/devices", {"name": "Pump", "hardware_id": "plug-pump"})
    assert [client["name"] for client in (await hub.call("GET", "/mqtt-clients"))["items"]] == []
    assert [user["email"] for user in (await hub.call("GET", "/users"))["items"]] == [EMAIL]
    assert [entry["home"]["id"] for entry in (await hub.call("GET", "/homes"))["items"]] == [hub.home]
    assert await hub.stop() == 0
    assert "Traceback" not in hub.output()
    assert left_behind(hub, garden) == {}
    await hub.start()
    hub.token = ""
    await hub.log_in()
    assert len((await hub.call("GET", "/devices"))["items"]) == TASKS + 1


def left_behind(hub: HubProcess, garden: Garden) -> dict[str, int]:
    """Rows of the home, of its plugs or of its people, by table."""
    found = {}
    with closing(sqlite3.connect(hub.data / "registry.sqlite")) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in metadata.sorted_tables:
            wanted = {"home": (garden.home,), "device": (garden.plug,), "id": (garden.home, garden.plug)}
            for column, ids in wanted.items():
                if column in table.columns:
                    marks = ",".join("?" * len(ids))
                    query = f'SELECT count(*) FROM "{table.name}" WHERE "{column}" IN ({marks})'
                    if count := connection.execute(query, ids).fetchone()[0]:
                        found[f"{table.name}.{column}"] = count
        people = connection.execute("SELECT count(*) FROM users").fetchone()[0]
        plugs = connection.execute("SELECT count(*) FROM devices").fetchone()[0]
    assert (people, plugs) == (1, TASKS + 1)
    return found
