"""Under which names and addresses the hub is reached, and which of them an authority may vouch for."""

import ipaddress
import re
import socket
from collections.abc import Iterable

import ifaddr
import msgspec

HOUSE_DOMAINS = ("local", "lan", "home.arpa", "home", "internal", "localdomain", "localhost", "fritz.box")
"""Domains of which nobody outside can have a name: whoever opens the hub by one of them is in the house, and the hub's
authority may vouch for them. local, home.arpa, internal and localhost are kept for this (RFC 6762, 8375, 6761; ICANN),
home is kept out of the public DNS by ICANN; lan and localdomain are not in it. fritz.box is the name of the most common
router here and belongs to its maker; every other name in box is for sale. A test looks at the list."""
HOUSE_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
)
PLAIN = "plughub"
LOCALHOST = "localhost"
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Names(msgspec.Struct, frozen=True):
    """DNS names in lower case, and addresses."""

    dns: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()

    def texts(self) -> list[str]:
        """All of them as people write them."""
        return [*self.dns, *(str(address) for address in self.addresses)]

    def lacks(self, wanted: "Names") -> bool:
        """Is something wanted that is not here?"""
        return not (set(wanted.dns) <= set(self.dns) and set(wanted.addresses) <= set(self.addresses))


def hub_names(hub_id: str, extra: Iterable[str] = ()) -> Names:
    """What the hub is called in this network now. `extra`: names and addresses from the configuration."""
    host = host_label()
    dns = [f"{PLAIN}.local", mdns_name(hub_id), PLAIN, LOCALHOST]
    if host is not None:
        dns += [host, *(f"{host}.{domain}" for domain in HOUSE_DOMAINS)]
    addresses: list[Address] = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    addresses += sorted(own_addresses(), key=str)
    for text in extra:
        try:
            addresses.append(ipaddress.ip_address(text))
        except ValueError:
            dns.append(text.lower())
    return Names(tuple(dict.fromkeys(dns)), tuple(dict.fromkeys(addresses)))


def mdns_name(hub_id: str) -> str:
    """As what the hub announces itself by mDNS: no other hub has it."""
    return f"{PLAIN}-{hub_id[:8]}.local"


def is_full_name(text: str) -> bool:
    """A name with a domain; no address, and none that stands for many (*.example.org)."""
    return "." in text and not text.startswith("*") and not text.replace(".", "").isdigit() and ":" not in text


def is_house_name(name: str) -> bool:
    """A name without a domain, or in one that only a local network gives."""
    full = name.lower().removesuffix(".")
    return "." not in name or any(full == domain or full.endswith(f".{domain}") for domain in HOUSE_DOMAINS)


def host_label() -> str | None:
    """The machine's name without its domain; None where it is none that DNS knows."""
    label = socket.gethostname().partition(".")[0].lower()
    return label if LABEL.fullmatch(label) else None


def own_addresses() -> set[Address]:
    """Addresses of this machine that are private to a house. Those of IPv6's link are left out: no browser takes
    them in a URL."""
    texts = (ip.ip if isinstance(ip.ip, str) else ip.ip[0] for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    found = {ipaddress.ip_address(text) for text in texts}
    return {one for one in found if is_house_address(one) and not (one.version == 6 and one.is_link_local)}


def is_house_address(address: Address) -> bool:
    """In one of the networks that are private to a house?"""
    return any(address in network for network in HOUSE_NETWORKS if network.version == address.version)
