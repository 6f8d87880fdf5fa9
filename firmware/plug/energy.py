"""Energy counters in whole mWh, kept in RTC memory: they survive a watchdog reset, not a power cut.

Integers throughout: an ESP32's floats have 24 bits of mantissa, and a second of 3 W added to 20 kWh would add nothing.
"""

import binascii
import struct

_UNIT = 7_200_000  # 1 mWh is 3,600,000 mW ms; twice that, because a trapezoid is halved
_LONGEST_MS = 3000  # of a stretch without a reading that is still integrated; beyond, nobody knows

_HEAD = "<HBBI"  # magic, version, outlets, write number
_HEAD_SIZE = 8
_MAGIC = 0x4D45
_VERSION = 1
_OUTLET = "<QQIIB"  # import, export, their rests, relay
_OUTLET_SIZE = 25


class Counter:
    """Import and export of one outlet in mWh, with what is left below 1 mWh."""

    def __init__(self) -> None:
        self.imported = 0
        self.exported = 0
        self._import_rest = 0
        self._export_rest = 0
        self._power = None  # the last reading, mW
        self._up = 0

    def reading(self, up: int, power) -> None:
        """Take the power in mW (None = not measured) at `up`; between two readings it is taken as a straight line."""
        if power is None:
            return
        if self._power is not None and up - self._up <= _LONGEST_MS:
            self._add(self._power * (up - self._up))
            self._add(power * (up - self._up))
        self._power = power
        self._up = up

    def _add(self, amount: int) -> None:
        if amount >= 0:
            amount += self._import_rest
            self.imported += amount // _UNIT
            self._import_rest = amount % _UNIT
        else:
            amount = self._export_rest - amount
            self.exported += amount // _UNIT
            self._export_rest = amount % _UNIT

    def pack(self, relay: bool) -> bytes:
        return struct.pack(_OUTLET, self.imported, self.exported, self._import_rest, self._export_rest, relay)

    def unpack(self, data: bytes) -> bool:
        """Take over a stored state; returns the relay's."""
        self.imported, self.exported, self._import_rest, self._export_rest, relay = struct.unpack(_OUTLET, data)
        return bool(relay)


class Memory:
    """The counters' place in RTC memory: two copies written in turn, so that a reset while writing leaves one whole."""

    def __init__(self, board, outlets: int) -> None:
        self._board = board
        self._outlets = outlets
        self._size = _HEAD_SIZE + outlets * _OUTLET_SIZE + 4
        self._copies = [bytes(self._size), bytes(self._size)]
        self._number = 0

    def load(self):
        """The packed outlets of the newest whole copy, or None (after a power cut)."""
        stored = self._board.rtc_read()
        if len(stored) != 2 * self._size:
            return None
        self._copies = [stored[: self._size], stored[self._size :]]
        found = None
        for copy in self._copies:
            magic, version, outlets, number = struct.unpack_from(_HEAD, copy, 0)
            if (magic, version, outlets) != (_MAGIC, _VERSION, self._outlets):
                continue
            if struct.unpack_from("<I", copy, self._size - 4)[0] != binascii.crc32(copy[:-4]):
                continue
            if found is None or number > self._number:
                self._number = number
                found = copy
        if found is None:
            return None
        return [found[_HEAD_SIZE + i * _OUTLET_SIZE :][:_OUTLET_SIZE] for i in range(self._outlets)]

    def store(self, packed: list) -> None:
        self._number = (self._number + 1) & 0xFFFFFFFF
        body = struct.pack(_HEAD, _MAGIC, _VERSION, self._outlets, self._number) + b"".join(packed)
        self._copies[self._number & 1] = body + struct.pack("<I", binascii.crc32(body))
        self._board.rtc_write(self._copies[0] + self._copies[1])
