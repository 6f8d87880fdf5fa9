"""How another device in the home reaches the hub: the one place where links and addresses for others are made."""

import ipaddress
import socket
from collections.abc import Sequence

import msgspec

from hub.api.hosts import host_name, port_of
from hub.api.https import Https
from hub.auth.certificates.names import PLAIN, own_addresses
from hub.loopback import is_here

SOMEWHERE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737): which of the machine's own it would be asked from, the system knows."""


class Reach(msgspec.Struct, frozen=True):
    """name: as what mDNS announces the hub. alone: it listens on this machine only, nobody else can reach it."""

    name: str = f"{PLAIN}.local"
    alone: bool = False

    def host(self, asked: str) -> str | None:
        """For another device, without the port: what whoever asks has reached the hub by (a Host header), unless that
        means "this machine"; then its address in the home, or where it has none its name. None: it is no host."""
        name = host_name(asked)
        if name is None or not is_here(name) or self.alone:
            return name
        return house_address() or self.name

    def origin(self, scheme: str, asked: str, https: Https | None = None, certified: str | None = None) -> str:
        """Where a link for somebody else leads. scheme, asked: how whoever makes it has reached the hub; certified: the
        name in a certificate of the configuration.

        Over HTTPS where whoever asks uses it, where nothing else is answered, or where the certificate is one that
        every device trusts: whoever has not installed the hub's own authority yet would only see a warning.
        """
        host = self.host(asked) or self.name
        if host == host_name(asked):
            return f"{scheme}://{asked}"
        tls = https if https is not None and https.port else None
        if tls is not None and certified is not None:
            return f"https://{certified}:{tls.port}"
        if tls is not None and tls.only:
            return f"https://{host}:{tls.port}"
        return f"{scheme}://{host}{port_of(asked)}"


def house_address() -> str | None:
    """The machine's own IPv4 address in the home. Of several (a container's, a VPN's) it is the one by which the
    machine itself reaches others; None where it has none that is private to a house."""
    found = [one for one in own_addresses() if isinstance(one, ipaddress.IPv4Address)]
    return choose([one for one in found if not one.is_loopback and not one.is_link_local], _usual_address())


def choose(found: Sequence[ipaddress.IPv4Address], usual: str | None) -> str | None:
    """The usual one where it is among them, else the lowest."""
    texts = [str(one) for one in sorted(found)]
    return usual if usual in texts else next(iter(texts), None)


def _usual_address() -> str | None:
    """Nothing is sent: to connect such a socket only looks up the way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(SOMEWHERE)
        except OSError:  # no way out: the home has no router, or not yet
            return None
        return str(probe.getsockname()[0])
