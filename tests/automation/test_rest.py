"""Schedules over the API: what each person sees and may change, and what is shown of the last run."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.client import ApiError, HubClient
from tests.api.house import PASSWORD
from tests.automation.conftest import Home, at

DUE = at("2026-03-24 18:00")
BOILER: dict[str, Any] = {"days": [0, 1, 2, 3, 4, 5, 6], "time": "18:00", "command": "relay_on"}


class Doors:
    """The API as each of them has it."""

    def __init__(self, home: Home) -> None:
        url = f"http://127.0.0.1:{home.server.port}"
        self.admin, self.user, self.guest = (HubClient(url) for _ in range(3))

    async def __aenter__(self) -> "Doors":
        for role in ("admin", "user", "guest"):
            await (await getattr(self, role).__aenter__()).login(f"{role}@example.org", PASSWORD)
        return self

    async def __aexit__(self, *error: Any) -> None:
        for role in ("admin", "user", "guest"):
            await getattr(self, role).__aexit__(None, None, None)


@pytest.fixture
async def doors(home: Home) -> AsyncIterator[Doors]:
    async with Doors(home) as doors:
        yield doors


async def refused(call: Any) -> tuple[int, str, str | None]:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value.status, caught.value.code, caught.value.field


async def test_round_trip(home: Home, doors: Doors) -> None:
    user = doors.user
    added = await user.add_schedule(home.plug.id, " Boiler ", **{**BOILER, "days": [4, 0, 4]})
    assert added == {
        "id": added["id"],
        "device": home.plug.id,
        "channel": 0,
        "name": "Boiler",
        "days": [0, 4],
        "time": "18:00",
        "command": "relay_on",
        "enabled": True,
        "author": home.principal("user").user,
        "may_change": True,
        "next": at("2026-03-27 18:00"),
        "last": None,
    }
    changed = await user.change_schedule(added["id"], days=[1], time="18:30", command="relay_off", name="Heater")
    assert changed == added | {
        "days": [1],
        "time": "18:30",
        "command": "relay_off",
        "name": "Heater",
        "next": at("2026-03-24 18:30"),
    }
    assert (await user.change_schedule(added["id"], enabled=False))["next"] is None
    assert [one["id"] for one in await user.schedules()] == [added["id"]]
    assert await user.schedules("another") == []
    await user.remove_schedule(added["id"])
    assert await user.schedules() == []
    await home.schedules.load()
    assert home.schedules.all() == []


async def test_each_step_is_in_the_audit_log(home: Home, doors: Doors) -> None:
    added = await doors.user.add_schedule(home.plug.id, "Boiler", **BOILER)
    await doors.user.change_schedule(added["id"], time="07:00")
    await doors.user.remove_schedule(added["id"])
    removal, change, addition = await doors.admin.audit(action="schedule")
    assert [line["action"] for line in (addition, change, removal)] == [
        *("schedule.add", "schedule.change", "schedule.remove"),
    ]
    assert (change["before"], change["after"]) == ({"time": "18:00"}, {"time": "07:00"})
    assert addition["after"]["device"] == home.plug.id
    assert removal["before"]["time"] == "07:00"


async def test_who_sees_and_changes_what(home: Home, doors: Doors) -> None:
    admin, user, guest = doors.admin, doors.user, doors.guest
    theirs = await admin.add_schedule(home.plug.id, "Boiler", **BOILER)
    await home.clock.advance(1)
    mine = await user.add_schedule(home.plug.id, "Boiler", **BOILER)
    assert [one["may_change"] for one in await user.schedules()] == [False, True]
    assert [one["may_change"] for one in await admin.schedules()] == [True, True]
    assert await guest.schedules() == []
    await home.registry.share(home.principal("admin"), home.plug.id, home.principal("guest").user, "control")
    assert [one["may_change"] for one in await guest.schedules()] == [False, False]
    assert await refused(guest.add_schedule(home.plug.id, "x", **BOILER)) == (403, "forbidden", None)
    assert await refused(user.change_schedule(theirs["id"], enabled=False)) == (403, "forbidden", None)
    assert await refused(user.remove_schedule(theirs["id"])) == (403, "forbidden", None)
    assert (await admin.change_schedule(mine["id"], time="07:00"))["author"] == home.principal("user").user
    await home.registry.change(home.principal("admin"), home.plug.id, private=True)
    assert await user.schedules() == []
    assert await refused(user.change_schedule(mine["id"], enabled=False)) == (404, "schedule-unknown", None)
    await home.identity.audit.flush()
    asked_for = await admin.audit(refused=True, object=mine["id"])
    assert [(line["action"], line["refused"]) for line in asked_for] == [("change_schedule", "schedule-unknown")]
    await admin.remove_schedule(mine["id"])
    assert [one["id"] for one in await admin.schedules()] == [theirs["id"]]


async def test_the_last_run_says_why_it_failed_in_the_readers_language(home: Home, doors: Doors) -> None:
    await doors.user.add_schedule(home.plug.id, "Boiler", **BOILER)
    home.there = False
    await home.until(DUE)
    [shown] = await doors.user.schedules()
    assert shown["last"] == {"at": DUE, "outcome": "failed", "detail": "Heater is offline. Nothing was sent."}
    headers = {**await home.headers("user"), "Accept-Language": "de"}
    async with home.http.get("/api/v1/schedules", headers=headers) as response:
        [german] = (await response.json())["items"]
    assert german["last"]["detail"] == "Heater ist offline. Es wurde nichts gesendet."


NO_SCHEDULE: list[tuple[dict[str, Any], str, str | None]] = [
    ({"time": "24:00"}, "field-format", "time"),
    ({"time": "6:30"}, "field-format", "time"),
    ({"time": "18:60"}, "field-format", "time"),
    ({"days": []}, "field-too-short", "days"),
    ({"days": [7]}, "field-too-large", "days[0]"),
    ({"days": [-1]}, "field-too-small", "days[0]"),
    ({"days": ["Monday"]}, "field-type", "days[0]"),
    ({"command": "toggle"}, "field-choice", "command"),
    ({"command": "reboot"}, "field-choice", "command"),
    ({"channel": 1}, "channel-unknown", "channel"),
    ({"name": "\u200b"}, "name-invalid", "name"),
    ({"author": "admin"}, "field-unknown", "author"),
    ({"device": "none"}, "device-unknown", None),
]


async def test_what_is_no_schedule(home: Home, doors: Doors) -> None:
    for fields, code, field in NO_SCHEDULE:
        body = {"device": home.plug.id, "name": "Boiler", **BOILER, **fields}
        status = 404 if code == "device-unknown" else 422
        assert await refused(doors.admin.call("POST", "/schedules", body)) == (status, code, field), fields
    assert await doors.admin.schedules() == []


async def test_a_home_has_a_bound(home: Home, doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.automation.schedules.MOST_SCHEDULES", 2)
    for _ in range(2):
        await doors.user.add_schedule(home.plug.id, "Boiler", **BOILER)
    assert (await refused(doors.user.add_schedule(home.plug.id, "Boiler", **BOILER)))[1] == "schedules-too-many"
