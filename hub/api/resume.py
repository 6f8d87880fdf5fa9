"""Coming back after a broken line: what a connection was told lately, and those that are away and still hear."""

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from hub.clock import Clock, Timer

AWAY = 60.0  # seconds
KEPT = 64  # frames besides samples
AWAY_AT_ONCE = 200  # then the one that has been away longest is given up

Frame = tuple[str, bytes]
"""Type, and the JSON that follows `"seq": N,`."""


class Missed(msgspec.Struct, frozen=True):
    """What to give somebody who comes back. changes: devices whose present state is to be sent, in order."""

    rooms: set[str]
    frames: list[Frame]
    changes: list[str]


class Told:
    """The last KEPT frames of one connection that no later frame makes up for, and which devices it was shown.

    Samples are not kept: of them only the newest of each outlet matters, and that the feed knows.
    """

    def __init__(self) -> None:
        self._frames: deque[tuple[int, Frame]] = deque()
        self._devices: dict[str, int] = {}
        self._complete_after = 0

    def frame(self, seq: int, type: str, rest: bytes) -> None:
        """This was sent as number `seq`."""
        if len(self._frames) == KEPT:
            self._complete_after = self._frames.popleft()[0]
        self._frames.append((seq, (type, rest)))

    def device(self, seq: int, device: str) -> None:
        """The device as it was then was sent as number `seq`. Bounded by the number of devices."""
        self._devices.pop(device, None)
        self._devices[device] = seq

    def after(self, seq: int) -> tuple[list[Frame], list[str]] | None:
        """Frames and devices sent after `seq`; None if some are not known any more."""
        if seq < self._complete_after:
            return None
        return (
            [frame for number, frame in self._frames if number > seq],
            [device for device, number in self._devices.items() if number > seq],
        )


class Away(Protocol):
    """A connection whose line is broken, as it is seen here."""

    resume: str

    def give_up(self) -> None:
        """Nobody came back in time."""


AwayT = TypeVar("AwayT", bound=Away)


class Absent(Generic[AwayT]):
    """Connections whose line broke less than AWAY ago, by resume id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, tuple[AwayT, Timer]] = {}

    def hold(self, connection: AwayT) -> None:
        """Give it up after AWAY seconds, unless it is taken before."""
        if len(self._held) >= AWAY_AT_ONCE:
            self._drop(next(iter(self._held)))
        timer = self._clock.call_later(AWAY, lambda: self._drop(connection.resume))
        self._held[connection.resume] = (connection, timer)

    def get(self, resume: str) -> AwayT | None:
        """The one with this id; it stays."""
        found = self._held.get(resume)
        return None if found is None else found[0]

    def give_up(self, which: Callable[[AwayT], bool] = lambda connection: True) -> None:
        """Wait no longer for these."""
        for resume in [resume for resume, (connection, _) in self._held.items() if which(connection)]:
            self._drop(resume)

    def _drop(self, resume: str) -> None:
        connection, timer = self._held.pop(resume)
        timer.cancel()
        connection.give_up()
