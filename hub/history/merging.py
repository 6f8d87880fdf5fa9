"""Merging: rounds that move the log's commits into the store, and the upkeep behind them."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from hub.bus import Bus
from hub.clock import Clock
from hub.events import GapsChanged, Merged
from hub.history.files import Files
from hub.history.ledger import Ledger
from hub.history.log import CommitLog, RecordLost
from hub.history.merge import BrokenOff, Merger, Result, Round
from hub.history.outlook import Outlook
from hub.history.outlooks import Outlooks
from hub.history.problems import NOT_MERGED, NOT_STORED, Troubles
from hub.history.recovery import begin
from hub.history.tail import UnmergedTail
from hub.history.unmerged import Unmerged
from hub.history.upkeep import Upkeep
from hub.history.worker import Worker
from hub.plugins.contract import SeriesKey, StoreDamaged, StoreError
from hub.telemetry.arrival import Arrivals
from hub.telemetry.streams import Streams

WAITING_BYTES = 64 << 20  # of a log that waits for the time: weeks of the few devices that have no clock of their own

log = logging.getLogger("hub.history")


class Merging:
    """Runs rounds until nothing is left to merge. Awaited on the event loop while `worker.writing` is held."""

    def __init__(
        self,
        *,
        merger: Merger,
        log: CommitLog,
        files: Files,
        streams: Streams,
        tail: UnmergedTail,
        outlooks: Outlooks,
        arrivals: Arrivals,
        ledger: Ledger,
        worker: Worker,
        troubles: Troubles,
        upkeep: Upkeep,
        refresh: Callable[[Iterable[SeriesKey]], Awaitable[None]],
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._merger = merger
        self._log = log
        self._files = files
        self._streams = streams
        self._tail = tail
        self._outlooks = outlooks
        self._arrivals = arrivals
        self._ledger = ledger
        self._worker = worker
        self._troubles = troubles
        self._upkeep = upkeep
        self._refresh = refresh
        self._bus = bus
        self._clock = clock
        self.round: Round | None = None
        self.dropped: dict[str, int] = {}
        """Counter readings that the energy rule passed over, by device."""

    @property
    def pending(self) -> bool:
        """Is there anything to merge?"""
        return self.round is not None or bool(self._tail.commits)

    async def watch_room(self) -> None:
        """Says at once that the disk is nearly full."""
        await self._upkeep.watch(self._ledger.mark)

    def break_off(self) -> None:
        """The hub is ending, and what is merged takes too long."""
        self._merger.break_off()

    async def merge(self, *, everything: bool = False) -> bool:
        """Bring what is committed into the store; False when the store refused, or it was broken off. Without
        `everything` nothing is merged while samples wait for the time: the store keeps no arrivals.

        Raises RecordLost, StoreDamaged: merging again would not help.
        """
        await self._upkeep.make_room(self._ledger.mark)  # first: without room a merge may not be possible
        while self.pending:
            if self.round is None:
                if not everything and self._waits():
                    break
                self.round = begin(self._streams, self._tail.commits, self._ledger.sessions, self._ledger.mark)
            round, commits = self.round, self._tail.commits.copy()
            outlets = self._outlooks.series_of(round.numbers)
            outlook, serial = self._outlooks.of(outlets), self._tail.serial(round.through)
            try:
                result = await self._worker.run(partial(self._run, round, commits, outlook, serial))
            except (RecordLost, StoreDamaged):
                raise
            except BrokenOff:
                log.info("what is not merged yet stays in the log until the next start")
                return False
            except (StoreError, OSError) as error:
                self._troubles.begin(NOT_MERGED, reason=str(error))
                return False
            self._merged(round, result)
            await self._refresh(outlets)
        self._troubles.end(NOT_MERGED)
        if self._arrivals.certain:
            await self._upkeep.daily(self._clock.now(), self._clock.monotonic())
        return True

    def _waits(self) -> bool:
        """Are there samples that their arrival alone can date, once this hub run learns the time? Not for ever, and not
        where the log cannot take on more."""
        if self._arrivals.certain or self._log.size >= WAITING_BYTES or self._troubles.holds(NOT_STORED):
            return False
        mine = [each for each in self._tail.commits if each.session == self._ledger.session and not each.certain]
        numbers = frozenset[int]().union(*(each.streams for each in mine))
        return any(stream is not None and not stream.run for stream in map(self._streams.by_number, numbers))

    def _run(self, round: Round, records: list[Unmerged], outlook: Outlook, serial: int) -> Result:
        """In the thread: one round; a log of which everything is merged begins anew."""
        self._files.open_store()
        result = self._merger.run(round, records, outlook, serial)
        if records[-1].number <= round.through:
            self._log.next_generation()
        return result

    def _merged(self, round: Round, result: Result) -> None:
        self.round = None
        self._tail.merged(round.through)
        if not self._tail.commits:
            self._ledger.merged()
            self._streams.unname(delta for taken in self._tail.waiting for delta in taken.deltas)
        for device, count in result.dropped.items():
            self.dropped[device] = self.dropped.get(device, 0) + count
        self._bus.publish(Merged(self._clock.now(), self._ledger.mark))
        for device in sorted(result.gaps):
            self._bus.publish(GapsChanged(device))
