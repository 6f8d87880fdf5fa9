"""The matrix: each route for everybody who may come, on what is theirs, shared, private, foreign and unknown."""

import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio

from hub.api.openapi import document
from hub.api.rest import ROUTES
from hub.auth.principal import system
from hub.devices.device import Device
from tests.api.rules import DEVICES, RULES, Rule, Standing, held, verdict
from tests.api.street import STATUS, Asker, Street, bodies

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = document(ROUTES, "0.1.0")
EXAMPLES = bodies(DOCUMENT)
RANGE = {"from": "0", "to": "1000"}
QUERIES = {
    "GET /telemetry": RANGE,
    "GET /telemetry/sum": RANGE,
    "GET /telemetry/export": RANGE,
    "GET /gaps": RANGE,
    "GET /telemetry/live": {},
}
UNKNOWN = {
    "user": "user-unknown",
    "user key": "user-unknown",
    "key": "key-unknown",
    "session": "session-unknown",
    "invitation": "invitation-unknown",
    "room": "home-room-unknown",
    "name": "client-unknown",
    "home": "home-unknown",
    "pairing": "pairing-unknown",
    "schedule": "schedule-unknown",
    "alert": "alert-unknown",
    "passkey": "passkey-unknown",
    "notifier": "notifier-unknown",
}


class Said(NamedTuple):
    status: int
    code: str


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    street = Street(tmp_path_factory.mktemp("street"))
    await street.start()
    await street.move_in()
    yield street
    await street.stop()


async def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    assert sorted(set(EXAMPLES) - set(RULES)) == [], "no rule for these routes"
    assert sorted(set(RULES) - set(EXAMPLES)) == [], "no route for these rules"


async def ask(
    street: Street, route: str, asker: Asker | None, parts: dict[str, str], query: dict[str, str] | None = None
) -> Said:
    """Status and problem code of a call with the example of the document, which lists both."""
    method, path = route.split(" ")
    body = EXAMPLES[route]
    unique = f"ask-{next(street._numbers)}"
    if route == "POST /devices":
        body = {**body, "hardware_id": unique, "room": None}
    elif route.endswith("/replace"):
        body = {**body, "hardware_id": unique}
    elif route == "POST /users":
        body = {**body, "email": f"{unique}@example.org"}
    elif route in ("POST /mqtt-clients", "POST /rooms") or route.startswith("PATCH /rooms"):
        body = {**body, "name": unique}
    elif route == "POST /account/home" and asker is not None:
        body = {"home": asker.home}
    for name, value in parts.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {} if asker is None else {"Authorization": f"Bearer {asker.token}"}
    async with street.http.request(method, f"/api/v1{path}", params=query, json=body, headers=headers) as response:
        body = await response.read()
        code = msgspec.json.decode(body)["code"] if response.status >= 400 else ""
        said = Said(response.status, code)
    require_documented(route, said)
    return said


def require_documented(route: str, said: Said) -> None:
    method, path = route.split(" ")
    responses = DOCUMENT["paths"][f"/api/v1{path}"][method.lower()]["responses"]
    assert str(said.status) in responses, f"{route} answers {said} that is not in the document"
    assert not said.code or f"`{said.code}`" in responses[str(said.status)]["description"], f"{route}: {said}"


def judge(rule: Rule, said: Said, expected: str) -> bool:
    """Is this the answer that must come?"""
    if expected:
        return said == (STATUS[expected], expected)
    if rule.role == "open":
        return said.code not in ("token-missing", "token-wrong", "forbidden")
    return said.status < 400 or (said.code == rule.refusal != "") or said.code == "too-many-attempts" != rule.refusal


def things(route: str) -> str:
    """What kind of object the path names beside a device."""
    names = [name for name in re.findall(r"\{(\w+)\}", route) if name != "device"]
    return " ".join(names)


PLAIN = [route for route, rule in RULES.items() if "{" not in route and not rule.right]
WITH_DEVICE = [route for route, rule in RULES.items() if rule.right]
WITH_THING = [route for route, rule in RULES.items() if things(route) and not rule.right]


@pytest.mark.parametrize("route", PLAIN)
async def test_role_and_scope(street: Street, route: str) -> None:
    rule, wrong = RULES[route], []
    for asker in (None, *street.askers):
        said = await ask(street, route, asker, {})
        expected = verdict(rule, None if asker is None else asker.standing)
        if not judge(rule, said, expected):
            wrong.append((asker and asker.name, said, expected))
    assert wrong == []


def state(street: Street, device: Device | None) -> Any:
    """All that a call can change of a device."""
    if device is None or street.registry.device(device.id) is None:
        return None
    shares = street.registry.shares(system(device.home), device.id)
    return msgspec.json.encode(device), shares, street.registry.secret_hash(device.hardware_id)


@pytest.mark.parametrize("route", WITH_DEVICE)
async def test_right_on_a_device(street: Street, route: str) -> None:
    rule, wrong = RULES[route], []
    for asker in street.askers:
        member = (await street.person(asker.home)).id if "{user}" in route else ""
        for kind in DEVICES:
            device = await street.device(asker, kind)
            id = "no-such-device" if device is None else device.id
            before = state(street, device)
            query = {**QUERIES[route], "device": id} if route in QUERIES else None
            said = await ask(street, route, asker, {"device": id, "user": member}, query)
            expected = verdict(rule, asker.standing, held(asker.standing, kind))
            if not judge(rule, said, expected) or (expected and state(street, device) != before):
                wrong.append((asker.name, kind, said, expected))
    assert (await ask(street, route, None, {"device": "x", "user": "x"}, QUERIES.get(route))).code == "token-missing"
    assert wrong == []


@pytest.mark.parametrize("route", WITH_THING)
async def test_things_of_ones_own_home_and_of_another(street: Street, route: str) -> None:
    rule, kind, wrong = RULES[route], things(route), []
    for asker in street.askers:
        own = await street.thing(kind, asker, asker.home)
        foreign = await street.thing(kind, asker, street.elsewhere(asker.home))
        made_up = dict.fromkeys(own, "no-such-thing")
        for relation, parts in (("own", own), ("foreign", foreign), ("unknown", made_up)):
            said = await ask(street, route, asker, parts)
            expected = verdict(rule, asker.standing)
            known = relation == "own" or (relation == "foreign" and kind == "home")  # operators look after all homes
            if not expected and not known:
                expected = UNKNOWN[kind]
            if not judge(rule, said, expected):
                wrong.append((asker.name, relation, said, expected))
    assert (await ask(street, route, None, dict.fromkeys(own, "x"))).code == "token-missing"
    assert wrong == []


@pytest.mark.parametrize("route", ["DELETE /account/sessions/{session}", "DELETE /account/keys/{key}"])
async def test_the_account_ends_nothing_of_somebody_else(street: Street, route: str) -> None:
    for name in ("guest", "user", "operator"):
        asker = street.asker(name)
        somebody = street.asker("user" if name != "user" else "guest")
        said = await ask(street, route, asker, await street.thing(things(route), somebody, asker.home))
        assert said.code == UNKNOWN[things(route)]


async def test_a_key_is_ended_by_its_owners_path_only(street: Street) -> None:
    route, asker = "DELETE /users/{user}/keys/{key}", street.asker("operator")
    assert asker.user is not None
    held = await street.thing("key", asker, asker.home)
    wrong = {"user": (await street.person(asker.home)).id, "key": held["key"]}
    assert await ask(street, route, asker, wrong) == (404, "key-unknown")
    assert (await ask(street, route, asker, {"user": asker.user.id, "key": held["key"]})).status == 204


@pytest.mark.parametrize(
    "route",
    [
        "POST /users/{user}/password-link",
        "DELETE /users/{user}/second-factor",
        "GET /users/{user}/sessions",
        "DELETE /users/{user}/sessions",
    ],
)
async def test_an_account_of_two_homes_is_not_one_admins_to_open(street: Street, route: str) -> None:
    both = await street.person(street.other)
    await street.people.add_membership(both, street.home, "guest")
    said = await ask(street, route, street.asker("admin of the other home"), {"user": both.id})
    assert said == (403, "user-elsewhere")
    assert (await ask(street, route, street.asker("operator"), {"user": both.id})).status < 300


@pytest.mark.parametrize("route", ["PUT /devices/{device}/shares/{user}", "DELETE /devices/{device}/shares/{user}"])
async def test_only_members_get_a_share(street: Street, route: str) -> None:
    asker = street.asker("operator")
    device = await street.device(asker, "added")
    assert device is not None
    for user in ((await street.person(street.other)).id, "nobody"):
        assert await ask(street, route, asker, {"device": device.id, "user": user}) == (404, "user-unknown")


async def get(street: Street, asker: Asker, path: str, **query: str) -> Any:
    headers = {"Authorization": f"Bearer {asker.token}"}
    async with street.http.get(f"/api/v1{path}", params=query, headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def items(street: Street, asker: Asker, path: str) -> list[Any]:
    """A whole list."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        body = await get(street, asker, path, **cursor)
        found += body["items"]
        if body["next"] is None:
            return found
        cursor = {"cursor": body["next"]}


async def test_lists_sums_and_reports_hold_what_one_may_see(street: Street) -> None:
    for asker in street.askers:
        if asker.standing.scopes is not None and "read" not in asker.standing.scopes:
            continue
        fresh: dict[str, str] = {}
        names: dict[str, str | None] = {}
        for kind in DEVICES[:-1]:
            device = await street.device(asker, kind, own_room=True)
            assert device is not None
            fresh[device.id], names[device.id] = kind, device.room
        seen = {id for id, kind in fresh.items() if held(asker.standing, kind) != "none"}
        listed = await items(street, asker, "/devices")
        assert {one["id"] for one in listed} & set(fresh) == seen
        assert {one["id"]: one["right"] for one in listed if one["id"] in fresh} == {
            id: held(asker.standing, fresh[id]) for id in seen
        }
        summed = (await get(street, asker, "/telemetry/sum", **RANGE))["sum"]["outlets"]
        assert {name.partition(":")[0] for name in summed} & set(fresh) == seen
        report = await get(street, asker, "/reports/energy")
        assert {line["device"] for line in report["by_device"]} & set(fresh) == seen
        rooms = await items(street, asker, "/rooms")
        assert {id for room in rooms for id in room["devices"]} & set(fresh) == seen
        own_rooms = {names[id] for id, kind in fresh.items() if kind != "foreign"}
        shown = {room["name"] for room in rooms} & set(names.values())
        assert shown == ({names[id] for id in seen} if asker.standing.role == "guest" else own_rooms)


async def test_shares_are_those_of_the_devices_that_one_may_manage(street: Street) -> None:
    for asker in street.askers:
        if verdict(RULES["GET /shares"], asker.standing):
            continue
        fresh = {device.id: kind for kind in DEVICES[:-1] if (device := await street.device(asker, kind)) is not None}
        managed = {id for id, kind in fresh.items() if held(asker.standing, kind) == "manage"}
        listed = await items(street, asker, "/shares")
        assert {one["device"] for one in listed} & set(fresh) == managed
        for id in managed:
            of_device = [{k: v for k, v in one.items() if k != "device"} for one in listed if one["device"] == id]
            assert of_device == await items(street, asker, f"/devices/{id}/shares")
        somebody = listed[0]["user"]
        theirs = (await get(street, asker, "/shares", user=somebody))["items"]
        assert theirs == [one for one in listed if one["user"] == somebody][: len(theirs)] != []
        assert (await get(street, asker, "/shares", user="nobody"))["items"] == []


@pytest.mark.parametrize(
    ("path", "kind"), [("/users", "user"), ("/invitations", "invitation"), ("/mqtt-clients", "name")]
)
async def test_lists_are_of_ones_own_home(street: Street, path: str, kind: str) -> None:
    for asker in street.askers:
        if verdict(RULES[f"GET {path}"], asker.standing):
            continue
        own = await street.thing(kind, asker, asker.home)
        foreign = await street.thing(kind, asker, street.elsewhere(asker.home))
        listed = {one["name" if kind == "name" else "id"] for one in await items(street, asker, path)}
        assert set(own.values()) <= listed
        assert not set(foreign.values()) & listed


async def test_the_audit_log_is_of_ones_own_home(street: Street) -> None:
    for asker in (street.asker("operator"), street.asker("admin of the other home")):
        theirs = await street.thing("room", asker, street.elsewhere(asker.home))
        own = await street.thing("room", asker, asker.home)
        assert (await get(street, asker, "/audit", object=own["room"]))["items"] != []
        assert (await get(street, asker, "/audit", object=theirs["room"]))["items"] == []


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
        ("bearer x", "token-wrong"),
    ],
)
async def test_a_wrong_token_is_nobody(street: Street, header: str, code: str) -> None:
    async with street.http.get("/api/v1/devices", headers={"Authorization": header}) as response:
        assert response.status == 401
        assert (await response.json(content_type=None))["code"] == code
        assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_the_rules_themselves_tell_people_apart() -> None:
    guest, user = Standing("guest"), Standing("user")
    assert held(guest, "manage") == "view"
    assert held(user, "unshared") == "control"
    assert held(Standing("operator"), "private") == "none"
    assert held(Standing("operator", frozenset(["control"])), "unshared") == "control"
    assert verdict(Rule("user", "manage"), guest) == "forbidden"
