"""A plug and a subscriber that speak MQTT 3.1.1 themselves, as cheaply as a load generator must."""

import asyncio
import json
import struct
import time
from typing import cast


def packet(head: int, body: bytes) -> bytes:
    """Fixed header and body."""
    rest, size = len(body), b""
    while True:
        rest, digit = rest >> 7, rest & 127
        size += bytes([digit | (128 if rest else 0)])
        if not rest:
            return bytes([head]) + size + body


def text(value: bytes) -> bytes:
    """A length-prefixed string."""
    return struct.pack("!H", len(value)) + value


class Plug(asyncio.Protocol):
    """One connection that publishes telemetry; `ready` resolves with the CONNACK code."""

    def __init__(self, hardware_id: str, secret: str, qos: int = 0, run: str = "bench") -> None:
        self.hardware_id = hardware_id
        self.ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.acknowledged = self.seq = self.energy = 0
        self.writable = True
        self._secret, self._qos, self._run = secret, qos, run
        self._head = text(f"smartplug/{hardware_id}/telemetry".encode())
        self._rest = b""
        self._begun, self._up = time.monotonic(), 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        name, secret = self.hardware_id.encode(), self._secret.encode()
        flags = 0xC2 if secret else 0x02
        login = text(name) + text(secret) if secret else b""
        head = text(b"MQTT") + bytes([4, flags]) + struct.pack("!H", 120)
        self.transport.write(packet(0x10, head + text(name) + login))

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        i, n = 0, len(data)
        while n - i >= 2:
            size, j, shift = 0, i + 1, 0
            while j < n:
                digit = data[j]
                size |= (digit & 127) << shift
                j, shift = j + 1, shift + 7
                if digit < 128:
                    break
            else:
                break
            if j + size > n:
                break
            kind = data[i] >> 4
            if kind == 2:
                if not self.ready.done():
                    self.ready.set_result(data[j + 1])
            elif kind == 4:
                self.acknowledged += 1
            i = j + size
        self._rest = data[i:]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("closed before CONNACK"))

    def sample(self) -> bytes:
        """The next sample as JSON, and one step of its counter; every value changes, as a real meter's do."""
        self.energy += 57
        # A crystal that runs as the clock does; seq * 1000 would be a plug whose time runs away at any other rate.
        self._up = max(self._up + 1, int((time.monotonic() - self._begun) * 1000))
        watts = 200 + self.seq * 37 % 101 / 10
        voltage = 230.0 + self.seq % 9 / 10
        body = (
            b'{"voltage":%.1f,"current":%.3f,"power":%.1f,"energy_mwh":%d,"relay_state":true,'
            b'"run":"%s","seq":%d,"oldest":0,"up":%d}'
        ) % (voltage, watts / voltage, watts, self.energy, self._run.encode(), self.seq, self._up)
        self.seq += 1
        return body

    def subscribe(self) -> None:
        """Ask for control, config and ack."""
        root = f"smartplug/{self.hardware_id}/"
        topics = b"".join(text((root + suffix).encode()) + b"\x01" for suffix in ("control", "config", "ack"))
        self.transport.write(packet(0x82, b"\x00\x01" + topics))

    def publish(self) -> None:
        """Send the next sample."""
        body = self.sample()
        if self._qos:
            self.transport.write(packet(0x32, self._head + struct.pack("!H", self.seq % 65535 + 1) + body))
        else:
            self.transport.write(packet(0x30, self._head + body))


async def connect(host: str, port: int, plugs: list[tuple[str, str]], qos: int, subscribe: bool = False) -> list[Plug]:
    """Connect them all, 50 at a time; with `subscribe` each asks for what a plug hears. Raises ConnectionError when
    one is refused."""
    loop, connected = asyncio.get_running_loop(), []
    run = f"{time.time_ns() & 0xFFFFFFFFFFFFFFFF:016x}"
    for k in range(0, len(plugs), 50):
        part = [
            loop.create_connection(lambda p=plug: Plug(*p, qos, run), host, port)  # type: ignore[misc]
            for plug in plugs[k : k + 50]
        ]
        for _, plug in await asyncio.gather(*part):
            code = await asyncio.wait_for(plug.ready, 30)
            if code:
                raise ConnectionError(f"{plug.hardware_id} was refused with code {code}")
            if subscribe:
                plug.subscribe()
            connected.append(plug)
    return connected


def dumps(value: object) -> str:
    """One line of JSON."""
    return json.dumps(value, separators=(",", ":"))
