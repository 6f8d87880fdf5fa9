"""Who may log in to MQTT."""

import hashlib
import hmac
import secrets
from typing import Any

import pytest
from sqlalchemy import select

from hub.auth.access import MqttAccess, is_filter
from hub.auth.principal import Principal, system
from hub.broker.interface import Attempt, Login
from hub.database.tables import audit_logs
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall

SECRET = "5e" * 32


class Plugs:
    def secret_hash(self, hardware_id: str) -> bytes | None:
        return hashlib.sha256(SECRET.encode()).digest() if hardware_id == "plug-1" else None


def attempt(name: str | None, password: bytes | None, client_id: str = "x", peer: str = "10.0.0.1") -> Attempt:
    return Attempt(client_id, name, password, peer, "mqtt")


@pytest.fixture
async def access(hall: Hall) -> MqttAccess:
    access = MqttAccess(Plugs(), hall.database, hall.clock, audit=hall.identity.audit)
    await access.load()
    return access


async def refusal(work: Any) -> str:
    with pytest.raises(HubError) as caught:
        await work
    return caught.value.id


async def test_plug(access: MqttAccess) -> None:
    assert access.authenticate(attempt("plug-1", SECRET.encode())) == Login("plug", "plug-1")
    assert access.authenticate(attempt(None, SECRET.encode(), client_id="plug-1")) == Login("plug", "plug-1")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("plug-1", b""),
        ("plug-1", None),
        ("plug-1", SECRET.encode()[:-1]),
        ("plug-1", SECRET.encode() + b"0"),
        ("plug-1", SECRET.upper().encode()),
        ("plug-1", hashlib.sha256(SECRET.encode()).hexdigest().encode()),
        ("plug-1", b"\0" * 32),
        ("PLUG-1", SECRET.encode()),
        ("plug-2", SECRET.encode()),
        ("plug-2", b""),
        ("", SECRET.encode()),
        ("", b""),
        ("pair-plug-1", b""),
        ("pair-plug-1", SECRET.encode()),
        ("pair-", b""),
    ],
)
async def test_refused(access: MqttAccess, name: str, password: bytes | None) -> None:
    assert access.authenticate(attempt(name, password, client_id="plug-1")) is None


async def test_hash_of_nobody_lets_nobody_in(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    access = MqttAccess(Plugs(), hall.database, hall.clock, audit=hall.identity.audit)
    monkeypatch.setattr("hub.auth.access.NOBODY", hashlib.sha256(b"guess").digest())
    assert access.authenticate(attempt("plug-2", b"guess")) is None


async def test_every_path_compares_the_same_number_of_times(
    hall: Hall, access: MqttAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = await access.add(system(hall.people.homes.first.id), name="reader", read=["#"], write=[])
    compared: list[int] = []
    real = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append(len(a))
        assert len(a) == len(b) == 32
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for name, password in (
        ("plug-1", SECRET.encode()),
        ("plug-1", b"wrong"),
        ("reader", secret.encode()),
        ("reader", b"wrong"),
        ("nobody", b"wrong"),
    ):
        compared.clear()
        access.authenticate(attempt(name, password))
        assert len(compared) == 2, name


async def test_pairing_window(hall: Hall) -> None:
    access = MqttAccess(
        Plugs(),
        hall.database,
        hall.clock,
        audit=hall.identity.audit,
        pairing_open=lambda hardware_id, peer: hardware_id == "new-plug",
    )
    assert access.authenticate(attempt("pair-new-plug", b"")) == Login("pair", "new-plug")
    assert access.authenticate(attempt("pair-new-plug", None)) == Login("pair", "new-plug")
    assert access.authenticate(attempt("pair-new-plug", b"something")) is None
    assert access.authenticate(attempt("pair-other", b"")) is None


async def test_guessing_waits_and_hurts_nobody_else(hall: Hall, access: MqttAccess) -> None:
    for _ in range(21):
        assert access.authenticate(attempt("plug-1", b"wrong")) is None
    assert access.authenticate(attempt("plug-1", SECRET.encode())) is None
    # The same plug from another address, as behind a router that hides many.
    assert access.authenticate(attempt("plug-1", SECRET.encode(), peer="10.0.0.2")) is not None
    await hall.clock.advance(1)
    assert access.authenticate(attempt("plug-1", SECRET.encode())) is not None


async def test_other_programs(hall: Hall, access: MqttAccess) -> None:
    admin = system(hall.people.homes.first.id)
    client, secret = await access.add(admin, name="home-assistant", read=["smartplug/#"], write=["smartplug/+/control"])
    assert len(secret) == 64
    expected = Login("client", "home-assistant", ("smartplug/#",), ("smartplug/+/control",))
    assert access.authenticate(attempt("home-assistant", secret.encode())) == expected
    assert access.authenticate(attempt("home-assistant", b"wrong")) is None
    again = MqttAccess(Plugs(), hall.database, hall.clock, audit=hall.identity.audit)
    await again.load()
    assert again.list(admin) == access.list(admin) == [client]
    assert again.authenticate(attempt("home-assistant", secret.encode())) == expected
    stored = b"".join(path.read_bytes() for path in hall.data_dir.glob("registry.sqlite*"))
    assert secret.encode() not in stored
    assert await refusal(access.remove(system("other-home"), "home-assistant")) == "client-unknown"
    await access.remove(admin, "home-assistant")
    assert access.authenticate(attempt("home-assistant", secret.encode())) is None
    assert await refusal(access.remove(admin, "home-assistant")) == "client-unknown"
    assert access.list(admin) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "ab"}, "client-name-invalid"),
        ({"name": "a b c"}, "client-name-invalid"),
        ({"name": "x" * 65}, "client-name-invalid"),
        ({"name": "pair-reader"}, "client-name-invalid"),
        ({"name": "plug-1"}, "client-name-taken"),
        ({"name": "taken"}, "client-name-taken"),
        ({"read": [], "write": []}, "filters-missing"),
        ({"read": ["a/#/b"]}, "filter-invalid"),
        ({"write": ["a#"]}, "filter-invalid"),
        ({"write": ["$SYS/#"]}, "filter-not-writable"),
        ({"read": ["x"] * 33}, "filters-too-many"),
    ],
)
async def test_add_refuses(hall: Hall, access: MqttAccess, fields: dict[str, Any], expected: str) -> None:
    admin = system(hall.people.homes.first.id)
    await access.add(admin, name="taken", read=["a"], write=[])
    asked: dict[str, Any] = {"name": "reader", "read": ["smartplug/#"], "write": [], **fields}
    assert await refusal(access.add(admin, **asked)) == expected
    assert [client.name for client in access.list(admin)] == ["taken"]


async def test_only_admins(hall: Hall, access: MqttAccess) -> None:
    user = Principal("u", hall.people.homes.first.id, "user")
    assert await refusal(access.add(user, name="reader", read=["a"], write=[])) == "forbidden"
    assert await refusal(access.remove(user, "reader")) == "forbidden"
    with pytest.raises(HubError):
        access.list(user)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#", True),
        ("+", True),
        ("a/b", True),
        ("a//b", True),
        ("+/b/#", True),
        ("/", True),
        ("zigbee2mqtt/+/set", True),
        ("", False),
        ("a#", False),
        ("a/b+", False),
        ("#/a", False),
        ("a/#/b", False),
        ("$SYS/#", True),
        ("$SYS/broker/+", True),
        ("$SYSTEM", False),
        ("$share/all/a", False),
        ("$CONTROL/#", False),
        ("a\0b", False),
        ("ä" * 129, False),
        ("\ud800", False),
        ("a\nb", False),
    ],
)
def test_is_filter(text: str, expected: bool) -> None:
    assert is_filter(text) is expected


async def test_what_a_broker_says_of_itself_can_be_read(hall: Hall, access: MqttAccess) -> None:
    admin = system(hall.people.homes.first.id)
    await access.add(admin, name="monitor", read=["$SYS/#"], write=[])
    assert [client.read for client in access.list(admin)] == [("$SYS/#",)]


async def test_a_secret_in_place_of_the_name_is_written_nowhere(hall: Hall, access: MqttAccess) -> None:
    swapped = secrets.token_hex(32)
    assert access.authenticate(attempt(swapped, b"plug-1")) is None
    assert access.authenticate(attempt("plug-9", b"wrong", client_id="plug-9")) is None
    assert access.authenticate(attempt("sesame2026", b"nodered")) is None
    assert access.authenticate(attempt("plug-1", b"wrong")) is None
    await hall.identity.audit.flush()
    async with hall.database.transaction() as connection:
        rows = (await connection.execute(select(audit_logs.c.object).where(audit_logs.c.refused.is_not(None)))).all()
    assert sorted(row.object for row in rows) == ["(10 letters)", "(64 letters)", "plug-1", "plug-9"]


async def test_logins_are_made_and_ended_by_who_is_an_admin_still(hall: Hall) -> None:
    home = hall.people.homes.first.id
    hub = system(home)
    await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ben = await hall.people.add(hub, email="ben@example.org", name="Ben", role="admin", password=PASSWORD)
    access = MqttAccess(Plugs(), hall.database, hall.clock, audit=hall.identity.audit, still=hall.people.require_still)
    await access.add(hub, name="monitor", read=["#"], write=[])
    asks = hall.principal(ben.id, home)
    await hall.people.change(hub, ben.id, role="user")
    assert await refusal(access.add(asks, name="mine", read=["#"], write=[])) == "forbidden"
    assert await refusal(access.remove(asks, "monitor")) == "forbidden"
    assert [client.name for client in access.list(hub)] == ["monitor"]
