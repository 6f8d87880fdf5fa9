"""The door of the web server: how many connections may be open, in all and from one host, before a byte is read."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import cast

from hub.api.addresses import Networks
from hub.broker.limits import host_key

IDLE_S = 75.0
"""For so long a connection may say nothing, or be at the head of its request."""
HANDSHAKE_S = 20.0
PER_HOST = 600
TOTAL = 4000


class Door:
    """Makes the protocol of each new connection. One too many is closed at once: it costs a stranger as much as the
    hub. Trusted proxies speak for many, and count only in all."""

    def __init__(
        self,
        inside: Callable[[], asyncio.Protocol],
        proxies: Networks,
        *,
        per_host: int = PER_HOST,
        total: int = TOTAL,
    ) -> None:
        self._inside = inside
        self._proxies = proxies
        self._per_host = per_host
        self._total = total
        self._open: Counter[str] = Counter()
        self._all = 0
        self.refused = 0

    def __call__(self) -> asyncio.Protocol:
        """For `loop.create_server`."""
        return _Visitor(self, self._inside)

    def enter(self, address: str) -> str | None:
        """As whom the visitor is counted until it leaves; None: there is no room."""
        host = host_key(address)
        if self._all >= self._total or (self._open[host] >= self._per_host and address not in self._proxies):
            self.refused += 1
            return None
        self._all += 1
        self._open[host] += 1
        return host

    def leave(self, host: str) -> None:
        """The connection is gone."""
        self._all -= 1
        self._open[host] -= 1
        if not self._open[host]:
            del self._open[host]


class _Visitor(asyncio.Protocol):
    """Hands on everything, once it was let in."""

    __slots__ = ("_door", "_host", "_inside", "_make")

    def __init__(self, door: Door, make: Callable[[], asyncio.Protocol]) -> None:
        self._door = door
        self._make = make
        self._host: str | None = None
        self._inside: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._host = self._door.enter(peer[0] if peer else "")
        if self._host is None:
            cast(asyncio.WriteTransport, transport).abort()
            return
        self._inside = self._make()
        self._inside.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._inside is not None:
            self._inside.connection_lost(error)
            self._inside = None
        if self._host is not None:
            self._door.leave(self._host)
            self._host = None

    def data_received(self, data: bytes) -> None:
        if self._inside is not None:
            self._inside.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._inside is None else self._inside.eof_received()

    def pause_writing(self) -> None:
        if self._inside is not None:
            self._inside.pause_writing()

    def resume_writing(self) -> None:
        if self._inside is not None:
            self._inside.resume_writing()
