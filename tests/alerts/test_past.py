"""What has ended: who sees it, what stays of it over a restart, and its bounds."""

import pytest

from hub.alerts import Past
from hub.alerts.past import GATHER_S
from hub.client import HubClient
from hub.events import AlertChanged
from tests.alerts.conftest import Home
from tests.alerts.test_rest import HOT, doors

__all__ = ["doors"]


async def fires_and_ends(home: Home, watts: float = 2000) -> None:
    await home.measures(watts, 2)
    await home.measures(100, 12)


async def test_it_is_listed_the_newest_first(home: Home, doors: dict[str, HubClient]) -> None:
    alert = await doors["user"].add_alert(home.heater.id, "Left on", "power_above", **HOT)
    assert await doors["user"].ended_alerts() == []
    await fires_and_ends(home)
    [one] = await doors["user"].ended_alerts()
    assert one == {
        "alert": alert["id"],
        "device": home.heater.id,
        "channel": 0,
        "name": "Left on",
        "kind": "power_above",
        "threshold": 1500.0,
        "began": one["began"],
        "ended": one["began"] + 12_000,
        "detail": "Heater: over after 12 s.",
    }
    await fires_and_ends(home)
    await doors["user"].remove_alert(alert["id"])
    two, again = await doors["admin"].ended_alerts()
    assert again == one
    assert two["began"] > one["ended"]
    headers = {**await home.headers("user"), "Accept-Language": "de"}
    async with home.http.get("/api/v1/alerts/ended", params={"limit": 1}, headers=headers) as response:
        page = await response.json()
    assert (page["items"][0]["detail"], page["items"][0]["began"]) == ("Heater: nach 12 s vorbei.", two["began"])
    async with home.http.get("/api/v1/alerts/ended", params={"cursor": page["next"]}, headers=headers) as response:
        assert [item["began"] for item in (await response.json())["items"]] == [one["began"]]


async def test_who_sees_it_is_who_sees_the_plug_now(home: Home, doors: dict[str, HubClient]) -> None:
    await home.alert(hold_s=0)
    await fires_and_ends(home)
    assert await doors["guest"].ended_alerts() == []
    await home.registry.share(home.principal("admin"), home.heater.id, home.principal("guest").user, "view")
    assert len(await doors["guest"].ended_alerts()) == 1
    await home.registry.remove(home.principal("admin"), home.heater.id)
    assert await doors["admin"].ended_alerts() == []


async def test_it_is_there_after_a_restart(home: Home) -> None:
    def started_again() -> Past:
        return Past(home.alerts, home.registry, home.settings, bus=home.bus, clock=home.clock)

    await home.alert(hold_s=0)
    await fires_and_ends(home)
    before = home.past.list(home.principal("user"))
    await home.past.stop()
    again = started_again()
    await again.start()
    assert list(again.list(home.principal("user"))) == list(before) != []
    await fires_and_ends(home)
    await home.clock.advance(GATHER_S)
    await again.stop()
    await home.settings.load()
    third = started_again()
    await third.start()
    assert len(third.list(home.principal("user"))) == 2
    await third.stop()


async def test_what_another_version_kept_keeps_nothing_from_starting(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    await home.settings.set("alerts_past", [{"alert": 1}])
    again = Past(home.alerts, home.registry, home.settings, bus=home.bus, clock=home.clock)
    await again.start()
    assert again.list(home.principal("user")) == []
    assert "settings alerts_past" in caplog.text
    await again.stop()


async def test_only_so_many_are_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.alerts.past.MOST_PAST", 3)
    alert = await home.alert()
    for at in range(5):
        home.bus.publish(AlertChanged(alert.id, home.heater.id, 0, at, "resolved", at))
    home.bus.publish(AlertChanged("gone", home.heater.id, 0, 9, "resolved", 9))
    home.bus.publish(AlertChanged(alert.id, home.heater.id, 0, 9, "firing"))
    assert [one.ended for one in home.past.list(home.principal("user"))] == [4, 3, 2]
