"""Sums of buckets between edges (the days of a home), kept for the chunks of each month: a year is not decoded anew."""

import numpy as np

from hub.plugins import RollupColumns
from hub.plugins.columns import condensed, empty_rollup, join_rollup, select_rollup
from hub.plugins.contract import Int64
from integrations.storage.sqlite import kept as keeping
from integrations.storage.sqlite.kept import HEAD, Kept, columns
from integrations.storage.sqlite.rollups import LENGTHS, SUMMED, Head, RollupChunks
from integrations.storage.sqlite.shelf import Shelf

PLACE = LENGTHS[-1]
LEAD = -1  # place of the first months in one piece
LEADING = range(4, 80)  # months of it
MOST = 2000  # sums of a month, of 1 KB each, that wait to be kept

Fresh = dict[tuple[int, int], tuple[bytes, bytes]]
"""(series, place) -> the heads of its chunks, their sums; the next change keeps them."""


class Sums:
    """What is kept stands beside the heads of the chunks that it was made of and is used for no others: whatever
    writes chunks need not know of it, and it may be lost."""

    def __init__(self, shelf: Shelf, chunks: RollupChunks, fresh: Fresh) -> None:
        self._shelf = shelf
        self._chunks = chunks
        self._fresh = fresh

    def between(self, series: int | None, edges: Int64) -> RollupColumns:
        """Ascending buckets, each between two neighbours of `edges`, which sum up to those stored."""
        if series is None or len(edges) < 2:
            return empty_rollup()
        start, end = int(edges[0]), int(edges[-1])
        lead = self._lead(series)
        if lead is not None and self._begins(series, start, lead):
            edges = _inside(edges, int(lead.edges[0]), end)
        begin, parts = _led(lead, edges, None)
        places: dict[int, list[Head]] = {}
        for head in self._chunks.heads(series, SUMMED, begin, end):
            places.setdefault(head.start // PLACE * PLACE, []).append(head)
        if places and not parts:
            if int(edges[0]) < min(places):
                edges = _inside(edges, min(places), end)
            begin, parts = _led(self._fresh_lead(series), edges, places)
        kept = self._kept(series, begin, end)
        if places and not parts:
            begin, parts = self._leading(series, places, kept, edges)
        for place, there in sorted(places.items()):
            if place < begin:
                continue
            over, rest = [h for h in there if h.end <= end], [h for h in there if h.end > end]
            until = max((head.end for head in over), default=place)
            low = max(start, place)
            if low < until:
                parts.append(self._summed(series, place, over, kept.get(place), _inside(edges, low, until)))
            if rest:
                parts.append(self._decoded(series, rest, max(low, until), end))
        parts.append(self._chunks.between(series, SUMMED, start, end, brief=True, spans=(0,)))
        return join_rollup(parts)

    def _lead(self, series: int) -> Kept | None:
        """The first months in one piece, as the file has them: triggers see to it that it holds."""
        row = self._shelf.maybe("select heads, data from lead where series = ?", series)
        return None if row is None else keeping.unpacked(*row)

    def _fresh_lead(self, series: int) -> Kept | None:
        row = self._fresh.get((series, LEAD))
        return None if row is None else keeping.unpacked(*row)

    def _begins(self, series: int, start: int, lead: Kept) -> bool:
        """Is there nothing between `start` and these months?"""
        begin = int(lead.edges[0])
        return start < begin and begin % PLACE == 0 and not self._chunks.heads(series, SUMMED, start, begin)

    def _leading(
        self, series: int, places: dict[int, list[Head]], kept: dict[int, Kept], edges: Int64
    ) -> tuple[int, list[RollupColumns]]:
        """The sums of the first places as far as they are kept each by itself, and the place that follows; where that
        is months, they are to be kept in one piece."""
        start, end = int(edges[0]), int(edges[-1])
        found: list[Kept] = []
        until = begin = start // PLACE * PLACE
        for place, heads in sorted(places.items()):
            known = kept.get(place)
            if known is None or known.heads != b"".join(head.head for head in heads):
                break
            if max(head.end for head in heads) > end or (found and known.edges[0] != until):
                break
            found.append(known)
            until, begin = int(known.edges[-1]), place + PLACE
        if not found:
            return begin, []
        bounds = np.concatenate([*(known.edges[:-1] for known in found), [until]])
        first = int(np.searchsorted(bounds, start))
        wanted = _bounds(edges, until)
        if not np.array_equal(bounds[first:], wanted):
            return start // PLACE * PLACE, []
        sums = columns(wanted[:-1], np.concatenate([known.rows for known in found], axis=1)[:, first:])
        whole = found if len(found[-1].heads) == HEAD else found[:-1]
        if len(whole) in LEADING and all(len(known.heads) == HEAD for known in whole):
            last = int(whole[-1].edges[-1])
            if last == start // PLACE * PLACE + len(whole) * PLACE:
                lead = b"".join(known.heads for known in whole)
                self._keep(series, LEAD, lead, wanted[wanted <= last], select_rollup(sums, sums.start < last))
        return begin, [sums]

    def _summed(self, series: int, place: int, heads: list[Head], kept: Kept | None, edges: Int64) -> RollupColumns:
        """The sums of chunks of one place, which end where `edges` do. What was not kept is to be kept from now on."""
        low, until = int(edges[0]), int(edges[-1])
        known = b"".join(head.head for head in heads)
        if kept is not None and len(known) < len(kept.heads) and kept.heads.startswith(known):
            shorter = self._shorter(series, heads, kept, edges)
            if shorter is not None:
                return shorter
        if kept is not None and not known.startswith(kept.heads):
            kept = None
        if kept is not None:
            middle = int(kept.edges[-1])
            part = _cut(kept, _inside(edges, low, middle)) if low < middle else None
            if part is not None and middle == until:
                return part
            if part is not None:  # days have been added
                bounds = np.concatenate([kept.edges[:-1], _inside(edges, middle, until)[int(middle not in edges) :]])
                new = self._decoded(series, heads[len(kept.heads) // HEAD :], middle, until)
                sums = condensed(join_rollup([_whole(kept), new]), bounds)
                self._keep(series, place, known, bounds, sums)
                return select_rollup(sums, sums.start >= low)
        sums = condensed(self._decoded(series, heads, low, until), edges)
        if kept is None or low <= kept.edges[0]:
            self._keep(series, place, known, edges, sums)
        return sums

    def _shorter(self, series: int, heads: list[Head], kept: Kept, edges: Int64) -> RollupColumns | None:
        """Out of what was kept of more chunks, for a question that went further."""
        low, until = int(edges[0]), int(edges[-1])
        middle = int(kept.edges[np.searchsorted(kept.edges, until, "right") - 1])
        part = _cut(kept, _inside(edges, low, middle)) if low < middle else None
        if part is None or middle == until:
            return part
        rest = self._decoded(series, [head for head in heads if head.end > middle], middle, until)
        return join_rollup([part, condensed(rest, _inside(edges, middle, until))])

    def _decoded(self, series: int, heads: list[Head], low: int, high: int) -> RollupColumns:
        """Of these chunks the buckets from `low` to `high`."""
        spans = sorted({head.span for head in heads})
        return self._chunks.between(series, SUMMED, low, high, brief=True, spans=spans)

    def _kept(self, series: int, first: int, end: int) -> dict[int, Kept]:
        rows = self._shelf.all(
            "select start, heads, data from sums where series = ? and start >= ? and start < ?", series, first, end
        )
        found = {start: (heads, data) for start, heads, data in rows}
        for start in range(first, end, PLACE):
            if (series, start) in self._fresh:
                found[start] = self._fresh[series, start]
        return {start: kept for start, row in found.items() if (kept := keeping.unpacked(*row)) is not None}

    def _keep(self, series: int, place: int, heads: bytes, edges: Int64, sums: RollupColumns) -> None:
        if len(self._fresh) < MOST or (series, place) in self._fresh:
            self._fresh[series, place] = heads, keeping.packed(edges, sums)


def write(shelf: Shelf, fresh: Fresh) -> Fresh:
    """Keep what readers summed; returns it, to be forgotten when that is durable."""
    taken = dict(fresh)
    for (series, place), (heads, data) in taken.items():
        if place == LEAD:
            _write_lead(shelf, series, heads, data)
        else:
            shelf.run(
                "insert or replace into sums(series, start, heads, data) values(?, ?, ?, ?)", series, place, heads, data
            )
    return taken


def _write_lead(shelf: Shelf, series: int, heads: bytes, data: bytes) -> None:
    """Its chunks are looked at for the last time: from now on a trigger forgets it when one of them changes."""
    lead = keeping.unpacked(heads, data)
    if lead is None:
        return
    until = int(lead.edges[-1])
    chunks = RollupChunks(shelf).heads(series, SUMMED, int(lead.edges[0]), until)
    if b"".join(head.head for head in sorted(chunks)) == heads:
        shelf.run(
            "insert or replace into lead(series, until, heads, data) values(?, ?, ?, ?)", series, until, heads, data
        )


def _led(lead: Kept | None, edges: Int64, places: dict[int, list[Head]] | None) -> tuple[int, list[RollupColumns]]:
    """The sums of the first places if this is they in one piece; and the place that follows. places: of which the
    chunks may be others by now."""
    start, end = int(edges[0]), int(edges[-1])
    first = start // PLACE * PLACE
    if lead is None:
        return first, []
    begin, until = int(lead.edges[0]) // PLACE * PLACE, int(lead.edges[-1])
    if not begin <= first < until <= end:
        return first, []
    if places is not None:
        heads = b"".join(head.head for place in range(first, until, PLACE) for head in places.get(place, []))
        if heads != lead.heads[(first - begin) // PLACE * HEAD :]:
            return first, []
    part = _cut(lead, _bounds(edges, until))
    return (first, []) if part is None else (until, [part])


def _bounds(edges: Int64, until: int) -> Int64:
    """The edges up to there, the borders of places between, and `until`."""
    first = int(edges[0]) // PLACE * PLACE + PLACE
    known = edges[: int(np.searchsorted(edges, until, "right"))]
    bounds = np.concatenate([known, np.arange(first, until + 1, PLACE), [until]])
    bounds.sort()
    different: Int64 = bounds[np.append(bounds[1:] != bounds[:-1], True)]
    return different


def forget(fresh: Fresh, series: int | None) -> None:
    """Of one series or all: it was deleted."""
    for place in list(fresh):
        if series is None or place[0] == series:
            fresh.pop(place, None)


def _inside(edges: Int64, low: int, high: int) -> Int64:
    """`low`, the edges between, and `high`."""
    first, last = np.searchsorted(edges, [low, high], "right")
    last -= int(edges[last - 1] == high)
    return np.concatenate([[low], edges[first:last], [high]])


def _cut(kept: Kept, edges: Int64) -> RollupColumns | None:
    """What is kept between `edges`; None where it was summed between others."""
    first, last = np.searchsorted(kept.edges, [edges[0], edges[-1]])
    if not np.array_equal(kept.edges[first : last + 1], edges):
        return None
    return columns(edges[:-1], kept.rows[:, first:last])


def _whole(kept: Kept) -> RollupColumns:
    return columns(kept.edges[:-1], kept.rows)
