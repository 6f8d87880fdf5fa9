"""One's own account: profile, password, second factor, sessions and API keys. No API key reaches these routes."""

from hub.api.paging import PageQuery, page
from hub.api.qr import svg
from hub.api.rest.auth import EXAMPLE, EXAMPLE_USER, PASSWORD_ERRORS, home_view, user_view
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.shown import as_shown
from hub.api.types.auth import Session
from hub.api.types.people import (
    AddedKey,
    AddOwnKeyRequest,
    ApiKey,
    ApiKeyList,
    ChangePasswordRequest,
    ChangeProfileRequest,
    CodeRequest,
    Enrolment,
    PasswordRequest,
    RecoveryCodes,
    SecondFactor,
    SignedIn,
    SignedInList,
    SwitchHomeRequest,
    User,
)
from hub.auth.keys import ApiKey as StoredKey
from hub.auth.sessions import Session as StoredSession
from hub.auth.user import User as StoredUser
from hub.messages import HubError

TAG = "account"
ISSUER = "Smart Plug AI"


def own(call: AnyCall) -> StoredUser:
    """The person who asks. Raises HubError("forbidden") for the command line, which is nobody."""
    user = call.services.people.user(call.principal.user)
    if user is None:
        raise HubError("forbidden")
    return user


def session_view(session: StoredSession, current: str) -> SignedIn:
    """A session as the API shows it."""
    return as_shown(session, SignedIn, current=session.id == current)


def key_view(key: StoredKey) -> ApiKey:
    """A key as the API shows it."""
    return as_shown(key, ApiKey)


def session_page(call: Call[PageQuery, None], user: str) -> SignedInList:
    """Somebody's sessions, the newest first."""
    current = call.principal.session
    shown, following = page(
        call.services.identity.sessions.of(user), call.query, lambda each: (-each.seen, each.id), tuple[int, str]
    )
    return SignedInList([session_view(session, current) for session in shown], following)


def key_page(call: Call[PageQuery, None], user: str) -> ApiKeyList:
    """Somebody's keys in this home, the newest first."""
    keys = call.services.identity.keys.list(call.principal, user)
    shown, following = page(keys, call.query, lambda key: (-key.created, key.id), tuple[int, str])
    return ApiKeyList([key_view(key) for key in shown], following)


async def change_profile(call: Call[NoQuery, ChangeProfileRequest]) -> User:
    """PATCH /account"""
    asked, identity = call.body.sent(), call.services.identity
    user, email, password = own(call), asked.pop("email", None), asked.pop("password", None)
    if email is not None and email.strip().casefold() != user.email:
        if password is None:
            raise HubError("field-missing", field="password", name="password")
        user = await identity.logins.change_email(call.principal, password, email)
    return user_view(call, await identity.people.change_profile(call.principal, **asked))


async def change_password(call: Call[NoQuery, ChangePasswordRequest]) -> None:
    """POST /account/password"""
    logins = call.services.identity.logins
    asked, session = call.body, call.principal.session
    await logins.change_password(call.principal, asked.current, asked.password, session, end_keys=asked.end_keys)


async def confirm(call: Call[NoQuery, PasswordRequest]) -> None:
    """POST /account/confirm"""
    await call.services.identity.logins.require_password(call.principal, call.body.password)


async def delete_account(call: Call[NoQuery, PasswordRequest]) -> None:
    """POST /account/delete"""
    await call.services.identity.logins.require_password(call.principal, call.body.password)
    await call.services.people.remove(call.principal, call.principal.user)


async def switch_home(call: Call[NoQuery, SwitchHomeRequest]) -> Session:
    """POST /account/home"""
    services, user = call.services, own(call)
    home = services.homes.get(call.body.home)
    if home is None or home.id not in user.roles:
        raise HubError("home-unknown", field="home", home=call.body.home)
    token, expires_in = await services.tokens.move(call.principal.session, user, home)
    return Session(token, expires_in, user_view(call, user, home.id), home_view(call, home))


async def get_second_factor(call: AnyCall) -> SecondFactor:
    """GET /account/second-factor"""
    factors, user = call.services.identity.factors, own(call)
    return SecondFactor(factors.enabled(user.id), factors.codes_left(user.id))


async def begin_second_factor(call: Call[NoQuery, PasswordRequest]) -> Enrolment:
    """POST /account/second-factor"""
    identity = call.services.identity
    user = await identity.logins.require_password(call.principal, call.body.password)
    begun = identity.factors.begin(user.id, user.email, ISSUER)
    return Enrolment(begun.secret, begun.link, svg(begun.link))


async def confirm_second_factor(call: Call[NoQuery, CodeRequest]) -> RecoveryCodes:
    """POST /account/second-factor/confirm"""
    own(call)
    return RecoveryCodes(await call.services.identity.factors.confirm(call.principal, call.body.code))


async def renew_recovery_codes(call: Call[NoQuery, PasswordRequest]) -> RecoveryCodes:
    """POST /account/second-factor/codes"""
    identity = call.services.identity
    await identity.logins.require_password(call.principal, call.body.password)
    return RecoveryCodes(await identity.factors.renew_codes(call.principal))


async def remove_second_factor(call: Call[NoQuery, PasswordRequest]) -> None:
    """POST /account/second-factor/remove"""
    identity = call.services.identity
    user = await identity.logins.require_password(call.principal, call.body.password)
    await identity.factors.remove(call.principal, user.id)


async def list_sessions(call: Call[PageQuery, None]) -> SignedInList:
    """GET /account/sessions"""
    return session_page(call, own(call).id)


async def end_session(call: AnyCall) -> None:
    """DELETE /account/sessions/{session}"""
    sessions = call.services.identity.sessions
    user, found = own(call), sessions.get(call.path("session"))
    if found is None or found.user != user.id:
        raise HubError("session-unknown")
    await sessions.end([found.id])
    await call.services.identity.audit.record(call.principal, "session.end", found.id)


async def end_other_sessions(call: AnyCall) -> None:
    """POST /account/sessions/end-others"""
    await call.services.identity.sessions.end_all(own(call).id, keep=call.principal.session)
    await call.services.identity.audit.record(call.principal, "session.end", "others")


async def list_keys(call: Call[PageQuery, None]) -> ApiKeyList:
    """GET /account/keys"""
    return key_page(call, own(call).id)


async def add_key(call: Call[NoQuery, AddOwnKeyRequest]) -> AddedKey:
    """POST /account/keys"""
    asked = call.body
    await call.services.identity.logins.require_password(call.principal, asked.password)
    key, text = await call.services.identity.keys.add(
        call.principal, name=asked.name, scopes=asked.scopes, expires=asked.expires
    )
    return AddedKey(key_view(key), text)


async def remove_key(call: AnyCall) -> None:
    """DELETE /account/keys/{key}"""
    await call.services.identity.keys.remove(call.principal, own(call).id, call.path("key"))


EXAMPLE_SESSION = SignedIn("4be01c77d2aa9f03", 1764000000000, 1764000123000, "192.168.1.20", "Firefox on Linux", True)
EXAMPLE_KEY = ApiKey("77aa01b2c3d4e5f6", "Node-RED", "plughub_k3f9", ["read", "control"], 1764000000000, None, None)
EXAMPLE_CODES = RecoveryCodes(["k7m2p-q9x4w", "b3h8r-t6y2v"])
CONFIRMED = ("password-wrong", "too-many-attempts")

ROUTES = (
    Route(
        method="PATCH",
        path="/account",
        summary="Change your name, language or e-mail address",
        tag=TAG,
        handler=change_profile,
        role="guest",
        scope="person",
        body=ChangeProfileRequest,
        answer=User,
        errors=("name-invalid", "language-unknown", "email-invalid", "email-taken", *CONFIRMED),
        example={"name": "Ada", "language": "de"},
        answer_example=EXAMPLE_USER,
    ),
    Route(
        method="POST",
        path="/account/password",
        summary="Change your password",
        tag=TAG,
        handler=change_password,
        role="guest",
        scope="person",
        body=ChangePasswordRequest,
        errors=(*PASSWORD_ERRORS, *CONFIRMED),
        description="Every other session ends; with `end_keys` your API keys, in every home, too.",
        example=ChangePasswordRequest("correct horse battery", "a new long phrase"),
    ),
    Route(
        method="POST",
        path="/account/confirm",
        summary="Show that it is you",
        tag=TAG,
        handler=confirm,
        role="guest",
        scope="person",
        body=PasswordRequest,
        errors=CONFIRMED,
        description="What makes somebody an admin, or takes from one, answers `confirmation-needed` where this, or the "
        "sign-in, is more than ten minutes ago.",
        example=PasswordRequest("correct horse battery"),
    ),
    Route(
        method="POST",
        path="/account/delete",
        summary="Leave this home",
        tag=TAG,
        handler=delete_account,
        role="guest",
        scope="person",
        body=PasswordRequest,
        errors=("last-admin", *CONFIRMED),
        description="Who is in no other home is deleted, with sessions, keys and shares.",
        example=PasswordRequest("correct horse battery"),
    ),
    Route(
        method="POST",
        path="/account/home",
        summary="Look at another of your homes",
        tag=TAG,
        handler=switch_home,
        role="guest",
        scope="person",
        body=SwitchHomeRequest,
        answer=Session,
        errors=("home-unknown",),
        example=SwitchHomeRequest("1f00c3d9ab8e7762"),
        answer_example=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/account/second-factor",
        summary="Whether you have a second factor",
        tag=TAG,
        handler=get_second_factor,
        role="guest",
        scope="person",
        answer=SecondFactor,
        answer_example=SecondFactor(enabled=True, recovery_codes_left=9),
    ),
    Route(
        method="POST",
        path="/account/second-factor",
        summary="Begin with a second factor",
        tag=TAG,
        handler=begin_second_factor,
        role="guest",
        scope="person",
        body=PasswordRequest,
        answer=Enrolment,
        errors=CONFIRMED,
        description="Holds once a code is confirmed within ten minutes.",
        example=PasswordRequest("correct horse battery"),
        answer_example=Enrolment("JBSWY3DPEHPK3PXP", "otpauth://totp/…", "<svg …/>"),
    ),
    Route(
        method="POST",
        path="/account/second-factor/confirm",
        summary="Switch the second factor on",
        tag=TAG,
        handler=confirm_second_factor,
        role="guest",
        scope="person",
        body=CodeRequest,
        answer=RecoveryCodes,
        errors=("code-wrong", "enrolment-over", "forbidden"),
        example=CodeRequest("123456"),
        answer_example=EXAMPLE_CODES,
    ),
    Route(
        method="POST",
        path="/account/second-factor/codes",
        summary="Get other recovery codes",
        tag=TAG,
        handler=renew_recovery_codes,
        role="guest",
        scope="person",
        body=PasswordRequest,
        answer=RecoveryCodes,
        errors=("second-factor-off", *CONFIRMED),
        example=PasswordRequest("correct horse battery"),
        answer_example=EXAMPLE_CODES,
    ),
    Route(
        method="POST",
        path="/account/second-factor/remove",
        summary="Switch the second factor off",
        tag=TAG,
        handler=remove_second_factor,
        role="guest",
        scope="person",
        body=PasswordRequest,
        errors=CONFIRMED,
        example=PasswordRequest("correct horse battery"),
    ),
    Route(
        method="GET",
        path="/account/sessions",
        summary="Where you are signed in",
        tag=TAG,
        handler=list_sessions,
        role="guest",
        scope="person",
        query=PageQuery,
        answer=SignedInList,
        answer_example=SignedInList([EXAMPLE_SESSION]),
    ),
    Route(
        method="DELETE",
        path="/account/sessions/{session}",
        summary="Sign one of them out",
        tag=TAG,
        handler=end_session,
        role="guest",
        scope="person",
        errors=("session-unknown",),
    ),
    Route(
        method="POST",
        path="/account/sessions/end-others",
        summary="Sign all the others out",
        tag=TAG,
        handler=end_other_sessions,
        role="guest",
        scope="person",
    ),
    Route(
        method="GET",
        path="/account/keys",
        summary="Your API keys",
        tag=TAG,
        handler=list_keys,
        role="guest",
        scope="person",
        query=PageQuery,
        answer=ApiKeyList,
        answer_example=ApiKeyList([EXAMPLE_KEY]),
    ),
    Route(
        method="POST",
        path="/account/keys",
        summary="Make an API key",
        tag=TAG,
        handler=add_key,
        role="guest",
        scope="person",
        body=AddOwnKeyRequest,
        answer=AddedKey,
        status=201,
        errors=("name-invalid", "scopes-invalid", "expiry-past", "expiry-late", "keys-too-many", *CONFIRMED),
        example={"name": "Node-RED", "scopes": ["read", "control"], "password": "correct horse battery"},
        answer_example=AddedKey(EXAMPLE_KEY, "plughub_k3f9…"),
    ),
    Route(
        method="DELETE",
        path="/account/keys/{key}",
        summary="End an API key",
        tag=TAG,
        handler=remove_key,
        role="guest",
        scope="person",
        errors=("key-unknown",),
    ),
)
