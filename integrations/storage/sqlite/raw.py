"""Raw samples: one chunk for each hour of a stream; undated samples in chunks by seq until they are dated."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from hub.plugins import RawColumns, m4
from hub.plugins.codec import DamagedChunk, decode_brief, decode_raw, decode_seqs, encode_raw
from hub.plugins.columns import brief_raw, chosen_raw, join_raw, select_raw
from hub.plugins.contract import Damage, Int64
from integrations.storage.sqlite import lines
from integrations.storage.sqlite.lines import HOUR, Brief
from integrations.storage.sqlite.shelf import Shelf

UNDATED = 3600  # seqs of one undated chunk; its "hour" is -1 - seq // UNDATED
LAST_SEQ = (1 << 63) - 1
MANY = 10_000  # hours beyond which a scan is quicker than a look-up for each

STREAM = "id, series, run, last_seq, first_hour, last_hour"
COLUMNS = "raw.id, raw.stream, raw.hour, raw.count, raw.data"
BY_HOUR = f"""
with recursive place(hour) as (values(?) union all select hour + 1 from place where hour < ?)
select {COLUMNS} from place cross join raw on raw.hour = place.hour and raw.stream = ?
where raw.seq_from <= ? and raw.seq_to >= ?"""  # noqa: S608
SCAN = f"""
select {COLUMNS} from raw where hour between ? and ? and stream = ? and seq_from <= ? and seq_to >= ?"""  # noqa: S608

EXTENTS = """
select seq_from, seq_to, count from raw where hour between ? and -1 and stream = ?
union all select seq_from, seq_to, count from raw where hour between ? and ? and stream = ? order by seq_from"""
HOURS = """
with recursive place(hour) as (values(?) union all select hour + 1 from place where hour < ?)
select raw.hour from place cross join raw indexed by raw_place on raw.hour = place.hour and raw.stream = ?"""
LINES = f"""
with recursive place(hour) as (values(?) union all select hour + 1 from place where hour < ?)
select place.hour, line.data from place cross join line on line.id = place.hour * {lines.STREAMS} + ?"""  # noqa: S608

Chunk = tuple[int, int, int, int, bytes]
"""id, stream, hour, count, data"""


class Stream(msgspec.Struct):
    """A row of the table `stream`."""

    id: int
    series: int
    run: str
    last_seq: int
    first_hour: int | None
    last_hour: int | None


class RawChunks:
    """Raw samples within one transaction."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def put(self, series: int, columns: RawColumns) -> None:
        """Store samples of one stream; a sample with a known seq is replaced, wherever it stood."""
        if not len(columns.seq):
            return
        new = join_raw([columns])
        stream = self._stream(series, new.run) or self._new_stream(series, new.run)
        old = {chunk[0]: chunk for chunk in self._touched(stream, new)}
        parts = [part for chunk in old.values() if (part := self._decoded(chunk, stream)) is not None]
        joined = join_raw([*parts, new])
        hours = _hours(joined)
        kept = np.unique(hours)
        for id, _, hour, _, _ in old.values():
            if hour not in kept:
                self._shelf.run("delete from raw where id = ?", id)
        for hour in kept.tolist():
            self._write(stream, hour, select_raw(joined, hours == hour))
        dated = kept[kept >= 0].tolist()
        stream.last_seq = max(stream.last_seq, int(joined.seq[-1]))
        if dated:
            stream.first_hour = min(dated[0], dated[0] if stream.first_hour is None else stream.first_hour)
            stream.last_hour = max(dated[-1], dated[-1] if stream.last_hour is None else stream.last_hour)
        self._shelf.run(
            "update stream set last_seq = ?, first_hour = ?, last_hour = ? where id = ?",
            *(stream.last_seq, stream.first_hour, stream.last_hour, stream.id),
        )

    def between(self, series: int, start: int, end: int, *, brief: bool) -> list[RawColumns]:
        """Dated samples with start <= at < end, one entry a stream, by the time of their first sample."""
        found = []
        for stream in self._streams(series):
            chunks = self._between(stream, start, end)
            columns = self._brief(chunks, stream) if brief else self._joined(chunks, stream)
            if columns is not None:
                columns = _cut(columns, start, end)
                if len(columns.seq):
                    found.append(columns)
        return sorted(found, key=lambda columns: int(columns.at.min()))

    def thinned(self, series: int, start: int, end: int, borders: Int64) -> list[tuple[RawColumns, int]]:
        """See ThinningStore: by the lines of hours that lie between `borders` in tens of minutes, else by samples."""
        found = []
        for stream in self._streams(series):
            line, chunks = self._lines(stream, start, end, borders)
            samples, parts = line.measured, [_corners(line.corners, borders, ascending=True)[1]]
            for count, part in self._cornered(stream, chunks, start, end, borders):
                samples += count
                parts.append(part)
            if samples:
                columns = Brief(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
                found.append((join_raw([brief_raw(stream.run, *columns)], brief=True), samples))
        return found

    def of_stream(self, series: int, run: str, seq_from: int, seq_to: int) -> RawColumns | None:
        """Samples of one stream with seq_from <= seq <= seq_to."""
        stream = self._stream(series, run)
        if stream is None:
            return None
        columns = self._joined(self._by_seq(stream, seq_from, seq_to), stream)
        if columns is None:
            return None
        columns = chosen_raw(columns, (columns.seq >= seq_from) & (columns.seq <= seq_to))
        return columns if len(columns.seq) else None

    def seqs(self) -> dict[int, dict[str, list[tuple[int, int]]]]:
        """See ListingStore, by number of the series: a chunk of as many samples as there are seqs in its range needs
        not be unpacked."""
        streams = {row[0]: Stream(*row) for row in self._shelf.all(f"select {STREAM} from stream")}  # noqa: S608
        extents: dict[int, list[tuple[int, int]]] = {}
        for id, number, first, last, count in self._shelf.all("select id, stream, seq_from, seq_to, count from raw"):
            whole = count == last - first + 1
            extents.setdefault(number, []).extend([(first, last)] if whole else self._unpacked(id, streams[number]))
        found: dict[int, dict[str, list[tuple[int, int]]]] = {}
        for number, ranges in extents.items():
            stream = streams[number]
            found.setdefault(stream.series, {})[stream.run] = _apart(ranges)
        return found

    def pieces(self, series: int, run: str, most: int) -> list[tuple[int, int]]:
        """Ranges of seqs in which all samples of one stream lie, each of chunks of no more than `most` samples; more
        only where that many lie in one chunk, or in chunks between which samples of other hours lie."""
        stream = self._stream(series, run)
        found: list[tuple[int, int]] = []
        begun: list[tuple[int, int]] = []  # last seq and count of the chunks of the piece that begins at `start`
        start = samples = 0
        for first, last, count in [] if stream is None else self._extents(stream):
            if begun and first > start and samples + count > most:
                found.append((start, min(first - 1, max(begun)[0])))
                begun = [each for each in begun if each[0] >= first]
                start, samples = first, sum(each[1] for each in begun)
            start = start if begun else first
            begun.append((last, count))
            samples += count
        return [*found, (start, max(begun)[0])] if begun else found

    def delete(self, series: int | None, before: int, *, undated: bool) -> int:
        """Forget chunks of hours that end by then; returns how many samples went."""
        where = "(hour between 0 and ?" + (" or hour < 0)" if undated else ")")
        values = [before // HOUR - 1]
        if series is not None:
            where += " and stream in (select id from stream where series = ?)"
            values.append(series)
        (gone,) = self._shelf.one(f"select coalesce(sum(count), 0) from raw where {where}", *values)  # noqa: S608
        self._shelf.run(f"delete from raw where {where}", *values)  # noqa: S608
        if series is None:
            self._shelf.run("update stream set first_hour = ? where first_hour < ?", before // HOUR, before // HOUR)
        return int(gone)

    def _touched(self, stream: Stream, new: RawColumns) -> Iterator[Chunk]:
        """The chunks in which the new samples go, and those in which their seqs stood before."""
        for hour in np.unique(_hours(new)).tolist():
            yield from self._by_hour(stream, hour, hour)
        if int(new.seq[0]) <= stream.last_seq:
            yield from self._by_seq(stream, int(new.seq[0]), int(new.seq[-1]))

    def _between(self, stream: Stream, start: int, end: int) -> list[Chunk]:
        """Chunks that may hold dated samples with start <= at < end."""
        return self._by_hour(stream, *self._hours(stream, start, end))

    @staticmethod
    def _hours(stream: Stream, start: int, end: int) -> tuple[int, int]:
        """First and last of these chunks."""
        if stream.first_hour is None or stream.last_hour is None:
            return 0, -1
        return max(start // HOUR, stream.first_hour), min((end - 1) // HOUR, stream.last_hour)

    def _lines(self, stream: Stream, start: int, end: int, borders: Int64) -> tuple[lines.Line, list[Chunk]]:
        """The lines that stand for an hour each, and the chunks that may hold other samples."""
        first, last = self._hours(stream, start, end)
        whole = max(first, -(-start // HOUR)), min(last, end // HOUR - 1)
        if whole[0] > whole[1] or last - first > MANY or (borders[1:-1] % m4.ROUND).any():
            return lines.joined([]), self._by_hour(stream, first, last)
        rows = self._shelf.all(LINES, *whole, stream.id)
        line = lines.joined(rows)
        known = {hour for hour, _ in rows}.difference(line.unreadable)
        others = [hour for (hour,) in self._shelf.all(HOURS, first, last, stream.id) if hour not in known]
        chunks = []
        for low, high in _runs(others):
            chunks += self._by_hour(stream, low, high)
        return line, chunks

    def _cornered(
        self, stream: Stream, chunks: Sequence[Chunk], start: int, end: int, borders: Int64
    ) -> Iterator[tuple[int, Brief]]:
        """What `_corners` gives of each of these chunks. They are unpacked into the same few arrays: those of a whole
        week are ten times slower to fill than all of its chunks are to unpack."""
        room = _arrays(max((count for _, _, _, count, _ in chunks), default=0))
        for chunk in chunks:
            columns = room.of(slice(chunk[3]))
            ascending = self._put_brief(chunk, stream, columns)
            if ascending is not None:
                if chunk[2] * HOUR < start or (chunk[2] + 1) * HOUR > end:
                    columns = columns.of((columns.at >= start) & (columns.at < end))
                yield _corners(columns, borders, ascending=ascending)

    def _by_hour(self, stream: Stream, first: int, last: int, seq_from: int = 0, seq_to: int = LAST_SEQ) -> list[Chunk]:
        """Chunks of these hours that may hold one of these seqs."""
        query = BY_HOUR if last - first <= MANY else SCAN
        return self._shelf.all(query, first, last, stream.id, seq_to, seq_from) if first <= last else []

    def _by_seq(self, stream: Stream, seq_from: int, seq_to: int) -> Iterator[Chunk]:
        """Chunks that may hold one of these seqs, dated or not."""
        first, last = max(seq_from, 0), min(seq_to, stream.last_seq)
        yield from self._by_hour(stream, -1 - last // UNDATED, -1 - first // UNDATED, seq_from, seq_to)
        if stream.first_hour is not None and stream.last_hour is not None:
            yield from self._by_hour(stream, stream.first_hour, stream.last_hour, seq_from, seq_to)

    def _extents(self, stream: Stream) -> list[tuple[int, int, int]]:
        """First and last seq and count of each chunk, by the first."""
        hours = (-1, -2) if stream.first_hour is None else (stream.first_hour, stream.last_hour)
        return self._shelf.all(EXTENTS, -1 - stream.last_seq // UNDATED, stream.id, *hours, stream.id)

    def _unpacked(self, id: int, stream: Stream) -> Iterator[tuple[int, int]]:
        chunk: Any = self._shelf.one(f"select {COLUMNS} from raw where id = ?", id)  # noqa: S608
        try:
            seqs = decode_seqs(chunk[-1])
        except DamagedChunk as error:
            self._damaged(chunk, stream, error)
            return
        ends = np.flatnonzero(np.diff(seqs) != 1)
        firsts, lasts = seqs[np.append(0, ends + 1)], seqs[np.append(ends, len(seqs) - 1)]
        yield from zip(firsts.tolist(), lasts.tolist(), strict=True)

    def _joined(self, chunks: Iterable[Chunk], stream: Stream) -> RawColumns | None:
        parts = [part for chunk in chunks if (part := self._decoded(chunk, stream)) is not None]
        return join_raw(parts) if parts else None

    def _decoded(self, chunk: Chunk, stream: Stream) -> RawColumns | None:
        try:
            columns = decode_raw(chunk[-1])
        except DamagedChunk as error:
            self._damaged(chunk, stream, error)
            return None
        columns.run = stream.run
        return columns

    def _brief(self, chunks: Sequence[Chunk], stream: Stream) -> RawColumns | None:
        """The same, but only seq, at and power."""
        room, end = _arrays(sum(count for _, _, _, count, _ in chunks)), 0
        for chunk in chunks:
            place = slice(end, end + chunk[3])
            if self._put_brief(chunk, stream, room.of(place)) is not None:
                end = place.stop
        return join_raw([brief_raw(stream.run, *room.of(slice(end)))], brief=True) if end else None

    def _put_brief(self, chunk: Chunk, stream: Stream, columns: Brief) -> bool | None:
        """Write what is in the chunk to these arrays; True = `at` ascends for certain, None = it is damaged."""
        try:
            return decode_brief(chunk[-1], *columns)
        except DamagedChunk as error:
            self._damaged(chunk, stream, error)
            return None

    def _damaged(self, chunk: Chunk, stream: Stream, error: DamagedChunk) -> None:
        id, _, hour, _, data = chunk
        series = self._shelf.key(stream.series)
        start, end = (hour * HOUR, (hour + 1) * HOUR) if hour >= 0 else (0, 0)
        when = f"{np.datetime64(start, 'ms')}Z" if end else "undated"
        what = f"raw {series.device}/{series.channel} {when}: {error}"
        self._shelf.damaged("raw", id, data, Damage(series, "raw", start, end, what))

    def _write(self, stream: Stream, hour: int, columns: RawColumns) -> None:
        columns.run = ""  # the stream knows it
        self._shelf.run(
            "insert into raw(hour, stream, seq_from, seq_to, count, data) values(?, ?, ?, ?, ?, ?) "
            "on conflict(hour, stream) do update set seq_from = excluded.seq_from, seq_to = excluded.seq_to, "
            "count = excluded.count, data = excluded.data",
            *(hour, stream.id, int(columns.seq[0]), int(columns.seq[-1]), len(columns.seq), encode_raw(columns)),
        )
        line = lines.packed(hour, Brief(columns.seq, columns.at, columns.power)) if hour >= 0 else None
        if line is not None and stream.id < lines.STREAMS:
            self._shelf.run(
                "insert or replace into line(id, data) values(?, ?)", hour * lines.STREAMS + stream.id, line
            )

    def _streams(self, series: int) -> list[Stream]:
        rows = self._shelf.all(
            f"select {STREAM} from stream where series = ?",  # noqa: S608
            series,
        )
        return [Stream(*row) for row in rows]

    def _stream(self, series: int, run: str) -> Stream | None:
        row = self._shelf.maybe(
            f"select {STREAM} from stream where series = ? and run = ?",  # noqa: S608
            series,
            run,
        )
        return None if row is None else Stream(*row)

    def _new_stream(self, series: int, run: str) -> Stream:
        id = self._shelf.added("insert into stream(series, run, last_seq) values(?, ?, -1)", series, run)
        return Stream(id, series, run, -1, None, None)


def _apart(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same numbers in ranges that do not touch, ascending."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def _arrays(length: int) -> Brief:
    return Brief(np.empty(length, np.int64), np.empty(length, np.int64), np.empty(length))


def _corners(columns: Brief, borders: Int64, *, ascending: bool) -> tuple[int, Brief]:
    """Of how many samples with a power, and those of them that M4 needs."""
    if len(columns.at) and np.isnan(columns.power.min()):
        columns = columns.of(~np.isnan(columns.power))
    at = columns.at
    if (
        not ascending and (at[1:] < at[:-1]).any()
    ):  # the clock was set: which is the first of a stretch is seen in the whole
        return len(at), columns.of(np.arange(len(at)))
    return len(at), columns.of(m4.chosen(at, columns.power, borders))


def _cut(columns: RawColumns, start: int, end: int) -> RawColumns:
    inside = (columns.at >= start) & (columns.at < end)
    return columns if inside.all() else select_raw(columns, inside)


def _runs(hours: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of what follows one another in them."""
    breaks = [k for k, (hour, following) in enumerate(pairwise(hours), 1) if following != hour + 1]
    for first, end in pairwise([0, *breaks, len(hours)]):
        if first < end:
            yield hours[first], hours[end - 1]


def _hours(columns: RawColumns) -> Any:
    return np.where(columns.at < 0, -1 - columns.seq // UNDATED, columns.at // HOUR)
