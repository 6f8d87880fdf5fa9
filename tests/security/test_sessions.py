"""What somebody can do with a session that is not theirs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.auth.principal import system
from hub.messages import HubError
from hub.testing.clock import FakeClock
from tests.api.house import PASSWORD, House

NEW = "a new long phrase"


async def test_a_stolen_session_makes_nothing_that_outlives_it(house: House) -> None:
    headers = await house.headers("admin")
    attempts = [
        ("POST", "/account/password", {"current": "wrong", "password": NEW}, "password-wrong"),
        ("PATCH", "/account", {"email": "thief@example.org", "password": "wrong"}, "password-wrong"),
        ("PATCH", "/account", {"email": "thief@example.org"}, "field-missing"),
        ("POST", "/account/second-factor", {"password": "wrong"}, "password-wrong"),
        ("POST", "/account/keys", {"name": "x", "scopes": ["admin"], "password": "wrong"}, "password-wrong"),
        ("POST", "/account/keys", {"name": "x", "scopes": ["admin"]}, "field-missing"),
    ]
    for method, path, body, code in attempts:
        async with house.http.request(method, f"/api/v1{path}", json=body, headers=headers) as response:
            assert (await response.json(content_type=None))["code"] == code, (method, path)
    admin = house.principal("admin")
    assert house.identity.keys.list(admin) == []
    ways = [  # by the page of a member who is oneself
        ("POST", "keys", {"name": "x", "scopes": ["admin"]}),
        ("POST", "password-link", None),
        ("DELETE", "second-factor", None),
    ]
    for method, path, own in ways:
        url = f"/api/v1/users/{admin.user}/{path}"
        async with house.http.request(method, url, json=own, headers=headers) as response:
            assert (response.status, (await response.json(content_type=None))["code"]) == (403, "forbidden"), path
    right = {"name": "x", "scopes": ["read"], "password": PASSWORD}
    async with house.http.post("/api/v1/account/keys", json=right, headers=headers) as response:
        assert response.status == 201


TEN_MINUTES = 600


@pytest.fixture
async def later(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose clock stands until it is moved."""
    house = House(tmp_path, FakeClock())
    await house.start()
    await house.move_in()
    yield house
    await house.stop()


async def said(house: House, headers: dict[str, str], method: str, path: str, body: object = None) -> str:
    """The problem's code, or the status."""
    async with house.http.request(method, f"/api/v1{path}", json=body, headers=headers) as response:
        answer = await response.json(content_type=None) if response.status != 204 else {}
        return str(answer["code"]) if response.status >= 400 else str(response.status)


def makes_an_admin(house: House, number: int) -> list[tuple[str, str, object]]:
    """Every way to an admin's account."""
    second = next(user.id for user in house.people.members(house.home) if user.name == "second")
    user = house.principal("user").user
    account = {"name": "x", "email": f"x{number}@example.org", "role": "admin", "password": PASSWORD}
    return [
        ("POST", "/invitations", {"role": "admin"}),
        ("POST", "/users", account),
        ("PATCH", f"/users/{user}", {"role": "admin"}),
        ("POST", f"/users/{second}/password-link", None),
    ]


async def test_a_stolen_session_makes_no_admin(later: House) -> None:
    house = later
    assert isinstance(house.clock, FakeClock)
    await house.people.add(
        system(house.home), email="second@example.org", name="second", role="admin", password=PASSWORD
    )
    headers, elsewhere = await house.headers("admin"), await house.headers("admin")
    user, guest = house.principal("user").user, house.principal("guest").user
    await house.clock.advance(TEN_MINUTES)
    for way in makes_an_admin(house, 1):
        assert await said(house, headers, *way) == "confirmation-needed", way
    assert house.identity.invitations.list(system(house.home)) == []
    for harmless in (
        ("POST", "/invitations", {"role": "guest"}),
        ("PATCH", f"/users/{guest}", {"role": "user"}),
        ("POST", f"/users/{guest}/password-link", None),
    ):
        assert (await said(house, headers, *harmless)).startswith("20"), harmless

    # Who the person at the browser is, the password says; for ten minutes, in this session only.
    confirm = ("POST", "/account/confirm")
    assert await said(house, headers, *confirm, {"password": "wrong"}) == "password-wrong"
    assert await said(house, headers, *makes_an_admin(house, 2)[0]) == "confirmation-needed"
    assert await said(house, headers, *confirm, {"password": PASSWORD}) == "204"
    assert await said(house, elsewhere, *makes_an_admin(house, 2)[0]) == "confirmation-needed"
    for way in makes_an_admin(house, 3):
        assert (await said(house, headers, *way)).startswith("20"), way
    await house.clock.advance(TEN_MINUTES)
    assert await said(house, headers, *makes_an_admin(house, 4)[0]) == "confirmation-needed"
    assert await said(house, headers, "PATCH", f"/users/{user}", {"role": "admin"}) == "200", "is one already"


async def test_an_admin_who_was_locked_out_comes_back_by_the_password_only(later: House) -> None:
    house = later
    assert isinstance(house.clock, FakeClock)
    hub = system(house.home)
    second = await house.people.add(hub, email="second@example.org", name="second", role="admin", password=PASSWORD)
    await house.people.change(hub, second.id, disabled=True)
    headers = await house.headers("admin")
    await house.clock.advance(TEN_MINUTES)
    unlock = ("PATCH", f"/users/{second.id}", {"disabled": False})
    assert await said(house, headers, *unlock) == "confirmation-needed"
    assert second.disabled
    assert await said(house, headers, "POST", "/account/confirm", {"password": PASSWORD}) == "204"
    assert await said(house, headers, *unlock) == "200"


async def test_a_key_makes_no_admin_whatever_its_scopes(house: House) -> None:
    await house.people.add(
        system(house.home), email="second@example.org", name="second", role="admin", password=PASSWORD
    )
    _, key = await house.identity.keys.add(house.principal("admin"), name="x", scopes=["admin", "manage", "read"])
    headers = {"Authorization": f"Bearer {key}"}
    for way in makes_an_admin(house, 1):
        assert await said(house, headers, *way) == "person-needed", way
    assert await said(house, headers, "POST", "/invitations", {"role": "user"}) == "201"


async def test_nobody_is_deleted_by_their_own_stolen_session_or_key(later: House) -> None:
    """Whose account it is shows the password, whichever way the account goes."""
    house = later
    assert isinstance(house.clock, FakeClock)
    await house.people.add(
        system(house.home), email="second@example.org", name="second", role="admin", password=PASSWORD
    )
    admin = house.principal("admin")
    _, key = await house.identity.keys.add(admin, name="x", scopes=["admin"])
    headers, leave = await house.headers("admin"), ("DELETE", f"/users/{admin.user}")
    await house.clock.advance(TEN_MINUTES)
    assert await said(house, {"Authorization": f"Bearer {key}"}, *leave) == "person-needed"
    assert await said(house, headers, *leave) == "confirmation-needed"
    assert house.people.user(admin.user) is not None
    assert await said(house, headers, "POST", "/account/confirm", {"password": PASSWORD}) == "204"
    assert await said(house, headers, *leave) == "204"


def takes_from_an_admin(user: str) -> list[tuple[str, str, object]]:
    """Every way to take from an admin, the last of all of it."""
    return [
        ("DELETE", f"/users/{user}/second-factor", None),
        ("PATCH", f"/users/{user}", {"role": "guest"}),
        ("PATCH", f"/users/{user}", {"disabled": True}),
        ("DELETE", f"/users/{user}", None),
    ]


async def test_a_key_takes_nothing_from_an_admin(house: House) -> None:
    hub = system(house.home)
    second = await house.people.add(hub, email="second@example.org", name="second", role="admin", password=PASSWORD)
    _, key = await house.identity.keys.add(house.principal("admin"), name="x", scopes=["admin", "manage", "read"])
    headers = {"Authorization": f"Bearer {key}"}
    for way in takes_from_an_admin(second.id):
        assert await said(house, headers, *way) == "person-needed", way
    for way in takes_from_an_admin(house.principal("guest").user):
        assert (await said(house, headers, *way)).startswith("20"), way


async def test_a_stolen_session_takes_nothing_from_an_admin(later: House) -> None:
    house = later
    assert isinstance(house.clock, FakeClock)
    hub = system(house.home)
    second = await house.people.add(hub, email="second@example.org", name="second", role="admin", password=PASSWORD)
    headers = await house.headers("admin")
    await house.clock.advance(TEN_MINUTES)
    for way in takes_from_an_admin(second.id):
        assert await said(house, headers, *way) == "confirmation-needed", way
    assert await said(house, headers, "POST", "/account/confirm", {"password": PASSWORD}) == "204"
    assert await said(house, headers, *takes_from_an_admin(second.id)[-1]) == "204"


async def test_a_sign_in_by_the_password_before_opens_nothing_after_the_change(house: House) -> None:
    """It was being checked while its owner set another one."""
    sessions, tokens, logins = house.identity.sessions, house.tokens, house.identity.logins
    who = house.people.user(house.principal("user").user)
    assert who is not None
    since = sessions.mark()
    user, home = await logins.login("user@example.org", PASSWORD, "10.0.0.6")
    await house.people.set_password(house.principal("user"), NEW)
    with pytest.raises(HubError) as caught:
        await tokens.issue(user, home, since=since)
    assert caught.value.id == "session-ended"
    assert sessions.of(user.id) == []
    since = sessions.mark()
    user, home = await logins.login("user@example.org", NEW, "10.0.0.6")
    await tokens.issue(user, home, since=since)
    assert len(sessions.of(user.id)) == 1


async def test_what_is_asked_of_an_account_that_goes_meanwhile(house: House) -> None:
    headers, admin = await house.headers("user"), await house.headers("admin")
    path = f"/users/{house.principal('user').user}"
    plug = {"hardware_id": "plug-7", "name": "Lamp"}
    answers = await asyncio.gather(
        said(house, admin, "DELETE", path),
        said(house, admin, "DELETE", path),
        said(house, headers, "PATCH", "/account", {"name": "Other"}),
        said(house, headers, "POST", "/devices", plug),
        said(house, admin, "POST", f"{path}/password-link"),
    )
    assert sorted(answers[:2]) == ["204", "user-unknown"]
    assert "internal-error" not in answers


async def test_two_mqtt_logins_of_one_name_at_once_are_one(house: House) -> None:
    headers, login = await house.headers("admin"), {"name": "node-red", "read": ["smartplug/#"]}
    answers = await asyncio.gather(*(said(house, headers, "POST", "/mqtt-clients", login) for _ in range(4)))
    assert sorted(answers) == ["201", *["client-name-taken"] * 3]


async def test_two_changes_at_once_make_no_admin_either(later: House) -> None:
    """Each of them alone is harmless: the role of an account that is locked, and unlocking what is no admin."""
    house = later
    assert isinstance(house.clock, FakeClock)
    guest = house.people.user(house.principal("guest").user)
    assert guest is not None
    headers = await house.headers("admin")
    await house.people.change(system(house.home), guest.id, disabled=True)
    await house.clock.advance(TEN_MINUTES)
    path = f"/users/{guest.id}"
    answers = await asyncio.gather(
        said(house, headers, "PATCH", path, {"role": "admin"}),
        said(house, headers, "PATCH", path, {"disabled": False}),
    )
    assert "confirmation-needed" in answers
    assert guest.disabled or guest.roles[house.home] == "guest"


async def test_unlocking_an_admin_of_another_home_asks_too(later: House) -> None:
    house = later
    assert isinstance(house.clock, FakeClock)
    hub = system(house.home)
    home = await house.identity.homes.add(house.principal("admin"), name="Hut", time_zone="UTC", currency="EUR")
    user = house.people.user(house.principal("user").user)
    other = house.people.user(house.principal("guest").user)
    assert user is not None and other is not None
    for admin in (user, other):
        await house.people.add_membership(admin, home.id, "admin")
    await house.people.change(hub, user.id, disabled=True)
    headers = await house.headers("admin")
    await house.clock.advance(TEN_MINUTES)
    assert await said(house, headers, "PATCH", f"/users/{user.id}", {"disabled": False}) == "confirmation-needed"


async def test_a_link_to_a_members_password_opens_no_admin(later: House) -> None:
    """It could be made without a confirmation, and who holds it only has to wait."""
    house = later
    member = house.people.user(house.principal("user").user)
    assert member is not None
    _, text = await house.identity.invitations.reset(house.principal("admin"), member.id)
    await house.people.change(system(house.home), member.id, role="admin")
    with pytest.raises(HubError) as refused:
        await house.identity.invitations.set_password(text, NEW, "")
    assert refused.value.id == "invitation-over"
    await house.identity.invitations.load()
    assert not [one for one in house.identity.invitations.list(house.principal("admin")) if one.user == member.id]


async def test_a_body_that_comes_late_is_judged_by_the_rights_of_then(house: House) -> None:
    headers = await house.headers("admin")
    body = b'{"name": "Attic"}'
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(
        b"POST /api/v1/rooms HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + f"Authorization: {headers['Authorization']}\r\nContent-Length: {len(body)}\r\n".encode()
        + b"Expect: 100-continue\r\n\r\n"
    )
    await reader.readuntil(b"100 Continue\r\n\r\n")  # the head has been read, and it was right
    await house.identity.sessions.end_all(house.principal("admin").user)
    writer.write(body)
    assert b" 401 " in await reader.readline()
    writer.close()
    assert house.registry.rooms.list(system(house.home)) == []
