"""Passkeys: signing in with one, and those of one's own account."""

import msgspec
from aiohttp import web

from hub.api.paging import PageQuery, page
from hub.api.rest.account import CONFIRMED, ISSUER, own
from hub.api.rest.auth import EXAMPLE, sign_in
from hub.api.routing import AnyCall, Call, NoQuery, Route, counted_alone
from hub.api.security import peer_address, require_own_origin
from hub.api.types.auth import Session
from hub.api.types.passkeys import (
    AddPasskeyRequest,
    Passkey,
    PasskeyList,
    PasskeyLoginOptions,
    PasskeyLoginRequest,
    PasskeyOptions,
    RenamePasskeyRequest,
)
from hub.api.types.people import PasswordRequest
from hub.auth.passkeys import LASTS_S, Assertion, Attestation, Place, from_base64url, place_of, to_base64url
from hub.auth.passkeys import Passkey as StoredPasskey
from hub.messages import HubError, render

TAG = "passkeys"
TIMEOUT_MS = int(LASTS_S * 1000)
ALGORITHMS = [-7, -8, -257]
"""ES256, EdDSA, RS256: what authenticators can, the most common first."""


def place(call: AnyCall) -> Place:
    """Where the asking page is. Raises what `place_of` raises, and "origin-refused" for another website."""
    require_own_origin(call.request)
    return place_of(origin_of(call.request), call.services.own_names)


def origin_of(request: web.Request) -> str:
    """What a browser says with each POST; of a program that says nothing, what it asked."""
    return request.headers.get("Origin") or f"{request.scheme}://{request.host}"


def view(passkey: StoredPasskey) -> Passkey:
    """A passkey as the API shows it."""
    return Passkey(passkey.id, passkey.name, passkey.rp_id, passkey.created, passkey.used)


async def ask_for_passkey(call: AnyCall) -> PasskeyLoginOptions:
    """POST /auth/passkey/options"""
    there = place(call)
    challenge = call.services.identity.passkeys.ask(there)
    return PasskeyLoginOptions(to_base64url(challenge), there.name, TIMEOUT_MS)


async def login_with_passkey(call: Call[NoQuery, PasskeyLoginRequest]) -> Session:
    """POST /auth/passkey"""
    there, asked = place(call), call.body
    parts = (asked.id, asked.client_data_json, asked.authenticator_data, asked.signature, asked.user_handle)
    shown = Assertion(*(from_base64url(part) for part in parts))
    since = call.services.identity.sessions.mark()
    user, home = await call.services.identity.passkeys.login(there, shown, peer_address(call.request))
    return await sign_in(call, user, home, since)


async def list_passkeys(call: Call[PageQuery, None]) -> PasskeyList:
    """GET /account/passkeys"""
    mine = call.services.identity.passkeys.of(own(call).id)
    shown, following = page(mine, call.query, lambda each: (-each.created, each.id), tuple[int, str])
    try:  # whether the page itself came over HTTPS it knows best: a proxy may not tell
        name, why = place_of(f"https://{call.request.host}", call.services.own_names).name, None
    except HubError as error:
        name, why = None, render(error.message, call.language)
    return PasskeyList([view(passkey) for passkey in shown], name, why, following)


async def begin_passkey(call: Call[NoQuery, PasswordRequest]) -> PasskeyOptions:
    """POST /account/passkeys/options"""
    user, there = own(call), place(call)
    challenge, known = await call.services.identity.passkeys.begin(call.principal, there, call.body.password)
    return PasskeyOptions(
        to_base64url(challenge),
        there.name,
        ISSUER,
        to_base64url(user.id.encode()),
        user.email,
        user.name,
        ALGORITHMS,
        [to_base64url(credential) for credential in known],
        TIMEOUT_MS,
    )


async def add_passkey(call: Call[NoQuery, AddPasskeyRequest]) -> Passkey:
    """POST /account/passkeys"""
    own(call)
    there, asked = place(call), call.body
    shown = Attestation(from_base64url(asked.attestation_object), from_base64url(asked.client_data_json))
    return view(await call.services.identity.passkeys.add(call.principal, there, asked.name, shown))


async def rename_passkey(call: Call[NoQuery, RenamePasskeyRequest]) -> Passkey:
    """PATCH /account/passkeys/{passkey}"""
    own(call)
    return view(await call.services.identity.passkeys.rename(call.principal, call.path("passkey"), call.body.name))


async def remove_passkey(call: Call[NoQuery, PasswordRequest]) -> None:
    """POST /account/passkeys/{passkey}/remove"""
    own(call)
    await call.services.identity.passkeys.remove(call.principal, call.path("passkey"), call.body.password)


HERE = ("passkey-needs-name", "passkey-needs-https", "passkey-name-unknown", "origin-refused")
ANSWERED = ("passkey-late", "passkey-unreadable", "passkey-unverified", "too-many-attempts")
DESCRIPTION = "Where the hub is opened by one of its names over HTTPS, or as http://localhost; never by an address."
CHALLENGE = "AAAAAAAA8D9K1c0u9mT0q3Zp2b7X5e8hYw4Rk6Gd1sVfLjNtCaUoQyE3xHzMiBgPlWrSn7A"
EXAMPLE_PASSKEY = Passkey("5d07be1a92c4f318", "Ada's phone", "plughub.local", 1764000000000, 1764000123000)
CLIENT_DATA = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vcGx1Z2h1Yi5sb2NhbCJ9"

ROUTES = (
    Route(
        method="POST",
        path="/auth/passkey/options",
        summary="Begin to sign in with a passkey",
        tag=TAG,
        handler=ask_for_passkey,
        role="open",
        counted_as=counted_alone("passkey challenge"),
        answer=PasskeyLoginOptions,
        errors=HERE,
        description=f"{DESCRIPTION} The challenge holds for five minutes and serves once.",
        answer_example=PasskeyLoginOptions(CHALLENGE, "plughub.local", TIMEOUT_MS),
    ),
    Route(
        method="POST",
        path="/auth/passkey",
        summary="Sign in with a passkey",
        tag=TAG,
        handler=login_with_passkey,
        role="open",
        body=PasskeyLoginRequest,
        counted_as=counted_alone("passkey"),
        answer=Session,
        errors=("passkey-refused", "session-ended", *HERE, *ANSWERED),
        description="It stands for password and second factor: the device has to check who uses it. Session and tokens "
        "are those of `POST /auth/login`.",
        example=PasskeyLoginRequest("q2vI0Xr3", CLIENT_DATA, "AAECAwQF", "MEUCIQDx", "OWM0MWQyYWEwMWI3ZTY1NQ"),
        answer_example=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/account/passkeys",
        summary="Your passkeys",
        tag=TAG,
        handler=list_passkeys,
        role="guest",
        scope="person",
        query=PageQuery,
        answer=PasskeyList,
        answer_example=PasskeyList([EXAMPLE_PASSKEY], "plughub.local", None),
    ),
    Route(
        method="POST",
        path="/account/passkeys/options",
        summary="Begin to make a passkey",
        tag=TAG,
        handler=begin_passkey,
        role="guest",
        scope="person",
        body=PasswordRequest,
        answer=PasskeyOptions,
        errors=("passkeys-too-many", *HERE, *CONFIRMED),
        description=f"{DESCRIPTION} The challenge holds for this session, for five minutes, and serves once.",
        example=PasswordRequest("correct horse battery"),
        answer_example=PasskeyOptions(
            CHALLENGE,
            "plughub.local",
            ISSUER,
            "OWM0MWQyYWEwMWI3ZTY1NQ",
            "ada@example.org",
            "Ada",
            ALGORITHMS,
            [],
            TIMEOUT_MS,
        ),
    ),
    Route(
        method="POST",
        path="/account/passkeys",
        summary="Add the passkey that was made",
        tag=TAG,
        handler=add_passkey,
        role="guest",
        scope="person",
        body=AddPasskeyRequest,
        answer=Passkey,
        status=201,
        errors=("name-invalid", "passkeys-too-many", "passkey-taken", *HERE, *ANSWERED),
        example=AddPasskeyRequest("Ada's phone", "o2NmbXRkbm9uZQ", CLIENT_DATA),
        answer_example=EXAMPLE_PASSKEY,
    ),
    Route(
        method="PATCH",
        path="/account/passkeys/{passkey}",
        summary="Rename a passkey",
        tag=TAG,
        handler=rename_passkey,
        role="guest",
        scope="person",
        body=RenamePasskeyRequest,
        answer=Passkey,
        errors=("passkey-unknown", "name-invalid"),
        example=RenamePasskeyRequest("Old phone"),
        answer_example=msgspec.structs.replace(EXAMPLE_PASSKEY, name="Old phone"),
    ),
    Route(
        method="POST",
        path="/account/passkeys/{passkey}/remove",
        summary="Remove a passkey",
        tag=TAG,
        handler=remove_passkey,
        role="guest",
        scope="person",
        body=PasswordRequest,
        errors=("passkey-unknown", *CONFIRMED),
        description="Nobody signs in with it any more. On the device it stays until it is removed there.",
        example=PasswordRequest("correct horse battery"),
    ),
)
