"""A disk with blocks that one file lost: they cannot be read, or not be written either."""

import errno
import os
from pathlib import Path

import pytest

from hub.history.scan import BLOCK


class Disk:
    """Put in where the log reads and writes. As of a real disk, a read that begins before such a block ends there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        self.bad: set[int] = set()
        self.stubborn = False
        """Can they not be written either?"""
        self._number = path.stat().st_ino
        self._read, self._write = os.pread, os.pwrite
        monkeypatch.setattr(os, "pread", self.read)
        monkeypatch.setattr(os, "pwrite", self.write)

    def read(self, file: int, length: int, at: int) -> bytes:
        if os.fstat(file).st_ino == self._number:
            for block in range(at // BLOCK, -(-(at + length) // BLOCK)):
                if block in self.bad:
                    length = block * BLOCK - at
                    if length <= 0:
                        raise OSError(errno.EIO, os.strerror(errno.EIO))
                    break
        return self._read(file, length, at)

    def write(self, file: int, data: bytes, at: int) -> int:
        blocks = range(at // BLOCK, -(-(at + len(data)) // BLOCK))
        if self.stubborn and os.fstat(file).st_ino == self._number and self.bad.intersection(blocks):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._write(file, data, at)
