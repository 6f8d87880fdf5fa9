"""Sums of days, made before anybody asks: soon after a start, and behind the first merge of each day."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.events import Merged
from hub.history.calendar import DAY, Calendar
from hub.history.days import RECENT
from hub.history.outlet import Quarters
from hub.history.retention import Retention
from hub.messages import HubError
from hub.plugins.contract import HistoryStore, Int64, SeriesKey, StoreError, SummingStore
from hub.telemetry.interface import Tail

FIRST_S = 120.0  # after a start, which has other work for the card
OWNER = "history.ready"

log = logging.getLogger("hub.history")


class Ready:
    """Asks the store for the days of each outlet, which it then keeps: decoding the quarters of a year takes ten times
    as long. All calls are made on the event loop; reading is done in a reader thread, one outlet at a time."""

    def __init__(
        self,
        store: HistoryStore,
        tail: Tail,
        *,
        outlets: Callable[[], Iterable[SeriesKey]],
        zone: Callable[[SeriesKey], str],
        retention: Callable[[SeriesKey], Retention],
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._store = store
        self._tail = tail
        self._outlets = outlets
        self._zone = zone
        self._retention = retention
        self._bus = bus
        self._clock = clock
        self._done_on = 0  # day
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """From now on sums are ready."""
        if isinstance(self._store, SummingStore):
            self._timer = self._clock.call_later(FIRST_S, self._begin)
            self._bus.subscribe(Merged, self._merged, OWNER)

    async def stop(self) -> None:
        """What is being read is read to its end by whoever ends the reader threads."""
        self._bus.remove_owner(OWNER)
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def make(self) -> None:
        """Now."""
        outlets = list(self._outlets())
        try:
            for work in (self._sums, self._recent):  # the quarters that are unpacked for sums push out others
                for series in outlets:
                    await self._tail.read(partial(work, series))
        except (StoreError, OSError, HubError) as error:
            log.warning("sums of days could not be made: %s", error)

    def _merged(self, _event: Merged) -> None:
        if self._done_on and self._clock.now() // DAY != self._done_on:
            self._begin()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._done_on = self._clock.now() // DAY
            self._task = asyncio.get_running_loop().create_task(self.make())

    def _sums(self, series: SeriesKey) -> None:
        """In a reader thread."""
        days = self._days(series)
        for _ in range(2):  # of months that are there each by itself the store makes one piece
            Quarters(self._store, series).sums(days[:-1])

    def _recent(self, series: SeriesKey) -> None:
        """In a reader thread: what a question that ends now asks for besides."""
        days = self._days(series)
        Quarters(self._store, series).quarters(int(days[-RECENT - 1 :][0]), int(days[-1]))

    def _days(self, series: SeriesKey) -> Int64:
        """All that are answered; the last one is today."""
        now = self._clock.now()
        return Calendar(self._zone(series)).edges("1d", now - self._retention(series).answered("1d"), now)
