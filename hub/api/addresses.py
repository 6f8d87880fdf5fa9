"""Where a request comes from: behind a trusted proxy its headers say it; and which addresses may look after the hub."""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from hub.messages import HubError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Networks:
    """A set of addresses."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[Network] = [ipaddress.ip_network(text, strict=False) for text in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, text: object) -> bool:
        address = parse(text) if isinstance(text, str) else None
        return address is not None and any(address in network for network in self._networks)


def parse(text: str) -> Ip | None:
    """The address in a header or of a socket; None where it is none. One of IPv4 in IPv6 is the IPv4 one."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def forwarded(proxies: Networks) -> Middleware:
    """Behind a trusted proxy a request has the address, the scheme and the host that the proxy was asked with.

    X-Forwarded-For is read from its end: what stands left of the first address that is no trusted proxy, anybody may
    have written.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not proxies or (request.remote or "") not in proxies:
            return await handler(request)
        chain = [part for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
        client = next((part for part in reversed(chain) if part.strip() not in proxies), None)
        address = None if client is None else parse(client)
        if client is not None and address is None:
            raise HubError("forwarding-invalid")
        changes: dict[str, str] = {} if address is None else {"remote": str(address)}
        scheme = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            changes["scheme"] = scheme
        host = request.headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()
        if host:
            changes["host"] = host
        return await handler(request.clone(**changes) if changes else request)  # type: ignore[arg-type]

    return middleware
