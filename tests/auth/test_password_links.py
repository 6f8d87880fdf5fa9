"""A password link opens what its author may open now, and no password later than the one that it is to replace."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import insert

from hub.auth.homes import Home
from hub.auth.principal import Principal, system
from hub.auth.user import User
from hub.database.tables import home_users
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall

OTHER = "seven wooden boats"
STOLEN = "nine iron kettles"


class Hut:
    """A second home: Zed is its admin and nothing elsewhere, Xena its user. Ada looks after the hub, and after it."""

    def __init__(self, hall: Hall, ada: User, zed: User, xena: User, first: Home, home: Home) -> None:
        self.hall = hall
        self.people = hall.people
        self.links = hall.identity.invitations
        self.ada, self.zed, self.xena = ada, zed, xena
        self.first, self.home = first, home

    def asks(self, user: User, home: Home | None = None) -> Principal:
        """As they are now, in the hut if nothing else is said."""
        return self.hall.principal(user.id, (home or self.home).id)

    async def link(self, author: Principal) -> str:
        """To Xena's password."""
        return (await self.links.reset(author, self.xena.id))[1]

    async def opens(self, link: str) -> str:
        """What comes of a link, now and after a start of the hub."""
        found = []
        for identity in (self.hall.identity, await self.hall.again()):
            try:
                identity.invitations.look(link)
                await identity.invitations.set_password(link, STOLEN, "10.0.0.66")
            except HubError as error:
                found.append(error.id)
            else:
                return "opened"
        assert found[0] == found[1]
        return found[0]

    async def kept(self, link: str, password: str = PASSWORD) -> None:
        """The link is over, nobody is shown it, and Xena signs in as before."""
        assert await self.opens(link) == "invitation-over"
        assert [made.user for made in self.links.list(system(self.home.id))] == []
        await self.hall.identity.logins.login("xena@example.org", password, "10.0.0.2")


@pytest.fixture
async def hut(hall: Hall) -> Hut:
    ada, first = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    asks = hall.principal(ada.id, first.id)
    await hall.clock.advance(1)  # the older one is the first after a start, too
    home = await hall.identity.homes.add(asks, name="Hut")
    hall.people.added_to(home.id, asks)
    there = system(home.id)
    zed = await hall.people.add(there, email="zed@example.org", name="Zed", role="admin", password=PASSWORD)
    xena = await hall.people.add(there, email="xena@example.org", name="Xena", password=PASSWORD)
    return Hut(hall, ada, zed, xena, first, home)


async def accepts(hut: Hut) -> None:
    """Xena joins the first home with her own password."""
    _, invitation = await hut.links.invite(hut.asks(hut.ada, hut.first), "user")
    await hut.links.accept(invitation, hut.xena, "10.0.0.2")


async def test_the_link_of_an_admin_of_one_home_opens_that_home(hut: Hut) -> None:
    assert await hut.opens(await hut.link(hut.asks(hut.zed))) == "opened"


async def test_it_opens_no_other_home_that_its_person_joined(hut: Hut) -> None:
    link = await hut.link(hut.asks(hut.zed))
    await accepts(hut)
    await hut.kept(link)


async def test_the_moment_of_its_use_counts_whatever_was_withdrawn(hut: Hut) -> None:
    link = await hut.link(hut.asks(hut.zed))
    async with hut.hall.database.transaction() as connection:
        await connection.execute(insert(home_users).values(home=hut.first.id, user=hut.xena.id, role="user"))
    again = await hut.hall.again()
    with pytest.raises(HubError) as caught:
        await again.invitations.set_password(link, STOLEN, "10.0.0.66")
    assert caught.value.id == "invitation-over"
    await again.logins.login("xena@example.org", PASSWORD, "10.0.0.2")


async def test_it_is_over_for_good_when_they_leave_the_other_home_again(hut: Hut) -> None:
    link = await hut.link(hut.asks(hut.zed))
    await accepts(hut)
    await hut.people.remove(hut.asks(hut.xena, hut.first), hut.xena.id)
    assert hut.xena.roles == {hut.home.id: "user"}
    await hut.kept(link)


@pytest.mark.parametrize("author", ["zed", "ada", "the hub"])
async def test_it_opens_nobody_who_left_the_home_that_it_is_of(hut: Hut, author: str) -> None:
    if author != "zed":
        await accepts(hut)
    asks = {"zed": hut.asks(hut.zed), "ada": hut.asks(hut.ada), "the hub": system(hut.home.id)}[author]
    link = await hut.link(asks)
    if author == "zed":
        await accepts(hut)
    await hut.people.remove(hut.asks(hut.xena), hut.xena.id)
    await hut.kept(link)
    await hut.people.add_membership(hut.xena, hut.home.id, "user")
    await hut.kept(link)


@pytest.mark.parametrize("author", ["ada", "the hub"])
async def test_what_an_operator_or_the_hub_made_goes_on_with_another_home(hut: Hut, author: str) -> None:
    link = await hut.link(hut.asks(hut.ada) if author == "ada" else system(hut.home.id))
    await accepts(hut)
    assert await hut.opens(link) == "opened"


async def test_it_ends_with_the_rights_of_its_author(hut: Hut) -> None:
    """Ada, who looks after all homes no more, is an admin of the hut still: of accounts that are there only."""
    await accepts(hut)
    link = await hut.link(hut.asks(hut.ada))
    first = system(hut.first.id)
    await hut.people.add(first, email="eve@example.org", name="Eve", role="admin", password=PASSWORD)
    await hut.people.change(first, hut.ada.id, role="user")
    assert hut.asks(hut.ada).is_admin
    await hut.kept(link)
    await hut.people.change(first, hut.ada.id, role="admin")
    await hut.kept(link)


async def test_what_the_author_may_still_open_goes_on(hut: Hut) -> None:
    """Xena is in the hut only, of which Ada remains an admin."""
    link = await hut.link(hut.asks(hut.ada))
    first = system(hut.first.id)
    await hut.people.add(first, email="eve@example.org", name="Eve", role="admin", password=PASSWORD)
    await hut.people.change(first, hut.ada.id, role="user")
    assert await hut.opens(link) == "opened"


async def own(hut: Hut) -> None:
    await hut.hall.identity.logins.change_password(hut.asks(hut.xena), PASSWORD, OTHER, None)


async def second_link(hut: Hut) -> None:
    await hut.links.set_password(await hut.link(hut.asks(hut.ada)), OTHER, "10.0.0.2")


async def command_line(hut: Hut) -> None:
    await hut.hall.identity.logins.set_password(system(hut.home.id), hut.xena.id, OTHER)


@pytest.mark.parametrize("change", [own, second_link, command_line])
async def test_another_password_ends_the_links_of_before(hut: Hut, change: Callable[[Hut], Awaitable[None]]) -> None:
    links = [await hut.link(author) for author in (hut.asks(hut.zed), hut.asks(hut.ada), system(hut.home.id))]
    await change(hut)
    for link in links:
        await hut.kept(link, OTHER)
    assert await hut.opens(await hut.link(hut.asks(hut.zed))) == "opened", "one that is made after it"


async def test_a_password_that_is_refused_ends_no_link(hut: Hut) -> None:
    link = await hut.link(hut.asks(hut.zed))
    with pytest.raises(HubError):
        await hut.hall.identity.logins.change_password(hut.asks(hut.xena), PASSWORD, "short", None)
    assert await hut.opens(link) == "opened"


async def test_another_password_ends_no_invitation_and_no_link_of_others(hut: Hut) -> None:
    _, invitation = await hut.links.invite(hut.asks(hut.zed), "guest")
    ben = await hut.people.add(system(hut.home.id), email="ben@example.org", name="Ben", password=PASSWORD)
    _, his = await hut.links.reset(hut.asks(hut.zed), ben.id)
    await own(hut)
    for identity in (hut.hall.identity, await hut.hall.again()):
        assert [identity.invitations.look(link).user for link in (invitation, his)] == [None, ben.id]
