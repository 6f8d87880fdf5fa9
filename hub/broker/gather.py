"""Reads the plugs' sockets together, so that the hub wakes once for many samples.

A wake-up costs ten times what a sample does: the processor has slept, its caches are cold. While samples come one by
one each is read at once; where they come closer together than that, all sockets are read in turns.
"""

import asyncio
import logging
import os
import select
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.broker.plug import PlugConnection

log = logging.getLogger(__name__)

CALM_S, BUSY_S = 0.1, 0.015  # between two turns: with few reads in a turn; with many, or where somebody waits
BUSY_READS = 12
HURRY_S = 1.0  # for which somebody waits for a plug to say that it has switched
READ_BYTES = 1 << 14  # of one socket in one turn: who sends without a pause holds up the others for so much
AT_ONCE_READS, AT_ONCE_BYTES = 256, 1 << 16  # a turn that brought so much is followed by the next without a wait


class Gather:
    """An epoll of its own below the event loop's. A connection's transport stays its writer: this only reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop, counts: Counter[str]) -> None:
        self._loop = loop
        self._counts = counts
        self._epoll = select.epoll()
        self._connections: dict[int, PlugConnection] = {}
        self._last = 0.0
        self._reads = 0  # of the turn before
        self._hurry = 0.0  # until then
        self._due = 0.0  # when the next turn is
        self._next: asyncio.Handle | None = None
        loop.add_reader(self._epoll.fileno(), self._turn)

    def add(self, fd: int, connection: "PlugConnection") -> None:
        """Read this socket from now on; whoever read it before has stopped. OSError: the system watches no more."""
        try:
            self._epoll.register(fd, select.EPOLLIN)
        except FileExistsError:  # a socket that had this number was closed before it was let go
            self._epoll.modify(fd, select.EPOLLIN)
        self._connections[fd] = connection

    def remove(self, fd: int, connection: "PlugConnection") -> None:
        """Read it no longer. The number may belong to another connection by now."""
        if self._connections.get(fd) is connection:
            del self._connections[fd]
            try:
                self._epoll.unregister(fd)
            except OSError:
                log.debug("socket %d was closed before it was let go", fd)

    def hurry(self) -> None:
        """A plug was asked something and somebody waits for what it says."""
        now = self._loop.time()
        self._hurry = now + HURRY_S
        if self._next is not None and self._due > now + BUSY_S:  # never later: who asks often would stop all reading
            self._next.cancel()
            self._due, self._next = now + BUSY_S, self._loop.call_later(BUSY_S, self._turn)

    def close(self) -> None:
        """Read nothing any more."""
        if self._next is None:
            self._loop.remove_reader(self._epoll.fileno())
        else:
            self._next.cancel()
        self._connections.clear()
        self._epoll.close()

    def _turn(self) -> None:
        reads = taken = 0
        more = False
        for fd, _ in self._epoll.poll(0, AT_ONCE_READS):
            connection = self._connections.get(fd)
            if connection is None:
                continue  # a connection read before it in this turn ended it
            reads += 1
            try:
                size = self._read(fd, connection)
            except Exception:
                # Nothing of one plug may stop the turn: it is the only reader of all others.
                self._counts["read_errors"] += 1
                log.exception("What %s sent ended its connection", connection.hardware_id)
                self.remove(fd, connection)
                connection.transport.abort()
                continue
            taken += size
            more = more or size == READ_BYTES
        if not self._epoll.closed:
            self._wait(reads, taken, more)

    @staticmethod
    def _read(fd: int, connection: "PlugConnection") -> int:
        """Hand on what has arrived; how many bytes that were."""
        try:
            data = os.read(fd, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            data = b""
        if data:
            connection.data_received(data)
        else:
            connection.gone()
        return len(data)

    def _wait(self, reads: int, taken: int, more: bool) -> None:
        """For the next turn: none, a while, or until something comes."""
        now = self._loop.time()
        close, self._last = reads > 1 or now - self._last < CALM_S, now
        # One turn with few reads is a gap between bursts, or the one right after a turn that came late.
        many, self._reads = max(reads, self._reads), reads
        if more or reads >= AT_ONCE_READS or taken >= AT_ONCE_BYTES:
            wait = 0.0
        elif reads and close:
            wait = BUSY_S if many >= BUSY_READS or now < self._hurry else CALM_S
        elif self._next is None:
            return
        else:
            self._next = None
            self._loop.add_reader(self._epoll.fileno(), self._turn)
            return
        if self._next is None:
            self._loop.remove_reader(self._epoll.fileno())
        self._due = now + wait
        self._next = self._loop.call_later(wait, self._turn) if wait else self._loop.call_soon(self._turn)
