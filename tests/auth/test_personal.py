"""The audit log forgets what somebody was called when their account goes, and no line of it is changed for that."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from hub.auth.audit import Asked, Entry
from hub.auth.passkeys import Place
from hub.auth.personal import Personal
from hub.auth.principal import Principal, system
from hub.auth.user import User
from hub.database.tables import AUDIT_KEPT_MS, audit_people
from hub.messages import HubError
from tests.auth.authenticator import NAME, ORIGIN, Authenticator
from tests.auth.conftest import PASSWORD, Hall

SECRETS = ("Benjamin Blake", "ben@private.example", "Benny", "benny@private.example")


async def lines(hall: Hall, principal: Principal, **asked: Any) -> list[Entry]:
    await hall.identity.audit.flush()
    return list(await hall.identity.audit.page(principal, Asked(**asked), below=None, limit=100))


@pytest.fixture
async def ada(hall: Hall) -> Principal:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    return hall.principal(user.id, home.id, origin="10.0.0.1")


@pytest.fixture
async def ben(hall: Hall, ada: Principal) -> User:
    """With a line of every kind that tells a name or an address."""
    ben = await hall.people.add(system(ada.home), email=SECRETS[1], name=SECRETS[0], password=PASSWORD)
    asks = hall.principal(ben.id, ada.home)
    await hall.people.change_profile(asks, name=SECRETS[2], language="de")
    await hall.people.change_profile(asks, email=SECRETS[3])
    await hall.people.change(system(ada.home), ben.id, role="guest")
    with pytest.raises(HubError):
        await hall.identity.logins.login(SECRETS[3], "wrong", "10.0.0.66")
    return ben


def stored(hall: Hall) -> list[tuple[Any, ...]]:
    """The log as it is in the file."""
    with closing(sqlite3.connect(hall.database.path)) as connection:
        return connection.execute("SELECT * FROM audit_logs ORDER BY id").fetchall()


async def test_names_are_read_as_long_as_there_is_the_person(hall: Hall, ada: Principal, ben: User) -> None:
    found = await lines(hall, ada, object=ben.id)
    assert [(line.action, line.before, line.after) for line in reversed(found)] == [
        (
            "user.add",
            None,
            {"name": SECRETS[0], "email": SECRETS[1], "language": "en", "disabled": False, "role": "user"},
        ),
        ("profile.change", {"name": SECRETS[0], "language": "en"}, {"name": SECRETS[2], "language": "de"}),
        ("profile.change", {"email": SECRETS[1]}, {"email": SECRETS[3]}),
        ("user.change", {"role": "user"}, {"role": "guest"}),
        ("login", None, None),  # refused, without the address
    ]
    assert await lines(hall, ada) == [line async for page in hall.identity.audit.all(ada, Asked()) for line in page]
    assert not [secret for secret in SECRETS if secret in repr(stored(hall))]


async def test_they_go_with_the_account_and_no_line_changes(hall: Hall, ada: Principal, ben: User) -> None:
    await hall.identity.audit.flush()
    before = stored(hall)
    await hall.people.remove(ada, ben.id)
    assert stored(hall)[: len(before)] == before
    added, renamed, moved, *_ = reversed(await lines(hall, ada, object=ben.id))
    assert added.after == {"name": None, "email": None, "language": "en", "disabled": False, "role": "user"}
    assert (renamed.before, renamed.after) == ({"name": None, "language": "en"}, {"name": None, "language": "de"})
    assert (moved.before, moved.after) == ({"email": None}, {"email": None})
    assert not [secret for secret in SECRETS if secret in repr(await lines(hall, ada))]
    with closing(sqlite3.connect(hall.database.path)) as connection:
        connection.execute("VACUUM")
        dump = "\n".join(connection.iterdump())
    assert not [secret for secret in SECRETS if secret in dump]
    [setup] = await lines(hall, ada, action="setup")
    assert setup.after is not None
    assert setup.after["name"] == "Ada"


def bytes_on_disk(hall: Hall) -> bytes:
    """All that the registry has in the data folder, deleted or not."""
    return b"".join(file.read_bytes() for file in hall.database.path.parent.glob(f"{hall.database.path.name}*"))


async def test_nothing_of_an_account_is_left_in_the_bytes_of_the_file(hall: Hall, ada: Principal, ben: User) -> None:
    for number in range(200):  # rows that move from page to page while others come
        name = f"Benjamin number {number}"
        await hall.people.change_profile(hall.principal(ben.id, ada.home), name=name)
    await hall.identity.keys.add(hall.principal(ben.id, ada.home), name="Benjamins Node-RED", scopes=["read"])
    await hall.identity.audit.flush()
    secrets = [secret.encode() for secret in (*SECRETS, "Benjamin")]
    assert all(secret in bytes_on_disk(hall) for secret in secrets)
    await hall.people.remove(ada, ben.id)
    assert [secret for secret in secrets if secret in bytes_on_disk(hall)] == []


async def test_nothing_of_a_home_is_left_in_the_bytes_of_the_file(hall: Hall, ada: Principal) -> None:
    hut = await hall.identity.homes.add(ada, name="Hut of Benjamin", time_zone="Europe/Berlin", currency="EUR")
    await hall.people.add(system(hut.id), email=SECRETS[1], name=SECRETS[0], password=PASSWORD)
    await hall.people.remove_home(ada, hut.id)
    await hall.identity.audit.flush()
    assert [secret for secret in SECRETS if secret.encode() in bytes_on_disk(hall)] == []


async def test_names_of_keys_and_passkeys_go_with_their_owner(hall: Hall, ada: Principal, ben: User) -> None:
    """Whoever made or ended them: oneself, an admin, the command line."""
    keys, passkeys = hall.identity.keys, hall.identity.passkeys
    asks = hall.principal(ben.id, ada.home, via="session b")
    own, _ = await keys.add(hall.principal(ben.id, ada.home), name="Bens Node-RED", scopes=["read"])
    given, _ = await keys.add(system(ada.home), name="Bens script", scopes=["read"], user=ben.id)
    await keys.remove(ada, ben.id, own.id)
    await keys.remove(asks, ben.id, given.id)
    device, place = Authenticator(ben.id), Place(ORIGIN, NAME)
    challenge, _ = await passkeys.begin(asks, place, PASSWORD)
    passkey = await passkeys.add(asks, place, "Bens phone", device.create(challenge))
    await passkeys.rename(asks, passkey.id, "Bens tablet")
    await passkeys.login(place, device.get(passkeys.ask(place)), "10.0.0.7")
    await passkeys.remove(asks, passkey.id, PASSWORD)

    def named(found: list[Entry]) -> list[tuple[str, object, object]]:
        named = []
        for line in reversed(found):
            before, after = line.before or {}, line.after or {}
            if line.action.startswith(("key.", "passkey.")) or "passkey" in after:
                names = ("passkey" if line.action == "login" else "name", "-")
                named.append((line.action, before.get(*names), after.get(*names)))
        return named

    assert named(await lines(hall, ada)) == [
        ("key.add", "-", "Bens Node-RED"),
        ("key.add", "-", "Bens script"),
        ("key.remove", "Bens Node-RED", "-"),
        ("key.remove", "Bens script", "-"),
        ("passkey.add", "-", "Bens phone"),
        ("passkey.rename", "Bens phone", "Bens tablet"),
        ("login", "-", "Bens tablet"),
        ("passkey.remove", "Bens tablet", "-"),
    ]
    await hall.people.remove(ada, ben.id)
    left = named(await lines(hall, ada))
    assert len(left) == 8
    assert {name for _, *names in left for name in names} == {None, "-"}
    with closing(sqlite3.connect(hall.database.path)) as connection:
        connection.execute("VACUUM")
        assert "Bens" not in "\n".join(connection.iterdump())


async def test_of_a_home_that_goes_too(hall: Hall, ada: Principal) -> None:
    other = await hall.identity.homes.add(ada, name="Garden house")
    zoe = await hall.people.add(system(other.id), email="zoe@private.example", name="Zoe", password=PASSWORD)
    await hall.people.remove_home(ada, other.id)
    [line] = await lines(hall, ada, action="home.remove")
    assert line.before == {"name": "Garden house", "people": 1}
    assert "zoe@private.example" not in repr(await lines(hall, ada))
    with closing(sqlite3.connect(hall.database.path)) as connection:
        query = "SELECT count(*) FROM audit_people WHERE user = ?"
        assert connection.execute(query, (zoe.id,)).fetchone() == (0,)


async def test_who_goes_before_the_line_is_written_is_in_none(hall: Hall, ada: Principal) -> None:
    await hall.identity.audit.record(ada, "user.change", "gone", before={"name": Personal("gone", "Zoe")})
    [line] = await lines(hall, ada, object="gone")
    assert line.before == {"name": None}


async def test_nobody_changes_or_deletes_what_a_line_refers_to(hall: Hall, ada: Principal, ben: User) -> None:
    for statement in (update(audit_people).values(value="x"), text("DELETE FROM audit_people")):
        with pytest.raises(IntegrityError, match="append-only"):
            async with hall.database.transaction() as connection:
                await connection.execute(statement)


async def test_after_two_years_they_are_gone(hall: Hall, ada: Principal, ben: User) -> None:
    await hall.clock.advance(AUDIT_KEPT_MS / 1000 + 1)
    await hall.people.change_profile(ada, name="Ada L.")
    with closing(sqlite3.connect(hall.database.path)) as connection:
        assert connection.execute("SELECT value FROM audit_people ORDER BY value").fetchall() == [("Ada",), ("Ada L.",)]
    assert [line.action for line in await lines(hall, ada)] == ["profile.change"]
