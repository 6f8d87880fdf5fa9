"""A hundred plugs come back after a day without a hub: each replays its ring and its minutes while it goes on live."""

import asyncio
import json
import random
import time

from benchmarks.mqtt import Plug, packet, text
from benchmarks.processes import cpu_seconds, pin
from benchmarks.scenarios import Row, percentile, prepare, row
from benchmarks.watcher import Watcher
from hub.testing.process import HubProcess

PLUGS = 100
AWAY_S = 86_400
RING = 3600  # samples
BATCH, RECORDS = 120, 30  # samples and minutes in a message
PACE_S = 0.25
WAIT_S = 30  # at most, before a plug replays


class Returning(Plug):
    """A plug whose run began `away` s ago, one sample a second, of which it holds the newest `ring`."""

    away, ring, batch, pace = AWAY_S, RING, BATCH, PACE_S

    def __init__(self, hardware_id: str, secret: str, run: str) -> None:
        super().__init__(hardware_id, secret, 0, run)
        self.seq = self.away
        self.told: dict[str, int] = {}  # what went out live, when (ns)
        self._more = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._more.set()

    async def live(self) -> None:
        """A sample a second, until cancelled."""
        begin = time.monotonic()
        while True:
            self.energy = self.seq * 57
            body = {**self._reading(self.seq), "run": self._run, "seq": self.seq, "oldest": self.seq - self.ring}
            self._send("telemetry", body, 0)
            self.told[f"{self.hardware_id}/{self.energy}"] = time.time_ns()
            self.seq += 1
            await asyncio.sleep(begin + self.seq - self.away - time.monotonic())

    async def replay(self, wait: float) -> None:
        """Ring, then minutes; one message under way, each `pace` s."""
        await asyncio.sleep(wait)
        oldest = self.away - self.ring
        for first in range(oldest, self.away, self.batch):
            readings = [self._reading(seq) for seq in range(first, first + self.batch)]
            columns: dict[str, object] = {name: [reading[name] for reading in readings] for name in readings[0]}
            columns |= {"run": self._run, "seq": first, "oldest": oldest, "up": first * 1000, "dt": 1000}
            await self._acknowledged("telemetry/batch", columns)
        minutes = [
            {
                "seq_from": first,
                "seq_to": first + 59,
                "up": (first + 59) * 1000,
                "min": 200.0,
                "mean": 205.0,
                "max": 210.0,
                "energy_mwh": (first + 59) * 57,
                "on_s": 60,
            }
            for first in range(0, oldest, 60)
        ]
        for k in range(0, len(minutes), RECORDS):
            await self._acknowledged("telemetry/minutes", {"run": self._run, "minutes": minutes[k : k + RECORDS]})

    def _reading(self, seq: int) -> dict[str, object]:
        watts = 200 + seq * 37 % 101 / 10
        reading = {"voltage": 230.0, "current": round(watts / 230, 3), "power": watts, "energy_mwh": seq * 57}
        return {**reading, "relay_state": True, "up": seq * 1000}

    async def _acknowledged(self, suffix: str, body: dict[str, object]) -> None:
        goal = self.acknowledged + 1
        self._send(suffix, body, 1)
        begin = time.monotonic()
        while self.acknowledged < goal:
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 30)
        await asyncio.sleep(max(0.0, begin + self.pace - time.monotonic()))

    def _send(self, suffix: str, body: dict[str, object], qos: int) -> None:
        topic = text(f"smartplug/{self.hardware_id}/{suffix}".encode())
        id = b"\x00\x01" if qos else b""
        self.transport.write(packet(0x30 | qos << 1, topic + id + json.dumps(body).encode()))


async def returning(quick: bool) -> list[Row]:
    """How long it takes, and what becomes of the live samples meanwhile."""
    hub = HubProcess()
    try:
        logins = await prepare(hub, 10 if quick else PLUGS)
        pin(0, {1})
        names = {device["id"]: device["hardware_id"] for device in (await hub.call("GET", "/devices"))["items"]}
        watcher = Watcher(hub)
        watching = asyncio.create_task(watcher.watch(names))
        await watcher.ready()
        chance, loop, plugs = random.Random(1), asyncio.get_running_loop(), []
        for hardware_id, secret in logins:
            plug = Returning(hardware_id, secret, f"{chance.getrandbits(64):016x}")
            await loop.create_connection(lambda plug=plug: plug, "127.0.0.1", hub.mqtt_port)  # type: ignore[misc]
            if await plug.ready:
                raise ConnectionError(f"{hardware_id} was refused")
            plugs.append(plug)
        before, begin = cpu_seconds(hub.pid), time.monotonic()
        living = [asyncio.create_task(plug.live()) for plug in plugs]
        async with asyncio.TaskGroup() as group:
            for plug in plugs:
                group.create_task(plug.replay(chance.uniform(0, 2 if quick else WAIT_S)))
        took, used = time.monotonic() - begin, cpu_seconds(hub.pid) - before
        for task in (*living, watching):
            task.cancel()
        await asyncio.gather(*living, watching, return_exceptions=True)
        told = {key: at for plug in plugs for key, at in plug.told.items()}
        delays = [(watcher.seen[key] - at) / 1e6 for key, at in told.items() if key in watcher.seen]
        for plug in plugs:
            plug.transport.close()
        name = f"{len(plugs)} plugs back after a day"
        return [
            row(f"{name}: until all is replayed", took, "s", at_most=600),
            row(f"{name}: share of one core meanwhile", used / took * 100, "%"),
            row(f"{name}: live samples to WebSocket, p99", percentile(delays, 0.99), "ms", at_most=200),
            row(f"{name}: live samples that reached the page", len(delays) / len(told) * 100, "%"),
        ]
    finally:
        await hub.close()
