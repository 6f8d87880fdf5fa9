"""Live: the newest reading of every outlet, and the last ten minutes of it for the first paint of a live chart."""

from array import array
from collections.abc import Iterable

import msgspec

from hub.plugins.contract import NONE, SeriesKey
from hub.sample import Sample
from hub.telemetry.buffer import NAN

KEPT_MS = 600_000
MOST = 6_000  # samples, for devices that send faster than 10 Hz


class LiveState(msgspec.Struct, gc=False):
    """The newest reading of one outlet. `at` is Unix ms of its arrival."""

    at: int
    voltage: float | None
    current: float | None
    power: float | None
    power_factor: float | None
    energy_mwh: int | None
    export_mwh: int | None
    apparent: bool
    relay: bool | None


class Recent(msgspec.Struct):
    """Live samples as columns, ascending by time; NaN and NONE where nothing was sent."""

    at: list[int]
    power: list[float]
    voltage: list[float]
    current: list[float]
    energy_mwh: list[int]
    relay: list[int]


class _Ring:
    """Columns of one outlet; cut when a quarter more than needed is held."""

    __slots__ = ("at", "current", "energy", "power", "relay", "voltage")

    def __init__(self) -> None:
        self.at = array("q")
        self.power = array("f")
        self.voltage = array("f")
        self.current = array("f")
        self.energy = array("q")
        self.relay = array("b")

    def columns(self) -> "tuple[array[int] | array[float], ...]":
        return self.at, self.power, self.voltage, self.current, self.energy, self.relay

    def cut(self, now: int) -> None:
        at = self.at
        start = max(0, len(at) - MOST)
        while start < len(at) and at[start] < now - KEPT_MS:
            start += 1
        for column in self.columns():
            del column[:start]


class Live:
    """Newest values by (device, channel). Calls are made on the event loop."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, int], LiveState] = {}
        self._recent: dict[tuple[str, int], _Ring] = {}

    def heard(self, device: str, at: int, sample: Sample) -> None:
        """A live sample arrived. Hot path."""
        key = (device, sample.channel)
        voltage, current, power, energy = sample.voltage, sample.current, sample.power, sample.energy_mwh
        relay = sample.relay_state
        state = self._states.get(key)
        if state is None:
            self._states[key] = LiveState(
                at, voltage, current, power, sample.power_factor, energy, sample.export_mwh, sample.apparent, relay
            )
            ring = self._recent[key] = _Ring()
        else:
            state.at = at
            state.voltage = voltage
            state.current = current
            state.power = power
            state.power_factor = sample.power_factor
            state.energy_mwh = energy
            state.export_mwh = sample.export_mwh
            state.apparent = sample.apparent
            if relay is not None:
                state.relay = relay
            ring = self._recent[key]
        ring.at.append(at)
        ring.power.append(NAN if power is None else power)
        ring.voltage.append(NAN if voltage is None else voltage)
        ring.current.append(NAN if current is None else current)
        ring.energy.append(NONE if energy is None else energy)
        ring.relay.append(NONE if relay is None else relay)
        if len(ring.at) & 127 == 0:
            ring.cut(at)

    def get(self, device: str, channel: int = 0) -> LiveState | None:
        """The newest reading; None when none came since the hub's start."""
        return self._states.get((device, channel))

    def recent(self, device: str, channel: int, now: int) -> Recent:
        """The live samples of the last ten minutes."""
        ring = self._recent.get((device, channel))
        if ring is None:
            return Recent([], [], [], [], [], [])
        ring.cut(now)
        return Recent(
            ring.at.tolist(),
            ring.power.tolist(),
            ring.voltage.tolist(),
            ring.current.tolist(),
            ring.energy.tolist(),
            ring.relay.tolist(),
        )

    def series(self) -> Iterable[SeriesKey]:
        """Every outlet that has been heard."""
        return [SeriesKey(device, channel) for device, channel in self._states]

    def forget(self, device: str) -> None:
        """The device was removed."""
        for key in [key for key in self._states if key[0] == device]:
            del self._states[key], self._recent[key]
