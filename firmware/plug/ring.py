"""The newest samples of one outlet, 18 bytes each (22 with export): 1,800 take 32 KB (40 KB) of RAM."""

import struct

# up and energy as their low 32 bits (the newest in full tells the rest), voltage in 10 mV, power in mW,
# and a word with the current in 100 uA (24 bits) and the relay (bit 24)
_RECORD = "<IIHiI"
_SIZE = 18
_NO_VOLTAGE = 0xFFFF
_NO_CURRENT = 0xFFFFFF
_NO_POWER = -0x80000000
_RELAY = 1 << 24


def _low(value: int) -> int:
    return value & 0xFFFFFFFF


def _within(value, limit: int) -> bool:
    return value is not None and 0 <= value < limit


class Ring:
    """Samples by seq. An ack frees nothing; the oldest goes when a new one needs its place."""

    def __init__(self, size: int, with_export: bool = False) -> None:
        self.size = size
        self.next = 0  # the seq of the next sample
        self._with_export = with_export
        self._step = _SIZE + 4 if with_export else _SIZE
        self._data = bytearray(size * self._step)
        self._up = 0
        self._energy = 0
        self._export = 0

    @property
    def oldest(self) -> int:
        """The first seq that is still here (equal to `next` while empty)."""
        return max(0, self.next - self.size)

    def append(self, up: int, voltage, current, power, energy: int, export: int, relay: bool) -> int:  # noqa: PLR0917
        """Keep one sample and return its seq.

        up ms, voltage 10 mV, current 100 uA, power mW (None = not measured, or out of what the record holds),
        energy and export in mWh.
        """
        seq = self.next
        at = seq % self.size * self._step
        word = current if _within(current, _NO_CURRENT) else _NO_CURRENT
        struct.pack_into(
            _RECORD,
            self._data,
            at,
            _low(up),
            _low(energy),
            voltage if _within(voltage, _NO_VOLTAGE) else _NO_VOLTAGE,
            power if power is not None and _NO_POWER < power < 0x80000000 else _NO_POWER,
            word | _RELAY if relay else word,
        )
        if self._with_export:
            struct.pack_into("<I", self._data, at + _SIZE, _low(export))
        self._up = up
        self._energy = energy
        self._export = export
        self.next = seq + 1
        return seq

    def get(self, seq: int) -> tuple:
        """(up, voltage, current, power, energy, export, relay) in the units of `append`; export is None without one."""
        if not self.oldest <= seq < self.next:
            raise IndexError(seq)
        at = seq % self.size * self._step
        up, energy, voltage, power, word = struct.unpack_from(_RECORD, self._data, at)
        current = word & _NO_CURRENT
        export = None
        if self._with_export:
            export = self._export - _low(self._export - struct.unpack_from("<I", self._data, at + _SIZE)[0])
        return (
            self._up - _low(self._up - up),
            None if voltage == _NO_VOLTAGE else voltage,
            None if current == _NO_CURRENT else current,
            None if power == _NO_POWER else power,
            self._energy - _low(self._energy - energy),
            export,
            bool(word & _RELAY),
        )

    def up(self, seq: int) -> int:
        """Only the `up` of a sample: a batch asks it for every step."""
        low = struct.unpack_from("<I", self._data, seq % self.size * self._step)[0]
        return self._up - _low(self._up - low)
