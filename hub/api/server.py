"""The web server: routes, errors as problems, security headers, WebSocket and web app, over HTTP and HTTPS."""

import asyncio
import errno
import gzip
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from pathlib import Path

import msgspec
from aiohttp import web

from hub.accept import takes_gzip
from hub.api.addresses import forwarded
from hub.api.door import HANDSHAKE_S, IDLE_S, Door
from hub.api.feed import Feed
from hub.api.hosts import require_host
from hub.api.https import https_headers, require_https
from hub.api.openapi import document
from hub.api.refusals import exchange, http_refusal, refusal
from hub.api.rest import ROUTES
from hub.api.routing import PREFIX, Route, bind
from hub.api.security import add_headers
from hub.api.services import Services
from hub.api.webapp import WebApp
from hub.api.websocket import WebSockets
from hub.database.engine import is_orphan
from hub.messages import HubError

log = logging.getLogger("hub.api")

BODY_LIMIT = 1024 * 1024
STOP_WITHIN = 5.0
BACKLOG = 128
PART = re.compile(r"\{(\w+)\}")
PAGES = r"/{page:(?!api(?:/|$)).*}"  # everything but the API
STATIC = Path(__file__).parent / "static"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@cache
def _documents(version: str) -> tuple[bytes, bytes]:
    """The OpenAPI document, plain and packed. Once: that costs 50 ms, and anybody may ask for it."""
    plain = msgspec.json.encode(document(ROUTES, version))
    return plain, gzip.compress(plain, mtime=0)


class ApiServer:
    """Serves the API and the web app. `port` is the real one of HTTP once started (0 asks the system for a free one);
    that of HTTPS is in the services' `https`."""

    def __init__(
        self, services: Services, *, host: str, port: int, static: Path = STATIC, mqtt: Handler | None = None
    ) -> None:
        """`mqtt`: MQTT over WebSocket at /mqtt."""
        self.host = host
        self.port = port
        self._services = services
        self._webapp = WebApp(static)
        self._mqtt = mqtt
        self.feed = Feed(
            services.bus,
            services.clock,
            registry=services.registry,
            views=services.views,
            problems=services.problems,
            discovery=services.discovery,
            pairing=services.pairing,
        )
        self.sockets = WebSockets(self.feed, services)
        self._document, self._packed = _documents(services.version)
        self._runner: web.AppRunner | None = None
        self._listening: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen. Raises HubError("port-in-use", "address-unavailable")."""
        self._webapp.scan()
        runner = web.AppRunner(self._application(), shutdown_timeout=STOP_WITHIN)
        await runner.setup()
        server = runner.server
        assert server is not None
        door = Door(partial(exchange, server, access_log=None, keepalive_timeout=IDLE_S), self._services.proxies)
        https = self._services.https
        try:
            if https is not None:  # first: whoever finds HTTP open finds this open too
                https.port = await self._listen(door, https.wanted, https.context, optional=https.optional)
            self.port = await self._listen(door, self.port)
        except HubError:
            self._close()
            await runner.cleanup()
            raise
        if https is not None:
            https.plain_port = self.port
        self._runner = runner
        self.feed.start()

    async def _listen(self, door: Door, port: int, tls: ssl.SSLContext | None = None, *, optional: bool = False) -> int:
        """The port; 0 where it is in use and `optional`."""
        handshake = None if tls is None else HANDSHAKE_S
        try:
            server = await asyncio.get_running_loop().create_server(
                door, self.host, port, ssl=tls, ssl_handshake_timeout=handshake, backlog=BACKLOG
            )
        except OSError as error:
            refused = listen_error(error, self.host, port)
            if not (optional and refused.id == "port-in-use"):
                raise refused from error
            log.warning("Port %d is in use: there is no HTTPS", port)
            return 0
        self._listening.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _close(self) -> None:
        """Nobody new comes in."""
        for server in self._listening:
            server.close()
        self._listening.clear()

    async def stop(self) -> None:
        """Close the WebSockets and let what is being answered finish."""
        self.feed.stop()
        self.sockets.close_all()
        self._close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def routes(self) -> set[tuple[str, str]]:
        """(method, path) of everything that is served."""
        router = self._application().router
        found = {(route.method, resource.canonical) for resource in router.resources() for route in resource}
        return {(method, path) for method, path in found if method != "*"}

    def _application(self) -> web.Application:
        services = self._services
        only_https = require_https(services.https, services.people.has_admin)
        application = web.Application(
            middlewares=[errors_as_problems, forwarded(services.proxies), require_host, only_https],
            client_max_size=BODY_LIMIT,
        )
        application.on_response_prepare.extend((https_headers(services.https), add_headers))
        router = application.router
        for path, routes in by_path(ROUTES).items():
            pattern = PREFIX + PART.sub(r"{\1:[^/]+}", path)  # by itself aiohttp takes no id with a brace in it
            for route in routes:
                for method in methods_of(route.method):
                    router.add_route(method, pattern, bind(route, self._services))
            methods = [method for route in routes for method in methods_of(route.method)]
            router.add_route("*", pattern, refuse_method(methods))
        router.add_route("GET", f"{PREFIX}/ws", self.sockets.handle)
        if self._mqtt is not None:
            router.add_route("GET", "/mqtt", self._mqtt)
        for method in methods_of("GET"):
            router.add_route(method, f"{PREFIX}/openapi.json", self._openapi)
            router.add_route(method, f"{PREFIX}/docs", self._webapp.docs)
            router.add_route(method, PAGES, self._webapp.handle)
        return application

    async def _openapi(self, request: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if not takes_gzip(request.headers.get("Accept-Encoding")):
            return web.Response(body=self._document, content_type="application/json", headers=headers)
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=self._packed, content_type="application/json", headers=headers)


@web.middleware
async def errors_as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal leaves as problem+json in the reader's language; what nobody expected is logged and says little."""
    try:
        return await handler(request)
    except HubError as error:
        return refusal(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return http_refusal(request, error)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        if is_orphan(error):
            log.info("%s %s: what it belongs to was deleted meanwhile", request.method, request.path)
            return refusal(request, HubError("deleted-meanwhile"))
        log.exception("%s %s failed", request.method, request.path)
        return refusal(request, HubError("internal-error"))


def by_path(routes: Sequence[Route]) -> dict[str, list[Route]]:
    """The routes of each path."""
    found: dict[str, list[Route]] = {}
    for route in routes:
        found.setdefault(route.path, []).append(route)
    return found


def methods_of(declared: str) -> tuple[str, ...]:
    """How a route is called: what can be got can be asked for without its body, too (RFC 9110, 9.3.2)."""
    return ("GET", "HEAD") if declared == "GET" else (declared,)


def refuse_method(possible: Sequence[str]) -> Handler:
    """Answers for a path what it does not take. Without it /devices/found would be taken for a device of that name."""
    allowed = sorted(possible)

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


def listen_error(error: OSError, host: str, port: int) -> HubError:
    """Why a port cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return HubError("port-in-use", host=host, port=port)
    return HubError("address-unavailable", host=host, port=port, reason=error.strerror or str(error))
