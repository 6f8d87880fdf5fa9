"""Calls that may never return, as those to a network drive that does not answer: nobody has to wait for them."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

MOST = 8  # calls that have not returned; no more are made then

T = TypeVar("T")


class Apart:
    """Makes each call in a thread of its own, which does not keep the process from ending. Used on the event loop."""

    def __init__(self) -> None:
        self.open = 0
        """Calls that have not returned."""

    def call(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """What it returns or raises; whoever gives up waiting leaves the thread to itself. Raises TimeoutError where
        too many have not returned.

        The thread is not niced: one that waits for a CPU while it holds the interpreter makes everybody wait."""
        if self.open >= MOST:
            raise TimeoutError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self.open += 1

        def returned(tell: Callable[[Any], None], result: Any) -> None:
            self.open -= 1
            if not answer.done():
                tell(result)

        def run() -> None:
            try:
                told: tuple[Callable[[Any], None], Any] = answer.set_result, work()
            except Exception as error:
                told = answer.set_exception, error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(returned, *told)

        threading.Thread(target=run, name="backup", daemon=True).start()
        return answer
