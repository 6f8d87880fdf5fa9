"""One stream: which samples of a run of an outlet have arrived, which of them are durable, what the plug is told."""

from collections.abc import Iterable
from enum import IntEnum

import msgspec

from hub.plugins.contract import SeriesKey
from hub.telemetry.minutes import Heard
from hub.telemetry.offsets import Offsets, Point
from hub.telemetry.ranges import Range, Ranges

OPEN_RANGES = 1024
MOST_NOTES = 1000  # of a stream; up to twice as many until the next time that some are forgotten
NAMED_POINTS = 32  # of the offsets are told again with the name: enough to date what the log holds by itself

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
    OFFLINE = 4  # no sample: a device without seqs of its own was away in between


Note = tuple[int, int, int]
"""first seq, last seq, Settled"""


class StreamDelta(msgspec.Struct, array_like=True):
    """What one commit adds to a stream. `settled` includes the seqs of the commit's own samples."""

    number: int
    settled: list[Range] = []
    notes: list[Note] = []
    points: list[Point] = []
    first: Point | None = None  # the running minute, where nothing else dates it: a point that may still improve
    order: int | None = None
    reason: str | None = None
    name: tuple[str, int, str, str] | None = None  # device, channel, run, hardware_id
    forgotten: int = 0  # notes of this stream so far


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
        "forgotten",
        "hardware",
        "key",
        "lost",
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
        "series",
        "settled",
        "span",
    )

    def __init__(self, number: int, key: StreamKey, hardware: str) -> None:
        self.number = number
        self.key = key
        self.device, self.channel, self.run = key
        self.series = SeriesKey(self.device, self.channel)
        self.hardware = hardware
        self.order: int | None = None
        self.reason: str | None = None
        self.settled = Ranges()
        self.durable = Ranges()
        self.notes: list[Note] = []
        self.forgotten = 0  # notes that were too many
        self.lost = Ranges()  # settled although no sample of them can come any more
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

    def part(self) -> None:
        """What comes next does not follow what came last: the device was away."""
        seq = self.newest + 1
        self.place(seq)
        self.note(seq, seq, Settled.OFFLINE)

    def place_minutes(self, first: int, last: int) -> bool:
        """Take the place of minutes in their stream; False when they would open one range too many."""
        if len(self.settled) >= OPEN_RANGES and not (self.settled.touches(first) or self.settled.touches(last)):
            return False
        self.settled.add(first, last)
        self._added.add(first, last)
        self.newest = max(self.newest, last)
        self.dirty = True
        return True

    def holds_from(self, oldest: int) -> None:
        """The plug says that its memory begins at this seq."""
        self.oldest = oldest
        span = self.newest - oldest + 1
        self.span = max(self.span, span)

    def note(self, first: int, last: int, why: Settled) -> None:
        """Keep why there is no sample."""
        self.keep_notes([(first, last, int(why))])
        _append(self._fresh_notes, (first, last, int(why)))
        if len(self._fresh_notes) > 2 * MOST_NOTES:
            self._fresh_notes = _newest(self._fresh_notes, MOST_NOTES)

    def keep_notes(self, notes: Iterable[Note]) -> None:
        """These are on disk, or soon will be."""
        for note in notes:
            _append(self.notes, note)
            if note[2] != Settled.REJECTED:
                self.lost.add(note[0], note[1])
            if len(self.notes) > 2 * MOST_NOTES:
                self.trim_notes(MOST_NOTES)

    def trim_notes(self, most: int) -> None:
        """Forget all but the newest."""
        kept = _newest(self.notes, most)
        self.forgotten += len(self.notes) - len(kept)
        self.notes, self.lost = kept, Ranges(sorted(note[:2] for note in kept if note[2] != Settled.REJECTED))

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
        delta.forgotten = self.forgotten
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
        self.keep_notes(delta.notes)
        self.forgotten = max(self.forgotten, delta.forgotten)
        self.newest = max(self.newest, self.settled.last)
        points, running = self.offsets.wall.points, delta.first or self.offsets.wall.provisional()
        points += [point for point in delta.points if not points or point[0] > points[-1][0]]
        if points and delta.first is None:
            running = None  # its minute ended, and the line held
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


def _append(notes: list[Note], note: Note) -> None:
    """What goes on where the last one ends, for the same reason, makes that one longer."""
    if notes and notes[-1][1] + 1 == note[0] and notes[-1][2] == note[2]:
        notes[-1] = (notes[-1][0], note[1], note[2])
    else:
        notes.append(note)


def _newest(notes: list[Note], most: int) -> list[Note]:
    """At most so many. Those of refused samples go first: what is lost may still be told by minutes, a refused one
    is only explained."""
    refused = [k for k, note in enumerate(notes) if note[2] == Settled.REJECTED]
    gone = set(refused[: max(len(notes) - most, 0)])
    return [note for k, note in enumerate(notes) if k not in gone][-most:]
