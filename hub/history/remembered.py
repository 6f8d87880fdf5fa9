"""What reader threads keep of tails from one question to the next: bounded in bytes, however many outlets are asked
for and however fast they send."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from typing import Any, TypeVar

import msgspec

from hub.history.digest import LONG, Digest
from hub.history.editions import Edition
from hub.history.frame import Source
from hub.history.plan import Planner, SeriesPlan
from hub.history.state import SeriesState, State
from hub.history.unmerged import Unmerged
from hub.plugins.columns import join_raw, select_raw, size_of
from hub.plugins.contract import RawColumns, RollupColumns, SeriesKey

BYTES = 16 << 20  # of all outlets together. An hour at 1 Hz: 0.3 MB decoded, as much with dates, as much around it
OUTLET_BYTES = 4 << 10  # of one of which nothing else is kept
MOST_OF_ONE = 8 << 20  # of more only what was made of its samples is kept, which is small; they are decoded again
SAMPLES = frozenset({"raw"})
READINGS = 8  # of the store, for one outlet
HOUR = 3_600_000

Part = tuple[int, int, RawColumns]
"""session, stream number, samples"""

T = TypeVar("T")


class Remembering:
    """The outlets that were asked for last."""

    def __init__(self, store: Source, state: State, most: int = BYTES) -> None:
        self._store = store
        self._state = state
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[SeriesKey, Remembered] = OrderedDict()
        self._sizes: dict[SeriesKey, int] = {}
        self.bytes = 0
        """Of all that is remembered."""

    def of(self, series: SeriesKey) -> "Remembered":
        """What is known of it."""
        with self._lock:
            known = self._known.get(series)
        if known is None:
            known = Remembered(self._store, self._state)
            self.used(series, known)
        return known

    def used(self, series: SeriesKey, known: "Remembered") -> None:
        """It was just asked, and may have grown; what is too much then is forgotten. Waits for nobody."""
        gone = []
        with self._lock:
            size = known.lighter()
            self.bytes += size - self._sizes.get(series, 0)
            self._known[series], self._sizes[series] = known, size
            self._known.move_to_end(series)
            while self.bytes > self._most:
                oldest, old = self._known.popitem(last=False)
                self.bytes -= self._sizes.pop(oldest)
                gone.append(old)
        for old in gone:
            old.forget()


class Remembered:
    """What is kept of one outlet, all of one edition."""

    def __init__(self, store: Source, state: State) -> None:
        self._lock = threading.Lock()
        self._source = RememberingStore(store)
        self._state = state
        self.planner = Planner(self._source, state)
        self.size = OUTLET_BYTES
        """Bytes."""
        self._edition = Edition()
        self._seen = 0  # serial
        self._parts: dict[tuple[int, int], RawColumns] = {}  # by session and stream number
        self._key: Hashable = None
        self._plans: dict[frozenset[str], SeriesPlan] = {}  # by what they have
        self._digest: tuple[Hashable, Digest] | None = None

    def plan(
        self,
        edition: Edition,
        key: Hashable,
        wanted: Set[str],
        make: Callable[[Set[str]], SeriesPlan],
        *,
        kept: bool = True,
    ) -> SeriesPlan:
        """A remembered plan that has what is wanted, else a new one. kept: is it to be remembered?"""
        with self._lock:
            if self._edition != edition:
                self._edition = edition
                self._begin()
            if self._key != key:
                self._key, self._plans = key, {}
            plan = self._having(wanted) if kept else make(wanted)
            if plan is None:
                lighter = self._having(wanted - SAMPLES) if wanted > SAMPLES else None
                plan = make(wanted if lighter is None else SAMPLES)
                if lighter is not None:
                    plan = msgspec.structs.replace(lighter, raw=plan.raw)
                elif "raw" not in wanted:
                    plan.raw = []
                self._plans[frozenset(wanted)] = plan
                self._weigh()
            return plan

    def committed(
        self,
        commits: Sequence[Unmerged],
        numbers: frozenset[int],
        take: Callable[[Unmerged], Mapping[int, RawColumns]],
        digest: tuple[Hashable, Callable[[], Digest]],
    ) -> list[Part] | Digest:
        """The samples of all commits that the edition does not hold; only what is new is decoded. A digest of them
        where they are many: one that was made under the same key, or else a new one. For `make`."""
        commits = [commit for commit in commits if commit.serial > self._edition.through]
        if self._digest is not None:
            return self._digested(commits, numbers, take, digest)
        new: dict[tuple[int, int], list[RawColumns]] = {place: [part] for place, part in self._parts.items()}
        count = sum(len(part.seq) for part in self._parts.values())
        for commit in commits:
            if commit.serial > self._seen and not numbers.isdisjoint(commit.streams):
                for number, part in take(commit).items():
                    if number in numbers:
                        new.setdefault((commit.session, number), []).append(part)
                        count += len(part.seq)
                if count > LONG:
                    self._seen, self._parts = 0, {}
                    del new
                    return self._digested(commits, numbers, take, digest)
        if commits and commits[-1].serial > self._seen:
            self._seen, self._parts = commits[-1].serial, {place: join_raw(parts) for place, parts in new.items()}
        return [(session, number, part) for (session, number), part in self._parts.items()]

    def _digested(
        self,
        commits: Sequence[Unmerged],
        numbers: frozenset[int],
        take: Callable[[Unmerged], Mapping[int, RawColumns]],
        digest: tuple[Hashable, Callable[[], Digest]],
    ) -> Digest:
        key, make = digest
        if self._digest is None or self._digest[0] != key:
            self._digest = key, make()
        found = self._digest[1]
        for commit in commits:
            if commit.serial > found.seen and not numbers.isdisjoint(commit.streams):
                found.take(commit, {number: part for number, part in take(commit).items() if number in numbers})
        return found

    def state(self, series: SeriesKey) -> SeriesState:
        """Where the merged history stands."""
        return self._state.series(series)

    def lighter(self) -> int:
        """Let go of the samples where they are many, unless a thread is at it; returns how many bytes are kept."""
        if self.size > MOST_OF_ONE and self._lock.acquire(blocking=False):
            try:
                self._seen, self._parts = 0, {}
                self._plans = {
                    has - SAMPLES: msgspec.structs.replace(plan, raw=[]) for has, plan in self._plans.items()
                }
                self._weigh()
            finally:
                self._lock.release()
        return self.size

    def forget(self) -> None:
        """Let go of all, unless a thread is at it: it says so when it is done."""
        if self._lock.acquire(blocking=False):
            try:
                self._begin()
            finally:
                self._lock.release()

    def _having(self, wanted: Set[str]) -> SeriesPlan | None:
        return next((plan for has, plan in self._plans.items() if wanted <= has), None)

    def _weigh(self) -> None:
        self.size = OUTLET_BYTES + self._source.size + sum(map(size_of, self._parts.values()))
        self.size += 0 if self._digest is None else self._digest[1].size
        for plan in self._plans.values():
            self.size += sum(map(size_of, plan.raw)) + sum(map(size_of, plan.rollups.values()))

    def _begin(self) -> None:
        self._seen, self._parts, self._key, self._plans, self._digest = 0, {}, None, {}, None
        self._source.clear()
        self.size = OUTLET_BYTES


class RememberingStore:
    """The store's readings for one outlet, asked for once until the next merge."""

    def __init__(self, store: Source) -> None:
        self._store = store
        self._readings: OrderedDict[Hashable, Any] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(
            sum(map(size_of, found)) if isinstance(found, list) else size_of(found) for found in self._readings.values()
        )

    def clear(self) -> None:
        """The store has changed."""
        self._readings.clear()

    def read(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """As HistoryStore.read."""
        # The end moves with every sample, but the store holds little behind the merge: one reading serves for an hour.
        far = (end // HOUR + 2) * HOUR
        parts = self._of((series, start, far), lambda: self._store.read(series, start, far))
        return [part for part in (select_raw(p, p.at < end) for p in parts) if len(part.seq)]

    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None:
        """As HistoryStore.read_stream."""
        return self._store.read_stream(series, run, seq_from, seq_to)

    def rollup(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns:
        """As HistoryStore.rollup."""
        return self._of((series, tier, start, end), lambda: self._store.rollup(series, tier, start, end))

    def _of(self, key: Hashable, read: Callable[[], T]) -> T:
        if key not in self._readings:
            self._readings[key] = read()
        self._readings.move_to_end(key)
        while len(self._readings) > READINGS:
            self._readings.popitem(last=False)
        found: T = self._readings[key]
        return found
