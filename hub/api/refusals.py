"""Refusals as responses: those of the hub's routes, and those of the web server itself, which knows no route yet."""

import asyncio
import logging
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from hub.accept import reader_language
from hub.api.errors import CONTENT_TYPE, problem
from hub.api.security import set_headers
from hub.frames import UPGRADE
from hub.messages import HubError

log = logging.getLogger("hub.api")

LINE_LIMIT = 64 * 1024  # bytes of a request's first line: a query may name 200 outlets
FIELD_LIMIT = 8 * 1024  # bytes of a line of its head


class Exchange(web.RequestHandler):
    """The protocol of one connection. What aiohttp refuses by itself leaves it as a problem, too, in English where the
    head of the request could not be read."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A request that cannot be read (400), or a fault outside every route. Closes the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        if status == 400:
            log.debug("not read: %s", message)
        else:
            log.error("a request of %s failed", request.remote, exc_info=exc)
        response = refusal(request, unread(exc) if status == 400 else HubError("internal-error"))
        set_headers(request, response)  # no application has seen the request that could
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send it. A refusal that went past every route is one of aiohttp's own pages until here."""
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = http_refusal(request, resp)
        return await super().finish_response(request, resp, start_time)


def exchange(server: web.Server, **options: Any) -> Exchange:
    """For a new connection of this server."""
    return Exchange(
        server,
        loop=asyncio.get_running_loop(),
        max_line_size=LINE_LIMIT,
        max_field_size=FIELD_LIMIT,
        auto_decompress=False,  # what it can unpack depends on what is installed, and it cannot say what it takes
        **options,
    )


def unread(error: BaseException | None) -> HubError:
    """Why a request could not be read."""
    if isinstance(error, LineTooLong):
        limit = error.args[1]
        return HubError("url-too-long" if limit == LINE_LIMIT else "head-too-long", limit=limit)
    return HubError("request-invalid")


def http_refusal(request: web.BaseRequest, error: web.HTTPException) -> web.Response:
    """A refusal of aiohttp's in the hub's words."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        response = refusal(request, HubError("method-not-allowed", method=error.method, allowed=allowed))
        response.headers["Allow"] = allowed
        return response
    if isinstance(error, web.HTTPNotFound):
        return refusal(request, HubError("path-unknown"))
    if isinstance(error, web.HTTPExpectationFailed):
        return refusal(request, HubError("expectation-unknown"))
    log.debug("refused by the web server: %s", error)
    return refusal(request, HubError("request-invalid"))


def refusal(request: web.BaseRequest, error: HubError) -> web.Response:
    """The problem that says what was wrong, in the reader's language."""
    answer = problem(error, reader_language(request.headers.get("Accept-Language")))
    response = web.Response(body=msgspec.json.encode(answer), status=answer.status, content_type=CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if answer.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    accepted = error.message.values.get("accepted")
    if answer.status == 415 and accepted is not None:
        response.headers["Accept-Encoding"] = str(accepted)
    if answer.status == 426:
        response.headers.update(UPGRADE)
    wait = error.message.values.get("seconds")
    if answer.status == 429 and wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response
