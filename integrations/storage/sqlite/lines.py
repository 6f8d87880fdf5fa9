"""The line of a chunk of samples in a few bytes: its corners by M4 in each ten minutes, so that a week is drawn without
unpacking every sample of it.

A row of fixed layout, because 168 of them must be read at once: little endian, no compression.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hub.plugins import m4
from hub.plugins.contract import Float64, Int64
from hub.plugins.decimals import FLOATS, scaled

HOUR = 3_600_000
FORMAT = 1
STREAMS = 1 << 24  # id of a row = hour * STREAMS + stream
HEAD = struct.Struct("<IBBBBIqII")  # CRC-32 of the rest, format, samples, widths, decimals, measured, seq, at, pace
TYPES = ("", "<i1", "<i2", "<i4", "<i8")  # of a column, by two bits of `widths`; nothing = all 0
FLOAT = 4
LARGEST = 1 << 31
GRID = np.arange(0, HOUR + 1, m4.ROUND, dtype=np.int64)


class Brief(NamedTuple):
    """The columns that a line needs."""

    seq: Int64
    at: Int64
    power: Float64

    def of(self, chosen: Any) -> "Brief":
        """Those that a slice, mask or index array chooses."""
        return Brief(self.seq[chosen], self.at[chosen], self.power[chosen])


class Line(NamedTuple):
    """Corners of several hours, hour by hour. `measured`: of how many samples with a power."""

    measured: int
    corners: Brief
    unreadable: list[int]
    """Hours of which the row is damaged or of another format."""


def packed(hour: int, samples: Brief) -> bytes | None:
    """The line of an hour's samples; None where they are not in order of time or do not fit: they are read then."""
    samples = samples.of(~np.isnan(samples.power))
    if (samples.at[1:] < samples.at[:-1]).any():
        return None
    measured, seq, at = len(samples.seq), 0, 0
    if measured:
        seq, at = int(samples.seq[0]), int(samples.at[0]) - hour * HOUR
    corners = samples.of(m4.chosen(samples.at, samples.power, GRID + hour * HOUR))
    seqs, times = corners.seq - seq, corners.at - hour * HOUR - at
    pace = int(times[-1] // max(seqs[-1], 1)) if measured else 0
    decimals, powers = scaled(corners.power, np.zeros(len(corners.power), bool))
    columns = (seqs, times - pace * seqs, powers)
    if any(np.abs(column).max(initial=0) >= LARGEST for column in columns[:2]):
        return None
    if decimals != FLOATS and np.abs(powers).max(initial=0) >= LARGEST:
        decimals, columns = FLOATS, (*columns[:2], corners.power.view(np.int64))
    codes = [_code(column) for column in columns]
    if decimals == FLOATS:
        codes[2] = FLOAT
    arrays = b"".join(column.astype(TYPES[code]).tobytes() for column, code in zip(columns, codes, strict=True) if code)
    widths = codes[0] | codes[1] << 2 | codes[2] % FLOAT << 4
    head = HEAD.pack(0, FORMAT, len(corners.seq), widths, decimals, measured, seq, at, pace)[4:]
    return zlib.crc32(head + arrays).to_bytes(4, "little") + head + arrays


def joined(rows: Sequence[tuple[int, bytes]]) -> Line:
    """(hour, its line) of several as one."""
    arrays: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    heads: list[tuple[int, int, int, int, float]] = []
    floats: list[tuple[int, int]] = []
    unreadable, total, end = [], 0, 0
    for hour, data in rows:
        if len(data) < HEAD.size or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little") or data[4] != FORMAT:
            unreadable.append(hour)
            continue
        _, _, n, widths, decimals, measured, seq, at, pace = HEAD.unpack_from(data)
        codes, place = (widths & 3, widths >> 2 & 3, FLOAT if decimals == FLOATS else widths >> 4 & 3), HEAD.size
        for column, code in zip(arrays, codes, strict=True):
            values = np.frombuffer(data, TYPES[code], n, place) if code else np.zeros(n, np.int8)
            column.append(values)
            place += values.nbytes if code else 0
        if decimals == FLOATS:
            floats.append((end, end + n))
        heads.append((n, seq, hour * HOUR + at, pace, 1.0 if decimals == FLOATS else 10.0**decimals))
        total, end = total + measured, end + n
    if not end:
        return Line(0, Brief(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)), unreadable)
    seqs, rests, powers = (np.concatenate(column, dtype=np.int64) for column in arrays)
    counts, first_seqs, first_times, paces, factors = zip(*heads, strict=True)
    power = powers / np.repeat(factors, counts)
    for first, last in floats:
        power[first:last] = powers[first:last].view(np.float64)
    rests += np.repeat(np.array(first_times, np.int64), counts) + np.repeat(np.array(paces, np.int64), counts) * seqs
    seqs += np.repeat(np.array(first_seqs, np.int64), counts)
    return Line(total, Brief(seqs, rests, power), unreadable)


def _code(values: Int64) -> int:
    largest = int(np.abs(values).max(initial=0))
    return next(code for code, bound in enumerate((1, 1 << 7, 1 << 15, LARGEST)) if largest < bound or code == 3)
