"""One backup of the running hub, with history or, where that may go well, without; given up when nothing goes on."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from hub.backup.apart import Apart
from hub.backup.catalog import Item
from hub.backup.copying import Job, Order
from hub.backup.keys import Keys
from hub.backup.pace import Pace
from hub.backup.target import FolderTarget
from hub.messages import HubError, Message

SILENT_S = 1800.0  # without any progress. A slow disk may take minutes to bring what it was given to its place
WITHOUT = (
    "backup-source-damaged",
    "backup-source-unreadable",
    "backup-space-short",
    "backup-no-space",
    "backup-file-too-large",
    "backup-history-elsewhere",
    "history-not-at-rest",
    "history-rebuilding",
)
"""What may go well where history stays out: the registry is kept always."""

Rest = Callable[[], AbstractAsyncContextManager[Sequence[Path]]]
"""History's files, which nobody changes until the block ends."""


class Maker:
    """All calls are made on the event loop; the work is done in a thread of its own."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._jobs = Apart()

    @property
    def stuck(self) -> bool:
        """Is there a job, given up or not, that has not ended? It would meet the next one's files when it goes on."""
        return self._jobs.open > 0

    async def make(
        self, order: Order, target: FolderTarget, keys: Keys, pace: Pace, *, history: bool
    ) -> tuple[Item, Message | None]:
        """The archive, and why history is not in it. Raises HubError, Stopped."""
        left_out: Message | None = None
        try:
            if history:
                try:
                    return await self._attempt(Job(order, target, keys, pace), pace, with_history=True), None
                except HubError as error:
                    if error.id not in WITHOUT:
                        raise
                    left_out = error.message
            return await self._attempt(Job(order, target, keys, pace), pace, with_history=False), left_out
        except TimeoutError as error:
            raise silent(target) from error

    async def _attempt(self, job: Job, pace: Pace, *, with_history: bool) -> Item:
        """Raises TimeoutError when it does not go on any more, and as the job does."""
        loop = asyncio.get_running_loop()
        copied: asyncio.Future[None] = loop.create_future()
        made: asyncio.Future[Item] | None = None

        def work(files: Sequence[Path] | None) -> Item:
            try:
                job.copy(files)
                loop.call_soon_threadsafe(copied.set_result, None)
                return job.finish()
            finally:
                job.close()

        try:
            async with contextlib.AsyncExitStack() as stack:
                files = await stack.enter_async_context(self._rest()) if with_history else None
                made = self._jobs.call(partial(work, files))
                await _going(pace, made, copied)
            await _going(pace, made)
            return made.result()
        finally:
            if made is not None and not made.done():  # given up: what it still does is for nothing
                pace.stop()
                made.cancel()


def silent(target: FolderTarget) -> HubError:
    """It does not answer."""
    return HubError("backup-target-silent", folder=str(target.folder))


async def _going(pace: Pace, *awaited: "asyncio.Future[Any]") -> None:
    """Until one of them is done. Raises TimeoutError when nothing goes on any more."""
    while True:
        before = msgspec.structs.replace(pace.progress)
        done, _ = await asyncio.wait(awaited, timeout=SILENT_S, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return
        if pace.progress == before:
            raise TimeoutError
