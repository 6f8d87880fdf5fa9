"""A plug and a subscriber that speak MQTT 3.1.1 themselves, as cheaply as a load generator must."""

import asyncio
import json
import random
import struct
import time
import zlib
from collections.abc import Callable
from typing import TypeVar, cast

RING = 1800
"""Samples that a plug keeps, as the firmware does: `oldest` is that far behind."""

NOISE = [random.Random(k).gauss(0, 1) for k in range(4099)]
LEVELS = (4.2, 60.0, 95.0, 140.0, 420.0, 900.0, 2000.0)
"""Watts of what is plugged in, ten minutes each."""


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

    def __init__(
        self,
        hardware_id: str,
        secret: str,
        qos: int = 0,
        run: str = "bench",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hardware_id = hardware_id
        self.ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.acknowledged = self.seq = self.energy = 0
        self.writable = True
        self._secret, self.qos, self._run, self._clock = secret, qos, run, clock
        self._head = text(f"smartplug/{hardware_id}/telemetry".encode())
        self._rest = b""
        self._begun, self._up, self._id = clock(), 0, 0
        self._flown, self._watts, self._salt = 0.0, 0.0, zlib.crc32(hardware_id.encode())

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
            elif kind == 3:
                self._published(data[i], data[j : j + size])
            i = j + size
        self._rest = data[i:]

    def heard(self, topic: str, payload: bytes) -> None:
        """A message for it came."""

    def _published(self, head: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic, payload = body[2:end].decode(), body[end:]
        if head & 6:
            self.transport.write(b"\x40\x02" + payload[:2])
            payload = payload[2:]
        self.heard(topic, payload)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("closed before CONNACK"))

    def sample(self) -> bytes:
        """The next sample as JSON, with a meter's noise; the counter always moves."""
        before, noise = self._up, NOISE[(self.seq * 31 + self._salt) % len(NOISE)]
        if self.seq % 600 == 0:
            self._watts = LEVELS[(self.seq // 600 + self._salt) % len(LEVELS)]
        # A crystal that runs as the clock does; seq * 1000 would be a plug whose time runs away at any other rate.
        self._up = max(before + 1, round((self._clock() - self._begun) * 1000))
        watts = self._watts * (1 + noise * 0.003) + noise / 2
        voltage = 230 + self.seq // 45 % 9 / 10 + noise * 0.15
        self._flown += watts * (self._up - before) / 3600
        self.energy = max(self.energy + 1, int(self._flown))
        body = (
            b'{"voltage":%.1f,"current":%.3f,"power":%.1f,"energy_mwh":%d,"relay_state":true,'
            b'"run":"%s","seq":%d,"oldest":%d,"up":%d}'
        ) % (voltage, watts / voltage, watts, self.energy, self._run.encode(), self.seq, oldest(self.seq), self._up)
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
        if self.qos:
            self.transport.write(packet(0x32, self._head + struct.pack("!H", self.seq % 65535 + 1) + body))
        else:
            self.transport.write(packet(0x30, self._head + body))

    def tell(self, suffix: str, body: bytes, *, retain: bool = False) -> None:
        """Send this with QoS 1."""
        self._id = self._id % 65535 + 1
        topic = text(f"smartplug/{self.hardware_id}/{suffix}".encode())
        self.transport.write(packet(0x32 | retain, topic + struct.pack("!H", self._id) + body))


def oldest(seq: int) -> int:
    """The first seq that the ring still holds."""
    return max(0, seq - RING + 1)


P = TypeVar("P", bound=Plug)


async def connect(host: str, port: int, plugs: list[P], *, subscribe: bool = False) -> list[P]:
    """Connect them all, 50 at a time; with `subscribe` each asks for what a plug hears. Raises ConnectionError when
    one is refused."""
    loop = asyncio.get_running_loop()
    for k in range(0, len(plugs), 50):
        part = plugs[k : k + 50]
        await asyncio.gather(*(loop.create_connection(lambda p=plug: p, host, port) for plug in part))  # type: ignore[misc]
        for plug in part:
            code = await asyncio.wait_for(plug.ready, 30)
            if code:
                raise ConnectionError(f"{plug.hardware_id} was refused with code {code}")
            if subscribe:
                plug.subscribe()
    return plugs


def dumps(value: object) -> str:
    """One line of JSON."""
    return json.dumps(value, separators=(",", ":"))
