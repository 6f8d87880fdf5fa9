"""Set-up, signing in and out. Browsers keep the refresh token in a cookie that scripts cannot read."""

import msgspec
from aiohttp import web

from hub.api.cookies import refresh_cookie, set_cookies
from hub.api.routing import AnyCall, Call, NoQuery, Route, counted_alone
from hub.api.security import is_forwarded, peer_address, require_own_origin
from hub.api.shown import as_shown
from hub.api.types.auth import LoginRequest, Me, RefreshRequest, Session, SetupRequest, TokenKey
from hub.api.types.people import Home, User
from hub.auth.homes import Home as StoredHome
from hub.auth.tokens import Grant
from hub.auth.user import User as StoredUser
from hub.messages import HubError

TAG = "auth"
CLIENT_HEADER = "X-Plughub-Client"

EXAMPLE_USER = User("9c41d2aa01b7e655", "Ada", "ada@example.org", "en", "admin", operator=True)
EXAMPLE_HOME = Home("1f00c3d9ab8e7762", "Home", "Europe/Berlin", "EUR")
EXAMPLE = Session("eyJhbGciOiJIUzI1NiJ9…", 1800, EXAMPLE_USER, EXAMPLE_HOME)


def user_view(call: AnyCall, user: StoredUser, home: str | None = None) -> User:
    """A person as the API shows them, with the role in this home (None: the asker's)."""
    identity, at = call.services.identity, home or call.principal.home
    sessions, here = identity.sessions.of(user.id), identity.people.principal(user.id, at)
    if at not in user.roles:  # taken out of it meanwhile
        raise HubError("user-unknown", user=user.id)
    return as_shown(
        user,
        User,
        role=user.roles[at],
        operator=here is not None and here.is_operator,
        second_factor=identity.factors.enabled(user.id),
        seen=max((session.seen for session in sessions), default=None),
    )


def home_view(call: AnyCall, home: StoredHome) -> Home:
    """A home as the API shows it."""
    return as_shown(home, Home, declared=call.services.homes.declared(home))


def is_program(request: web.Request) -> bool:
    """Programs ask for the refresh token itself; a web page cannot send this header to another site."""
    return request.headers.get(CLIENT_HEADER) == "program"


def begin(call: AnyCall, grant: Grant, user: StoredUser, home: StoredHome) -> Session:
    """The answer of everything that signs somebody in."""
    refresh_token = grant.refresh_token if is_program(call.request) else None
    if refresh_token is None:
        set_cookies(call.request, call.reply_headers, grant)
    return Session(
        grant.access_token,
        grant.expires_in,
        user_view(call, user, home.id),
        home_view(call, home),
        refresh_token=refresh_token,
    )


async def sign_in(call: AnyCall, user: StoredUser, home: StoredHome, since: int) -> Session:
    """A new session for somebody who has shown who they are. since: the mark of `Sessions` from before that."""
    request = call.request
    grant = await call.services.tokens.issue(
        user, home, address=peer_address(request), agent=request.headers.get("User-Agent", ""), since=since
    )
    return begin(call, grant, user, home)


async def set_up(call: Call[NoQuery, SetupRequest]) -> Session:
    """POST /setup"""
    require_own_origin(call.request)
    asked, services = call.body, call.services
    since = services.identity.sessions.mark()
    user, home = await services.setup.complete(
        peer=peer_address(call.request), forwarded=is_forwarded(call.request), **msgspec.structs.asdict(asked)
    )
    return await sign_in(call, user, home, since)


async def login(call: Call[NoQuery, LoginRequest]) -> Session:
    """POST /auth/login"""
    require_own_origin(call.request)
    services = call.services
    asked, peer = call.body, peer_address(call.request)
    since = services.identity.sessions.mark()
    user, home = await services.identity.logins.login(asked.email, asked.password, peer, asked.code)
    return await sign_in(call, user, home, since)


async def refresh(call: Call[NoQuery, RefreshRequest]) -> Session:
    """POST /auth/refresh"""
    grant, user, home = await call.services.tokens.refresh(presented(call), address=peer_address(call.request))
    return begin(call, grant, user, home)


async def logout(call: Call[NoQuery, RefreshRequest]) -> None:
    """POST /auth/logout"""
    token = presented(call)
    await call.services.tokens.revoke(token, address=peer_address(call.request))
    set_cookies(call.request, call.reply_headers, None)


def presented(call: Call[NoQuery, RefreshRequest]) -> str:
    """The refresh token from the body or the cookie. Raises HubError("session-ended", "origin-refused")."""
    if call.body.refresh_token is not None:
        return call.body.refresh_token
    require_own_origin(call.request)
    token = refresh_cookie(call.request)
    if not token:
        raise HubError("session-ended")
    return token


def whose(call: AnyCall) -> str | None:
    """The person whose refresh token is presented."""
    token = call.body.refresh_token or refresh_cookie(call.request)
    return None if token is None else call.services.tokens.whose(token)


async def me(call: AnyCall) -> Me:
    """GET /auth/me"""
    principal, people = call.principal, call.services.people
    home = people.homes.get(principal.home) or people.homes.first
    user = people.user(principal.user)
    if user is None:  # the command line's key belongs to nobody
        return Me(User("system", "plughub", "", "en", "admin", operator=True), home_view(call, home))
    return Me(user_view(call, user), home_view(call, home))


async def token_key(call: AnyCall) -> TokenKey:
    """GET /auth/key"""
    signer = call.services.identity.signer
    return TokenKey(signer.algorithm, signer.public_key())


PASSWORD_ERRORS = ("password-too-short", "password-too-long", "password-common")

ROUTES = (
    Route(
        method="POST",
        path="/setup",
        summary="Name the home and make its first admin",
        tag=TAG,
        handler=set_up,
        role="open",
        body=SetupRequest,
        counted_as=counted_alone("setup"),
        answer=Session,
        status=201,
        errors=(
            *("setup-done", "setup-code-missing", "setup-code-wrong", "too-many-attempts", "origin-refused"),
            *("email-invalid", "name-invalid", "time-zone-unknown", "currency-unknown", "price-invalid"),
            *PASSWORD_ERRORS,
        ),
        description="Possible once. From the hub's own network it needs no code for 30 minutes after the first start.",
        example=SetupRequest("Ada", "ada@example.org", "correct horse battery", "Home", "Europe/Berlin", "EUR", 0.325),
        answer_example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/auth/login",
        summary="Sign in",
        tag=TAG,
        handler=login,
        role="open",
        body=LoginRequest,
        counted_as=counted_alone("login"),
        answer=Session,
        errors=("login-wrong", "code-needed", "code-wrong", "session-ended", "too-many-attempts", "origin-refused"),
        description=f"Browsers get the refresh token as a cookie; programs send `{CLIENT_HEADER}: program` and get it "
        "in the answer.",
        example=LoginRequest("ada@example.org", "correct horse battery"),
        answer_example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/auth/refresh",
        summary="Get a new access token",
        tag=TAG,
        handler=refresh,
        role="open",
        body=RefreshRequest,
        body_optional=True,
        counted_as=whose,
        answer=Session,
        errors=("session-ended", "origin-refused"),
        description="The refresh token (cookie or body) is used up; the new one comes the same way.",
        example=RefreshRequest(),
        answer_example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/auth/logout",
        summary="Sign out",
        tag=TAG,
        handler=logout,
        role="open",
        body=RefreshRequest,
        body_optional=True,
        counted_as=whose,
        errors=("session-ended", "origin-refused"),
        example=RefreshRequest(),
    ),
    Route(
        method="GET",
        path="/auth/key",
        summary="With what access tokens are checked",
        tag=TAG,
        handler=token_key,
        role="open",
        answer=TokenKey,
        description="Other programs may check tokens where they are signed with RS256.",
        answer_example=TokenKey("HS256", None),
    ),
    Route(
        method="GET",
        path="/auth/me",
        summary="Who is signed in",
        tag=TAG,
        handler=me,
        role="guest",
        answer=Me,
        answer_example=Me(EXAMPLE_USER, EXAMPLE_HOME),
    ),
)
