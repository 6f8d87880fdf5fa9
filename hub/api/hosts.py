"""As what a browser or a program knows the hub: the Host header, and which of its names only a house gives."""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from hub.auth.certificates.names import is_house_name
from hub.loopback import address_of, plain
from hub.messages import HubError

HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def host_name(host: str) -> str | None:
    """The name in a Host header, without the port; None where it is none."""
    found = HOST.fullmatch(host)
    return None if found is None else found[1]


def port_of(host: str) -> str:
    """ ":8080" of a Host header; empty where it names none."""
    found = HOST.fullmatch(host)
    return "" if found is None else found[2] or ""


def is_house_host(host: str) -> bool:
    """An address, or a name that nobody outside of the house can give to a machine of his own."""
    name = host_name(host)
    return name is not None and (address_of(plain(name)) is not None or is_house_name(name))


@web.middleware
async def require_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host header that is no host, before anything makes a link of it. Raises HubError("host-invalid")."""
    given = request.headers.getall("Host", [])
    if given and (len(given) > 1 or host_name(given[0]) is None or host_name(request.host) is None):
        raise HubError("host-invalid")
    return await handler(request)
