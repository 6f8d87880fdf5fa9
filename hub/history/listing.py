"""The gaps of one outlet: those that are merged, those that the tail adds, and the one that is still open."""

from hub.history.gaps import Causes, GapRecord
from hub.history.readings import End
from hub.history.snapshot import Snapshot
from hub.history.state import State


def gaps_between(snapshot: Snapshot, state: State, start: int, end: int, *, certain: bool) -> list[GapRecord]:
    """Every gap that overlaps start..end (Unix ms), by start. `certain`: is the hub's time? Blocking."""
    series = snapshot.series
    plan, merged = snapshot.with_plan(lambda plan: (plan, state.gaps(series, start, end)))
    low, high = plan.span
    new = {gap.start: gap for gap in plan.gaps}
    found = [
        gap
        for gap in merged
        if gap.start not in new and not (gap.start >= low and gap.end is not None and gap.end <= high)
    ]
    found += [gap for gap in new.values() if gap.start <= end and (gap.end or gap.start) >= start]
    still = _open_gap(snapshot, plan.state.head) if certain else None
    if still is not None and still.start <= end:
        found.append(still)
    return sorted(found, key=lambda gap: gap.start)


def _open_gap(snapshot: Snapshot, head: End | None) -> GapRecord | None:
    series, outlook = snapshot.series, snapshot.outlook
    if head is None or outlook.now - head.at <= outlook.traits[series].longest_ms:
        return None
    causes = Causes(outlook.runs[series], outlook.traits[series], outlook.outages, outlook.damaged)
    cause = causes.silence(head, outlook.now)
    return GapRecord(series.device, series.channel, head.at, None, cause, None, head)
