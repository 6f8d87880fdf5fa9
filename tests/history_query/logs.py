"""A commit log in a file: write one, open it, read it."""

from pathlib import Path

from hub.history.log import CommitLog
from hub.history.scan import BLOCK

SMALL = 2 * BLOCK


def opened(path: Path, **options: int) -> tuple[CommitLog, list[tuple[int, int, bytes]]]:
    log = CommitLog(path, **{"preallocate": SMALL, "reserve": 0, **options})
    log.open()
    return log, list(log.records())


def written(path: Path, payloads: list[bytes], generations: int = 0) -> None:
    log, _ = opened(path)
    for _ in range(generations):
        log.append(9, b"old" * 20)
        log.next_generation()
    for payload in payloads:
        log.append(1, payload)
    log.close()


def read(path: Path) -> tuple[list[bytes], int]:
    log, records = opened(path)
    log.close()
    return [payload for _, _, payload in records], log.damaged
