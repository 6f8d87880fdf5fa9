"""Energy of each outlet since midnight in its home's zone: what a list of devices shows beside the power."""

from typing import Protocol

from hub.auth.homes import Homes
from hub.clock import Clock
from hub.devices.device import Device
from hub.history.calendar import Calendar

UNKNOWN = (0, 0)


class EnergySince(Protocol):
    """What is asked of history."""

    def energy_today(self, device: str, channel: int, midnight: int) -> float | None:
        """mWh since then; None = not known."""


class Today:
    """Called with (device, channel): mWh since midnight; None where it is not known. Once for each outlet shown."""

    def __init__(self, history: EnergySince, homes: Homes, clock: Clock) -> None:
        self._history = history
        self._homes = homes
        self._clock = clock
        self._days: dict[str, tuple[int, int]] = {}  # zone -> the midnights around now

    def __call__(self, device: Device, channel: int) -> float | None:
        midnight = self._midnight(self._homes.time_zone(device.home))
        return self._history.energy_today(device.id, channel, midnight)

    def _midnight(self, zone: str) -> int:
        now = self._clock.now()
        start, end = self._days.get(zone, UNKNOWN)
        if not start <= now < end:  # finding it costs 76 us, far more than all the rest of a device
            start, end = self._days[zone] = Calendar(zone).day(now)
        return start
