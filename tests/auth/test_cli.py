"""plughub user, token and audit: on a running hub through its API, on a stopped one through the database."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.api.reach import Reach, house_address
from hub.auth.principal import system
from hub.cli import main
from hub.clock import Clock
from hub.database import DataLock
from hub.messages import HubError
from tests.api.house import PASSWORD, House

OTHER = "seven wooden boats"
Run = Callable[..., Awaitable[str]]


@pytest.fixture(params=["stopped", "running"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, House]]:
    """A home with an admin, a user and a guest."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    house = House(tmp_path, Clock())
    lock = DataLock(tmp_path)
    lock.acquire()
    await house.start()
    await house.move_in()
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    if request.param == "stopped":
        await house.stop()
        lock.release()
        yield "stopped", house
        return
    yield "running", house
    await house.stop()
    lock.release()


@pytest.fixture
def plughub(place: tuple[str, House], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`plughub WORDS`; what it printed (on failure: its complaint)."""

    async def run(*words: str, code: int = 0, typed: str = "") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        assert await asyncio.to_thread(main, [*words, "--data", str(place[1].data)]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


@asynccontextmanager
async def opened(place: tuple[str, House]) -> AsyncIterator[House]:
    """The hub as it is now."""
    mode, house = place
    if mode == "running":
        yield house
        return
    again = House(house.data, Clock())
    await again.start()
    yield again
    await again.stop()


async def make_home(place: tuple[str, House], name: str) -> str:
    """Its id."""
    async with opened(place) as house:
        return (await house.identity.homes.add(system(house.home), name=name)).id


async def in_both(place: tuple[str, House], email: str, home: str) -> None:
    """A member of that home, too."""
    async with opened(place) as house:
        user = house.people.by_email(email)
        assert user is not None
        await house.people.add_membership(user, home, "user")


@pytest.fixture
async def another_home(place: tuple[str, House]) -> str:
    """Hut, in which there is nobody."""
    return await make_home(place, "Hut")


async def signs_in(place: tuple[str, House], email: str, password: str) -> str:
    """ "in" or why not, by the hub as it is now."""
    mode, house = place
    if mode == "stopped":
        house = House(house.data, Clock())
        await house.start()
    try:
        await house.identity.logins.login(email, password, "10.0.0.1")
    except HubError as error:
        return error.id
    finally:
        if mode == "stopped":
            await house.stop()
    return "in"


async def test_people(plughub: Run, place: tuple[str, House]) -> None:
    await plughub("user", "role", "user@example.org", "admin")
    await plughub("user", "disable", "guest@example.org")
    table = (await plughub("user", "list")).splitlines()
    assert [line.split() for line in table] == [
        ["E-MAIL", "NAME", "ROLE", "STATE"],
        ["admin@example.org", "admin", "admin"],
        ["guest@example.org", "guest", "guest", "locked"],
        ["user@example.org", "user", "admin"],
    ]
    assert await signs_in(place, "guest@example.org", PASSWORD) == "login-wrong"
    await plughub("user", "enable", "guest@example.org")
    assert await signs_in(place, "guest@example.org", PASSWORD) == "in"
    assert "account is deleted" in await plughub("user", "remove", "guest@example.org")
    assert "guest@" not in await plughub("user", "list")
    assert "Nobody here" in await plughub("user", "role", "guest@example.org", "user", code=1)


async def test_the_only_admin_stays(plughub: Run) -> None:
    assert "only one" in await plughub("user", "role", "admin@example.org", "guest", code=1)
    assert "only one" in await plughub("user", "disable", "admin@example.org", code=1)


async def test_back_in_with_a_new_password(plughub: Run, place: tuple[str, House]) -> None:
    words = ("user", "reset-password", "admin@example.org", "--password-stdin")
    assert "at least" in await plughub(*words, typed="short\n", code=1)
    await plughub(*words, "--without-second-factor", typed=f"{OTHER}\n")
    assert await signs_in(place, "admin@example.org", PASSWORD) == "login-wrong"
    assert await signs_in(place, "admin@example.org", OTHER) == "in"


async def test_a_new_password_ends_the_links_of_before(plughub: Run, place: tuple[str, House]) -> None:
    async with opened(place) as house:
        user = house.people.by_email("user@example.org")
        assert user is not None
        _, link = await house.identity.invitations.reset(system(house.home), user.id)
    await plughub("user", "reset-password", "user@example.org", "--password-stdin", typed=f"{OTHER}\n")
    async with opened(place) as house:
        with pytest.raises(HubError) as caught:
            await house.identity.invitations.set_password(link, "nine iron kettles", "10.0.0.66")
        assert caught.value.id == "invitation-over"
    assert await signs_in(place, "user@example.org", OTHER) == "in"


async def test_a_locked_account_is_said_to_be_locked(plughub: Run, place: tuple[str, House]) -> None:
    await plughub("user", "disable", "user@example.org")
    said = await plughub("user", "reset-password", "user@example.org", "--password-stdin", typed=f"{OTHER}\n")
    assert "plughub user enable user@example.org" in said
    assert await signs_in(place, "user@example.org", OTHER) == "login-wrong"
    await plughub("user", "enable", "user@example.org")
    assert await signs_in(place, "user@example.org", OTHER) == "in"


async def test_people_of_another_home(plughub: Run, another_home: str, place: tuple[str, House]) -> None:
    add = ("user", "add", "--email", "zoe@example.org", "--name", "Zoe", "--password-stdin", "--role", "admin")
    await plughub(*add, "--home", "hut", typed=f"{OTHER}\n")
    assert "zoe@" not in await plughub("user", "list")
    for name in ("Hut", another_home):
        assert (await plughub("user", "list", "--home", name)).splitlines()[-1].split()[0] == "zoe@example.org"
    await plughub("user", "reset-password", "zoe@example.org", "--password-stdin", typed="seven iron boats\n")
    assert await signs_in(place, "zoe@example.org", "seven iron boats") == "in"
    key = await plughub("token", "add", "--user", "zoe@example.org", "--name", "x", "--scope", "read")
    assert key.startswith("plughub_")
    elsewhere = await plughub("user", "disable", "zoe@example.org", "--home", "Home", code=1)
    assert "Nobody here" in elsewhere
    assert "Home, Hut" in await plughub("user", "list", "--home", "Shed", code=1)
    assert "user.add" in await plughub("audit", "--home", "Hut", "--action", "user.add")
    assert "zoe@" not in await plughub("audit", "--action", "user.add")


async def test_whoever_is_in_two_homes_needs_one_named(
    plughub: Run, another_home: str, place: tuple[str, House]
) -> None:
    words = ("user", "role", "user@example.org", "guest")
    both = ("user", "add", "--email", "zoe@example.org", "--name", "Zoe", "--password-stdin", "--role", "admin")
    await plughub(*both, "--home", "Hut", typed=f"{OTHER}\n")
    await in_both(place, "user@example.org", another_home)
    assert "several homes: Home, Hut" in await plughub(*words, code=1)
    assert "several homes: Home, Hut" in await plughub("user", "remove", "user@example.org", code=1)
    await plughub(*words, "--home", "Hut")
    assert "user" in next(line for line in (await plughub("user", "list")).splitlines() if "user@" in line).split()
    await plughub("user", "disable", "user@example.org")  # the account is one, whichever home it is
    await plughub("user", "enable", "user@example.org")
    said = await plughub("user", "remove", "user@example.org", "--home", "Hut")
    assert said == "user@example.org is no member of the home any more.\n"
    await plughub(*words)


async def test_two_homes_of_one_name_are_told_apart_by_id(
    plughub: Run, another_home: str, place: tuple[str, House]
) -> None:
    twin = await make_home(place, "Hut")
    said = await plughub("user", "list", "--home", "Hut", code=1)
    assert another_home in said
    assert twin in said


async def test_keys(plughub: Run, place: tuple[str, House]) -> None:
    add = ("token", "add", "--user", "user@example.org", "--name", "Node-RED", "--scope", "read")
    key = (await plughub(*add, "--expires", "90 d")).strip()
    assert key.startswith("plughub_")
    assert "no time" in await plughub(*add, "--expires", "soon", code=1)
    heading, line = (await plughub("token", "list", "--user", "user@example.org")).splitlines()
    assert heading.split()[:3] == ["ID", "BEGINS", "WITH"]
    assert key[:12] in line
    assert key not in line
    await plughub("token", "remove", "--user", "user@example.org", line.split()[0])
    assert len((await plughub("token", "list", "--user", "user@example.org")).splitlines()) == 1
    assert "no such key" in await plughub("token", "remove", "--user", "user@example.org", "nothing", code=1)


@pytest.mark.parametrize(
    ("person", "scopes", "idle"),
    [("guest", ("read", "admin", "control"), "control, admin"), ("user", ("manage", "admin"), "admin"),
     ("guest", ("read",), None), ("admin", ("admin",), None)],
)  # fmt: skip
async def test_a_key_says_which_scopes_its_person_lacks(
    place: tuple[str, House], capsys: pytest.CaptureFixture[str], person: str, scopes: tuple[str, ...], idle: str | None
) -> None:
    words = [word for scope in scopes for word in ("--scope", scope)]
    add = ["token", "add", "--user", f"{person}@example.org", "--name", "x", *words, "--data", str(place[1].data)]
    assert await asyncio.to_thread(main, add) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("plughub_")
    assert ("does nothing" in printed.err) == (idle is not None)
    assert idle is None or printed.err.splitlines()[0].endswith(f"the scopes {idle}.")


async def test_a_name_that_is_a_path_removes_nobody(plughub: Run, place: tuple[str, House]) -> None:
    async with opened(place) as house:
        guest = house.people.by_email("guest@example.org")
        assert guest is not None
    for name in (f"../users/{guest.id}", "..", "."):
        said = await plughub("mqtt", "remove", name, code=1)
        assert ("is no id" in said) == (place[0] == "running" and name.strip(".") == "")
    assert "guest@" in await plughub("user", "list")


async def test_what_was_done_is_listed(plughub: Run, place: tuple[str, House]) -> None:
    await plughub("user", "role", "user@example.org", "guest")
    lines = json.loads(await plughub("audit", "--json", "--action", "user.change"))
    assert [(line["actor"], line["origin"], line["before"], line["after"]) for line in lines] == [
        ("system", "command line", {"role": "user"}, {"role": "guest"})
    ]
    table = await plughub("audit", "--lines", "1")
    assert len(table.splitlines()) == 2
    assert "user.change" in table
    assert "user.change" not in await plughub("audit", "--refused")


@pytest.mark.parametrize("lines", ["0", "-2", "1.5"])
def test_no_number_of_lines(lines: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["audit", "--lines", lines])
    assert f"“{lines}”" in capsys.readouterr().err


async def test_an_invitation_needs_a_hub_that_answers(plughub: Run, place: tuple[str, House]) -> None:
    mode, house = place
    if mode == "stopped":
        assert "plughub run" in await plughub("user", "invite", code=1)
        return
    link = (await plughub("user", "invite", "--role", "guest")).splitlines()[-1]
    address, _, token = link.partition("/join#")
    host = house_address() or Reach().name
    assert address == f"http://{host}:{house.server.port}", "a guest's phone is another machine"
    assert house.identity.invitations.look(token).role == "guest"
