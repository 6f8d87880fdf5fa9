"""Rows of predicted columns as bytes: byte planes through deflate, with a version and a checksum."""

import zlib
from collections.abc import Container, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np

from hub.plugins.predict import BLOCK, DELTA, LEVEL, MASK, PREDICTOR, Column, UInt64

VERSION = 1
WIDTHS = (0, 1, 2, 4, 8)
JOINED, APART = 0, 1
_WIDTHS = [(a, b, c) for c in WIDTHS for b in WIDTHS for a in WIDTHS]  # of a column's three arrays, by their code
_SET = [[k for k in range(4) if shape >> k & 1] for shape in range(16)]
TRY_JOINED = 1 << 16  # above this many bytes columns never gain from a common stream


class DamagedChunk(Exception):
    """The bytes are not what was written."""


class NewerChunk(DamagedChunk):
    """A newer version of the hub wrote these bytes."""


T = TypeVar("T")

Row = tuple[int, list[Column]]
"""A number of values, and its columns."""


def pack(rows: Sequence[Row], label: bytes = b"") -> bytes:
    """Rows with equally many columns as bytes, the same column of all lying together. `label` is the caller's own."""
    count = len(rows[0][1]) if rows else 0
    parts = [part for index in range(count) for part in _gathered(rows, index)]
    widths = [_width(part) for part in parts]
    planes = [_planes(part, width) for part, width in zip(parts, widths, strict=True)]
    head = bytearray()
    _put(head, len(label))
    head += label
    _put(head, len(rows))
    _put(head, count)
    fields = list(_fields(rows))
    shapes = [sum(1 << k for k, field in enumerate(four) if any(field)) for four in _groups(fields[1:], 4)]
    head += bytes(shapes)
    head += bytes(_width_code(three) for three in _groups(widths, 3))
    for number, field in enumerate(fields):
        if number == 0 or any(field):
            _put_field(head, field)
    layout, body = _deflated_all(planes)
    packed_head = _deflated(bytes(head))
    rest = bytearray([layout])
    _put(rest, len(packed_head))
    rest += packed_head
    rest += body
    return bytes([VERSION]) + _checksum(VERSION, rest) + bytes(rest)


def unpack(data: bytes, only: Container[int] | None = None) -> tuple[list[Row], bytes]:
    """(rows, label). Columns whose index is not in `only` come empty. Raises DamagedChunk, NewerChunk."""
    if len(data) < 6 or _checksum(data[0], data[5:]) != data[1:5]:
        raise DamagedChunk("the checksum does not match")
    if data[0] != VERSION:
        raise NewerChunk(f"format {data[0]}") if data[0] > VERSION else DamagedChunk(f"format {data[0]}")
    try:
        return _unpacked(data[5:], only)
    except (IndexError, ValueError, OverflowError, zlib.error) as error:
        raise DamagedChunk(str(error)) from error


def _checksum(version: int, data: bytes | bytearray) -> bytes:
    return zlib.crc32(data, version).to_bytes(4, "little")


def _unpacked(data: bytes, only: Container[int] | None) -> tuple[list[Row], bytes]:
    outer = _Reader(data, 1)
    head = _Reader(_inflated(outer.take(outer.number())))
    label = head.take(head.number())
    row_count, count = head.number(), head.number()
    shapes, codes = head.take(count), head.take(count)
    if row_count == 1:
        return [_only_row(outer, data[0], head, shapes, codes, only=only)], label
    present = [True, *(bool(shape >> k & 1) for shape in shapes for k in range(4))]
    fields = [_field(head, row_count) if there else [0] * row_count for there in present]
    lengths = fields[0]
    sizes = [size for index in range(count) for size in _sizes(fields[1 + 4 * index], lengths)]
    widths = [width for code in codes for width in _WIDTHS[code]]
    wanted = [only is None or index in only for index in range(count) for _ in range(3)]
    blocks = _blocks(outer, data[0], [sum(s) * w for s, w in zip(sizes, widths, strict=True)], wanted)
    nothing: list[UInt64 | None] = [None] * row_count
    parts = [
        _split(_unplaned(block, width, length), size) if (length := sum(size)) and needed else nothing
        for block, width, size, needed in zip(blocks, widths, sizes, wanted, strict=True)
    ]
    rows: list[Row] = []
    for r in range(row_count):
        columns = [
            Column(
                fields[1 + 4 * index][r],
                fields[2 + 4 * index][r],
                fields[3 + 4 * index][r],
                fields[4 + 4 * index][r],
                parts[3 * index][r],
                parts[3 * index + 1][r],
                parts[3 * index + 2][r],
            )
            for index in range(count)
        ]
        rows.append((lengths[r], columns))
    return rows, label


def _only_row(
    outer: "_Reader", layout: int, head: "_Reader", shapes: bytes, codes: bytes, *, only: Container[int] | None
) -> Row:
    """The one row of a chunk of the store, in a third of the time that many take."""
    numbers = head.steps()
    length, at = numbers[0], 1
    blocks = -(-length // BLOCK)
    fields = []
    for shape in shapes:
        four = [0, 0, 0, 0]
        for k in _SET[shape]:
            four[k] = numbers[at]
            at += 1
        fields.append(four)
    sizes: list[tuple[int, int, int]] = []
    for mode, _, _, _ in fields:
        kind = mode & PREDICTOR
        values = length - 1 if kind == DELTA else length if kind == LEVEL else 0
        sizes.append((values, blocks if kind == LEVEL else 0, length if mode & MASK else 0))
    joined = layout == JOINED
    whole = _Reader(_inflated(outer.rest())) if joined and any(map(any, sizes)) and any(codes) else outer
    columns = []
    for index, (mode, first, slope, extra) in enumerate(fields):
        arrays: list[UInt64 | None] = [None, None, None]
        needed = only is None or index in only
        for k, (size, width) in enumerate(zip(sizes[index], _WIDTHS[codes[index]], strict=True)):
            if not size:
                continue
            packed = b""
            if width:
                packed = whole.take(size * width) if joined else outer.take(outer.number())
            if needed:
                arrays[k] = _unplaned(packed if joined or not width else _inflated(packed), width, size)
        columns.append(Column(mode, first, slope, extra, *arrays))
    return length, columns


def _gathered(rows: Sequence[Row], index: int) -> Iterator[UInt64]:
    """The three arrays of one column, each of all rows end to end."""
    for kind in ("values", "levels", "mask"):
        arrays = [array for _, columns in rows if (array := getattr(columns[index], kind)) is not None]
        yield np.concatenate(arrays) if arrays else np.empty(0, np.uint64)


def _sizes(modes: list[int], lengths: list[int]) -> Iterator[list[int]]:
    """How long the three arrays of a column are in each row."""
    pairs = [(mode & PREDICTOR, length) for mode, length in zip(modes, lengths, strict=True)]
    yield [length - 1 if kind == DELTA else length if kind == LEVEL else 0 for kind, length in pairs]
    yield [-(-length // BLOCK) if kind == LEVEL else 0 for kind, length in pairs]
    yield [length if mode & MASK else 0 for mode, length in zip(modes, lengths, strict=True)]


def _fields(rows: Sequence[Row]) -> Iterator[list[int]]:
    """The lengths of all rows, then of each column its mode and three integers."""
    yield [length for length, _ in rows]
    if not rows:
        return
    for index in range(len(rows[0][1])):
        for field in ("mode", "first", "slope", "extra"):
            yield [getattr(columns[index], field) for _, columns in rows]


def _groups(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for at in range(0, len(values), size):
        yield values[at : at + size]


def _width_code(widths: Sequence[int]) -> int:
    """The widths of a column's three arrays in one byte."""
    a, b, c = (WIDTHS.index(width) for width in widths)
    return a + len(WIDTHS) * (b + len(WIDTHS) * c)


def _put_field(head: bytearray, field: Sequence[int]) -> None:
    """One integer of each row, as its step from the row before."""
    previous = 0
    for value in field:
        step = value - previous
        _put(head, step * 2 if step >= 0 else -step * 2 - 1)
        previous = value


def _field(head: "_Reader", rows: int) -> list[int]:
    value, field = 0, []
    for _ in range(rows):
        coded = head.number()
        value += coded >> 1 if not coded & 1 else -((coded + 1) >> 1)
        field.append(value)
    return field


def _width(part: UInt64) -> int:
    largest = int(part.max()) if len(part) else 0
    return next(width for width in WIDTHS if largest < 1 << (8 * width))


def _planes(part: UInt64, width: int) -> bytes:
    """All lowest bytes, then all second bytes and so on: high bytes are mostly zero."""
    if width == 0:
        return b""
    return part.astype(f"<u{width}").view(np.uint8).reshape(len(part), width).T.tobytes()


def _unplaned(data: bytes, width: int, length: int) -> UInt64:
    if width == 0:
        return np.zeros(length, np.uint64)
    if len(data) != width * length or width not in WIDTHS:
        raise ValueError("a column has the wrong length")
    planes = np.frombuffer(data, np.uint8)
    if width > 1:
        planes = np.ascontiguousarray(planes.reshape(width, length).T).view(f"<u{width}").reshape(length)
    return planes.astype(np.uint64)


def _split(part: UInt64, sizes: list[int]) -> list[UInt64 | None]:
    if len(sizes) == 1:
        return [part if sizes[0] else None]
    pieces: list[UInt64 | None] = []
    at = 0
    for size in sizes:
        pieces.append(part[at : at + size] if size else None)
        at += size
    return pieces


def _deflated_all(planes: list[bytes]) -> tuple[int, bytes]:
    """Each column in a stream of its own, or all in one where that is smaller (few samples)."""
    apart = bytearray()
    for plane in planes:
        if plane:
            packed = _deflated(plane)
            _put(apart, len(packed))
            apart += packed
    whole = b"".join(planes)
    if len(whole) <= TRY_JOINED:
        joined = _deflated(whole) if whole else b""
        if len(joined) <= len(apart):
            return JOINED, joined
    return APART, bytes(apart)


def _blocks(outer: "_Reader", layout: int, sizes: list[int], wanted: list[bool]) -> list[bytes]:
    if layout == APART:
        packed = [outer.take(outer.number()) if size else None for size in sizes]
        return [_inflated(data) if data and needed else b"" for data, needed in zip(packed, wanted, strict=True)]
    whole = _inflated(outer.rest()) if sum(sizes) else b""
    return [whole[a:b] for a, b in pairwise(accumulate(sizes, initial=0))]


def _deflated(data: bytes) -> bytes:
    """A byte that says how, then the data: the smallest of plain, deflate for noise, and Huffman codes alone."""
    best = b"\0" + data
    for strategy in (zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
        packed = b"\1" + packer.compress(data) + packer.flush()
        if len(packed) < len(best):
            best = packed
    return best


def _inflated(data: bytes) -> bytes:
    return data[1:] if data[0] == 0 else zlib.decompress(data[1:], -15)


def _put(buffer: bytearray, value: int) -> None:
    """Seven bits a byte, lowest first."""
    while value > 127:
        buffer.append(value & 127 | 128)
        value >>= 7
    buffer.append(value)


class _Reader:
    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    def number(self) -> int:
        value = shift = 0
        while (byte := self._data[self._at]) & 128:
            value |= (byte & 127) << shift
            shift += 7
            self._at += 1
        self._at += 1
        return value | byte << shift

    def steps(self) -> list[int]:
        """All that is left as numbers of either sign."""
        numbers = []
        value = shift = 0
        for byte in self._data[self._at :]:
            if byte & 128:
                value |= (byte & 127) << shift
                shift += 7
            else:
                value |= byte << shift
                numbers.append(-((value + 1) >> 1) if value & 1 else value >> 1)
                value = shift = 0
        self._at = len(self._data)
        return numbers

    def take(self, length: int) -> bytes:
        piece = self._data[self._at : self._at + length]
        if len(piece) != length:
            raise ValueError("the chunk is too short")
        self._at += length
        return piece

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)
