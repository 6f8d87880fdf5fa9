"""A disk that answers SQLite with errors: put in where SQLite itself calls the operating system (xSetSystemCall)."""

import contextlib
import ctypes
import ctypes.util
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

Read = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64, use_errno=True
)
Open = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, use_errno=True)
POINTERS = 13  # of a sqlite3_vfs, from xOpen to xCurrentTimeInt64


class Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("following", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("own", ctypes.c_void_p),
        ("others", ctypes.c_void_p * POINTERS),
        ("set", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)),
        ("get", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)),
    )


def _vfs() -> "ctypes._Pointer[Vfs]":
    library = ctypes.CDLL(ctypes.util.find_library("sqlite3"))
    library.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
    found: ctypes._Pointer[Vfs] = library.sqlite3_vfs_find(None)
    return found


class Disk:
    """Reads of one file that fail while `fails` says so. `failed`: how many did."""

    def __init__(self, path: Path) -> None:
        self._file = path.stat()
        self.failed = 0
        self.fails: Callable[[int], bool] = lambda at: True

    def is_mine(self, file: int) -> bool:
        """Is it this file?"""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(file), self._file)
        return False


@contextlib.contextmanager
def unreadable(path: Path) -> Iterator[Disk]:
    """Reads that SQLite makes of this file fail with EIO: all, or those of which `Disk.fails` says so by the place."""
    vfs, disk, undo = _vfs(), Disk(path), []
    for name in (b"pread", b"pread64"):
        address = vfs.contents.get(vfs, name)
        if not address:
            continue
        real = Read(address)

        def read(file: int, into: int, length: int, at: int, real: Callable[..., int] = real) -> int:
            if disk.is_mine(file) and disk.fails(at):
                disk.failed += 1
                ctypes.set_errno(errno.EIO)
                return -1
            return int(real(file, into, length, at))

        put = Read(read)
        vfs.contents.set(vfs, name, ctypes.cast(put, ctypes.c_void_p))
        undo.append((name, address, put))
    try:
        yield disk
    finally:
        for name, address, _ in undo:
            vfs.contents.set(vfs, name, address)
