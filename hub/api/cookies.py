"""The cookies of a browser that signed in: one renews its tokens; over HTTP a second one opens only the WebSocket."""

from aiohttp import web
from multidict import CIMultiDict

from hub.api.routing import PREFIX
from hub.auth.sessions import IDLE_MS
from hub.auth.tokens import Grant

REFRESH = "plughub_refresh"  # over HTTP
REFRESH_PATH = f"{PREFIX}/auth"
SOCKET = "plughub_socket"  # over HTTP: so the refresh token need not be sent in the clear to more than that path
SOCKET_PATH = f"{PREFIX}/ws"
SECURE = "__Host-plughub_refresh"  # over HTTPS; a browser takes it from there only, and sends it to every path


def set_cookies(request: web.Request, headers: CIMultiDict[str], grant: Grant | None) -> None:
    """Add the Set-Cookie headers for a grant; None deletes the cookies."""
    refresh, socket = ("", "") if grant is None else (grant.refresh_token, grant.socket_token)
    places = [f"{REFRESH}={refresh}; Path={REFRESH_PATH}", f"{SOCKET}={socket}; Path={SOCKET_PATH}"]
    if request.secure:  # over plain HTTP a browser would not keep a Secure one
        places = [f"{SECURE}={refresh}; Path=/; Secure"]
    age = 0 if grant is None else IDLE_MS // 1000
    for place in places:
        headers.add("Set-Cookie", f"{place}; Max-Age={age}; HttpOnly; SameSite=Strict")


def refresh_cookie(request: web.Request) -> str | None:
    """The refresh token. One that went over HTTP does not count over HTTPS: others may have read or made it."""
    return request.cookies.get(SECURE if request.secure else REFRESH)


def socket_cookie(request: web.Request) -> str | None:
    """What opens a WebSocket. It counts only where the browser says which page asks; the caller checks that page."""
    if "Origin" not in request.headers:
        return None
    return request.cookies.get(SECURE if request.secure else SOCKET)
