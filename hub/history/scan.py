"""What a file of the commit log holds: its format, and its records found again in whatever is left of it."""

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from hub.messages import HubError

VERSION = 1
BLOCK = 4096  # each header slot has a block of its own, so that a torn write cannot reach the other
START = 2 * BLOCK  # where records begin
KIBI, MEBI = 1 << 10, 1 << 20

SLOT = struct.Struct("<8sHxxII")  # magic, version, generation, crc of what stands before it
SLOT_MAGIC = b"plughlog"
RECORD = struct.Struct("<4sIIIB3xI")  # magic, generation, number, payload length, kind, crc of the rest and the payload
RECORD_MAGIC = b"\xa7PRc"

WINDOW = MEBI  # of the file that is in memory at a time
UNREADABLE = (errno.EIO, errno.EBADMSG, errno.ENODATA)  # what a disk answers that has lost a block


class Entry(NamedTuple):
    """Where a whole record stands: its first byte, and the one behind its last."""

    at: int
    end: int
    generation: int
    number: int


class Scan:
    """Reads with ordinary reads, never a mapping: a block that the disk cannot read would end the process. Such a
    block stands as zeros and is noted in `unreadable` (numbers of blocks)."""

    def __init__(self, file: int, size: int) -> None:
        self._file = file
        self._size = size
        self.unreadable: set[int] = set()

    def slot(self, index: int) -> int | None:
        """The generation that a header names; None = it does not check. Raises HubError("log-newer"), OSError."""
        head = self._read(index * BLOCK, SLOT.size)
        if len(head) < SLOT.size:
            return None
        magic, version, generation, crc = SLOT.unpack(head)
        if magic != SLOT_MAGIC or crc != zlib.crc32(head[:-4]):
            return None
        if version > VERSION:
            raise HubError("log-newer", version=version, supported=VERSION)
        return int(generation)

    def records(self) -> Iterator[Entry]:
        """Every whole record, of whatever generation. Raises OSError."""
        end = START
        for start in range(START, self._size, WINDOW):
            if end >= start + WINDOW:
                continue  # within a record
            piece = self._read(start, WINDOW + len(RECORD_MAGIC) - 1)
            at = max(end - start, 0)
            while (at := piece.find(RECORD_MAGIC, at)) >= 0:
                entry = self._entry(start + at, piece, at)
                if entry is None:
                    at += 1
                else:
                    yield entry
                    end = entry.end
                    at = end - start

    def begun(self, at: int, generation: int) -> int:
        """The end of the record of this generation that begins there, whole or not; 0 = there is none."""
        head = self._read(at, RECORD.size)
        if len(head) < RECORD.size or not head.startswith(RECORD_MAGIC):
            return 0
        _, written, _, length, _, _ = RECORD.unpack(head)
        return at + RECORD.size + int(length) if written == generation else 0

    def blank(self) -> bool:
        """Are there nothing but zeros, all of them read?"""
        zeros = not any(self._read(at, MEBI).strip(b"\0") for at in range(0, self._size, MEBI))
        return zeros and not self.unreadable

    def _entry(self, place: int, piece: bytes, at: int) -> Entry | None:
        """The record that begins at `place`, if it is whole; `piece` holds the file's bytes from there on at `at`."""
        head = piece[at : at + RECORD.size]
        if len(head) < RECORD.size:
            head = self._read(place, RECORD.size)
            if len(head) < RECORD.size:
                return None
        _, generation, number, length, _, crc = RECORD.unpack(head)
        first, end = at + RECORD.size, place + RECORD.size + length
        if end > self._size:
            return None
        found = zlib.crc32(memoryview(piece)[first : first + length], zlib.crc32(head[:-4]))
        for behind in range(max(place - at + len(piece), place + RECORD.size), end, WINDOW):
            found = zlib.crc32(self._read(behind, min(WINDOW, end - behind)), found)
        return Entry(place, end, generation, number) if found == crc else None

    def _read(self, at: int, length: int) -> bytes:
        """Fewer bytes only at the end of the file. What fails as a whole is read block by block."""
        parts = []
        end = min(at + length, self._size)
        single = False
        while at < end:
            until = min(next_block(at + 1), end) if single else end
            try:
                part = os.pread(self._file, until - at, at)
            except OSError as error:
                if error.errno not in UNREADABLE:
                    raise
                if not single:
                    single = True
                    continue
                self.unreadable.add(at // BLOCK)
                part = bytes(until - at)
            if not part:
                break
            parts.append(part)
            at += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def next_block(place: int) -> int:
    """Where the next record goes: a block that holds records that are durable is never written again, and a record of
    some kilobytes touches one block less."""
    return -(-place // BLOCK) * BLOCK
