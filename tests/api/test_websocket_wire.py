"""The WebSocket's bytes: slow readers, frames of every length, and how a line ends."""

import asyncio
import socket
from typing import Any

import msgspec
import pytest

from hub.frames import TEXT, encode_frame
from tests.api.house import House
from tests.api.sockets import HANDSHAKE, WITHIN, masked, server_frame


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
    writer.write(HANDSHAKE)
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


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 65_509, 65_510, 65_511, 70_000])
async def test_frames_of_every_length(length: int) -> None:
    message = {"type": "x", "text": "y" * length}
    reader = asyncio.StreamReader()
    reader.feed_data(encode_frame(TEXT, msgspec.json.encode(message)))
    reader.feed_eof()
    assert await server_frame(reader) == message
    assert reader.at_eof()


async def test_a_frame_without_a_mask_is_the_end(house: House) -> None:
    """RFC 6455 5.1: also before anybody has signed in, and in one segment with the handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(HANDSHAKE + encode_frame(TEXT, b'{"type":"ping"}'))
    async with asyncio.timeout(WITHIN):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert (await reader.read()).startswith(b"\x88" + b"\x02" + (1002).to_bytes(2))
    writer.close()
    await writer.wait_closed()


async def test_goodbye_is_said_once(house: House) -> None:
    """A second close frame is a broken line to browsers, which then do not learn why."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(HANDSHAKE)
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
