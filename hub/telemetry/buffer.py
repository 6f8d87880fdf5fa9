"""The column buffer: accepted samples of the running commit interval, as plain arrays a stream."""

from array import array
from collections.abc import Callable

import numpy as np

from hub.plugins.contract import NONE, Float64, Int8, Int64, Minute, RawColumns
from hub.sample import Sample

NAN = float("nan")
BYTES_A_SAMPLE = 66
LIMIT_BYTES = 64 << 20
EXTRAS = ("power_factor", "frequency", "temperature")
MINUTE_EXTRAS = ("seq_from", "min", "max", "on_ms")


class Columns:
    """Samples of one stream in order of arrival. `at`: Unix ms of what `up` cannot date; NONE; or, below NONE,
    NONE - 1 - ms of the monotonic clock."""

    __slots__ = ("apparent", "at", "current", "energy", "export", "extra", "power", "relay", "seq", "up", "voltage")

    def __init__(self) -> None:
        self.seq = array("q")
        self.up = array("q")
        self.at = array("q")
        self.voltage = array("d")
        self.current = array("d")
        self.power = array("d")
        self.energy = array("q")
        self.export = array("q")
        self.relay = array("b")
        self.apparent = array("b")
        self.extra: dict[str, array[float]] | None = None

    def __len__(self) -> int:
        return len(self.seq)

    def add(self, seq: int, at: int, sample: Sample) -> None:
        """Append one sample. Hot path."""
        self.seq.append(seq)
        self.up.append(NONE if sample.up is None else sample.up)
        self.at.append(at)
        self.voltage.append(NAN if sample.voltage is None else sample.voltage)
        self.current.append(NAN if sample.current is None else sample.current)
        self.power.append(NAN if sample.power is None else sample.power)
        self.energy.append(NONE if sample.energy_mwh is None else sample.energy_mwh)
        self.export.append(NONE if sample.export_mwh is None else sample.export_mwh)
        self.relay.append(NONE if sample.relay_state is None else sample.relay_state)
        self.apparent.append(sample.apparent)
        if (
            self.extra is not None
            or sample.power_factor is not None
            or sample.frequency is not None
            or sample.temperature is not None
        ):
            self._add_extra(sample)

    def add_minute(self, at: int, minute: Minute) -> None:
        """Append minutes that a plug kept, as RawColumns says."""
        self.seq.append(minute.seq_to)
        self.up.append(minute.up)
        self.at.append(at)
        self.voltage.append(NAN)
        self.current.append(NAN)
        self.power.append(NAN if minute.mean is None else minute.mean)
        self.energy.append(minute.energy_mwh)
        self.export.append(NONE if minute.export_mwh is None else minute.export_mwh)
        self.relay.append(NONE)
        self.apparent.append(0)
        if self.extra is None:
            self.extra = {name: array("d") for name in MINUTE_EXTRAS}
        on_ms = None if minute.on_s is None else minute.on_s * 1000
        for name, value in zip(MINUTE_EXTRAS, (minute.seq_from, minute.min, minute.max, on_ms), strict=True):
            self.extra[name].append(NAN if value is None else value)

    def raw(self, run: str) -> RawColumns:
        """A copy as numpy columns, ascending by seq."""
        seq = np.array(self.seq, np.int64)
        order: Int64 | slice = slice(None)
        if not (seq[1:] > seq[:-1]).all():
            order = np.argsort(seq, kind="stable")

        def ints(column: "array[int]") -> Int64:
            return np.array(column, np.int64)[order]

        def floats(column: "array[float]") -> Float64:
            return np.array(column, np.float64)[order]

        def small(column: "array[int]") -> Int8:
            return np.array(column, np.int8)[order]

        return RawColumns(
            run=run,
            seq=seq[order],
            up=ints(self.up),
            at=ints(self.at),
            voltage=floats(self.voltage),
            current=floats(self.current),
            power=floats(self.power),
            energy_mwh=ints(self.energy),
            export_mwh=ints(self.export),
            relay=small(self.relay),
            apparent=small(self.apparent),
            extra={name: floats(values) for name, values in (self.extra or {}).items()},
        )

    def _add_extra(self, sample: Sample) -> None:
        if self.extra is None:
            self.extra = {}
        for name in EXTRAS:
            value = getattr(sample, name)
            column = self.extra.get(name)
            if column is None:
                if value is None:
                    continue
                column = self.extra[name] = array("d", [NAN] * (len(self.seq) - 1))
            column.append(NAN if value is None else value)


class Buffer:
    """What was accepted since the last commit, by stream number. Calls are made on the event loop."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._columns: dict[int, Columns] = {}
        self._samples = 0
        self._limit = limit // BYTES_A_SAMPLE
        self.storing = True
        """False while history can store nothing: samples are then shown live only, and the plugs keep them."""
        self.on_full: Callable[[], None] | None = None

    def __len__(self) -> int:
        """Samples held."""
        return self._samples

    def add(self, stream: int, seq: int, at: int, sample: Sample) -> None:
        """Append one sample. Hot path."""
        columns = self._columns.get(stream)
        if columns is None:
            columns = self._columns[stream] = Columns()
        columns.add(seq, at, sample)
        self._samples += 1
        if self._samples == self._limit and self.on_full is not None:
            self.on_full()

    def add_minute(self, stream: int, at: int, minute: Minute) -> None:
        """Append minutes that a plug kept."""
        self._columns.setdefault(stream, Columns()).add_minute(at, minute)
        self._samples += 1
        if self._samples == self._limit and self.on_full is not None:
            self.on_full()

    def take(self) -> dict[int, Columns]:
        """Everything, for a commit; the buffer is empty afterwards."""
        taken, self._columns, self._samples = self._columns, {}, 0
        return taken

    def of_stream(self, stream: int) -> Columns | None:
        """What is held of one stream; not a copy."""
        return self._columns.get(stream)

    def forget(self, streams: set[int]) -> None:
        """Drop what is held of these streams."""
        for number in streams & self._columns.keys():
            self._samples -= len(self._columns.pop(number))
