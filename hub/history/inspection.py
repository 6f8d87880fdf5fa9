"""Inspection: what history holds, and whether all of it can be read and fits together."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np

from hub.aside import found_aside
from hub.history.calendar import DAY
from hub.history.gaps import Causes
from hub.history.log import CommitLog
from hub.history.plan import MARGIN_MS, WIDEST, Planner
from hub.history.readings import Run, Traits
from hub.history.rebuild import run_of
from hub.history.state import State, StreamRow
from hub.plugins.contract import MINUTES, NONE, TIERS, HistoryStore, MendableStore, RollupColumns, SeriesKey
from hub.telemetry.ranges import Ranges

FOREVER = (1 << 62) - 1
CLOSE_MWH = 0.01  # buckets are stored to 0.001 mWh
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
    """What a check read and what it found. differing: buckets that do not fit the raw samples, and samples that the
    state does not know, in words (the first of them; `wrong` counts all)."""

    samples: int = 0
    buckets: int = 0
    log_records: int = 0
    log_damaged: int = 0
    damaged: list[str] = []
    aside: list[str] = []
    differing: list[str] = []
    wrong: int = 0

    @property
    def fine(self) -> bool:
        """Nothing was found. Files that were set aside are told, but are no new fault."""
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
        self._planner = Planner(store, state)

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
        rows = {(row.device, row.channel, row.run): row for row in self._state.streams()}
        mine = {run: rows.get((series.device, series.channel, run)) for run in runs}
        first, last = FOREVER, 0
        for run, row in mine.items():
            columns = self._store.read_stream(series, run, 0, FOREVER)
            if columns is None:
                continue
            found.samples += len(columns.seq)
            dated = columns.at[columns.at != NONE]
            if len(dated):
                first, last = min(first, int(dated.min())), max(last, int(dated.max()))
            unknown = _unsettled(row, columns.seq.tolist())
            if unknown:
                _tell(found, f"{series.device}/{series.channel} {run}: {unknown} samples are not in the state", unknown)
        for tier in TIERS:
            found.buckets += len(self._store.rollup(series, tier, 0, FOREVER).start)
        known = {run: run_of(row) for run, row in mine.items() if row is not None}
        for day in range(first // DAY * DAY, last + 1, DAY):
            self._day(series, known, (day, first, last), found)

    def finish(self, found: HistoryCheck) -> None:
        """The log, and what readers found damaged. Raises OSError, StoreError."""
        found.log_records = sum(1 for _ in self._log.records())
        found.log_damaged = self._log.damaged
        found.damaged = self._store.stats().damaged
        found.aside = found_aside(self._folder)

    def _day(self, series: SeriesKey, runs: Mapping[str, Run], span: tuple[int, int, int], found: HistoryCheck) -> None:
        """Do the buckets of a day of which all raw samples are there say what these say?"""
        day, first, last = span
        parts = self._store.read(series, day, day + DAY)
        if not parts:
            return
        plan = self._planner.plan(
            series, parts, runs, self._traits(series), Causes(runs), horizon=first, minutes_from=first
        )
        low, high = max(day, first + WIDEST + MARGIN_MS), min(day + DAY, last // WIDEST * WIDEST)
        for tier, wanted in plan.rollups.items():
            for start in _differing(wanted, self._store.rollup(series, tier, low, high), low, high):
                when = np.datetime_as_string(np.datetime64(start, "ms"), unit="s")
                _tell(found, f"{series.device}/{series.channel} {tier} {when}Z: not what the raw samples say", 1)


def _differing(wanted: RollupColumns, stored: RollupColumns, low: int, high: int) -> Iterator[int]:
    old = {start: (mwh, n) for start, mwh, n in zip(stored.start, stored.import_mwh, stored.count, strict=True)}
    for start, mwh, count in zip(wanted.start, wanted.import_mwh, wanted.count, strict=True):
        if low <= start < high:
            have = old.pop(start, (0.0, -1))
            if have[1] != count or abs(have[0] - mwh) > CLOSE_MWH:
                yield int(start)


def _unsettled(row: StreamRow | None, seqs: list[int]) -> int:
    if row is None:
        return len(seqs)
    if row.run.endswith(MINUTES):
        return 0
    settled = Ranges(row.known.settled)
    return sum(seq not in settled for seq in (seqs if len(settled) > 1 else (seqs[0], seqs[-1])))


def _tell(found: HistoryCheck, what: str, count: int) -> None:
    found.wrong += count
    if len(found.differing) < SHOWN:
        found.differing.append(what)
