"""Passkeys over HTTP: from the question to the session, where they can be, and what is no passkey."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.auth.passkeys import from_base64url, to_base64url
from tests.api.house import PASSWORD, House
from tests.auth.authenticator import Authenticator

Answer = tuple[int, dict[str, Any]]


class Browser:
    """Somebody's browser at http://localhost, the one name that needs no HTTPS; with an authenticator."""

    def __init__(self, house: House, user: str) -> None:
        self.house = house
        self.origin = f"http://localhost:{house.server.port}"
        self.device = Authenticator(user, name="localhost")
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"Host": self.origin.removeprefix("http://"), "Origin": self.origin, **self.headers, **headers}
        async with self.house.http.request(method, f"/api/v1{path}", json=body, headers=sent) as response:
            return response.status, await response.json() if response.status != 204 else {}

    async def make(self, name: str = "Phone") -> Answer:
        status, options = await self.ask("POST", "/account/passkeys/options", {"password": PASSWORD})
        assert status == 200, options
        assert options["user_id"] == to_base64url(self.device.user)
        made = self.device.create(from_base64url(options["challenge"]), self.origin)
        body = {"attestation_object": made.attestation, "client_data_json": made.client_data}
        shown = {field: to_base64url(raw) for field, raw in body.items()}
        return await self.ask("POST", "/account/passkeys", {"name": name, **shown})

    async def shown(self) -> dict[str, str]:
        """What is sent to sign in."""
        status, options = await self.ask("POST", "/auth/passkey/options")
        assert (status, options["rp_id"]) == (200, "localhost")
        signed = self.device.get(from_base64url(options["challenge"]), self.origin)
        parts = {
            "id": signed.credential,
            "client_data_json": signed.client_data,
            "authenticator_data": signed.authenticator_data,
            "signature": signed.signature,
            "user_handle": signed.user,
        }
        return {field: to_base64url(raw) for field, raw in parts.items()}


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = Browser(house, house.principal("user").user)
    browser.headers = await house.headers("user")
    yield browser


async def test_from_the_first_passkey_to_the_session_that_it_opens(browser: Browser) -> None:
    status, made = await browser.make()
    assert status == 201
    assert (made["name"], made["rp_id"], made["used"]) == ("Phone", "localhost", None)
    browser.headers = {}
    status, session = await browser.ask("POST", "/auth/passkey", await browser.shown(), **{"User-Agent": "A phone"})
    assert status == 200
    assert session["user"]["name"] == "user"
    assert session["refresh_token"] is None, "it is the cookie's"
    browser.headers = {"Authorization": f"Bearer {session['access_token']}"}
    _, listed = await browser.ask("GET", "/account/passkeys")
    assert (listed["rp_id"], listed["why"]) == ("localhost", None)
    assert listed["items"][0]["used"] >= made["created"]
    _, sessions = await browser.ask("GET", "/account/sessions")
    assert [each["agent"] for each in sessions["items"] if each["current"]] == ["A phone"]
    path = f"/account/passkeys/{made['id']}"
    status, renamed = await browser.ask("PATCH", path, {"name": "Old phone"})
    assert (status, renamed["name"]) == (200, "Old phone")
    assert (await browser.ask("POST", f"{path}/remove", {"password": PASSWORD}))[0] == 204
    status, refused = await browser.ask("POST", "/auth/passkey", await browser.shown())
    assert (status, refused["code"]) == (401, "passkey-refused")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://evil.example"}, "origin-refused"),
        ({"Sec-Fetch-Site": "cross-site"}, "origin-refused"),
        ({"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080"}, "passkey-needs-name"),
        ({"Host": "evil.example", "Origin": "https://evil.example"}, "passkey-name-unknown"),
        ({"Host": "plughub.local", "Origin": "http://plughub.local"}, "passkey-needs-https"),
    ],
)
async def test_where_none_can_be_the_answer_says_why(browser: Browser, headers: dict[str, str], code: str) -> None:
    shown = await browser.shown()
    for path, body in (
        ("/auth/passkey/options", None),
        ("/auth/passkey", shown),
        ("/account/passkeys/options", {"password": PASSWORD}),
        ("/account/passkeys", {"name": "x", "attestation_object": "AA", "client_data_json": "AA"}),
    ):
        status, answer = await browser.ask("POST", path, body, **headers)
        assert (status, answer["code"]) == (403, code), path


async def test_the_list_says_why_none_can_be_made_in_the_readers_language(browser: Browser) -> None:
    _, listed = await browser.ask("GET", "/account/passkeys", Host="192.168.1.20:8080", **{"Accept-Language": "de"})
    assert listed["rp_id"] is None
    assert listed["why"].startswith("Ein Passkey gehört zu einem Namen")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", "", "field-format"),
        ("id", "a b", "field-format"),
        ("id", "a+/=", "field-format"),
        ("id", "A" * 1365, "field-too-long"),
        ("id", "AAAAA", "passkey-unreadable"),
        ("id", 7, "field-type"),
        ("signature", "A" * 9000, "field-too-long"),
        ("signature", "AA", "passkey-refused"),
        ("authenticator_data", "_" * 4000, "passkey-refused"),
        ("client_data_json", "AA", "passkey-unreadable"),
        ("client_data_json", "e30", "passkey-unreadable"),
        ("user_handle", "AA", "passkey-refused"),
        ("more", "x", "field-unknown"),
    ],
)
async def test_what_is_no_signature(browser: Browser, field: str, value: Any, expected: str) -> None:
    await browser.make()
    status, answer = await browser.ask("POST", "/auth/passkey", {**await browser.shown(), field: value})
    assert (400 <= status < 500, answer["code"]) == (True, expected)


async def test_what_is_no_new_passkey(browser: Browser) -> None:
    made = {"name": "x", "attestation_object": "A" * 65536, "client_data_json": "e30"}
    for change, expected in (
        ({}, "passkey-unreadable"),
        ({"attestation_object": "A" * 65537}, "field-too-long"),
        ({"name": ""}, "field-too-short"),
        ({"name": " "}, "name-invalid"),
        ({"client_data_json": "=="}, "field-format"),
    ):
        _, answer = await browser.ask("POST", "/account/passkeys", {**made, **change})
        assert answer["code"] == expected


async def test_who_has_no_session_makes_none_and_a_key_does_not_do(browser: Browser, house: House) -> None:
    _, key = await house.identity.keys.add(house.principal("user"), name="x", scopes=["manage"])
    for headers, code in (({}, "token-missing"), ({"Authorization": f"Bearer {key}"}, "forbidden")):
        browser.headers = headers
        _, answer = await browser.ask("POST", "/account/passkeys/options", {"password": PASSWORD})
        assert answer["code"] == code
