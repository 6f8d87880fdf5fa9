"""The tail: what is committed or buffered but not merged yet, as a query sees it before the store."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from hub.history.commit import Taken
from hub.history.editions import Editions
from hub.history.frame import Source
from hub.history.outlook import Outlook
from hub.history.readers import Readers
from hub.history.remembered import Remembered, Remembering
from hub.history.snapshot import TOGETHER, Snapshot
from hub.history.state import State
from hub.history.unmerged import Pending, Shared, Unmerged
from hub.plugins.contract import SeriesKey
from hub.telemetry.buffer import Buffer, Columns
from hub.telemetry.streams import Streams

HOT_SAMPLES = 54_000  # of the newest commits, about 5 MB: ten minutes of 90 outlets

T = TypeVar("T")


class UnmergedTail:
    """Implements hub.telemetry.interface.Tail. All calls are made on the event loop."""

    def __init__(
        self,
        *,
        store: Source,
        state: State,
        streams: Streams,
        buffer: Buffer,
        outlook: Callable[[Iterable[SeriesKey]], Outlook],
        session: int,
        editions: Editions,
        readers: Readers,
    ) -> None:
        self.store = store
        self.state = state
        self.session = session
        self.editions = editions
        self.commits: list[Unmerged] = []
        """In order; history removes what is merged."""
        self.waiting: list[Taken] = []
        """What was taken out of the buffer for commits that are not written yet."""
        self._readers = readers
        self._streams = streams
        self._buffer = buffer
        self._outlook = outlook
        self._serial = 0
        self._hot = 0  # samples that are held of the newest commits
        self._counts: Counter[int] = Counter()  # samples of all commits by stream number, but of those found in the log
        self.remembering = Remembering(store, state)

    def add(self, commit: Unmerged) -> None:
        """A commit was made. The samples of the newest ones stay as they are: decoding an hour takes 100 ms."""
        self._serial += 1
        commit.serial = self._serial
        self.commits.append(commit)
        self._hot += commit.samples
        self._counts.update({number: len(part.seq) for number, part in (commit.raw or {}).items()})
        for older in self.commits:
            if self._hot <= HOT_SAMPLES:
                break
            self._hot -= older.samples
            older.raw = None

    def merged(self, through: int) -> None:
        """Everything up to this record of the log is in the store."""
        self.commits[:] = [commit for commit in self.commits if commit.number > through]
        self._hot = sum(commit.samples for commit in self.commits)
        if not self.commits:
            self._counts.clear()

    def reset(self) -> None:
        """History begins again: nothing is unmerged."""
        self.commits.clear()
        self.waiting.clear()
        self._hot = 0
        self._counts.clear()

    @property
    def minutes(self) -> int:
        """Records that a plug kept and that are not merged: each question about its outlet goes through all of them."""
        return sum(commit.minutes for commit in self.commits)

    @property
    def longest(self) -> int:
        """Samples of the outlet of which the most are not merged, of all its runs and the buffer's included: each
        question about it goes through all of them."""
        counts: Counter[SeriesKey] = Counter()
        for number, count in chain(self._counts.items(), self._buffer.lengths().items()):
            stream = self._streams.by_number(number)
            if stream is not None:
                counts[stream.series] += count
        return max(counts.values(), default=0)

    def serial(self, through: int) -> int:
        """The serial of the last unmerged commit up to this record of the log."""
        return max((commit.serial for commit in self.commits if commit.number <= through), default=0)

    async def read(self, call: Callable[[], T]) -> T:
        """Call it in a reader thread."""
        return await self._readers.run(call)

    def snapshot(self, series: SeriesKey) -> Snapshot:
        """The tail as it is now."""
        return self.snapshots([series])[0]

    def snapshots(self, series: Sequence[SeriesKey]) -> list[Snapshot]:
        """The same of several outlets, to be read one after the other: they decode each commit once for many."""
        found: list[Snapshot] = []
        for at in range(0, len(series), TOGETHER):
            group = series[at : at + TOGETHER]
            outlook = self._outlook(group)
            shared = Shared(frozenset(run.number for runs in outlook.runs.values() for run in runs.values()))
            found += [
                Snapshot(
                    key,
                    outlook,
                    self.commits.copy(),
                    self._pending(outlook, key),
                    session=self.session,
                    editions=self.editions,
                    known=self.remembering.of(key),
                    remembering=self.remembering,
                    shared=shared,
                )
                for key in group
            ]
        return found

    def committed(self, series: SeriesKey, outlook: Outlook) -> Snapshot:
        """The tail without what is not committed; shares nothing with other snapshots, so that it waits for none."""
        known = Remembered(self.store, self.state)
        return Snapshot(
            series, outlook, self.commits.copy(), [], session=self.session, editions=self.editions, known=known
        )

    def uncommitted(self, stream: int) -> Iterator[Columns]:
        """What no commit holds yet of this stream, oldest first; not copies."""
        for taken in self.waiting:
            if stream in taken.columns:
                yield taken.columns[stream]
        if (columns := self._buffer.of_stream(stream)) is not None:
            yield columns

    def _pending(self, outlook: Outlook, series: SeriesKey) -> list[Pending]:
        numbers = [run.number for run in outlook.runs.get(series, {}).values()]
        pending = [
            Pending(
                self._serial + place,
                taken.shift if taken.certain else None,
                {number: taken.columns[number] for number in numbers if number in taken.columns},
            )
            for place, taken in enumerate(self.waiting, 1)
        ]
        buffered = {n: columns.copy() for n in numbers if (columns := self._buffer.of_stream(n)) is not None}
        pending.append(Pending(self._serial + len(self.waiting) + 1, None, buffered))
        return [part for part in pending if part.columns]
