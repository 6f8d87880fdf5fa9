"""Paging: every list takes a limit and a cursor, and reading on finds each entry once, whatever comes and goes."""

import base64
from typing import Any

import msgspec
import pytest

from hub.api.openapi import document
from hub.api.paging import PageQuery, page
from hub.api.rest import ROUTES
from hub.auth.principal import system
from hub.client import HubClient
from hub.history.gaps import GapRecord
from hub.messages import HubError
from tests.api.house import PASSWORD, House

LISTS = [route for route in ROUTES if route.answer is not None and "items" in route.answer.__struct_fields__]
GARBAGE = [
    "x",
    "=",
    "ä",
    "AAAA",
    "W10",
    "bnVsbA",
    base64.urlsafe_b64encode(b'[["a"],"b"]').decode(),
    base64.urlsafe_b64encode(b"[1e999,2]").decode(),
    base64.urlsafe_b64encode(b'["a","b","c"]').decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "A" * 1000,
]
MANY = ("/devices", "/rooms", "/mqtt-clients", "/invitations", "/account/keys", "/account/sessions", "/gaps")


def pair(name: str) -> tuple[str]:
    return (name,)


def pages(items: list[str], limit: int) -> list[list[str]]:
    found, cursor = [], None
    while True:
        shown, cursor = page(items, PageQuery(limit, cursor), pair, tuple[str])
        found.append([*shown])
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(1, [["a"], ["b"], ["c"]]), (2, [["a", "b"], ["c"]]), (3, [["a", "b", "c"]]), (500, [["a", "b", "c"]])],
)
def test_pages_end_where_the_list_does(limit: int, expected: list[list[str]]) -> None:
    assert pages(["c", "a", "b"], limit) == expected


def test_an_empty_list_is_one_empty_page() -> None:
    assert pages([], 10) == [[]]


def test_what_comes_and_goes_meanwhile_moves_nothing_else() -> None:
    items = ["b", "d", "f"]
    shown, cursor = page(items, PageQuery(2), pair, tuple[str])
    assert shown == ["b", "d"]
    for others, rest in (
        (["a", "b", "c", "d", "f"], ["f"]),  # two came before the place
        (["b", "f"], ["f"]),  # the last one that was shown is gone
        (["b", "d", "e", "f"], ["e", "f"]),
        (["b", "d"], []),
    ):
        assert page(others, PageQuery(2, cursor), pair, tuple[str])[0] == rest


@pytest.mark.parametrize("cursor", GARBAGE, ids=lambda cursor: cursor[:12])
def test_a_made_up_cursor_is_refused_even_for_an_empty_list(cursor: str) -> None:
    for items in ([], ["a"]):
        with pytest.raises(HubError) as caught:
            page(items, PageQuery(cursor=cursor), pair, tuple[str])
        assert (caught.value.id, caught.value.field) == ("field-invalid", "cursor")


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.name)
def test_every_list_is_paged(route: Any) -> None:
    parameters = document(ROUTES, "")["paths"][f"/api/v1{route.path}"]["get"]["parameters"]
    limit = next(one["schema"] for one in parameters if one["name"] == "limit")
    assert (limit["minimum"], limit["maximum"]) == (1, 500)
    assert "cursor" in {one["name"] for one in parameters}
    assert "next" in route.answer.__struct_fields__


def names_of(body: dict[str, Any]) -> list[Any]:
    return [msgspec.json.encode(item) for item in body["items"]]


async def test_every_list_reads_on_to_its_end(house: House) -> None:
    hub = system(house.home)
    plugs = [await house.plug(f"plug-{n}", name=["b", "a", "B", "ä"][n], room=f"Room {n}") for n in range(4)]
    for n in range(3):
        await house.mqtt.add(hub, name=f"program-{n}", read=["a"], write=[])
        await house.identity.invitations.invite(hub, "user")
        await house.identity.keys.add(house.principal("admin"), name="x", scopes=["read"])
        await house.headers("admin")
        house.history.known_gaps.append(GapRecord(plugs[0].id, 0, 1000 + n, 2000, "unknown", None))
    headers = await house.headers("admin")
    admin = house.principal("admin").user
    for route in LISTS:
        path = route.path.replace("{user}", admin).replace("{device}", plugs[0].id)
        query = {"device": plugs[0].id, "from": "0", "to": "5000"} if path == "/gaps" else {}
        async with house.http.get(f"/api/v1{path}", headers=headers, params=query) as response:
            whole = names_of(await response.json())
        found: list[bytes] = []
        cursor: dict[str, str] = {}
        while True:
            asked = {**query, "limit": "1", **cursor}
            async with house.http.get(f"/api/v1{path}", headers=headers, params=asked) as response:
                body = await response.json()
            assert len(body["items"]) <= 1
            found += names_of(body)
            if body["next"] is None:
                break
            cursor = {"cursor": body["next"]}
        if route.name != "list_audit":
            assert found == whole, path
        if path in MANY:
            assert len(found) >= 3, path


async def test_the_client_reads_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        await house.plug(f"plug-{n}")
    url = f"http://127.0.0.1:{house.server.port}"
    async with HubClient(url) as hub:
        await hub.login("admin@example.org", PASSWORD)
        calls: list[Any] = []
        call = hub.call

        async def short(method: str, path: str, body: Any = None, query: Any = ()) -> Any:
            calls.append(path)
            return await call(method, path, body, [*query, ("limit", "2")])

        monkeypatch.setattr(hub, "call", short)
        assert [device["name"] for device in await hub.devices()] == [f"plug-{n}" for n in range(5)]
        assert calls == ["/devices"] * 3
