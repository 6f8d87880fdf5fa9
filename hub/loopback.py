"""Loopback: hosts by which a machine reaches itself, and nobody else."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Is this name or address, which may stand in the brackets of a URL, such a one?"""
    name = host.lower().removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
