"""Time without an epoch: ms since the run began, and Unix time as far as the hub has told it."""

from .payload import whole

_PERIOD = 1 << 30  # ticks_ms wraps here on an ESP32, after 12.4 days

_EARLIEST = 1_577_836_800_000  # 2020; a hub without a clock must not set ours
_LATEST = 4_102_444_800_000  # 2100


class Uptime:
    """Milliseconds since the run began. Never wraps; must be asked at least once in 12 days (the sampler does)."""

    def __init__(self, ticks_ms) -> None:
        self._ticks = ticks_ms
        self._last = ticks_ms()
        self._up = 0

    def ms(self) -> int:
        now = self._ticks()
        self._up += (now - self._last) & (_PERIOD - 1)
        self._last = now
        return self._up


class Clock:
    """Unix time in ms, carried on `up`; nothing here asks the board for a date."""

    def __init__(self, uptime: Uptime) -> None:
        self._uptime = uptime
        self._offset = None

    def set(self, unix_ms) -> None:
        """Take the hub's time; what cannot be a time is ignored."""
        if whole(unix_ms, _EARLIEST, _LATEST):
            self._offset = unix_ms - self._uptime.ms()

    @property
    def offset(self) -> int:
        """Unix ms - up, 0 before the first ack that carried a time."""
        return self._offset or 0

    def now(self):
        """Unix ms, or None before the first ack that carried a time."""
        return None if self._offset is None else self._uptime.ms() + self._offset
