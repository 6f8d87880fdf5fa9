"""The firmware as part of a CPython process: for the demo, for the hub's tests and for benchmarks."""

import asyncio
import logging
import os
import time
from pathlib import Path

from ..plug.app import Plug
from .board import Board, Settings
from .recording import RecordedMeter, Recording, SteadyMeter

_log = logging.getLogger("firmware")


class DesktopBoard(Board):
    """Meters that are given; relays, RTC memory and flash are memory of this object, or flash a folder on disk."""

    model = "desktop"

    def __init__(self, name: str, meters: list, flash_folder: str | None = None) -> None:
        self.meters = meters
        self.outlets = [(meter, self._relay(meter)) for meter in meters]
        self.reason = "power_on"
        self.online = True
        self.on_reset = None
        self._name = name
        self._rtc = b""
        self._flash = {"relay": b"[" + b",".join([b"true"] * len(meters)) + b"]"}
        self._folder = None if flash_folder is None else Path(flash_folder)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._flash |= {path.name: path.read_bytes() for path in self._folder.iterdir()}

    @staticmethod
    def _relay(meter):
        def switch(on: bool) -> None:
            meter.on = on

        return switch

    def cut_power(self) -> None:
        """RAM and RTC memory are gone, flash stays."""
        self._rtc = b""
        self.reason = "power_on"

    def ticks_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def reset_reason(self) -> str:
        return self.reason

    def rtc_read(self) -> bytes:
        return self._rtc

    def rtc_write(self, data: bytes) -> None:
        self._rtc = data

    def load(self, name: str):
        return self._flash.get(name)

    def save(self, name: str, data: bytes) -> None:
        self._flash[name] = data
        if self._folder is not None:
            part = self._folder.with_name(self._folder.name + ".part")
            part.write_bytes(data)
            part.replace(self._folder / name)

    def erase(self, name: str) -> None:
        self._flash.pop(name, None)
        if self._folder is not None:
            (self._folder / name).unlink(missing_ok=True)

    async def network(self) -> None:
        if not self.online:
            raise OSError("no network")

    def reset(self) -> None:
        if self.on_reset is not None:
            self.on_reset()

    def log(self, text: str) -> None:
        _log.debug("%s: %s", self._name, text)


class DesktopSettings(Settings):
    """Settings whose broker and secret may change between two connections."""

    def __init__(self, hardware_id: str, broker) -> None:
        super().__init__(hardware_id, "", "")
        self._broker = broker

    def broker(self) -> tuple:
        host, port, secret = self._broker()
        return host, port, secret, self.tls


class DesktopPlug:
    """One plug on this event loop, with what can happen to it: power cut, watchdog reset, no network.

    plug = DesktopPlug("127.0.0.1", 1883, "test-plug", secret, interval_ms=100)
    await plug.start()
    await plug.wait_online()
    plug.meters[0].watts = 1000
    await plug.stop()
    """

    def __init__(
        self,
        host: str,
        port: int,
        hardware_id: str,
        secret: str,
        *,
        appliance: str | None = None,
        outlets: int = 1,
        interval_ms: int = 1000,
        ring_samples: int = 3600,
        replay_wait_ms: int = 0,
        backoff_max_ms: int = 4000,
        minutes_folder: str | None = None,
        flash_folder: str | None = None,
        code: str | None = None,
        broker=None,
    ) -> None:
        """`appliance` is one of recording.appliances(); without it SteadyMeters read what they are told.
        `minutes_folder`: stands for the flash that minutes are kept in; None = none are kept.
        `flash_folder`: what is kept in flash outlives this process there. `code`: on its label; without a secret the
        plug is paired by it.
        `broker`, called before each connection, gives (host, port, secret) in place of the arguments; it may raise
        OSError while there is none."""
        if appliance is None:
            self.meters = [SteadyMeter() for _ in range(outlets)]
        else:
            recording = Recording(appliance)
            self.meters = [RecordedMeter(recording, hardware_id + str(i)) for i in range(outlets)]
        self.board = DesktopBoard(hardware_id, self.meters, flash_folder)
        self.board.minutes_folder = minutes_folder
        self.settings = DesktopSettings(hardware_id, broker or (lambda: (host, port, secret)))
        self.settings.code = code
        self.settings.interval_ms = interval_ms
        self.settings.ring_samples = ring_samples
        self.settings.replay_wait_ms = replay_wait_ms
        self.settings.backoff_max_ms = backoff_max_ms
        self.plug = None  # the Plug of the present run, or of the last
        self.runs = []  # every Plug there was, oldest first: their rings tell what was measured
        self._task = None
        self._reset = False

    @property
    def online(self) -> bool:
        """Is it logged in?"""
        return self._task is not None and self.plug.link.online

    @property
    def paired(self) -> bool:
        """Has it a secret?"""
        return not self.plug.pairing.needed

    @property
    def refusals(self) -> int:
        """Logins in a row that the hub refused."""
        return self.plug.link.refusals

    @property
    def run_id(self) -> str:
        """The `run` of its telemetry."""
        return self.plug.run_id

    async def start(self) -> None:
        """Power on. The reason is what happened before: power_on, watchdog or software."""
        if self._task is not None:
            raise RuntimeError("it runs already")
        self._boot()
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Log out and end; a start afterwards is a power cut's."""
        await self._end()
        self.board.cut_power()

    async def power_cut(self) -> None:
        """The plug is pulled: no goodbye, ring and counter are lost."""
        self.plug.link.drop()
        await self._end()
        self.board.cut_power()

    async def watchdog_reset(self) -> None:
        """Hangs and restarts: the ring is lost, the counter stays."""
        self.plug.link.drop()
        await self._end()
        self.board.reason = "watchdog"
        await self.start()

    def hold_button(self) -> None:
        """As somebody who holds its button for ten seconds: it forgets its hub, and restarts."""
        self.plug.unpair()

    def cut_network(self) -> None:
        """No network until restore_network()."""
        self.board.online = False
        self.plug.link.drop()

    def restore_network(self) -> None:
        """The next attempt to connect may succeed."""
        self.board.online = True

    async def wait_online(self) -> None:
        """Until it is logged in; put a timeout around it."""
        while not self.online:
            await asyncio.sleep(0.02)

    def measured(self, channel: int = 0) -> dict:
        """Everything that the rings of all runs still hold: {(run, seq): (up ms, V, A, W, mWh, relay)}."""
        found = {}
        for plug in self.runs:
            ring = plug.outlets[channel].ring
            for seq in range(ring.oldest, ring.next):
                up, voltage, current, power, energy, _, relay = ring.get(seq)
                found[plug.run_id, seq] = (
                    up,
                    None if voltage is None else voltage / 100,
                    None if current is None else current / 10_000,
                    None if power is None else power / 1000,
                    energy,
                    relay,
                )
        return found

    def _boot(self) -> None:
        self.plug = Plug(self.board, self.settings)
        self.board.on_reset = self._restart
        self.runs = [*self.runs[-99:], self.plug]

    def _restart(self) -> None:
        self._reset = True
        self.board.reason = "software"
        self.plug.end()

    async def _work(self) -> None:
        while True:
            await self.plug.run()
            if not self._reset:
                return
            self._reset = False
            self._boot()

    async def _end(self) -> None:
        if self._task is not None:
            self.plug.end()
            await self._task
            self._task = None
