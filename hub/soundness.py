"""Is an SQLite file damaged, or does its disk not answer? By SQLite's codes: its sentences are for people."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Every other error speaks of the disk, of memory, or of who else has the file open."""
BLOCK = 4096


class BadBlocks(OSError):
    """The disk gives some blocks of the file, and others not."""


def says_damaged(error: BaseException) -> bool:
    """Does this error say that the bytes of the file are wrong?"""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in DAMAGED


def damage(found: str) -> sqlite3.DatabaseError:
    """The error for what a check of the file found, with the code that SQLite's own would have."""
    error = sqlite3.DatabaseError(found)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def integrity(connection: sqlite3.Connection) -> str:
    """What SQLite finds wrong with an open file first, "ok" = nothing. A value that a constraint forbids is no damage:
    with the whole file set aside for it, all the others would be lost, too. Raises sqlite3.Error."""
    connection.execute("pragma ignore_check_constraints = on")
    found = str(connection.execute("pragma integrity_check(1)").fetchone()[0])
    connection.execute("pragma ignore_check_constraints = off")
    return found


def damage_in(path: Path) -> str | None:
    """What is wrong with the file, all of which is read by a connection of its own; None = nothing. What a crash left
    half written is undone by the question. Raises OSError where the disk does not answer, BadBlocks where it does for
    other parts of the file."""
    found = _checked(path)
    if found is None:
        return None
    _read(path)  # SQLite calls a file corrupt too when the disk did not give it a block (SQLITE_IOERR_CORRUPTFS)
    return _checked(path)


def _checked(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            found = integrity(connection)
    except sqlite3.Error as error:
        if not says_damaged(error):
            raise OSError(f"{path}: {error}") from error
        found = str(error)
    return None if found == "ok" else found


def _read(path: Path) -> None:
    lost, error = 0, OSError()
    file = os.open(path, os.O_RDONLY)
    try:
        blocks = range(0, os.fstat(file).st_size, BLOCK)
        for at in blocks:
            try:
                os.pread(file, BLOCK, at)
            except OSError as failure:
                lost, error = lost + 1, failure
    finally:
        os.close(file)
    if lost:
        raise (OSError if lost == len(blocks) else BadBlocks)(error.errno, error.strerror, str(path)) from error
