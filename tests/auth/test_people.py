"""People: the first home, members, login and its back-off."""

import asyncio
import logging
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from hub.auth.backoff import Backoff
from hub.auth.passwords import MOST_WAITING, Passwords
from hub.auth.principal import Principal, system
from hub.database.tables import audit_logs
from hub.messages import HubError
from hub.testing.clock import FakeClock
from tests.auth.conftest import PASSWORD, Hall


async def refusal(work: Any) -> HubError:
    with pytest.raises(HubError) as caught:
        await work
    return caught.value


async def move_in(hall: Hall) -> Principal:
    user, home = await hall.people.make_first_admin(
        email=" Ada@Example.ORG ", name="Ada", password=PASSWORD, home_name="Villa", time_zone="Europe/Berlin"
    )
    return Principal(user.id, home.id, "admin")


async def test_there_is_always_one_home(hall: Hall) -> None:
    home = hall.people.homes.first
    assert (home.name, home.time_zone, home.currency) == ("Home", "UTC", "EUR")
    identity = await hall.again()
    again = identity.people
    assert again.homes.first == home
    assert not again.has_admin()


async def test_first_admin_names_the_home(hall: Hall) -> None:
    home = hall.people.homes.first
    admin = await move_in(hall)
    assert admin.home == home.id
    assert hall.people.has_admin()
    error = await refusal(hall.people.make_first_admin(email="eve@example.org", name="Eve", password=PASSWORD))
    assert error.id == "setup-done"
    identity = await hall.again()
    again = identity.people
    assert (again.homes.first.name, again.homes.first.time_zone, again.homes.first.currency) == (
        "Villa",
        "Europe/Berlin",
        "EUR",
    )
    assert again.user(admin.user) == hall.people.user(admin.user)
    assert again.principal(admin.user, admin.home) == msgspec.structs.replace(admin, operator=True)
    user, _ = await identity.logins.login("ada@example.org", PASSWORD, "10.0.0.1")
    assert user.id == admin.user


async def test_two_first_admins_at_once_are_one(hall: Hall) -> None:
    results = await asyncio.gather(
        *(
            hall.people.make_first_admin(email=f"a{number}@example.org", name="A", password=PASSWORD)
            for number in range(3)
        ),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["HubError", "HubError", "tuple"]
    assert len(hall.people.list(system(hall.people.homes.first.id))) == 1


@pytest.mark.parametrize(
    ("fields", "expected", "field"),
    [
        ({"email": "nobody"}, "email-invalid", "email"),
        ({"email": "a b@c"}, "email-invalid", "email"),
        ({"email": "a@b@c"}, "email-invalid", "email"),
        ({"email": "a@" + "x" * 253}, "email-invalid", "email"),
        ({"email": "ADA@example.org"}, "email-taken", "email"),
        ({"name": "  "}, "name-invalid", "name"),
        ({"name": "x" * 61}, "name-invalid", "name"),
        ({"name": "a\x1b[31m"}, "name-invalid", "name"),
        ({"role": "system"}, "role-invalid", "role"),
        ({"language": "xx"}, "language-unknown", "language"),
        ({"password": "short"}, "password-too-short", "password"),
        ({"password": "benjamin2024"}, "password-common", "password"),
    ],
)
async def test_add_refuses(hall: Hall, fields: dict[str, Any], expected: str, field: str) -> None:
    admin = await move_in(hall)
    asked = {"email": "ben@example.org", "name": "Ben", "password": PASSWORD, **fields}
    error = await refusal(hall.people.add(admin, **asked))
    assert (error.id, error.field) == (expected, field)
    assert len(hall.people.list(admin)) == 1


NO_PLACES = ("Factory", "localtime", "posixrules", "posix/Europe/Berlin", "right/Europe/Berlin", "zone.tab", "Europe")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"time_zone": "Mars/Olympus"}, "time-zone-unknown"),
        ({"time_zone": "../../etc/passwd"}, "time-zone-unknown"),
        ({"time_zone": ""}, "time-zone-unknown"),
        *(({"time_zone": zone}, "time-zone-unknown") for zone in NO_PLACES),
        ({"currency": "euro"}, "currency-unknown"),
        ({"home_name": " "}, "name-invalid"),
    ],
)
async def test_set_up_refuses(hall: Hall, fields: dict[str, Any], expected: str) -> None:
    asked = {"email": "ada@example.org", "name": "Ada", "password": PASSWORD, **fields}
    assert (await refusal(hall.people.make_first_admin(**asked))).id == expected
    assert not hall.people.has_admin()


async def test_only_admins_add_and_list(hall: Hall) -> None:
    admin = await move_in(hall)
    for role in ("user", "guest"):
        member = Principal("x", admin.home, role)
        assert (await refusal(hall.people.add(member, email="b@example.org", name="B"))).id == "forbidden"
        with pytest.raises(HubError):
            hall.people.list(member)
    await hall.people.add(admin, email="zoe@example.org", name="Zoe", role="guest", password=PASSWORD)
    await hall.people.add(system(admin.home), email="ben@example.org", name="ben")
    assert [user.name for user in hall.people.list(admin)] == ["Ada", "ben", "Zoe"]
    assert hall.people.list(system("other-home")) == []


async def test_principal_is_a_member_only(hall: Hall) -> None:
    admin = await move_in(hall)
    user = hall.people.user(admin.user)
    assert user is not None
    assert hall.people.principal(admin.user, "other-home") is None
    assert hall.people.principal("nobody", admin.home) is None
    user.disabled = True
    assert hall.people.principal(admin.user, admin.home) is None
    assert (await refusal(hall.identity.logins.login("ada@example.org", PASSWORD, "10.0.0.1"))).id == "login-wrong"


async def test_login(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    admin = await move_in(hall)
    without, _ = await hall.people.add(admin, email="ben@example.org", name="Ben"), None
    caplog.set_level(logging.INFO)
    user, home = await hall.identity.logins.login(" ADA@example.org", PASSWORD, "10.0.0.1")
    assert (user.id, home.id) == (admin.user, admin.home)
    for email, password in (
        ("ada@example.org", PASSWORD + " "),
        ("nobody@example.org", PASSWORD),
        (without.email, ""),
        ("evil\nlogin: user 1 from 2", "a very secret word"),
    ):
        assert (await refusal(hall.identity.logins.login(email, password, "10.0.0.1"))).id == "login-wrong"
    assert caplog.text.count("login refused") == 4
    assert PASSWORD not in caplog.text
    assert "a very secret word" not in caplog.text
    assert "\nlogin: user 1" not in caplog.text


async def test_account_waits_and_its_owner_is_not_locked_out_for_long(hall: Hall) -> None:
    await move_in(hall)
    for attempt in range(31):
        error = await refusal(hall.identity.logins.login("ada@example.org", "wrong", f"10.0.0.{attempt}"))
        assert error.id == "login-wrong"
    error = await refusal(hall.identity.logins.login("ada@example.org", PASSWORD, "10.9.9.9"))
    assert (error.id, error.message.values) == ("too-many-attempts", {"seconds": 2})
    await hall.clock.advance(1)
    await hall.identity.logins.login("ada@example.org", PASSWORD, "10.9.9.9")
    # A login forgets what went before.
    for attempt in range(30):
        assert (
            await refusal(hall.identity.logins.login("ada@example.org", "no", f"10.1.0.{attempt}"))
        ).id == "login-wrong"
    for attempt in range(40):
        await hall.clock.advance(60)
        assert (
            await refusal(hall.identity.logins.login("ada@example.org", "no", f"10.2.0.{attempt}"))
        ).id == "login-wrong"
    await hall.clock.advance(60)
    await hall.identity.logins.login("ada@example.org", PASSWORD, "10.9.9.9")


async def test_one_guesser_locks_nobody_out(hall: Hall) -> None:
    await move_in(hall)
    codes = [
        (await refusal(hall.identity.logins.login("ada@example.org", "wrong", "10.0.0.66"))).id for _ in range(200)
    ]
    assert codes.count("login-wrong") == 6
    await hall.identity.logins.login("ada@example.org", PASSWORD, "10.9.9.9")


async def test_many_guessers_do_not_lock_out_where_one_is_signed_in(hall: Hall) -> None:
    await move_in(hall)
    logins, tokens = hall.identity.logins, hall.identity.tokens
    user, home = await logins.login("ada@example.org", PASSWORD, "10.9.9.9")
    await tokens.issue(user, home, address="10.9.9.9")
    for attempt in range(31):
        await refusal(logins.login("ada@example.org", "wrong", f"10.0.0.{attempt}"))
    assert (await refusal(logins.login("ada@example.org", PASSWORD, "10.8.8.8"))).id == "too-many-attempts"
    await logins.login("ada@example.org", PASSWORD, "10.9.9.9")


async def test_a_full_queue_costs_an_owner_nothing(hall: Hall) -> None:
    await move_in(hall)
    logins, tokens = hall.identity.logins, hall.identity.tokens
    user, home = await logins.login("ada@example.org", PASSWORD, "10.9.9.9")
    await tokens.issue(user, home, address="10.9.9.9")
    crowd = [
        asyncio.ensure_future(logins.login(f"x{number}@example.org", "wrong", f"10.0.0.{number}"))
        for number in range(MOST_WAITING)
    ]
    await asyncio.sleep(0)
    for _ in range(20):  # from elsewhere: not now, and none of it counts
        error = await refusal(logins.login("ada@example.org", PASSWORD, "10.8.8.8"))
        assert error.message.values == {"seconds": 5}
    await logins.login("ada@example.org", PASSWORD, "10.9.9.9")
    await asyncio.gather(*crowd, return_exceptions=True)
    await logins.login("ada@example.org", PASSWORD, "10.8.8.8")


async def test_a_network_of_version_6_is_one_guesser(hall: Hall) -> None:
    await move_in(hall)
    codes = [
        (await refusal(hall.identity.logins.login(f"x{n}@example.org", "wrong", f"2001:db8:0:1::{n:x}"))).id
        for n in range(1, 150)
    ]
    assert codes.count("login-wrong") == 101
    error = await refusal(hall.identity.logins.login("ada@example.org", "wrong", "2001:db8:0:2::1"))
    assert error.id == "login-wrong"


@pytest.mark.parametrize("typed", [PASSWORD, "Sesame@Open 2026 street", "p@ssword2026"])
async def test_a_password_in_the_wrong_field_is_written_nowhere(
    hall: Hall, caplog: pytest.LogCaptureFixture, typed: str
) -> None:
    await move_in(hall)
    await refusal(hall.identity.logins.login(typed, "", "10.0.0.1"))
    await hall.identity.audit.flush()
    assert typed.casefold() not in caplog.text.casefold()
    async with hall.database.transaction() as connection:
        rows = (await connection.execute(select(audit_logs.c.object).where(audit_logs.c.refused.is_not(None)))).all()
    assert [row.object for row in rows] == [None]


async def test_address_waits(hall: Hall) -> None:
    await move_in(hall)
    for attempt in range(11):
        error = await refusal(hall.identity.logins.login(f"nobody{attempt}@example.org", "wrong", "10.0.0.1"))
        assert error.id == "login-wrong"
    assert (
        await refusal(hall.identity.logins.login("ada@example.org", PASSWORD, "10.0.0.1"))
    ).id == "too-many-attempts"
    await hall.identity.logins.login("ada@example.org", PASSWORD, "10.0.0.2")


async def test_many_guesses_at_once_are_not_free(hall: Hall) -> None:
    await move_in(hall)
    errors = await asyncio.gather(
        *(hall.identity.logins.login("ada@example.org", "wrong", f"10.0.0.{n}") for n in range(100)),
        return_exceptions=True,
    )
    ids = [error.id for error in errors if isinstance(error, HubError)]
    assert len(ids) == 100
    assert 0 < ids.count("login-wrong") <= 31
    assert ids.count("login-wrong") + ids.count("too-many-attempts") == 100


def test_backoff_doubles_forgets_and_is_bounded() -> None:
    clock = FakeClock()
    backoff = Backoff(clock, free=2, longest=10)
    waits = []
    for _ in range(8):
        backoff.attempt("a")
        waits.append(backoff.wait("a"))
    assert waits == [0, 0, 1, 2, 4, 8, 10, 10]
    assert backoff.wait("b") == 0
    for number in range(10_000):
        backoff.attempt(f"x{number}")
    assert backoff.wait("a") == 0


async def test_backoff_forgets_after_an_hour() -> None:
    clock = FakeClock()
    backoff = Backoff(clock, free=1, longest=10)
    backoff.attempt("a")
    backoff.attempt("a")
    assert backoff.wait("a") == 1
    await clock.advance(3601)
    backoff.attempt("a")
    assert backoff.wait("a") == 0


def test_closing_ends_the_threads() -> None:
    passwords = Passwords(cost=4)
    passwords.close()
    with pytest.raises(RuntimeError):
        asyncio.run(passwords.hash("copper lantern riddle"))
