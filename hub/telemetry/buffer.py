"""The column buffer: accepted samples of the running commit interval, as packed rows a stream."""

from array import array
from collections.abc import Callable
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.plugins.contract import NONE, Int64, Minute, RawColumns
from hub.sample import Sample

NAN = float("nan")
LIMIT_BYTES = 64 << 20
LOOK = 20_000  # samples after which whoever commits looks how much has come: a replay brings so many in a second
EXTRAS = ("power_factor", "frequency", "temperature")
MINUTE_EXTRAS = ("seq_from", "min", "max", "on_ms")
# A row is one call and one place in memory, where ten arrays are ten of each.
ROW = Struct("<qqqdddqqbb")
FIELDS = np.dtype(
    [
        *(("seq", "<i8"), ("up", "<i8"), ("at", "<i8")),
        *(("voltage", "<f8"), ("current", "<f8"), ("power", "<f8")),
        *(("energy", "<i8"), ("export", "<i8"), ("relay", "i1"), ("apparent", "i1")),
    ]
)
ENERGY, UP, AT = (list(FIELDS.names or ()).index(name) for name in ("energy", "up", "at"))
_pack = ROW.pack


class Columns:
    """Samples of one stream in order of arrival. `at`: Unix ms of what `up` cannot date; NONE; or, below NONE,
    NONE - 1 - ms of the monotonic clock."""

    __slots__ = ("_rows", "extra")

    def __init__(self) -> None:
        self._rows = bytearray()
        self.extra: dict[str, array[float]] | None = None

    def __len__(self) -> int:
        return len(self._rows) // ROW.size

    def add(self, seq: int, at: int, sample: Sample) -> None:
        """Append one sample. Hot path."""
        up, voltage, current, power = sample.up, sample.voltage, sample.current, sample.power
        energy, export, relay = sample.energy_mwh, sample.export_mwh, sample.relay_state
        self._rows.extend(
            _pack(
                seq,
                NONE if up is None else up,
                at,
                NAN if voltage is None else voltage,
                NAN if current is None else current,
                NAN if power is None else power,
                NONE if energy is None else energy,
                NONE if export is None else export,
                NONE if relay is None else relay,
                sample.apparent,
            )
        )
        if (
            self.extra is not None
            or sample.power_factor is not None
            or sample.frequency is not None
            or sample.temperature is not None
        ):
            self._add_extra(sample)

    def add_minute(self, at: int, minute: Minute) -> None:
        """Append minutes that a plug kept, as RawColumns says."""
        power = NAN if minute.mean is None else minute.mean
        export = NONE if minute.export_mwh is None else minute.export_mwh
        self._rows.extend(_pack(minute.seq_to, minute.up, at, NAN, NAN, power, minute.energy_mwh, export, NONE, False))
        if self.extra is None:
            self.extra = {name: array("d") for name in MINUTE_EXTRAS}
        on_ms = None if minute.on_s is None else minute.on_s * 1000
        for name, value in zip(MINUTE_EXTRAS, (minute.seq_from, minute.min, minute.max, on_ms), strict=True):
            self.extra[name].append(NAN if value is None else value)

    def copy(self) -> "Columns":
        """As it is now: takes 1 us, putting it in order 50."""
        copy = Columns()
        copy._rows = self._rows[:]
        if self.extra is not None:
            copy.extra = {name: values[:] for name, values in self.extra.items()}
        return copy

    def column(self, name: str) -> npt.NDArray[Any]:
        """A copy of one of FIELDS, in order of arrival."""
        return np.array(self._table()[name])

    def first_counter(self) -> int | None:
        """Which sample is the first with a reading of the import counter; None = there is none."""
        if self._rows and self.row(0)[ENERGY] != NONE:
            return 0  # nearly always, and a hundred times faster than to look at all of them
        known = np.flatnonzero(self._table()["energy"] != NONE)
        return int(known[0]) if len(known) else None

    def row(self, index: int) -> tuple[Any, ...]:
        """One sample, in the order of FIELDS; negative indices count from the newest."""
        return ROW.unpack_from(self._rows, index % len(self) * ROW.size)

    def raw(self, run: str) -> RawColumns:
        """A copy as numpy columns, ascending by seq."""
        table = self._table()
        seq = table["seq"]
        order: Int64 | slice = slice(None)
        if not (seq[1:] > seq[:-1]).all():
            order = np.argsort(seq, kind="stable")
        columns = {name: np.array(table[name][order]) for name in FIELDS.fields or ()}
        return RawColumns(
            run=run,
            energy_mwh=columns.pop("energy"),
            export_mwh=columns.pop("export"),
            extra={name: np.array(values, np.float64)[order] for name, values in (self.extra or {}).items()},
            **columns,
        )

    def _table(self) -> npt.NDArray[Any]:
        # Of a copy: nothing can be appended to bytes that an array refers to.
        return np.frombuffer(bytes(self._rows), FIELDS)

    def _add_extra(self, sample: Sample) -> None:
        if self.extra is None:
            self.extra = {}
        for name in EXTRAS:
            value = getattr(sample, name)
            column = self.extra.get(name)
            if column is None:
                if value is None:
                    continue
                column = self.extra[name] = array("d", [NAN] * (len(self) - 1))
            column.append(NAN if value is None else value)


class Buffer:
    """What was accepted since the last commit, by stream number. Calls are made on the event loop."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._columns: dict[int, Columns] = {}
        self._samples = 0
        self._look = LOOK  # samples at which somebody is told
        self._limit = limit // ROW.size
        self.storing = True
        """False while history can store nothing: samples are then shown live only, and the plugs keep them."""
        self.on_many: Callable[[], None] | None = None
        """Called after each so many samples that nobody took."""

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
        if self._samples >= self._look:
            self._tell()

    def add_minute(self, stream: int, at: int, minute: Minute) -> None:
        """Append minutes that a plug kept."""
        self._columns.setdefault(stream, Columns()).add_minute(at, minute)
        self._samples += 1
        if self._samples >= self._look:
            self._tell()

    def take(self) -> dict[int, Columns]:
        """Everything, for a commit; the buffer is empty afterwards."""
        taken, self._columns, self._samples, self._look = self._columns, {}, 0, LOOK
        return taken

    @property
    def full(self) -> bool:
        """Does it hold as much as it may? What comes is still taken."""
        return self._samples >= self._limit

    def lengths(self) -> dict[int, int]:
        """Samples held, by stream number."""
        return {number: len(columns) for number, columns in self._columns.items()}

    def of_stream(self, stream: int) -> Columns | None:
        """What is held of one stream; not a copy."""
        return self._columns.get(stream)

    def forget(self, streams: set[int]) -> None:
        """Drop what is held of these streams."""
        for number in streams & self._columns.keys():
            self._samples -= len(self._columns.pop(number))

    def _tell(self) -> None:
        self._look = self._samples + LOOK
        if self.on_many is not None:
            self.on_many()
