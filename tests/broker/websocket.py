"""MQTT over WebSocket for tests, made by hand: the test says how bytes are cut into frames."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from struct import pack
from typing import Any

from tests.broker.client import Client

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
HEADERS = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "mqtt",
}


def frame(kind: int, payload: bytes, *, final: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """A client's frame. `reserved`: the three bits after FIN, 4 = RSV1."""
    mask, length = os.urandom(4), len(payload)
    size = pack("!B", length | masked << 7) if length < 126 else pack("!BH", 126 | masked << 7, length & 65535)
    if length > 65535:
        size = pack("!BQ", 127 | masked << 7, length)
    head = bytes([final << 7 | reserved << 4 | kind]) + size
    if not masked:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class FrameReader:
    """Reads like a stream; `code` is that of the close frame, `others` what came besides binary frames.

    `patient` = False: the close frame is the end, whenever the connection is closed behind it."""

    def __init__(self, raw: asyncio.StreamReader, *, patient: bool = True) -> None:
        self.raw = raw
        self.patient = patient
        self.code = 0
        self.others: list[tuple[int, bytes]] = []
        self._buffer = bytearray()

    async def readexactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._frame()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def read(self, _: int) -> bytes:
        """All that comes until the end."""
        try:
            while True:
                await self._frame()
        except asyncio.IncompleteReadError:
            data = bytes(self._buffer)
            self._buffer.clear()
            return data

    async def _frame(self) -> None:
        head, size = await self.raw.readexactly(2)
        if size > 125:
            size = int.from_bytes(await self.raw.readexactly(2 if size == 126 else 8), "big")
        payload = await self.raw.readexactly(size)
        if head == 0x80 | BINARY:
            self._buffer += payload
            return
        self.others.append((head & 15, payload))
        if head & 15 == CLOSE:
            self.code = int.from_bytes(payload[:2], "big")
            if not self.patient:
                raise asyncio.IncompleteReadError(b"", None)


class FrameWriter:
    """Writes each piece as one binary frame; everything else is the real writer's."""

    def __init__(self, raw: asyncio.StreamWriter) -> None:
        self.raw = raw

    def write(self, data: bytes) -> None:
        self.raw.write(frame(BINARY, data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


async def handshake(
    port: int,
    path: str = "/mqtt",
    *,
    tls: ssl.SSLContext | None = None,
    headers: Mapping[str, str | None] = {},
    early: bytes = b"",
) -> tuple[int, dict[str, str], asyncio.StreamReader, asyncio.StreamWriter]:
    """Status, headers and the connection; `headers` over the usual ones, None leaves one out; `early`: in one
    segment with the request."""
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    wanted = {"Host": f"127.0.0.1:{port}", **HEADERS, **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items() if value is not None)]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + early)
    try:
        status, *answered = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        writer.transport.abort()
        raise
    pairs = (line.split(": ", 1) for line in answered if line)
    return int(status.split()[1]), {name.lower(): value for name, value in pairs}, reader, writer


async def open_websocket(
    port: int, path: str = "/mqtt", *, tls: ssl.SSLContext | None = None, patient: bool = True
) -> Client:
    """A client after the handshake; nothing of MQTT is sent."""
    status, headers, reader, writer = await handshake(port, path, tls=tls)
    assert (status, headers.get("sec-websocket-protocol")) == (101, "mqtt")
    return Client(FrameReader(reader, patient=patient), FrameWriter(writer))  # type: ignore[arg-type]
