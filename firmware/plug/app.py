"""Plug: everything together. main.py and the boards for CPython make one and run it."""

import asyncio
import json

from . import NAME, VERSION, config
from .control import Control
from .energy import Memory
from .link import Link
from .minutes import Minutes
from .outlet import Outlet
from .pair import Pairing
from .payload import parse
from .sampler import Sampler
from .tasks import cancel, forever, sleep_ms
from .uptime import Clock, Uptime

_BUTTON_MS = 50
_REPORTS = 8  # answers that wait for the network; the oldest is let go


class Plug:
    """One plug from its start to its end. `board` is boards/board.py's interface, `settings` too."""

    def __init__(self, board, settings) -> None:
        self.board = board
        self.settings = settings
        self.uptime = Uptime(board.ticks_ms)
        self.clock = Clock(self.uptime)
        self.run_id = "".join(["%02x" % byte for byte in board.random_bytes(8)])
        self.reason = board.reset_reason()
        self.name = ""
        self.interval = settings.interval_ms
        self.led_on = True
        self.pairing = Pairing(self)
        self.hub = self.pairing.hub or settings.hub or self._loaded("hub")
        self.outlets = [
            Outlet(channel, meter, relay, settings.ring_samples) for channel, (meter, relay) in enumerate(board.outlets)
        ]
        self._memory = Memory(board, len(self.outlets))
        self.minutes = Minutes(self)
        self.sampler = Sampler(self)
        self.control = Control(self)
        self.link = Link(self)
        self.reports = []  # (command id, error) that the hub shall see
        self._blinking = None
        self._rebooting = False
        self._ended = asyncio.Event()
        self._configure(board.load("config"))
        self._restore()

    async def run(self) -> None:
        """Work until `end`, or until this task is cancelled."""
        log = self.board.log
        works = [self.sampler.run, self.link.run, self.minutes.run]
        if self.board.has_button:
            works.append(self._watch_button)
        tasks = [asyncio.create_task(forever(work, log)) for work in works]
        try:
            await self._ended.wait()
        finally:
            self._ended.set()
            if self._blinking is not None:
                tasks.append(self._blinking)
            await cancel(tasks)

    def end(self) -> None:
        """Let `run` return."""
        self._ended.set()

    @property
    def ending(self) -> bool:
        """Is `run` about to return?"""
        return self._ended.is_set()

    def switch(self, outlet, on: bool) -> None:
        """Switch a relay; who asked reports it."""
        changed = outlet.on != on
        outlet.switch(on)
        self.remember()
        self.show()
        if changed:
            self._save_relays()

    def overload(self, outlet) -> None:
        """The sampler cut this outlet's relay."""
        self.board.log("outlet %d cut: overload" % outlet.channel)
        self.show()
        self._save_relays()
        self.report(None, "overload")

    def report(self, command_id, error) -> None:
        """Publish a fresh status, now or when there is a connection."""
        self.reports = self.reports[1 - _REPORTS :] + [(command_id, error)]
        self.link.reported()

    def status(self, command_id, error) -> bytes:
        """The `status` payload."""
        first = self.outlets[0]
        values = {
            "status": "on" if first.on else "off",
            "firmware": NAME + " " + VERSION,
            "uptime": self.uptime.ms() // 1000,
            "run": self.run_id,
            "oldest": first.replay.oldest,
            "buffer_s": first.ring.size * self.interval // 1000,
            "reason": self.reason,
        }
        older = self.minutes.older
        if older:
            values["older"] = older
        rssi = self.board.rssi()
        if rssi is not None:
            values["rssi"] = rssi
        if len(self.outlets) > 1:
            values["channels"] = {
                str(outlet.channel): {"on": outlet.on, "oldest": outlet.replay.oldest} for outlet in self.outlets
            }
        if command_id is not None:
            values["id"] = command_id
        if error is not None:
            values["error"] = error
        return json.dumps(values).encode()

    def configure(self, payload: bytes) -> None:
        """A `config` message. Written to flash only when it differs: it comes again with every connection."""
        if self._configure(payload) and payload != self.board.load("config"):
            self._save("config", payload)

    def set_interval(self, interval: int) -> None:
        if interval != self.interval:
            self.interval = interval
            self.sampler.set_interval(interval)

    def adopt(self, hub: str) -> None:
        """From now on this hub's acks are the only ones that count."""
        self.hub = hub
        self._save("hub", hub.encode())

    def paired(self, hub: str) -> None:
        """Pairing is done: it belongs to this hub."""
        self.board.log("paired with hub " + hub)
        self.hub = hub

    def unpair(self) -> None:
        """Forget the hub and what it or its people gave: secret, CA, configuration, and the minutes not yet sent."""
        if self.pairing.possible:
            self.pairing.forget()
            for name in ("hub", "config"):
                self.board.erase(name)
            self.minutes.erase()
            self.board.log("unpaired")
            self.board.reset()

    def remember(self) -> None:
        """Counters and relays into RTC memory."""
        self._memory.store([outlet.counter.pack(outlet.on) for outlet in self.outlets])

    def show(self) -> None:
        """The LED tells the first relay, unless it is switched off or identifies the plug."""
        if self._blinking is None:
            self.board.led(self.led_on and self.outlets[0].on)

    def identify(self, duration_ms: int) -> None:
        if self._blinking is None:
            self._blinking = asyncio.create_task(self._blink(duration_ms))

    def reboot(self) -> None:
        """Restart once the answer is out (or the connection lost)."""
        self._rebooting = True
        self.link.reported()

    def reports_sent(self) -> None:
        """The link has published all reports."""
        if self._rebooting:
            self.board.reset()

    def _configure(self, payload) -> bool:
        values = parse(payload) if payload else None
        if values is None:
            return False
        wrong = config.apply(self, values)
        if wrong:
            self.board.log("config: ignored " + ", ".join(wrong))
        return True

    def _restore(self) -> None:
        """Counters and relays as they were; after a power cut counters as flash had them last, if it holds minutes, and
        relays as power_on_state says."""
        stored = self._memory.load()
        if stored is None and self.reason == "watchdog":
            self.reason = "brownout"  # an ESP32 reports both alike, but only this one costs the RTC memory
        if stored is None:
            for channel, (imported, exported) in self.minutes.counters.items():
                if channel < len(self.outlets):
                    counter = self.outlets[channel].counter
                    counter.imported, counter.exported = imported, exported
        if stored is not None:
            relays = [outlet.counter.unpack(data) for outlet, data in zip(self.outlets, stored)]
        if stored is None or self.reason == "power_on":
            last = self._last_relays()
            relays = [
                last[i] if outlet.power_on_state == "last" else outlet.power_on_state == "on"
                for i, outlet in enumerate(self.outlets)
            ]
        for outlet, on in zip(self.outlets, relays):
            outlet.switch(on)
        self.remember()
        self.show()

    def _last_relays(self) -> list:
        try:
            last = [bool(on) for on in json.loads(self.board.load("relay") or b"[]")]
        except (ValueError, TypeError):
            last = []
        return last + [False] * len(self.outlets)

    def _save_relays(self) -> None:
        # Flash bears some 100,000 writes of a place; a relay bears no more switchings than that either.
        self._save("relay", json.dumps([outlet.on for outlet in self.outlets]).encode())

    def _loaded(self, name: str):
        data = self.board.load(name)
        return data.decode() if data else None

    def _save(self, name: str, data: bytes) -> None:
        try:
            self.board.save(name, data)
        except OSError as error:  # a full or worn flash must not stop the plug
            self.board.log("flash: %r" % error)

    async def _blink(self, duration_ms: int) -> None:
        try:
            for i in range(duration_ms // 250):
                self.board.led(i % 2 == 0)
                await sleep_ms(250)
        finally:
            self._blinking = None
            self.show()

    async def _watch_button(self) -> None:
        was = False
        since = 0
        while True:
            pressed = self.board.button()
            if pressed and not was:
                since = self.uptime.ms()
                outlet = self.outlets[0]
                self.switch(outlet, not outlet.on)
                self.report(None, None)
            elif pressed and since is not None and self.uptime.ms() - since >= self.settings.reset_hold_ms:
                since = None  # once, however long it is held
                self.unpair()
            was = pressed
            await sleep_ms(_BUTTON_MS)
