"""Junk from an address does not lock out who is signed in there: a family behind one router, all behind one proxy."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub.api import ApiServer
from hub.api.websocket import PER_USER, STRANGERS
from hub.auth.limits import RateLimits, Rates
from hub.auth.tokens import GRACE_MS, Grant
from tests.api.house import PASSWORD, House
from tests.api.sockets import WITHIN

A_MINUTE, READS = 5, 50
JUNK = "x" * 43
GONE = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR)


class Gate:
    """The house by a server that counts; its clock stands still, so no bucket fills again."""

    def __init__(self, house: House, url: str) -> None:
        self.house = house
        self.url = f"{url}/api/v1"

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, dict[str, Any]]:
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, self.url + path, json=body, **options) as answer,
        ):
            return answer.status, {} if answer.status == 204 else await answer.json(content_type=None)

    async def refresh(self, token: str, path: str = "/auth/refresh") -> tuple[int, str | None]:
        """By the body, as programs do."""
        headers = {"X-Plughub-Client": "program"}
        status, answer = await self.ask("POST", path, {"refresh_token": token}, headers=headers)
        return status, answer.get("refresh_token") or answer.get("code")

    async def flood(self) -> None:
        """Until the address has to wait."""
        assert [(await self.refresh(JUNK))[0] for _ in range(A_MINUTE + 1)] == [*[401] * A_MINUTE, 429]

    async def signed_in(self, role: str = "user") -> Grant:
        user = self.house.people.user(self.house.principal(role).user)
        assert user is not None
        return await self.house.tokens.issue(user, self.house.identity.homes.first)


@pytest.fixture
async def gate(fake_house: House, tmp_path: Path) -> AsyncIterator[Gate]:
    limits = RateLimits(fake_house.clock, Rates(reads=READS, writes=A_MINUTE))
    services = dataclasses.replace(fake_house.services, limits=limits)
    server = ApiServer(services, host="127.0.0.1", port=0, static=tmp_path / "none")
    await server.start()
    yield Gate(fake_house, f"http://127.0.0.1:{server.port}")
    await server.stop()


async def test_a_session_goes_on_beside_junk(gate: Gate) -> None:
    grant, other = await gate.signed_in(), await gate.signed_in("guest")
    await gate.flood()
    assert await gate.refresh(JUNK) == (429, "requests-too-many")
    status, newest = await gate.refresh(grant.refresh_token)
    assert status == 200
    assert newest is not None
    assert await gate.refresh(grant.refresh_token) == (200, newest)  # whose answer was lost
    assert (await gate.refresh(newest, "/auth/logout"))[0] == 204
    cookie = {"Cookie": f"plughub_refresh={other.refresh_token}"}
    assert (await gate.ask("POST", "/auth/refresh", headers=cookie))[0] == 200
    assert (await gate.ask("POST", "/auth/refresh", headers={"Cookie": f"plughub_refresh={JUNK}"}))[0] == 429


async def test_who_shows_a_secret_counts_as_that_person(gate: Gate) -> None:
    newest: str | None = (await gate.signed_in()).refresh_token
    for _ in range(A_MINUTE):
        assert newest is not None
        status, newest = await gate.refresh(newest)
        assert status == 200
    assert newest is not None
    assert (await gate.refresh(newest))[0] == 429
    assert (await gate.refresh((await gate.signed_in("guest")).refresh_token))[0] == 200
    await gate.flood()  # nothing of it was counted by the address


@pytest.mark.parametrize("body", ["{", '{"refresh_token":7}', "[]", '{"refresh_token":"' + JUNK + '"}'])
async def test_what_shows_no_secret_counts_by_its_address(gate: Gate, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    found = [(await gate.ask("POST", "/auth/refresh", data=body, headers=headers))[0] for _ in range(A_MINUTE + 1)]
    assert 429 not in found[:-1]
    assert found[-1] == 429


async def test_only_what_renews_a_session_shows_who_it_is(gate: Gate) -> None:
    grant = await gate.signed_in()
    tokens, user = gate.house.tokens, gate.house.principal("user").user
    assert tokens.whose(grant.refresh_token) == user
    assert tokens.whose(grant.socket_token) is tokens.whose(grant.access_token) is tokens.whose(JUNK) is None
    again, _, _ = await tokens.refresh(grant.refresh_token)
    assert tokens.whose(grant.refresh_token) == tokens.whose(again.refresh_token) == user
    await gate.house.clock.advance(GRACE_MS / 1000 + 1)  # type: ignore[attr-defined]
    assert tokens.whose(grant.refresh_token) is None
    await tokens.revoke(again.refresh_token)
    assert tokens.whose(again.refresh_token) is None


async def test_who_is_signed_in_works_on_beside_guesses_of_passwords(gate: Gate) -> None:
    grant = await gate.signed_in()
    for _ in range(A_MINUTE):
        await gate.ask("POST", "/auth/login", {"email": "user@example.org", "password": "wrong"})
    signed = {"Authorization": f"Bearer {grant.access_token}"}
    assert (await gate.ask("POST", "/auth/login", {"email": "user@example.org", "password": PASSWORD}))[0] == 429
    assert (await gate.ask("GET", "/devices", headers=signed))[0] == 200
    change = {"current": PASSWORD, "password": "another quiet kettle"}
    assert (await gate.ask("POST", "/account/password", change, headers=signed))[0] == 204
    assert (await gate.refresh(grant.refresh_token))[0] == 200


async def wrong_tokens(gate: Gate) -> None:
    signed = {"Authorization": f"Bearer {JUNK}"}
    assert [(await gate.ask("DELETE", "/rooms/x", headers=signed))[0] for _ in range(A_MINUTE + 1)][-1] == 429


async def wrong_links(gate: Gate) -> None:
    assert [(await gate.ask("POST", "/auth/link", {"token": JUNK}))[0] for _ in range(A_MINUTE + 1)][-1] == 429


async def unreadable_logins(gate: Gate) -> None:
    found = [(await gate.ask("POST", "/auth/login", {"email": 7}))[0] for _ in range(A_MINUTE + 1)]
    assert found == [*[422] * A_MINUTE, 429]


async def wrong_passkeys(gate: Gate) -> None:
    body = {"id": "AA", "client_data_json": "e30", "authenticator_data": "AA", "signature": "AA", "user_handle": "AA"}
    assert [(await gate.ask("POST", "/auth/passkey", body))[0] for _ in range(A_MINUTE + 1)][-1] == 429
    assert [(await gate.ask("POST", "/auth/passkey/options"))[0] for _ in range(A_MINUTE + 1)][-1] == 429


@pytest.mark.parametrize("junk", [Gate.flood, wrong_tokens, wrong_links, unreadable_logins, wrong_passkeys])
async def test_junk_delays_no_sign_in_and_no_link(gate: Gate, junk: Callable[[Gate], Awaitable[None]]) -> None:
    _, link = await gate.house.identity.invitations.invite(gate.house.principal("admin"), "guest")
    await junk(gate)
    login = {"email": "user@example.org", "password": PASSWORD}
    assert (await gate.ask("POST", "/auth/login", login))[0] == 200
    assert (await gate.ask("POST", "/auth/link", {"token": link}))[0] == 200
    newcomer = {"token": link, "name": "Eve", "email": "eve@example.org", "password": "seven wooden boats"}
    assert (await gate.ask("POST", "/auth/join", newcomer))[0] == 201


async def test_wrong_tokens_keep_nobody_from_the_page_that_signs_in(gate: Gate) -> None:
    signed = {"Authorization": f"Bearer {JUNK}"}
    found = [(await gate.ask("GET", "/devices", headers=signed))[0] for _ in range(READS + 1)]
    assert found == [*[401] * READS, 429]
    assert (await gate.ask("GET", "/system/info"))[0] == 200


async def test_a_link_that_holds_is_asked_about_only_so_often(gate: Gate) -> None:
    links = gate.house.identity.invitations
    one, other = [(await links.invite(gate.house.principal("admin"), "guest"))[1] for _ in range(2)]
    found = [(await gate.ask("POST", "/auth/link", {"token": one}))[0] for _ in range(A_MINUTE + 1)]
    assert found == [*[200] * A_MINUTE, 429]
    assert (await gate.ask("POST", "/auth/link", {"token": other}))[0] == 200


async def test_guesses_of_passwords_stay_few_beside_everything_else(gate: Gate) -> None:
    """Whatever else an address may ask for, it guesses no more often for that."""
    login = {"email": "user@example.org", "password": "wrong"}
    found = []
    for _ in range(3):
        found += [(await gate.ask("POST", "/auth/login", login))[0] for _ in range(A_MINUTE)]
        await gate.flood() if len(found) == A_MINUTE else None
    assert found == [*[401] * A_MINUTE, *[429] * 2 * A_MINUTE]


async def test_strangers_who_wait_at_the_socket_keep_nobody_out(gate: Gate) -> None:
    """Who waits longest gives way; who signs in at once, with a cookie or a first message, stays."""
    grant, other = await gate.signed_in(), await gate.signed_in("guest")
    origin = gate.url.removesuffix("/api/v1")
    headers = {"Cookie": f"plughub_socket={grant.socket_token}", "Origin": origin}
    async with aiohttp.ClientSession() as http:
        waiting = [await http.ws_connect(f"{gate.url}/ws") for _ in range(STRANGERS)]
        async with http.ws_connect(f"{gate.url}/ws", headers=headers) as socket:
            assert (await socket.receive_json(timeout=WITHIN))["by"] == "cookie"
            assert not any(socket.closed for socket in waiting)
            newcomer = await http.ws_connect(f"{gate.url}/ws")
            await newcomer.send_json({"type": "auth", "token": other.access_token})
            assert (await newcomer.receive_json(timeout=WITHIN))["type"] == "ready"
            assert (await waiting[0].receive(WITHIN)).type in GONE
            more = await http.ws_connect(f"{gate.url}/ws")  # one place is free: the newcomer has signed in
            await waiting[1].send_json({"type": "auth", "token": other.access_token})
            assert (await waiting[1].receive_json(timeout=WITHIN))["type"] == "ready"
            for connection in (newcomer, more, *waiting):
                await connection.close()


async def test_one_account_fills_no_more_than_its_own_places(gate: Gate) -> None:
    """A guest with a cookie opens as many as they like: beyond their own places they are strangers like others."""
    guest, user = await gate.signed_in("guest"), await gate.signed_in()
    origin = gate.url.removesuffix("/api/v1")
    cookies = {"Cookie": f"plughub_socket={guest.socket_token}", "Origin": origin}
    async with aiohttp.ClientSession() as http:
        held = [await http.ws_connect(f"{gate.url}/ws", headers=cookies) for _ in range(PER_USER + STRANGERS + 5)]
        for socket in held[:PER_USER]:
            assert (await socket.receive_json(timeout=WITHIN))["type"] == "ready"
        for socket in held[PER_USER : PER_USER + 5]:
            assert (await socket.receive(WITHIN)).type in GONE
        other = await http.ws_connect(f"{gate.url}/ws")
        await other.send_json({"type": "auth", "token": user.access_token})
        assert (await other.receive_json(timeout=WITHIN))["type"] == "ready"
        for socket in (other, *held):
            await socket.close()
