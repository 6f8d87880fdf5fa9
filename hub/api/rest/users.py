"""The people of the home."""

import msgspec

from hub.api.rest.auth import EXAMPLE_USER, PASSWORD_ERRORS, user_view
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.people import AddUserRequest, User, UserList

TAG = "users"


async def list_users(call: AnyCall) -> UserList:
    """GET /users"""
    principal = call.principal
    return UserList([user_view(user, principal.home) for user in call.services.people.list(principal)])


async def add_user(call: Call[NoQuery, AddUserRequest]) -> User:
    """POST /users"""
    user = await call.services.people.add(call.principal, **msgspec.structs.asdict(call.body))
    return user_view(user, call.principal.home)


ROUTES = (
    Route(
        method="GET",
        path="/users",
        summary="The members of the home",
        tag=TAG,
        handler=list_users,
        role="admin",
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
        errors=("email-invalid", "email-taken", "name-invalid", *PASSWORD_ERRORS, "too-many-attempts"),
        example=AddUserRequest("Ben", "ben@example.org", "user", "a long enough phrase"),
        answer_example=User("77aa01b2c3d4e5f6", "Ben", "ben@example.org", "en", "user"),
    ),
)
