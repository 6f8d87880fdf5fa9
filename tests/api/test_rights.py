"""The matrix: each route for nobody, guest, user and admin, on a shared plug, a private one and one of another home."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import insert

from hub.api.rest import ROUTES
from hub.api.routing import Route
from hub.auth.principal import ROLES, system
from hub.database.tables import homes
from tests.api.house import House

ASKERS = (None, "guest", "user", "admin")
# What may follow when the right is there: the request itself has no (or a made-up) body.
ALLOWED = {200, 201, 202, 204, 400, 401, 404, 409, 422, 504}
QUERIES = {
    "get_telemetry": {"from": "0", "to": "1000"},
    "list_gaps": {"from": "0", "to": "1000"},
    "get_sum": {"from": "0", "to": "1000"},
    "export_telemetry": {"from": "0", "to": "1000"},
    "get_live": {},
}
RIGHT_OF = {"guest": "view", "user": "control", "admin": "manage"}  # on a plug without shares, not private
ORDER = ("none", "view", "control", "manage")


async def ask(house: House, route: Route, role: str | None, device: str) -> tuple[int, str]:
    """Status and problem code of a call with the route's own example."""
    path = route.path.replace("{device}", device).replace("{name}", "node-red")
    query = QUERIES.get(route.name)
    params = {} if query is None else {"device": device, **query}
    body = None if route.example is None else msgspec.to_builtins(route.example)
    headers = await house.headers(role)
    async with house.http.request(
        route.method, f"/api/v1{path}", params=params, json=body, headers=headers
    ) as response:
        content = await response.json(content_type=None) if response.status >= 400 else {}
        return response.status, content.get("code", "")


@pytest.mark.parametrize("role", ASKERS, ids=str)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_role_and_right(house: House, route: Route, role: str | None) -> None:
    plug = await house.plug("plug-1")
    status, code = await ask(house, route, role, plug.id)
    if route.role == "open":
        assert code not in ("token-missing", "forbidden")
        return
    if role is None:
        assert (status, code) == (401, "token-missing")
        return
    enough = ROLES.index(role) >= ROLES.index(route.role)
    if route.device is not None:
        enough = enough and ORDER.index(RIGHT_OF[role]) >= ORDER.index(route.device)
    # A guest has nothing on a plug that is not shared with them: for them it does not exist.
    if enough and role == "guest" and (route.device is not None or route.name in QUERIES):
        assert (status, code) == (404, "device-unknown")
        return
    if role == "guest" and route.device is not None:
        assert status in (403, 404)
        return
    if enough:
        assert status in ALLOWED
        assert code not in ("forbidden", "token-missing", "device-unknown")
    else:
        assert (status, code) == (403, "forbidden")


@pytest.mark.parametrize("role", ASKERS[1:])
@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.device is not None or r.name in QUERIES], ids=lambda route: route.name
)
async def test_what_one_may_not_see_does_not_exist(house: House, route: Route, role: str) -> None:
    async with house.database.transaction() as connection:
        row: dict[str, Any] = {"id": "elsewhere", "name": "x", "time_zone": "UTC", "currency": "EUR", "created": 1}
        await connection.execute(insert(homes).values(**row))
    foreign, _ = await house.registry.add(system("elsewhere"), hardware_id="plug-7", name="Foreign")
    private = await house.plug("plug-8")
    await house.registry.change(system(house.home), private.id, private=True)
    for device in (foreign.id, private.id, "unknown", "..%2f"):
        status, code = await ask(house, route, role, device)
        if ROLES.index(role) < ROLES.index(route.role):
            assert (status, code) == (403, "forbidden")
        else:
            assert (status, code) == (404, "device-unknown")


@pytest.mark.parametrize("share", ["view", "control", "manage"])
@pytest.mark.parametrize("role", ["guest", "user"])
@pytest.mark.parametrize("route", [r for r in ROUTES if r.device is not None], ids=lambda route: route.name)
async def test_a_share_gives_its_right_and_a_guest_never_more_than_view(
    house: House, route: Route, role: str, share: str
) -> None:
    plug = await house.plug("plug-1")
    await house.registry.share(system(house.home), plug.id, house.principal(role).user, share)
    status, code = await ask(house, route, role, plug.id)
    held = "view" if role == "guest" else share
    assert route.device is not None
    if ORDER.index(held) >= ORDER.index(route.device) and ROLES.index(role) >= ROLES.index(route.role):
        assert code not in ("forbidden", "device-unknown")
    else:
        assert (status, code) == (403, "forbidden")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "token-missing"),
        ("Basic YWRtaW46YWRtaW4=", "token-missing"),
        ("Bearer", "token-missing"),
        ("Bearer nonsense", "token-wrong"),
        ("Bearer a.b.c", "token-wrong"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "token-wrong"),
        ("Bearer plughub_guess", "token-wrong"),
        ("bearer x", "token-missing"),
    ],
)
async def test_a_wrong_token_is_nobody(house: House, header: str, code: str) -> None:
    async with house.http.get("/api/v1/devices", headers={"Authorization": header}) as response:
        assert response.status == 401
        assert (await response.json(content_type=None))["code"] == code
        assert response.headers["WWW-Authenticate"] == "Bearer"
