"""Alerts over the API: what each person sees and may change, and how their states are shown."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hub.client import ApiError, HubClient
from tests.alerts.conftest import Home
from tests.api.house import PASSWORD

HOT: dict[str, Any] = {"threshold": 1500, "hold_s": 0}


@pytest.fixture
async def doors(home: Home) -> AsyncIterator[dict[str, HubClient]]:
    async with AsyncExitStack() as stack:
        found = {}
        for role in ("admin", "user", "guest"):
            found[role] = await stack.enter_async_context(HubClient(f"http://127.0.0.1:{home.server.port}"))
            await found[role].login(f"{role}@example.org", PASSWORD)
        yield found


async def refused(call: Any) -> tuple[int, str, str | None]:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value.status, caught.value.code, caught.value.field


async def test_round_trip(home: Home, doors: dict[str, HubClient]) -> None:
    user = doors["user"]
    added = await user.add_alert(home.heater.id, " Left on ", "power_above", **HOT)
    assert added == {
        "id": added["id"],
        "device": home.heater.id,
        "channel": 0,
        "name": "Left on",
        "kind": "power_above",
        "threshold": 1500.0,
        "hold_s": 0,
        "enabled": True,
        "author": home.principal("user").user,
        "may_change": True,
        "state": "ok",
        "since": None,
        "detail": None,
    }
    assert (await user.change_alert(added["id"], name="Hot", hold_s=5)) == added | {"name": "Hot", "hold_s": 5}
    await user.change_alert(added["id"], hold_s=0)
    await home.measures(2000, 1)
    [firing] = await user.alerts(home.heater.id)
    since = home.alerts.all()[0].since
    assert (firing["state"], firing["since"]) == ("firing", since)
    assert firing["detail"] == "Heater draws 2,000 W, more than 1,500 W."
    headers = {**await home.headers("user"), "Accept-Language": "de"}
    for state, count in (("firing", 1), ("ok", 0)):
        async with home.http.get("/api/v1/alerts", params={"state": state}, headers=headers) as response:
            items = (await response.json())["items"]
        assert len(items) == count
        assert not items or items[0]["detail"] == "Heater zieht 2.000 W, mehr als 1.500 W."
    await user.remove_alert(added["id"])
    assert await user.alerts() == []
    actions = [line["action"] for line in await doors["admin"].audit(action="alert")]
    assert actions == ["alert.remove", "alert.change", "alert.change", "alert.add"]


async def test_who_sees_and_changes_what(home: Home, doors: dict[str, HubClient]) -> None:
    admin, user, guest = doors.values()
    theirs = await admin.add_alert(home.heater.id, "x", "power_above", **HOT)
    await home.clock.advance(1)
    mine = await user.add_alert(home.heater.id, "x", "offline", hold_s=60)
    assert [one["may_change"] for one in await user.alerts()] == [False, True]
    assert [one["may_change"] for one in await admin.alerts()] == [True, True]
    assert await guest.alerts() == []
    assert await refused(guest.add_alert(home.heater.id, "x", "offline")) == (403, "forbidden", None)
    await home.registry.share(home.principal("admin"), home.heater.id, home.principal("guest").user, "view")
    assert [one["may_change"] for one in await guest.alerts()] == [False, False]
    assert await refused(user.change_alert(theirs["id"], enabled=False)) == (403, "forbidden", None)
    assert await refused(user.remove_alert(theirs["id"])) == (403, "forbidden", None)
    await home.registry.share(home.principal("admin"), home.heater.id, home.principal("user").user, "view")
    assert await refused(user.add_alert(home.heater.id, "x", "offline")) == (403, "forbidden", None)
    assert await refused(user.change_alert(mine["id"], hold_s=1)) == (403, "forbidden", None)
    await user.remove_alert(mine["id"])
    await home.registry.change(home.principal("admin"), home.heater.id, private=True)
    await home.registry.share(home.principal("admin"), home.heater.id, home.principal("user").user, None)
    assert await user.alerts() == []
    assert await refused(user.remove_alert(theirs["id"])) == (404, "alert-unknown", None)


NO_ALERT: list[tuple[dict[str, Any], str, str | None]] = [
    ({"threshold": None}, "alert-threshold-missing", "threshold"),
    ({"kind": "offline"}, "alert-threshold-needless", "threshold"),
    ({"kind": "too_hot"}, "field-choice", "kind"),
    ({"threshold": 25_001}, "field-too-large", "threshold"),
    ({"threshold": "hot"}, "field-type", "threshold"),
    ({"hold_s": -1}, "field-too-small", "hold_s"),
    ({"hold_s": 86_401}, "field-too-large", "hold_s"),
    ({"hold_s": 1.5}, "field-type", "hold_s"),
    ({"channel": 3}, "channel-unknown", "channel"),
    ({"name": " "}, "name-invalid", "name"),
    ({"since": 1}, "field-unknown", "since"),
    ({"device": "none"}, "device-unknown", None),
]


async def test_what_is_no_alert(home: Home, doors: dict[str, HubClient]) -> None:
    for fields, code, field in NO_ALERT:
        body = {"device": home.heater.id, "name": "x", "kind": "power_above", **HOT, **fields}
        status = 404 if code == "device-unknown" else 422
        assert await refused(doors["admin"].call("POST", "/alerts", body)) == (status, code, field), fields
    assert home.alerts.all() == []


async def test_a_home_has_a_bound(home: Home, doors: dict[str, HubClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.alerts.alerts.MOST_ALERTS", 1)
    first = await doors["user"].add_alert(home.heater.id, "x", "offline")
    assert (await refused(doors["user"].add_alert(home.heater.id, "x", "offline")))[1] == "alerts-too-many"
    threshold = doors["user"].change_alert(first["id"], threshold=5)
    assert await refused(threshold) == (422, "alert-threshold-needless", "threshold")


async def test_it_says_how_long_it_has_been_so(home: Home, doors: dict[str, HubClient]) -> None:
    held = await home.alert(name="held", hold_s=60)
    at_once = await home.alert(name="at once", hold_s=0)
    await home.measures(2000, 61)
    details = {one["id"]: one["detail"] for one in await doors["user"].alerts()}
    assert details[held.id] == "Heater has drawn more than 1,500 W for 1 min, now 2,000 W."
    await home.measures(1800, 7200, every=60)
    details = {one["id"]: one["detail"] for one in await doors["user"].alerts()}
    said = "Heater has drawn more than 1,500 W for 2 h 01 min, now 1,800 W."
    assert (details[held.id], details[at_once.id]) == (said, said)
    assert home.texts[0] == "Heater draws 2,000 W, more than 1,500 W.", "what was told was so then"
