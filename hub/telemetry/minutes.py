"""Minutes: what plugs kept in flash of samples that their memory no longer holds; what of it is told in acks."""

from typing import TYPE_CHECKING

from hub.telemetry.ranges import Range, Ranges

if TYPE_CHECKING:
    from hub.telemetry.stream import Stream

MOST_HELD = 1024  # ranges of a kind until they are told; a plug sends again what no ack names


class Heard:
    """The ranges of minutes of one run that arrived since the last ack: stored, known before, or refused."""

    __slots__ = ("known", "refused", "stored")

    def __init__(self) -> None:
        self.stored = Ranges()
        self.known = Ranges()
        self.refused = Ranges()

    def remember(self, kind: Ranges, first: int, last: int) -> None:
        """`kind`: one of the three."""
        if len(kind) < MOST_HELD or kind.touches(first):
            kind.add(first, last)

    def durable(self, samples: Ranges, minutes: Ranges, most: int) -> list[Range]:
        """What an ack may name, given what is durable of the run's samples and of its minutes; `most` ranges."""
        named = Ranges()
        for heard, durable in (
            (self.stored, (minutes,)),
            (self.known, (samples, minutes)),
            (self.refused, (self.refused,)),
        ):
            for first, last in heard:
                for ranges in durable:
                    for part in ranges.within(first, last):
                        named.add(*part)
                        if len(named) == most:
                            return list(named)
        return list(named)

    def told(self, ranges: list[Range]) -> bool:
        """An ack that names these went out; is anything left?"""
        kinds = (self.stored, self.known, self.refused)
        for first, last in ranges:
            for kind in kinds:
                kind.remove(first, last)
        return any(map(len, kinds))


class Novelty:
    """What the records of one message say of which the hub has nothing yet. A place that was looked at is not looked at
    again: records may overlap in any way, and the message takes no longer for it."""

    def __init__(self, stream: "Stream", minutes: "Stream") -> None:
        self._samples, self._lost, self._minutes = stream.settled, stream.lost, minutes.settled
        self._seen = Ranges()  # nothing new there

    def any(self, first: int, last: int) -> bool:
        """Is anything between the two neither among the minutes nor settled by samples that came?"""
        while first <= last:
            if (end := self._seen.reach(first)) < first:
                if (end := self._minutes.reach(first)) < first:
                    above = self._minutes.above(first)
                    end = last if above is None else min(last, above - 1)
                    if not self._samples.covers(first, end) or self._lost.meets(first, end):
                        return True
                self._seen.add(first, end)
            first = end + 1
        return False
