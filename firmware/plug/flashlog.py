"""The log of minutes in flash: append-only segments of one LittleFS block each, never rewritten in place.

A segment holds records of one run. What is torn by a power cut fails its checksum and is left out; the next start
begins a new segment. Which records the hub has is remembered in RAM alone; a segment goes when it has all of them. When
the log is full, two segments become one in which neighbours are joined; only when that gains nothing the oldest goes.
"""

import binascii
import os
import struct

BLOCK = 4096  # LittleFS erases this much at a time: a shorter file takes as much
LONGEST_MS = 3_600_000  # of a record: beyond, joining would tell too little
MOST = 0xFFFF  # samples in a record

_HEAD = "<2sBBB8sI"  # magic, version, reason, level (how often joined), run, the first segment that it replaces
_HEAD_SIZE = 17
_MAGIC = b"PM"
_VERSION = 1
_PART = "<BBQ"  # mark, records, Unix ms - up (0 = unknown)
_PART_SIZE = 10
_MARK = 0xB5
_RECORD = "<BHIQiiiQQH"  # as a record's fields, on in 0.1 s
_RECORD_SIZE = 45
_MOST_IN_PART = 40
_MOST_IN_SEGMENT = 89  # records: three parts
_NO_POWER = -0x80000000
_REASONS = ("", "power_on", "brownout", "watchdog", "software", "reset", "sleep")

# A record is a tuple: channel, samples, last seq, up of it (ms), lowest, mean and highest power (mW, None = not
# measured), import and export at the last seq (mWh), relay on (ms)


def _crc(data: bytes) -> bytes:
    return struct.pack("<I", binascii.crc32(data))


def _power(value):
    return _NO_POWER if value is None else value


def _packed(record: tuple) -> bytes:
    channel, count, last, up, low, mean, high, energy, export, on = record
    powers = (_power(low), _power(mean), _power(high))
    return struct.pack(_RECORD, channel, count, last, up, *powers, energy, export, min(on // 100, 0xFFFF))


def _unpacked(data: bytes, at: int) -> tuple:
    channel, count, last, up, low, mean, high, energy, export, on = struct.unpack_from(_RECORD, data, at)
    low, mean, high = (None if value == _NO_POWER else value for value in (low, mean, high))
    return channel, count, last, up, low, mean, high, energy, export, on * 100


def _part(records: list, offset: int) -> bytes:
    body = struct.pack(_PART, _MARK, len(records), offset) + b"".join([_packed(record) for record in records])
    return body + _crc(body)


def _parts(records: list, offset: int) -> bytes:
    return b"".join([_part(records[i : i + _MOST_IN_PART], offset) for i in range(0, len(records), _MOST_IN_PART)])


def join(a: tuple, b: tuple):
    """One record for two neighbours of one channel, or None where they are none. One of a single sample stays: it says
    where the counter stood when the minutes begin."""
    channel, count, last, up, low, mean, high, _, _, on = a
    if b[0] != channel or b[2] - b[1] != last or count == 1 or count + b[1] > MOST:
        return None
    if (b[3] - up) + (b[3] - up) * count // max(b[1], 1) > LONGEST_MS:
        return None
    if b[5] is not None:
        if mean is None:
            low, mean, high = b[4:7]
        else:
            low, high = min(low, b[4]), max(high, b[6])
            mean = (mean * count + b[5] * b[1]) // (count + b[1])
    return (channel, count + b[1], b[2], b[3], low, mean, high, b[7], b[8], on + b[9])


def joined(records: list) -> list:
    """Each pair of neighbours as one; the channels may alternate."""
    waiting = {}  # channel -> index of a record that may still be joined
    result = []
    for record in records:
        at = waiting.pop(record[0], None)
        both = None if at is None else join(result[at], record)
        if both is not None:
            result[at] = both
        else:
            waiting[record[0]] = len(result)
            result.append(record)
    return result


class Segment:
    """What RAM holds of a file: some 100 bytes."""

    def __init__(self, number: int, run: str, reason: str, level: int) -> None:
        self.number = number
        self.run = run
        self.reason = reason
        self.level = level
        self.size = 0
        self.records = 0
        self.left = 0  # records that the hub does not have yet
        self.freed = bytearray(8)  # a bit for each record
        self.low = 1 << 62  # seqs, of any channel
        self.high = -1
        self.offset = 0

    def took(self, records: list, size: int, offset: int) -> None:
        for record in records:
            self.low = min(self.low, record[2] - record[1] + 1)
            self.high = max(self.high, record[2])
        self.records += len(records)
        self.left += len(records)
        self.size += size
        self.offset = offset or self.offset
        while len(self.freed) * 8 < self.records:
            self.freed.extend(bytes(8))

    def is_freed(self, index: int) -> bool:
        return bool(self.freed[index >> 3] & (1 << (index & 7)))

    def free(self, index: int) -> None:
        if not self.is_freed(index):
            self.freed[index >> 3] |= 1 << (index & 7)
            self.left -= 1


class FlashLog:
    """All segments in `folder`, oldest first. Raises OSError where the flash cannot be read or written."""

    def __init__(self, folder: str, most_bytes: int, log) -> None:
        self.segments = []
        self._folder = folder
        self._most = max(most_bytes, 4 * BLOCK)
        self._log = log
        self._open = None  # the segment that is being written
        self._next = 0
        self.counters = {}  # channel -> (import, export) at the end of what was found at the start
        self._load()

    def append(self, run: str, reason: str, records: list, offset: int) -> None:
        """Keep records of this run; `offset`: Unix ms - up, 0 = unknown."""
        for i in range(0, len(records), _MOST_IN_PART):
            self._append(run, reason, records[i : i + _MOST_IN_PART], offset)

    def read(self, segment: Segment) -> list:
        """The segment's records, those included that may go."""
        return self._parsed(segment)[0]

    def free(self, run: str, channel: int, may_go) -> None:
        """Let go of the records of this outlet for which may_go(first seq, last seq)."""
        for segment in list(self.segments):
            if segment.run != run or not segment.left:
                continue
            for i, record in enumerate(self.read(segment)):
                if record[0] == channel and may_go(record[2] - record[1] + 1, record[2]):
                    segment.free(i)
            if not segment.left:
                self._remove(segment)

    def clear(self) -> None:
        """Remove everything."""
        for segment in list(self.segments):
            self._remove(segment)

    def _append(self, run: str, reason: str, records: list, offset: int) -> None:
        data = _part(records, offset)
        segment = self._open
        if segment is None or segment.run != run or segment.size + len(data) > BLOCK:
            segment = Segment(self._next, run, reason, 0)
            head = self._head(segment, segment.number)
            self._next += 1
            self._open = None
            self._make_room()
            self._write(self._path(segment.number), "wb", head + data)
            segment.size = len(head)
            self.segments.append(segment)
        else:
            self._open = None  # an error leaves a torn tail, behind which nothing would be read
            self._write(self._path(segment.number), "ab", data)
        segment.took(records, len(data), offset)
        self._open = segment

    def _write(self, path: str, mode: str, data: bytes) -> None:
        with open(path, mode) as file:
            file.write(data)

    def _path(self, number) -> str:
        return self._folder + "/" + (number if isinstance(number, str) else "%08x" % number)

    def _head(self, segment: Segment, replaces: int) -> bytes:
        reason = _REASONS.index(segment.reason) if segment.reason in _REASONS else 0
        run = binascii.unhexlify(segment.run)
        body = struct.pack(_HEAD, _MAGIC, _VERSION, reason, segment.level, run, replaces)
        return body + _crc(body)

    def _remove(self, segment: Segment) -> None:
        if segment is self._open:
            self._open = None
        self.segments.remove(segment)
        os.remove(self._path(segment.number))

    def _bytes(self) -> int:
        return sum([-(-segment.size // BLOCK) * BLOCK for segment in self.segments])

    def _make_room(self) -> None:
        while self.segments and self._bytes() + BLOCK > self._most:
            pair = self._pair()
            if pair is None or not self._join(*pair):
                self._remove(self.segments[0])

    def _pair(self):
        """The oldest two neighbours that were joined equally often, else the oldest two of one run."""
        other = None
        for a, b in zip(self.segments, self.segments[1:]):
            if a.run == b.run:
                if a.level == b.level:
                    return a, b
                other = other or (a, b)
        return other

    def _join(self, a: Segment, b: Segment) -> bool:
        """Put both into the place of the second. What is too much for it: of the oldest segment the oldest records go;
        else False, and nothing was done."""
        kept = []
        for segment in (a, b):
            kept += [record for i, record in enumerate(self.read(segment)) if not segment.is_freed(i)]
        kept = joined(kept)
        if len(kept) > _MOST_IN_SEGMENT:
            if a is not self.segments[0]:
                return False
            kept = kept[-_MOST_IN_SEGMENT:]
        segment = Segment(b.number, b.run, b.reason, min(max(a.level, b.level) + 1, 255))
        data = self._head(segment, a.number)
        segment.size = len(data)
        body = _parts(kept, b.offset or a.offset)
        # A power cut leaves a file "new", or one that says what it replaces: both are found at the start
        self._write(self._path("new"), "wb", data + body)
        os.rename(self._path("new"), self._path(b.number))
        segment.took(kept, len(body), b.offset or a.offset)
        self.segments[self.segments.index(b)] = segment
        self._remove(a)
        return True

    def _load(self) -> None:
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # it is there already, or listing it says what is wrong
        found = {}
        for name in sorted(os.listdir(self._folder)):
            try:
                number = int(name, 16)
                segment, replaces = self._found(number)
            except ValueError:
                self._log("minutes: removed %s, which was not whole" % name)
                os.remove(self._path(name))
                continue
            except OSError as error:
                self._log("minutes: %s: %r" % (name, error))
                continue
            for old in [old for old in found if replaces <= old]:
                os.remove(self._path(old))
                del found[old]
            found[number] = segment
            self._next = max(self._next, number + 1)
        self.segments = [found[number] for number in sorted(found)]

    def _found(self, number: int) -> tuple:
        """(segment, the first that it replaces). Raises ValueError for what is none."""
        with open(self._path(number), "rb") as file:
            head = file.read(_HEAD_SIZE + 4)
        if len(head) < _HEAD_SIZE + 4 or _crc(head[:_HEAD_SIZE]) != head[_HEAD_SIZE:]:
            raise ValueError
        magic, version, reason, level, run, replaces = struct.unpack(_HEAD, head[:_HEAD_SIZE])
        if magic != _MAGIC or version != _VERSION or reason >= len(_REASONS):
            raise ValueError
        segment = Segment(number, binascii.hexlify(run).decode(), _REASONS[reason], level)
        records, size, offset = self._parsed(segment)
        if not records:
            raise ValueError
        segment.took(records, size, offset)
        for record in records:
            self.counters[record[0]] = record[7:9]
        return segment, replaces

    def _parsed(self, segment: Segment) -> tuple:
        """(records, bytes up to the end of the last whole part, last known offset)."""
        with open(self._path(segment.number), "rb") as file:
            data = file.read()
        records = []
        offset = 0
        at = _HEAD_SIZE + 4
        while at + _PART_SIZE + 4 <= len(data):
            mark, count, known = struct.unpack_from(_PART, data, at)
            end = at + _PART_SIZE + count * _RECORD_SIZE
            if mark != _MARK or end + 4 > len(data) or _crc(data[at:end]) != data[end : end + 4]:
                break
            records += [_unpacked(data, at + _PART_SIZE + i * _RECORD_SIZE) for i in range(count)]
            offset = known or offset
            at = end + 4
        return records, at, offset
