"""The WebSocket: sign in first, rooms by right, gathered samples, frames on changes, an end for everything."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from hub.api.connection import AUTH_WITHIN
from hub.api.resume import AWAY
from hub.api.websocket import PER_USER, STRANGERS
from hub.auth.tokens import ACCESS_S
from hub.devices.discovery import Found
from hub.events import DeviceFound, GapsChanged, ProblemEnded, ProblemRaised
from hub.frames import TEXT, encode_frame
from hub.testing.clock import FakeClock
from tests.api.house import House

Socket = aiohttp.ClientWebSocketResponse
WITHIN = 10.0  # seconds until a test gives up waiting


async def frame(ws: Socket) -> dict[str, Any]:
    """The next frame."""
    message: dict[str, Any] = await ws.receive_json(timeout=WITHIN)
    return message


async def closed(ws: Socket) -> int | None:
    """Reads to the end; the close code."""
    async with asyncio.timeout(WITHIN):
        async for _ in ws:
            pass
    return ws.close_code


async def join(house: House, role: str, *rooms: str) -> Socket:
    """A signed-in connection that follows the rooms."""
    ws = await house.http.ws_connect("/api/v1/ws")
    await ws.send_json({"type": "auth", "token": await house.token(role)})
    assert (await frame(ws))["type"] == "ready"
    if rooms:
        await ws.send_json({"type": "subscribe", "rooms": list(rooms)})
        assert (await frame(ws))["type"] == "subscribed"
    return ws


@pytest.fixture
async def fake_house(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose clock the test moves."""
    house = House(tmp_path, FakeClock())
    await house.start()
    await house.move_in()
    yield house
    await house.stop()


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


async def test_who_does_not_sign_in_is_sent_away(fake_house: House) -> None:
    ws = await fake_house.http.ws_connect("/api/v1/ws")
    assert isinstance(fake_house.clock, FakeClock)
    while not fake_house.server.sockets.connections():
        await asyncio.sleep(0)
    await fake_house.clock.advance(AUTH_WITHIN)
    assert (await frame(ws))["code"] == "token-missing"
    assert await closed(ws) == 4401


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"type":"auth","token":"nonsense"}', "token-wrong"),
        ('{"type":"auth"}', "field-missing"),
        ('{"type":"subscribe","rooms":["home:x"]}', "token-missing"),
        ('{"type":"ping"}', "token-missing"),
        ("not json", "message-invalid"),
        ("[" * 20000 + "]" * 1, None),
        ("\ud7ff", "message-invalid"),
        ("", "message-invalid"),
    ],
)
async def test_the_first_message_must_sign_in(house: House, message: str, code: str | None) -> None:
    ws = await house.http.ws_connect("/api/v1/ws")
    await ws.send_str(message)
    if code is not None:
        assert (await frame(ws))["code"] == code
    assert await closed(ws) == (4401 if code else 1009)


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


async def test_the_end_of_the_token_is_the_end_unless_renewed(fake_house: House) -> None:
    house = fake_house
    assert isinstance(house.clock, FakeClock)
    stays = await join(house, "user")
    goes = await join(house, "user")
    await house.clock.advance(ACCESS_S - 60)
    await stays.send_json({"type": "auth", "token": await house.token("user")})
    assert (await frame(stays))["type"] == "ready"
    await house.clock.advance(61)
    assert (await frame(goes))["code"] == "token-expired"
    assert await closed(goes) == 4401
    await stays.send_json({"type": "ping"})
    assert await frame(stays) == {"type": "pong"}
    await house.clock.advance(ACCESS_S - 61)
    assert await closed(stays) == 4401


async def test_a_connection_stays_with_its_person(house: House) -> None:
    ws = await join(house, "user")
    await ws.send_json({"type": "auth", "token": await house.token("admin")})
    assert (await frame(ws))["code"] == "forbidden"
    assert await closed(ws) == 4403


async def test_only_so_many_for_each_person(house: House) -> None:
    held = [await join(house, "user") for _ in range(PER_USER)]
    ws = await house.http.ws_connect("/api/v1/ws")
    await ws.send_json({"type": "auth", "token": await house.token("user")})
    assert (await frame(ws))["code"] == "connections-too-many"
    assert await closed(ws) == 1013
    other = await join(house, "admin")
    for connection in (*held, other):
        await connection.close()


async def test_only_so_many_strangers_from_one_address(house: House) -> None:
    strangers = [await house.http.ws_connect("/api/v1/ws") for _ in range(STRANGERS)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await house.http.ws_connect("/api/v1/ws")
    assert caught.value.status == 503
    await strangers[0].send_json({"type": "auth", "token": await house.token("user")})
    assert (await frame(strangers[0]))["type"] == "ready"
    ws = await house.http.ws_connect("/api/v1/ws")
    for connection in (*strangers, ws):
        await connection.close()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1"])
async def test_another_website_cannot_connect(house: House, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await house.http.ws_connect("/api/v1/ws", origin=origin)
    assert caught.value.status == 403


async def test_the_own_page_can(house: House) -> None:
    ws = await house.http.ws_connect("/api/v1/ws", origin=f"http://127.0.0.1:{house.server.port}")
    await ws.close()


async def test_no_websocket_without_upgrade(house: House) -> None:
    async with house.http.get("/api/v1/ws") as response:
        assert response.status == 426
        assert (await response.json(content_type=None))["code"] == "upgrade-missing"


async def test_an_upgrade_that_is_no_text(house: House, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(b"GET /api/v1/ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: \xff\xfe\r\n\r\n")
    answer = await reader.readuntil(b"\r\n")
    writer.close()
    assert b" 426 " in answer or b" 400 " in answer
    assert "failed" not in caplog.text


async def test_a_slow_reader_gets_the_newest_values_and_no_queue(house: House) -> None:
    """Nothing is read until the socket's buffers are full; then what is kept is one value for each outlet."""
    plugs = [await house.plug(f"plug-{number}") for number in range(5)]
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", house.server.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=2**12)
    token = await house.token("user")
    writer.write(
        b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.write(masked(f'{{"type":"auth","token":"{token}"}}'.encode()))
    writer.write(masked(f'{{"type":"subscribe","rooms":["home:{house.home}"]}}'.encode()))
    assert (await server_frame(reader))["type"] == "ready"
    assert (await server_frame(reader))["type"] == "subscribed"
    (connection,) = house.server.sockets.connections()
    power = 0.0
    while not connection.behind:
        for plug in plugs * 200:
            power += 1
            house.sample(plug, power)
        await asyncio.sleep(0)
        house.server.feed.flush()
    assert power < 10_000  # nor does the kernel take minutes of them
    waiting = connection.waiting
    for _ in range(3):
        for plug in plugs:
            power += 1
            house.sample(plug, power)
        house.server.feed.flush()
    house.status(plugs[0])
    house.server.feed.flush()
    assert connection.behind
    assert connection.waiting == waiting  # not one byte more was queued
    last: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    async with asyncio.timeout(WITHIN):
        while not last.get("lossy"):
            got = await server_frame(reader)
            if got["type"] == "samples":
                last = got
            elif got["type"] == "device":
                changed = got
    assert [item[3] for item in last["items"]] == [power - 4, power - 3, power - 2, power - 1, power]
    assert changed["device"]["online"] is True
    writer.close()
    await writer.wait_closed()


def masked(payload: bytes) -> bytes:
    """A client's text frame, masked with zeros."""
    frame = encode_frame(TEXT, payload)
    head = len(frame) - len(payload)
    return frame[:1] + bytes([frame[1] | 0x80]) + frame[2:head] + bytes(4) + payload


async def server_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """One text frame of the server."""
    head = await reader.readexactly(2)
    assert head[0] == 0x81
    length = head[1]
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
    message: dict[str, Any] = json.loads(await reader.readexactly(length))
    return message


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 65_509, 65_510, 65_511, 70_000])
async def test_frames_of_every_length(length: int) -> None:
    message = {"type": "x", "text": "y" * length}
    reader = asyncio.StreamReader()
    reader.feed_data(encode_frame(TEXT, msgspec.json.encode(message)))
    reader.feed_eof()
    assert await server_frame(reader) == message
    assert reader.at_eof()


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


async def test_a_frame_without_a_mask_is_the_end(house: House) -> None:
    """RFC 6455 5.1: also before anybody has signed in, and in one segment with the handshake."""
    request = (
        b"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(request + encode_frame(TEXT, b'{"type":"ping"}'))
    async with asyncio.timeout(WITHIN):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert (await reader.read()).startswith(b"\x88" + b"\x02" + (1002).to_bytes(2))
    writer.close()
    await writer.wait_closed()


async def test_goodbye_is_said_once(house: House) -> None:
    """A second close frame is a broken line to browsers, which then do not learn why."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(
        b"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    async with asyncio.timeout(WITHIN):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(masked(b'{"type":"auth","token":"wrong"}'))
        assert (await server_frame(reader))["type"] == "error"
        code = (4401).to_bytes(2)
        assert await reader.readexactly(4) == b"\x88\x02" + code
        writer.write(b"\x88\x82" + bytes(4) + code)
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
