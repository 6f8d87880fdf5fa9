"""What is not HTTP, what only looks as if it came from the house, and rooms that are none."""

import asyncio

import pytest

from tests.api.house import House
from tests.security.test_archives import ARCHIVES
from tests.security.test_malformed import CODES, COOKIES, TOKENS, WITHIN

WIRE = {
    "no Host": b"GET /api/v1/system/info HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /api/v1/auth/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two lengths": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"
    b"0\r\n\r\n",
    "length with a sign": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}",
    "length in hex": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n{}",
    "chunk with a sign": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "a header of 70 KB": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "1,000 headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 1000 + b"\r\n",
    "an address of 70 KB": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a zero byte in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a method of its own": b"GE\x00T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a proxy's request": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
    "a whole address of another host": b"GET http://169.254.169.254/latest/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "MQTT on the web port": b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd",
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("why", WIRE)
async def test_wire(house: House, why: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(WIRE[why])
    writer.write_eof()
    async with asyncio.timeout(WITHIN):
        answer = await reader.read()
    writer.close()
    assert b"Traceback" not in answer
    assert answer.count(b"HTTP/1.") <= 1  # nothing is smuggled in behind it
    if why == "no Host":
        assert answer == b"" or answer.split(b" ")[1] in (b"200", b"400")
    else:
        assert answer == b"" or answer.split(b" ")[1] in (b"400", b"401", b"404", b"405")
    async with house.http.get("/api/v1/system/info") as response:
        assert response.status == 200


PLACES = {
    "another name of the internet": ({"Host": "evil.example"}, "code"),
    "a name that ends like the house": ({"Host": "evil.local.example"}, "code"),
    "a name in a domain where names are for sale": ({"Host": "evil.box:8080"}, "code"),
    "X-Forwarded-For": ({"X-Forwarded-For": "127.0.0.1"}, "code"),
    "Forwarded": ({"Forwarded": "for=127.0.0.1"}, "code"),
    "X-Real-IP": ({"X-Real-IP": "127.0.0.1"}, "code"),
    "Via": ({"Via": "1.1 router"}, "code"),
    "X-Forwarded-Host": ({"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1"}, "code"),
    "nothing of that": ({"Host": "plughub.local:8080"}, "open"),
    "a name that the router gives": ({"Host": "hub.fritz.box:8080"}, "open"),
}


@pytest.mark.parametrize("why", PLACES)
async def test_the_set_up_is_open_in_the_house_only(empty_house: House, why: str) -> None:
    headers, expected = PLACES[why]
    async with empty_house.http.get("/api/v1/system/info", headers=headers) as response:
        assert (await response.json())["setup"] == expected
    body = {
        "name": "x",
        "email": "x@example.org",
        "password": "a long enough phrase",
        "home_name": "x",
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
    }
    if expected == "open":
        return
    async with empty_house.http.post("/api/v1/setup", json=body, headers=headers) as response:
        assert (await response.json(content_type=None))["code"] == "setup-code-missing"


ROOMS = ["device:", "device:../x", "home:", "home:*", "user:", "room:nobody", "all", "", "home:\0", "$SYS", "#"]


@pytest.mark.parametrize("room", ROOMS)
async def test_a_room_that_is_none(house: House, room: str) -> None:
    async with house.http.ws_connect("/api/v1/ws") as socket, asyncio.timeout(WITHIN):
        await socket.send_json({"type": "auth", "token": await house.token("guest")})
        assert (await socket.receive_json())["type"] == "ready"
        await socket.send_json({"type": "subscribe", "rooms": [room]})
        assert (await socket.receive_json())["type"] == "error"
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"


def test_the_tables_hold_more_than_a_hundred() -> None:
    assert len(TOKENS) + len(COOKIES) + len(CODES) + len(WIRE) + len(PLACES) + len(ROOMS) + len(ARCHIVES) >= 100
