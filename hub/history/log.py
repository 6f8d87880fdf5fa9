"""The commit log: one checksummed record a commit in a preallocated file, with one fdatasync and nothing else."""

import bisect
import contextlib
import errno
import logging
import os
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path

from hub.aside import set_aside
from hub.durable import sync
from hub.history.scan import (
    BLOCK,
    KIBI,
    MEBI,
    RECORD,
    RECORD_MAGIC,
    SLOT,
    SLOT_MAGIC,
    START,
    UNREADABLE,
    VERSION,
    Scan,
    next_block,
)

FILE_NAME = "history.log"
NEW = ".new"  # a file that is to take the log's place
PATIENCE = 2  # writes that fail one after the other before the log goes on in a new file

log = logging.getLogger("hub.history.log")

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

    Where the disk cannot read or write a block any more, the log moves: its readable records are copied to a new file,
    and the old one is set aside, so that nothing is written to that block again.
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
        self._failed = 0  # writes, one after the other, that the disk could not do
        self._index = array("q"), array("q")  # number, ascending, and place of this generation's records
        self.generation = 0
        self.damaged = 0
        """Records that `open` found damaged or missing."""
        self.aside: str | None = None
        """The name under which `open` put away a file that was no log."""
        self.moved: str | None = None
        """The name of the file from which the log moved since `open` was called."""
        self.short = False
        """Did `open` find no file, no log in it, or less of it than it is made with? What is missing is not known."""
        self.cut = False
        """Did `open` find the end unreadable? What stood there is lost, however many records it was."""

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

    def open(self, *, reading: bool = False) -> None:
        """Open or create the file and find this generation's readable records. reading: nothing is made, mended or
        appended, so that the hub finds at its next start what is wrong.

        Raises HubError("log-newer") for a file that a newer version wrote, OSError. What is no log at all is
        set aside (see `aside`) and counted as one damaged record.
        """
        self.close()
        self.damaged, self.aside, self.moved, self.cut, self._failed = 0, None, None, False, 0
        self.short = False
        new = _new(self._path)
        if reading:
            path = next((path for path in (self._path, new) if path.exists()), Path(os.devnull))
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        else:
            if not self._path.exists() and new.exists():  # died while it moved, the old one aside already
                new.rename(self._path)
            new.unlink(missing_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            scan = self._load()
            if not reading:
                self._mend(scan)
        except BaseException:
            self.close()
            raise

    def records(self) -> Iterator[Record]:
        """This generation's readable records in order, each read when it is asked for. Raises OSError."""
        for number in self._index[0].tolist():
            try:
                record = self._read(self.generation, number)
            except RecordLost as error:
                log.error("%s", error)
                continue
            yield record

    def read(self, generation: int, number: int) -> bytes:
        """The payload of a record. Raises RecordLost, OSError."""
        return self._read(generation, number)[2]

    def append(self, kind: int, payload: bytes) -> int:
        """Write one record; it is durable when this returns its number. Raises LogFull, OSError."""
        self._leave_bad_blocks()
        number = self._number + 1
        with self._counting_failures():
            end = self._put(kind, number, payload)
            os.fdatasync(self._file)
        self._keep(number, next_block(self._end))
        self._end, self._number = end, number
        return number

    def probe(self, *, write: bool = False) -> None:
        """Would the disk take a record? Raises OSError. A file system that has become read-only refuses to open a file
        for writing, a dead card to read a block: neither writes anything. write: write a block of what it holds."""
        self._leave_bad_blocks()
        with self._counting_failures():
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
        self._leave_bad_blocks()
        with self._counting_failures():
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
            try:
                record = self._record(generation, places[k])
            except OSError as error:
                if error.errno not in UNREADABLE:
                    raise
                record = None
            if record is not None and record[1] == number:
                return record
        raise RecordLost(f"record {number} of generation {generation} of the history log cannot be read")

    def _record(self, generation: int, place: int) -> Record | None:
        head = os.pread(self._file, RECORD.size, place)
        if len(head) < RECORD.size:
            return None
        magic, written, number, length, kind, crc = RECORD.unpack(head)
        if magic != RECORD_MAGIC or written != generation:
            return None
        payload = os.pread(self._file, length, place + RECORD.size)
        whole = len(payload) == length and zlib.crc32(payload, zlib.crc32(head[:-4])) == crc
        return (kind, number, payload) if whole else None

    def _put(self, kind: int, number: int, payload: bytes) -> int:
        """Write a record behind the last one; returns where it ends."""
        place = next_block(self._end)
        end = place + RECORD.size + len(payload)
        if end > self._capacity:
            self._check_space(end)
            self._grow(end)
        head = RECORD.pack(RECORD_MAGIC, self.generation, number, len(payload), kind, 0)
        crc = zlib.crc32(payload, zlib.crc32(head[:-4]))
        self._write(head[:-4] + crc.to_bytes(4, "little") + payload, place)
        return end

    def _keep(self, number: int, place: int) -> None:
        numbers, places = self._index
        places.append(place)
        numbers.append(number)  # last: `read` looks here first

    def _empty(self) -> None:
        self._end, self._number = START, 0
        self._index = array("q"), array("q")

    def _load(self) -> Scan:
        """What is there; nothing is changed."""
        self._capacity = os.fstat(self._file).st_size
        scan = Scan(self._file, self._capacity)
        slots = [scan.slot(k) for k in (0, 1)]
        self._find(scan, max(slot or 0 for slot in slots))
        self.short = self._capacity < START + self._step or not self.generation
        if self.generation:
            self._see_end(scan)
            self.damaged += None in slots
        elif not scan.blank():
            self.damaged += 1
        return scan

    def _mend(self, scan: Scan) -> None:
        if not self.generation:
            if self.damaged:
                self._set_aside()
            else:  # made now, or died while it was being made
                self._begin(1)
            return
        if scan.unreadable:
            log.error("%d blocks of %s cannot be read", len(scan.unreadable), self._path)
            try:
                self._move()
            except OSError as error:  # without room, say: what can be read and written of it serves
                log.error("the history log stays in a file with unreadable blocks: %s", error)
        elif None in [scan.slot(k) for k in (0, 1)]:
            self._write_slots()
        if self._capacity < START + self._step:
            with contextlib.suppress(LogFull):  # the next append tries again, and says so
                self._grow(START + self._step)

    def _find(self, scan: Scan, generation: int) -> None:
        """The readable records of the latest generation, and where the next one goes."""
        self.generation = generation
        self._empty()
        for entry in scan.records():
            if entry.generation > self.generation:
                self.generation = entry.generation
                self._empty()
            if entry.generation == self.generation and entry.number > self._number:
                self._keep(entry.number, entry.at)
                self._end, self._number = entry.end, entry.number
        self.damaged += self._number - len(self)

    def _see_end(self, scan: Scan) -> None:
        """Was something behind the last readable record? It was being written, or is damaged."""
        place = next_block(self._end)
        end = max(scan.begun(self._end, self.generation), scan.begun(place, self.generation))
        blocks = range(place // BLOCK, next_block(max(end, place + 1)) // BLOCK)
        self.cut = any(block in scan.unreadable for block in blocks)
        self.damaged += self.cut or end > 0

    def _move(self) -> None:
        """Go on in a new file. Raises OSError; then everything is as before."""
        path = _new(self._path)
        new = CommitLog(path, self._step, self._limit, self._reserve)
        new._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            new._begin(self.generation)
            for kind, number, payload in self.records():
                end = new._put(kind, number, payload)
                new._keep(number, next_block(new._end))
                new._end = end
            os.fsync(new._file)
        except BaseException:
            new.close()
            path.unlink()
            raise
        self.moved = set_aside(self._path).name
        path.rename(self._path)
        sync(self._path.parent)
        os.dup2(new._file, self._file, inheritable=False)  # who reads meanwhile does not meet a closed file
        new.close()
        self._index, self._end, self._capacity, self._failed = new._index, new._end, new._capacity, 0
        log.warning("the history log moved to a new file; the old one is kept as %s", self.moved)

    def _leave_bad_blocks(self) -> None:
        if self._failed >= PATIENCE:
            self._move()

    @contextlib.contextmanager
    def _counting_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in UNREADABLE:
                self._failed += 1
            raise
        self._failed = 0

    def _begin(self, generation: int) -> None:
        self.generation = generation
        self._empty()
        self._grow(START + self._step)
        self._write_slots()
        sync(self._path.parent)

    def _set_aside(self) -> None:
        os.close(self._file)
        self.aside = set_aside(self._path).name
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._capacity = 0
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


def _new(path: Path) -> Path:
    return path.with_name(path.name + NEW)


def _open_unseen(path: Path) -> int:
    """Open it to read and write; that it is read changes no metadata, where the file is the hub's own."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
