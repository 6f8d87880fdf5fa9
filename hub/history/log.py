"""The commit log: one checksummed record a commit in a preallocated file, with one fdatasync and nothing else."""

import bisect
import contextlib
import errno
import mmap
import os
import struct
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path

from hub.aside import set_aside
from hub.messages import HubError

FILE_NAME = "history.log"
VERSION = 1
BLOCK = 4096  # each header slot has a block of its own, so that a torn write cannot reach the other
START = 2 * BLOCK  # where records begin
KIBI, MEBI = 1 << 10, 1 << 20

SLOT = struct.Struct("<8sHxxII")  # magic, version, generation, crc of what stands before it
SLOT_MAGIC = b"plughlog"
RECORD = struct.Struct("<4sIIIB3xI")  # magic, generation, number, payload length, kind, crc of the rest and the payload
RECORD_MAGIC = b"\xa7PRc"

WINDOW = 16 * MEBI  # of the file that is in memory at a time while it is searched

Record = tuple[int, int, bytes]
"""kind, number, payload"""


class RecordLost(OSError):
    """A record that was there cannot be read any more: it is damaged, or the log has begun anew since."""

    def __init__(self, detail: str) -> None:
        super().__init__(errno.EIO, detail)


class LogFull(OSError):
    """The log has reached its limit, or the disk its last reserve; nothing was written."""

    def __init__(self, detail: str) -> None:
        super().__init__(errno.ENOSPC, detail)


class CommitLog:
    """Records of the current generation; a generation ends when its records are in the store.

    The file is filled with real zeros beforehand, so that a record changes no metadata (a hole or an unwritten extent
    would cost a journal write each minute). A record carries its generation and number: what a reused file still
    holds of older generations is never read, and records are found again after a damaged one. Blocking; one thread at
    a time, but `read` may be called from any. No payload is kept in memory. `limit`: the most bytes the file may grow
    to; `reserve`: bytes of the disk that growing leaves free.
    """

    def __init__(
        self, path: Path | str, preallocate: int = 256 * KIBI, limit: int = 1024 * MEBI, reserve: int = 200 * MEBI
    ) -> None:
        self._path = Path(path)
        self._limit = max(limit, START + BLOCK)
        self._step = min(max(preallocate, BLOCK), self._limit - START)
        self._reserve = reserve
        self._file = -1
        self._end = START
        self._capacity = 0
        self._number = 0
        self._index = array("q"), array("q")  # number, ascending, and place of this generation's records
        self.generation = 0
        self.damaged = 0
        """Records that `open` found damaged or missing."""
        self.aside: str | None = None
        """The name under which `open` put away a file that was no log."""

    def __len__(self) -> int:
        """Readable records of this generation."""
        return len(self._index[0])

    def __bool__(self) -> bool:
        return True

    @property
    def size(self) -> int:
        """Bytes that this generation's records take."""
        return self._end - START

    @property
    def capacity(self) -> int:
        """Bytes of the file."""
        return self._capacity

    def open(self) -> None:
        """Open or create the file and find this generation's readable records.

        Raises HubError("log-newer") for a file that a newer version wrote, OSError. What is no log at all is
        set aside (see `aside`) and counted as one damaged record.
        """
        self.close()
        self.damaged, self.aside = 0, None
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def records(self) -> Iterator[Record]:
        """This generation's readable records in order, each read when it is asked for. Raises OSError."""
        for number in self._index[0].tolist():
            yield self._read(self.generation, number)

    def read(self, generation: int, number: int) -> bytes:
        """The payload of a record. Raises RecordLost, OSError."""
        return self._read(generation, number)[2]

    def append(self, kind: int, payload: bytes) -> int:
        """Write one record; it is durable when this returns its number. Raises LogFull, OSError."""
        number, place = self._number + 1, _next_block(self._end)
        end = place + RECORD.size + len(payload)
        if end > self._capacity:
            self._check_space(end)
            self._grow(end)
        head = RECORD.pack(RECORD_MAGIC, self.generation, number, len(payload), kind, 0)
        crc = zlib.crc32(payload, zlib.crc32(head[:-4]))
        self._write(head[:-4] + crc.to_bytes(4, "little") + payload, place)
        os.fdatasync(self._file)
        self._keep(number, place)
        self._end, self._number = end, number
        return number

    def probe(self, *, write: bool = False) -> None:
        """Would the disk take a record? Raises OSError. A file system that has become read-only refuses to open a file
        for writing, a dead card to read a block: neither writes anything. write: write a block of what it holds."""
        file = _open_unseen(self._path)
        try:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file, 0, BLOCK, os.POSIX_FADV_DONTNEED)  # else memory answers
            os.pread(file, BLOCK, 0)
        finally:
            os.close(file)
        if write:
            self._write_slot(self.generation - 1)

    def next_generation(self) -> None:
        """Begin anew: the records so far are never read again. Space that this generation came nowhere near is given
        back (writing zeros each hour for what is needed each hour would cost as much as the records)."""
        self._write_slot(self.generation + 1)
        self.generation += 1
        wanted = self._target(START + max(self._step, 2 * self.size))
        self._empty()
        if self._capacity > 2 * wanted:
            os.ftruncate(self._file, wanted)
            os.fsync(self._file)
            self._capacity = wanted

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _read(self, generation: int, number: int) -> Record:
        numbers, places = self._index
        k = bisect.bisect_left(numbers, number)
        if generation == self.generation and k < len(numbers) and numbers[k] == number:
            head = os.pread(self._file, RECORD.size, places[k])
            if len(head) == RECORD.size and head.startswith(RECORD_MAGIC):
                body = os.pread(self._file, RECORD.unpack(head)[3], places[k] + RECORD.size)
                record = _read_record(head + body, 0, generation)
                if record is not None and record[1] == number:
                    return record
        raise RecordLost(f"record {number} of generation {generation} of the history log cannot be read")

    def _keep(self, number: int, place: int) -> None:
        numbers, places = self._index
        places.append(place)
        numbers.append(number)  # last: `read` looks here first

    def _empty(self) -> None:
        self._end, self._number = START, 0
        self._index = array("q"), array("q")

    def _load(self) -> None:
        self._capacity = os.fstat(self._file).st_size
        if self._capacity == 0:
            self._begin(1)
            return
        with mmap.mmap(self._file, 0, access=mmap.ACCESS_READ) as view:
            slots = [_read_slot(view, k) for k in (0, 1)]
            self.generation = max(*(slot or 0 for slot in slots), *_found(view), 0)
            blank = self.generation == 0 and not _any_bytes(view)
            if self.generation:
                self._find(view)
        if blank:  # died while it was being made
            self._begin(1)
        elif not self.generation:
            self._set_aside()
        else:
            if None in slots:
                self.damaged += 1
                self._write_slots()
            if self._capacity < START + self._step:
                with contextlib.suppress(LogFull):  # the next append tries again, and says so
                    self._grow(START + self._step)

    def _find(self, view: mmap.mmap) -> None:
        """The readable records of this generation, and where the next one goes."""
        self._empty()
        torn = False
        for at in _places(view):
            if at < self._end:
                continue  # within a record
            record = _read_record(view, at, self.generation)
            if record is None or record[1] <= self._number:
                torn = torn or (
                    at in (self._end, _next_block(self._end)) and _generation_at(view, at) == self.generation
                )
                continue
            _, number, payload = record
            self.damaged += number - self._number - 1
            self._keep(number, at)
            self._end, self._number, torn = at + RECORD.size + len(payload), number, False
        if torn:  # the last record does not check: it was being written, or is damaged
            self.damaged += 1

    def _begin(self, generation: int) -> None:
        self.generation = generation
        self._empty()
        self._grow(START + self._step)
        self._write_slots()
        _sync_folder(self._path)

    def _set_aside(self) -> None:
        os.close(self._file)
        self.aside = set_aside(self._path).name
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._capacity = 0
        self.damaged += 1
        self._begin(1)

    def _check_space(self, end: int) -> None:
        if end > self._limit:
            raise LogFull(f"the commit log would exceed {self._limit} bytes")
        space = os.fstatvfs(self._file)
        free = space.f_bavail * space.f_frsize
        if free - (self._target(end) - self._capacity) < self._reserve:
            raise LogFull(f"the disk has only {free} bytes left")

    def _target(self, end: int) -> int:
        """A file size of whole steps that holds `end`."""
        return max(end, min(START + -(-(end - START) // self._step) * self._step, self._limit))

    def _grow(self, end: int) -> None:
        """Fill with zeros up to at least `end`."""
        target = self._target(end)
        before = self._capacity
        try:
            for at in range(before, target, MEBI):
                self._write(bytes(min(MEBI, target - at)), at)
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                os.ftruncate(self._file, before)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise LogFull("the disk is full") from error
            raise
        self._capacity = target

    def _write_slots(self) -> None:
        self._write_slot(self.generation)
        self._write_slot(self.generation - 1)

    def _write_slot(self, generation: int) -> None:
        head = SLOT.pack(SLOT_MAGIC, VERSION, generation, 0)[:-4]
        self._write(head + zlib.crc32(head).to_bytes(4, "little"), generation % 2 * BLOCK)
        os.fdatasync(self._file)

    def _write(self, data: bytes, at: int) -> None:
        done = os.pwrite(self._file, data, at)
        while done < len(data):
            done += os.pwrite(self._file, data[done:], at + done)


def _next_block(place: int) -> int:
    """Where the next record goes: a block that holds records that are durable is never written again, and a record of
    some kilobytes touches one block less."""
    return -(-place // BLOCK) * BLOCK


def _read_slot(view: mmap.mmap, index: int) -> int | None:
    head = view[index * BLOCK : index * BLOCK + SLOT.size]
    if len(head) < SLOT.size:
        return None
    magic, version, generation, crc = SLOT.unpack(head)
    if magic != SLOT_MAGIC or crc != zlib.crc32(head[:-4]):
        return None
    if version > VERSION:
        raise HubError("log-newer", version=version, supported=VERSION)
    return int(generation)


def _read_record(view: mmap.mmap | bytes, at: int, generation: int | None) -> Record | None:
    """The record that begins there, if it is whole and of this generation (None = any)."""
    head = view[at : at + RECORD.size]
    if len(head) < RECORD.size:
        return None
    magic, written, number, length, kind, crc = RECORD.unpack(head)
    if magic != RECORD_MAGIC or (generation is not None and written != generation):
        return None
    if at + RECORD.size + length > len(view):
        return None
    payload = view[at + RECORD.size : at + RECORD.size + length]
    return (kind, number, payload) if zlib.crc32(payload, zlib.crc32(head[:-4])) == crc else None


def _generation_at(view: mmap.mmap, at: int) -> int:
    return int.from_bytes(view[at + 4 : at + 8], "little")


def _found(view: mmap.mmap) -> Iterator[int]:
    """The generation of every whole record, of whatever generation."""
    end = START
    for at in _places(view):
        record = _read_record(view, at, None) if at >= end else None
        if record is not None:
            end = at + RECORD.size + len(record[2])
            yield _generation_at(view, at)


def _places(view: mmap.mmap) -> Iterator[int]:
    """Where a record may begin. What lies a window behind is let go of: a log of 1 GB need not be in memory."""
    behind = 0
    # CPython before 3.11.5 reads a byte beyond what it searches (gh-105235): at the end of the mapping that is a crash.
    last = len(view) - 1
    for window in range(START, len(view), WINDOW):
        at = window - 1
        end = min(window + WINDOW + len(RECORD_MAGIC) - 1, last)
        while (at := view.find(RECORD_MAGIC, at + 1, end)) >= 0:
            yield at
        if window > START:
            view.madvise(mmap.MADV_DONTNEED, behind, window - START - behind)
            behind = window - START


def _any_bytes(view: mmap.mmap) -> bool:
    return any(view[at : at + MEBI].strip(b"\0") for at in range(0, len(view), MEBI))


def _open_unseen(path: Path) -> int:
    """Open it to read and write; that it is read changes no metadata, where the file is the hub's own."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
