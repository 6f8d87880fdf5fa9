"""Small secret files in the data folder: written at once or not at all, readable by the hub's own user only."""

import os
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Replace the file; it is never there half, and never readable by others."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
