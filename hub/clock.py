"""The one source of now() and timers, and of whether the hub's time is certain. Tests put a fake in its place."""

import asyncio
import ctypes
import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
MODEL_FILE = Path("/proc/device-tree/model")
RTC_DEVICE = Path("/dev/rtc0")


class Timer(Protocol):
    """A pending call."""

    def cancel(self) -> None:
        """Never call it."""


class Clock:
    """Wall time, monotonic time and timers of the hub process.

    The time is certain when the kernel says that it is synchronised, when there is a hardware clock, or when
    it is trusted by configuration; and never while it lies behind the latest certain time on disk, unless the
    kernel says synchronised or an admin confirms it.
    """

    def __init__(self, trusted: bool = False) -> None:
        self._trusted = trusted or not on_raspberry_pi()
        self._mark = 0
        self._confirmed = False

    def trust(self) -> None:
        """The configuration (or the demo) says that this machine has the right time."""
        self._trusted = True

    def now(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never step."""
        return time.monotonic()

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call back on the event loop after `delay` seconds."""
        return asyncio.get_running_loop().call_later(delay, callback)

    async def sleep(self, delay: float) -> None:
        """Wait `delay` seconds."""
        await asyncio.sleep(delay)

    @property
    def mark(self) -> int:
        """The latest certain time that was committed, Unix ms."""
        return self._mark

    def set_mark(self, certain_time: int) -> None:
        """History says at start (and after each commit) which certain time is on disk."""
        self._mark = certain_time

    def confirm(self) -> None:
        """An admin says that the time shown now is right; a mark ahead of it was wrong and is set back."""
        self._confirmed = True
        self._mark = min(self._mark, self.now())

    def synchronised(self) -> bool:
        """Does the kernel say that it gets the time from somewhere?"""
        return kernel_synchronised()

    def certain(self) -> bool:
        """May samples be dated, and time triggers run, by `now()`?"""
        if self.synchronised() or self._confirmed:
            return True
        return (self._trusted or RTC_DEVICE.exists()) and self.now() >= self._mark


def on_raspberry_pi() -> bool:
    """A Pi has no battery-backed clock: elsewhere the time is trusted by default."""
    try:
        return b"Raspberry Pi" in MODEL_FILE.read_bytes()
    except OSError:
        return False


def kernel_synchronised() -> bool:
    """True when adjtimex(2) reports a synchronised clock."""
    if os.name != "posix" or not hasattr(ctypes, "CDLL"):
        return False
    adjtimex = _adjtimex()
    if adjtimex is None:
        return False
    buffer = ctypes.create_string_buffer(256)  # struct timex with modes = 0: read only
    return bool(0 <= adjtimex(buffer) != TIME_ERROR)


@functools.cache  # asked for every few samples, and looking a function up costs more than calling it
def _adjtimex() -> Callable[[object], int] | None:
    try:
        return cast(Callable[[object], int], ctypes.CDLL(None).adjtimex)
    except (OSError, AttributeError):
        return None
