"""Passkeys: who gets in with one, and that nothing else than the right one, there and then, opens an account."""

import asyncio
import subprocess
import sys

import msgspec
import pytest
from sqlalchemy import select

from hub.auth.passkeys import Assertion, Attestation, Passkey, Place
from hub.auth.passkeys.challenges import LASTS_S, MOST_USED, Challenges
from hub.auth.passkeys.places import place_of
from hub.auth.passkeys.service import MOST_PASSKEYS
from hub.auth.principal import Principal, system
from hub.database.tables import audit_logs
from hub.database.tables import passkeys as table
from hub.messages import HubError
from hub.testing.clock import FakeClock
from tests.auth.authenticator import NAME, NEW, ORIGIN, PRESENT, VERIFIED, Authenticator
from tests.auth.conftest import PASSWORD, Hall

HERE = Place(ORIGIN, NAME)
PEER = "10.0.0.7"
OTHER = "an entirely other phrase 5"


async def ada(hall: Hall) -> Principal:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    return hall.principal(user.id, home.id, via="session a", origin=PEER)


async def made(hall: Hall, owner: Principal, device: Authenticator, name: str = "Phone") -> Passkey:
    challenge, _ = await hall.identity.passkeys.begin(owner, HERE, PASSWORD)
    return await hall.identity.passkeys.add(owner, HERE, name, device.create(challenge))


async def outcome(hall: Hall, shown: Assertion, place: Place = HERE, peer: str = PEER) -> str:
    """ "in", or why not."""
    try:
        await hall.identity.passkeys.login(place, shown, peer)
    except HubError as error:
        return error.id
    return "in"


async def reasons(hall: Hall) -> list[str]:
    """What the audit log says of those who were refused."""
    await hall.identity.audit.flush()
    async with hall.database.transaction() as connection:
        rows = await connection.execute(select(audit_logs.c.refused).where(audit_logs.c.refused.is_not(None)))
        return [str(row.refused) for row in rows]


@pytest.mark.parametrize("counts", [True, False], ids=("a security key that counts", "a phone that does not"))
async def test_whoever_made_it_signs_in_with_it_also_after_a_restart(hall: Hall, counts: bool) -> None:
    owner = await ada(hall)
    device = Authenticator(owner.user, counts=counts)
    passkey = await made(hall, owner, device)
    assert (passkey.name, passkey.rp_id, passkey.used) == ("Phone", NAME, None)
    await hall.clock.advance(60)
    user, home = await hall.identity.passkeys.login(HERE, device.get(hall.identity.passkeys.ask(HERE)), PEER)
    assert (user.id, home.id) == (owner.user, owner.home)
    assert passkey.used == hall.clock.now()
    again = (await hall.again()).passkeys
    assert again.of(owner.user) == [passkey]
    await again.login(HERE, device.get(again.ask(HERE)), PEER)


async def test_wrong_passwords_delay_no_passkey(hall: Hall) -> None:
    owner = await ada(hall)
    device = Authenticator(owner.user)
    await made(hall, owner, device)
    found = []
    for _ in range(30):
        with pytest.raises(HubError) as caught:
            await hall.identity.logins.login("ada@example.org", "wrong", PEER)
        found.append(caught.value.id)
    assert set(found) == {"login-wrong", "too-many-attempts"}
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "in"


async def test_it_stands_for_password_and_second_factor(hall: Hall) -> None:
    owner = await ada(hall)
    device = Authenticator(owner.user)
    await made(hall, owner, device)
    hall.identity.factors._secrets[owner.user] = b"secret" * 4
    assert hall.identity.factors.enabled(owner.user)
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "in"


async def test_a_new_one_needs_the_password_this_session_and_a_device_that_checks(hall: Hall) -> None:
    owner = await ada(hall)
    device, passkeys = Authenticator(owner.user), hall.identity.passkeys
    with pytest.raises(HubError, match="not your password"):
        await passkeys.begin(owner, HERE, "guess")
    challenge, known = await passkeys.begin(owner, HERE, PASSWORD)
    assert known == []
    elsewhere = Place("https://energy.example.org", "energy.example.org")
    wrong = {
        "another session": (msgspec.structs.replace(owner, via="session b"), HERE, device.create(challenge)),
        "another origin": (owner, elsewhere, device.create(challenge, elsewhere.origin)),
        "a challenge for signing in": (owner, HERE, device.create(passkeys.ask(HERE))),
        "a made-up challenge": (owner, HERE, device.create(bytes(56))),
    }
    for who, place, shown in wrong.values():
        with pytest.raises(HubError) as caught:
            await passkeys.add(who, place, "x", shown)
        assert caught.value.id == "passkey-late"
    with pytest.raises(HubError) as caught:
        await passkeys.add(owner, HERE, "x", device.create(challenge, flags=PRESENT | NEW))
    assert caught.value.id == "passkey-unverified"
    with pytest.raises(HubError) as caught:  # that one was used up by it
        await passkeys.add(owner, HERE, "x", device.create(challenge))
    assert caught.value.id == "passkey-late"
    assert passkeys.of(owner.user) == []


async def unreadable(hall: Hall, owner: Principal, shown: Attestation) -> None:
    with pytest.raises(HubError) as caught:
        await hall.identity.passkeys.add(owner, HERE, "x", shown)
    assert caught.value.id == "passkey-unreadable"


async def test_what_is_no_new_passkey_is_refused(hall: Hall) -> None:
    owner = await ada(hall)
    device = Authenticator(owner.user)

    async def fresh() -> bytes:
        return (await hall.identity.passkeys.begin(owner, HERE, PASSWORD))[0]

    await unreadable(hall, owner, device.create(await fresh(), "https://evil.example"))
    await unreadable(hall, owner, Authenticator(owner.user, name="evil.example").create(await fresh()))
    await unreadable(hall, owner, device.create(await fresh(), flags=VERIFIED | NEW))
    await unreadable(hall, owner, device.create(await fresh(), flags=PRESENT | VERIFIED))
    good = device.create(await fresh())
    broken = (
        b"",
        b"\xff" * 500,
        b"\x9f" * 60_000,
        b"\xa1\x63fmt\x64none",
        good.attestation[:-3],
        b"\xbb" + b"\xff" * 8,
    )
    for attestation in broken:
        said = device.create(await fresh()).client_data
        await unreadable(hall, owner, Attestation(attestation, said))
    swapped = good.attestation.replace(b"dnone", b"ctpm")
    await unreadable(hall, owner, Attestation(swapped, device.create(await fresh()).client_data))
    for said in (
        b"",
        b"[]",
        b"{}",
        b'{"challenge":7}',
        b'{"challenge":"&"}',
        b"\xff",
        b"[" * 5000,
        b'{"challenge":"A"}',
    ):
        await unreadable(hall, owner, Attestation(good.attestation, said))


async def test_one_device_has_one_for_an_account_and_a_person_has_only_so_many(hall: Hall) -> None:
    owner = await ada(hall)
    device = Authenticator(owner.user)
    first = await made(hall, owner, device)
    challenge, known = await hall.identity.passkeys.begin(owner, HERE, PASSWORD)
    assert known == [first.credential]  # the browser makes no second one there
    with pytest.raises(HubError) as caught:
        await hall.identity.passkeys.add(owner, HERE, "x", device.create(challenge))
    assert caught.value.id == "passkey-taken"
    _, known = await hall.identity.passkeys.begin(owner, Place("http://localhost:8080", "localhost"), PASSWORD)
    assert known == []
    for number in range(MOST_PASSKEYS - 1):
        await made(hall, owner, Authenticator(owner.user), f"Key {number}")
    with pytest.raises(HubError) as caught:
        await hall.identity.passkeys.begin(owner, HERE, PASSWORD)
    assert caught.value.id == "passkeys-too-many"


async def test_only_the_right_signature_there_and_then_opens_anything(hall: Hall) -> None:
    owner = await ada(hall)
    ben = await hall.people.add(owner, email="ben@example.org", name="Ben", password=PASSWORD)
    device, passkeys = Authenticator(owner.user), hall.identity.passkeys
    await made(hall, owner, device)
    localhost = Place("http://localhost:8080", "localhost")
    other_port = Place("https://plughub.local:9443", NAME)

    def asked() -> bytes:
        return passkeys.ask(HERE)

    def changed(**fields: bytes) -> Assertion:
        return msgspec.structs.replace(device.get(asked()), **fields)

    imposter = Authenticator(owner.user)
    imposter.credential = device.credential
    device.name = "evil.example"
    wrong_name = device.get(asked())
    device.name = NAME
    tries = {
        "another website's page": (device.get(asked(), "https://evil.example"), HERE, "passkey-refused"),
        "in another website's frame": (device.get(asked(), crossOrigin=True), HERE, "passkey-unreadable"),
        "signed for another name": (wrong_name, HERE, "passkey-refused"),
        "brought to another name": (
            device.get(passkeys.ask(localhost), localhost.origin),
            localhost,
            "passkey-refused",
        ),
        "brought to another port": (device.get(asked()), other_port, "passkey-late"),
        "another key": (imposter.get(asked()), HERE, "passkey-refused"),
        "another user": (changed(user=ben.id.encode()), HERE, "passkey-refused"),
        "no user": (changed(user=b""), HERE, "passkey-refused"),
        "an unknown one": (Authenticator(owner.user).get(asked()), HERE, "passkey-refused"),
        "not verified": (device.get(asked(), flags=PRESENT), HERE, "passkey-unverified"),
        "nobody there": (device.get(asked(), flags=VERIFIED), HERE, "passkey-refused"),
        "a challenge for a new one": (
            device.get((await passkeys.begin(owner, HERE, PASSWORD))[0]),
            HERE,
            "passkey-late",
        ),
        "half a signature": (changed(signature=b"0"), HERE, "passkey-refused"),
        "no data": (changed(authenticator_data=b""), HERE, "passkey-refused"),
        "CBOR behind the data": (
            msgspec.structs.replace(device.get(asked()), authenticator_data=device.data(0xC5) + b"\xff" * 100),
            HERE,
            "passkey-refused",
        ),
        "no JSON": (changed(client_data=b"\x00"), HERE, "passkey-unreadable"),
    }
    for number, (name, (shown, place, expected)) in enumerate(tries.items()):
        assert await outcome(hall, shown, place, f"10.0.1.{number}") == expected, name
    assert set(await reasons(hall)) == {"passkey-refused", "passkey-unknown", "passkey-unverified"}
    assert await outcome(hall, device.get(asked())) == "in"


async def test_a_signature_serves_once_and_not_for_long(hall: Hall) -> None:
    owner = await ada(hall)
    device = Authenticator(owner.user, counts=False)  # only the challenge tells a copy from the first
    await made(hall, owner, device)
    shown = device.get(hall.identity.passkeys.ask(HERE))
    assert await outcome(hall, shown) == "in"
    assert await outcome(hall, shown) == "passkey-late"
    slow = device.get(hall.identity.passkeys.ask(HERE))
    await hall.clock.advance(LASTS_S)
    assert await outcome(hall, slow) == "passkey-late"
    of_this_run = device.get(hall.identity.passkeys.ask(HERE))
    with pytest.raises(HubError) as caught:
        await (await hall.again()).passkeys.login(HERE, of_this_run, PEER)
    assert caught.value.id == "passkey-late"


async def test_one_that_counts_backwards_is_refused_and_written_down(hall: Hall) -> None:
    owner = await ada(hall)
    device = Authenticator(owner.user)
    await made(hall, owner, device)
    for count in (5, 9):
        device.signed = count - 1
        assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "in"
    for count in (9, 3):
        device.signed = count - 1
        assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "passkey-refused"
    device.counts = False
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "passkey-refused"
    assert set(await reasons(hall)) == {"passkey-copied"}  # the first at once, what repeats it together
    device.counts, device.signed = True, 9
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "in"


async def test_guessing_has_to_wait_and_what_was_not_judged_counts_for_nothing(hall: Hall) -> None:
    owner = await ada(hall)
    device, stranger = Authenticator(owner.user), Authenticator(owner.user)
    await made(hall, owner, device)
    late = device.get(hall.identity.passkeys.ask(HERE))
    await hall.clock.advance(LASTS_S)
    assert {await outcome(hall, late) for _ in range(30)} == {"passkey-late"}
    found = [await outcome(hall, stranger.get(hall.identity.passkeys.ask(HERE))) for _ in range(15)]
    assert found[:10] == ["passkey-refused"] * 10
    assert found[-1] == "too-many-attempts"
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "too-many-attempts"
    await hall.identity.logins.login("ada@example.org", PASSWORD, PEER)  # a signature is no guess of a password
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "too-many-attempts", "still"
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE)), peer="10.0.0.8") == "in"


async def test_who_is_locked_or_deleted_is_out_with_it(hall: Hall) -> None:
    owner = await ada(hall)
    ben = await hall.people.add(owner, email="ben@example.org", name="Ben", password=PASSWORD)
    his = hall.principal(ben.id, owner.home, via="session b")
    device = Authenticator(ben.id)
    await made(hall, his, device)
    await hall.people.change(owner, ben.id, disabled=True)
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "passkey-refused"
    assert await reasons(hall) == ["account-disabled"]
    await hall.people.change(owner, ben.id, disabled=False)
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "in"
    await hall.people.remove(owner, ben.id)
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == "passkey-refused"
    assert hall.identity.passkeys.of(ben.id) == []
    async with hall.database.transaction() as connection:
        assert (await connection.execute(select(table))).all() == []


async def test_its_owner_renames_and_removes_it_and_nobody_else(hall: Hall) -> None:
    owner = await ada(hall)
    ben = await hall.people.add(owner, email="ben@example.org", name="Ben", password=PASSWORD)
    his = hall.principal(ben.id, owner.home)
    device, passkeys = Authenticator(owner.user), hall.identity.passkeys
    passkey = await made(hall, owner, device)
    assert (await passkeys.rename(owner, passkey.id, "  Old   phone ")).name == "Old phone"
    for call in (passkeys.rename(his, passkey.id, "x"), passkeys.remove(his, passkey.id, PASSWORD)):
        with pytest.raises(HubError) as caught:
            await call
        assert caught.value.id == "passkey-unknown"
    with pytest.raises(HubError) as caught:
        await passkeys.remove(owner, passkey.id, "guess")
    assert caught.value.id == "password-wrong"
    await passkeys.remove(owner, passkey.id, PASSWORD)
    assert await outcome(hall, device.get(passkeys.ask(HERE))) == "passkey-refused"
    assert (await hall.again()).passkeys.of(owner.user) == []
    async with hall.database.transaction() as connection:
        done = (await connection.execute(select(audit_logs.c.action).where(audit_logs.c.refused.is_(None)))).scalars()
    assert [action for action in done if action.startswith("passkey.")] == [
        *("passkey.add", "passkey.rename", "passkey.remove")
    ]


@pytest.mark.parametrize("way", ["link", "command line", "own change"])
async def test_a_password_set_anew_by_others_ends_passkeys_and_ones_own_change_does_not(hall: Hall, way: str) -> None:
    owner = await ada(hall)
    ben = await hall.people.add(owner, email="ben@example.org", name="Ben", password=PASSWORD)
    his = hall.principal(ben.id, owner.home, via="session b")
    device, admins = Authenticator(ben.id), Authenticator(owner.user)
    await made(hall, his, device)
    await made(hall, owner, admins)
    if way == "link":
        _, link = await hall.identity.invitations.reset(owner, ben.id)
        await hall.identity.invitations.set_password(link, OTHER, PEER)
    elif way == "command line":
        await hall.identity.logins.set_password(system(owner.home), ben.id, OTHER)
    else:
        await hall.identity.logins.change_password(hall.principal(ben.id, owner.home), PASSWORD, OTHER, None)
    expected = "in" if way == "own change" else "passkey-refused"
    assert await outcome(hall, device.get(hall.identity.passkeys.ask(HERE))) == expected
    assert len((await hall.again()).passkeys.of(ben.id)) == (1 if way == "own change" else 0)
    assert await outcome(hall, admins.get(hall.identity.passkeys.ask(HERE))) == "in"


@pytest.mark.parametrize("when", ["while it is judged", "while the disk is waited for"])
async def test_one_that_is_being_made_when_the_password_is_set_anew_is_not_kept(hall: Hall, when: str) -> None:
    owner = await ada(hall)
    ben = await hall.people.add(owner, email="ben@example.org", name="Ben", password=PASSWORD)
    his, device = hall.principal(ben.id, owner.home, via="session b"), Authenticator(ben.id)
    challenge, _ = await hall.identity.passkeys.begin(his, HERE, PASSWORD)
    adding = hall.identity.passkeys.add(his, HERE, "x", device.create(challenge))
    if when == "while it is judged":
        anew = await hall.passwords.hash(OTHER)
        task = asyncio.create_task(adding)
        await asyncio.sleep(0)  # it waits for its thread
        hall.people._hashes[ben.id] = anew
    else:
        hashed, hash = asyncio.Event(), hall.passwords.hash

        async def told(password: str) -> bytes:
            digest = await hash(password)
            hashed.set()
            return digest

        hall.passwords.hash = told  # type: ignore[method-assign]
        async with hall.database.transaction():  # the disk is busy: both wait for it, one behind the other
            reset = asyncio.create_task(hall.identity.logins.set_password(system(owner.home), ben.id, OTHER))
            await hashed.wait()
            task = asyncio.create_task(adding)
            while not hall.identity.passkeys.of(ben.id):
                await asyncio.sleep(0)
        await reset
    with pytest.raises(HubError) as caught:
        await task
    assert caught.value.id == "passkey-late"
    assert hall.identity.passkeys.of(ben.id) == []
    assert (await hall.again()).passkeys.of(ben.id) == []


KNOWN = ("plughub.local", "localhost", "plughub", "energy.example.org", "*.my.house")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://plughub.local:8443", "plughub.local"),
        ("https://Plughub.local", "plughub.local"),
        ("https://energy.example.org", "energy.example.org"),
        ("https://hub.my.house", "hub.my.house"),
        ("http://localhost:8080", "localhost"),
        ("https://localhost:8443", "localhost"),
        ("http://plughub.local:8080", "passkey-needs-https"),
        ("http://127.0.0.1:8080", "passkey-needs-name"),
        ("https://192.168.1.20:8443", "passkey-needs-name"),
        ("https://[::1]:8443", "passkey-needs-name"),
        ("https://[::1", "passkey-needs-name"),
        ("https://plughub:8443", "passkey-needs-name"),
        ("https://plughub.local.", "passkey-needs-name"),
        ("https://0x7f.1", "passkey-needs-name"),
        ("null", "passkey-needs-name"),
        ("", "passkey-needs-name"),
        ("https://evil.example", "passkey-name-unknown"),
        ("https://a.b.my.house", "passkey-name-unknown"),
        ("https://my.house", "passkey-name-unknown"),
        ("https://local", "passkey-needs-name"),
    ],
)
def test_where_a_passkey_can_be(origin: str, expected: str) -> None:
    try:
        assert place_of(origin, KNOWN) == Place(origin, expected)
    except HubError as error:
        assert error.id == expected


async def test_challenges_are_bounded_and_room_comes_back() -> None:
    clock = FakeClock()
    challenges = Challenges(clock)
    for _ in range(MOST_USED):
        challenges.redeem("a", challenges.draw("a"))
    with pytest.raises(HubError) as caught:
        challenges.redeem("a", challenges.draw("a"))
    assert caught.value.id == "too-many-attempts"
    await clock.advance(LASTS_S)
    challenges.redeem("a", challenges.draw("a"))
    assert len(challenges._used) == 1


def test_the_hub_starts_without_the_library() -> None:
    program = "import hub.app, sys; assert not {'webauthn', 'cbor2', 'OpenSSL'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
