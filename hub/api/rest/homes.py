"""Homes: the one that is asked in, and the others of the same hub."""

from typing import Any

import msgspec

from hub.api.paging import PageQuery, page
from hub.api.rest.auth import EXAMPLE_HOME, home_view
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.people import AddHomeRequest, ChangeHomeRequest, Home, HomeList, Membership

TAG = "homes"


async def list_homes(call: Call[PageQuery, None]) -> HomeList:
    """GET /homes"""
    services, principal = call.services, call.principal
    user = services.people.user(principal.user)
    roles: dict[str, Any] = {home.id: "admin" for home in services.homes.all()} if user is None else user.roles
    mine = [home for home in services.homes.all() if home.id in roles]
    shown, following = page(mine, call.query, lambda home: (home.created, home.id), tuple[int, str])
    first = services.homes.first
    return HomeList([Membership(home_view(call, home), roles[home.id], home is first) for home in shown], following)


async def current_home(call: AnyCall) -> Home:
    """GET /homes/current"""
    homes = call.services.homes
    return home_view(call, homes.get(call.principal.home) or homes.first)


async def change_home(call: Call[NoQuery, ChangeHomeRequest]) -> Home:
    """PATCH /homes/current"""
    return home_view(call, await call.services.homes.change(call.principal, **call.body.sent()))


async def add_home(call: Call[NoQuery, AddHomeRequest]) -> Home:
    """POST /homes"""
    services, principal = call.services, call.principal
    home = await services.homes.add(principal, **msgspec.structs.asdict(call.body))
    services.people.added_to(home.id, principal)
    return home_view(call, home)


async def remove_home(call: AnyCall) -> None:
    """DELETE /homes/{home}"""
    await call.services.people.remove_home(call.principal, call.path("home"))


HOME_ERRORS = ("name-invalid", "time-zone-unknown", "currency-unknown", "price-invalid")
ROUTES = (
    Route(
        method="GET",
        path="/homes",
        summary="The homes that you are a member of",
        tag=TAG,
        handler=list_homes,
        role="guest",
        query=PageQuery,
        answer=HomeList,
        answer_example=HomeList([Membership(EXAMPLE_HOME, "admin", first=True)]),
    ),
    Route(
        method="POST",
        path="/homes",
        summary="Make another home on this hub",
        tag=TAG,
        handler=add_home,
        role="operator",
        body=AddHomeRequest,
        answer=Home,
        status=201,
        errors=(*HOME_ERRORS, "homes-too-many"),
        example=AddHomeRequest("Garden house", "Europe/Berlin", "EUR", 0.31),
        answer_example=EXAMPLE_HOME,
    ),
    Route(
        method="GET",
        path="/homes/current",
        summary="The home that you are signed in to",
        tag=TAG,
        handler=current_home,
        role="guest",
        answer=Home,
        answer_example=EXAMPLE_HOME,
    ),
    Route(
        method="PATCH",
        path="/homes/current",
        summary="Change its name, time zone, currency, price or first day of the week",
        tag=TAG,
        handler=change_home,
        role="admin",
        body=ChangeHomeRequest,
        answer=Home,
        errors=(*HOME_ERRORS, "home-declared"),
        example={"price": 0.31},
        answer_example=EXAMPLE_HOME,
    ),
    Route(
        method="DELETE",
        path="/homes/{home}",
        summary="Take a home away, with its people, plugs and their history",
        tag=TAG,
        handler=remove_home,
        role="operator",
        errors=("home-unknown", "home-first"),
    ),
)
