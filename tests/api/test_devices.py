"""Devices: what the list shows, adding, changing, removing, and commands with every way they can end."""

import asyncio
import gzip
import threading
import zlib
from typing import Any

import pytest

from hub.api import routing
from hub.api.rest import shares
from hub.devices.discovery import Found
from tests.api.house import House


async def test_a_device_as_people_see_it(house: House) -> None:
    plug = await house.plug(name="Kettle", room="Kitchen", icon="kettle", channels=2)
    house.status(plug, on=True, rssi=-60)
    house.sample(plug, 460.0, at=1_700_000_000_000)
    house.energy_today[plug.id, 0] = 1_234_567.0
    async with house.http.get("/api/v1/devices", headers=await house.headers("admin")) as response:
        assert response.headers["Cache-Control"] == "no-store"
        (device,) = (await response.json())["items"]
    since = device.pop("online_since")
    assert since <= house.clock.now()
    channels = device.pop("channels")
    assert device == {
        "id": plug.id,
        "hardware_id": "plug-1",
        "key": "kettle",
        "name": "Kettle",
        "room": "Kitchen",
        "room_id": house.registry.rooms.id_of(house.home, "Kitchen"),
        "icon": "kettle",
        "color": 1,
        "driver": "smartplug",
        "model": None,
        "firmware": None,
        "rssi": -60,
        "online": True,
        "interval_ms": 1000,
        "always_on": False,
        "private": False,
        "right": "manage",
        "retention": None,
        "newer_firmware": None,
    }
    nothing = {"at": None, "power": None, "voltage": None, "current": None, "power_factor": None, "apparent": False}
    assert channels == [
        {
            "channel": 0,
            "name": None,
            "on": True,
            "live": {
                "at": 1_700_000_000_000,
                "power": 460.0,
                "voltage": 230.0,
                "current": 2.0,
                "power_factor": None,
                "apparent": False,
                "energy_today_kwh": 1.234567,
            },
            "max_power_w": None,
            "command": None,
            "idle_below_w": 1.0,
        },
        {
            "channel": 1,
            "name": None,
            "on": None,
            "live": {**nothing, "energy_today_kwh": None},
            "max_power_w": None,
            "command": None,
            "idle_below_w": 1.0,
        },
    ]


async def test_add_change_remove(house: House) -> None:
    headers = await house.headers("user")
    body = {"hardware_id": "plug-5", "name": "Lamp", "room": "Hall", "icon": "lamp"}
    async with house.http.post("/api/v1/devices", json=body, headers=headers) as response:
        assert response.status == 201
        added = await response.json()
    assert len(added["secret"]) == 64
    assert added["device"]["right"] == "manage"  # who adds it manages it
    url = f"/api/v1/devices/{added['device']['id']}"
    async with house.http.patch(url, json={"name": "Big lamp", "room": None}, headers=headers) as response:
        changed = await response.json()
    assert (changed["name"], changed["room"], changed["icon"]) == ("Big lamp", None, "lamp")
    async with house.http.patch(url, json={"max_power_w": 60, "always_on": True}, headers=headers) as response:
        changed = await response.json()
    assert (changed["channels"][0]["max_power_w"], changed["always_on"], changed["name"]) == (60, True, "Big lamp")
    async with house.http.patch(url, json={"max_power_w": None}, headers=headers) as response:
        assert (await response.json())["channels"][0]["max_power_w"] is None
    async with house.http.delete(url, headers=headers) as response:
        assert response.status == 204
        assert await response.read() == b""
    async with house.http.get(url, headers=headers) as response:
        assert response.status == 404


async def test_the_pace_of_a_device_may_be_an_hour(house: House) -> None:
    plug, headers = await house.plug(), await house.headers("admin")
    for interval, status in ((300_000, 200), (3_600_000, 200), (3_600_001, 422), (199, 422)):
        body = {"interval_ms": interval}
        async with house.http.patch(f"/api/v1/devices/{plug.id}", json=body, headers=headers) as response:
            assert response.status == status
    assert plug.interval_ms == 3_600_000


async def test_an_icon_is_one_that_is_drawn(house: House) -> None:
    plug, headers = await house.plug(icon="kettle"), await house.headers("admin")
    body = {"hardware_id": "plug-5", "name": "Lamp", "icon": "nonsense"}
    waited = {**body, "pairing_code": "K7QM-2XPA-9D4T-HV3N"}
    for method, path, sent in (
        ("PATCH", f"/api/v1/devices/{plug.id}", {"icon": "nonsense"}),
        ("POST", "/api/v1/devices", body),
        ("POST", "/api/v1/devices", waited),
    ):
        async with house.http.request(method, path, json=sent, headers=headers) as response:
            problem = await response.json()
        assert (problem["status"], problem["code"], problem["field"]) == (422, "icon-unknown", "icon")
        assert "wash-machine, dryer" in problem["detail"]
    assert plug.icon == "kettle"


async def test_an_icon_of_before_may_stay(house: House) -> None:
    plug, headers = await house.plug(), await house.headers("admin")
    plug.icon = "rocket"
    body = {"name": "Rocket", "icon": "rocket"}
    async with house.http.patch(f"/api/v1/devices/{plug.id}", json=body, headers=headers) as response:
        assert (await response.json())["name"] == "Rocket"


async def test_found_plugs(house: House) -> None:
    house.discovery.seen.append(Found("plug-9", "Plug 9", "smartplug-1", "192.168.1.9", "smartplug"))
    async with house.http.get("/api/v1/devices/found", headers=await house.headers("user")) as response:
        (found,) = (await response.json())["items"]
    assert found == {"hardware_id": "plug-9", "name": "Plug 9", "model": "smartplug-1", "address": "192.168.1.9"}


async def test_a_refused_command_says_why(house: House) -> None:
    plug = await house.plug()
    house.status(plug, on=True)
    house.broker.answer = lambda _, message: house.status(plug, on=True, command_id=message["id"], error="overload")
    headers = await house.headers("user")
    url = f"/api/v1/devices/{plug.id}"
    async with house.http.post(f"{url}/command", json={"command": "relay_off"}, headers=headers) as response:
        assert response.status == 200
        result = await response.json()
    assert (result["state"], result["error"], result["on"]) == ("refused", "overload", True)
    async with house.http.get(url, headers=headers) as response:
        pending = (await response.json())["channels"][0]["command"]
    assert (pending["command"], pending["state"], pending["error"]) == ("relay_off", "refused", "overload")


async def test_what_nothing_confirms_is_a_504_and_shown_as_unconfirmed(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr("hub.devices.commands.CONFIRM_S", 0.01)
    plug = await house.plug()
    house.status(plug, on=False)
    headers = await house.headers("user")
    url = f"/api/v1/devices/{plug.id}"
    async with house.http.post(f"{url}/command", json={"command": "relay_on"}, headers=headers) as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (504, "command-unconfirmed")
    async with house.http.get(url, headers=headers) as response:
        outlet = (await response.json())["channels"][0]
    assert (outlet["on"], outlet["command"]["state"]) == (False, "unconfirmed")


async def test_a_restart_needs_manage(house: House) -> None:
    plug = await house.plug()
    house.status(plug)
    house.broker.answer = lambda _, message: house.status(plug, command_id=message["id"])
    url, body = f"/api/v1/devices/{plug.id}/command", {"command": "reboot"}
    async with house.http.post(url, json=body, headers=await house.headers("user")) as response:
        assert response.status == 403
    async with house.http.post(url, json=body, headers=await house.headers("admin")) as response:
        assert (await response.json())["state"] == "confirmed"


@pytest.mark.parametrize(("accept", "packed"), [("gzip, deflate, br", True), ("identity", False), ("br", False)])
async def test_long_answers_are_packed_for_who_can_unpack(house: House, accept: str, packed: bool) -> None:
    for number in range(5):
        await house.plug(f"plug-{number}")
    headers = {**await house.headers("admin"), "Accept-Encoding": accept}
    async with house.http.get("/api/v1/devices", headers=headers) as response:
        assert (response.headers.get("Content-Encoding") == "gzip") == packed
        assert len((await response.json())["items"]) == 5
    async with house.http.get("/api/v1/system/info", headers=headers) as response:
        assert "Content-Encoding" not in response.headers  # too short to gain


async def test_gzip_is_real_on_the_wire(house: House) -> None:
    for number in range(5):
        await house.plug(f"plug-{number}")
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    token = await house.token("admin")
    head = f"GET /api/v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: gzip\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    assert gzip.decompress(answer.partition(b"\r\n\r\n")[2]).startswith(b'{"items":[')
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("from_bytes", [1_000_000, 2_000])
async def test_a_very_long_list_is_packed_beside_the_event_loop(
    house: House, from_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    compressor = zlib.compressobj

    def noted(*args: int) -> Any:
        threads.append(threading.get_ident())
        return compressor(*args)

    monkeypatch.setattr(zlib, "compressobj", noted)
    monkeypatch.setattr(routing, "THREAD_FROM", from_bytes)
    for number in range(5):
        await house.plug(f"plug-{number}")
    headers = {**await house.headers("admin"), "Accept-Encoding": "gzip"}
    async with house.http.get("/api/v1/devices", headers=headers) as response:
        assert len((await response.json())["items"]) == 5
    (used,) = threads
    assert (used == threading.get_ident()) == (from_bytes > 10_000)


async def test_how_long_history_is_kept_is_set_as_a_whole(house: House) -> None:
    plug = await house.plug()
    path, admin = f"/api/v1/devices/{plug.id}", await house.headers("admin")
    wanted = {"raw": 3, "minutes": None, "hours": 730, "days": None}
    async with house.http.patch(path, json={"retention": {"raw": 3, "hours": 730}}, headers=admin) as response:
        assert (await response.json())["retention"] == wanted
    assert (plug.keep_raw, plug.keep_minutes, plug.keep_hours, plug.keep_days) == (3, None, 730, None)
    async with house.http.patch(path, json={"name": "Lamp"}, headers=admin) as response:
        assert (await response.json())["retention"] == wanted, "what is not sent does not change"
    for wrong in ({"raw": 0}, {"raw": 40_000}, {"seconds": 3}, {"raw": "3 d"}):
        async with house.http.patch(path, json={"retention": wrong}, headers=admin) as response:
            assert response.status == 422
            assert (await response.json())["field"].startswith("retention")
    async with house.http.patch(path, json={"retention": {}}, headers=await house.headers("user")) as response:
        assert response.status == 403
    await house.registry.load()
    assert house.registry.all()[0].keep_hours == 730
    async with house.http.patch(path, json={"retention": None}, headers=admin) as response:
        assert (await response.json())["retention"] is None


async def test_a_page_of_shares_looks_only_at_what_it_can_hold(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    plugs = [await house.plug(f"plug-{number:02}", name=f"Lamp {number % 7}") for number in range(30)]
    looked: list[str] = []
    by_name = shares.by_name

    def noted(entry: Any) -> tuple[str, str]:
        looked.append(entry.id)
        return by_name(entry)

    monkeypatch.setattr(shares, "by_name", noted)
    headers, found, asked = await house.headers("admin"), [], {"limit": "4"}
    while True:
        looked.clear()
        async with house.http.get("/api/v1/shares", params=asked, headers=headers) as response:
            page = await response.json()
        assert len(looked) < 50, "of ninety"
        found += [(one["device"], one["user"]) for one in page["items"]]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    plugs.sort(key=by_name)
    people = sorted(house.people.members(house.home), key=by_name)
    assert found == [(plug.id, person.id) for plug in plugs for person in people]
