"""Reader threads: queries decode and read SQLite there, never on the event loop nor in the thread that commits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hub.plugins.contract import StoreDamaged

THREADS = 4

T = TypeVar("T")


class Readers:
    """A few threads that all questions to history share."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="history-reader")
        self.store = 0
        """Counts the stores: what one said that is no more is no news."""
        self.after: Callable[[], None] | None = None
        self.on_damaged: Callable[[StoreDamaged], None] | None = None

    async def run(self, call: Callable[[], T]) -> T:
        """Call it in one of the threads."""
        store = self.store
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except StoreDamaged as error:
            if store == self.store and self.on_damaged is not None:
                self.on_damaged(error)
            raise
        finally:
            if self.after is not None:
                self.after()

    def close(self) -> None:
        """Wait for what is being read, and end the threads. Blocking."""
        self._pool.shutdown()
