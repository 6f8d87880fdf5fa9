"""Bounds on everything that a stranger could make grow, and the back-off after wrong logins."""

import ipaddress

import msgspec

REMEMBERED_HOSTS = 10_000


class Limits(msgspec.Struct, frozen=True):
    """Sizes in bytes, times in seconds. What is over is refused and counted."""

    packet: int = 256 * 1024  # at least 16 KiB: below that a plug's packets are not measured
    other_packet: int = 16 * 1024  # every one but PUBLISH
    topic: int = 1024
    connect_time: float = 10
    connections: int = 5000
    connections_per_host: int = 2500
    surplus: int = 64  # connections over these two that are still told so (CONNACK 3); others are closed at once
    waiting: int = 2500  # connections that have not logged in; beyond it the oldest one goes
    waiting_websockets: int = 64  # of them those over WebSocket, whose first message may be as large as `packet`
    free_failures: int = 20  # wrong logins of one host before the back-off begins
    longest_backoff: float = 60
    inflight: int = 64  # unacknowledged QoS 1 and 2 messages of a connection, each way
    queued: int = 1000  # messages that wait for a client, connected or away
    queued_bytes: int = 1024 * 1024
    rate: int = 5000  # packets a second of a connection; beyond it nothing is read from it for a while
    write_buffer: int = 64 * 1024
    stuck_time: float = 30  # a reader that takes nothing for so long is cut off
    subscriptions: int = 5000  # of a session
    filters: int = 50_000  # of all sessions together
    status: int = 16 * 1024  # of a plug; a longer one is not retained
    retained: int = 10_000
    retained_bytes: int = 16 * 1024 * 1024
    sessions: int = 200  # of clients that are away
    sessions_bytes: int = 32 * 1024 * 1024  # of all that waits for them
    session_age: float = 7 * 86400


class FailedLogins:
    """Wrong logins by host: after `free` of them every further one blocks the host twice as long as the last."""

    def __init__(self, free: int, longest: float) -> None:
        self._free = free
        self._longest = longest
        self._hosts: dict[str, tuple[int, float]] = {}  # host -> (failures, blocked until)

    def failed(self, host: str, now: float) -> None:
        """A wrong login came from there."""
        count = self._hosts.pop(host, (0, now))[0] + 1
        block = min(2.0 ** min(count - self._free, 30), self._longest) if count > self._free else 0.0
        if len(self._hosts) >= REMEMBERED_HOSTS:
            del self._hosts[next(iter(self._hosts))]
        self._hosts[host] = count, now + block

    def blocked(self, host: str, now: float) -> bool:
        """Is it still too early to try again?"""
        return now < self._hosts.get(host, (0, now))[1]

    def forget(self, now: float) -> None:
        """Drop the hosts that have been quiet for twice the longest back-off."""
        quiet = now - 2 * self._longest
        for host in [host for host, (_, until) in self._hosts.items() if until < quiet]:
            del self._hosts[host]


def host_key(address: str) -> str:
    """What counts as one host: an IPv4 address, or the /64 network of an IPv6 address."""
    if ":" not in address:
        return address
    try:
        ip = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))
