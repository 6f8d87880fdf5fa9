"""DataLock: one process at a time has the data folder; the command line sees by it whether a hub is running."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from hub.messages import HubError

FILE_NAME = "hub.lock"


class DataLock:
    """Held from `acquire()` to `release()`; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, data_dir: Path) -> None:
        self._dir = data_dir
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises HubError("data-in-use") when another process has it, HubError("data-unwritable")."""
        try:
            self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._dir / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = error.strerror or str(error)
            raise HubError("data-unwritable", folder=str(self._dir), reason=reason) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise HubError("data-in-use", folder=str(self._dir)) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; calling it again does nothing. The file stays: removing it would race with the next holder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "DataLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
