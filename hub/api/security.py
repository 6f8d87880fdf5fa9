"""What keeps other websites out: security headers, and the check that a request comes from the hub's own page."""

from aiohttp import web

from hub.api.hosts import is_house_host
from hub.messages import HubError
from hub.origin import is_own_origin

CONTENT_POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
))  # fmt: skip

DOCS_POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",  # arrows in the style sheet of Swagger UI
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip

HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: the headers of every answer, errors and the WebSocket's handshake among them."""
    set_headers(request, response)


def set_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """The headers of every answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.secure:  # over plain HTTP a browser ignores it, and complains
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers["Server"] = "plughub"


def require_own_origin(request: web.Request) -> None:
    """Refuse what another website makes a browser send. Raises HubError("origin-refused")."""
    host = request.host if "Host" in request.headers else ""  # without one it would be looked up
    if not is_own_origin(request.headers, host):
        raise HubError("origin-refused")


def is_forwarded(request: web.Request) -> bool:
    """Does the peer's address say nothing about who asks? True behind a proxy, and where the hub is called by a name
    of the internet: a page there can make a browser in the house talk to the hub under that name (DNS rebinding)."""
    return any(name in request.headers for name in FORWARDED) or not is_house_host(request.host)


def peer_address(request: web.Request) -> str:
    """The address of the other end of the connection."""
    return request.remote or ""
