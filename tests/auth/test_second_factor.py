"""TOTP and recovery codes: each serves once, what is stolen from the database does not help."""

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from hub.auth.principal import Principal
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall

PEER = "10.0.0.7"


class App:
    """Somebody's authenticator app."""

    def __init__(self, hall: Hall, secret: str) -> None:
        self._hall = hall
        self._totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)

    def code(self, steps: int = 0) -> str:
        return self._totp.generate(self._hall.clock.now() // 1000 + steps * 30).decode()


async def enrol(hall: Hall) -> tuple[Principal, App, list[str]]:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada = hall.principal(user.id, home.id)
    begun = hall.identity.factors.begin(ada.user, user.email, "Hub")
    assert begun.link == f"otpauth://totp/Hub%3Aada%40example.org?secret={begun.secret}&issuer=Hub"
    app = App(hall, begun.secret)
    codes = await hall.identity.factors.confirm(ada, app.code())
    return ada, app, codes


async def login(hall: Hall, code: str | None) -> str:
    """ "in", or why not."""
    try:
        await hall.identity.logins.login("ada@example.org", PASSWORD, PEER, code)
    except HubError as error:
        return error.id
    return "in"


async def test_a_login_asks_for_it_and_each_code_serves_once(hall: Hall) -> None:
    _, app, _ = await enrol(hall)
    assert await login(hall, None) == "code-needed"
    assert await login(hall, app.code()) == "code-wrong"  # the one that switched it on
    await hall.clock.advance(30)
    assert await login(hall, app.code()) == "in"
    assert await login(hall, app.code()) == "code-wrong"
    await hall.clock.advance(60)
    assert await login(hall, app.code(-2)) == "code-wrong"
    assert await login(hall, f" {app.code(-1)[:3]} {app.code(-1)[3:]}") == "in"
    await hall.clock.advance(30)
    assert await login(hall, app.code(+1)) == "in"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "0" * 5000, "\ud800"])
async def test_what_is_no_code_is_refused(hall: Hall, code: str) -> None:
    await enrol(hall)
    assert await login(hall, code) == "code-wrong"


async def test_guessing_has_to_wait(hall: Hall) -> None:
    _, app, _ = await enrol(hall)
    await hall.clock.advance(30)
    found = [await login(hall, "000000") for _ in range(8)]
    assert found.count("code-wrong") <= 6
    assert found[-1] == "too-many-attempts"
    assert await login(hall, app.code()) == "too-many-attempts"


async def test_a_recovery_code_serves_once_also_after_a_restart(hall: Hall) -> None:
    _, _, codes = await enrol(hall)
    assert len(set(codes)) == 10
    assert await login(hall, codes[0].upper()) == "in"
    assert await login(hall, codes[0]) == "code-wrong"
    again = await hall.again()
    assert again.factors.codes_left(next(iter(again.people.members(again.homes.first.id))).id) == 9
    with pytest.raises(HubError):
        await again.logins.login("ada@example.org", PASSWORD, PEER, codes[0])
    await again.logins.login("ada@example.org", PASSWORD, PEER, codes[1])


async def test_a_used_step_stays_used_over_a_restart(hall: Hall) -> None:
    _, app, _ = await enrol(hall)
    await hall.clock.advance(30)
    assert await login(hall, app.code()) == "in"
    again = await hall.again()
    with pytest.raises(HubError) as caught:
        await again.logins.login("ada@example.org", PASSWORD, PEER, app.code())
    assert caught.value.id == "code-wrong"


async def test_nothing_readable_is_in_the_database(hall: Hall) -> None:
    ada, app, codes = await enrol(hall)
    stored = b"".join(path.read_bytes() for path in hall.data_dir.glob("registry.sqlite*"))
    assert hall.identity.factors._secrets[ada.user] not in stored
    assert not any(code.replace("-", "").encode() in stored for code in codes)
    # The database in the hands of another hub: its key opens nothing, the recovery codes still serve.
    (hall.data_dir / "token.key").write_text("ab" * 32)
    other = await hall.again()
    await hall.clock.advance(30)
    with pytest.raises(HubError) as caught:
        await other.logins.login("ada@example.org", PASSWORD, PEER, app.code())
    assert caught.value.id == "code-wrong"
    await other.logins.login("ada@example.org", PASSWORD, PEER, codes[0])


async def test_it_holds_only_once_confirmed_in_time(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada = hall.principal(user.id, home.id)
    factors = hall.identity.factors
    with pytest.raises(HubError) as caught:
        await factors.confirm(ada, "123456")
    assert caught.value.id == "enrolment-over"
    app = App(hall, factors.begin(ada.user, user.email, "Hub").secret)
    assert await login(hall, None) == "in"
    with pytest.raises(HubError) as caught:
        await factors.confirm(ada, "000000")
    assert caught.value.id == "code-wrong"
    await hall.clock.advance(601)
    with pytest.raises(HubError) as caught:
        await factors.confirm(ada, app.code())
    assert caught.value.id == "enrolment-over"


async def test_confirmed_twice_at_once_it_shows_codes_once_and_they_hold(hall: Hall) -> None:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    ada, factors = hall.principal(user.id, home.id), hall.identity.factors
    code = App(hall, factors.begin(ada.user, user.email, "Hub").secret).code()
    answers = await asyncio.gather(*(factors.confirm(ada, code) for _ in range(2)), return_exceptions=True)
    [codes] = [answer for answer in answers if isinstance(answer, list)]
    [refused] = [answer for answer in answers if isinstance(answer, HubError)]
    assert refused.id == "enrolment-over"
    assert await (await hall.again()).factors.use(ada.user, codes[0])


async def test_new_codes_replace_the_old_ones_and_without_it_none_are_needed(hall: Hall) -> None:
    ada, _, codes = await enrol(hall)
    fresh = await hall.identity.factors.renew_codes(ada)
    assert await login(hall, codes[0]) == "code-wrong"
    assert await login(hall, fresh[0]) == "in"
    await hall.identity.factors.remove(ada, ada.user)
    assert await login(hall, None) == "in"
    with pytest.raises(HubError) as caught:
        await hall.identity.factors.renew_codes(ada)
    assert caught.value.id == "second-factor-off"
