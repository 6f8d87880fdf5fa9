"""The pace of commits and merges: where each costs the card a fixed sum, a home with few plugs makes fewer of them.

On ext4 a commit changes the log's modification time, which takes a transaction of the file system's own journal: 16 KB
besides the blocks of 4 KB that it fills. The mount option `lazytime` avoids that, and other file systems do not do it.
A block that is begun is written whole: where commits are dear, each waits until its last one is full.
"""

import math
import re
from pathlib import Path

COMMIT_S = 60.0
LONGEST_COMMIT_S = 180.0
"""The most that a power cut in the whole house may take from plugs and hub alike; plugs wait 5 minutes for an ack."""
BLOCK = 4096
FULL = 0.96 * BLOCK  # what is aimed at: no two intervals bring the same, and a little more would begin another block
HOUR_S = 3600
AFTER_HOUR_S = 2.0
"""By then what was measured in the hour has come, so that its chunks are written once and whole."""
WORTH_MERGING = 512 << 10
"""Bytes of the log; a merge costs about 200 KB whatever it merges."""
LONGEST_MERGE_S = 4 * HOUR_S
"""What is not merged is read from the log: a question about one plug then takes about 10 ms more."""

MOUNTS = Path("/proc/self/mountinfo")
ESCAPED = re.compile(r"\\([0-7]{3})")  # a space in a mount point


class Pace:
    """interval: s between commits as the owner set them, None = as suits. dear: does each commit cost the disk much
    more than its own bytes?"""

    def __init__(self, interval: float | None = None, *, dear: bool = False) -> None:
        self._set = interval
        self._dear = dear
        self._last = COMMIT_S

    def commit_in(self, size: int, seconds: float) -> float:
        """Seconds to the next commit, when what came in `seconds` took `size` bytes (0 = not known)."""
        if self._set is not None:
            return self._set
        if not self._dear:
            return COMMIT_S
        if size > 0 and seconds > 0:
            rate = size / seconds
            blocks = math.ceil(COMMIT_S * rate / FULL)
            self._last = min(max(blocks * FULL / rate, COMMIT_S), LONGEST_COMMIT_S)
        return self._last


def merge_in(now: int) -> float:
    """Seconds from `now` (Unix ms) to when the next merge may be due: just after a full hour."""
    return HOUR_S - (now / 1000 - AFTER_HOUR_S) % HOUR_S


def worth_merging(size: int, since: float) -> bool:
    """Is a log of that many bytes to be merged, `since` seconds after the last merge?"""
    return size >= WORTH_MERGING or since > LONGEST_MERGE_S - HOUR_S / 2


def is_dear(folder: Path, mounts: str) -> bool:
    """Does the folder lie on a file system that pays for each commit? `mounts`: what /proc/self/mountinfo says."""
    path = folder.resolve()
    found: tuple[int, bool] = (-1, False)
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        place = Path(ESCAPED.sub(lambda code: chr(int(code[1], 8)), fields.split()[4]))
        kind, _, options = rest.split(" ", 2)
        if path.is_relative_to(place) and len(place.parts) >= found[0]:  # of two on one place the later one shows
            lazy = "lazytime" in {*fields.split()[5].split(","), *options.split(",")}
            found = len(place.parts), kind in {"ext3", "ext4"} and not lazy
    return found[1]


def mounts() -> str:
    """What /proc/self/mountinfo says; nothing where there is none."""
    try:
        return MOUNTS.read_text()
    except OSError:  # not Linux: no ext4 either
        return ""
