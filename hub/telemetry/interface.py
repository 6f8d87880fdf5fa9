"""Where ingest and history meet: streams and the column buffer are telemetry's, what is durable is history's."""

from collections.abc import Callable
from typing import Protocol

from hub.plugins.contract import RawColumns, RollupColumns, SeriesKey

Send = Callable[[str, str, bytes, int], bool]
"""(hardware_id, suffix, payload, qos) -> was it connected; the broker's `send`."""


class Tail(Protocol):
    """What is committed or buffered but not merged yet; a query reads the store first and this after it.

    Implemented by history's core for history's query. All calls are made on the event loop and return copies."""

    def merged_until(self, series: SeriesKey) -> int:
        """Buckets that start before this are complete in the store unless listed by `buckets`."""

    def raw(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """Unmerged samples with start <= at < end, one entry a stream."""

    def buckets(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns:
        """Whole new values of every bucket that unmerged samples touch; each replaces the store's."""
