"""Upkeep: forgets what is older than retention, and the oldest raw samples where the disk runs short."""

import logging
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec

from hub.history.calendar import DAY, HOUR
from hub.history.files import Files
from hub.history.ledger import Ledger
from hub.history.outlook import row
from hub.history.problems import DISK_LOW, SPACE, Troubles
from hub.history.retention import Retention, expire
from hub.history.state import State, StreamRow
from hub.history.worker import Worker
from hub.plugins.contract import (
    MINUTES,
    HistoryStore,
    MendableStore,
    SeriesKey,
    ShrinkingStore,
    StoreDamaged,
    StoreError,
)
from hub.telemetry.stream import MOST_NOTES, Stream
from hub.telemetry.streams import Streams

STEP = 6 * HOUR  # of raw samples that are given up at once
WORTH = 1 << 20  # bytes of raw chunks below which giving them up helps nobody
FOREVER = (1 << 62) - 1
EASED = 20  # a problem ends with this part of the reserve more, else it would come and go with every commit
RESERVE = 200 << 20  # bytes of the disk that history leaves free, of a small one a tenth
SLICE = 1 << 20  # bytes of the store that are given back at once: a commit that is due then waits so long
JOURNAL = 4  # of what is free, so much at most is given back at once: the journal of it may take twice as much
LEAST = 16 << 10  # bytes given back at once where nothing is free: the journal has that much room from before
AT_ONCE = 16  # slices before a merge that may need them; what more is to be had comes with the next commits
NIGHTLY = 64 << 20  # bytes a day: a card wears, and three times as much is written

log = logging.getLogger("hub.history.upkeep")


class Room(msgspec.Struct):
    """The disk: bytes free, and what was given up for it: samples, and up to when (Unix ms)."""

    free: int
    gone: int = 0
    until: int | None = None


class Noting:
    """Deletes of the store and notes it, so that nobody takes what was removed for lost."""

    def __init__(self, store: HistoryStore, state: State) -> None:
        self._store = store
        self._state = state

    def delete(self, series: SeriesKey | None, tier: str, before: int) -> int:
        """As HistoryStore.delete. Noted first: a crash between would leave a hole that nobody explains."""
        self._state.keep_removed(tier, before, series)
        return self._store.delete(series, tier, before)


class Upkeep:
    """Awaited on the event loop while `worker.writing` is held and nothing is unmerged that was committed."""

    def __init__(
        self,
        *,
        folder: Path,
        reserve: int,
        store: HistoryStore,
        state: State,
        files: Files,
        streams: Streams,
        ledger: Ledger,
        worker: Worker,
        troubles: Troubles,
        retention: Callable[[SeriesKey], Retention],
    ) -> None:
        self._folder = folder
        self._reserve = reserve  # bytes of the disk that history leaves free
        self._store = store
        self._forgetting = Noting(store, state)
        self._state = state
        self._files = files
        self._streams = streams
        self._ledger = ledger
        self._worker = worker
        self._troubles = troubles
        self._retention = retention
        self._done_on = 0  # day
        self._looked: float | None = None  # then, s of the monotonic clock
        self._today = 0  # bytes that may still be given back

    async def daily(self, now: int, monotonic: float) -> None:
        """Once a day: forget what is older than retention. `now`: Unix ms of a clock that is certain; monotonic: s."""
        if now // DAY == self._done_on or not self._files.store_open:
            return
        self._done_on = now // DAY
        self._today = 0
        try:
            # A plug that was away for long has no stream any more, but may have history that is kept longer.
            series = set(self._streams.series())
            if isinstance(self._store, MendableStore):
                series.update(await self._worker.run(self._store.contents))
            own = {each: self._retention(each) for each in series}
            until = await self._worker.run(partial(self._until, now, monotonic)) if own else None
            if until is None:
                return
            # What goes now is room for what comes until tomorrow: given back, the file would only grow again.
            self._today = min(NIGHTLY, await self._worker.run(partial(self._given_back, 0)))
            gone = await self._worker.run(partial(expire, self._forgetting, until, own))
            if any(gone.gone.values()):
                log.info("removed what is older than retention: %s", gone.gone)
            await self._prune(until, list(own.values()))
        except StoreDamaged:
            raise
        except (StoreError, OSError) as error:
            log.warning("old history could not be removed: %s", error)

    def _until(self, now: int, monotonic: float) -> int | None:
        """In the thread: the time by which age is counted today; None = it was done today. A clock that is weeks ahead
        may be set right before long, and what it took would be gone: one day goes a day, and while the hub runs as many
        more as have passed."""
        before, until = self._ledger.expired
        if before // DAY == now // DAY:
            return None
        passed = 0 if self._looked is None else round((monotonic - self._looked) * 1000)
        self._looked = monotonic
        until = min(now, until + DAY + passed) if until else now
        self._state.keep_expired(now, until)
        self._ledger.expired = now, until
        return until

    async def watch(self, newest: int) -> None:
        """Behind a commit. `make_room` as soon as the disk is found nearly full: a commit may need room long before a
        merge is due. What was told already waits for the next merge, and ends as soon as there is room again. What the
        night has freed goes back to the disk slice by slice."""
        low = self._troubles.holds(DISK_LOW) or self._troubles.holds(SPACE)
        if not low:
            await self.make_room(newest)
        eased = self._reserve + self._reserve // EASED
        try:
            if low:
                free = await self._worker.run(partial(self._shrunk, eased, 1))
            elif self._today > 0:
                given = await self._worker.run(self._slice)
                self._today = self._today - given if given else 0
        except StoreDamaged:
            raise
        except (StoreError, OSError) as error:
            log.warning("the disk's room could not be looked after: %s", error)
            return
        if low and free >= eased:
            self._troubles.end(SPACE)
            self._troubles.end(DISK_LOW)

    async def make_room(self, newest: int) -> None:
        """Where the disk is nearly full, the oldest raw samples go, never the last day before `newest` (Unix ms)."""
        longest = max((self._retention(series).kept("raw") for series in self._streams.series()), default=DAY)
        try:
            room = await self._worker.run(partial(self._make_room, newest, newest - longest))
        except StoreDamaged:
            raise
        except (StoreError, OSError) as error:
            log.warning("no room could be made: %s", error)
            return
        if room.until is not None:
            log.warning("gave up %d raw samples to make room", room.gone)
            self._troubles.again(SPACE, free=room.free >> 20, until=room.until)
        elif room.free < self._reserve and not self._troubles.holds(SPACE):
            self._troubles.begin(DISK_LOW, free=room.free >> 20)
        if room.free >= self._reserve:
            self._troubles.end(SPACE)
            self._troubles.end(DISK_LOW)

    def _make_room(self, newest: int, oldest: int) -> Room:
        """In the thread. Samples go only for room that the store cannot give back without."""
        room = Room(_free(self._folder))
        if room.free >= self._reserve or not self._files.store_open:
            return room
        spare = self._given_back(0)
        worth = self._store.stats().raw_bytes >= WORTH
        first = min((known.first_at for _, known in self._state.all_series() if known.first_at), default=0)
        for before in range(max(oldest, first), newest - DAY + 1, STEP) if worth else ():
            if room.free + spare >= self._reserve:
                break
            gone = self._forgetting.delete(None, "raw", before)
            if gone:
                room.gone, room.until, room.free = room.gone + gone, before, _free(self._folder)
                spare = self._given_back(0)
        room.free = self._shrunk(self._reserve, AT_ONCE)
        return room

    def _shrunk(self, wanted: int, slices: int) -> int:
        """In the thread: bytes free, after so many slices at most were given back to have what is wanted."""
        free = _free(self._folder)
        try:
            spare = self._given_back(0) if free < wanted else 0
            while slices and spare and free < wanted:
                spare = self._given_back(SLICE)
                free, slices = _free(self._folder), slices - 1
        except StoreDamaged:
            raise
        except StoreError as error:  # what was given up for it is told all the same
            log.warning("freed space could not be given back: %s", error)
        return free

    def _slice(self) -> int:
        """In the thread: bytes given back."""
        before = self._given_back(0)
        return before - self._given_back(min(SLICE, self._today))

    def _given_back(self, most: int) -> int:
        """In the thread: give back so many bytes of the store at most; how many more could be."""
        if not isinstance(self._store, ShrinkingStore) or not self._files.store_open:
            return 0
        # The store's journal comes first: where it does not fit, it fails and keeps what was left of the disk.
        return self._store.give_back(min(most, max(_free(self._folder) // JOURNAL, LEAST)))

    async def _prune(self, now: int, kept: list[Retention]) -> None:
        """Streams, offsets and gaps of which nothing is kept any more."""
        if not isinstance(self._store, MendableStore):
            return
        contents = await self._worker.run(self._store.contents)
        held = {(series.device, series.channel, run) for series, runs in contents.items() for run in runs}
        raw_from = now - max(retention.kept("raw") for retention in kept)
        held |= await self._worker.run(partial(self._beside_gaps, contents, raw_from))
        idle = [stream for stream in self._streams.idle() if not held & {stream.key, *_kin(stream)}]
        shorter = [trimmed for s in self._streams.every() if (trimmed := _trimmed(s, raw_from)) is not None]
        gaps_before = now - max(retention.kept("15m") for retention in kept)
        await self._worker.run(partial(self._state.prune, [stream.number for stream in idle], shorter, gaps_before))
        self._streams.drop(idle)

    def _beside_gaps(self, series: Iterable[SeriesKey], since: int) -> set[tuple[str, int, str]]:
        """In the thread: the runs at the ends of gaps that reach beyond `since`. Their energy may be counted anew, and
        for that it must be known whose counter it was."""
        found = set()
        for each in series:
            for gap in self._state.gaps(each, since, FOREVER):
                found |= {(each.device, each.channel, end.run) for end in (gap.left, gap.right, *gap.inside) if end}
        return found


def spared(folder: Path) -> int:
    """Bytes of this disk that history leaves to others. The folder need not be there yet."""
    space = os.statvfs(next(each for each in (folder, *folder.absolute().parents) if each.exists()))
    return min(RESERVE, space.f_blocks * space.f_frsize // 10)


def _free(folder: Path) -> int:
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize


def _kin(stream: Stream) -> list[tuple[str, int, str]]:
    """The run and its minutes go together."""
    device, channel, run = stream.key
    return [(device, channel, run.removesuffix(MINUTES)), (device, channel, run.removesuffix(MINUTES) + MINUTES)]


def _trimmed(stream: Stream, raw_from: int) -> StreamRow | None:
    """Without the offsets and notes that only samples older than `raw_from` need; None = there are none."""
    points = stream.offsets.wall.points
    old = sum(up + offset < raw_from for up, offset in points) - 1  # the last of them dates what follows
    if old <= 0 and len(stream.notes) <= MOST_NOTES:
        return None
    if old > 0:
        del points[:old]
    stream.trim_notes(MOST_NOTES)
    return row(stream)
