"""A file of key → value that is only added to: one checksummed record a write, rewritten when half of it is old."""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from hub.durable import sync

HEAD = b"plughub mqtt 1\n"
RECORD = struct.Struct("<4sII")  # magic, length, crc of the payload
MAGIC = b"\xa7mq\n"
SMALL = 256 * 1024  # bytes that may be old before the file is rewritten
PIECE = 512 * 1024  # of values in a record: one damaged place costs little, and a write needs little memory

Changes = Iterable[tuple[str, bytes | None]]
"""New values by key, which may be made one by one; None = gone."""


class StateFile:
    """Blocking; one thread at a time. A write that was cut short is forgotten at the next start; what else is damaged
    is copied aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0  # of the file; 0 = write a new one
        self._live = 0  # of what a rewrite would leave

    def load(self) -> tuple[dict[str, bytes], Path | None]:
        """All values, and where the damaged file was put if it was damaged. OSError."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}, None
        payloads, end, damaged = _records(data)
        values: dict[str, bytes] = {}
        for payload in payloads:
            try:
                changes = msgspec.msgpack.decode(payload, type=dict[str, bytes | None])
            except msgspec.DecodeError:
                damaged = True
                continue
            for key, value in changes.items():
                values.pop(key, None)
                if value is not None:
                    values[key] = value
        if damaged:
            aside = self._path.with_name(self._path.name + ".damaged")
            self._path.replace(aside)
            self.rewrite(values.items())
            return values, aside
        if end < len(data):
            os.truncate(self._path, end)
        self._size, self._live = end, sum(map(len, values.values()))
        return values, None

    def wants_rewrite(self) -> bool:
        """Is there no file yet, or is more of it old than not?"""
        return not self._size or self._size > 2 * self._live + SMALL

    def append(self, changes: Changes) -> None:
        """Add; durable when it returns. OSError: then nothing was added."""
        size = self._size
        with self._path.open("r+b", buffering=0) as file:
            file.seek(size)
            try:
                for piece in _pieces(changes):
                    size += _write(file.fileno(), _record(piece))
                os.fdatasync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(self._size)
                raise
        self._size = size

    def rewrite(self, values: Iterable[tuple[str, bytes]]) -> None:
        """Put a new file in the old one's place; durable when it returns. OSError: then the old one stays."""
        new = self._path.with_name(self._path.name + ".new")
        size, live = len(HEAD), 0
        with new.open("wb", buffering=0) as file:
            os.fchmod(file.fileno(), 0o600)
            _write(file.fileno(), HEAD)
            for piece in _pieces(values):
                size += _write(file.fileno(), _record(piece))
                live += sum(len(value) for value in piece.values() if value)
            os.fsync(file.fileno())
        new.replace(self._path)
        sync(self._path.parent)
        self._size, self._live = size, live


def _record(piece: Mapping[str, bytes | None]) -> bytes:
    payload = msgspec.msgpack.encode(piece)
    return RECORD.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


def _records(data: bytes) -> tuple[list[bytes], int, bool]:
    """The payloads that are whole, where the last of them ends, and whether something before that end is damaged.
    What follows the last whole record is a write that was cut short, however it looks."""
    damaged = not data.startswith(HEAD)
    at = end = 0 if damaged else len(HEAD)
    payloads = []
    while (at := data.find(MAGIC, at)) >= 0 and at + RECORD.size <= len(data):
        _, length, crc = RECORD.unpack_from(data, at)
        payload = data[at + RECORD.size : at + RECORD.size + length]
        if not length or len(payload) != length or zlib.crc32(payload) != crc:
            at += 1
            continue
        damaged = damaged or at != end
        payloads.append(payload)
        at = end = at + RECORD.size + length
    return payloads, end, damaged


def _pieces(changes: Changes) -> Iterable[dict[str, bytes | None]]:
    piece: dict[str, bytes | None] = {}
    size = 0
    for key, value in changes:
        piece[key] = value
        size += len(key) + len(value or b"")
        if size > PIECE:
            yield piece
            piece, size = {}, 0
    if piece:
        yield piece


def _write(file: int, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    return len(data)
