"""The outlook: what planning needs to know of outlets besides their samples, and streams as plan and state see them."""

from collections.abc import Callable, Mapping, Sequence, Set

import msgspec

from hub.history.frame import Span
from hub.history.gaps import Causes, Outage
from hub.history.plan import EVERYTHING, FOREVER, MINUTES_AHEAD, Planner, SeriesPlan
from hub.history.readings import Run, Traits
from hub.history.retention import Retention
from hub.history.state import StreamKnown, StreamRow
from hub.history.thinned import Thinned
from hub.plugins.contract import RawColumns, SeriesKey
from hub.telemetry.stream import Stream


class Outlook(msgspec.Struct):
    """What planning needs to know besides the samples."""

    runs: Mapping[SeriesKey, Mapping[str, Run]]
    traits: Mapping[SeriesKey, Traits]
    outages: Sequence[Outage]
    damaged: Sequence[Outage]
    now: int
    shift: tuple[int, int] | None
    retention: Callable[[SeriesKey], Retention]
    arrived: int = FOREVER
    """Unix ms by which all samples had come; nobody knows while the time is uncertain."""
    reached: int = FOREVER
    """Unix ms to which the removal of old history cannot have come yet, whatever the clock says."""

    def plan(  # noqa: PLR0917
        self,
        planner: Planner,
        series: SeriesKey,
        new: Sequence[RawColumns],
        wanted: Set[str] = EVERYTHING,
        thinned: Thinned | None = None,
        window: Span = (0, FOREVER),
    ) -> SeriesPlan:
        """The plan of one outlet; `wanted`, `thinned` and `window` as in Planner.plan."""
        runs, retention = self.runs.get(series, {}), self.retention(series)
        return planner.plan(
            series,
            new,
            runs,
            self.traits.get(series, Traits()),
            Causes(runs, self.traits.get(series, Traits()), self.outages, self.damaged),
            horizon=self.now - retention.answered("raw"),
            raw_from=min(self.now, self.reached) - retention.answered("raw"),
            minutes_from=self.now - retention.answered("1m"),
            minutes_until=FOREVER if self.shift is None else self.now + MINUTES_AHEAD,
            arrived=self.arrived,
            wanted=wanted,
            thinned=thinned,
            window=window,
        )

    def dated(self, run: Run, session: int, part: RawColumns) -> RawColumns:
        """Samples of a commit of that hub run, with their dates."""
        shift = self.shift[1] if self.shift is not None and self.shift[0] == session else None
        return run.dated(part, shift, arrived=self.arrived)


def describe(stream: Stream) -> Run:
    """A stream as planning sees it; minutes stand where their run does."""
    run = stream.parent or stream
    return Run(
        number=stream.number,
        run=stream.run,
        order=0 if run.order is None else run.order,
        hardware=run.hardware,
        reason=run.reason,
        points=run.offsets.wall.known(),
        notes=tuple(stream.notes),
    )


def row(stream: Stream) -> StreamRow:
    """A stream as the state keeps it: with what is durable."""
    durable = stream.durable
    notes = [(first, min(last, durable.reach(first)), why) for first, last, why in stream.notes if first in durable]
    wall = stream.offsets.wall
    known = StreamKnown(list(durable), notes, wall.points.copy(), wall.provisional(), stream.forgotten)
    return StreamRow(
        stream.number, stream.device, stream.channel, stream.run, stream.hardware, stream.order, stream.reason, known
    )
