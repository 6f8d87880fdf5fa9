"""A long tail of one outlet, as after weeks in which the store took nothing: what decides of its samples is held, and
where in the log the rest stands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hub.history.calendar import HOUR
from hub.history.frame import Span
from hub.history.readings import Traits
from hub.history.thinned import Thinned
from hub.history.unmerged import Unmerged
from hub.plugins.columns import chosen_raw, join_raw, select_raw, size_of
from hub.plugins.contract import NONE, RawColumns

LONG = 200_000  # samples of one outlet, about 15 MB; what waits for a merge in time is a fifth of it
PIECE = 20_000  # samples that are thinned at once
WINDOW = 12 * HOUR  # of buckets that are computed at once

Dated = Callable[[int, int, RawColumns], RawColumns]
"""session, stream number, samples -> the same with their run and dates"""


class Piece(NamedTuple):
    """Samples that stand in the commits with these serials, and their dates; all included."""

    first: int
    last: int
    start: int
    end: int


class Digest:
    """Takes commits in order. `thinned` and `newest` together are the whole tail."""

    def __init__(self, traits: Traits, dated: Dated) -> None:
        self.thinned = Thinned(traits)
        self.seen = 0
        """Serial of the newest commit that was taken."""
        self._dated = dated
        self._pieces: list[Piece] = []
        self._open: dict[tuple[int, int], list[RawColumns]] = {}  # by session and stream number
        self._count = 0
        self._first = 0

    def take(self, commit: Unmerged, raw: Mapping[int, RawColumns]) -> None:
        """The samples of the next commit, by stream number."""
        self._first = self._first or commit.serial
        self.seen = commit.serial
        for number, part in raw.items():
            self._open.setdefault((commit.session, number), []).append(part)
            self._count += len(part.seq)
        if self._count >= PIECE:
            for part in self.newest():
                if len(part.seq):
                    self._pieces.append(Piece(self._first, self.seen, int(part.at.min()), int(part.at.max())))
                    self.thinned.take(part)
            self._open, self._count, self._first = {}, 0, 0

    def newest(self) -> list[RawColumns]:
        """What is not thinned yet and has a date."""
        parts = [self._dated(*place, join_raw(parts)) for place, parts in self._open.items()]
        return [chosen_raw(part, part.at != NONE) for part in parts]

    def within(
        self, window: Span, commits: Sequence[Unmerged], read: Callable[[Unmerged], Mapping[int, RawColumns]]
    ) -> Iterator[RawColumns]:
        """All thinned samples of that time, read again. Raises RecordLost, OSError."""
        low, high = window
        pieces = [piece for piece in self._pieces if piece.start < high and piece.end >= low]
        for commit in commits:
            if any(piece.first <= commit.serial <= piece.last for piece in pieces):
                for number, part in read(commit).items():
                    dated = self._dated(commit.session, number, part)
                    yield select_raw(dated, (dated.at >= low) & (dated.at < high))

    @property
    def size(self) -> int:
        """Bytes."""
        held = [*self.thinned.parts(), *(part for parts in self._open.values() for part in parts)]
        return sum(map(size_of, held))


def windows(start: int, end: int) -> Iterator[Span]:
    """From start to end in parts."""
    while start < end:
        until = min(start // WINDOW * WINDOW + WINDOW, end)
        yield start, until
        start = until
