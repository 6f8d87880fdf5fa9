"""Rows of an SQLite file read page by page, without its trees: what is left of a file that SQLite itself refuses.

The format is https://sqlite.org/fileformat2.html. The head of the file is not believed: a wrong byte there would cost
everything, and all that it says of the layout is known of files that the hub made: pages of one size, each used to its
end, with a pointer map. Pages that the map calls free are passed over.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

HEADER = 100  # bytes of the first page
INDEX_NODE, INDEX_LEAF, TABLE_LEAF = 0x02, 0x0A, 0x0D
FREE, ROOT, NODE = 2, 1, 5  # in the pointer map
SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes of integers by serial type
LOCK_BYTE = 1 << 30  # the page with it holds nothing

Value = int | float | str | bytes | None
Row = tuple[Value, ...]


class Pages:
    """An open file of which any byte may be wrong, read a page at a time. `unreadable`: pages that should hold rows and
    made no sense."""

    def __init__(self, file: BinaryIO, page_size: int) -> None:
        """`page_size`: bytes of each page of such files."""
        self._file = file
        self._length = file.seek(0, os.SEEK_END)
        self._size = page_size
        self.count = self._length // self._size
        self.unreadable = 0

    def rows(self) -> Iterator[tuple[bool, int, Row]]:
        """(of a table, rowid or 0, values) of every row and index entry, in no order."""
        for number in range(1, self.count + 1):
            kind = self._kind(number)
            if kind == FREE or number == self._map_of(number):
                continue
            page = self._page(number)
            first = HEADER if number == 1 else 0
            if page[first] in (INDEX_NODE, INDEX_LEAF, TABLE_LEAF):
                yield from self._cells(page, first)
            elif (kind in (ROOT, NODE) and page[first] != 0x05) or (kind == 0 and not any(page)):
                self.unreadable += 1

    def _page(self, number: int) -> bytes:
        if not 1 <= number <= self.count:
            raise ValueError(f"there is no page {number}")
        return os.pread(self._file.fileno(), self._size, (number - 1) * self._size)

    def _map_of(self, number: int) -> int:
        """The page of the pointer map that tells of this page; 0 = none."""
        if number < 2:
            return 0
        entries = self._size // 5 + 1
        found = (number - 2) // entries * entries + 2
        return found + (found == LOCK_BYTE // self._size + 1)

    def _kind(self, number: int) -> int:
        place = self._map_of(number)
        if place == 0 or number <= place:
            return 0
        at = (number - place - 1) * 5
        return self._page(place)[at]

    def _cells(self, page: bytes, first: int) -> Iterator[tuple[bool, int, Row]]:
        kind = page[first]
        count = int.from_bytes(page[first + 3 : first + 5], "big")
        pointers = first + (12 if kind == INDEX_NODE else 8)
        failed = count > self._size // 4
        for k in range(0 if failed else count):
            at = int.from_bytes(page[pointers + 2 * k : pointers + 2 * k + 2], "big")
            try:
                yield self._cell(page, at, kind)
            except (ValueError, IndexError, UnicodeDecodeError):
                failed = True
        self.unreadable += failed

    def _cell(self, page: bytes, at: int, kind: int) -> tuple[bool, int, Row]:
        if at < 8:
            raise ValueError("no cell begins in the head of a page")
        at += 4 if kind == INDEX_NODE else 0
        length, at = _varint(page, at)
        rowid = 0
        if kind == TABLE_LEAF:
            rowid, at = _varint(page, at)
        return kind == TABLE_LEAF, rowid, _record(self._payload(page, at, length, table=kind == TABLE_LEAF))

    def _payload(self, page: bytes, at: int, length: int, *, table: bool) -> bytes:
        """What stands in the cell, and what follows in a chain of further pages."""
        usable = self._size
        most = usable - 35 if table else (usable - 12) * 64 // 255 - 23
        if length <= most:
            return _exactly(page, at, length)
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = least if local > most else local
        parts = [_exactly(page, at, local)]
        following = int.from_bytes(_exactly(page, at + local, 4), "big")
        left = length - local
        if left > self._length:
            raise ValueError("longer than the file")
        while left > 0:
            page = self._page(following)
            following = int.from_bytes(page[:4], "big")
            parts.append(page[4 : 4 + min(left, usable - 4)])
            left -= usable - 4
        return b"".join(parts)


def _exactly(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise ValueError("it ends too soon")
    return data[at : at + length]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for k in range(8):
        value = value << 7 | data[at + k] & 0x7F
        if data[at + k] < 0x80:
            return value, at + k + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >> 63 else value, at + 9


def _record(data: bytes) -> Row:
    end, at = _varint(data, 0)
    kinds = []
    while at < end:
        kind, at = _varint(data, at)
        kinds.append(kind)
    values: list[Value] = []
    at = end
    for kind in kinds:
        if kind == 0:
            values.append(None)
        elif kind in SIZES:
            values.append(int.from_bytes(_exactly(data, at, SIZES[kind]), "big", signed=True))
            at += SIZES[kind]
        elif kind in (8, 9):
            values.append(kind - 8)
        elif kind >= 12:
            part = _exactly(data, at, (kind - 12) // 2)
            values.append(part.decode() if kind % 2 else part)
            at += len(part)
        else:
            raise ValueError(f"kind {kind}")  # numbers with a point: there are none in these tables
    return tuple(values)
