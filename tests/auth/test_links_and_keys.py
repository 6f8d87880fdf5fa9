"""Invitations, password links, API keys and sessions: each serves whom it was made for, once, and ends in time."""

import asyncio

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from hub.auth.audit import Asked, Entry
from hub.auth.principal import Principal, system
from hub.auth.user import User
from hub.database.tables import home_users, invitations
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall

DAY_S = 24 * 3600
OTHER = "seven wooden boats"
STOLEN = "nine iron kettles"


async def refused(work: object) -> str:
    with pytest.raises(HubError) as caught:
        await work  # type: ignore[misc]
    return caught.value.id


async def admin(hall: Hall) -> Principal:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    return hall.principal(user.id, home.id, origin="10.0.0.1")


async def member(hall: Hall, ada: Principal, role: str = "user") -> tuple[User, Principal]:
    user = await hall.people.add(ada, email="ben@example.org", name="Ben", role=role, password=PASSWORD)
    return user, hall.principal(user.id, ada.home)


async def signed_in(hall: Hall, user: User) -> tuple[str, str]:
    """Access and refresh token of a new session."""
    grant = await hall.identity.tokens.issue(user, hall.identity.homes.first, address="10.0.0.2", agent="Firefox\x00")
    return grant.access_token, grant.refresh_token


def reads(hall: Hall, token: str) -> str:
    try:
        return hall.identity.tokens.access(token).principal.role
    except HubError as error:
        return error.id


def join(hall: Hall, link: str, email: str = "eve@example.org", password: str = PASSWORD) -> object:
    return hall.identity.invitations.join(
        link, name="Eve", email=email, password=password, language="de", origin="10.0.0.3"
    )


async def test_an_invitation_serves_once_for_its_role(hall: Hall) -> None:
    ada = await admin(hall)
    made, link = await hall.identity.invitations.invite(ada, "guest")
    assert made.expires == hall.clock.now() + DAY_S * 1000
    assert link.encode() not in b"".join(path.read_bytes() for path in hall.data_dir.glob("registry.sqlite*"))
    results = await asyncio.gather(
        join(hall, link),
        join(hall, link, "mal@example.org"),
        return_exceptions=True,  # type: ignore[call-overload]
    )
    assert sorted(isinstance(result, HubError) for result in results) == [False, True]
    eve = hall.people.members(ada.home)[-1]
    assert (eve.roles, eve.language) == ({ada.home: "guest"}, "de")
    assert await refused(join(hall, link, "zoe@example.org")) == "invitation-over"
    assert (await hall.again()).invitations.list(ada) == []


async def test_a_failed_try_leaves_the_link(hall: Hall) -> None:
    ada = await admin(hall)
    _, link = await hall.identity.invitations.invite(ada, "user")
    assert await refused(join(hall, link, password="short")) == "password-too-short"
    assert await refused(join(hall, link, email="ada@example.org")) == "email-taken"
    again = await hall.again()
    assert [made.role for made in again.invitations.list(ada)] == ["user"]
    await again.invitations.join(
        link, name="Eve", email="eve@example.org", password=PASSWORD, language="en", origin="10.0.0.3"
    )


@pytest.mark.parametrize("how", ["expired", "taken back", "guessed"])
async def test_a_link_that_is_over(hall: Hall, how: str) -> None:
    ada = await admin(hall)
    made, link = await hall.identity.invitations.invite(ada, "user")
    if how == "expired":
        await hall.clock.advance(DAY_S)
        assert hall.identity.invitations.list(ada) == []
    elif how == "taken back":
        await hall.identity.invitations.remove(ada, made.id)
    else:
        link = link[:-1] + ("a" if link[-1] != "a" else "b")
    assert await refused(join(hall, link)) == "invitation-over"
    with pytest.raises(HubError):
        hall.identity.invitations.look(link)


@pytest.mark.parametrize("how", ["removed", "locked", "no admin any more"])
async def test_links_of_who_may_not_invite_any_more_are_over(hall: Hall, how: str) -> None:
    ada = await admin(hall)
    ben = await hall.people.add(system(ada.home), email="ben@example.org", name="Ben", role="admin", password=PASSWORD)
    made, link = await hall.identity.invitations.invite(hall.principal(ben.id, ada.home), "user")
    assert hall.identity.invitations.look(link) == made
    if how == "removed":
        await hall.people.remove(system(ada.home), ben.id)
    elif how == "locked":
        await hall.people.change(system(ada.home), ben.id, disabled=True)
    else:
        await hall.people.change(system(ada.home), ben.id, role="user")
    assert await refused(join(hall, link)) == "invitation-over"
    assert hall.identity.invitations.list(ada) == []


LOSSES = ("removed", "deleted", "locked", "no admin any more")


@pytest.mark.parametrize("loss", LOSSES)
async def test_links_do_not_come_back_with_their_author(hall: Hall, loss: str) -> None:
    """Nor is anything of them on the disk."""
    ada = await admin(hall)
    hub = system(ada.home)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", role="admin", password=PASSWORD)
    zoe = await hall.people.add(hub, email="zoe@example.org", name="Zoe", password=PASSWORD)
    links = hall.identity.invitations
    if loss == "removed":
        other = await hall.identity.homes.add(ada, name="Garden house")
        await hall.people.add_membership(ben, other.id, "user")  # and so the account stays
    author = hall.principal(ben.id, ada.home)
    _, invitation = await links.invite(author, "user")
    _, password = await links.reset(author, zoe.id)
    _, of_the_hub = await links.invite(hub, "user")
    if loss in ("removed", "deleted"):
        await hall.people.remove(hub, ben.id)
    else:
        change = {"disabled": True} if loss == "locked" else {"role": "user"}
        await hall.people.change(hub, ben.id, **change)
    async with hall.database.transaction() as connection:
        assert (await connection.execute(select(invitations.c.author))).scalars().all() == [None]
    if loss == "removed":
        await hall.people.add_membership(ben, ada.home, "admin")
    elif loss != "deleted":
        back = {"disabled": False} if loss == "locked" else {"role": "admin"}
        await hall.people.change(hub, ben.id, **back)
    for identity in (hall.identity, await hall.again()):
        for link in (invitation, password):
            with pytest.raises(HubError, match="ended before"):
                identity.invitations.look(link)
        assert identity.invitations.look(of_the_hub).author is None
        assert len(identity.invitations.list(ada)) == 1


async def test_links_that_held_no_more_at_the_stop_are_over_after_the_start(hall: Hall) -> None:
    """As an older version left them, which judged by the present role alone."""
    ada = await admin(hall)
    ben = await hall.people.add(system(ada.home), email="ben@example.org", name="Ben", role="admin", password=PASSWORD)
    _, link = await hall.identity.invitations.invite(hall.principal(ben.id, ada.home), "user")
    for role, holds in (("user", False), ("admin", False)):
        async with hall.database.transaction() as connection:
            this = home_users.c.user == ben.id
            await connection.execute(update(home_users).where(this).values(role=role))
        again = await hall.again()
        assert bool(again.invitations.list(ada)) == holds
    with pytest.raises(HubError):
        again.invitations.look(link)


async def test_only_admins_of_the_home_invite_and_take_back(hall: Hall) -> None:
    ada = await admin(hall)
    _, ben = await member(hall, ada)
    made, _ = await hall.identity.invitations.invite(ada, "user")
    assert await refused(hall.identity.invitations.invite(ben, "admin")) == "forbidden"
    assert await refused(hall.identity.invitations.remove(ben, made.id)) == "forbidden"
    other = await hall.identity.homes.add(ada, name="Garden house")
    elsewhere = Principal(ada.user, other.id, "admin")
    assert await refused(hall.identity.invitations.remove(elsewhere, made.id)) == "invitation-unknown"
    assert await refused(hall.identity.invitations.invite(ada, "king")) == "role-invalid"


async def test_a_link_that_the_disk_did_not_take_back_is_still_shown(hall: Hall) -> None:
    ada = await admin(hall)
    made, link = await hall.identity.invitations.invite(ada, "user")
    async with hall.database.transaction() as connection:
        await connection.execute(
            text("CREATE TRIGGER kept BEFORE DELETE ON invitations BEGIN SELECT RAISE(ABORT, 'no'); END")
        )
    with pytest.raises(IntegrityError):
        await hall.identity.invitations.remove(ada, made.id)
    assert hall.identity.invitations.look(link) == made, "it will be there after the next start, too"
    assert hall.identity.invitations.list(ada) == [made]
    async with hall.database.transaction() as connection:
        await connection.execute(text("DROP TRIGGER kept"))
    await hall.identity.invitations.remove(ada, made.id)
    assert hall.identity.invitations.list(ada) == []


async def test_who_is_known_already_joins_another_home(hall: Hall) -> None:
    ada = await admin(hall)
    ben, _ = await member(hall, ada)
    other = await hall.identity.homes.add(ada, name="Garden house")
    hall.people.added_to(other.id, ada)
    there = hall.principal(ada.user, other.id)
    _, link = await hall.identity.invitations.invite(there, "guest")
    home = await hall.identity.invitations.accept(link, ben, "10.0.0.4")
    assert home.id == other.id
    assert ben.roles == {ada.home: "user", other.id: "guest"}
    assert (await hall.again()).people.principal(ben.id, other.id) is not None


async def test_a_password_link_ends_every_session_and_keeps_the_second_factor(hall: Hall) -> None:
    ada = await admin(hall)
    ben, ben_asks = await member(hall, ada)
    access, refresh = await signed_in(hall, ben)
    assert await refused(hall.identity.invitations.reset(ben_asks, ada.user)) == "forbidden"
    _, link = await hall.identity.invitations.reset(ada, ben.id)
    assert await refused(join(hall, link)) == "invitation-over"  # it is no invitation
    assert await refused(hall.identity.invitations.set_password(link, "short", "10.0.0.5")) == "password-too-short"
    await hall.identity.invitations.set_password(link, OTHER, "10.0.0.5")
    assert await refused(hall.identity.invitations.set_password(link, PASSWORD, "10.0.0.5")) == "invitation-over"
    assert reads(hall, access) == "session-ended"
    assert await refused(hall.identity.tokens.refresh(refresh)) == "session-ended"
    assert await refused(hall.identity.logins.login("ben@example.org", PASSWORD, "10.0.0.5")) == "login-wrong"
    await hall.identity.logins.login("ben@example.org", OTHER, "10.0.0.5")


async def test_another_password_needs_the_present_one_and_keeps_only_this_session(hall: Hall) -> None:
    ada = await admin(hall)
    user = hall.people.user(ada.user)
    assert user is not None
    here, _ = await signed_in(hall, user)
    there, _ = await signed_in(hall, user)
    session = hall.identity.tokens.access(here).session
    logins = hall.identity.logins
    assert await refused(logins.change_password(ada, "wrong", OTHER, session)) == "password-wrong"
    assert await refused(logins.change_password(ada, PASSWORD, "password12", session)) == "password-common"
    await logins.change_password(ada, PASSWORD, OTHER, session)
    assert (reads(hall, here), reads(hall, there)) == ("admin", "session-ended")
    assert await refused(logins.change_email(ada, PASSWORD, "ada@new.example")) == "password-wrong"
    await logins.change_email(ada, OTHER, "Ada@New.example")
    again = await hall.again()
    await again.logins.login("ada@new.example", OTHER, "10.0.0.1")
    assert await refused(again.logins.login("ada@example.org", OTHER, "10.0.0.1")) == "login-wrong"


async def test_guessing_the_present_password_has_to_wait(hall: Hall) -> None:
    ada = await admin(hall)
    found = [await refused(hall.identity.logins.require_password(ada, "wrong")) for _ in range(8)]
    assert found[-1] == "too-many-attempts"
    assert await refused(hall.identity.logins.require_password(ada, PASSWORD)) == "too-many-attempts"


async def test_a_locked_account_is_out_at_once_and_comes_back_signed_out(hall: Hall) -> None:
    ada = await admin(hall)
    ben, ben_asks = await member(hall, ada)
    access, _ = await signed_in(hall, ben)
    _, key = await hall.identity.keys.add(ben_asks, name="script", scopes=["read"])
    changed: list[str] = []
    hall.identity.on_rights_changed = changed.append
    await hall.people.change(ada, ben.id, disabled=True)
    assert changed == [ben.id]
    assert (reads(hall, access), reads(hall, key)) == ("session-ended", "token-wrong")
    assert await refused(hall.identity.logins.login("ben@example.org", PASSWORD, "10.0.0.2")) == "login-wrong"
    await hall.people.change(ada, ben.id, disabled=False)
    assert (reads(hall, access), reads(hall, key)) == ("session-ended", "user")


async def test_the_last_admin_stays(hall: Hall) -> None:
    ada = await admin(hall)
    ben, _ = await member(hall, ada)
    for work in (
        hall.people.change(ada, ada.user, role="user"),
        hall.people.change(ada, ada.user, disabled=True),
        hall.people.remove(ada, ada.user),
    ):
        assert await refused(work) == "last-admin"
    await hall.people.change(system(ada.home), ben.id, role="admin")
    await hall.people.change(ada, ada.user, role="user")
    assert hall.principal(ada.user, ada.home).role == "user"


async def test_no_home_is_left_without_an_admin_who_can_sign_in(hall: Hall) -> None:
    ada = await admin(hall)
    machine = system(ada.home)
    other = await hall.identity.homes.add(machine, name="Garden house")
    ben, _ = await member(hall, ada)
    await hall.people.add_membership(ben, other.id, "admin")
    with pytest.raises(HubError) as caught:
        await hall.people.change(machine, ben.id, disabled=True)  # in the first home, where Ben is but a user
    assert (caught.value.id, caught.value.message.values) == ("last-admin", {"home": "Garden house", "name": "Ben"})
    assert not ben.disabled
    there = system(other.id)
    eve = await hall.people.add(there, email="eve@example.org", name="Eve", role="admin")
    for work in (hall.people.change(there, ben.id, role="user"), hall.people.remove(there, ben.id)):
        assert await refused(work) == "last-admin", "Eve has no password yet"
    await hall.people.set_password(hall.principal(eve.id, other.id), "seven wooden boats")
    await hall.people.change(machine, ben.id, disabled=True)
    assert await refused(hall.people.remove(there, eve.id)) == "last-admin", "Ben is locked"
    await hall.people.remove_home(machine, other.id)
    assert hall.people.user(eve.id) is None


async def test_another_password_ends_the_wait_of_wrong_ones(hall: Hall) -> None:
    ada = await admin(hall)
    ben, _ = await member(hall, ada)
    logins, phone = hall.identity.logins, "10.0.0.2"
    for account in ("ben@example.org", "ada@example.org"):
        for _ in range(40):
            await refused(logins.login(account, "wrong", phone))
            await hall.clock.advance(1000)
        assert await refused(logins.login(account, "wrong", phone)) == "login-wrong"
        assert await refused(logins.login(account, PASSWORD, phone)) == "too-many-attempts"
    await logins.set_password(system(ada.home), ben.id, "seven wooden boats")
    assert (await logins.login("ben@example.org", "seven wooden boats", phone))[0].id == ben.id
    assert await refused(logins.login("ada@example.org", PASSWORD, phone)) == "too-many-attempts", "another account"


async def test_who_is_removed_takes_everything_along(hall: Hall) -> None:
    ada = await admin(hall)
    ben, ben_asks = await member(hall, ada)
    access, _ = await signed_in(hall, ben)
    _, key = await hall.identity.keys.add(ben_asks, name="script", scopes=["read"])
    await hall.people.remove(ada, ben.id)
    assert (reads(hall, access), reads(hall, key)) == ("session-ended", "token-wrong")
    again = await hall.again()
    assert [user.name for user in again.people.members(ada.home)] == ["Ada"]
    assert again.sessions.of(ben.id) == []
    assert await refused(hall.identity.logins.login("ben@example.org", PASSWORD, "10.0.0.2")) == "login-wrong"


async def test_an_account_of_two_homes_is_not_one_admins_to_lock(hall: Hall) -> None:
    ada = await admin(hall)
    other = await hall.identity.homes.add(ada, name="Garden house")
    hall.people.added_to(other.id, ada)
    zoe = await hall.people.add(system(other.id), email="zoe@example.org", name="Zoe", role="admin", password=PASSWORD)
    zoe_asks = hall.identity.tokens.access((await hall.identity.tokens.issue(zoe, other)).access_token).principal
    assert not zoe_asks.operator
    for work in (
        hall.people.change(zoe_asks, ada.user, disabled=True),
        hall.identity.invitations.reset(zoe_asks, ada.user),
    ):
        assert await refused(work) == "user-elsewhere"
    await hall.people.remove(zoe_asks, ada.user)  # but out of her home
    assert hall.people.principal(ada.user, other.id) is None
    assert hall.people.principal(ada.user, ada.home) is not None


async def test_a_key_does_what_its_scopes_say_and_no_more(hall: Hall) -> None:
    ada = await admin(hall)
    key, text = await hall.identity.keys.add(ada, name="Node-RED", scopes=["control", "read"])
    assert text.startswith(key.hint)
    assert key.scopes == ["read", "control"]
    assert text.encode() not in b"".join(path.read_bytes() for path in hall.data_dir.glob("registry.sqlite*"))
    principal = hall.identity.tokens.access(text).principal
    assert (principal.role, principal.most, principal.is_admin) == ("admin", "control", False)
    whole, text = await hall.identity.keys.add(ada, name="all", scopes=["admin", "manage"])
    assert hall.identity.tokens.access(text).principal.is_admin
    await hall.identity.keys.remove(ada, whole.user, whole.id)
    assert reads(hall, text) == "token-wrong"


async def test_a_key_expires_and_says_when_it_was_used(hall: Hall) -> None:
    ada = await admin(hall)
    keys = hall.identity.keys
    assert await refused(keys.add(ada, name="old", scopes=["read"], expires=hall.clock.now())) == "expiry-past"
    assert await refused(keys.add(ada, name="none", scopes=[])) == "scopes-invalid"
    assert await refused(keys.add(ada, name="odd", scopes=["root"])) == "scopes-invalid"
    key, text = await keys.add(ada, name="day", scopes=["read"], expires=hall.clock.now() + DAY_S * 1000)
    assert key.used is None
    await hall.clock.advance(5)
    used = hall.clock.now()
    assert reads(hall, text) == "admin"
    await keys.stop()
    again = await hall.again()
    assert [k.used for k in again.keys.list(ada)] == [used]
    assert again.tokens.access(text).principal.via == f"key {key.hint}"
    await hall.clock.advance(DAY_S)
    assert reads(hall, text) == "token-expired"


async def test_sessions_are_listed_ended_and_forgotten(hall: Hall) -> None:
    ada = await admin(hall)
    ben, _ = await member(hall, ada)
    sessions = hall.identity.sessions
    first, refresh = await signed_in(hall, ben)
    await hall.clock.advance(60)
    second, _ = await signed_in(hall, ben)
    listed = sessions.of(ben.id)
    assert [session.agent for session in listed] == ["Firefox", "Firefox"]
    assert listed[0].id == hall.identity.tokens.access(second).session
    ended: list[str] = []
    hall.identity.on_session_ended = ended.append
    await sessions.end([listed[0].id, "unknown"])
    assert ended == [listed[0].id]
    assert (reads(hall, first), reads(hall, second)) == ("user", "session-ended")
    grant, _, _ = await hall.identity.tokens.refresh(refresh, address="10.0.0.9")
    assert sessions.of(ben.id)[0].address == "10.0.0.9"
    again = await hall.again()
    assert [session.address for session in again.sessions.of(ben.id)] == ["10.0.0.9"]
    assert again.tokens.access(grant.access_token).principal.role == "user"
    await hall.clock.advance(8 * DAY_S)
    assert sessions.of(ben.id) == []
    assert (await hall.again()).sessions.of(ben.id) == []


@pytest.mark.parametrize("way", ["link", "command line", "own change", "own change with keys"])
async def test_a_password_set_anew_ends_the_keys_and_ones_own_change_by_choice(hall: Hall, way: str) -> None:
    ada = await admin(hall)
    ben, ben_asks = await member(hall, ada)
    made, key = await hall.identity.keys.add(ben_asks, name="script", scopes=["read"])
    _, hers = await hall.identity.keys.add(ada, name="script", scopes=["read"])
    ended: list[str] = []
    hall.identity.on_session_ended = ended.append
    if way == "link":
        _, link = await hall.identity.invitations.reset(ada, ben.id)
        await hall.identity.invitations.set_password(link, OTHER, "10.0.0.3")
    elif way == "command line":
        await hall.identity.logins.set_password(system(ada.home), ben.id, OTHER)
    else:
        await hall.identity.logins.change_password(ben_asks, PASSWORD, OTHER, None, end_keys="keys" in way)
    stays = way == "own change"
    assert reads(hall, key) == ("user" if stays else "token-wrong")
    assert reads(hall, hers) == "admin"
    assert ended == ([] if stays else [made.id])
    assert len((await hall.again()).keys.list(ben_asks)) == (1 if stays else 0)
    [line] = [each for each in await audited(hall, ada) if each.action in ("password.reset", "password.change")]
    assert line.before == (None if stays else {"keys": [made.hint]})


async def audited(hall: Hall, ada: Principal) -> list[Entry]:
    return list(await hall.identity.audit.page(ada, Asked(), below=None, limit=100))


async def test_no_change_that_began_before_a_reset_undoes_it(hall: Hall) -> None:
    """Somebody with a stolen session, and the password of before, is asking for another one all the time."""
    ada = await admin(hall)
    ben, _ = await member(hall, ada)
    access, _ = await signed_in(hall, ben)
    asks = hall.identity.tokens.access(access).principal
    hall.passwords.made.clear()
    hall.passwords.go_on = held = asyncio.Event()
    late = asyncio.create_task(hall.identity.logins.change_password(asks, PASSWORD, STOLEN, asks.session))
    await hall.passwords.made.wait()
    hall.passwords.go_on = asyncio.Event()
    hall.passwords.go_on.set()
    await hall.identity.logins.set_password(system(ada.home), ben.id, OTHER)
    held.set()
    assert await refused(late) == "forbidden"
    logins = hall.identity.logins
    assert (await logins.login("ben@example.org", OTHER, "10.0.0.2"))[0].id == ben.id
    assert await refused(logins.login("ben@example.org", STOLEN, "10.0.0.66")) == "login-wrong"


async def test_the_password_of_before_confirms_nothing_once_it_is_set_anew(hall: Hall) -> None:
    ada = await admin(hall)
    ben, _ = await member(hall, ada)
    access, _ = await signed_in(hall, ben)
    asks = hall.identity.tokens.access(access).principal
    hall.passwords.checked.clear()
    hall.passwords.answer.clear()
    late = asyncio.create_task(hall.identity.logins.require_password(asks, PASSWORD))
    await hall.passwords.checked.wait()
    await hall.identity.logins.set_password(system(ada.home), ben.id, OTHER)
    hall.passwords.answer.set()
    assert await refused(late) == "password-wrong"
    email = hall.people.change_profile(asks, email="thief@example.org")  # whose session has ended since
    assert await refused(email) == "forbidden"
    assert hall.people.by_email("ben@example.org") is ben


async def test_no_key_is_made_by_a_session_that_a_reset_ended(hall: Hall) -> None:
    ada = await admin(hall)
    ben, _ = await member(hall, ada)
    access, _ = await signed_in(hall, ben)
    asks = hall.identity.tokens.access(access).principal
    await hall.identity.keys.add(asks, name="before", scopes=["read"])
    await hall.identity.logins.set_password(system(ada.home), ben.id, OTHER)
    assert await refused(hall.identity.keys.add(asks, name="after", scopes=["read"])) == "forbidden"
    assert hall.identity.keys.list(ada, ben.id) == []


async def test_changes_that_wait_are_judged_by_the_role_of_their_turn(hall: Hall) -> None:
    """A demotion that comes first counts for what was asked before it was done."""
    ada = await admin(hall)
    hub = system(ada.home)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", role="admin", password=PASSWORD)
    zoe = await hall.people.add(hub, email="zoe@example.org", name="Zoe", password=PASSWORD)
    ben_asks = hall.principal(ben.id, ada.home)
    made, _ = await hall.identity.invitations.invite(ada, "guest")
    other = await hall.identity.homes.add(ada, name="Garden house")
    await hall.people.change(hub, ben.id, role="user")
    late = [
        hall.people.change(ben_asks, zoe.id, disabled=True),
        hall.people.remove(ben_asks, zoe.id),
        hall.people.add(ben_asks, email="eve@example.org", name="Eve"),
        hall.people.remove_home(ben_asks, other.id),
        hall.identity.homes.change(ben_asks, name="Mine"),
        hall.identity.homes.add(ben_asks, name="Mine, too"),
        hall.identity.invitations.invite(ben_asks, "guest"),
        hall.identity.invitations.remove(ben_asks, made.id),
    ]
    found = [await refused(work) for work in late]
    assert found == ["forbidden", "user-unknown", *["forbidden"] * 6]
    assert not zoe.disabled
    assert [user.name for user in hall.people.members(ada.home)] == ["Ada", "Ben", "Zoe"]
    assert len(hall.identity.homes.all()) == 2
    assert [one.id for one in hall.identity.invitations.list(ada)] == [made.id]
