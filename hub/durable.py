"""What is on the disk when the power goes, and not in the memory of the system alone."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """What this file holds, or which names this folder holds, is durable when this returns. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
