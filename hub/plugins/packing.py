"""Rows of predicted columns as bytes: byte planes through deflate, with a version and a checksum."""

import zlib
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, islice
from typing import NamedTuple, TypeVar

import numpy as np

from hub.plugins.predict import BLOCK, DELTA, LEVEL, MASK, PREDICTOR, Column, Residuals

VERSION = 1
WIDTHS = (0, 1, 2, 4, 8)
JOINED, APART = 0, 1
_WIDTHS = [(a, b, c) for c in WIDTHS for b in WIDTHS for a in WIDTHS]  # of a column's three arrays, by their code
_SET = [[k for k in range(4) if shape >> k & 1] for shape in range(16)]
_EMPTY = Column()
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


def unpack(
    data: bytes, columns: Collection[int] | None = None, rows: Collection[int] | None = None
) -> tuple[list[Row], bytes]:
    """(rows, label). Only the rows at these places come, and columns at other places come empty (None = all).

    Raises DamagedChunk, NewerChunk."""
    if len(data) < 6 or _checksum(data[0], data[5:]) != data[1:5]:
        raise DamagedChunk("the checksum does not match")
    if data[0] != VERSION:
        raise NewerChunk(f"format {data[0]}") if data[0] > VERSION else DamagedChunk(f"format {data[0]}")
    try:
        return _unpacked(data[5:], columns, rows)
    except (IndexError, ValueError, OverflowError, StopIteration, zlib.error) as error:
        raise DamagedChunk(str(error)) from error


def _checksum(version: int, data: bytes | bytearray) -> bytes:
    return zlib.crc32(data, version).to_bytes(4, "little")


def _unpacked(data: bytes, only: Collection[int] | None, chosen: Collection[int] | None) -> tuple[list[Row], bytes]:
    outer = _Reader(data, 1)
    reader = _Reader(_inflated(outer.take(outer.number())))
    label = reader.take(reader.number())
    rows, count = reader.number(), reader.number()
    head = _Head(rows, reader.take(count), reader.take(count), reader)
    body = _Body(outer, data[0])
    columns = range(count) if only is None else only
    wanted = range(rows) if chosen is None else chosen
    if rows == 1:
        return [_only_row(head, body, columns) for _ in wanted], label
    return _many_rows(head, body, columns, wanted), label


def _only_row(head: "_Head", body: "_Body", only: Collection[int]) -> Row:
    """The one row of a chunk of the store, in a third of the time that many take; what stands behind the last column
    that is wanted is not looked at."""
    last = max(only, default=-1)
    numbers = iter(head.fields.steps(1 + sum(len(_SET[shape]) for shape in head.shapes[: last + 1])))
    length = next(numbers)
    columns = [_EMPTY] * len(head.shapes)
    for index in range(last + 1):
        four = [0, 0, 0, 0]
        for k in _SET[head.shapes[index]]:
            four[k] = next(numbers)
        mode, first, slope, extra = four
        if mode & PREDICTOR < DELTA and not mode & MASK:
            columns[index] = Column(mode, first, slope, extra)
            continue
        arrays: list[Residuals | None] = [None, None, None]
        needed, widths = index in only, _WIDTHS[head.codes[index]]
        for k, size in enumerate(_sizes(mode, length)):
            if size:
                packed = body.planes(size, widths[k], needed=needed)
                if needed:
                    arrays[k] = _unplaned(packed, widths[k], size, 0, size)
        columns[index] = Column(mode, first, slope, extra, *arrays)
    return length, columns


def _many_rows(head: "_Head", body: "_Body", only: Collection[int], chosen: Collection[int]) -> list[Row]:
    """Of the rows of a commit those chosen."""
    rows = head.rows
    present = [True, *(bool(shape >> k & 1) for shape in head.shapes for k in range(4))]
    steps, nothing = iter(head.fields.steps(rows * sum(present))), [0] * rows
    fields = [list(accumulate(islice(steps, rows))) if there else nothing for there in present]
    lengths = fields[0]
    found: list[list[Column]] = [[] for _ in chosen]
    for index, code in enumerate(head.codes):
        modes, firsts, slopes, extras = fields[1 + 4 * index : 5 + 4 * index]
        needed, widths = index in only, _WIDTHS[code]
        ends = [[0, *accumulate(sizes)] for sizes in zip(*map(_sizes, modes, lengths), strict=True)]
        packed = [body.planes(end[-1], width, needed=needed) for end, width in zip(ends, widths, strict=True)]
        for columns, r in zip(found, chosen, strict=True):
            arrays: list[Residuals | None] = [None, None, None]
            for k, (data, width, end) in enumerate(zip(packed, widths, ends, strict=True)):
                if needed and end[r + 1] > end[r]:
                    arrays[k] = _unplaned(data, width, end[-1], end[r], end[r + 1])
            columns.append(Column(modes[r], firsts[r], slopes[r], extras[r], *arrays))
    return [(lengths[r], columns) for r, columns in zip(chosen, found, strict=True)]


def _gathered(rows: Sequence[Row], index: int) -> Iterator[Residuals]:
    """The three arrays of one column, each of all rows end to end."""
    for kind in ("values", "levels", "mask"):
        arrays = [array for _, columns in rows if (array := getattr(columns[index], kind)) is not None]
        yield np.concatenate(arrays) if arrays else np.empty(0, np.uint64)


def _sizes(mode: int, length: int) -> tuple[int, int, int]:
    """How long the three arrays of a column are."""
    kind, masked = mode & PREDICTOR, length if mode & MASK else 0
    if kind == LEVEL:
        return length, -(-length // BLOCK), masked
    return length - 1 if kind == DELTA else 0, 0, masked


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


def _width(part: Residuals) -> int:
    largest = int(part.max()) if len(part) else 0
    return next(width for width in WIDTHS if largest < 1 << (8 * width))


def _planes(part: Residuals, width: int) -> bytes:
    """All lowest bytes, then all second bytes and so on: high bytes are mostly zero."""
    if width == 0:
        return b""
    return part.astype(f"<u{width}").view(np.uint8).reshape(len(part), width).T.tobytes()


def _unplaned(data: bytes, width: int, length: int, start: int, end: int) -> Residuals:
    """Those from `start` to `end` of an array of this length."""
    if width == 0:
        return np.zeros(end - start, np.uint8)
    if len(data) != width * length or width not in WIDTHS:
        raise ValueError("a column has the wrong length")
    planes = np.frombuffer(data, np.uint8)
    if width == 1:
        return planes[start:end]
    values: Residuals = planes[(width - 1) * length + start : (width - 1) * length + end].astype(f"u{width}")
    for k in range(width - 2, -1, -1):
        values <<= 8
        values |= planes[k * length + start : k * length + end]
    return values


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


class _Head(NamedTuple):
    """What stands before the columns: of each the shape of its fields and the code of its widths; then the fields."""

    rows: int
    shapes: bytes
    codes: bytes
    fields: "_Reader"


class _Body:
    """The packed columns one after the other: each a deflate stream of its own, or all in one."""

    def __init__(self, reader: "_Reader", layout: int) -> None:
        self._joined = layout == JOINED
        self._reader = _Reader(_inflated(reader.rest())) if self._joined and reader.left else reader

    def planes(self, size: int, width: int, *, needed: bool) -> bytes:
        """The next array's; nothing where it is not needed."""
        if not size or not width:
            return b""
        if self._joined:
            return self._reader.take(size * width)
        packed = self._reader.take(self._reader.number())
        return _inflated(packed) if needed else b""


class _Reader:
    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    def number(self) -> int:
        data, at = self._data, self._at
        value = data[at]
        if value & 128:
            value &= 127
            shift = 7
            while (byte := data[at := at + 1]) & 128:
                value |= (byte & 127) << shift
                shift += 7
            value |= byte << shift
        self._at = at + 1
        return value

    @property
    def left(self) -> int:
        """How many bytes."""
        return len(self._data) - self._at

    def steps(self, count: int) -> list[int]:
        """So many numbers of either sign."""
        numbers: list[int] = []
        if not count:
            return numbers
        value = shift = 0
        for self._at, byte in enumerate(self._data[self._at :], self._at + 1):  # noqa: B020
            if byte & 128:
                value |= (byte & 127) << shift
                shift += 7
            else:
                value |= byte << shift
                numbers.append(-((value + 1) >> 1) if value & 1 else value >> 1)
                if len(numbers) == count:
                    return numbers
                value = shift = 0
        raise ValueError("the chunk is too short")

    def take(self, length: int) -> bytes:
        piece = self._data[self._at : self._at + length]
        if len(piece) != length:
            raise ValueError("the chunk is too short")
        self._at += length
        return piece

    def rest(self) -> bytes:
        return self.take(self.left)
