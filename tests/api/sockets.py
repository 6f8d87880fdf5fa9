"""Connections to the WebSocket: with aiohttp's client, and byte for byte."""

import asyncio
import json
from typing import Any

import aiohttp

from hub.frames import TEXT, encode_frame
from tests.api.house import House

Socket = aiohttp.ClientWebSocketResponse
WITHIN = 10.0  # seconds until a test gives up waiting
HANDSHAKE = (
    b"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


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
