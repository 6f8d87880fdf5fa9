"""Buckets of both tiers: chunks of an hour in the open day, joined into days, and those of 15 minutes into months."""

import contextlib
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from hub.plugins import TIERS, RollupColumns
from hub.plugins.codec import DamagedChunk, decode_rollups, encode_rollup
from hub.plugins.columns import empty_rollup, join_rollup, rounded_rollup, select_rollup
from hub.plugins.contract import Damage
from integrations.storage.sqlite import kept
from integrations.storage.sqlite.recent import Known, Place, Recent
from integrations.storage.sqlite.shelf import Shelf

HOUR, DAY = 3_600_000, 86_400_000
LENGTHS = (HOUR, DAY, 32 * DAY)  # by the column `span`: how long a chunk is
SUMMED = TIERS["15m"]  # the tier of which sums are kept
FEW = 16  # places: looking each up is quicker than to ask first which there are
WIDEST = {TIERS["1m"]: 1, TIERS["15m"]: 2}  # the widest span of a tier

BY_START = """
with recursive place(start) as (values(?) union all select start + ? from place where start + ? <= ?)
select rollup.id, rollup.start, rollup.data from place
cross join rollup on rollup.tier = ? and rollup.span = ? and rollup.start = place.start and rollup.series = ?"""


HEADS = BY_START.replace("rollup.id, rollup.start, rollup.data", "rollup.start, substr(rollup.data, 1, 5)")


class Head(NamedTuple):
    """A chunk without its buckets: their range, and its version and checksum."""

    start: int
    end: int
    span: int
    head: bytes


class RollupChunks:
    """Buckets within one transaction. Rewriting a whole day each hour would write more than all raw samples."""

    def __init__(self, shelf: Shelf, recent: Recent | None = None) -> None:
        """recent: where quarters stay for the next question; None = nowhere."""
        self._shelf = shelf
        self._recent = recent
        self._newest: dict[int, int] = {}

    def put(self, series: int, tier: int, columns: RollupColumns) -> None:
        """Store buckets; each replaces the one with the same start."""
        if not len(columns.start):
            return
        new = rounded_rollup(join_rollup([columns]))
        self._newest[tier] = max(self._newest.get(tier, 0), int(new.start[-1]))
        self._put(series, tier, WIDEST[tier], new)

    def remove(self, series: int, tier: int, starts: Collection[int]) -> None:
        """Forget these buckets."""
        gone = np.unique(np.fromiter(starts, np.int64))
        for span in range(WIDEST[tier] + 1):
            for place in np.unique(gone // LENGTHS[span] * LENGTHS[span]).tolist():
                chunk = self._chunk(series, tier, span, place)
                stays = None if chunk is None else ~np.isin(chunk.start, gone)
                if chunk is not None and stays is not None and not stays.all():
                    self._write(series, tier, span, place, select_rollup(chunk, stays))

    def join(self, wanted: Collection[int] | None) -> None:
        """Make one chunk of the hours of each day, and of the days of each month, that is over by the newest bucket.

        wanted: the series to look after; None = all."""
        for tier, newest in self._newest.items():
            for span in range(WIDEST[tier]):
                length = LENGTHS[span + 1]
                over = newest // length * length
                places = self._shelf.all(
                    "select distinct series, start / ? * ? from rollup where tier = ? and span = ? and start < ?",
                    *(length, length, tier, span, over),
                )
                for series, place in places:
                    if wanted is not None and series not in wanted:
                        continue
                    pieces = self._rows(series, tier, span, place, place + length - LENGTHS[span])
                    whole = self._rows(series, tier, span + 1, place, place)  # is newer, if it is there
                    joined = join_rollup(self._decoded(series, tier, [*pieces, *whole]))
                    self._write(series, tier, span + 1, place, joined)
                    self._shelf.run(
                        "delete from rollup where tier = ? and span = ? and start >= ? and start < ? and series = ?",
                        *(tier, span, place, place + length, series),
                    )

    def between(
        self,
        series: int | None,
        tier: int,
        start: int,
        end: int,
        *,
        brief: bool,
        spans: Sequence[int] = range(len(LENGTHS)),
    ) -> RollupColumns:
        """Buckets with start <= bucket start < end, of chunks of these spans."""
        if series is None or start >= end:
            return empty_rollup()
        parts = []
        for span in spans:
            rows = self._rows(series, tier, span, *self._reach(tier, span, start, end))
            parts += [_cut(part, start, end) for part in self._known(series, tier, span, rows, brief=brief)]
        return join_rollup(parts)

    def heads(self, series: int, tier: int, start: int, end: int) -> list[Head]:
        """The chunks of days and longer that may hold such buckets, the longest first, ascending."""
        found = []
        for span in range(WIDEST[tier], 0, -1):
            first, last = self._reach(tier, span, start // LENGTHS[-1] * LENGTHS[-1], end)
            length = LENGTHS[span]
            if first <= last:
                rows = self._shelf.all(HEADS, first, length, length, last, tier, span, series)
                found += [Head(place, place + length, span, head) for place, head in rows]
        return found

    def delete(self, series: int | None, tier: int, before: int) -> int:
        """Forget chunks that end by then; returns how many buckets went."""
        gone = 0
        for span in range(WIDEST[tier] + 1):
            where, values = "tier = ? and span = ? and start <= ?", [tier, span, before - LENGTHS[span]]
            if series is not None:
                where += " and series = ?"
                values.append(series)
            (count,) = self._shelf.one(f"select coalesce(sum(count), 0) from rollup where {where}", *values)  # noqa: S608
            self._shelf.run(f"delete from rollup where {where}", *values)  # noqa: S608
            gone += count
        if tier == SUMMED and gone:
            where, values = ("true", []) if series is None else ("series = ?", [series])
            self._shelf.run(f"delete from sums where {where} and start <= ?", *values, before - LENGTHS[-1])  # noqa: S608
            self._shelf.run(f"delete from recent where {where}", *values)  # noqa: S608
        return gone

    def _put(self, series: int, tier: int, span: int, new: RollupColumns) -> None:
        """Into the widest chunks that there are or whose time is over, else into hours."""
        over = self._newest[tier] // LENGTHS[span] * LENGTHS[span]
        places = new.start // LENGTHS[span] * LENGTHS[span]
        for place in np.unique(places).tolist():
            part = select_rollup(new, places == place)
            old = self._chunk(series, tier, span, place)
            if old is not None:
                self._write(series, tier, span, place, join_rollup([old, part]))
            elif span and place >= over:
                self._put(series, tier, span - 1, part)
            else:
                self._write(series, tier, span, place, part)

    def _reach(self, tier: int, span: int, start: int, end: int) -> tuple[int, int]:
        """First and last start of chunks of any series that may hold such buckets."""
        if span > WIDEST[tier]:
            return 0, -1
        length = LENGTHS[span]
        if (end - start) // length <= FEW:
            return start // length * length, (end - 1) // length * length
        place = "from rollup where tier = ? and span = ?"
        first, last = self._shelf.one(
            f"select (select min(start) {place}), (select max(start) {place})",
            *(tier, span, tier, span),
        )
        if first is None:
            return 0, -1
        return max(start // length * length, first), min((end - 1) // length * length, last)

    def _rows(self, series: int, tier: int, span: int, first: int, last: int) -> list[tuple[Any, ...]]:
        if first > last:
            return []
        length = LENGTHS[span]
        return self._shelf.all(BY_START, first, length, length, last, tier, span, series)

    def _chunk(self, series: int, tier: int, span: int, start: int) -> RollupColumns | None:
        parts = self._decoded(series, tier, self._rows(series, tier, span, start, start))
        return parts[0] if parts else None

    def _known(
        self, series: int, tier: int, span: int, rows: list[tuple[Any, ...]], *, brief: bool
    ) -> list[RollupColumns]:
        """At least what is in these chunks."""
        if rows and brief and tier == SUMMED and self._recent is not None:
            with contextlib.suppress(DamagedChunk):
                return [self._recent.quarters(series, span, rows, self._stored)]
        return self._decoded(series, tier, rows, brief=brief)

    def _stored(self, place: Place) -> Known | None:
        row = self._shelf.maybe("select heads, data from recent where series = ? and span = ? and start = ?", *place)
        found = None if row is None else kept.unpacked(*row)
        return None if found is None else Known(found.heads, kept.columns(found.edges[:-1], found.rows))

    def _decoded(
        self, series: int, tier: int, rows: list[tuple[Any, ...]], *, brief: bool = False
    ) -> list[RollupColumns]:
        if not rows:
            return []
        try:
            return [decode_rollups([data for _, _, data in rows], brief=brief)]
        except DamagedChunk:
            parts = []
        for id, start, data in rows:
            try:
                parts.append(decode_rollups([data], brief=brief))
            except DamagedChunk as error:
                key, name = self._shelf.key(series), f"{tier // 60_000}m"
                what = f"{name} {key.device}/{key.channel} {np.datetime64(start, 'ms')}Z: {error}"
                self._shelf.damaged("rollup", id, data, Damage(key, name, start, start + LENGTHS[WIDEST[tier]], what))
        return parts

    def _write(self, series: int, tier: int, span: int, start: int, columns: RollupColumns) -> None:
        if not len(columns.start):
            self._shelf.run(
                "delete from rollup where tier = ? and span = ? and start = ? and series = ?", tier, span, start, series
            )
            return
        self._shelf.run(
            "insert into rollup(tier, span, start, series, count, data) values(?, ?, ?, ?, ?, ?) "
            "on conflict(tier, span, start, series) do update set count = excluded.count, data = excluded.data",
            *(tier, span, start, series, len(columns.start), encode_rollup(columns)),
        )


def _cut(columns: RollupColumns, start: int, end: int) -> RollupColumns:
    first, last = np.searchsorted(columns.start, [start, end])
    return columns if last - first == len(columns.start) else select_rollup(columns, slice(first, last))
