"""The WebSocket's door: who comes in, within which time, for how long, and how many at once."""

import asyncio

import aiohttp
import pytest

from hub.api.connection import AUTH_WITHIN
from hub.api.websocket import PER_USER, STRANGERS
from hub.auth.tokens import ACCESS_S
from hub.testing.clock import FakeClock
from tests.api.house import House
from tests.api.sockets import closed, frame, join


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
    await strangers[0].send_json({"type": "auth", "token": await house.token("user")})
    assert (await frame(strangers[0]))["type"] == "ready"
    strangers += [await house.http.ws_connect("/api/v1/ws") for _ in range(2)]
    assert await closed(strangers[1]) == 1006  # cut off: of those that have not signed in the oldest
    assert len(house.server.sockets.connections()) == 1 + STRANGERS
    for connection in strangers:
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
