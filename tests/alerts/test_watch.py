"""States: ok → pending → firing → resolved, by hold times, over gaps and restarts, each told once."""

from typing import Any

import pytest

from hub.auth.audit import Asked
from hub.auth.principal import system
from hub.events import SampleReceived
from hub.messages import HubError
from hub.sample import Sample
from tests.alerts.conftest import Home


async def test_it_fires_after_its_hold_time_and_ends_after_it(home: Home) -> None:
    alert = await home.alert()
    await home.measures(200, 10)
    assert home.state(alert) == "ok"
    since = home.clock.now()
    await home.measures(2000, 60)
    standing = home.watch.standing(alert)
    assert (standing.state, standing.since) == ("pending", since)
    await home.measures(1984.4, 1)
    assert standing.state == "firing"
    assert standing.since == since + 60_000 == alert.since
    assert home.texts == ["Heater has drawn more than 1,500 W for 1 min, now 1,984 W."]
    await home.measures(2000, 300)
    await home.measures(100, 60)
    assert standing.state == "firing"
    await home.measures(100, 1)
    assert (standing.state, alert.since) == ("resolved", None)
    assert home.texts[1:] == ["Heater: over after 6 min."]
    assert home.changes == ["firing", "resolved"]
    assert [(one.title, one.priority, one.tags) for one in home.said] == [
        ("Left on", 4, ("warning",)),
        ("Left on", 3, ("white_check_mark",)),
    ]
    await home.measures(2000, 30)
    assert standing.state == "pending"
    await home.measures(100, 1)
    assert standing.state == "ok"


async def test_what_comes_and_goes_neither_fires_nor_ends_anything(home: Home) -> None:
    alert = await home.alert(hold_s=20)
    for _ in range(10):
        await home.measures(2000, 20)
        await home.measures(100, 1)
    assert home.changes == []
    await home.measures(2000, 21)
    for _ in range(10):
        await home.measures(100, 20)
        await home.measures(2000, 1)
    assert home.changes == ["firing"]
    assert home.state(alert) == "firing"


async def test_without_a_hold_time_it_fires_at_once_and_still_does_not_flap(home: Home) -> None:
    await home.alert(hold_s=0)
    for _ in range(20):
        await home.measures(2000, 1)
        await home.measures(100, 9)
    assert home.changes == ["firing"]
    await home.measures(100, 11)
    assert home.changes == ["firing", "resolved"]
    assert home.texts[0] == "Heater draws 2,000 W, more than 1,500 W."


@pytest.mark.parametrize(
    ("kind", "watts", "fires"),
    [
        ("power_above", 1500.0, False),
        ("power_above", 1500.1, True),
        ("power_below", 1500.0, False),
        ("power_below", 1499.9, True),
    ],
)
async def test_the_threshold_itself_is_well(home: Home, kind: str, watts: float, fires: bool) -> None:
    await home.alert(kind=kind, hold_s=0)
    await home.measures(watts, 1)
    assert home.changes == (["firing"] if fires else [])


async def test_below(home: Home) -> None:
    await home.registry.change(system(home.home), home.heater.id, interval_ms=60_000)
    await home.alert(kind="power_below", threshold=5.5, hold_s=3600)
    await home.measures(2.34, 3660, every=60)
    assert home.texts == ["Heater has drawn less than 5.5 W for 1 h, now 2.3 W."]


async def test_other_outlets_and_samples_without_power_are_not_its_business(home: Home) -> None:
    alert = await home.alert(hold_s=0)
    home.sample(home.heater, 2000, channel=1)
    other = await home.plug("plug-2")
    home.sample(other, 2000)
    home.bus.publish(SampleReceived(home.heater.id, 1, Sample(voltage=230.0)))
    assert home.state(alert) == "ok"
    assert home.watch._power.keys() == {(home.heater.id, 0)}, "an outlet without alerts costs one look"


async def test_what_is_not_known_begins_and_ends_nothing(home: Home) -> None:
    alert = await home.alert(hold_s=60)
    await home.measures(2000, 50)
    home.leaves()
    assert home.state(alert) == "ok"
    await home.clock.advance(300)
    home.status(home.heater)
    await home.measures(2000, 60)
    assert home.state(alert) == "pending", "the minutes away do not count"
    await home.measures(2000, 1)
    assert home.state(alert) == "firing"
    await home.measures(100, 50)
    home.leaves()
    await home.clock.advance(300)
    home.status(home.heater)
    await home.measures(100, 60)
    assert home.state(alert) == "firing"
    await home.measures(100, 1)
    assert home.state(alert) == "resolved"


async def test_a_plug_that_stays_away(home: Home) -> None:
    await home.clock.advance(100)
    home.status(home.heater)
    alert = await home.alert(kind="offline", threshold=None, hold_s=600)
    home.leaves()
    assert home.state(alert) == "pending"
    await home.clock.advance(599)
    home.status(home.heater)
    assert home.state(alert) == "ok"
    home.leaves()
    await home.clock.advance(600)
    await home.idle()
    assert home.texts == ["Heater has been offline for 10 min."]
    await home.clock.advance(7200)
    home.status(home.heater)
    for _ in range(299):
        await home.clock.advance(2)
        home.presence.heard(home.heater.id)
    assert home.state(alert) == "firing"
    await home.clock.advance(2)
    await home.idle()
    assert home.state(alert) == "resolved"
    assert home.texts[1:] == ["Heater is back after 2 h 10 min."]


async def test_no_plug_is_missed_while_the_hub_has_only_just_started(home: Home) -> None:
    alert = await home.alert(kind="offline", threshold=None, hold_s=0)
    await home.watch.stop()
    await home.watch.start()
    home.leaves()
    await home.clock.advance(89)
    assert home.state(alert) == "pending"
    await home.clock.advance(1)
    await home.idle()
    assert home.texts == ["Heater is offline."]


async def restart(home: Home) -> Any:
    """The rules anew from the database."""
    await home.watch.stop()
    home.changes.clear()
    home.said.clear()
    await home.alerts.load()
    await home.watch.start()
    [alert] = home.alerts.all()
    return alert


async def test_a_restart_keeps_what_fires_and_tells_it_once(home: Home) -> None:
    await home.alert(hold_s=0)
    await home.measures(2000, 1)
    since = home.alerts.all()[0].since
    alert = await restart(home)
    standing = home.watch.standing(alert)
    assert (standing.state, standing.since) == ("firing", since)
    await home.measures(2000, 30)
    assert (home.changes, home.said) == ([], [])
    await home.measures(100, 11)
    assert (home.changes, home.texts) == (["resolved"], ["Heater: over after 41 s."])
    alert = await restart(home)
    assert home.state(alert) == "ok"


async def test_a_full_disk_silences_no_alert(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.alert(hold_s=0)

    async def full(*_: Any) -> None:
        raise HubError("database-unwritable", reason="disk full")

    monkeypatch.setattr(home.alerts, "store_since", full)
    await home.measures(2000, 1)
    assert len(home.said) == 1


async def test_another_threshold_begins_anew_another_name_does_not(home: Home) -> None:
    alert = await home.alert(hold_s=0)
    await home.measures(2000, 1)
    await home.alerts.change(home.principal("user"), alert.id, name="Still on", threshold=1500.0)
    assert home.state(alert) == "firing"
    await home.alerts.change(home.principal("user"), alert.id, threshold=2500.0)
    assert (home.state(alert), alert.since) == ("ok", None)
    await home.measures(2600, 1)
    assert home.state(alert) == "firing"
    await home.alerts.change(home.principal("user"), alert.id, enabled=False)
    await home.measures(2600, 1)
    assert home.state(alert) == "ok"
    assert home.watch._power == {}
    assert home.changes == ["firing", "firing"]


async def test_whoever_may_no_longer_see_the_plug_is_told_nothing(home: Home) -> None:
    alert = await home.alert(hold_s=0)
    admin = home.principal("admin")
    await home.registry.change(admin, home.heater.id, private=True)
    await home.measures(2000, 5)
    assert (home.changes, home.said) == ([], [])
    assert not alert.enabled
    [line] = await home.identity.audit.page(admin, Asked(action="alert.disable"), below=None, limit=9)
    assert (line.actor, line.object) == ("system", alert.id)


async def test_alerts_go_with_their_device_and_their_author(home: Home) -> None:
    mine = await home.alert("admin", hold_s=0)
    await home.alert("user", hold_s=0)
    admin = home.principal("admin")
    await home.people.remove(admin, home.principal("user").user)
    await home.measures(2000, 1)
    assert home.changes == ["firing"]
    assert home.alerts.all() == [mine]
    away = await home.alert("admin", kind="offline", threshold=None)
    await home.registry.remove(admin, home.heater.id)
    await home.clock.advance(1000)
    assert home.alerts.all() == []
    assert (home.watch._power, home.watch._offline, home.watch._timers) == ({}, {}, {})
    assert home.state(away) == "ok"
    await home.alerts.load()
    assert home.alerts.all() == []


async def test_in_the_language_of_its_author_and_only_for_the_first_home(home: Home) -> None:
    await home.people.change_profile(home.principal("user"), language="de")
    await home.alert(hold_s=0, threshold=1234.5)
    other = await home.identity.homes.add(system(home.home), name="Other", time_zone="UTC", currency="EUR")
    elsewhere, _ = await home.registry.add(system(other.id), hardware_id="plug-9", name="Secret", channels=2)
    theirs = await home.alerts.add(
        system(other.id), device=elsewhere.id, name="x", kind="power_above", threshold=1.0, channel=1
    )
    home.sample(elsewhere, 2000, channel=1)
    await home.measures(2000, 1)
    assert home.state(theirs) == "firing"
    assert home.texts == ["Heater zieht 2.000 W, mehr als 1.234 W."]
