"""Nonsense in the registry ends no start: it is told and stays in the file, the rest works, nobody gains a right."""

import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import JSON, BigInteger, Boolean, Float, Integer, LargeBinary, String, insert
from sqlalchemy.exc import IntegrityError

from hub.alerts import Alerts
from hub.alerts.past import Past
from hub.api.errors import status_of
from hub.app.registry import tell_faults
from hub.auth.access import MqttAccess
from hub.auth.identity import Identity
from hub.auth.passwords import Passwords
from hub.auth.principal import Principal, system
from hub.auth.setup import Setup
from hub.automation import Schedules
from hub.automation.times import next_due
from hub.backup.settings import chosen
from hub.broker.interface import Attempt
from hub.bus import Bus
from hub.database import Database, SettingsTable
from hub.database.engine import FILE_NAME
from hub.database.tables import metadata, settings
from hub.devices.registry import Registry
from hub.devices.retained import PlugRetained
from hub.messages import LANGUAGES, HubError, render
from hub.testing.clock import FakeClock
from hub.testing.process import EMAIL, PASSWORD, HubProcess
from tests.database.nonsense import NOW, VALUES, Victim, contents, good, prepare, tables

ADMIN = Principal("user-0", "home-0", "admin", operator=True)
NOT_READ = {("refresh_tokens", "used"), ("users", "totp_step")}
"""One that was used is looked at when it is shown; a step may be any number: a code of before it is not right."""


class Loaded:
    """All that a hub reads of its registry, as it reads it."""

    def __init__(self, folder: Path) -> None:
        clock, bus = FakeClock(NOW), Bus()
        self.clock = clock
        self.database = database = Database(folder)
        self.settings = SettingsTable(database)
        self.identity = Identity(database, clock, folder, passwords=Passwords(4))
        self.people, self.homes = self.identity.people, self.identity.homes
        self.registry = Registry(database, bus, clock, self.identity.audit)
        self.access = MqttAccess(self.registry, database, clock, audit=self.identity.audit)
        self.setup = Setup(self.people, self.settings, clock, folder, is_near=lambda _: True)
        options: dict[str, Any] = {"bus": bus, "clock": clock, "audit": self.identity.audit}
        self.schedules = Schedules(database, self.registry, self.people, **options)
        self.alerts = Alerts(database, self.registry, self.people, **options)
        self.past = Past(self.alerts, self.registry, self.settings, bus=bus, clock=clock)
        self.retained = PlugRetained(database, bus, clock)

    async def load(self) -> None:
        await self.database.open()
        for part in (self.settings, self.identity, self.registry, self.access, self.setup):
            await part.load()
        for later in (self.schedules, self.alerts, self.retained):
            await later.load()
        await self.past.start()


@asynccontextmanager
async def loaded(folder: Path) -> AsyncIterator[Loaded]:
    hub = Loaded(folder)
    try:
        await hub.load()
        yield hub
    finally:
        await hub.past.stop()
        await hub.identity.stop()
        await hub.database.close()


def must_be_told(victim: Victim) -> bool:
    """Is it nonsense by the kind of the column alone?"""
    kind = metadata.tables[victim.table].c[victim.column].type
    if (victim.table, victim.column) in NOT_READ or (victim.table == "settings" and victim.column == "value"):
        return False
    if victim.what in ("bytes", "no UTF-8"):
        return not isinstance(kind, LargeBinary) or kind.length is not None
    if victim.what in ("word", "half JSON", "path", "long"):
        return isinstance(kind, (Integer, BigInteger, Float, Boolean, JSON, LargeBinary))
    return victim.what == "enormous" and isinstance(kind, (Integer, BigInteger)) and not isinstance(kind, String)


@pytest.mark.parametrize("what", VALUES)
async def test_nonsense_in_any_column_is_told_and_left_as_it_is(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    victims = prepare(tmp_path, [what])
    before = contents(tmp_path)
    with caplog.at_level(logging.WARNING, "hub.database"):
        async with loaded(tmp_path) as hub:
            faults = hub.database.faults.all()
            assert_works(hub)
    after = contents(tmp_path)
    for name, rows in after.items():
        if name not in ("sessions", "invitations"):  # those that ran out go, as ever
            assert rows == before[name], name
    told = {(fault.table, fault.column) for fault in faults}
    silent = [victim for victim in victims if must_be_told(victim) and (victim.table, victim.column) not in told]
    assert not silent
    assert all(str(fault) in caplog.text for fault in faults)
    assert "etc/passwd" not in "".join(str(fault) for fault in faults if fault.table == "users")


def assert_works(hub: Loaded) -> None:
    """The good rows do what they are for; everything can be listed, and sent to somebody."""
    admin = hub.people.principal("user-0", "home-0")
    assert admin == ADMIN
    assert hub.homes.first.id == "home-0"
    assert hub.people.by_email(EMAIL) is hub.people.user("user-0")
    assert hub.people.password_hash("user-0") is not None
    assert hub.registry.by_hardware("plug-0") is hub.registry.device("device-0")
    lists: Iterable[Iterable[Any]] = (
        hub.homes.all(),
        hub.people.list(admin),
        hub.registry.list(admin),
        hub.registry.rooms.list(admin),
        hub.schedules.list(admin),
        hub.alerts.list(admin),
        hub.past.list(admin),
        hub.access.list(admin),
        hub.identity.keys.list(admin),
        hub.identity.invitations.list(admin),
        hub.identity.sessions.of("user-0"),
        hub.identity.passkeys.of("user-0"),
    )
    for things in lists:
        msgspec.json.encode(list(things))
    for thing, known in (
        ("schedule-0", {schedule.id for schedule in hub.schedules.all() if schedule.enabled}),
        ("alert-0", {alert.id for alert in hub.alerts.all() if alert.enabled}),
        ("key-0", {key.id for key in hub.identity.keys.list(admin)}),
        ("session-0", {session.id for session in hub.identity.sessions.of("user-0")}),
        ("passkey-0", {passkey.id for passkey in hub.identity.passkeys.of("user-0")}),
        ("link-0", {link.id for link in hub.identity.invitations.list(admin)}),
        ("client-0", {client.name for client in hub.access.all()}),
        ("plug-0", {hardware for hardware, _ in hub.retained.all("status")}),
    ):
        assert thing in known
    for schedule in hub.schedules.all():
        next_due(NOW, schedule.days, schedule.time, hub.homes.time_zone(schedule.home))
        hub.schedules.acting(schedule)
    for device in hub.registry.all():
        assert device.channels
    hub.setup.state("127.0.0.1", False)


def broken(victims: Iterable[Victim], table: str, *columns: str) -> list[Victim]:
    """Those of this table."""
    return [victim for victim in victims if victim.table == table and (not columns or victim.column in columns)]


async def test_nobody_gains_a_right_by_nonsense(tmp_path: Path) -> None:
    victims = prepare(tmp_path, VALUES)
    async with loaded(tmp_path) as hub:
        for _, _, _, n in broken(victims, "home_users", "role"):
            assert hub.people.principal(f"user-{n}", "home-0") is None
        for _, _, _, n in broken(victims, "users", "disabled"):
            user = hub.people.user(f"user-{n}")
            assert user is not None
            assert user.disabled
        for _, _, what, n in broken(victims, "users", "password_hash"):
            assert hub.people.password_hash(f"user-{n}") is None, what
        for _, _, what, n in broken(victims, "users", "totp"):
            assert hub.identity.factors.enabled(f"user-{n}") is (what != "null")
        for _, _, _, n in broken(victims, "device_users", "share"):
            device = hub.registry.device(f"device-{n}")
            assert device is not None
            assert hub.registry.right(ADMIN, device) == "none", "it may have said less than the role does"
        for _, column, _, n in broken(victims, "devices", "private", "always_on"):
            device = hub.registry.device(f"device-{n}")
            assert getattr(device, column)
        for _, _, _, n in broken(victims, "devices", "secret_hash"):
            stored = hub.registry.secret_hash(f"plug-{n}")
            assert stored is not None
            assert len(stored) == 32
        for _, column, _, n in broken(victims, "mqtt_clients", "read", "write"):
            login = hub.access.login(f"client-{n}")
            assert login is not None
            assert not getattr(login, column)
        for _, _, what, n in broken(victims, "mqtt_clients", "secret_hash"):
            password = VALUES[what] if isinstance(VALUES[what], bytes) else str(VALUES[what]).encode()
            attempt = Attempt(f"client-{n}", f"client-{n}", password, "127.0.0.1", "mqtt")
            assert hub.access.authenticate(attempt) is None
        held = {session.id for session in hub.identity.sessions.of("user-0")}
        for _, _, what, n in broken(victims, "sessions", "began", "seen"):
            assert f"session-{n}" not in held, what
        known = {key.id: key for key in hub.identity.keys.list(ADMIN)}
        for _, column, what, n in broken(victims, "api_keys", "scopes", "expires", "home", "user", "hash"):
            key = known.get(f"key-{n}")
            over = key is None or not key.scopes or (key.expires is not None and key.expires < NOW)
            assert over or (column, what) == ("expires", "null"), (column, what)
        links = {link.id for link in hub.identity.invitations.list(ADMIN)}
        for _, column, what, n in broken(victims, "invitations", "role", "user", "expires", "created", "home", "hash"):
            assert f"link-{n}" not in links or (column, what) == ("user", "null"), (column, what)
        for _, _, what, n in broken(victims, "schedules", "author"):
            mine = next((one for one in hub.schedules.all() if one.id == f"schedule-{n}"), None)
            acts = mine is not None and hub.schedules.acting(mine) is not None
            somebody = mine is not None and mine.author is not None and hub.people.user(mine.author) is not None
            assert acts is (what == "null" or somebody), what  # null is the hub's own, which the schema allows
        for _, column, what, n in broken(victims, "schedules", "days", "time", "command", "channel", "enabled"):
            mine = next(one for one in hub.schedules.all() if one.id == f"schedule-{n}")
            assert not mine.enabled, (column, what)
        for _, column, what, n in broken(victims, "alerts", "kind", "threshold", "hold_s", "channel"):
            alert = next(one for one in hub.alerts.all() if one.id == f"alert-{n}")
            assert not alert.enabled or (column, what) == ("threshold", "negative"), (column, what)


@pytest.mark.parametrize("what", VALUES)
async def test_settings_that_are_nonsense_open_nothing(tmp_path: Path, what: str) -> None:
    prepare(tmp_path, [])
    names = ["hub_id", "first_start", "schedules_until", "alerts_past", "updates", "logins_by_hand"]
    names += ["backup", "backup_last", "backup_newest", "backup_since", "backup_marked"]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("DELETE FROM home_users")
        connection.execute("DELETE FROM invitations")  # which are over without the right to make them
        value = VALUES[what] if VALUES[what] is not None else "null"
        rows = [(name, value) for name in names]
        place = "CAST(? AS TEXT)" if what == "no UTF-8" else "?"
        connection.executemany(f"INSERT INTO settings(name, value) VALUES (?, {place})", rows)
    before = contents(tmp_path)
    async with loaded(tmp_path) as hub:
        assert hub.setup.state("127.0.0.1", False) == "code", "nobody comes in because an admin's role cannot be read"
        assert hub.past.list(ADMIN) == []
        assert chosen(hub.settings) == {}
    assert contents(tmp_path) == before


async def test_backups_go_nowhere_else_without_their_passphrase(tmp_path: Path) -> None:
    prepare(tmp_path, [])
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        value = json.dumps({"folder": "/media/stick", "passphrase": 5})
        connection.execute("INSERT INTO settings(name, value) VALUES ('backup', ?)", (value,))
    async with loaded(tmp_path) as hub:
        assert chosen(hub.settings) == {}
        assert [str(fault) for fault in hub.database.faults.all()] == ["settings backup: value"]


@pytest.mark.parametrize("table", ["devices", "users"])
async def test_what_a_row_that_was_left_out_holds_is_refused_by_its_name(tmp_path: Path, table: str) -> None:
    prepare(tmp_path, [])
    row = good(1)[table] | {"id": b"\xff\xfe"}
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        names, places = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table}({names}) VALUES ({places})", list(row.values()))
    async with loaded(tmp_path) as hub:
        assert [(fault.table, fault.used) for fault in hub.database.faults.all()] == [(table, False)]
        with pytest.raises(HubError) as refused:
            if table == "devices":
                await hub.registry.add(system("home-0"), hardware_id=row["hardware_id"], name="D")
            else:
                await hub.people.add(system("home-0"), email=row["email"], name="U")
        assert (refused.value.id, status_of(refused.value.id)) == ("registry-row-held", 409)
        for language in LANGUAGES:
            assert "registry-faults" in render(refused.value.message, language)
        assert len(hub.registry.all()) == 1, "nothing half added"


async def test_what_is_taken_without_a_fault_is_an_error_of_the_hub(tmp_path: Path) -> None:
    prepare(tmp_path, [])
    async with loaded(tmp_path) as hub:
        with pytest.raises(IntegrityError):
            async with hub.database.transaction() as connection:
                await connection.execute(insert(settings), [{"name": "twice", "value": 1}] * 2)


async def test_what_is_saved_anew_or_deleted_is_told_no_more(tmp_path: Path) -> None:
    prepare(tmp_path, [])
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE schedules SET time = '25:99'")
        connection.execute("UPDATE alerts SET hold_s = 'long'")
    told: list[dict[str, Any]] = []
    async with loaded(tmp_path) as hub:
        tell_faults(hub.database, lambda _, values: told.append(values))
        boss = system("home-0")
        await hub.schedules.change(boss, "schedule-0", time="07:00", enabled=True)
        await hub.alerts.remove(boss, "alert-0")
    assert [each.get("count") for each in told] == [2, 1, None]
    assert "schedules schedule-0: time = '25:99'" in told[0]["what"]
    async with loaded(tmp_path) as hub:
        assert [(one.time, one.enabled) for one in hub.schedules.all()] == [("07:00", True)]
        assert not hub.database.faults.all()


async def test_a_rule_that_is_switched_on_again_is_what_people_saw(tmp_path: Path) -> None:
    prepare(tmp_path, [])
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE schedules SET days = 'no JSON'")
        connection.execute("UPDATE alerts SET hold_s = -1")
    async with loaded(tmp_path) as hub:
        await hub.schedules.change(system("home-0"), "schedule-0", enabled=True)
        await hub.alerts.change(system("home-0"), "alert-0", enabled=True)
        [schedule], [alert] = hub.schedules.all(), hub.alerts.all()
    async with loaded(tmp_path) as hub:
        assert ([*hub.schedules.all()], [*hub.alerts.all()]) == ([schedule], [alert])
        assert not hub.database.faults.all()


async def test_who_has_a_broken_membership_can_be_taken_in_again(tmp_path: Path) -> None:
    victims = prepare(tmp_path, ["word"])
    [n] = [victim.number for victim in broken(victims, "home_users", "role")]
    async with loaded(tmp_path) as hub:
        user = hub.people.user(f"user-{n}")
        assert user is not None
        await hub.people.add_membership(user, "home-0", "guest")
    async with loaded(tmp_path) as hub:
        person = hub.people.principal(f"user-{n}", "home-0")
        assert person is not None
        assert person.role == "guest"


async def test_a_token_with_nonsense_in_it_ends_its_session_and_no_request(tmp_path: Path) -> None:
    prepare(tmp_path, [])
    async with loaded(tmp_path) as hub:
        user = hub.people.user("user-0")
        assert user is not None
        grant = await hub.identity.tokens.issue(user, hub.homes.first)
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
            connection.execute("UPDATE refresh_tokens SET expires = 'never', used = 'never'")
        with pytest.raises(HubError) as refused:
            await hub.identity.tokens.refresh(grant.refresh_token)
        assert refused.value.id == "session-ended"


def test_every_table_that_is_read_is_among_them() -> None:
    unread = {"audit_logs", "audit_people"}
    assert {table.name for table in tables()} == set(metadata.tables) - unread


async def test_the_hub_starts_with_all_of_it_at_once() -> None:
    hub = HubProcess()
    try:
        hub.data.mkdir()
        prepare(hub.data, VALUES, now=round(time.time() * 1000))
        with closing(sqlite3.connect(hub.data / FILE_NAME)) as connection, connection:
            rows = [(name, "{half") for name in ("first_start", "backup", "backup_last", "backup_since", "updates")]
            connection.executemany("INSERT INTO settings(name, value) VALUES (?, ?)", rows)
        await hub.start()
        await hub.log_in()
        for path in ("devices", "rooms", "schedules", "alerts", "users", "homes", "mqtt-clients", "account/keys"):
            assert (await hub.call("GET", f"/{path}"))["items"], path
        problems = (await hub.call("GET", "/system/problems"))["items"]
        [told] = [each["detail"] for each in problems if each["id"] == "registry-faults"]
        assert await hub.stop() == 0, hub.output()
        assert "registry.sqlite" in told
        assert "Traceback" not in hub.output()
        assert PASSWORD not in hub.output()
    finally:
        await hub.close()
