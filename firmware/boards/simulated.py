"""A board in memory, for tests on MicroPython and on CPython; its meter has the float arithmetic of an ESP32."""

import os
import struct
import sys
import time

from ..plug.tasks import sleep_ms
from .board import Board


def single(value: float) -> float:
    """`value` as an ESP32 stores it: a float of 32 bits."""
    return struct.unpack("f", struct.pack("f", value))[0]


class Single:
    """A number whose every result is rounded to 32 bits, as any float on an ESP32: what touches it loses digits too."""

    def __init__(self, value) -> None:
        self.value = single(float(value))

    def __add__(self, other):
        return Single(self.value + _plain(other))

    __radd__ = __add__

    def __sub__(self, other):
        return Single(self.value - _plain(other))

    def __mul__(self, other):
        return Single(self.value * _plain(other))

    __rmul__ = __mul__

    def __truediv__(self, other):
        return Single(self.value / _plain(other))

    def __floordiv__(self, other):
        return Single(self.value // _plain(other))

    def __eq__(self, other) -> bool:
        return self.value == _plain(other)

    def __lt__(self, other) -> bool:
        return self.value < _plain(other)

    def __le__(self, other) -> bool:
        return self.value <= _plain(other)

    def __int__(self) -> int:
        return int(self.value)

    def __hash__(self) -> int:
        return hash(self.value)


def _plain(value) -> float:
    return value.value if isinstance(value, Single) else single(float(value))


class SimulatedMeter:
    """Reads what `reading` holds: V, A, W; None, NaN or an exception instance are what a bad meter gives."""

    def __init__(self, bidirectional: bool = False) -> None:
        self.bidirectional = bidirectional
        self.reading = (230, 1, 230)
        self.on = True

    def read(self) -> tuple:
        if isinstance(self.reading, Exception):
            raise self.reading
        voltage, current, power = self.reading if self.on else (self.reading[0], 0, 0)
        return _times(voltage, 1000), _times(current, 1_000_000), _times(power, 1000)


def _times(value, unit: int):
    return None if value is None else Single(value) * unit


class SimulatedBoard(Board):
    """Memory stands for RTC memory and flash. `power_cut` and `restart` are what happens between two runs."""

    model = "simulated"

    def __init__(self, outlets: int = 1, bidirectional: bool = False, verbose: bool = False) -> None:
        self.meters = [SimulatedMeter(bidirectional) for _ in range(outlets)]
        self.relays = [False] * outlets
        self.outlets = [(self.meters[i], self._relay(i)) for i in range(outlets)]
        self.reason = "power_on"
        self.rtc = b""
        self.flash = {}
        self.writes = 0
        self.online = True
        self.led_on = False
        self.pressed = False
        self.resets = 0
        self.fed = 0
        self.ticks_offset = 0
        self.lines = []
        self._verbose = verbose

    def _relay(self, index: int):
        def switch(on: bool) -> None:
            self.relays[index] = on
            self.meters[index].on = on

        return switch

    def power_cut(self) -> None:
        self.rtc = b""
        self.reason = "power_on"

    def restart(self, reason: str) -> None:
        self.reason = reason

    def ticks_ms(self) -> int:
        now = time.ticks_ms() if hasattr(time, "ticks_ms") else time.monotonic_ns() // 1_000_000
        return (now + self.ticks_offset) & 0x3FFFFFFF

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def reset_reason(self) -> str:
        return self.reason

    def rtc_read(self) -> bytes:
        return self.rtc

    def rtc_write(self, data: bytes) -> None:
        self.rtc = data

    def load(self, name: str):
        return self.flash.get(name)

    def save(self, name: str, data: bytes) -> None:
        self.flash[name] = data
        self.writes += 1

    def erase(self, name: str) -> None:
        self.flash.pop(name, None)

    async def network(self) -> None:
        if not self.online:
            raise OSError("no network")

    def led(self, on: bool) -> None:
        self.led_on = on

    def button(self) -> bool:
        return self.pressed

    async def hold_button(self, ms: int) -> None:
        """Press it, and let go after so long."""
        self.pressed = True
        await sleep_ms(ms)
        self.pressed = False

    def feed_watchdog(self) -> None:
        self.fed += 1

    def reset(self) -> None:
        self.resets += 1

    def log(self, text: str) -> None:
        self.lines = self.lines[-49:] + [text]
        if self._verbose:
            print(text, file=sys.stderr)
