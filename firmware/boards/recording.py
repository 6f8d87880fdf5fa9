"""A meter that replays one recorded day of an appliance, at the time of day at which it was recorded. CPython only."""

import bisect
import gzip
import random
import time
from array import array
from pathlib import Path

_FOLDER = Path(__file__).parent / "traces"
_DAY_S = 86_400


def appliances() -> list[str]:
    """The names for which there is a recording."""
    return sorted(path.name.removesuffix(".csv.gz") for path in _FOLDER.glob("*.csv.gz"))


def local_second() -> int:
    """The second of the day here and now."""
    now = time.localtime()
    return now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec


class Recording:
    """Power over one day."""

    def __init__(self, appliance: str) -> None:
        """Raises FileNotFoundError for an appliance without a recording."""
        self._seconds = array("I")
        self._watts = array("H")
        with gzip.open(_FOLDER / (appliance + ".csv.gz"), "rt") as file:
            next(file)
            for line in file:
                second, watts = line.split(",")
                self._seconds.append(int(second))
                self._watts.append(int(watts))

    def watts(self, second: int) -> int:
        """At that second of the day (before the first entry: as at the end of the day)."""
        return self._watts[bisect.bisect_right(self._seconds, second % _DAY_S) - 1]


class RecordedMeter:
    """Voltage walks around 230 V; power carries 0.3 % and 0.5 W of noise, current is what both say."""

    bidirectional = False

    def __init__(self, recording: Recording, seed: str, second=local_second) -> None:
        self.on = True
        self._recording = recording
        self._second = second
        self._random = random.Random(seed)
        self._walk = 0.0

    def read(self) -> tuple:
        """(mV in steps of 100, uA in steps of 1000, mW in steps of 100)."""
        gauss = self._random.gauss
        self._walk += gauss(0, 0.03) - 0.0005 * self._walk  # drawn back to 230 V
        voltage = round((230 + self._walk + gauss(0, 0.15)) * 10)
        watts = self._recording.watts(self._second()) if self.on else 0
        power = 0
        if watts:
            power = max(0, round((watts * (1 + gauss(0, 0.003)) + self._random.uniform(-0.5, 0.5)) * 10))
        return voltage * 100, round(power * 1000 / voltage) * 1000, power * 100


class SteadyMeter:
    """Reads what it is told: for tests. Volts and watts."""

    bidirectional = False

    def __init__(self, watts: float = 100.0, volts: float = 230.0) -> None:
        self.on = True
        self.watts = watts
        self.volts = volts

    def read(self) -> tuple:
        watts = self.watts if self.on else 0
        return round(self.volts * 1000), round(watts / self.volts * 1_000_000), round(watts * 1000)
