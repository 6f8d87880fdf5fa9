"""The WebSocket: rooms by right, gathered samples, frames on changes, an end for everything."""

import asyncio

import pytest

from hub.api.resume import AWAY
from hub.devices.discovery import Found
from hub.events import DeviceFound, GapsChanged, ProblemEnded, ProblemRaised
from hub.testing.clock import FakeClock
from tests.api.house import House
from tests.api.sockets import WITHIN, closed, frame, join


async def test_sign_in_subscribe_and_see_a_sample(house: House) -> None:
    plug = await house.plug()
    ws = await house.http.ws_connect("/api/v1/ws")
    await ws.send_json({"type": "auth", "token": await house.token("user")})
    ready = await frame(ws)
    assert len(ready.pop("resume")) >= 22
    assert ready == {"type": "ready", "session": "s-1", "by": "auth", "resumed": False, "seq": 1}
    room = f"home:{house.home}"
    await ws.send_json({"type": "subscribe", "rooms": [room]})
    assert await frame(ws) == {"type": "subscribed", "rooms": [room], "seq": 2}
    house.sample(plug, 460.0, at=1_700_000_000_000)
    house.sample(plug, 500.0, at=1_700_000_000_050)
    samples = await frame(ws)
    assert samples["type"] == "samples"
    assert samples["seq"] == 3
    assert samples["items"] == [
        [plug.id, 0, 1_700_000_000_000, 460.0, 230.0, 2.0, True, 1],
        [plug.id, 0, 1_700_000_000_050, 500.0, 230.0, 500 / 230, True, 1],
    ]
    await ws.send_json({"type": "ping"})
    assert await frame(ws) == {"type": "pong"}
    await ws.send_json({"type": "unsubscribe", "rooms": [room]})
    assert (await frame(ws))["rooms"] == []
    house.sample(plug, 1.0)
    await ws.send_json({"type": "ping"})
    assert await frame(ws) == {"type": "pong"}
    await ws.close()


async def test_samples_are_gathered_and_nothing_is_sent_when_there_are_none(fake_house: House) -> None:
    house = fake_house
    plug = await house.plug()
    ws = await join(house, "user", f"device:{plug.id}")
    assert isinstance(house.clock, FakeClock)
    for power in (1.0, 2.0, 3.0):
        house.sample(plug, power)
    await house.clock.advance(0.1)
    assert [item[3] for item in (await frame(ws))["items"]] == [1.0, 2.0, 3.0]
    await house.clock.advance(5)
    await ws.send_json({"type": "ping"})
    assert await frame(ws) == {"type": "pong"}
    await ws.close()


async def test_a_change_comes_as_the_whole_device_once(house: House) -> None:
    plug = await house.plug(name="Kettle")
    ws = await join(house, "user", f"home:{house.home}")
    house.status(plug, on=True)  # presence and relay change at the same moment
    device = await frame(ws)
    assert device["type"] == "device"
    assert device["device"]["online"] is True
    assert device["device"]["channels"][0]["on"] is True
    assert device["device"]["right"] == "control"
    async with house.http.get(f"/api/v1/devices/{plug.id}", headers=await house.headers("user")) as response:
        assert await response.json() == device["device"]
    await house.registry.change(house.principal("admin"), plug.id, name="Teapot")
    assert (await frame(ws))["device"]["name"] == "Teapot"
    await house.registry.remove(house.principal("admin"), plug.id)
    removed = await frame(ws)
    assert (removed["type"], removed["device"]) == ("device_removed", plug.id)
    added = await house.plug("plug-2")
    assert (await frame(ws))["device"]["id"] == added.id
    await ws.close()


async def test_a_command_is_seen_by_everyone_from_its_start(house: House) -> None:
    plug = await house.plug()
    house.status(plug, on=False)
    ws = await join(house, "admin", f"home:{house.home}")
    headers = await house.headers("user")
    url = f"/api/v1/devices/{plug.id}/command"
    asking = asyncio.create_task(house.http.post(url, json={"command": "toggle"}, headers=headers))
    sent = await frame(ws)
    assert sent["device"]["channels"][0]["command"]["state"] == "sent"
    ((hardware_id, suffix, message),) = house.broker.sent
    assert (hardware_id, suffix, message["command"]) == ("plug-1", "control", "relay_on")
    house.status(plug, on=True, command_id=message["id"])
    async with await asking as response:
        assert await response.json() == {"id": message["id"], "state": "confirmed", "on": True, "error": None}
    done = await frame(ws)
    assert (done["device"]["channels"][0]["on"], done["device"]["channels"][0]["command"]) == (True, None)
    await ws.close()


async def test_gaps_found_plugs_and_problems(house: House) -> None:
    plug = await house.plug()
    admin = await join(house, "admin", f"home:{house.home}")
    guest = await join(house, "guest", f"home:{house.home}")
    house.bus.publish(GapsChanged(plug.id))
    assert (await frame(admin)) == {"type": "gaps", "seq": 3, "device": plug.id}
    house.discovery.seen.append(Found("plug-9", "Plug 9", "smartplug-1", "192.168.1.9", "smartplug"))
    house.bus.publish(DeviceFound("plug-9", "Plug 9", "smartplug-1", "192.168.1.9"))
    item = {"hardware_id": "plug-9", "name": "Plug 9", "model": "smartplug-1", "address": "192.168.1.9"}
    assert (await frame(admin)) == {"type": "found", "seq": 4, "items": [item]}
    house.bus.publish(ProblemRaised("device-unknown", {"device": "x"}))
    raised = await frame(admin)
    assert (raised["type"], raised["problem"]["id"]) == ("problem", "device-unknown")
    assert raised["problem"]["detail"]
    async with house.http.get("/api/v1/system/problems", headers=await house.headers("admin")) as response:
        assert [p["id"] for p in (await response.json())["items"]] == ["device-unknown"]
    house.bus.publish(ProblemEnded("device-unknown"))
    assert (await frame(admin))["problem"]["ended"] is True
    await guest.send_json({"type": "ping"})
    assert await frame(guest) == {"type": "pong"}  # nothing of all that was a guest's business
    await admin.close()
    await guest.close()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "message-invalid"),
        ("{}", "field-missing"),
        ('{"type":"shout"}', "field-choice"),
        ('{"type":"ping","extra":1}', "field-unknown"),
        ('{"type":"subscribe","rooms":"home:x"}', "field-type"),
        ('{"type":"subscribe","rooms":[1]}', "field-type"),
        ('{"type":"subscribe","rooms":["' + "x" * 201 + '"]}', "field-too-long"),
        ('{"type":"subscribe","rooms":[' + ",".join(['"a"'] * 201) + "]}", "field-too-long"),
        ('{"type":"subscribe","rooms":["home:other"]}', "room-unknown"),
        ('{"type":"subscribe","rooms":["device:nobody"]}', "room-unknown"),
        ('{"type":"subscribe","rooms":["user:somebody"]}', "room-unknown"),
        ('{"type":"subscribe","rooms":["room:Cellar"]}', "room-unknown"),
        ('{"type":"subscribe","rooms":["home"]}', "room-unknown"),
        ('{"type":"subscribe","rooms":[""]}', "room-unknown"),
        ('{"type":"auth","token":"nonsense"}', "token-wrong"),
    ],
)
async def test_a_wrong_message_is_answered_and_the_connection_stays(house: House, message: str, code: str) -> None:
    ws = await join(house, "user")
    await ws.send_str(message)
    answer = await frame(ws)
    assert (answer["type"], answer["code"]) == ("error", code)
    assert answer["detail"]
    await ws.send_json({"type": "ping"})
    assert await frame(ws) == {"type": "pong"}
    await ws.close()


async def test_binary_is_not_understood_and_too_much_is_the_end(house: House) -> None:
    ws = await join(house, "user")
    await ws.send_bytes(b"\x00\x01")
    assert (await frame(ws))["code"] == "message-invalid"
    await ws.send_str("x" * 20_000)
    assert await closed(ws) == 1009


async def test_rooms_hold_only_what_the_asker_may_see(house: House) -> None:
    kitchen = await house.plug("plug-1", room="Kitchen")
    private = await house.plug("plug-2", room="Kitchen", owner="admin")
    await house.registry.change(house.principal("admin"), private.id, private=True)
    user = await join(house, "user", f"room:{house.registry.rooms.id_of(house.home, 'Kitchen')}")
    await user.send_json({"type": "subscribe", "rooms": [f"device:{private.id}"]})
    assert (await frame(user))["code"] == "room-unknown"
    admin = await join(house, "admin", f"home:{house.home}")
    house.sample(private, 5.0)
    house.sample(kitchen, 6.0)
    assert [item[0] for item in (await frame(user))["items"]] == [kitchen.id]
    assert [item[0] for item in (await frame(admin))["items"]] == [private.id, kitchen.id]
    await user.close()
    await admin.close()


async def test_rights_are_checked_again_when_they_change(house: House) -> None:
    plug = await house.plug("plug-1", owner="admin")
    user = await join(house, "user", f"home:{house.home}")
    await house.registry.change(house.principal("admin"), plug.id, private=True)
    gone = await frame(user)
    assert (gone["type"], gone["device"]) == ("device_removed", plug.id)
    house.sample(plug, 9.0)
    await house.registry.share(house.principal("admin"), plug.id, house.principal("user").user, "view")
    back = await frame(user)
    assert (back["type"], back["device"]["right"]) == ("device", "view")
    house.sample(plug, 10.0)
    assert [item[3] for item in (await frame(user))["items"]] == [10.0]
    await user.close()


async def test_nothing_is_left_of_a_connection_that_ended(fake_house: House) -> None:
    house = fake_house
    assert isinstance(house.clock, FakeClock)
    plug = await house.plug()
    polite = await join(house, "user", f"home:{house.home}")
    rude = await join(house, "admin", f"device:{plug.id}")
    assert house.server.feed.followers == 2
    await polite.close()
    connection = rude._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()
    async with asyncio.timeout(WITHIN):
        while house.server.sockets.connections():
            await asyncio.sleep(0)
    assert house.server.feed.followers == 1  # the rude one may come back
    await house.clock.advance(AWAY)
    assert house.server.feed.followers == 0
    house.sample(plug, 1.0)
    house.server.feed.flush()


async def test_when_the_hub_stops_it_says_so(house: House) -> None:
    ws = await join(house, "user")
    stopping = asyncio.create_task(house.server.stop())
    assert await closed(ws) == 1001
    await stopping
