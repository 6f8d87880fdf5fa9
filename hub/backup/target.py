"""Where archives are kept: the interface, and the one target there is, a folder (of this machine or on a USB disk)."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from hub.durable import sync
from hub.messages import HubError

SUFFIX = ".plughub"
PARTIAL = ".partial"
MARK = ".plughub-backups"
"""A file that says that archives are kept here: an unplugged disk leaves an empty folder behind, which lacks it."""
REMOVABLE = ("/media", "/mnt", "/run/media")
GONE = (errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENOENT, errno.ENOTDIR)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
FULL = (errno.ENOSPC, errno.EDQUOT)


class Target(Protocol):
    """Keeps archives by name. Every call blocks, and raises HubError("backup-target-gone", "backup-not-writable",
    "backup-no-space", "backup-file-too-large", "backup-target-failed")."""

    def prepare(self) -> None:
        """Called before anything is written: make ready what may be made."""

    def names(self) -> list[str]:
        """Of all archives, oldest first."""

    def free(self) -> int | None:
        """Bytes that may still be written; None = not known."""

    def read(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """Open one; HubError("backup-missing") where there is none of this name."""

    def write(self, name: str) -> "contextlib.AbstractContextManager[Draft]":
        """A new one, which is kept only when `Draft.keep` was called. Use it within `told`."""

    def told(self) -> contextlib.AbstractContextManager[None]:
        """Errors of the draft in the block are raised as HubError."""

    def remove(self, name: str) -> None:
        """Delete one."""


class Draft(Protocol):
    """An archive that is being written."""

    @property
    def file(self) -> BinaryIO:
        """To write, then to read."""

    def secure(self) -> None:
        """On the disk when it returns; what is read from now on comes from there."""

    def keep(self) -> None:
        """Give it its name."""


class FolderTarget:
    """Archives as files of one folder. `marked`: the folder has held archives before, so it must hold its mark."""

    def __init__(self, folder: Path, *, marked: bool = False) -> None:
        self.folder = folder
        self._marked = marked

    def prepare(self) -> None:
        """Make the folder if only its last part is missing, and mark it. Raises as every call of a target."""
        self.check()
        with self.told():
            self.folder.mkdir(mode=0o700, exist_ok=True)
            (self.folder / MARK).touch(mode=0o600)
            for leftover in self.folder.glob(f".*{SUFFIX}{PARTIAL}"):
                _remove_if_nobody_writes(leftover)

    def check(self) -> None:
        """Is it there? Raises HubError("backup-target-gone")."""
        if self._marked:
            there = (self.folder / MARK).exists()
        else:
            there = self.folder.is_dir() or (self.folder.parent.is_dir() and not self.folder.exists())
            there = there and not _unmounted(self.folder)
        if not there:
            raise HubError("backup-target-gone", folder=str(self.folder))

    def names(self) -> list[str]:
        """Archives' names begin with their time."""
        with self.told():
            return sorted(path.name for path in self.folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))

    def free(self) -> int | None:
        """Bytes for whoever is not root."""
        with self.told():
            space = os.statvfs(self.folder)
            return space.f_bavail * space.f_frsize

    @contextlib.contextmanager
    def read(self, name: str) -> Iterator[BinaryIO]:
        """Errors while reading it are told too."""
        path = self.folder / name
        if not path.exists():
            raise HubError("backup-missing", file=str(path))
        with self.told(), path.open("rb") as file:
            yield file

    @contextlib.contextmanager
    def write(self, name: str) -> Iterator["FolderDraft"]:
        """Under a name with a dot until it is kept; it is locked, so that nobody takes it for a leftover."""
        path = self.folder / f".{name}{PARTIAL}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            file = os.fdopen(descriptor, "r+b", buffering=1 << 20)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield FolderDraft(file, path, self.folder / name)
            finally:
                with contextlib.suppress(OSError):  # what was to be kept is on the disk since `secure`
                    file.close()
        finally:
            with contextlib.suppress(OSError):  # a disk that is gone has no leftover that one could remove
                path.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """It may be gone already."""
        with self.told():
            (self.folder / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """What the system refuses in the block, by name and with what to do."""
        try:
            yield
        except OSError as error:
            raise self._named(error) from error

    def _named(self, error: OSError) -> HubError:
        folder, reason = str(self.folder), error.strerror or str(error)
        if error.errno in FULL:
            return HubError("backup-no-space", folder=folder)
        if error.errno == errno.EFBIG:
            return HubError("backup-file-too-large", folder=folder)
        if error.errno in REFUSED:
            return HubError("backup-not-writable", folder=folder, reason=reason)
        if error.errno in GONE:
            return HubError("backup-target-gone", folder=folder)
        return HubError("backup-target-failed", folder=folder, reason=reason)


class FolderDraft:
    """One file that has no name yet."""

    def __init__(self, file: BinaryIO, path: Path, name: Path) -> None:
        self._file = file
        self._path = path
        self._name = name

    @property
    def file(self) -> BinaryIO:
        """To write, then to read."""
        return self._file

    def secure(self) -> None:
        """The page cache lets go of it, as far as the system does: what is checked then is what the disk holds."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def keep(self) -> None:
        """Durable with its name when it returns."""
        self._path.rename(self._name)
        sync(self._name.parent)


def _unmounted(folder: Path) -> bool:
    """Is it where disks are mounted, and none is?"""
    for root in map(Path, REMOVABLE):
        if root in folder.parents:
            inside = [parent for parent in (folder, *folder.parents) if root in parent.parents]
            return not any(path.is_mount() for path in (*inside, root))
    return False


def _remove_if_nobody_writes(path: Path) -> None:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        path.unlink(missing_ok=True)
