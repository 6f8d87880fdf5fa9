"""A link is used up by what it is for, in one transaction: neither a kill nor somebody else comes between."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from typing import Any

import aiohttp
import pytest
from sqlalchemy.exc import IntegrityError

from hub.auth.principal import system
from hub.database.engine import is_orphan
from hub.messages import HubError
from hub.testing.process import HubProcess
from tests.auth.conftest import PASSWORD, Hall

OTHER = "seven wooden boats"
WITHIN = 60
# The hub, which kills itself as soon as a transaction with this statement is on the disk.
DIES_AFTER = """
import os, signal, sys
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool
from hub.__main__ import main

seen = []

@event.listens_for(Engine, "before_cursor_execute")
def note(connection, cursor, statement, *rest):
    if statement.startswith(os.environ["DIES_AFTER"]) and os.path.exists(os.environ["DIES_IF"]):
        seen.append(statement)

@event.listens_for(Engine, "commit")
def committing(connection):
    if seen:
        seen.append("commit")

@event.listens_for(Pool, "reset")
def over(*rest):
    if "commit" in seen:
        os.kill(os.getpid(), signal.SIGKILL)

sys.argv = ["plughub", "run", *sys.argv[1:]]
sys.exit(main())
"""


@pytest.fixture
async def mortal(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubProcess]:
    hub = HubProcess(program=("-c", DIES_AFTER))
    monkeypatch.setenv("DIES_IF", str(hub.folder / "armed"))
    yield hub
    await hub.close()


@pytest.mark.parametrize("purpose", ["join", "password"])
async def test_a_kill_leaves_no_link_that_was_used(
    mortal: HubProcess, purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIES_AFTER", "INSERT INTO users" if purpose == "join" else "UPDATE users SET password_hash")
    await mortal.start()
    await mortal.set_up()
    if purpose == "join":
        path, made = "/auth/join", await mortal.call("POST", "/invitations", {"role": "user"})
        body = {"name": "Eve", "email": "eve@example.org"}
    else:
        ben = await mortal.call("POST", "/users", {"name": "Ben", "email": "eve@example.org", "password": PASSWORD})
        path, made = "/auth/password", await mortal.call("POST", f"/users/{ben['id']}/password-link")
        body = {}
    token = made["link"].partition("#")[2]
    (mortal.folder / "armed").touch()
    with pytest.raises(aiohttp.ClientError):  # nobody answers any more
        await mortal.call("POST", path, {**body, "token": token, "password": OTHER})
    async with asyncio.timeout(WITHIN):
        await mortal.stop()
    (mortal.folder / "armed").unlink()
    await mortal.start()
    mortal.token = ""
    with pytest.raises(RuntimeError, match="invitation-over"):
        await mortal.call("POST", "/auth/link", {"token": token})
    session = await mortal.call("POST", "/auth/login", {"email": "eve@example.org", "password": OTHER})
    assert session["user"]["email"] == "eve@example.org"


async def test_a_link_that_is_taken_back_lets_nobody_in() -> None:
    """Whoever asks first has it; the other one is told so."""
    hub = HubProcess()
    try:
        await hub.start()
        await hub.set_up()
        for number in range(10):
            made = await hub.call("POST", "/invitations", {"role": "user"})
            token = made["link"].partition("#")[2]
            body = {"name": "Eve", "email": f"eve-{number}@example.org", "token": token, "password": OTHER}
            joining = asyncio.ensure_future(hub.call("POST", "/auth/join", body))
            for _ in range(8 * number):  # so that it comes before, in and after the hashing of the password
                await hub.call("GET", "/system/info")
            taking = asyncio.ensure_future(hub.call("DELETE", f"/invitations/{made['invitation']['id']}"))
            await asyncio.wait([joining, taking])
            refused = [str(error) for each in (joining, taking) if (error := each.exception()) is not None]
            assert len(refused) == 1, "who joined, and who took it back, cannot both have had it"
            assert ("invitation-over" if joining.exception() else "invitation-unknown") in refused[0]
        people = await hub.call("GET", "/users")
        assert (await hub.call("GET", "/invitations"))["items"] == []
    finally:
        await hub.close()
    assert 1 <= len(people["items"]) <= 11


async def ended(work: Coroutine[Any, Any, Any]) -> str:
    """What became of it."""
    try:
        await work
    except HubError as error:
        return error.id
    return "done"


async def queued() -> None:
    """What was begun waits for the database: turns of the loop bring it there, no thread has a part in it."""
    for _ in range(10):
        await asyncio.sleep(0)


async def overtaken(hall: Hall, use: Coroutine[Any, Any, Any], meanwhile: Coroutine[Any, Any, Any]) -> list[str]:
    """The link was looked at before the other thing, and its transaction comes after that."""
    hall.passwords.go_on.clear()
    hall.passwords.made.clear()
    async with hall.database.transaction():
        using = asyncio.ensure_future(ended(use))
        await hall.passwords.made.wait()  # it has looked
        other = asyncio.ensure_future(ended(meanwhile))
        await queued()
        hall.passwords.go_on.set()
        await queued()
    return [await using, await other]


@pytest.mark.parametrize("how", ["taken back", "author demoted", "author locked", "author removed"])
@pytest.mark.parametrize("purpose", ["join", "password"])
async def test_whoever_ends_a_link_meanwhile_has_ended_it(hall: Hall, how: str, purpose: str) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada, hub = hall.principal(user.id, home.id), system(home.id)
    zoe = await hall.people.add(hub, email="zoe@example.org", name="Zoe", role="admin", password=PASSWORD)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", password=PASSWORD)
    links = hall.identity.invitations
    author = hall.principal(zoe.id, home.id)
    made, link = await (links.invite(author, "user") if purpose == "join" else links.reset(author, ben.id))
    use: Coroutine[Any, Any, Any] = (
        links.join(link, name="Eve", email="eve@example.org", password=OTHER, language="en", origin="10.0.0.3")
        if purpose == "join"
        else links.set_password(link, OTHER, "10.0.0.3")
    )
    ways: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "taken back": lambda: links.remove(ada, made.id),
        "author demoted": lambda: hall.people.change(hub, zoe.id, role="user"),
        "author locked": lambda: hall.people.change(hub, zoe.id, disabled=True),
        "author removed": lambda: hall.people.remove(hub, zoe.id),
    }
    assert await overtaken(hall, use, ways[how]()) == ["invitation-over", "done"]
    assert hall.people.by_email("eve@example.org") is None
    assert await ended(hall.identity.logins.login("ben@example.org", PASSWORD, "10.0.0.3")) == "done"
    assert links.list(ada) == (await hall.again()).invitations.list(ada) == []


async def test_a_password_link_does_not_open_who_became_an_admin_meanwhile(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada, hub = hall.principal(user.id, home.id), system(home.id)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", password=PASSWORD)
    links = hall.identity.invitations
    _, link = await links.reset(ada, ben.id)
    use = links.set_password(link, OTHER, "10.0.0.3")
    assert await overtaken(hall, use, hall.people.change(hub, ben.id, role="admin")) == ["invitation-over", "done"]
    assert await ended(hall.identity.logins.login("ben@example.org", PASSWORD, "10.0.0.3")) == "done"


async def test_no_password_link_is_made_for_who_became_an_admin_meanwhile(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    hub = system(home.id)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", password=PASSWORD)
    ada = hall.principal(user.id, home.id, via="session of an hour ago")  # which opens no admin
    async with hall.database.transaction():
        promoting = asyncio.ensure_future(hall.people.change(hub, ben.id, role="admin"))
        await queued()
        making = asyncio.ensure_future(ended(hall.identity.invitations.reset(ada, ben.id)))
        await queued()
    await promoting
    assert await making == "confirmation-needed"
    assert hall.identity.invitations.list(ada) == []


@pytest.mark.parametrize("who", ["author", "person"])
async def test_no_password_link_is_made_by_or_for_who_is_removed_meanwhile(hall: Hall, who: str) -> None:
    _, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    hub = system(home.id)
    zoe = await hall.people.add(hub, email="zoe@example.org", name="Zoe", role="admin", password=PASSWORD)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", password=PASSWORD)
    asks, links = hall.principal(zoe.id, home.id), hall.identity.invitations
    gone = zoe if who == "author" else ben
    async with hall.database.transaction():
        removing = asyncio.ensure_future(hall.people.remove(hub, gone.id))
        await queued()
        making = asyncio.ensure_future(links.reset(asks, ben.id))
        await queued()
    await removing
    with pytest.raises(IntegrityError) as caught:
        await making
    assert is_orphan(caught.value)
    if who == "author":
        with pytest.raises(IntegrityError):
            await links.reset(asks, ben.id)  # a request that was on its way: it does not become one of the hub's own
    assert links.list(hub) == (await hall.again()).invitations.list(hub) == []


@pytest.mark.parametrize("how", ["demoted", "locked", "removed"])
@pytest.mark.parametrize("purpose", ["join", "password"])
async def test_no_link_is_made_by_who_loses_the_right_meanwhile(hall: Hall, how: str, purpose: str) -> None:
    """It would be there when they come back."""
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    hub = system(home.id)
    zoe = await hall.people.add(hub, email="zoe@example.org", name="Zoe", role="admin", password=PASSWORD)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", password=PASSWORD)
    hut = await hall.identity.homes.add(hall.principal(user.id, home.id), name="Hut")
    await hall.people.add_membership(zoe, hut.id, "user")
    asks, links = hall.principal(zoe.id, home.id), hall.identity.invitations
    leaving: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "demoted": lambda: hall.people.change(hub, zoe.id, role="user"),
        "locked": lambda: hall.people.change(hub, zoe.id, disabled=True),
        "removed": lambda: hall.people.remove(hub, zoe.id),
    }
    coming_back: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "demoted": lambda: hall.people.change(hub, zoe.id, role="admin"),
        "locked": lambda: hall.people.change(hub, zoe.id, disabled=False),
        "removed": lambda: hall.people.add_membership(zoe, home.id, "admin"),
    }
    makes = links.invite(asks, "user") if purpose == "join" else links.reset(asks, ben.id)
    async with hall.database.transaction():
        going = asyncio.ensure_future(leaving[how]())
        await queued()
        making = asyncio.ensure_future(ended(makes))
        await queued()
    await going
    assert await making == "forbidden"
    await coming_back[how]()
    assert links.list(hub) == (await hall.again()).invitations.list(hub) == []


@pytest.mark.parametrize("how", ["joins another home", "leaves"])
async def test_a_password_link_ends_with_what_its_person_does_meanwhile(hall: Hall, how: str) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    hut = await hall.identity.homes.add(hall.principal(user.id, home.id), name="Hut")
    there = system(hut.id)
    zed = await hall.people.add(there, email="zed@example.org", name="Zed", role="admin", password=PASSWORD)
    xena = await hall.people.add(there, email="xena@example.org", name="Xena", password=PASSWORD)
    links = hall.identity.invitations
    if how == "leaves":
        await hall.people.add_membership(xena, home.id, "user")
        _, link = await links.reset(there, xena.id)
        way = hall.people.remove(hall.principal(xena.id, hut.id), xena.id)
    else:
        _, link = await links.reset(hall.principal(zed.id, hut.id), xena.id)
        way = hall.people.add_membership(xena, home.id, "user")
    assert await overtaken(hall, links.set_password(link, OTHER, "10.0.0.3"), way) == ["invitation-over", "done"]
    assert await ended(hall.identity.logins.login("xena@example.org", PASSWORD, "10.0.0.3")) == "done"


async def test_two_password_links_of_one_person_at_once(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ben = await hall.people.add(system(home.id), email="ben@example.org", name="Ben", password=PASSWORD)
    links, ada = hall.identity.invitations, hall.principal(user.id, home.id)
    texts = [(await links.reset(ada, ben.id))[1] for _ in range(2)]
    uses = [ended(links.set_password(text, OTHER, "10.0.0.3")) for text in texts]
    assert sorted(await asyncio.gather(*uses)) == ["done", "invitation-over"]


async def test_two_links_into_one_home_at_once(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    other = await hall.identity.homes.add(hall.principal(user.id, home.id), name="Garden house")
    ben = await hall.people.add(system(home.id), email="ben@example.org", name="Ben", password=PASSWORD)
    links = hall.identity.invitations
    texts = [(await links.invite(system(other.id), role))[1] for role in ("guest", "user")]
    assert await asyncio.gather(*(ended(links.accept(text, ben, "10.0.0.3")) for text in texts)) == ["done", "done"]
    assert ben.roles[other.id] == "guest"
    with closing(sqlite3.connect(hall.database.path)) as connection:
        assert connection.execute("SELECT count(*) FROM invitations").fetchone() == (0,)
