"""One archive file: a head, sealed frames, an index of what they hold, and a tail that says where the index is.

Every byte is covered: the head by its own digest, each frame by ChaCha20-Poly1305 (quick on a Raspberry Pi, which has
no AES in hardware) with the head's digest and its place in the file, the tail by a checksum.
"""

import hashlib
import io
import struct
import zlib
from array import array
from collections.abc import Iterator
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from hub.backup.keys import Keys, Lock, is_sane
from hub.messages import HubError

MAGIC = b"plughub backup\r\n"  # a transfer as text damages it
VERSION = 1
START = struct.Struct("<16sHI")  # magic, version, bytes of the head that follows
LENGTH = struct.Struct("<I")
TAIL = struct.Struct("<QI8s")  # place of the index, crc of that, end mark
END = b"plughEND"
DIGEST = 32
TAG = 16

BLOCK = 64 << 10  # bytes of a file that are compared, and kept, as one
MOST_FRAME = 256 << 20  # an index of a history of a terabyte
MOST_HEAD = 64 << 10
PLAIN, PACKED = b"\0", b"\1"
HASH = 16


class Head(msgspec.Struct, frozen=True):
    """What may be read without the passphrase. created: Unix ms. chain: the ids of the archives that this one needs
    for its history, the full one first, and last its own."""

    id: str
    created: int
    hub: str
    version: str
    history: bool
    chain: list[str]
    lock: Lock


class FileEntry(msgspec.Struct):
    """One file: the digest of each of its blocks, and where that stands: in which archive of the chain, and its place.

    group: home (the registry and what belongs to it), config or history.
    """

    name: str
    group: str
    size: int
    hashes: bytes = b""
    archives: bytes = b""  # array("H")
    places: bytes = b""  # array("Q")

    @property
    def blocks(self) -> int:
        """How many blocks it has."""
        return -(-self.size // BLOCK)

    def block(self, number: int) -> tuple[bytes, int, int]:
        """Digest, archive in the chain, place."""
        archive = int.from_bytes(self.archives[number * 2 : number * 2 + 2], "little")
        place = int.from_bytes(self.places[number * 8 : number * 8 + 8], "little")
        return self.hashes[number * HASH : (number + 1) * HASH], archive, place


class Index(msgspec.Struct):
    """Everything that an archive restores."""

    files: list[FileEntry]

    def file(self, name: str) -> FileEntry | None:
        """The file with this name."""
        return next((file for file in self.files if file.name == name), None)


class Blocks:
    """Collects the blocks of a FileEntry while it is written."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._archives = array("H")
        self._places = array("Q")

    def add(self, digest: bytes, archive: int, place: int) -> None:
        """The next block."""
        self._hashes += digest
        self._archives.append(archive)
        self._places.append(place)

    def entry(self, name: str, group: str, size: int) -> FileEntry:
        """The file."""
        return FileEntry(name, group, size, bytes(self._hashes), self._archives.tobytes(), self._places.tobytes())


def digest_of(block: bytes) -> bytes:
    """By which blocks are compared."""
    return hashlib.blake2b(block, digest_size=HASH).digest()


class Writer:
    """Writes an archive from front to back."""

    def __init__(self, file: BinaryIO, head: Head, keys: Keys) -> None:
        self._file = file
        body = msgspec.msgpack.encode(head)
        start = START.pack(MAGIC, VERSION, len(body)) + body
        digest = hashlib.sha256(start).digest()
        self._seal = _Seal(keys.archive_key(head.lock, head.id), digest)
        file.write(start + digest)
        self._place = len(start) + len(digest)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._place

    def put(self, content: bytes) -> int:
        """A frame; returns its place."""
        packed = zlib.compress(content, 1)
        worth = len(packed) < len(content) * 0.9
        sealed = self._seal.close((PACKED + packed) if worth else (PLAIN + content), self._place)
        place = self._place
        self._file.write(LENGTH.pack(len(sealed)) + sealed)
        self._place += LENGTH.size + len(sealed)
        return place

    def finish(self, index: Index) -> None:
        """The index and the tail."""
        place = self.put(msgspec.msgpack.encode(index)).to_bytes(8, "little")
        self._file.write(place + zlib.crc32(place).to_bytes(4, "little") + END)
        self._place += TAIL.size


class Reader:
    """Reads an archive. Raises HubError("backup-damaged", "backup-newer", "backup-passphrase-…") with its name."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.name = name
        self._seal: _Seal | None = None
        self.size = file.seek(0, io.SEEK_END)
        self.head, self._digest, self._begin = self._read_head()

    def unlock(self, keys: Keys) -> None:
        """Needed before any frame can be read."""
        self._seal = _Seal(keys.archive_key(self.head.lock, self.head.id), self._digest)

    def index(self) -> Index:
        """What it holds."""
        content, _ = self._frame(self.index_place())
        try:
            return msgspec.msgpack.decode(content, type=Index)
        except msgspec.DecodeError as error:
            raise self._damaged() from error

    def index_place(self) -> int:
        """Where the index stands, by the tail; needs no passphrase."""
        self._file.seek(max(self.size - TAIL.size, 0))
        tail = self._file.read(TAIL.size)
        if len(tail) < TAIL.size:
            raise self._damaged()
        place, crc, end = TAIL.unpack(tail)
        if end != END or zlib.crc32(tail[:8]) != crc or not self._begin <= place < self.size - TAIL.size:
            raise self._damaged()
        return int(place)

    def block(self, place: int, digest: bytes) -> bytes:
        """The block at this place, which has this digest."""
        content, _ = self._frame(place)
        if len(content) > BLOCK or digest_of(content) != digest:
            raise self._damaged()
        return content

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Every frame before the index, in order; fails unless they fill the file up to it, and the index to the
        tail."""
        place, last = self._begin, self.index_place()
        while place < last:
            content, end = self._frame(place)
            yield place, content
            place = end
        if place != last or self._frame(last)[1] != self.size - TAIL.size:
            raise self._damaged()

    def _frame(self, place: int) -> tuple[bytes, int]:
        if self._seal is None:
            raise RuntimeError("the archive is not unlocked")
        if place > self.size:
            raise self._damaged()
        self._file.seek(place)
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        end = place + LENGTH.size + length
        if not TAG < length <= MOST_FRAME or end > self.size:
            raise self._damaged()
        sealed = self._exactly(length)
        try:
            content = self._seal.open(sealed, place)
            return _unpacked(content), end
        except (InvalidTag, zlib.error, ValueError) as error:
            raise self._damaged() from error

    def _read_head(self) -> tuple[Head, bytes, int]:
        self._file.seek(0)
        start = self._file.read(START.size)
        if not start.startswith(MAGIC):
            raise HubError("backup-foreign", file=self.name)
        if len(start) < START.size:
            raise self._damaged()
        _, version, length = START.unpack(start)
        if length > MOST_HEAD:
            raise self._damaged()
        body = self._exactly(length)
        digest = hashlib.sha256(start + body).digest()
        if self._exactly(DIGEST) != digest:
            raise self._damaged()
        if version > VERSION:
            raise HubError("backup-newer", file=self.name, version=version, supported=VERSION)
        try:
            head = msgspec.msgpack.decode(body, type=Head)
        except msgspec.DecodeError as error:
            raise self._damaged() from error
        if not is_sane(head.lock) or not head.chain or head.chain[-1] != head.id:
            raise self._damaged()
        return head, digest, START.size + length + DIGEST

    def _exactly(self, length: int) -> bytes:
        content = self._file.read(length)
        if len(content) != length:
            raise self._damaged()
        return content

    def _damaged(self) -> HubError:
        return HubError("backup-damaged", file=self.name)


class _Seal:
    """One key for one archive; a frame's place in the file is its nonce, so that none repeats."""

    def __init__(self, key: bytes, digest: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._digest = digest

    def close(self, content: bytes, place: int) -> bytes:
        return self._cipher.encrypt(place.to_bytes(12, "little"), content, self._digest)

    def open(self, sealed: bytes, place: int) -> bytes:
        return self._cipher.decrypt(place.to_bytes(12, "little"), sealed, self._digest)


def _unpacked(content: bytes) -> bytes:
    kind, body = content[:1], content[1:]
    if kind == PLAIN:
        return body
    if kind != PACKED:
        raise ValueError("unknown kind of frame")
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(body, MOST_FRAME)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("frame too large")
    return found
