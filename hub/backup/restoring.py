"""Brings back what an archive holds: into an empty data folder, or in place of one, which stays beside it."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import msgspec

from hub.backup.archive import FileEntry, Head, Reader
from hub.backup.catalog import Item, by_age, by_id, listed
from hub.backup.checking import pieces
from hub.backup.keys import Keys
from hub.backup.pace import Pace
from hub.backup.sources import CONFIG, HISTORY_GROUP, REGISTRY, is_sqlite, require_whole
from hub.backup.target import FolderTarget
from hub.durable import sync
from hub.messages import HubError

LOCK_FILE = "hub.lock"
NEW = ".restoring"
BACKUPS = "backups"  # stays where it is: the archive that is read may lie in it


class Restored(msgspec.Struct, frozen=True):
    """What came back. before: where the old data folder is now. config: where the configuration was put."""

    head: Head
    files: int
    size: int
    before: Path | None = None
    config: Path | None = None


def find(path: Path, now: int) -> Path:
    """The archive itself; of a folder its newest, by what the time is (Unix ms). Raises HubError("backup-missing")."""
    if path.is_dir():
        found: list[Item] = [item for item in listed(FolderTarget(path)) if item.head is not None]
        if not found:
            raise HubError("backup-missing", file=str(path))
        return path / by_age(found, now)[-1].name
    if not path.is_file():
        raise HubError("backup-missing", file=str(path))
    return path


def lock_of(archive: Path) -> Head:
    """The head of an archive: does it need a passphrase? Raises HubError."""
    with FolderTarget(archive.parent).read(archive.name) as file:
        return Reader(file, archive.name).head


def restore(
    archive: Path,
    data: Path,
    keys: Keys,
    *,
    config: Path | None = None,
    replace: bool = False,
    history: bool = True,
    pace: Pace | None = None,
) -> Restored:
    """Write everything beside, check it, and only then put it in its place. The caller holds the data folder's lock.

    The configuration goes to `config` if nothing is there, else into the data folder. Raises HubError
    ("restore-not-empty", "backup-chain-broken", "backup-damaged", "backup-passphrase-…", "restore-failed").
    """
    if not replace and _contents(data):
        raise HubError("restore-not-empty", folder=str(data))
    with _told(data):
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = data / NEW
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        try:
            head, written = _written(archive, new, keys, pace or Pace(), history=history)
            before = _swapped(data, new)
            placed = _configured(data, config)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return Restored(head, len(written), sum(entry.size for entry in written), before, placed)


def check(archive: Path, keys: Keys, scratch: Path, pace: Pace | None = None) -> Head:
    """Read, decrypt and compare every block, of every archive of the chain; the home is unpacked into `scratch`, which
    needs no room for the history, and its databases are checked. Raises as restore."""
    pace = pace or Pace()
    with _told(scratch), contextlib.ExitStack() as stack:
        opened = _opened(stack, archive, keys, history=True)
        pace.begin("checking", sum(entry.size for entry in opened.entries))
        for entry in opened.entries:
            if entry.group == HISTORY_GROUP:
                for _ in pieces(entry, opened.readers, pace):
                    pass
        folder = scratch / NEW
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            home = [entry for entry in opened.entries if entry.group != HISTORY_GROUP]
            _unpack(home, opened, folder, pace)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return opened.head


class _Opened(msgspec.Struct):
    """An archive and those that it builds on, by their number in its chain; the files that are wanted of it."""

    name: str
    head: Head
    entries: list[FileEntry]
    readers: dict[int, Reader]


def _opened(stack: contextlib.ExitStack, archive: Path, keys: Keys, *, history: bool) -> _Opened:
    target = FolderTarget(archive.parent)
    last = Reader(stack.enter_context(target.read(archive.name)), archive.name)
    last.unlock(keys)
    wanted = [entry for entry in last.index().files if history or entry.group != HISTORY_GROUP]
    readers = {len(last.head.chain) - 1: last}
    for number in sorted(_needed(wanted) - set(readers)):
        readers[number] = stack.enter_context(_earlier(target, last, number, keys))
    return _Opened(archive.name, last.head, wanted, readers)


def _written(archive: Path, folder: Path, keys: Keys, pace: Pace, *, history: bool) -> tuple[Head, Sequence[FileEntry]]:
    with contextlib.ExitStack() as stack:
        opened = _opened(stack, archive, keys, history=history)
        pace.begin("restoring", sum(entry.size for entry in opened.entries))
        _unpack(opened.entries, opened, folder, pace)
        return opened.head, opened.entries


def _unpack(entries: Sequence[FileEntry], opened: _Opened, folder: Path, pace: Pace) -> None:
    """Write them to `folder`, and let SQLite check what is a database."""
    with _told(folder.parent):  # a small archive may name a block without end
        if sum(entry.size for entry in entries) > shutil.disk_usage(folder).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for entry in entries:
        path = folder / ("configuration" if entry.group == CONFIG else ".") / _safe(entry.name, opened.name)
        _write(path, pieces(entry, opened.readers, pace), folder.parent)
    for entry in entries:
        path = folder / entry.name
        if entry.group != CONFIG and path.exists() and is_sqlite(path):  # a journal is gone once it was used
            _require_restored(path, opened.name, pace)
    if not (folder / REGISTRY).exists():
        raise HubError("backup-damaged", file=opened.name)


def _write(path: Path, content: Iterator[bytes], data: Path) -> None:
    """A new file for the hub only. What goes wrong in writing is told of the data folder, in reading of the archive."""
    with contextlib.ExitStack() as stack:
        with _told(data):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = stack.enter_context(path.open("xb"))
            os.fchmod(file.fileno(), 0o600)
        for piece in content:
            with _told(data):
                file.write(piece)
        with _told(data):
            file.flush()
            os.fsync(file.fileno())


def _require_restored(path: Path, archive: str, pace: Pace) -> None:
    try:
        require_whole(path, pace=pace)
    except HubError as error:
        raise HubError("backup-damaged", file=archive) from error


@contextlib.contextmanager
def _earlier(target: FolderTarget, last: Reader, number: int, keys: Keys) -> Iterator[Reader]:
    """An archive of the chain, by its number; found by its id, whatever its name."""
    if number >= len(last.head.chain):
        raise HubError("backup-damaged", file=last.name)
    item = by_id(listed(target)).get(last.head.chain[number])
    if item is None:
        raise HubError("backup-chain-broken", file=last.name)
    with target.read(item.name) as file:
        reader = Reader(file, item.name)
        reader.unlock(keys)
        yield reader


def _needed(entries: Sequence[FileEntry]) -> set[int]:
    return {entry.block(number)[1] for entry in entries for number in range(entry.blocks)}


def _safe(name: str, archive: str) -> PurePosixPath:
    """Never outside the folder, whoever wrote the archive."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or not name.isprintable():
        raise HubError("backup-damaged", file=archive)
    return path


def _contents(data: Path) -> list[Path]:
    if not data.exists():
        return []
    return [path for path in data.iterdir() if path.name not in (LOCK_FILE, NEW, BACKUPS)]


def _swapped(data: Path, new: Path) -> Path | None:
    """Old things into a folder with the date, new ones in their place; the registry last, without which no hub takes
    the folder for a home. Within one folder, because a data folder may be a mount point. Raises OSError; then all is
    as it was."""
    before = None
    old = [path for path in _contents(data) if not path.name.startswith("before-")]
    with contextlib.ExitStack() as undone:
        if old:
            before = data / f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            before.mkdir(mode=0o700)
            undone.callback(before.rmdir)
            for path in sorted(old, key=lambda path: path.name != REGISTRY):
                undone.callback(path.rename(before / path.name).rename, path)
        for path in sorted(new.iterdir(), key=lambda path: path.name == REGISTRY):
            undone.callback(path.rename(data / path.name).rename, path)
        sync(data)
        undone.pop_all()
    return before


def _configured(data: Path, config: Path | None) -> Path | None:
    """The configuration at its place if that is empty, else where it was put in the data folder."""
    found = data / "configuration"
    if not found.is_dir():
        return None
    if config is None or (config.exists() and any(config.iterdir())):
        return found
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(found, config, dirs_exist_ok=True)
    except OSError:  # the home is in place, and nobody should think that it is not
        return found
    shutil.rmtree(found)
    return config


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HubError("restore-failed", folder=str(folder), reason=error.strerror or str(error)) from error
