"""The tail of one outlet at one moment: what a merge would write now, computed in reader threads."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import TypeVar

from hub.history.digest import Digest, windows
from hub.history.editions import Edition, Editions
from hub.history.frame import Span
from hub.history.log import RecordLost
from hub.history.outlook import Outlook
from hub.history.plan import EVERYTHING, WIDEST, SeriesPlan, margin_ms
from hub.history.readings import Traits, own_dates
from hub.history.remembered import SAMPLES, Remembered, Remembering
from hub.history.unmerged import Pending, Shared, Unmerged
from hub.plugins.columns import join_rollup, select_raw, select_rollup
from hub.plugins.contract import RawColumns, RollupColumns, SeriesKey

TOGETHER = 16  # outlets for which a commit is decoded at once
GAPS = frozenset({"gaps"})
LINE = frozenset({"raw", "15m", "1m"})  # whoever asks for samples asks for their energy, by minutes at both ends

T = TypeVar("T")


class Snapshot:
    """Implements hub.telemetry.interface.TailSnapshot. Its methods block: they are called in threads.

    What is merged meanwhile is left out and read from the store instead: nothing is lost or counted twice.
    """

    def __init__(
        self,
        series: SeriesKey,
        outlook: Outlook,
        commits: Sequence[Unmerged],
        pending: Sequence[Pending],
        *,
        session: int,
        editions: Editions,
        known: Remembered,
        remembering: Remembering | None = None,
        shared: Shared | None = None,
    ) -> None:
        """remembering: where `known` stays for the next question; None = nowhere."""
        self.series = series
        self.outlook = outlook
        self.numbers = frozenset(run.number for run in outlook.runs.get(series, {}).values())
        self._commits = commits
        self._pending = pending
        self._session = session
        self._editions = editions
        self._known = known
        self._remembering = remembering
        self._shared = shared

    def raw(self, start: int, end: int) -> list[RawColumns]:
        """Unmerged samples with start <= at < end, one entry a stream."""
        plan = self._of(LINE)
        if plan.thinned:
            plan = self._of(SAMPLES, (start, end))
        chosen = [select_raw(part, (part.at >= start) & (part.at < end)) for part in plan.raw]
        return [part for part in chosen if len(part.seq)]

    def buckets(self, tier: str, start: int, end: int) -> RollupColumns:
        """Whole new values of every bucket that unmerged samples touch; each replaces the store's."""
        wanted = frozenset({tier})
        plan = self._of(wanted)
        plans = [plan]
        if plan.thinned:
            low, high = max(plan.span[0], start) // WIDEST, -(-min(plan.span[1] + WIDEST, end) // WIDEST)
            plans = [self._of(wanted, window) for window in windows(low * WIDEST, high * WIDEST)]
        whole = join_rollup([plan.rollups[tier] for plan in plans if tier in plan.rollups])
        return select_rollup(whole, (whole.start >= start) & (whole.start < end))

    def plan(self) -> SeriesPlan:
        """What a merge would write now."""
        return self.with_plan(lambda plan: plan)

    def with_plan(
        self, read: Callable[[SeriesPlan], T], wanted: Set[str] = EVERYTHING, window: Span | None = None
    ) -> T:
        """What `read` makes of the plan (`wanted` as in Planner.plan) and of reads of store and state, all of one
        edition. window: of a tail that is too long to be held, what lies in it (Unix ms)."""
        try:
            while True:
                edition = self._editions.settled(self.series)
                try:
                    compute = partial(self._compute, edition, window)
                    result = read(self._known.plan(edition, self._key(), wanted, compute, kept=window is None))
                except RecordLost:  # a log whose records are all merged begins anew, and the edition with it
                    if self._editions.of(self.series) == edition:
                        raise
                    continue
                if self._editions.of(self.series) == edition:
                    return result
        finally:
            if self._remembering is not None:
                self._remembering.used(self.series, self._known)

    def sharing(self, shared: Shared) -> "Snapshot":
        """The same, to be read one after the other with those that share."""
        self._shared = shared
        return self

    def forget(self) -> None:
        """It is read: let go of what was decoded for it, if it is not remembered."""
        if self._remembering is None:
            self._known.forget()

    def _key(self) -> Hashable:
        last = self._commits[-1].serial if self._commits else 0
        return last, tuple((p.serial, n, len(c)) for p in self._pending for n, c in p.columns.items())

    def _of(self, wanted: Set[str], window: Span | None = None) -> SeriesPlan:
        return self.with_plan(lambda plan: plan, wanted, window)

    def _compute(self, edition: Edition, window: Span | None, wanted: Set[str]) -> SeriesPlan:
        outlook, known = self.outlook, self._known
        runs = {run.number: run for run in outlook.runs.get(self.series, {}).values()}
        traits = outlook.traits.get(self.series, Traits())

        def dated(session: int, number: int, part: RawColumns) -> RawColumns:
            return outlook.dated(runs[number], session, part)

        dating = outlook.shift is None, tuple((run.number, tuple(run.points)) for run in runs.values())
        found = known.committed(self._commits, self.numbers, self._decoded, (dating, partial(Digest, traits, dated)))
        if isinstance(found, Digest):
            parts = [*found.thinned.parts(), *found.newest()]
        else:
            parts = [dated(*part) for part in found]
        for pending in self._pending:
            if pending.serial > edition.through:
                for number, columns in pending.columns.items():
                    raw = columns.raw("")
                    if pending.shift is not None:
                        raw.at = own_dates(raw.at, pending.shift)
                    parts.append(outlook.dated(runs[number], self._session, raw))
        if not parts:
            return SeriesPlan(self.series, [], {}, {}, (0, 0), [], known.state(self.series))
        if not isinstance(found, Digest):
            return outlook.plan(known.planner, self.series, parts, wanted)
        if window is None:
            plan = outlook.plan(known.planner, self.series, parts, GAPS, found.thinned)
        else:
            margin = WIDEST + margin_ms(traits, known.state(self.series).longest_ms)
            parts += found.within((window[0] - margin, window[1] + margin), self._commits, self._decoded)
            plan = outlook.plan(known.planner, self.series, parts, wanted, found.thinned, window)
        plan.thinned = True
        return plan

    def _decoded(self, commit: Unmerged) -> Mapping[int, RawColumns]:
        return commit.decoded(self.numbers) if self._shared is None else self._shared.take(commit, self.numbers)


def one_by_one(snapshots: Sequence[Snapshot]) -> Iterator[Snapshot]:
    """The same snapshots, for which each commit is decoded once for many and forgotten behind them. Blocking."""
    for at in range(0, len(snapshots), TOGETHER):
        group = snapshots[at : at + TOGETHER]
        shared = Shared(frozenset[int]().union(*(snapshot.numbers for snapshot in group)))
        for snapshot in group:
            yield snapshot.sharing(shared)
            snapshot.forget()
