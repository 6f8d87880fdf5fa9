"""Loopback: hosts by which a machine reaches itself, and nobody else."""

import ipaddress
import re
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SHORT = re.compile(r"[0-9a-fx.]+")


def is_loopback(host: str) -> bool:
    """Is this name or address, which may stand in the brackets of a URL, such a one?"""
    name = plain(host)
    address = address_of(name)
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback


def is_here(host: str) -> bool:
    """Does who writes this into a browser reach the machine that the browser runs on? Also by 0.0.0.0 and [::], on
    which a server listens for everybody."""
    address = address_of(plain(host))
    return is_loopback(host) or (address is not None and address.is_unspecified)


def plain(host: str) -> str:
    """In lower case, without the brackets of an address and the dot that may end a name."""
    return host.lower().removeprefix("[").removesuffix("]").removesuffix(".")


def address_of(name: str) -> Address | None:
    """The address that browsers take this for, 127.1 and 0x7f.1 among them; that of IPv4 where one of IPv6 stands for
    it. None: it is a name."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return short_address(name)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def short_address(name: str) -> ipaddress.IPv4Address | None:
    """One of IPv4 with fewer than four parts, or with parts that are octal or hexadecimal."""
    if SHORT.fullmatch(name) is None:
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        return None
