"""HTTPS: the certificate that new connections get, and what plain HTTP still answers where HTTPS is asked for."""

import ssl
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from hub.api.hosts import host_name
from hub.api.routing import PREFIX
from hub.api.security import CONTENT_POLICY, is_forwarded, peer_address
from hub.broker.tls import Certificate, server_context
from hub.loopback import is_loopback
from hub.messages import HubError

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; those of 1.3 are all good
SECURE_PAGE = "/secure"
DOCS_PAGE = f"{PREFIX}/docs"
OPEN_PATHS = (f"{PREFIX}/system/info", f"{PREFIX}/setup")
OPEN_PREFIXES = (f"{PREFIX}/certificates/", "/assets/")
HSTS = "max-age=31536000"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Current(ssl.SSLContext):
    """What the event loop holds for as long as it listens: each new connection is made by the context of that moment,
    so one may take the place of another, of whatever kind of key, while connections are open. (A callback for the name
    asked for would do too, but Python prints a traceback for a name that is not ASCII before it is called.)"""

    def __new__(cls, current: Callable[[], ssl.SSLContext]) -> "Current":
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, current: Callable[[], ssl.SSLContext]) -> None:
        self._make = current

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """As the context of this moment does."""
        return self._make().wrap_bio(*args, **options)


class Https:
    """The TLS side of the web server. `port` is the real one once it listens, 0 where it does not.

    only: nothing that is secret is answered over plain HTTP. optional: where the port is in use, the hub goes on
    without HTTPS.
    """

    def __init__(self, files: Certificate, port: int, *, only: bool = False, optional: bool = False) -> None:
        """Blocking; raises what `server_context` raises."""
        self.wanted = port
        self.port = 0
        self.plain_port = 0  # where the same is over HTTP
        self.only = only
        self.optional = optional and not only
        self._current = web_context(files)
        self.context = Current(lambda: self._current)

    def replace(self, files: Certificate) -> None:
        """New connections get this certificate, old ones go on. Blocking; raises what `server_context` raises."""
        self._current = web_context(files)

    def address(self, host: str) -> str | None:
        """Where the same page is over HTTPS, for a browser that knows the hub as `host` (a Host header)."""
        name = host_name(host)
        return f"https://{name}:{self.port}" if self.port and name is not None else None


def https_headers(https: Https | None) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Signal handler: HTTPS stays where nothing else is wanted, and a page over HTTP may find out whether this browser
    trusts the certificate."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        if https is None or not https.port:
            return
        if request.secure:
            if https.only:
                response.headers["Strict-Transport-Security"] = HSTS
        elif is_page(response) and "Content-Security-Policy" not in response.headers:
            address = https.address(request.headers.get("Host", ""))
            if address is not None:
                policy = CONTENT_POLICY.replace("connect-src 'self'", f"connect-src 'self' {address}")
                response.headers["Content-Security-Policy"] = policy

    return add


def is_page(response: web.StreamResponse) -> bool:
    """A page, or the answer that the browser's copy is still good: it takes over the headers of that answer."""
    return response.content_type == "text/html" or response.status == HTTPStatus.NOT_MODIFIED


def web_context(files: Certificate) -> ssl.SSLContext:
    """TLS 1.2 and 1.3 with forward secrecy only. Blocking; raises what `server_context` raises."""
    context = server_context(files)
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    return context


def require_https(https: Https | None, has_admin: Callable[[], bool]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Middleware: where only HTTPS is wanted, pages lead there and the API refuses, but for what comes before the
    certificate is installed. Connections that do not leave this machine are as good."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if https is None or not https.only or request.secure or _is_inside(request):
            return await handler(request)
        path, reads = request.path, request.method in ("GET", "HEAD")
        if path in OPEN_PATHS or path == SECURE_PAGE or (reads and path.startswith(OPEN_PREFIXES)):
            return await handler(request)
        address = https.address(request.headers.get("Host", ""))
        is_api = path.startswith("/api/") and path != DOCS_PAGE
        if is_api or path == "/mqtt" or not reads or address is None:
            raise HubError("https-required")
        if not has_admin() or "." in path.rpartition("/")[2]:  # the set-up, and the files of every page
            return await handler(request)
        raise web.HTTPPermanentRedirect(address + request.path_qs)

    return middleware


def _is_inside(request: web.Request) -> bool:
    return is_loopback(peer_address(request)) and not is_forwarded(request)
