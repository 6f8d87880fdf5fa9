"""Upkeep: forgets what is older than retention, and the oldest raw samples where the disk runs short."""

import logging
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec

from hub.history.calendar import DAY, HOUR
from hub.history.files import Files
from hub.history.merge import row
from hub.history.problems import DISK_LOW, SPACE, Troubles
from hub.history.retention import Retention, expire
from hub.history.state import State, StreamRow
from hub.history.worker import Worker
from hub.plugins.contract import MINUTES, HistoryStore, MendableStore, SeriesKey, StoreDamaged, StoreError
from hub.telemetry.stream import MOST_NOTES, Stream
from hub.telemetry.streams import Streams

STEP = 6 * HOUR  # of raw samples that are given up at once
WORTH = 1 << 20  # bytes of raw chunks below which giving them up helps nobody
FOREVER = (1 << 62) - 1
EASED = 20  # a problem ends with this part of the reserve more, else it would come and go with every commit
RESERVE = 200 << 20  # bytes of the disk that history leaves free, of a small one a tenth

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
        self._worker = worker
        self._troubles = troubles
        self._retention = retention
        self._done_on = 0  # day

    async def daily(self, now: int) -> None:
        """Once a day: forget what is older than retention. `now`: Unix ms of a clock that is certain."""
        if now // DAY == self._done_on or not self._files.store_open:
            return
        self._done_on = now // DAY
        try:
            # A plug that was away for long has no stream any more, but may have history that is kept longer.
            series = set(self._streams.series())
            if isinstance(self._store, MendableStore):
                series.update(await self._worker.run(self._store.contents))
            own = {each: self._retention(each) for each in series}
            if not own:
                return
            gone = await self._worker.run(partial(expire, self._forgetting, now, own))
            if any(gone.gone.values()):
                log.info("removed what is older than retention: %s", gone.gone)
            await self._prune(now, list(own.values()))
        except StoreDamaged:
            raise
        except (StoreError, OSError) as error:
            log.warning("old history could not be removed: %s", error)

    async def watch(self, newest: int) -> None:
        """`make_room` as soon as the disk is found nearly full: a commit may need room long before a merge is due. What
        was told already waits for the next merge, and ends as soon as there is room again."""
        if not self._troubles.holds(DISK_LOW) and not self._troubles.holds(SPACE):
            await self.make_room(newest)
            return
        try:
            free = await self._worker.run(partial(_free, self._folder))
        except OSError as error:
            log.warning("how much room the disk has could not be asked: %s", error)
            return
        if free >= self._reserve + self._reserve // EASED:
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
        """In the thread."""
        room = Room(_free(self._folder))
        if room.free >= self._reserve or not self._files.store_open or self._store.stats().raw_bytes < WORTH:
            return room
        last = newest - DAY
        for before in range(oldest, last + 1, STEP):
            gone = self._forgetting.delete(None, "raw", before)
            if gone:
                room.gone, room.until, room.free = room.gone + gone, before, _free(self._folder)
            if room.free >= self._reserve:
                break
        return room

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
