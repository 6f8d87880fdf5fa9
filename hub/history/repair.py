"""Repair: what is found damaged while history runs is mended behind a merge, or replaced, and all is read back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from hub.bus import Bus
from hub.events import GapsChanged
from hub.history.editions import Editions
from hub.history.files import Files
from hub.history.gaps import Outage
from hub.history.ledger import Ledger
from hub.history.log import RecordLost
from hub.history.mending import Mending
from hub.history.problems import PIECES, Troubles
from hub.history.readers import Readers
from hub.history.recovery import Recovered
from hub.history.state import State
from hub.history.tail import UnmergedTail
from hub.history.today import Today
from hub.history.worker import Work, Worker
from hub.history.writing import Writer
from hub.messages import HubError
from hub.plugins.contract import HistoryStore, MendableStore, SeriesKey, StoreDamaged, StoreError
from hub.telemetry.buffer import Buffer
from hub.telemetry.streams import Streams

log = logging.getLogger("hub.history")


class Repair:
    """All calls are made on the event loop. What it is given to `commit` and `merge`, and what it does itself, is
    awaited while `worker.writing` is held; `changing` keeps others from deleting meanwhile."""

    def __init__(
        self,
        *,
        store: HistoryStore,
        state: State,
        files: Files,
        mending: Mending,
        streams: Streams,
        buffer: Buffer,
        tail: UnmergedTail,
        today: Today,
        editions: Editions,
        readers: Readers,
        ledger: Ledger,
        writer: Writer,
        worker: Worker,
        troubles: Troubles,
        changing: asyncio.Lock,
        commit: Work,
        merge: Work,
        refresh: Callable[[Iterable[SeriesKey]], Awaitable[None]],
        take_over: Callable[[Recovered], None],
        bus: Bus,
    ) -> None:
        self._store = store
        self._state = state
        self._files = files
        self._mending = mending
        self._streams = streams
        self._buffer = buffer
        self._tail = tail
        self._today = today
        self._editions = editions
        self._readers = readers
        self._ledger = ledger
        self._writer = writer
        self._worker = worker
        self._troubles = troubles
        self._changing = changing
        self._commit = commit
        self._merge = merge
        self._refresh = refresh
        self._take_over = take_over
        self._bus = bus
        self._lost: StoreDamaged | None = None  # the store is beyond repair and not replaced yet
        self.unread = False
        """History begins again, and the disk could not be read yet."""
        self.stopping = False
        """Nothing is begun any more."""

    def look(self) -> None:
        """Something was read: what the store met that does not check is told at once, and mended behind a merge."""
        found = self._mending.look()
        if not found:
            return
        self._troubles.again(PIECES, count=self._mending.met, what=found[0].what)
        raw = [Outage(damage.start, damage.end) for damage in found if damage.tier == "raw" and damage.end]
        self._ledger.damaged = [*self._ledger.damaged, *raw]
        if not self.stopping:
            self._worker.spawn(self._mend)

    def store_damaged(self, error: StoreDamaged) -> None:
        """A read found that the store is beyond repair: it is replaced, once."""
        if self._lost is None and not self.stopping and isinstance(self._store, MendableStore):
            self._lost = error
            self._worker.spawn(self._replace_store)

    async def mend_pieces(self) -> None:
        """While nothing is unmerged. What cannot be done now is done behind the next merge. Raises StoreDamaged."""
        self.look()
        damages = list(self._mending.waiting)
        if not damages:
            return
        try:
            reopened = await self._worker.run(partial(self._mending.mend, damages))
        except StoreDamaged:
            raise
        except (StoreError, OSError) as error:
            log.warning("damaged pieces of the history could not be mended: %s", error)
            return
        del self._mending.waiting[: len(damages)]
        for number, ranges in reopened.items():
            self._streams.reopen(number, ranges)
        harmed = {damage.series for damage in damages}
        await self._refresh(harmed)
        for device in sorted({series.device for series in harmed}):
            self._bus.publish(GapsChanged(device))

    async def begin_again(self, why: RecordLost | StoreDamaged) -> None:
        """Read everything back as at a start: what was acknowledged and is lost is then not acknowledged any more."""
        log.error("history begins again: %s", why)
        self.unread, kept = True, None
        try:
            await self._worker.run(self._files.lose_store if isinstance(why, StoreDamaged) else self._files.close)
        except (StoreError, OSError) as error:  # what could not be set aside is found damaged again
            log.error("a damaged file could not be set aside: %s", error)
            kept = why if isinstance(why, StoreDamaged) else None
        if await self.read_back():
            self._lost = kept  # merges try again, not each read

    async def replace(self, swap: Callable[[], None]) -> None:
        """`swap` puts other files in the place of store and state while all are closed; then everything is read back.
        Called while the store is at rest. Raises HubError("history-not-at-rest"), OSError."""
        async with self._worker.writing:
            if not await self._commit():
                raise HubError("history-not-at-rest")
            self.unread = True
            try:
                await self._worker.run(self._files.close)
                await self._worker.run(swap)
            finally:
                await self.read_back()
            await self._refresh(self._streams.series())

    async def read_back(self) -> bool:
        """Where history begins again: False as long as the disk cannot be read."""
        if not self.unread:
            return True
        known = Streams()
        try:
            found = await self._worker.run(partial(self._files.open, known))
        except (HubError, OSError) as error:
            await self._worker.run(self._files.close)
            return self._writer.refused(str(error))
        self.unread = False
        self._readers.store += 1
        self._lost = None
        self._mending.forget()
        self._streams.replace(known)
        self._buffer.take()  # named by streams that are no more; not acknowledged, so the plugs send it again
        self._tail.reset()
        if self.stopping and self._files.mended.store is not None:  # nobody is there any more to be told
            await self._worker.run(partial(self._state.keep_untold, self._files.mended.store))
        self._take_over(found)
        with self._editions.change(self._streams.series()):
            pass  # what readers remember is no longer so
        self._today.complete = False
        return True

    async def _mend(self) -> bool:
        async with self._changing, self._worker.writing:
            return not self._mending.waiting or (await self._commit() and await self._merge())

    async def _replace_store(self) -> bool:
        async with self._changing, self._worker.writing:
            if self._lost is None:
                return True
            await self._commit()
            if self._lost is not None:
                await self.begin_again(self._lost)
            await self._refresh(self._streams.series())
            return True
