"""Whatever number stands in a request: the answer is the hub's own, and a key ends within ten years."""

from typing import Any

import pytest

from hub.api.openapi import document
from hub.api.rest import ROUTES
from tests.api.house import PASSWORD, House

FAR = (2**63, -(2**63), 2**63 - 1, 10**18, -1)
YEAR_MS = 365 * 24 * 3600 * 1000
SPEC: dict[str, Any] = document(ROUTES, "0.1.0")


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SPEC["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def is_whole(schema: dict[str, Any]) -> bool:
    schema = resolved(schema)
    return schema.get("type") == "integer" or any(is_whole(one) for one in schema.get("anyOf", ()))


def fields_of(schema: dict[str, Any]) -> dict[str, Any]:
    schema = resolved(schema)
    return {
        **schema.get("properties", {}),
        **{k: v for one in schema.get("anyOf", ()) for k, v in fields_of(one).items()},
    }


def places() -> list[tuple[str, str, str, str, Any]]:
    """method, path, "body" or "query", the field, and the example of the body."""
    found: list[tuple[str, str, str, str, Any]] = []
    for path, operations in SPEC["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and is_whole(parameter["schema"]):
                    found.append((method, path, "query", parameter["name"], None))
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None:
                example = body.get("example", {})
                for name, schema in fields_of(body["schema"]).items():
                    if is_whole(schema) or is_whole(resolved(schema).get("items", {})):
                        found.append((method, path, "body", name, example))
    return found


PLACES = places()


def test_the_places_are_found() -> None:
    names = {(where, field) for _, _, where, field, _ in PLACES}
    assert {
        ("body", "expires"),
        ("body", "interval_ms"),
        ("body", "days"),
        ("query", "from"),
        ("query", "limit"),
    } <= names


async def test_no_number_is_too_much_for_any_field(house: House) -> None:
    headers, device = await house.headers("admin"), await house.plug()
    user, wrong = house.principal("user").user, []
    for method, path, where, field, example in PLACES:
        filled = path.replace("{device}", device.id).replace("{user}", user)
        for number in FAR:
            given: Any = [number] if field == "days" else number
            body = {**(example or {}), field: given} if where == "body" else None
            if body is not None and path.endswith("/account/keys"):
                body["password"] = PASSWORD
            query = {field: str(number)} if where == "query" else {}
            url = filled if filled.startswith("/api/v1") else f"/api/v1{filled}"
            async with house.http.request(method, url, json=body, params=query, headers=headers) as response:
                if response.status >= 500 or response.status < 400:
                    wrong.append((method, path, field, number, response.status))
    assert wrong == []


@pytest.mark.parametrize(
    ("ahead", "code"),
    [(-1, "expiry-past"), (11 * YEAR_MS, "expiry-late"), (10**18, "expiry-late"), (2**63, "expiry-late")],
)
async def test_a_key_ends_within_ten_years(house: House, ahead: int, code: str) -> None:
    headers = await house.headers("admin")
    body = {"name": "x", "scopes": ["read"], "password": PASSWORD, "expires": house.clock.now() + ahead}
    async with house.http.post("/api/v1/account/keys", json=body, headers=headers) as response:
        said = await response.json(content_type=None)
    assert (response.status, said["code"], said["field"]) == (422, code, "expires")
    body["expires"] = house.clock.now() + 10 * YEAR_MS
    async with house.http.post("/api/v1/account/keys", json=body, headers=headers) as response:
        assert response.status == 201
