"""Streams: which samples of which run have arrived, which of them are durable, and what the plug is told of it."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import msgspec

from hub.plugins.contract import MINUTES, SeriesKey
from hub.telemetry.minutes import Heard
from hub.telemetry.offsets import Offsets, Point
from hub.telemetry.ranges import Range, Ranges

OPEN_RANGES = 1024
NAMED_POINTS = 32  # of the offsets are told again with the name: enough to date what the log holds by itself
ORDER_STEP = 1 << 20  # between two runs heard live; runs never heard live stand between

StreamKey = tuple[str, int, str]
"""device, channel, run ("" for devices that know no streams)"""


class Place(IntEnum):
    """What became of a sample's place."""

    NEW = 0
    DUPLICATE = 1
    TOO_MANY_OPEN = 2


class Settled(IntEnum):
    """Why a seq is settled although no sample stands there."""

    REJECTED = 1
    MEMORY = 2
    GIVEN_UP = 3


Note = tuple[int, int, int]
"""first seq, last seq, Settled"""


class StreamDelta(msgspec.Struct, array_like=True):
    """What one commit adds to a stream. `settled` includes the seqs of the commit's own samples."""

    number: int
    settled: list[Range] = []
    notes: list[Note] = []
    points: list[Point] = []
    first: Point | None = None  # the running first minute: a point that may still improve
    order: int | None = None
    reason: str | None = None
    name: tuple[str, int, str, str] | None = None  # device, channel, run, hardware_id


class Stream:
    """One run of one outlet. `settled` is what has arrived, `durable` the part of it that is on disk."""

    __slots__ = (
        "_added",
        "_close_below",
        "_fresh_notes",
        "_told_order",
        "_told_reason",
        "arrived",
        "channel",
        "device",
        "dirty",
        "durable",
        "hardware",
        "key",
        "minutes",
        "minutes_heard",
        "named",
        "newest",
        "notes",
        "number",
        "offsets",
        "oldest",
        "order",
        "parent",
        "reason",
        "run",
        "settled",
        "span",
    )

    def __init__(self, number: int, key: StreamKey, hardware: str) -> None:
        self.number = number
        self.key = key
        self.device, self.channel, self.run = key
        self.hardware = hardware
        self.order: int | None = None
        self.reason: str | None = None
        self.settled = Ranges()
        self.durable = Ranges()
        self.notes: list[Note] = []
        self.offsets = Offsets()
        self.oldest: int | None = None
        self.newest = -1
        self.span = 0  # the most seqs that the plug's memory was seen to hold
        self.arrived = False  # something since the last ack
        self.dirty = False  # something since the last commit
        self.named = False  # in the log as it is: what it holds can be told without history's state
        self.parent: Stream | None = None  # the run whose minutes stand here
        self.minutes: Stream | None = None  # where the minutes of this run stand
        self.minutes_heard: Heard | None = None  # since the last ack
        self._added = Ranges()
        self._fresh_notes: list[Note] = []
        self._close_below = 0
        self._told_order: int | None = None
        self._told_reason: str | None = None

    def place(self, seq: int) -> Place:
        """Take a place for a sample that is to be stored. Hot path."""
        settled, added = self.settled, self._added
        ends = settled.ends
        if ends and seq == ends[-1] + 1:
            ends[-1] = seq
        elif seq in settled:
            self.arrived = True
            return Place.DUPLICATE
        else:
            if len(ends) >= OPEN_RANGES and not settled.touches(seq):
                self._close_holes(self._lowest())
                if len(settled) >= OPEN_RANGES and not settled.touches(seq):
                    return Place.TOO_MANY_OPEN
            settled.add(seq, seq)
        if added.ends and seq == added.ends[-1] + 1:
            added.ends[-1] = seq
        else:
            added.add(seq, seq)
        self.newest = max(self.newest, seq)
        self.arrived = self.dirty = True
        return Place.NEW

    def reject(self, seq: int) -> bool:
        """Settle a seq whose sample was refused; False when it was settled already or may not be."""
        if self.place(seq) is not Place.NEW:
            return False
        self.note(seq, seq, Settled.REJECTED)
        return True

    def place_minutes(self, first: int, last: int) -> bool:
        """Take the place of minutes in their stream; False when they would open one range too many."""
        if len(self.settled) >= OPEN_RANGES and not (self.settled.touches(first) or self.settled.touches(last)):
            return False
        self.settled.add(first, last)
        self._added.add(first, last)
        self.newest = max(self.newest, last)
        self.dirty = True
        return True

    def lost(self) -> Ranges:
        """Seqs that count as settled although no sample of them can come any more."""
        return Ranges((first, last) for first, last, why in self.notes if why != Settled.REJECTED)

    def holds_from(self, oldest: int) -> None:
        """The plug says that its memory begins at this seq."""
        self.oldest = oldest
        span = self.newest - oldest + 1
        self.span = max(self.span, span)

    def note(self, first: int, last: int, why: Settled) -> None:
        """Keep why there is no sample."""
        self.notes.append((first, last, int(why)))
        self._fresh_notes.append((first, last, int(why)))

    def ack(self, oldest: int | None = None) -> tuple[int, int]:
        """(seq, seen): the highest durable with nothing missing since `oldest`, and the highest durable."""
        lowest = self._lowest() if oldest is None else oldest
        return max(self.durable.reach(lowest), -1), self.durable.last

    def take(self) -> StreamDelta:
        """What is new since the last take; it becomes durable by `Streams.durable`."""
        if self.parent is None:  # what minutes do not cover may come at any time
            close, self._close_below = self._close_below, self._lowest()
            self._close_holes(min(close, self._close_below))
        self.dirty = False
        wall = self.offsets.wall
        delta = StreamDelta(self.number, list(self._added), self._fresh_notes, wall.fresh, wall.provisional())
        self._added, self._fresh_notes, wall.fresh = Ranges(), [], []
        if self.order != self._told_order:
            delta.order = self._told_order = self.order
        if self.reason != self._told_reason:
            delta.reason = self._told_reason = self.reason
        if not self.named:
            self.name(delta)
        return delta

    def name(self, delta: StreamDelta) -> None:
        """Let it say whose it is."""
        delta.name = (self.device, self.channel, self.run, self.hardware)
        delta.order, delta.reason = self.order, self.reason
        wall = self.offsets.wall
        delta.points = max(delta.points, wall.points[-NAMED_POINTS:], key=len)
        delta.first = wall.provisional()

    def apply(self, delta: StreamDelta) -> None:
        """Take in a commit that was read back from the log."""
        for first, last in delta.settled:
            self.settled.add(first, last)
            self.durable.add(first, last)
        self.notes.extend(delta.notes)
        self.newest = max(self.newest, self.settled.last)
        points, running = self.offsets.wall.points, delta.first or self.offsets.wall.provisional()
        points += [point for point in delta.points if not points or point[0] > points[-1][0]]
        self.offsets = Offsets(points)
        if running is not None:
            self.offsets.wall.resume(running)
        if delta.order is not None:
            self.order = self._told_order = delta.order
        if delta.reason is not None:
            self.reason = self._told_reason = delta.reason
        self.named = self.named or delta.name is not None

    def told(self) -> None:
        """What is known now stands on disk."""
        self._told_order, self._told_reason = self.order, self.reason

    def _lowest(self) -> int:
        """The first seq that may still come; without `oldest` the newest that came."""
        return self.newest if self.oldest is None else min(self.oldest, self.newest + 1)

    def _close_holes(self, below: int) -> None:
        for first, last in self.settled.holes(below):
            # The memory of a plug that merely moves on is as long as ever; one that gave a seq up holds less.
            given_up = self.oldest is not None and self.newest - self.oldest + 1 < self.span
            self.note(first, last, Settled.GIVEN_UP if given_up else Settled.MEMORY)
            self.settled.add(first, last)
            self._added.add(first, last)


class Streams:
    """Every stream of every device. All calls are made on the event loop."""

    def __init__(self) -> None:
        self._streams: dict[StreamKey, Stream] = {}
        self._by_number: dict[int, Stream] = {}
        self._by_device: dict[str, list[Stream]] = {}
        self._live: dict[SeriesKey, Stream] = {}
        self._reasons: dict[str, tuple[str, str]] = {}  # device -> its newest run and why that began
        self._older: dict[str, tuple[str, list[str]]] = {}  # device -> its newest run and those that came before
        self._next_number = 1
        self._next_order = ORDER_STEP

    def get(self, device: str, channel: int, run: str) -> Stream | None:
        """The stream, if anything was ever heard of it."""
        return self._streams.get((device, channel, run))

    def open(self, device: str, channel: int, run: str, hardware: str) -> Stream:
        """The stream; a new one stands before the run that is live now, until it is heard live itself."""
        key = (device, channel, run)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._add(self._next_number, key, hardware)
            told_run, reason = self._reasons.get(device, (None, None))
            if told_run == run:
                stream.reason = reason
        return stream

    def open_minutes(self, stream: Stream) -> Stream:
        """Where the minutes of this run stand: a stream of their own, which only history sees."""
        return stream.minutes or self.open(stream.device, stream.channel, stream.run + MINUTES, stream.hardware)

    def heard_live(self, stream: Stream) -> None:
        """A live sample came. The first one of a run gives it its place in the order of runs."""
        series = SeriesKey(stream.device, stream.channel)
        if self._live.get(series) is stream:
            return
        if stream.order is None or stream.order % ORDER_STEP:
            stream.order = self._next_order
            self._next_order += ORDER_STEP
            stream.dirty = True
            self._place_older(stream)
        self._live[series] = stream

    def heard_late(self, stream: Stream) -> None:
        """Replayed samples came of a run that was never live: it stands directly before the one that is live now."""
        if stream.order is None:
            self._place_before(stream, self._live.get(SeriesKey(stream.device, stream.channel)))

    def _place_before(self, stream: Stream, live: Stream | None) -> None:
        upper = self._next_order if live is None or live.order is None else live.order
        taken = [s.order for s in self._by_device.get(stream.device, ()) if s.order is not None and s.order < upper]
        stream.order = max([*(order + 1 for order in taken), upper - ORDER_STEP + 1])
        stream.dirty = True

    def live(self, device: str, channel: int) -> Stream | None:
        """The run that was heard live last."""
        return self._live.get(SeriesKey(device, channel))

    def of_device(self, device: str) -> list[Stream]:
        """Every stream of this device."""
        return list(self._by_device.get(device, ()))

    def of_series(self, series: SeriesKey) -> list[Stream]:
        """Every stream of this outlet, in the order of runs."""
        streams = [s for s in self._by_device.get(series.device, ()) if s.channel == series.channel]
        return sorted(streams, key=lambda stream: stream.order or 0)

    def series(self) -> list[SeriesKey]:
        """Every outlet that has a stream."""
        return sorted({SeriesKey(stream.device, stream.channel) for stream in self._streams.values()})

    def explain(self, device: str, run: str, reason: str) -> None:
        """The plug said why this run began: its first status comes before its first sample."""
        self._reasons[device] = (run, reason)
        for stream in self._by_device.get(device, ()):
            if stream.run == run and stream.reason != reason:
                stream.reason = reason
                stream.dirty = True

    def precede(self, device: str, run: str, older: list[str]) -> None:
        """The plug said which runs came before this one, the oldest first. What comes of them only later still stands
        there, though others may have been live by then."""
        self._older[device] = (run, older)
        for stream in list(self._by_device.get(device, ())):
            if stream.run == run and stream.order is not None:
                self._place_older(stream)

    def _place_older(self, stream: Stream) -> None:
        run, older = self._older.get(stream.device, ("", []))
        for name in older if run == stream.run else ():
            before = self.open(stream.device, stream.channel, name, stream.hardware)
            if before.order is None:
                self._place_before(before, stream)

    def take(self) -> list[StreamDelta]:
        """What is new in each stream since the last take."""
        return [stream.take() for stream in self._streams.values() if stream.dirty]

    def durable(self, deltas: Iterable[StreamDelta]) -> None:
        """These are on disk now."""
        for delta in deltas:
            stream = self._by_number.get(delta.number)
            if stream is not None:
                stream.named = stream.named or delta.name is not None
                for first, last in delta.settled:
                    stream.durable.add(first, last)

    def unname(self, written: Iterable[StreamDelta] = ()) -> None:
        """The log began anew: it names each stream again. `written`: what was taken already for commits to come."""
        for stream in self._streams.values():
            stream.named = False
        for delta in written:
            stream_or_none = self._by_number.get(delta.number)
            if stream_or_none is not None:
                stream_or_none.name(delta)

    def replace(self, other: "Streams") -> None:
        """Know what the other one knows; why runs began stays known."""
        reasons, older = self._reasons, self._older
        self.__dict__.update(other.__dict__)
        self._reasons, self._older = reasons, older

    def apply(self, delta: StreamDelta) -> bool:
        """Take in what a commit in the log says of a stream; False when nobody knows the stream's name."""
        stream = self._by_number.get(delta.number)
        if stream is not None and delta.name is not None and stream.key != delta.name[:3]:
            return False
        if stream is None:
            if delta.name is None:
                self._next_number = max(self._next_number, delta.number + 1)  # its samples stay nobody's
                return False
            device, channel, run, hardware = delta.name
            stream = self._add(delta.number, (device, channel, run), hardware)
        stream.apply(delta)
        self._restored(stream)
        return True

    def restore(self, number: int, key: StreamKey, hardware: str, **known: Any) -> Stream:
        """Take in a stream from history's state."""
        stream = self._add(number, key, hardware)
        stream.order, stream.reason = known.get("order"), known.get("reason")
        stream.settled = Ranges(known.get("settled", ()))
        stream.durable = stream.settled.copy()
        stream.notes = list(known.get("notes", ()))
        stream.offsets = Offsets(list(known.get("points", ())))
        if known.get("first") is not None:
            stream.offsets.wall.resume(known["first"])
        stream.newest = stream.settled.last
        stream.told()
        self._restored(stream)
        return stream

    def by_number(self, number: int) -> Stream | None:
        """The stream with this number."""
        return self._by_number.get(number)

    def clock_stepped(self) -> None:
        """The hub's clock jumped: arrivals before and after it do not go together."""
        for stream in self._streams.values():
            stream.offsets.close()

    def clock_certain(self, shift: int) -> None:
        """The time became certain: monotonic ms + shift = Unix ms."""
        for stream in self._streams.values():
            if stream.offsets.session is not None:
                stream.offsets.date_session(shift)
                stream.dirty = True

    def forget(self, device: str) -> None:
        """The device was removed, with its history."""
        self._reasons.pop(device, None)
        self._older.pop(device, None)
        for stream in self._by_device.pop(device, []):
            del self._streams[stream.key], self._by_number[stream.number]
            self._live.pop(SeriesKey(device, stream.channel), None)

    def every(self) -> list[Stream]:
        """All streams."""
        return list(self._streams.values())

    def idle(self) -> list[Stream]:
        """Streams of runs that ended and of which everything is durable, in pairs of run and minutes."""
        running = {id(stream) for stream in self._live.values()}
        return [
            stream
            for stream in self._streams.values()
            if not any(
                id(each) in running or each.dirty or list(each.settled) != list(each.durable)
                for each in (stream, stream.minutes, stream.parent)
                if each is not None
            )
            and SeriesKey(stream.device, stream.channel) in self._live
            and stream.run not in self._older.get(stream.device, ("", []))[1]  # its minutes may still come
        ]

    def drop(self, streams: Iterable[Stream]) -> None:
        """Forget these, unless something came of them meanwhile."""
        idle = {id(stream) for stream in self.idle()}
        for stream in streams:
            if id(stream) in idle and self._streams.get(stream.key) is stream:
                del self._streams[stream.key], self._by_number[stream.number]
                self._by_device[stream.device].remove(stream)

    def _add(self, number: int, key: StreamKey, hardware: str) -> Stream:
        stream = Stream(number, key, hardware)
        self._next_number = max(self._next_number, number + 1)
        self._streams[key] = stream
        self._by_number[number] = stream
        self._by_device.setdefault(stream.device, []).append(stream)
        self._relate(stream)
        return stream

    def _relate(self, stream: Stream) -> None:
        """Run and minutes know one another."""
        minutes, run = self._streams.get((*stream.key[:2], stream.run + MINUTES)), None
        if stream.run.endswith(MINUTES):
            run, minutes = self._streams.get((*stream.key[:2], stream.run.removesuffix(MINUTES))), stream
        else:
            run = stream
        if run is not None and minutes is not None:
            run.minutes, minutes.parent = minutes, run

    def _restored(self, stream: Stream) -> None:
        if stream.order is None:
            return
        self._next_order = max(self._next_order, (stream.order // ORDER_STEP + 1) * ORDER_STEP)
        series = SeriesKey(stream.device, stream.channel)
        live = self._live.get(series)
        if stream.order % ORDER_STEP == 0 and (live is None or (live.order or 0) <= stream.order):
            self._live[series] = stream
