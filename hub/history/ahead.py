"""Ahead: samples that are dated later than now, because the hub's clock was ahead, are told until their time comes."""

import logging
from collections.abc import Callable, Iterable
from functools import partial

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.events import ClockChanged
from hub.history.calendar import HOUR
from hub.history.files import Files
from hub.history.outlooks import Outlooks
from hub.history.problems import DATED_AHEAD, Troubles
from hub.history.tail import UnmergedTail
from hub.history.worker import Worker
from hub.plugins.contract import TIERS, HistoryStore, SeriesKey, StoreDamaged, StoreError
from hub.telemetry.live import Live
from hub.telemetry.streams import Streams

AHEAD_MS = 300_000  # what is dated later than now by more than this was dated by a wrong clock
MINUTE = TIERS["1m"]
HOURS_TOLD = 48  # what is more is told in days
LONGEST_WAIT_MS = HOUR  # timers follow the monotonic clock
FOREVER = (1 << 62) - 1
OWNER = "history.ahead"

log = logging.getLogger("hub.history.ahead")


class Ahead:
    """Notices when the clock steps, at the start, and behind each merge. All calls are made on the event loop."""

    def __init__(
        self,
        *,
        store: HistoryStore,
        files: Files,
        streams: Streams,
        live: Live,
        tail: UnmergedTail,
        outlooks: Outlooks,
        on_damaged: Callable[[StoreDamaged], None],
        worker: Worker,
        troubles: Troubles,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._store = store
        self._files = files
        self._streams = streams
        self._live = live
        self._tail = tail
        self._outlooks = outlooks
        self._on_damaged = on_damaged
        self._worker = worker
        self._troubles = troubles
        self._bus = bus
        self._clock = clock
        self._until: dict[SeriesKey, int] = {}  # Unix ms of the latest sample of an outlet
        self._told = (0, 0)  # outlets, hours
        self._timer: Timer | None = None
        self._ended = False

    def begin(self) -> None:
        """Listen to the clock."""
        self._bus.subscribe(ClockChanged, self._clock_changed, OWNER)

    def end(self) -> None:
        """Nothing more is noticed."""
        self._ended = True
        self._bus.remove_owner(OWNER)
        if self._timer is not None:
            self._timer.cancel()

    def forget(self, device: str) -> None:
        """The device was removed, with its history."""
        self._until = {series: until for series, until in self._until.items() if series.device != device}
        self._tell()

    async def look(self, outlets: Iterable[SeriesKey] | None = None) -> int:
        """Look through these outlets (None = all); returns how many outlets are known to have such samples, 0 while the
        time is uncertain. In history's own thread: while merges wait for it, it must not wait for those who read."""
        if self._ended or not self._clock.certain():
            return 0
        since = self._clock.now() + AHEAD_MS
        for commit in self._tail.commits:
            if commit.certain and commit.at > since:
                self._note(self._outlooks.series_of(commit.streams), commit.at)
        series = list(self._streams.series() if outlets is None else outlets)
        if series and self._files.store_open:
            try:
                found = await self._worker.run(partial(self._stored, series, since))
            except StoreDamaged as error:
                self._on_damaged(error)
            except (StoreError, OSError) as error:
                log.warning("whether samples are dated ahead could not be read: %s", error)
            else:
                for key, until in found.items():
                    self._note([key], until)
        return self._tell()

    def _stored(self, outlets: Iterable[SeriesKey], since: int) -> dict[SeriesKey, int]:
        """In the thread."""
        found = {}
        for series in outlets:
            start = self._store.rollup(series, "1m", since, FOREVER, brief=True).start
            if len(start):
                found[series] = int(start.max()) + MINUTE
        return found

    def _clock_changed(self, event: ClockChanged) -> None:
        if event.certain and event.step_ms < 0:
            for key in self._live.series():  # what the clock has dated last may not be committed yet
                state = self._live.get(key.device, key.channel)
                if state is not None:
                    self._note([key], state.at - event.step_ms)
        self._worker.spawn(self._look_again)

    async def _look_again(self) -> bool:
        await self.look()
        return True

    def _note(self, outlets: Iterable[SeriesKey], until: int) -> None:
        for series in outlets:
            self._until[series] = max(until, self._until.get(series, 0))

    def _tell(self) -> int:
        """Tell what is still ahead, again where it has become more."""
        if self._ended or not self._clock.certain():
            return 0
        now = self._clock.now()
        self._until = {series: until for series, until in self._until.items() if until > now + AHEAD_MS}
        if self._timer is not None:
            self._timer.cancel()
        if not self._until:
            self._told = (0, 0)
            self._troubles.end(DATED_AHEAD)
            return 0
        outlets, latest = len(self._until), max(self._until.values())
        hours = max(round((latest - now) / HOUR), 1)
        if outlets > self._told[0] or hours > self._told[1]:
            self._told = (outlets, hours)
            days = round(hours / 24) if hours > HOURS_TOLD else 0
            self._troubles.again(DATED_AHEAD, outlets=outlets, hours=hours, days=days)
        wait = min(latest - AHEAD_MS - now, LONGEST_WAIT_MS)
        self._timer = self._clock.call_later(wait / 1000, self._tell)
        return outlets
