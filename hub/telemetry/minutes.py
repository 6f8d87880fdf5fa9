"""Minutes: what plugs kept in flash of samples that their memory no longer holds; what of it is told in acks."""

from hub.plugins.contract import Minute
from hub.telemetry.ranges import Range, Ranges

MAX_POWER = 25_000.0
MOST = 2**53  # whole numbers beyond are no counters
LONGEST = 1 << 20  # samples in one record
MOST_NAMED = 32  # ranges in one ack: a plug reads at most 4 KB


class Heard:
    """The ranges of minutes of one run that arrived since the last ack: stored, known before, or refused."""

    __slots__ = ("known", "refused", "stored")

    def __init__(self) -> None:
        self.stored = Ranges()
        self.known = Ranges()
        self.refused = Ranges()

    def durable(self, samples: Ranges, minutes: Ranges) -> list[Range]:
        """What an ack may name, given what is durable of the run's samples and of its minutes."""
        either = Ranges([*samples, *minutes])
        named = [*self.stored.common(minutes), *self.known.common(either), *self.refused]
        return list(Ranges(named))[:MOST_NAMED]

    def told(self, ranges: list[Range]) -> bool:
        """An ack that names these went out; is anything left?"""
        named = Ranges(ranges)
        self.stored, self.known, self.refused = (part.minus(named) for part in (self.stored, self.known, self.refused))
        return bool(len(self.stored) or len(self.known) or len(self.refused))


def refusal(minute: Minute) -> str | None:
    """Why minutes cannot be used, None when they can."""
    if not readable(minute.seq_from, minute.seq_to) or minute.seq_to - minute.seq_from >= LONGEST:
        return "seq"
    if not 0 <= minute.up < MOST:
        return "up"
    for power in (minute.min, minute.mean, minute.max):
        if power is not None and not -MAX_POWER <= power <= MAX_POWER:
            return "power"
    if not 0 <= minute.energy_mwh < MOST or not 0 <= (minute.export_mwh or 0) < MOST:
        return "energy"
    if minute.on_s is not None and not 0 <= minute.on_s < MOST:
        return "on_s"
    return None


def readable(seq_from: int, seq_to: int) -> bool:
    """Can the range be acknowledged at all?"""
    return 0 <= seq_from <= seq_to < MOST
