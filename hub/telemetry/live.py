"""Live: the newest reading of every outlet, and the last ten minutes of it for the first paint of a live chart."""

from collections.abc import Iterable
from struct import Struct

import msgspec
import numpy as np

from hub.plugins.contract import NONE, SeriesKey
from hub.sample import Sample
from hub.telemetry.buffer import NAN

KEPT_MS = 600_000
MOST = 6_000  # samples, for devices that send faster than 10 Hz
ROW = Struct("<qfffqb")
FIELDS = np.dtype(
    [
        *(("at", "<i8"), ("power", "<f4"), ("voltage", "<f4"), ("current", "<f4")),
        *(("energy_mwh", "<i8"), ("relay", "i1")),
    ]
)
CUT = 128 * ROW.size  # bytes after which is looked what is too old


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


_pack, _at = ROW.pack, Struct("<q").unpack_from


class Live:
    """Newest values by (device, channel). Calls are made on the event loop."""

    def __init__(self) -> None:
        self._outlets: dict[tuple[str, int], tuple[LiveState, bytearray]] = {}  # the newest, and rows by time

    def heard(self, device: str, at: int, sample: Sample) -> None:
        """A live sample arrived. Hot path."""
        key = (device, sample.channel)
        voltage, current, power, energy = sample.voltage, sample.current, sample.power, sample.energy_mwh
        relay = sample.relay_state
        outlet = self._outlets.get(key)
        if outlet is None:
            state = LiveState(
                at, voltage, current, power, sample.power_factor, energy, sample.export_mwh, sample.apparent, relay
            )
            rows = bytearray()
            self._outlets[key] = state, rows
        else:
            state, rows = outlet
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
        rows.extend(
            _pack(
                at,
                NAN if power is None else power,
                NAN if voltage is None else voltage,
                NAN if current is None else current,
                NONE if energy is None else energy,
                NONE if relay is None else relay,
            )
        )
        if len(rows) % CUT == 0:
            _cut(rows, at)

    def retained(self, device: str, at: int, sample: Sample) -> None:
        """What a broker kept as the last reading, and handed out at this time: what is known of an outlet until one is
        heard. It is no part of the line."""
        if (device, sample.channel) not in self._outlets:
            self.heard(device, at, sample)
            self._outlets[device, sample.channel][1].clear()

    def get(self, device: str, channel: int = 0) -> LiveState | None:
        """The newest reading; None when none came since the hub's start."""
        outlet = self._outlets.get((device, channel))
        return None if outlet is None else outlet[0]

    def recent(self, device: str, channel: int, now: int) -> Recent:
        """The live samples of the last ten minutes."""
        outlet = self._outlets.get((device, channel))
        if outlet is None:
            return Recent([], [], [], [], [], [])
        rows = outlet[1]
        _cut(rows, now)
        table = np.frombuffer(bytes(rows), FIELDS)
        return Recent(**{name: table[name].tolist() for name in Recent.__struct_fields__})

    def series(self) -> Iterable[SeriesKey]:
        """Every outlet that has been heard."""
        return [SeriesKey(device, channel) for device, channel in self._outlets]

    def clock_stepped(self, step_ms: int) -> None:
        """The hub's clock jumped: what was heard is as old as before."""
        for state, rows in self._outlets.values():
            state.at += step_ms
            np.frombuffer(rows, FIELDS)["at"] += step_ms

    def forget(self, device: str) -> None:
        """The device was removed."""
        for key in [key for key in self._outlets if key[0] == device]:
            del self._outlets[key]


def _cut(rows: bytearray, now: int) -> None:
    """Forget what is older than is kept."""
    start = max(0, len(rows) - MOST * ROW.size)
    while start < len(rows) and _at(rows, start)[0] < now - KEPT_MS:
        start += ROW.size
    del rows[:start]
