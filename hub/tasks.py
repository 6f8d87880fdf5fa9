"""What a part of the hub does beside: tasks that are kept until they have ended, and of which none fails unheard."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """The tasks of one part. `failed`: what its log says where one raises."""

    def __init__(self, log: logging.Logger, failed: str) -> None:
        self._log = log
        self._failed = failed
        self._tasks: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, object], name: str | None = None) -> None:
        """Begin it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def settled(self) -> None:
        """Wait until all that have begun have ended. They go on where this is cancelled."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def cancel(self) -> None:
        """End them, and wait until they have ended."""
        for task in tuple(self._tasks):
            task.cancel()
        await self.settled()

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error(self._failed, exc_info=error)
