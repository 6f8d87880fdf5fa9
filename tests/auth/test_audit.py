"""The audit log: complete, bounded, only added to, without secrets."""

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import IntegrityError

from hub.auth.access import MqttAccess
from hub.auth.audit import MOST_NAMED, MOST_WAITING, SWITCHED, Asked, Entry
from hub.auth.principal import Principal, system
from hub.auth.tokens import GRACE_MS
from hub.broker.interface import FORBIDDEN_TOPIC, Attempt, Login, Refusal
from hub.database.tables import AUDIT_KEPT_MS, audit_logs
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall


class NoPlugs:
    """A registry without plugs."""

    def secret_hash(self, hardware_id: str) -> bytes | None:
        return None


async def lines(hall: Hall, **asked: object) -> list[Entry]:
    home = hall.identity.homes.first.id
    return list(await hall.identity.audit.page(system(home), Asked(**asked), below=None, limit=1000))  # type: ignore[arg-type]


async def test_every_change_says_who_what_and_what_it_was_before(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(
        email="ada@example.org", name="Ada", password=PASSWORD, origin="10.0.0.1"
    )
    ada = hall.principal(user.id, home.id, origin="10.0.0.2", via="session 1")
    ben = await hall.people.add(ada, email="ben@example.org", name="Ben", password=PASSWORD)
    await hall.people.change(ada, ben.id, role="guest")
    await hall.identity.homes.change(ada, price=0.31, name="Villa")
    await hall.identity.keys.add(hall.principal(user.id, home.id), name="script", scopes=["read"])
    found = await lines(hall)
    assert [line.action for line in found] == ["key.add", "home.change", "user.change", "user.add", "setup"]
    change = found[2]
    assert (change.actor, change.origin, change.via, change.object) == (ada.user, "10.0.0.2", "session 1", ben.id)
    assert (change.before, change.after) == ({"role": "user"}, {"role": "guest"})
    assert (found[1].before, found[1].after) == ({"price": None, "name": "Home"}, {"price": 0.31, "name": "Villa"})
    assert found[-1].origin == "10.0.0.1"
    assert PASSWORD not in repr(found)
    assert [line.action for line in await lines(hall, action="user")] == ["user.change", "user.add"]
    assert [line.action for line in await lines(hall, object=ben.id, actor=ada.user)] == ["user.change", "user.add"]


async def test_the_first_guess_stands_there_at_once_and_the_others_are_counted_in_one_line_a_minute(hall: Hall) -> None:
    await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    for _ in range(5):
        with pytest.raises(HubError):
            await hall.identity.logins.login("ada@example.org", "wrong", "10.0.0.66")
    await hall.identity.audit._tasks.settled()
    [first] = await lines(hall, refused=True)
    assert (first.action, first.refused, first.origin) == ("login", "login-wrong", "10.0.0.66")
    await hall.clock.advance(60)
    for _ in range(3):
        hall.identity.audit.refuse(
            Principal("", first.home, "guest", origin=first.origin), first.action, "login-wrong", first.object
        )
    await hall.identity.audit.stop()
    found = await lines(hall, refused=True)
    assert sum(line.count for line in found) == 8
    assert found[0].count == 3, "what goes on from the minute before is gathered"


async def test_what_does_not_wait_for_the_disk_is_written_all_the_same(hall: Hall) -> None:
    hub = system(hall.identity.homes.first.id)
    hall.identity.audit.note(hub, SWITCHED, "lamp", before={"on": False}, after={"on": True})
    await hall.identity.audit.stop()
    [line] = await lines(hall)
    assert (line.action, line.object, line.before, line.after) == (SWITCHED, "lamp", {"on": False}, {"on": True})


async def test_a_line_that_cannot_be_written_is_heard_of_and_keeps_no_other_from_the_log(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    audit, hub = hall.identity.audit, system(hall.identity.homes.first.id)
    async with hall.database.transaction() as connection:
        await connection.execute(
            text(
                "CREATE TRIGGER no_lamp BEFORE INSERT ON audit_logs WHEN NEW.object = 'lamp' "
                "BEGIN SELECT RAISE(ABORT, 'no lamp'); END"
            )
        )
    for _ in range(3):
        audit.refuse(Principal("", hub.home, "guest", origin="10.0.0.66"), "login", "login-wrong")
    await audit._tasks.settled()
    audit.refuse(Principal("", hub.home, "guest", origin="10.0.0.66"), "login", "login-wrong")
    audit.note(hub, SWITCHED, "lamp", before={"on": False}, after={"on": True})
    await audit.stop()
    assert "lines of the audit log could not be written" in caplog.text
    assert "no lamp" in caplog.text
    assert sum(line.count for line in await lines(hall, refused=True)) == 4


async def test_the_oldest_switching_makes_room_and_nothing_else(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.auth.audit.MOST_SWITCHED", 5)
    monkeypatch.setattr("hub.auth.audit.PRUNED_EVERY", 1)
    hub = system(hall.identity.homes.first.id)
    await hall.identity.audit.record(hub, "first")
    for number in range(8):
        await hall.identity.audit.record(hub, SWITCHED, f"{number}")
    assert [line.object for line in await lines(hall)] == ["7", "6", "5", "4", "3", None]


async def test_signing_out_and_a_stolen_sign_in_stand_there(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    tokens = hall.identity.tokens
    stolen = await tokens.issue(user, home, address="10.0.0.2")
    await tokens.refresh(stolen.refresh_token)
    await hall.clock.advance(GRACE_MS / 1000 + 1)
    with pytest.raises(HubError):
        await tokens.refresh(stolen.refresh_token, address="10.0.0.66")
    other = await tokens.issue(user, home, address="10.0.0.2")
    await tokens.revoke(other.refresh_token, address="10.0.0.2")
    logout, reused, *_ = await lines(hall)
    assert (logout.action, logout.actor, logout.origin) == ("logout", user.id, "10.0.0.2")
    assert (reused.action, reused.actor, reused.object, reused.origin) == ("session.reused", None, user.id, "10.0.0.66")
    assert stolen.refresh_token not in repr(reused)


async def test_an_mqtt_login_that_fails_is_counted_by_address_and_name(hall: Hall) -> None:
    access = MqttAccess(NoPlugs(), hall.database, hall.clock, audit=hall.identity.audit)
    for _ in range(30):
        assert access.authenticate(Attempt("kettle", "kettle", b"secret-guess", "10.0.0.66", "plain")) is None
    await hall.identity.audit.stop()
    found = await lines(hall, refused=True)
    assert {(line.action, line.object, line.origin) for line in found} == {("mqtt.login", "kettle", "10.0.0.66")}
    assert sum(line.count for line in found) == 30
    assert "secret-guess" not in repr(found)


async def test_what_an_mqtt_login_may_not_is_told_with_its_name_and_address(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada = hall.principal(user.id, home.id)
    hut = await hall.identity.homes.add(ada, name="Hut")
    access = MqttAccess(
        NoPlugs(), hall.database, hall.clock, audit=hall.identity.audit, plug_home={"kettle": hut.id}.get
    )
    await access.add(ada, name="dash", read=["home/#"], write=[])
    long = "smartplug/" + "x" * 1000
    for login, action in ((Login("plug", "kettle"), "publish"), (Login("client", "dash"), "will")):
        for _ in range(3):
            access.refused(Refusal(login, "10.0.0.9", action, long, FORBIDDEN_TOPIC))
    access.refused(Refusal(Login("pair", "new-plug"), "10.0.0.9", "subscribe", "#", FORBIDDEN_TOPIC))
    await hall.identity.audit.stop()
    found = [
        *await lines(hall, refused=True),
        *await hall.identity.audit.page(system(hut.id), Asked(refused=True), below=None, limit=10),
    ]
    assert [(line.via, line.home, line.action, line.object) for line in found if line.count == 3] == [
        ("mqtt dash", home.id, "mqtt.will", long[:80]),
        ("mqtt kettle", hut.id, "mqtt.publish", long[:80]),
    ]
    [pairing] = [line for line in found if line.count == 1]
    assert (pairing.via, pairing.action, pairing.object) == ("mqtt pair-new-plug", "mqtt.subscribe", "#")
    assert {(line.actor, line.origin, line.refused) for line in found} == {(None, "10.0.0.9", FORBIDDEN_TOPIC)}


async def test_names_made_up_do_not_hide_what_there_is(hall: Hall) -> None:
    audit, home = hall.identity.audit, hall.identity.homes.first.id
    audit.exists = lambda where, thing: (where, thing) == (home, "private lamp")
    guest = Principal("gil", home, "guest", origin="10.0.0.66")
    for number in range(MOST_NAMED + 10):
        audit.refuse(guest, "get_device", "device-unknown", f"junk {number}")
    for action in ("get_device", "command_device"):
        audit.refuse(guest, action, "device-unknown", "private lamp")
    await audit.flush()
    found = await lines(hall)
    assert [line.action for line in found if line.object == "private lamp"] == ["command_device", "get_device"]
    assert [line.count for line in found if line.object is None] == [10]


async def test_one_mqtt_login_hides_nothing_of_another_behind_the_same_address(hall: Hall) -> None:
    audit, home = hall.identity.audit, hall.identity.homes.first.id
    for name in ("noisy", "quiet"):
        login = Principal("", home, "guest", origin="10.0.0.1", via=f"mqtt {name}")
        for number in range(MOST_NAMED + 1 if name == "noisy" else 1):
            audit.refuse(login, "mqtt.publish", FORBIDDEN_TOPIC, f"{name}/{number}")
    await audit.flush()
    assert "quiet/0" in {line.object for line in await lines(hall)}


async def test_what_is_gathered_is_bounded(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MOST_WAITING + 7):
        stranger = Principal("", hall.identity.homes.first.id, "guest", origin=f"10.0.{number}")
        hall.identity.audit.refuse(stranger, "x" * 500, "forbidden", f"object {number} " + "y" * 500)
    await hall.identity.audit.flush()
    found = await lines(hall)
    assert len(found) == MOST_WAITING
    assert {len(line.action) for line in found} == {60}
    assert "7 further refusals" in caplog.text


async def test_one_asker_fills_no_log(hall: Hall) -> None:
    stranger = Principal("", hall.identity.homes.first.id, "guest", origin="10.0.0.66")
    for number in range(MOST_WAITING):
        hall.identity.audit.refuse(stranger, "get_device", "token-missing", f"device {number}")
    await hall.identity.audit.flush()
    found = await lines(hall)
    assert len(found) == MOST_NAMED + 1
    assert sum(line.count for line in found) == MOST_WAITING
    assert {line.count for line in found if line.object is None} == {MOST_WAITING - MOST_NAMED}


async def test_the_oldest_refusals_make_room_and_nothing_that_was_done(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.auth.audit.MOST_REFUSED", 20)
    monkeypatch.setattr("hub.auth.audit.PRUNED_EVERY", 1)
    await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    done = len(await lines(hall))
    for number in range(30):
        stranger = Principal("", hall.identity.homes.first.id, "guest", origin=f"10.0.0.{number}")
        hall.identity.audit.refuse(stranger, "login", "login-wrong")
        await hall.identity.audit.flush()
    assert [line.origin for line in await lines(hall, refused=True)] == [f"10.0.0.{n}" for n in range(29, 9, -1)]
    assert len(await lines(hall, refused=False)) == done > 0


async def test_nobody_changes_or_deletes_a_line(hall: Hall) -> None:
    await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    with pytest.raises(IntegrityError, match="append-only"):
        async with hall.database.transaction() as connection:
            await connection.execute(update(audit_logs).values(actor="somebody else"))
    with pytest.raises(IntegrityError, match="append-only"):
        async with hall.database.transaction() as connection:
            await connection.execute(delete(audit_logs))
    [line] = await lines(hall)
    assert line.action == "setup"


async def test_homes_and_roles_do_not_see_it(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada = hall.principal(user.id, home.id)
    other = await hall.identity.homes.add(ada, name="Garden house")
    elsewhere = Principal("zoe", other.id, "admin")
    audit = hall.identity.audit
    assert await audit.page(elsewhere, Asked(), below=None, limit=10) == []
    with pytest.raises(HubError):
        await audit.page(Principal("ben", home.id, "user"), Asked(), below=None, limit=10)


async def test_pages_and_the_whole(hall: Hall) -> None:
    hub = system(hall.identity.homes.first.id)
    for number in range(1203):
        hall.identity.audit._waiting.append(_line(hub, hall.clock.now(), number))
    await hall.identity.audit.flush()
    first = await hall.identity.audit.page(hub, Asked(), below=None, limit=3)
    assert [line.object for line in first] == ["1202", "1201", "1200"]
    then = await hall.identity.audit.page(hub, Asked(), below=first[-1].id, limit=1)
    assert [line.object for line in then] == ["1199"]
    pages = [page async for page in hall.identity.audit.all(hub, Asked())]
    assert [len(page) for page in pages] == [500, 500, 203]
    assert len({line.id for page in pages for line in page}) == 1203


async def test_what_is_older_than_two_years_goes(hall: Hall) -> None:
    hub = system(hall.identity.homes.first.id)
    kept = hall.clock.now() - AUDIT_KEPT_MS
    hall.identity.audit._waiting += [_line(hub, kept - 1, 1), _line(hub, kept, 2)]
    await hall.identity.audit.record(hub, "now")
    assert [line.object for line in await lines(hall)] == [None, "2"]


def _line(hub: Principal, at: int, number: int) -> dict[str, object]:
    fields = {"home": hub.home, "at": at, "actor": "system", "origin": "hub", "via": "", "action": "test"}
    return {**fields, "object": str(number), "before": None, "after": None, "refused": None, "count": 1}
