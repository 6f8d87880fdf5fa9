"""The OpenAPI 3.1 document, made from the route table: a route that is served is documented."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from hub.api.errors import CONTENT_TYPE, status_of
from hub.api.routing import PREFIX, Route
from hub.api.types.common import Problem

REFERENCE = "#/components/schemas/{name}"
RIGHTS = {
    "open": "Anyone.",
    "guest": "Members of the home.",
    "user": "Users and admins.",
    "admin": "Admins.",
    "operator": "Admins of the hub's first home.",
}
BODY_ERRORS = ("json-broken", "json-truncated", "json-too-deep", "text-not-utf8", "body-missing", "body-wrong")
BODY_LIMITS = ("body-too-large", "body-too-slow", "content-type-wrong", "content-encoding-wrong")
ALWAYS = (
    "request-invalid",
    "url-too-long",
    "head-too-long",
    "expectation-unknown",
    "forwarding-invalid",
    "host-invalid",
    "https-required",
    "requests-too-many",
    "field-unknown",
    "internal-error",
)
IDENTIFIER = "^[A-Za-z0-9_-]{1,64}$"
LOGIN_NAME = "^[A-Za-z0-9_.-]{3,64}$"
FIELD_ERRORS = ("field-missing", "field-unknown", "field-type", "field-choice", "field-format", "field-invalid")
BOUND_ERRORS = ("field-too-short", "field-too-long", "field-too-small", "field-too-large")


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The whole document, as JSON values."""
    schemas = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"{PREFIX}{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    used = {route.query.__name__ for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Smart Plug AI hub",
            "version": version,
            "description": "Everything that the web app does. Ids are opaque, times Unix milliseconds, power W, "
            "energy kWh, unknown is null. Errors are RFC 9457 problems whose `code` is stable. `HEAD` answers what "
            "`GET` would, without the body.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in used},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of `POST /api/v1/auth/login`, for 30 minutes.",
                },
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`plughub_…`) of `POST /api/v1/account/keys`, with the scope that is "
                    "named; or the key of the machine's own command line, which has all of them.",
                },
            },
        },
    }


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    kinds: list[type] = [Problem]
    for route in routes:
        kinds += [kind for kind in (route.body, route.answer, route.accepted, route.query) if kind is not None]
    _, schemas = msgspec.json.schema_components(dict.fromkeys(kinds), ref_template=REFERENCE)
    return schemas


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    right = RIGHTS[route.role] + (f" Needs the right to {route.device} the device." if route.device else "")
    if route.role != "open":
        scope = route.needed_scope
        right += " Not with an API key." if scope == "person" else f" An API key needs the scope `{scope}`."
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"{route.description} {right}".strip(),
        "tags": [route.tag],
        "security": _security(route),
        "responses": _responses(route),
    }
    if parameters := [*_path_parameters(route.path), *_query_parameters(route, schemas)]:
        operation["parameters"] = parameters
    if route.body is not None:
        content: dict[str, Any] = {"schema": _reference(route.body)}
        if route.example is not None:
            content["example"] = msgspec.to_builtins(route.example)
        operation["requestBody"] = {"required": not route.body_optional, "content": {"application/json": content}}
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    """A session, or a key with the scope; an empty list: nobody has to say who they are."""
    if route.role == "open":
        return []
    ways: list[dict[str, list[str]]] = [{"bearer": []}]
    if route.needed_scope != "person":
        ways.append({"key": [route.needed_scope]})
    return ways


def _problem(codes: list[str]) -> dict[str, Any]:
    return {"allOf": [_reference(Problem)], "properties": {"code": {"enum": codes}}}


def _responses(route: Route) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if route.answer is not None:
        content: dict[str, Any] = {"schema": _reference(route.answer)}
        if route.answer_example is not None:
            content["example"] = msgspec.to_builtins(route.answer_example)
        success = {"description": route.summary, "content": {"application/json": content}}
    if route.media != "application/json":
        success = {"description": route.summary, "content": {route.media: {"schema": {"type": "string"}}}}
    nothing = route.answer is None and "content" not in success
    status = 204 if nothing and route.status == 200 else route.status
    responses = {str(status): success}
    if route.accepted is not None:
        responses["202"] = _accepted(route.accepted, route.accepted_example)
    by_status: dict[int, list[str]] = {}
    for code in possible_errors(route):
        by_status.setdefault(status_of(code), []).append(code)
    for number, codes in sorted(by_status.items()):
        responses[str(number)] = {
            "description": f"{HTTPStatus(number).phrase}: {', '.join(f'`{code}`' for code in codes)}",
            "content": {CONTENT_TYPE: {"schema": _problem(codes)}},
        }
    return responses


def _accepted(kind: type[msgspec.Struct], example: Any) -> dict[str, Any]:
    content = {"schema": _reference(kind), "example": msgspec.to_builtins(example)}
    return {"description": "It has begun.", "content": {"application/json": content}}


def possible_errors(route: Route) -> list[str]:
    """Every problem code that the route can answer, each once: its own, and those of what it takes and requires."""
    codes = [*route.errors]
    if route.body is not None:
        codes += [*BODY_ERRORS, *BODY_LIMITS, *FIELD_ERRORS, *BOUND_ERRORS]
    if route.query.__struct_fields__:
        codes += [*FIELD_ERRORS, *BOUND_ERRORS, "field-repeated"]
    if "{" in route.path:
        codes += ["path-unknown"]
    if route.method != "GET":
        codes += ["database-unwritable", "deleted-meanwhile", "registry-row-held"]
    if route.role in ("admin", "operator"):
        codes += ["address-refused"]
    if route.role != "open":
        codes += ["token-missing", "token-wrong", "token-expired", "session-ended"]
        codes += ["forbidden"]  # a key that may not do this, where nobody else is kept out
    if route.device is not None:
        codes += ["device-unknown"]
    return list(dict.fromkeys([*codes, *ALWAYS]))


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", path)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": LOGIN_NAME if name == "name" else IDENTIFIER},
        }
        for name in names
    ]


def _query_parameters(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    schema = schemas[route.query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        | ({"description": part["description"]} if "description" in part else {})
        for name, part in schema["properties"].items()
    ]


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": REFERENCE.format(name=kind.__name__)}
