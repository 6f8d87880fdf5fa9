"""Rebuilding the state of a long history beside everything else: the hub receives and commits, and merges behind it."""

import asyncio
import contextlib
import logging
from itertools import chain, repeat

from hub.bus import Bus
from hub.events import GapsChanged
from hub.history.files import Files, Unbuilt
from hub.history.problems import REBUILD_WAITS, REBUILDING, Troubles
from hub.history.repair import Repair
from hub.history.salvage import Stopped
from hub.history.salvaging import AGAIN_S
from hub.history.worker import Work, Worker
from hub.messages import HubError
from hub.plugins.contract import StoreDamaged, StoreError
from hub.telemetry.streams import Streams

WAIT_S = 60.0  # until the disk is asked again that refused what must be committed first

log = logging.getLogger("hub.history.rebuild")


class Rebuilding:
    """All calls are made on the event loop. `changing` is held all the time: nothing is merged or deleted, and no
    backup begun, while the store is read. `merge` is awaited while `worker.writing` is held."""

    def __init__(
        self,
        *,
        files: Files,
        streams: Streams,
        repair: Repair,
        worker: Worker,
        troubles: Troubles,
        changing: asyncio.Lock,
        merge: Work,
        bus: Bus,
    ) -> None:
        self._files = files
        self._streams = streams
        self._repair = repair
        self._worker = worker
        self._troubles = troubles
        self._changing = changing
        self._merge = merge
        self._bus = bus
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def look(self) -> None:
        """The files were opened: what the state lacks is read from now on, or it lacks nothing any more."""
        if self._files.unbuilt is None and self._files.lacking is None:
            self._troubles.end(REBUILDING)
            self._troubles.end(REBUILD_WAITS)
            return
        if self._files.unbuilt is not None:
            self._troubles.end(REBUILD_WAITS)
            self._troubles.begin(REBUILDING, share=0)
        if self._task is None and not self._stopping.is_set():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def settled(self) -> None:
        """When nothing is rebuilt."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Break off; the next start begins anew."""
        self._stopping.set()
        if self._files.unbuilt is not None:
            self._files.unbuilt.progress.stopping.set()
        await self.settled()

    async def _run(self) -> None:
        try:
            reason = self._files.lacking or await self._attempt()
            for seconds in chain(AGAIN_S, repeat(AGAIN_S[-1])):
                if reason is None:
                    break
                self._put_off(reason, seconds)
                await self._wait(seconds)
                if self._stopping.is_set():
                    break
                reason = await self._attempt()
        finally:
            self._task = None

    async def _attempt(self) -> str | None:
        """Why it does not go now; None = it is done, or nobody waits for it any more."""
        try:
            async with self._changing:
                if self._files.unbuilt is None and self._files.lacking is not None:
                    await self._taken_over()
                if self._files.unbuilt is not None:
                    await self._rebuild(self._files.unbuilt)
        except Stopped:
            log.warning("the hub ends before the history state is made anew; the next start begins with it again")
        except StoreDamaged as error:
            self._repair.store_damaged(error)
        except (StoreError, OSError) as error:
            return str(error)
        except Exception as error:
            log.exception("the history state could not be rebuilt from the store")
            return repr(error)
        else:
            return self._files.lacking
        return None

    async def _rebuild(self, unbuilt: Unbuilt) -> None:
        loop = asyncio.get_running_loop()

        def tell(share: int) -> None:
            loop.call_soon_threadsafe(self._told, share)

        unbuilt.progress.tell = tell
        await asyncio.to_thread(unbuilt.rebuilder.read)
        await self._taken_over()
        async with self._worker.writing:
            await self._merge()
        for device in sorted({series.device for series in self._streams.series()}):
            self._bus.publish(GapsChanged(device))

    async def _taken_over(self) -> None:
        """What was read becomes the state as the files are opened again. Raises Stopped, OSError."""
        while not self._stopping.is_set():
            try:
                await self._repair.replace(lambda: None)
                return
            except HubError as error:
                log.warning("the history state waits to be made anew: %s", error)
            await self._wait(WAIT_S)
        raise Stopped

    def _told(self, share: int) -> None:
        if self._files.unbuilt is not None:
            self._troubles.again(REBUILDING, share=share)

    def _put_off(self, reason: str, seconds: float) -> None:
        """History goes on with what the state knows, and people are told what it waits for."""
        log.error("the history state cannot be made anew now, next try in %d s: %s", seconds, reason)
        self._files.unbuilt, self._files.lacking = None, reason
        self._troubles.end(REBUILDING)
        self._troubles.again(REBUILD_WAITS, reason=reason, minutes=round(seconds / 60))

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
