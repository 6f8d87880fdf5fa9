"""Inspection: what history holds, and whether all of it can be read and fits together."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from hub.aside import found_aside
from hub.history.compare import Stretch, differing, joined
from hub.history.log import CommitLog
from hub.history.readings import Traits
from hub.history.state import State
from hub.history.whole import Whole
from hub.plugins.columns import empty_rollup
from hub.plugins.contract import TIERS, HistoryStore, MendableStore, SeriesKey
from hub.telemetry.ranges import Ranges

FOREVER = (1 << 62) - 1
SHOWN = 100  # of what differs


class HistoryStats(msgspec.Struct):
    """What history holds. Sizes are bytes; buckets and their bytes by tier; gaps that are merged by cause.

    damaged: chunks that were set aside, in words; aside: files that were set aside and are still there.
    """

    outlets: int
    samples: int
    raw_bytes: int
    buckets: dict[str, int]
    bucket_bytes: dict[str, int]
    file_bytes: int
    bytes_per_sample: float | None
    log_records: int
    log_bytes: int
    log_file_bytes: int
    log_damaged: int
    damaged: list[str]
    aside: list[str]
    gaps: dict[str, int]


class HistoryCheck(msgspec.Struct):
    """What a check read and what it found. differing: buckets that do not fit the raw samples, samples that the state
    does not know, and those that it knows and the store does not hold, in words with outlet and time (the first of
    them; `wrong` counts all). lost: gaps that stand for what damage took."""

    samples: int = 0
    buckets: int = 0
    log_records: int = 0
    log_damaged: int = 0
    damaged: list[str] = []
    aside: list[str] = []
    differing: list[str] = []
    wrong: int = 0
    lost: int = 0

    @property
    def fine(self) -> bool:
        """Nothing was found. Files that were set aside and gaps of what is lost are told, but are no new fault."""
        return not (self.damaged or self.wrong or self.log_damaged)


class Inspector:
    """Blocking, while nobody merges; everything it is given is open."""

    def __init__(
        self, folder: Path, store: HistoryStore, state: State, log: CommitLog, traits: Callable[[SeriesKey], Traits]
    ) -> None:
        self._folder = folder
        self._store = store
        self._state = state
        self._log = log
        self._traits = traits

    def stats(self) -> HistoryStats:
        """Raises OSError, StoreError."""
        held = self._store.stats()
        return HistoryStats(
            outlets=len(self.contents()),
            samples=held.raw_samples,
            raw_bytes=held.raw_bytes,
            buckets=held.rollup_buckets,
            bucket_bytes=held.rollup_bytes,
            file_bytes=held.file_bytes,
            bytes_per_sample=round(held.file_bytes / held.raw_samples, 3) if held.raw_samples else None,
            log_records=len(self._log),
            log_bytes=self._log.size,
            log_file_bytes=self._log.capacity,
            log_damaged=self._log.damaged,
            damaged=held.damaged,
            aside=found_aside(self._folder),
            gaps=self._state.causes(),
        )

    def contents(self) -> Mapping[SeriesKey, Iterable[str]]:
        """Every outlet, and its runs of which there are raw samples."""
        if isinstance(self._store, MendableStore):
            return self._store.contents()
        return {series: [] for series, _ in self._state.all_series()}

    def check(self, series: SeriesKey, runs: Iterable[str], found: HistoryCheck) -> None:
        """Read everything of one outlet. Raises OSError, StoreError."""
        outlet = f"{series.device}/{series.channel}"
        whole = Whole(self._store, self._state, series, self._state.streams(), self._traits(series))
        samples = whole.samples(runs)
        found.samples += samples.count
        for run, ranges in samples.unsettled.items():
            count = Ranges(ranges).total()
            _tell(found, f"{outlet} {run}: {count} samples are not in the state", count)
        for lost in samples.lost:
            _tell(found, f"{outlet} raw {lost}", lost.samples)
        stretches: list[Stretch] = []
        for tier in TIERS:
            found.buckets += len(self._store.rollup(series, tier, 0, FOREVER, brief=True).start)
            stretches += differing(tier, empty_rollup(), whole.early(tier))
        for part in whole.buckets(samples.last):
            stretches += differing(part.tier, part.wanted, part.stored)
        for stretch in joined(stretches):
            _tell(found, f"{outlet} {stretch}", stretch.buckets)

    def finish(self, found: HistoryCheck) -> None:
        """The log, and what readers found damaged. Raises OSError, StoreError."""
        found.log_records = sum(1 for _ in self._log.records())
        found.log_damaged = self._log.damaged
        found.damaged = self._store.stats().damaged
        found.aside = found_aside(self._folder)
        found.lost = self._state.causes().get("damaged", 0)


def _tell(found: HistoryCheck, what: str, count: int) -> None:
    found.wrong += count
    if len(found.differing) < SHOWN:
        found.differing.append(what)
