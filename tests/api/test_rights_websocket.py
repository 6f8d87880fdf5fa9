"""The WebSocket's matrix: each message and kind of room for everybody, what is told to whom, rights that change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from hub.auth.principal import system
from hub.devices.discovery import Found
from hub.events import DeviceFound, ProblemRaised
from tests.api.rules import DEVICES, held
from tests.api.sockets import WITHIN, Socket, closed
from tests.api.street import Asker, Street

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    street = Street(tmp_path_factory.mktemp("street"))
    await street.start()
    await street.move_in()
    yield street
    await street.stop()


async def say(ws: Socket, type: str, **rest: Any) -> dict[str, Any]:
    """Send a message; the next answer to one (frames of what happens meanwhile are passed over)."""
    await ws.send_json({"type": type, **rest})
    return await until(ws, "ready", "subscribed", "pong", "error")


async def until(ws: Socket, *types: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = await ws.receive_json(timeout=WITHIN)
        if frame["type"] in types:
            return frame


@asynccontextmanager
async def connected(street: Street, asker: Asker | None, *rooms: str) -> AsyncIterator[Socket]:
    async with street.http.ws_connect("/api/v1/ws") as ws:
        if asker is not None:
            assert (await say(ws, "auth", token=asker.token))["type"] == "ready"
        if rooms:
            assert (await say(ws, "subscribe", rooms=[*rooms]))["type"] == "subscribed"
        yield ws


def may_follow(asker: Asker) -> bool:
    return asker.standing.scopes is None or "read" in asker.standing.scopes


@pytest.mark.parametrize(
    "message", [{"type": "subscribe", "rooms": []}, {"type": "unsubscribe", "rooms": []}, {"type": "ping"}]
)
async def test_nobody_does_anything_before_auth(street: Street, message: dict[str, Any]) -> None:
    async with connected(street, None) as ws:
        assert (await say(ws, **message))["code"] == "token-missing"
        assert await closed(ws) == 4401


async def test_every_kind_of_room_for_everybody(street: Street) -> None:
    for asker in street.askers:
        other = street.elsewhere(asker.home)
        me = "system" if asker.user is None else asker.user.id
        somebody = (await street.person(asker.home)).id
        allowed = {f"home:{asker.home}": True, f"home:{other}": False, "home:": False, "home:no-such-home": False}
        allowed |= {f"user:{me}": True, f"user:{somebody}": False, "user:": False, "": False, "all:": False}
        for kind in DEVICES:
            device = await street.device(asker, kind, own_room=True)
            if device is None:
                allowed["device:no-such-device"] = allowed["room:no-such-room"] = False
                continue
            seen = held(asker.standing, kind) != "none"
            allowed[f"device:{device.id}"] = seen
            room = f"room:{street.registry.rooms.id_of(device.home, device.room)}"
            allowed[room] = seen or (device.home == asker.home and asker.standing.role != "guest")
            allowed[f"room:{device.room}"] = False  # by its name
        async with connected(street, asker) as ws:
            for room, may in allowed.items():
                answer = await say(ws, "subscribe", rooms=[room])
                if not may_follow(asker):
                    assert answer["code"] == "forbidden", (asker.name, room)
                elif may:
                    assert room in answer["rooms"], (asker.name, room)
                    assert (await say(ws, "unsubscribe", rooms=[room]))["rooms"] == []
                else:
                    assert answer["code"] == "room-unknown", (asker.name, room)
            # One unknown room among known ones: nothing of it holds.
            if may_follow(asker):
                assert (await say(ws, "subscribe", rooms=[f"user:{me}", "room:x"]))["code"] == "room-unknown"
                assert (await say(ws, "unsubscribe", rooms=["room:x"]))["rooms"] == []
            assert await say(ws, "ping") == {"type": "pong"}


async def test_a_home_tells_of_what_one_may_see(street: Street) -> None:
    for asker in street.askers:
        if not may_follow(asker):
            continue
        kinds = {}
        for kind in DEVICES[:-1]:
            device = await street.device(asker, kind)
            assert device is not None
            kinds[device.id] = kind
        async with connected(street, asker, f"home:{asker.home}") as ws:
            for id in kinds:
                device = street.registry.device(id)
                assert device is not None
                street.sample(device, 5.0)
                street.status(device, on=True)
            street.server.feed.flush()
            await ws.send_json({"type": "ping"})
            told: set[str] = set()
            while (frame := await ws.receive_json(timeout=WITHIN))["type"] != "pong":
                if frame["type"] == "samples":
                    told |= {item[0] for item in frame["items"]}
                elif frame["type"] == "device":
                    told.add(frame["device"]["id"])
                    assert frame["device"]["right"] == held(asker.standing, kinds[frame["device"]["id"]])
        assert told == {id for id, kind in kinds.items() if held(asker.standing, kind) != "none"}, asker.name


async def test_problems_are_told_to_operators_and_finds_to_who_may_add_a_plug(street: Street) -> None:
    street.discovery.seen = [Found("plug-new", "Plug", "smartplug-1", "192.168.1.9", 80)]
    for asker in street.askers:
        if not may_follow(asker):
            continue
        async with connected(street, asker, f"home:{asker.home}") as ws:
            street.bus.publish(ProblemRaised("device-unknown", {"device": "x"}))
            street.bus.publish(DeviceFound("plug-new", "Plug", "smartplug-1", "192.168.1.9"))
            await ws.send_json({"type": "ping"})
            told = set()
            while (frame := await ws.receive_json(timeout=WITHIN))["type"] != "pong":
                told.add(frame["type"])
        scopes, role = asker.standing.scopes, asker.standing.role
        operator = role in ("operator", "machine") and (scopes is None or "admin" in scopes)
        assert ("problem" in told, "found" in told) == (operator, role != "guest"), asker.name


async def test_rules_and_rooms_are_told_to_who_may_see_the_device(street: Street) -> None:
    for asker in street.askers:
        if not may_follow(asker):
            continue
        kinds = {}
        for kind in DEVICES[:-1]:
            device = await street.device(asker, kind, own_room=True)
            assert device is not None
            kinds[device.id] = kind
        async with connected(street, asker, f"home:{asker.home}") as ws:
            rooms = set()
            for id in kinds:
                device = street.registry.device(id)
                assert device is not None
                hub = system(device.home)
                await street.alerts.add(hub, device=id, name="x", kind="offline")
                await street.schedules.add(hub, device=id, name="x", days=[0], time="06:30", command="relay_on")
                room = street.registry.rooms.id_of(device.home, device.room)
                assert room is not None
                await street.registry.rooms.change(hub, room, name=f"Room of {id}")
                street.server.feed.flush()
                await ws.send_json({"type": "ping"})
                told = set()
                while (frame := await ws.receive_json(timeout=WITHIN))["type"] != "pong":
                    if frame["type"] in ("alerts", "schedules"):
                        assert frame["device"] == id
                        told.add(frame["type"])
                    elif frame["type"] == "rooms":
                        assert frame["home"] == asker.home
                        rooms.add(id)
                seen = held(asker.standing, kinds[id]) != "none"
                assert told == ({"alerts", "schedules"} if seen else set()), (asker.name, kinds[id])
                at_home = kinds[id] != "foreign" and asker.standing.role != "guest"
                assert (id in rooms) == (seen or at_home), (asker.name, kinds[id])


async def test_another_role_and_another_share_show_at_once(street: Street) -> None:
    admin = street.asker("admin of the other home")
    hub = system(street.other)
    device = await street.device(admin, "unshared")
    assert device is not None
    person = await street.person(street.other, "user")
    home = street.identity.homes.get(street.other)
    assert home is not None
    principal = street.people.principal(person.id, street.other)
    assert principal is not None
    token = (await street.tokens.issue(person, home)).access_token
    asker = Asker("x", admin.standing, street.other, person, token)
    async with connected(street, asker, f"home:{street.other}") as ws:
        await street.people.change(hub, person.id, role="guest")
        assert (await until(ws, "device_removed"))["device"]
        await street.registry.share(hub, device.id, person.id, "view")
        frame = await until(ws, "device")
        assert (frame["device"]["id"], frame["device"]["right"]) == (device.id, "view")
        await street.people.change(hub, person.id, role="admin")
        seen = set()
        while device.id not in seen:
            frame = await until(ws, "device")
            seen.add(frame["device"]["id"])
        assert frame["device"]["right"] == "view"  # a share stands before the role
        await street.people.remove(hub, person.id)
        assert (await until(ws, "error"))["code"] == "session-ended"
        assert await closed(ws) == 4401
    assert person.id not in street.registry.shares(hub, device.id)


async def test_the_end_of_a_session_and_of_a_key_ends_its_connections(street: Street) -> None:
    person = await street.person(street.home)
    principal = street.people.principal(person.id, street.home)
    assert principal is not None
    key, text = await street.identity.keys.add(principal, name="key", scopes=["read"])
    token = (await street.tokens.issue(person, street.identity.homes.first)).access_token
    other = (await street.tokens.issue(person, street.identity.homes.first)).access_token
    by_session = street.identity.sessions.of(person.id)[0]
    sessions = {session.id for session in street.identity.sessions.of(person.id)}
    mine = street.tokens.access(token).session
    assert by_session.id in sessions
    assert mine is not None
    base = street.askers[0]
    async with (
        connected(street, base._replace(token=token)) as ended,
        connected(street, base._replace(token=other)) as kept,
        connected(street, base._replace(token=text)) as keyed,
    ):
        await street.identity.sessions.end([mine])
        assert (await until(ended, "error"))["code"] == "session-ended"
        assert await closed(ended) == 4401
        await street.identity.keys.remove(principal, principal.user, key.id)
        assert (await until(keyed, "error"))["code"] == "token-wrong"
        assert await closed(keyed) == 4401
        assert await say(kept, "ping") == {"type": "pong"}


async def test_a_home_that_is_taken_away_is_gone_everywhere(street: Street) -> None:
    operator = street.asker("operator")
    assert operator.user is not None
    home = await street.identity.homes.add(system(street.home), name="Hut", time_zone="UTC", currency="EUR")
    owner = await street.person(home.id, "admin")
    hub = system(home.id)
    device, _ = await street.registry.add(hub, hardware_id="plug-of-the-hut", name="Lamp", room="Hall")
    room = street.registry.rooms.id_of(home.id, "Hall")
    await street.mqtt.add(hub, name="program-of-the-hut", read=["a"], write=[])
    token = (await street.tokens.issue(owner, home)).access_token
    async with connected(street, operator._replace(token=token), f"home:{home.id}") as ws:
        headers = {"Authorization": f"Bearer {operator.token}"}
        async with street.http.delete(f"/api/v1/homes/{home.id}", headers=headers) as response:
            assert response.status == 204
        assert (await until(ws, "error"))["code"] in ("token-wrong", "session-ended")
        assert await closed(ws) == 4401
    assert street.registry.device(device.id) is None
    assert street.registry.by_hardware("plug-of-the-hut") is None
    assert street.registry.rooms.of_home(home.id) == []
    assert room is not None
    assert street.mqtt.login("program-of-the-hut") is None
    assert "program-of-the-hut" in street.dropped
    # The names are free again, in memory and in the database.
    again, _ = await street.registry.add(system(street.home), hardware_id="plug-of-the-hut", name="Lamp")
    await street.mqtt.add(system(street.home), name="program-of-the-hut", read=["a"], write=[])
    await street.registry.remove(system(street.home), again.id)
