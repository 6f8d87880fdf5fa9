"""A damaged registry: set aside, and the newest good copy put in its place; without one, begun anew."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy.exc import DBAPIError

from hub.aside import set_aside
from hub.database.upgrade import COPY, save_copy
from hub.soundness import BadBlocks, damage, damage_in, integrity, says_damaged


class Mended(msgspec.Struct, frozen=True):
    """Names: of the damaged file as it is kept, and of the copy that took its place (None = there was none)."""

    aside: str
    copy: str | None


def check(path: Path, backups: Path) -> None:
    """Raises sqlite3.DatabaseError for a file that is damaged, OSError where the disk gives nothing. The registry is
    small enough to read all of it. One that is empty or gone where there are copies of it was one: a new home in its
    place would be anybody's."""
    if not path.exists() or not path.stat().st_size:
        if any(backups.glob(f"{COPY}*.sqlite")):
            path.touch()
            raise damage("the file is empty")
    else:
        try:
            found = damage_in(path)
        except BadBlocks as error:  # the disk gives the rest of it: a copy is better than no hub
            found = str(error)
        if found is not None:
            raise damage(found)


def is_confirmed(path: Path, backups: Path) -> bool:
    """Is the file damaged for a second look, too? Raises OSError."""
    try:
        check(path, backups)
    except sqlite3.DatabaseError as error:
        return is_damage(error)
    return False


def is_damage(error: BaseException) -> bool:
    """Is the file itself damaged? A full disk or a locked file is no reason to set anything aside."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return origin is not None and says_damaged(origin)


def mend(path: Path, backups: Path) -> Mended:
    """Set the file aside; a good copy takes its place. Raises OSError, sqlite3.DatabaseError; then it is where it was:
    without a registry the next start would begin a new home."""
    copies = sorted(backups.glob(f"{COPY}*.sqlite"), key=lambda file: file.stat().st_mtime, reverse=True)
    copy = next((copy for copy in copies if _is_good(copy)), None)
    ready = path.with_name(f".{path.name}.mended")
    if copy is not None:
        save_copy(copy, ready)
    aside = set_aside(path)
    if copy is not None:
        ready.replace(path)
    return Mended(aside.name, None if copy is None else copy.name)


def begin_closed(path: Path) -> None:
    """A registry that had to be begun anew is no first start: whoever sets it up needs the code."""
    with closing(sqlite3.connect(path)) as connection, connection:
        now = json.dumps(time.time_ns() // 1_000_000)
        connection.execute("INSERT OR IGNORE INTO settings(name, value) VALUES ('first_start', ?)", (now,))


def _is_good(copy: Path) -> bool:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return integrity(connection) == "ok"
    except sqlite3.Error:
        return False
