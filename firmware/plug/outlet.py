"""One outlet: its relay, its meter, its ring and counter, and the cut-off that nothing can override."""

from .energy import Counter
from .replay import Replay
from .ring import Ring

_READINGS_OVER = 2  # in a row before the relay is cut: a single one may be an inrush or a glitch
_LOCKED_MS = 10_000  # after a cut, against an automation that switches on again and again


def _integer(value):
    """A meter's reading as an integer; None where there is none (int of a NaN is a ValueError)."""
    if value is None:
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def _rounded(value, unit: int):
    return None if value is None else (value + unit // 2) // unit


class Outlet:
    """State of one channel; the relay starts as `on` says."""

    def __init__(self, channel: int, meter, relay, ring_samples: int) -> None:
        self.channel = channel
        self.ring = Ring(ring_samples, meter.bidirectional)
        self.replay = Replay(self.ring)
        self.counter = Counter()
        self.max_power = None  # mW
        self.power_on_state = "last"
        self.on = False
        self.next_live = 0  # seq of the next sample to send live
        self._meter = meter
        self._relay = relay
        self._over = 0
        self._cut_at = None

    def switch(self, on: bool) -> None:
        self._relay(on)
        self.on = on
        self._over = 0

    def locked(self, up: int) -> bool:
        """Was it cut a moment ago?"""
        return self._cut_at is not None and up - self._cut_at < _LOCKED_MS

    def measure(self, up: int, log) -> tuple:
        """(mV, uA, mW) now, counted. Whatever the meter does, None stands for what it did not tell."""
        try:
            voltage, current, power = self._meter.read()
        except Exception as error:
            log("meter %d: %r" % (self.channel, error))
            voltage = current = power = None
        power = _integer(power)
        self.counter.reading(up, power)
        return _integer(voltage), _integer(current), power

    def overloaded(self, up: int, power) -> bool:
        """Cut the relay if the power is too high; True if it was cut by this reading."""
        if self.max_power is None or power is None or abs(power) <= self.max_power:
            self._over = 0
            return False
        self._over += 1
        if not self.on or self._over < _READINGS_OVER:
            return False
        self.switch(False)
        self._cut_at = up
        return True

    def record(self, up: int, reading: tuple) -> None:
        """Put the reading into the ring under `up`."""
        voltage, current, power = reading
        self.ring.append(
            up,
            _rounded(voltage, 10),
            _rounded(current if current is None else abs(current), 100),
            power,
            self.counter.imported,
            self.counter.exported,
            self.on,
        )
