"""Files that cannot be read are set aside under a name with the date, never deleted: they may be needed yet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

SIDES = ("-wal", "-shm", "-journal", "")  # what SQLite keeps beside a file; the file itself goes last


def set_aside(path: Path) -> Path:
    """Rename the file and what SQLite keeps beside it; returns the new name. Raises OSError."""
    at = datetime.now(UTC)
    while any(_beside(aside := path.with_name(f"{path.name}.damaged-{at:%Y%m%dT%H%M%SZ}"), side) for side in SIDES):
        at += timedelta(seconds=1)  # what was set aside within the same second keeps its name
    for suffix in SIDES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    return aside


def found_aside(folder: Path) -> list[str]:
    """Names of what was set aside in this folder and is still there, oldest last."""
    names = (file.name for file in folder.glob("*.damaged-*") if not file.name.endswith(SIDES[:-1]))
    return sorted(names, key=lambda name: name.rsplit("-", 1)[1], reverse=True)


def _beside(path: Path, suffix: str) -> bool:
    return path.with_name(path.name + suffix).exists()
