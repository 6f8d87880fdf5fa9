"""Reader threads: queries decode and read SQLite there, never on the event loop nor in the thread that commits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS = 4

T = TypeVar("T")


class Readers:
    """A few threads that all questions to history share."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="history-reader")

    async def run(self, call: Callable[[], T]) -> T:
        """Call it in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        """Wait for what is being read, and end the threads. Blocking."""
        self._pool.shutdown()
