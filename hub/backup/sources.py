"""What goes into an archive: which files of the data and the configuration folder, and consistent copies of them."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from hub.backup.pace import Pace, Stopped
from hub.backup.target import FULL
from hub.messages import HubError

REGISTRY = "registry.sqlite"
SQLITE = b"SQLite format 3\0"
SIDES = ("-journal", "-wal", "-shm")
OF_ONE_RUN = ("hub.lock", "api.key", "setup-code.txt", "ports.json", "demo.pid")
FOLDERS_LEFT_OUT = ("backups", "configuration", "__pycache__")
HISTORY = "history"  # begins the names of history's files, which go in by choice
LARGEST = 64 << 20  # of a file beside the databases: keys and small state
SCRATCH = ".backup-scratch"

HOME, CONFIG, HISTORY_GROUP = "home", "config", "history"


class Source(msgspec.Struct, frozen=True):
    """One file: its name in the archive (relative, with /), its group, and where its bytes are read."""

    name: str
    group: str
    path: Path


def home_files(data: Path, config: Path | None, scratch: Path) -> list[Source]:
    """Everything but history: databases as consistent copies in `scratch`. What belongs to one run, what was set
    aside, and what a restored hub makes anew stays out. Raises HubError("backup-nothing", "backup-source-…")."""
    if not (data / REGISTRY).exists():
        raise HubError("backup-nothing", folder=str(data))
    found = []
    for path in _files(data, scratch):
        name = path.relative_to(data).as_posix()
        if path.name in OF_ONE_RUN or path.name.startswith(HISTORY) or path.name.endswith(SIDES):
            continue
        if is_sqlite(path):
            copy = scratch / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            snapshot(path, copy)
            found.append(Source(name, HOME, copy))
        elif path.stat().st_size <= LARGEST:
            found.append(Source(name, HOME, path))
    if config is not None and config.is_dir():
        small = (path for path in _files(config, scratch, links=True) if path.stat().st_size <= LARGEST)
        found += [Source(path.relative_to(config).as_posix(), CONFIG, path) for path in small]
    return found


def history_files(data: Path, files: Sequence[Path]) -> list[Source]:
    """History's files that are there, each with the journal that it needs."""
    found = []
    for path in files:
        wal, journal = (path.with_name(path.name + side) for side in ("-wal", "-journal"))
        with reading(path):
            there = [path] if path.exists() else []
            there += [wal] if wal.exists() and wal.stat().st_size else []
            there += [journal] if is_hot(journal) else []
        found += [Source(part.relative_to(data).as_posix(), HISTORY_GROUP, part) for part in there]
    return found


def is_hot(journal: Path) -> bool:
    """Left by a crash: the database is whole only together with it."""
    if not journal.exists():
        return False
    with journal.open("rb") as file:
        return any(file.read(8))  # SQLite wipes its head when a transaction has ended


def snapshot(path: Path, copy: Path) -> None:
    """A consistent, checked copy of a database that others may be writing; there is none of this name until it was
    checked. Raises HubError("backup-source-damaged", "backup-source-unreadable", "backup-no-space")."""
    partial = copy.with_name(f"{copy.name}.partial")
    with _told(path):
        partial.touch(mode=0o600)
        with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
            target.execute("pragma journal_mode = delete")
    require_whole(partial, shown=path)
    with _told(path):
        partial.replace(copy)


def require_whole(path: Path, *, shown: Path | None = None, live: bool = False, pace: Pace | None = None) -> None:
    """The database passes SQLite's own check. live: it belongs to a hub, is only read, and its indexes are believed.
    Raises HubError("backup-source-damaged"), Stopped."""
    shown, mode = shown or path, "ro" if live else "rw"
    with _told(shown), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection:
        if pace is not None:
            connection.set_progress_handler(lambda: int(pace.stopping), 100_000)
        try:
            found = connection.execute(f"pragma {'quick' if live else 'integrity'}_check(1)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if pace is not None and pace.stopping:
                raise Stopped from error
            raise
    if found != "ok":
        raise HubError("backup-source-damaged", file=str(shown), reason=found)


def is_sqlite(path: Path) -> bool:
    """Does it begin like a database? Raises HubError("backup-source-unreadable")."""
    with reading(path), path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def hub_id(registry: Path) -> str:
    """The hub's own id; empty for a registry whose hub never ran."""
    with _told(registry), closing(sqlite3.connect(registry)) as connection:
        row = connection.execute("select value from settings where name = 'hub_id'").fetchone()
    return "" if row is None else str(json.loads(row[0]))


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Errors of the disk that is read, and that takes the copies, are not the target's."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise HubError("backup-no-space", folder=str(path.parent)) from error
        raise HubError("backup-source-unreadable", file=str(path), reason=error.strerror or str(error)) from error


def _files(folder: Path, scratch: Path, *, links: bool = False) -> list[Path]:
    """Regular files, hidden ones and those set aside left out; `links`: those that a link leads to as well."""
    found = []
    with reading(folder):
        for top, folders, files in os.walk(folder):
            folders[:] = sorted(
                name for name in folders if not name.startswith((".", "before-")) and name not in FOLDERS_LEFT_OUT
            )
            for name in sorted(files):
                path = Path(top) / name
                aside = name.startswith(".") or ".damaged-" in name or name.endswith((".partial", ".plughub", ".log"))
                regular = path.is_file() and (links or not path.is_symlink())
                if not aside and regular and scratch not in path.parents:
                    found.append(path)
    return found


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    with reading(path):
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:  # the copy
                raise HubError("backup-no-space", folder=str(path.parent)) from error
            raise HubError("backup-source-unreadable", file=str(path), reason=str(error)) from error
        except sqlite3.DatabaseError as error:
            raise HubError("backup-source-damaged", file=str(path), reason=str(error)) from error
