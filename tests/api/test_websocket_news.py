"""What the WebSocket tells of schedules, alerts and rooms: that they are others now, and only to whom it concerns."""

import dataclasses
from pathlib import Path
from typing import Any

from hub.api.server import ApiServer
from hub.auth.audit import Asked
from hub.auth.limits import RateLimits, Rates
from hub.auth.principal import system
from hub.events import AlertChanged, ScheduleRan
from tests.api.house import House
from tests.api.sockets import Socket, frame, join
from tests.api.test_websocket_return import page_of

OFTEN: dict[str, Any] = {"name": "x", "days": [0], "time": "06:30", "command": "relay_on"}
KINDS = ("schedules", "alerts", "rooms")


async def heard(house: House, ws: Socket) -> list[tuple[Any, ...]]:
    """What has come until now of schedules, alerts and rooms: type and content."""
    house.server.feed.flush()
    await ws.send_json({"type": "ping"})
    found = []
    while (one := await frame(ws))["type"] != "pong":
        if one["type"] in KINDS:
            found.append((one["type"], {name: one[name] for name in one if name not in ("type", "seq")}))
    return found


async def test_schedules(house: House) -> None:
    plug = await house.plug()
    user, guest = await join(house, "user", f"device:{plug.id}"), await join(house, "guest", f"home:{house.home}")
    news = ("schedules", {"device": plug.id})
    owner = house.principal("user")
    schedule = await house.schedules.add(owner, device=plug.id, **OFTEN)
    await house.schedules.change(owner, schedule.id, time="07:00")
    await house.schedules.disable(schedule)
    assert await heard(house, user) == [news] * 3
    house.bus.publish(ScheduleRan(schedule.id, plug.id, 0, 1, "confirmed"))
    await house.schedules.remove(owner, schedule.id)
    assert await heard(house, user) == [news] * 2
    assert await heard(house, guest) == []
    await house.registry.share(house.principal("admin"), plug.id, house.principal("guest").user, "view")
    await house.schedules.add(owner, device=plug.id, **OFTEN)
    house.schedules.forget_author(owner.user)
    assert [one for one in await heard(house, guest) if one[0] == "schedules"] == [news] * 2
    await user.close()
    await guest.close()


async def test_alerts(house: House) -> None:
    plug = await house.plug()
    user = await join(house, "user", f"home:{house.home}")
    owner = house.principal("user")
    alert = await house.alerts.add(owner, device=plug.id, name="Hot", kind="power_above", threshold=1500.0)

    def news(state: str | None = None) -> tuple[str, dict[str, Any]]:
        return "alerts", {"device": plug.id, "alert": alert.id, "state": state}

    assert await heard(house, user) == [news()]
    house.sample(plug, 2000.0)
    assert await heard(house, user) == [news("firing")]
    house.bus.publish(AlertChanged(alert.id, plug.id, 0, 1, "resolved"))
    await house.alerts.change(owner, alert.id, name="Too hot")
    await house.alerts.change(owner, alert.id, name="Too hot")  # it is called so already
    assert await heard(house, user) == [news("resolved"), news()]
    await house.alerts.remove(owner, alert.id)
    assert await heard(house, user) == [news()]
    await user.close()


async def test_rooms(house: House) -> None:
    admin, hub = house.principal("admin"), system(house.home)
    plug = await house.plug(room="Kitchen")
    kitchen = house.registry.rooms.id_of(house.home, "Kitchen")
    assert kitchen is not None
    user, guest = await join(house, "user", f"home:{house.home}"), await join(house, "guest", f"home:{house.home}")
    one = await join(house, "user", f"device:{plug.id}")  # follows no home
    news = ("rooms", {"home": house.home})
    told: dict[str, list[list[Any]]] = {"user": [], "guest": []}

    async def both() -> None:
        told["user"].append(await heard(house, user))
        told["guest"].append(await heard(house, guest))

    attic = await house.registry.rooms.add(admin, "Attic")
    await both()
    await house.registry.share(admin, plug.id, house.principal("guest").user, "view")
    await both()  # the guest sees the kitchen now
    await house.registry.rooms.change(admin, kitchen, name="Scullery")
    await both()
    await house.registry.rooms.change(admin, attic.id, position=0)
    await both()  # the kitchen stands elsewhere by that
    await house.registry.rooms.change(admin, attic.id, name="Loft")
    await both()
    await house.registry.change(hub, plug.id, room="Loft")
    await both()
    await house.registry.change(hub, plug.id, name="Lamp")
    await both()  # which says nothing of rooms
    await house.registry.rooms.remove(admin, kitchen)
    await both()
    await house.registry.remove(hub, plug.id)
    await both()
    yes, no = [news], list[Any]()
    assert told["user"] == [yes, no, yes, yes, yes, yes, no, yes, yes]
    assert told["guest"] == [no, yes, yes, yes, no, yes, no, no, yes]
    assert await heard(house, one) == []
    for ws in (user, guest, one):
        await ws.close()


async def test_what_was_missed_comes_after_a_broken_line(house: House) -> None:
    plug = await house.plug()
    page = await page_of(house)
    await page.lose_line()
    await house.schedules.add(house.principal("user"), device=plug.id, **OFTEN)
    alert = await house.alerts.add(house.principal("user"), device=plug.id, name="Away", kind="offline")
    await house.registry.rooms.add(house.principal("admin"), "Attic")
    assert await page.connect()
    assert [await page.frame() for _ in KINDS] == [
        {"type": "schedules", "seq": 2, "device": plug.id},
        {"type": "alerts", "seq": 3, "device": plug.id, "alert": alert.id, "state": None},
        {"type": "rooms", "seq": 4, "home": house.home},
    ]
    assert await page.is_all()
    await page.ws.close()


async def test_a_refused_room_is_in_the_audit_log_and_counts(house: House, tmp_path: Path) -> None:
    limits = RateLimits(house.clock, Rates(reads=3))
    services = dataclasses.replace(house.services, limits=limits)
    server = ApiServer(services, host="127.0.0.1", port=0, static=tmp_path / "none")
    await server.start()
    url, token = f"http://127.0.0.1:{server.port}/api/v1/ws", await house.token("guest")
    codes = []
    async with house.http.ws_connect(url) as ws:
        await ws.send_json({"type": "auth", "token": token})
        assert (await frame(ws))["type"] == "ready"
        for number in range(4):
            await ws.send_json({"type": "subscribe", "rooms": [f"user:{house.principal('guest').user}"]})
            assert (await frame(ws))["type"] == "subscribed"  # what they may follow costs nothing
            await ws.send_json({"type": "subscribe", "rooms": ["home:other" if number else "device:secret"]})
            codes.append((await frame(ws))["code"])
    async with house.http.ws_connect(url) as ws:
        await ws.send_json({"type": "auth", "token": "made up"})
        assert (await frame(ws))["code"] == "token-wrong"
    async with house.http.get(url, headers={"Upgrade": "websocket", "Origin": "http://evil.example"}) as response:
        assert response.status == 403
    await server.stop()
    assert codes == ["room-unknown"] * 3 + ["requests-too-many"]
    await house.identity.audit.flush()
    lines = await house.identity.audit.page(house.principal("admin"), Asked(refused=True), below=None, limit=10)
    guest = house.principal("guest").user
    assert {(line.actor, line.action, line.object, line.refused, line.count) for line in lines} == {
        (guest, "follow", "device:secret", "room-unknown", 1),
        (guest, "follow", "home:other", "room-unknown", 3),
        (None, "connect", None, "token-wrong", 1),
        (None, "connect", None, "origin-refused", 1),
    }
    assert {line.origin for line in lines} == {"127.0.0.1"}
