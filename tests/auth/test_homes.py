"""Homes beside the first one: what becomes of their people, sessions, links and lines when one is taken away."""

import asyncio

import pytest
from sqlalchemy import select

from hub.auth.audit import Asked, Entry
from hub.auth.homes import Home
from hub.auth.principal import Principal, system
from hub.auth.user import User
from hub.database.tables import refresh_tokens, users
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall


class Two:
    """The first home and another one: Ada is admin of both, Ben in both, Zoe only in the other."""

    def __init__(self, hall: Hall, first: Home, other: Home) -> None:
        self.hall, self.first, self.other = hall, first, other
        self.ada: User
        self.ben: User
        self.zoe: User

    async def move_in(self) -> None:
        people = self.hall.people
        self.ada, self.ben, self.zoe = [
            user
            for user in [
                people.by_email("ada@example.org"),
                await people.add(system(self.first.id), email="ben@example.org", name="Ben", password=PASSWORD),
                await people.add(
                    system(self.other.id), email="zoe@example.org", name="Zoe", role="admin", password=PASSWORD
                ),
            ]
            if user is not None
        ]
        await people.add_membership(self.ben, self.other.id, "guest")

    def asks(self, user: User, home: Home) -> Principal:
        return self.hall.principal(user.id, home.id, origin="10.0.0.1")

    async def lines(self, **asked: str) -> list[Entry]:
        await self.hall.identity.audit.flush()
        audit = self.hall.identity.audit
        return list(await audit.page(system(self.first.id), Asked(**asked), below=None, limit=100))  # type: ignore[arg-type]

    async def remove(self, asker: Principal | None = None) -> None:
        await self.hall.people.remove_home(asker or self.asks(self.ada, self.first), self.other.id)


@pytest.fixture
async def two(hall: Hall) -> Two:
    user, first = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada = hall.principal(user.id, first.id)
    other = await hall.identity.homes.add(ada, name="Garden house")
    hall.people.added_to(other.id, ada)
    two = Two(hall, first, other)
    await two.move_in()
    return two


async def signed_in(hall: Hall, user: User, home: Home) -> tuple[str, str]:
    """The session, and its refresh token."""
    grant = await hall.identity.tokens.issue(user, home)
    session = hall.identity.tokens.access(grant.access_token).session
    assert session is not None
    return session, grant.refresh_token


async def test_who_is_in_no_other_home_is_deleted_with_it(two: Two) -> None:
    hall, changed = two.hall, list[str]()
    session, refresh = await signed_in(hall, two.zoe, two.other)
    hall.identity.on_rights_changed = changed.append
    await two.remove()
    assert hall.people.user(two.zoe.id) is None
    assert hall.identity.sessions.get(session) is None
    assert set(changed) == {two.ada.id, two.ben.id, two.zoe.id}
    with pytest.raises(HubError) as caught:
        await hall.identity.tokens.refresh(refresh)
    assert caught.value.id == "session-ended"
    again = await hall.again()
    assert [user.name for user in again.people.members(two.first.id)] == ["Ada", "Ben"]
    assert again.people.by_email("zoe@example.org") is None
    # The address is free: whoever is invited elsewhere later begins anew.
    await hall.people.add(system(two.first.id), email="zoe@example.org", name="Zoe", password=PASSWORD)


async def test_sessions_of_the_others_look_at_another_home_of_theirs(two: Two) -> None:
    hall, ended = two.hall, list[str]()
    moved, refresh = await signed_in(hall, two.ben, two.other)
    stayed, _ = await signed_in(hall, two.ben, two.first)
    hall.identity.on_session_ended = ended.append
    await two.remove()
    assert ended == [moved], "its connections close and come back"
    for identity in (hall.identity, await hall.again()):
        found = {session.id: session.home for session in identity.sessions.of(two.ben.id)}
        assert found == {moved: two.first.id, stayed: two.first.id}
    _, user, home = await hall.identity.tokens.refresh(refresh)
    assert (user.id, home.id) == (two.ben.id, two.first.id)


@pytest.mark.parametrize("who", ["ben", "zoe"])
async def test_tokens_that_are_renewed_while_it_goes(two: Two, who: str) -> None:
    hall = two.hall
    session, refresh = await signed_in(hall, getattr(two, who), two.other)
    renewed, _ = await asyncio.gather(hall.identity.tokens.refresh(refresh), two.remove(), return_exceptions=True)
    if who == "zoe":
        assert isinstance(renewed, HubError)
        assert renewed.id == "session-ended"
        return
    assert not isinstance(renewed, BaseException)
    grant, _, home = renewed
    assert home.id == two.first.id
    assert hall.identity.tokens.access(grant.access_token).session == session


async def test_an_operator_takes_the_home_away_that_they_look_at(two: Two) -> None:
    hall = two.hall
    session, refresh = await signed_in(hall, two.ada, two.other)
    await two.remove(two.asks(two.ada, two.other))
    assert hall.identity.homes.all() == [two.first]
    _, _, home = await hall.identity.tokens.refresh(refresh)
    assert home.id == two.first.id
    (line,) = await two.lines(action="home.remove")
    assert (line.actor, line.object, line.before) == (
        two.ada.id,
        two.other.id,
        {"name": "Garden house", "people": 1},
    )
    async with hall.database.transaction() as connection:
        held = (await connection.execute(select(refresh_tokens.c.session))).scalars().all()
    assert set(held) == {session}


async def test_no_line_of_the_audit_log_is_lost_with_it(two: Two) -> None:
    audit, zoe = two.hall.identity.audit, two.asks(two.zoe, two.other)
    audit.refuse(zoe, "list_plugins", "forbidden")
    audit.refuse(two.asks(two.ben, two.first), "list_users", "forbidden")
    await two.remove()
    await audit.record(zoe, "room.add", "room-1")  # what she had begun ends a moment later
    lines = {(line.action, line.actor, line.refused) for line in await two.lines()}
    assert lines >= {
        ("list_plugins", two.zoe.id, "forbidden"),
        ("list_users", two.ben.id, "forbidden"),
        ("room.add", two.zoe.id, None),
    }


async def test_links_into_it_are_over_and_nobody_joins_while_it_goes(two: Two) -> None:
    hall = two.hall
    _, link = await hall.identity.invitations.invite(system(two.other.id), "guest")
    carl = await hall.people.add(system(two.first.id), email="carl@example.org", name="Carl", password=PASSWORD)
    await two.remove()
    with pytest.raises(HubError) as caught:
        hall.identity.invitations.look(link)
    assert caught.value.id == "invitation-over"
    with pytest.raises(HubError) as caught:
        await hall.people.add_membership(carl, two.other.id, "guest")
    assert caught.value.id == "home-unknown"


@pytest.mark.parametrize("case", ["first", "unknown", "no operator", "a user there"])
async def test_who_may_not_and_what_stays(two: Two, case: str) -> None:
    asker, home, code = {
        "first": (two.asks(two.ada, two.first), two.first.id, "home-first"),
        "unknown": (two.asks(two.ada, two.first), "nowhere", "home-unknown"),
        "no operator": (two.asks(two.zoe, two.other), two.other.id, "forbidden"),
        "a user there": (two.asks(two.ben, two.first), two.other.id, "forbidden"),
    }[case]
    with pytest.raises(HubError) as caught:
        await two.hall.people.remove_home(asker, home)
    assert caught.value.id == code
    async with two.hall.database.transaction() as connection:
        assert len((await connection.execute(select(users.c.id))).all()) == 3
    assert len(two.hall.identity.homes.all()) == 2
