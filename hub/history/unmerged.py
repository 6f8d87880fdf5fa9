"""What is not merged yet: commits of the log, whose samples are decoded when they are asked for, and what waits for
the next commit."""

from collections.abc import Container, Mapping

import msgspec

from hub.history import commit as commits
from hub.history.log import CommitLog, RecordLost
from hub.plugins.codec import DamagedChunk
from hub.plugins.columns import size_of
from hub.plugins.contract import RawColumns
from hub.telemetry.buffer import Columns

SHARED_BYTES = 8 << 20  # of what a question decoded for outlets that it has not come to yet


class Unmerged(msgspec.Struct):
    """One commit of the log that is not merged yet. `raw`: its samples by stream, while they are held in memory.

    size: bytes of its payload, which stays in the log. serial: counts the commits of this hub run, those that were
    found in the log included. minutes: records that plugs kept, of the stream that has the most of them.
    """

    log: CommitLog
    generation: int
    number: int
    session: int
    streams: frozenset[int]
    size: int
    at: int
    certain: bool
    raw: dict[int, RawColumns] | None = None
    serial: int = 0
    minutes: int = 0

    @property
    def samples(self) -> int:
        """How many are held in memory."""
        return sum(len(part.seq) for part in (self.raw or {}).values())

    def read(self, only: Container[int] | None = None) -> commits.Commit:
        """The record, from the disk; with `only` the samples of these streams. Raises RecordLost, OSError."""
        payload = self.log.read(self.generation, self.number)
        try:
            return commits.decode(self.number, payload, only)
        except (DamagedChunk, msgspec.DecodeError) as error:
            raise RecordLost(str(error)) from error

    def decoded(self, numbers: frozenset[int]) -> Mapping[int, RawColumns]:
        """The samples of at least these streams. Raises RecordLost, OSError."""
        raw = self.raw
        return self.read(numbers).raw if raw is None else raw


class Pending(msgspec.Struct):
    """Samples that no commit holds yet, by stream number; `serial`: of the commit that will hold them.

    shift: what their own dates were to be shifted by when they were taken; None = the outlook's.
    """

    serial: int
    shift: int | None
    columns: dict[int, Columns]


class Shared:
    """Decodes each commit once for several outlets that one thread reads one after the other."""

    def __init__(self, numbers: frozenset[int]) -> None:
        """`numbers`: the streams of all of them."""
        self._numbers = numbers
        self._waiting: dict[int, dict[int, RawColumns]] = {}  # by serial
        self._taken: dict[int, set[int]] = {}
        self._bytes = 0

    def take(self, commit: Unmerged, numbers: frozenset[int]) -> Mapping[int, RawColumns]:
        """The samples of at least these streams, which are not kept. Raises RecordLost, OSError."""
        if commit.raw is not None or not numbers.isdisjoint(self._taken.get(commit.serial, ())):
            return commit.decoded(numbers)
        waiting = self._waiting.get(commit.serial)
        if waiting is None:
            if self._bytes > SHARED_BYTES:
                return commit.decoded(numbers)
            waiting = self._waiting[commit.serial] = dict(commit.decoded(self._numbers))
            self._bytes += sum(map(size_of, waiting.values()))
        self._taken.setdefault(commit.serial, set()).update(numbers)
        found = {number: waiting.pop(number) for number in numbers if number in waiting}
        self._bytes -= sum(map(size_of, found.values()))
        return found
