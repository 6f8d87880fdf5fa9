"""The people of the home, for its admins: members, roles, their sessions and keys."""

import msgspec

from hub.api.paging import PageQuery, page
from hub.api.rest.account import EXAMPLE_KEY, EXAMPLE_SESSION, key_page, key_view, session_page
from hub.api.rest.auth import EXAMPLE_USER, PASSWORD_ERRORS, user_view
from hub.api.rest.invitations import EXAMPLE_INVITATION, added
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.people import (
    AddedInvitation,
    AddedKey,
    AddKeyRequest,
    AddUserRequest,
    ApiKeyList,
    ChangeUserRequest,
    SignedInList,
    User,
    UserList,
)

TAG = "users"


async def list_users(call: Call[PageQuery, None]) -> UserList:
    """GET /users"""
    users, following = page(
        call.services.people.list(call.principal), call.query, lambda user: (user.name.casefold(), user.id)
    )
    return UserList([user_view(call, user) for user in users], following)


async def add_user(call: Call[NoQuery, AddUserRequest]) -> User:
    """POST /users"""
    return user_view(call, await call.services.people.add(call.principal, **msgspec.structs.asdict(call.body)))


async def get_user(call: AnyCall) -> User:
    """GET /users/{user}"""
    return user_view(call, call.services.people.member(call.principal, call.path("user")))


async def change_user(call: Call[NoQuery, ChangeUserRequest]) -> User:
    """PATCH /users/{user}"""
    return user_view(call, await call.services.people.change(call.principal, call.path("user"), **call.body.sent()))


async def remove_user(call: AnyCall) -> None:
    """DELETE /users/{user}"""
    if call.path("user") == call.principal.user:  # as POST /account/delete, which asks for the password
        call.services.identity.sessions.require_confirmed(call.principal)
    await call.services.people.remove(call.principal, call.path("user"))


async def reset_password(call: AnyCall) -> AddedInvitation:
    """POST /users/{user}/password-link"""
    return added(call, await call.services.identity.invitations.reset(call.principal, call.path("user")))


async def remove_users_second_factor(call: AnyCall) -> None:
    """DELETE /users/{user}/second-factor"""
    user = call.services.people.openable(call.principal, call.path("user"))
    call.services.people.require_confirmed(call.principal, user)
    await call.services.identity.factors.remove(call.principal, user.id)


async def list_users_sessions(call: Call[PageQuery, None]) -> SignedInList:
    """GET /users/{user}/sessions"""
    return session_page(call, call.services.people.manageable(call.principal, call.path("user")).id)


async def end_users_sessions(call: AnyCall) -> None:
    """DELETE /users/{user}/sessions"""
    user = call.services.people.manageable(call.principal, call.path("user"))
    await call.services.identity.sessions.end_all(user.id)
    await call.services.identity.audit.record(call.principal, "session.end", user.id)


async def list_users_keys(call: Call[PageQuery, None]) -> ApiKeyList:
    """GET /users/{user}/keys"""
    return key_page(call, call.path("user"))


async def add_users_key(call: Call[NoQuery, AddKeyRequest]) -> AddedKey:
    """POST /users/{user}/keys"""
    asked = call.body
    key, text = await call.services.identity.keys.add(
        call.principal, name=asked.name, scopes=asked.scopes, expires=asked.expires, user=call.path("user")
    )
    return AddedKey(key_view(key), text)


async def remove_users_key(call: AnyCall) -> None:
    """DELETE /users/{user}/keys/{key}"""
    user = call.services.people.member(call.principal, call.path("user"))
    await call.services.identity.keys.remove(call.principal, user.id, call.path("key"))


ROUTES = (
    Route(
        method="GET",
        path="/users",
        summary="The members of the home",
        tag=TAG,
        handler=list_users,
        role="admin",
        query=PageQuery,
        answer=UserList,
        answer_example=UserList([EXAMPLE_USER]),
    ),
    Route(
        method="POST",
        path="/users",
        summary="Add a person",
        tag=TAG,
        handler=add_user,
        role="admin",
        body=AddUserRequest,
        answer=User,
        status=201,
        errors=(
            *("email-invalid", "email-taken", "name-invalid", "role-invalid", "language-unknown", "home-unknown"),
            *(*PASSWORD_ERRORS, "too-many-attempts", "confirmation-needed", "person-needed"),
        ),
        example=AddUserRequest("Ben", "ben@example.org", "user", "a long enough phrase"),
        answer_example=User("77aa01b2c3d4e5f6", "Ben", "ben@example.org", "en", "user"),
    ),
    Route(
        method="GET",
        path="/users/{user}",
        summary="One member",
        tag=TAG,
        handler=get_user,
        role="admin",
        answer=User,
        errors=("user-unknown",),
        answer_example=EXAMPLE_USER,
    ),
    Route(
        method="PATCH",
        path="/users/{user}",
        summary="Change somebody's role, or lock the account",
        tag=TAG,
        handler=change_user,
        role="admin",
        body=ChangeUserRequest,
        answer=User,
        errors=(
            *("user-unknown", "role-invalid", "last-admin", "user-elsewhere"),
            *("confirmation-needed", "person-needed"),
        ),
        example={"role": "guest"},
        answer_example=EXAMPLE_USER,
    ),
    Route(
        method="DELETE",
        path="/users/{user}",
        summary="Take somebody out of the home",
        tag=TAG,
        handler=remove_user,
        role="admin",
        errors=("user-unknown", "last-admin", "confirmation-needed", "person-needed"),
        description="Who is in no other home is deleted, with sessions, keys and shares.",
    ),
    Route(
        method="POST",
        path="/users/{user}/password-link",
        summary="Make a link with which somebody sets another password",
        tag=TAG,
        handler=reset_password,
        role="admin",
        answer=AddedInvitation,
        status=201,
        errors=("user-unknown", "user-elsewhere", "invitations-too-many", "confirmation-needed", "person-needed"),
        answer_example=AddedInvitation(EXAMPLE_INVITATION, "https://plughub.local:8443/new-password#…", "<svg …/>"),
    ),
    Route(
        method="DELETE",
        path="/users/{user}/second-factor",
        summary="Switch somebody's second factor off, who has lost it",
        tag=TAG,
        handler=remove_users_second_factor,
        role="admin",
        errors=("user-unknown", "user-elsewhere", "confirmation-needed", "person-needed"),
    ),
    Route(
        method="GET",
        path="/users/{user}/sessions",
        summary="Where somebody is signed in",
        tag=TAG,
        handler=list_users_sessions,
        role="admin",
        query=PageQuery,
        answer=SignedInList,
        errors=("user-unknown", "user-elsewhere"),
        answer_example=SignedInList([EXAMPLE_SESSION]),
    ),
    Route(
        method="DELETE",
        path="/users/{user}/sessions",
        summary="Sign somebody out everywhere",
        tag=TAG,
        handler=end_users_sessions,
        role="admin",
        errors=("user-unknown", "user-elsewhere"),
    ),
    Route(
        method="GET",
        path="/users/{user}/keys",
        summary="Somebody's API keys",
        tag=TAG,
        handler=list_users_keys,
        role="admin",
        query=PageQuery,
        answer=ApiKeyList,
        errors=("user-unknown",),
        answer_example=ApiKeyList([EXAMPLE_KEY]),
    ),
    Route(
        method="POST",
        path="/users/{user}/keys",
        summary="Make an API key for somebody, from the machine's own command line",
        tag=TAG,
        handler=add_users_key,
        role="operator",
        scope="person",
        body=AddKeyRequest,
        answer=AddedKey,
        status=201,
        errors=("user-unknown", "name-invalid", "scopes-invalid", "expiry-past", "expiry-late", "keys-too-many"),
        description="Nobody else makes keys that act as another person.",
        example=AddKeyRequest("Node-RED", ["read", "control"]),
        answer_example=AddedKey(EXAMPLE_KEY, "plughub_k3f9…"),
    ),
    Route(
        method="DELETE",
        path="/users/{user}/keys/{key}",
        summary="End somebody's API key",
        tag=TAG,
        handler=remove_users_key,
        role="admin",
        errors=("user-unknown", "key-unknown"),
    ),
)
