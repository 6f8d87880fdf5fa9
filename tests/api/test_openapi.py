"""The document: valid, complete, and every example is what its route takes and answers."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from hub.api.errors import STATUS, status_of
from hub.api.openapi import document, possible_errors
from hub.api.rest import ROUTES
from hub.api.routing import Route
from hub.messages import catalog
from tests.api.house import House

BY_NAME = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return document(ROUTES, "0.1.0")


def test_the_document_is_valid_openapi_3_1(spec: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(spec).iter_errors()) == []


async def test_the_hub_serves_it(house: House) -> None:
    async with house.http.get("/api/v1/openapi.json") as response:
        assert response.status == 200
        served = await response.json()
    assert served == msgspec.json.decode(msgspec.json.encode(document(ROUTES, "0.1.0")))


async def test_every_served_route_is_in_it(house: House, spec: dict[str, Any]) -> None:
    undocumented = {"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/ws", "/{page}"}
    routes = house.server.routes()
    implied = {(method, path) for method, path in routes if method == "HEAD" and ("GET", path) in routes}
    served = {(path, method.lower()) for method, path in routes - implied if path not in undocumented}
    documented = {(path, method) for path, methods in spec["paths"].items() for method in methods}
    assert served == documented
    assert len(served) == len(ROUTES)


def test_names_are_unique() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@BY_NAME
def test_every_route_says_what_it_is_and_who_may(route: Route, spec: dict[str, Any]) -> None:
    operation = spec["paths"][f"/api/v1{route.path}"][route.method.lower()]
    assert operation["summary"]
    assert ("{device}" in route.path) == (route.device is not None)
    assert (operation["security"] == []) == (route.role == "open")
    assert operation["description"].endswith(".")
    assert "500" in operation["responses"]
    assert route.body is None or route.example is not None
    assert route.answer is None or route.answer_example is not None


@BY_NAME
def test_examples_are_what_the_types_take(route: Route) -> None:
    for kind, example in ((route.body, route.example), (route.answer, route.answer_example)):
        if kind is not None:
            msgspec.json.decode(msgspec.json.encode(example), type=kind)


@BY_NAME
def test_examples_fit_their_schemas(route: Route, spec: dict[str, Any]) -> None:
    operation = spec["paths"][f"/api/v1{route.path}"][route.method.lower()]
    answers = [each for status, each in operation["responses"].items() if status < "300"]
    contents = [
        part for each in (operation.get("requestBody", {}), *answers) for part in each.get("content", {}).items()
    ]
    assert len(contents) == (route.body is not None) + (answers[0].get("content") is not None) + len(answers[1:])
    for media, content in contents:
        if media == "application/json":
            schema = {**content["schema"], "components": spec["components"]}
            Draft202012Validator(schema).validate(msgspec.json.decode(msgspec.json.encode(content["example"])))


@BY_NAME
def test_every_status_says_which_codes_it_can_have(route: Route, spec: dict[str, Any]) -> None:
    responses = spec["paths"][f"/api/v1{route.path}"][route.method.lower()]["responses"]
    told: set[str] = set()
    for status, response in responses.items():
        if status >= "400":
            schema = response["content"]["application/problem+json"]["schema"]
            codes = schema["properties"]["code"]["enum"]
            assert {str(status_of(code)) for code in codes} == {status}
            told |= {*codes}
    assert told == set(possible_errors(route))
    assert {"internal-error", "requests-too-many"} <= told
    assert ("token-expired" in told) == (route.role != "open")
    assert ("body-too-large" in told) == (route.body is not None)


@BY_NAME
def test_security_names_the_scope_of_a_key(route: Route, spec: dict[str, Any]) -> None:
    security = spec["paths"][f"/api/v1{route.path}"][route.method.lower()]["security"]
    if route.role == "open":
        assert security == []
    elif route.needed_scope == "person":
        assert security == [{"bearer": []}]
    else:
        assert security == [{"bearer": []}, {"key": [route.needed_scope]}]
    assert {name for each in security for name in each} <= set(spec["components"]["securitySchemes"])


@BY_NAME
def test_every_code_of_a_route_has_a_sentence(route: Route) -> None:
    assert not set(possible_errors(route)) - catalog().ids()


def test_every_status_is_of_a_code_that_exists() -> None:
    assert not set(STATUS) - catalog().ids()


def test_query_parameters_are_documented(spec: dict[str, Any]) -> None:
    parameters = {p["name"]: p for p in spec["paths"]["/api/v1/telemetry"]["get"]["parameters"]}
    assert set(parameters) == {"device", "from", "to", "points", "bucket"}
    assert parameters["device"]["required"]
    assert parameters["device"]["schema"]["type"] == "array"
    assert not parameters["points"]["required"]
    assert parameters["points"]["schema"]["default"] == 1000
