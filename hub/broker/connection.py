"""What every MQTT connection has: its transport, its buffer, signs of life, and one end."""

import asyncio
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.broker.lane import Lane

PROBE_SECONDS = 300
WRITING, BEHIND, RATE = 1, 2, 4  # why nothing is read: it does not take answers; we are behind; it sends too fast


def probe(transport: Any) -> None:
    """Let TCP find out that the other end is gone, where MQTT's keepalive does not."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_SECONDS)


class Connection(asyncio.Protocol):
    """A socket of the lane. `transport.set_protocol` makes a Door into a plug or a client once it has logged in."""

    __slots__ = (
        "active",
        "buffer",
        "ended",
        "held",
        "host",
        "keepalive",
        "lane",
        "last",
        "listener",
        "needed",
        "paused_since",
        "peer",
        "refusal",
        "taken",
        "transport",
    )

    def __init__(self, lane: "Lane", listener: str) -> None:
        self.lane = lane
        self.listener = listener
        self.transport: Any = None  # asyncio.Transport; uvloop's is not derived from it
        self.peer = self.host = ""
        self.refusal = ""  # why its CONNECT will be refused, whatever it says
        self.active = True  # something arrived since the last sweep; spares a look at the clock for each read
        self.last = lane.clock.monotonic()
        self.keepalive = 0
        self.buffer = bytearray()  # a packet that has not arrived in full
        self.needed = 0  # the buffer is not looked at before it holds so many bytes
        self.ended = False
        self.held = 0
        self.taken = 0  # packets of this second, and what was over in those before
        self.paused_since: float | None = None

    def take_over(self, other: "Connection") -> None:
        """Become the protocol of another connection's transport."""
        self.transport, self.peer, self.host, self.refusal = other.transport, other.peer, other.host, other.refusal
        self.transport.set_protocol(self)
        self.lane.replace(other, self)

    def arrived(self, data: bytes) -> bytes:
        """The bytes to look at: what waited and what came; empty while the packet under way is not complete."""
        self.active = True
        if not self.buffer:
            return data
        self.buffer += data
        if len(self.buffer) < self.needed:
            return b""
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def rest(self, data: bytes, at: int, end: int = 0) -> None:
        """Keep what is not complete: the packet that begins at `at` and will end at `end` (0 = not known yet)."""
        if at < len(data):
            self.buffer += data[at:]
        self.needed = end - at if end else 0

    def pause_writing(self) -> None:
        """The other end reads too slowly: take nothing more from it, so that answers do not pile up."""
        self.paused_since = self.lane.clock.monotonic()
        self.hold(WRITING)

    def resume_writing(self) -> None:
        self.paused_since = None
        self.release(WRITING)

    def hold(self, why: int) -> None:
        """Read nothing until `release` was called for every reason."""
        if not self.held and not self.transport.is_closing():
            self.stop_reading()
        self.held |= why

    def release(self, why: int) -> None:
        """This reason to read nothing is gone."""
        if not self.held & why:
            return
        self.held &= ~why
        self.active = True  # it could not show signs of life
        if not self.held and not self.transport.is_closing():
            self.go_on_reading()

    def stop_reading(self) -> None:
        """Let arrive in the socket what arrives."""
        self.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read what has arrived, and what comes."""
        self.transport.resume_reading()

    def throttle(self) -> None:
        """More packets than a second may bring: what follows waits in the other end's socket, and nothing is lost."""
        if not self.held & RATE:
            self.lane.counts["throttled"] += 1
            self.hold(RATE)

    def check_life(self, now: float) -> None:
        """Called at every sweep, once a second."""
        if self.taken:
            self.taken = max(0, self.taken - self.lane.limits.rate)
        if self.held & RATE:
            self.active = True
            if self.taken <= self.lane.limits.rate:
                self.release(RATE)
        if self.active:
            self.active, self.last = False, now
        if self.ended:
            if now - self.last > self.lane.limits.stuck_time:
                self.transport.abort()  # it does not even take what was left to send
        elif self.paused_since is not None and now - self.paused_since > self.lane.limits.stuck_time:
            self.lane.counts["refused:stuck"] += 1
            self.end("refused")
        elif self.keepalive and now - self.last > self.keepalive * 1.5:
            self.end("keepalive")

    def end(self, cause: str, will: bool = True) -> None:
        """Close, once. `will`: send the will, if there is one."""
        raise NotImplementedError

    def refuse(self, reason: str) -> None:
        """End because of what came in."""
        self.lane.counts["refused:" + reason] += 1
        self.end("refused")

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("lost")
        self.lane.left(self)


class Waiting(Connection):
    """A connection that has not logged in: it has `connect_time` seconds, and has nothing to say when it ends."""

    __slots__ = ()

    def connection_made(self, transport: object) -> None:
        self.transport = transport
        peer = self.transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else "local"
        if self.lane.admit(self):
            self.admitted()
        else:
            self.end("refused")

    def admitted(self) -> None:
        """It may stay."""

    def adopt(self, other: Connection, transport: object) -> None:
        """Go on where `other` stops, over another transport, within the same time."""
        self.peer, self.host, self.refusal, self.last = other.peer, other.host, other.refusal, other.last
        self.transport = transport
        self.transport.set_protocol(self)
        self.lane.moved(other, self)
        self.admitted()

    def check_life(self, now: float) -> None:
        if self.ended:
            super().check_life(now)
        elif now - self.last > self.lane.limits.connect_time:
            self.refuse("connect_time")

    def end(self, cause: str, will: bool = True) -> None:
        if not self.ended:
            self.ended = True
            self.transport.abort()
