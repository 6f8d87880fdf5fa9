"""Where ingest and history meet: streams and the column buffer are telemetry's, what is durable is history's."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from hub.plugins.contract import RawColumns, RollupColumns, SeriesKey

T = TypeVar("T")

Send = Callable[[str, str, bytes, int], bool]
"""(hardware_id, suffix, payload, qos) -> was it connected; the broker's `send`."""


class TailSnapshot(Protocol):
    """The tail of one outlet at one moment. Its methods block: they are called in a reader thread, before the store's,
    so that a merge that finishes in between hides nothing."""

    def raw(self, start: int, end: int) -> list[RawColumns]:
        """Unmerged samples with start <= at < end, one entry a stream."""

    def buckets(self, tier: str, start: int, end: int) -> RollupColumns:
        """Whole new values of every bucket that unmerged samples touch; each replaces the store's."""


class Tail(Protocol):
    """What is committed or buffered but not merged yet. Implemented by history's core for history's query; called on
    the event loop."""

    def snapshot(self, series: SeriesKey) -> TailSnapshot:
        """The tail as it is now; cheap."""

    def snapshots(self, series: Sequence[SeriesKey]) -> Sequence[TailSnapshot]:
        """The same of several outlets, for one reader thread."""

    async def read(self, call: Callable[[], T]) -> T:
        """What `call` returns when it is called in a reader thread."""
