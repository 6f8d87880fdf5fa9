"""No id that a program hands to the Python client leads to another resource than the one that its method is about."""

import inspect
from collections.abc import AsyncIterator, Sequence
from typing import Any, get_type_hints
from urllib.parse import unquote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.api.rest import ROUTES
from hub.client import ApiError, HubClient, IdInvalid, path_of
from hub.client.calls import Calls

WORDS = {word for route in ROUTES for word in route.path.split("/") if not word.startswith("{")}
RAW = set(vars(Calls)) - {"login"}  # they take paths, which are their caller's own
METHODS = sorted(name for name, method in inspect.getmembers(HubClient, inspect.iscoroutinefunction) if name not in RAW)
REFUSED = ("", ".", "..", "\udc80")


class Ear:
    """A server that knows nothing, and what it was asked."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.raw_path.partition("?")[0])
        return web.json_response({"code": "path-unknown", "detail": "."}, status=404)


@pytest.fixture
async def ear() -> Ear:
    return Ear()


@pytest.fixture
async def client(ear: Ear) -> AsyncIterator[HubClient]:
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", ear.answer)
    server = TestServer(application)
    await server.start_server()
    async with HubClient(str(server.make_url("")), key="x") as hub:
        yield hub
    await server.close()


def arguments(method: Any, text: str) -> dict[str, Any]:
    """Each text that it takes is this one."""
    hints = get_type_hints(method)
    values: dict[Any, Any] = {str: text, str | None: text, Sequence[str]: (text,), int: 0, bool: False}
    named = (p for p in inspect.signature(method).parameters.values() if p.kind is not p.VAR_KEYWORD)
    return {p.name: values[hints[p.name]] for p in named if p.name != "self" and hints[p.name] in values}


@pytest.mark.parametrize(
    "text", ["../users/x", "x/../../users/x", "%2e%2e/users/x", "a?b=c", "a#b", "ä ö", "\udc80", *REFUSED]
)
async def test_an_id_stays_one_part_of_its_path(client: HubClient, ear: Ear, text: str) -> None:
    for name in METHODS:
        method = getattr(client, name)
        ear.paths.clear()
        try:
            await method(**arguments(method, text))
        except IdInvalid:
            assert text in REFUSED, name
            assert ear.paths == [], f"{name}: nothing was asked"
        except ApiError as error:
            assert error.code == "path-unknown"
        for path in ear.paths:
            parts = {unquote(part) for part in path.removeprefix("/api/v1/").split("/")}
            assert parts <= WORDS | {text, f"energy.{text}"}, name


def test_every_method_with_an_id_is_in_the_table() -> None:
    named = {name for name in METHODS if "id" in inspect.signature(getattr(HubClient, name)).parameters}
    assert {"remove_device", "remove_user", "remove_home", "end_session", "remove_key"} <= named
    assert {"remove_mqtt_client", "test_notifier", "report_file", "sessions", "keys"} <= set(METHODS)


def test_a_path_of_parts() -> None:
    assert path_of("mqtt-clients", "a/b") == "/mqtt-clients/a%2Fb"
    for text in REFUSED:
        with pytest.raises(IdInvalid, match="is no id"):
            path_of("devices", text)
