"""Hours of the whole hub within minutes: its clock moves when the plugs have been heard, and at no other time.

Real are the hub's process, the plugs' connections (MQTT over TCP, QoS 1), its files and its disk. Only time is not:
nothing waits for it, and every sample arrives in the second in which it was measured.
"""

import asyncio
from pathlib import Path
from types import TracebackType

import msgspec

from benchmarks.mqtt import Plug, oldest
from benchmarks.steered import Counts
from hub.testing.process import CONFIGURATION, HubProcess


class Steer:
    """Moves the clock of a hub that was started as benchmarks.steered."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def __aenter__(self) -> "Steer":
        self._reader, self._writer = await asyncio.open_unix_connection(self._path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def advance(self, seconds: float) -> Counts:
        """Move on; commits and merges that fell due are done."""
        return await self._ask(f'{{"do":"advance","seconds":{seconds}}}')

    async def merge(self) -> Counts:
        """Do now what is due after the hour."""
        return await self._ask('{"do":"merge"}')

    async def step(self, ms: int) -> Counts:
        """The wall clock alone jumps."""
        return await self._ask(f'{{"do":"step","ms":{ms}}}')

    async def synchronise(self) -> Counts:
        """The hub's kernel says that it has the time."""
        return await self._ask('{"do":"synchronise"}')

    async def go(self) -> Counts:
        """From now on the clock runs by itself."""
        return await self._ask('{"do":"go"}')

    async def counts(self) -> Counts:
        """What history has done so far."""
        return await self._ask('{"do":"count"}')

    async def _ask(self, line: str) -> Counts:
        self._writer.write(line.encode() + b"\n")
        answer = await self._reader.readline()
        if not answer:
            raise RuntimeError("the hub ended")
        return msgspec.json.decode(answer, type=Counts)


class SteeredHub(HubProcess):
    """A hub whose clock stands at `now` (Unix ms) until it is moved over the socket `steer`."""

    def __init__(self, now: int, folder: Path | None = None, configuration: str = CONFIGURATION) -> None:
        super().__init__(configuration, folder=folder)
        self.steer = str(self.folder / "steer")
        self.set_clock(now)

    def set_clock(self, now: int, sure: str = "synchronised") -> None:
        """What the next start finds: Unix ms, and what speaks for it ("synchronised", "trusted", "doubted")."""
        self._program = ("-m", "benchmarks.steered", "--sure", sure, self.steer, str(now))


class Reading(msgspec.Struct):
    """What a plug measures at one moment."""

    voltage: float
    current: float
    power: float
    energy_mwh: int
    relay: bool = True


class Told(Plug):
    """A plug that sends what it is given, as the firmware does, and knows what was acknowledged as durable."""

    def __init__(self, hardware_id: str, secret: str, run: str, turnstile: "Turnstile") -> None:
        super().__init__(hardware_id, secret, 1, run)
        self.run, self.durable = run, -1
        self._turnstile = turnstile
        self._on: bool | None = None

    def measured(self, reading: Reading, seq: int, up: int) -> None:
        """Send it; a relay that was switched is told as well, as is how it stands after the start."""
        if reading.relay is not self._on:
            self._on = reading.relay
            self._status(seq, up)
        body = (
            f'{{"voltage":{reading.voltage},"current":{reading.current},"power":{reading.power},'
            f'"energy_mwh":{reading.energy_mwh},"relay_state":{"true" if reading.relay else "false"},'
            f'"run":"{self.run}","seq":{seq},"oldest":{oldest(seq)},"up":{up}}}'
        )
        self._turnstile.sent()
        self.tell("telemetry", body.encode())

    def ping(self) -> None:
        """As the firmware does while it measures nothing: the hub keeps no connection that is silent."""
        self.transport.write(b"\xc0\x00")

    def _status(self, seq: int, up: int) -> None:
        body = (
            f'{{"status":"{"on" if self._on else "off"}","firmware":"1.0.0","uptime":{up // 1000},"run":"{self.run}",'
            f'"oldest":{oldest(seq)},"buffer_s":1800,"reason":"power_on","rssi":-61}}'
        )
        self._turnstile.sent()
        self.tell("status", body.encode(), retain=True)

    def data_received(self, data: bytes) -> None:
        before = self.acknowledged
        super().data_received(data)
        self._turnstile.acknowledged(self.acknowledged - before)

    def heard(self, topic: str, payload: bytes) -> None:
        if topic.endswith("/ack"):
            acks = msgspec.json.decode(payload)["acks"]
            self.durable = max([self.durable, *(ack["seq"] for ack in acks if ack["run"] == self.run)])


class Turnstile:
    """Lets on when everything that was sent is acknowledged: the hub has then taken it up."""

    def __init__(self) -> None:
        self._open = 0
        self._clear = asyncio.Event()

    def sent(self) -> None:
        """One more is under way."""
        self._open += 1
        self._clear.clear()

    def acknowledged(self, count: int) -> None:
        """So many have arrived."""
        self._open -= count
        if self._open <= 0:
            self._clear.set()

    async def passed(self) -> None:
        """Wait for all; TimeoutError after three minutes, which even a machine with much other work does not need."""
        if self._open > 0:
            await asyncio.wait_for(self._clear.wait(), 180)
