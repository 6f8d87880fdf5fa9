"""Access tokens, refresh tokens that change at every use, and theft that shows."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from sqlalchemy import func, select

from hub.auth.homes import Home
from hub.auth.principal import system
from hub.auth.signing import Signer
from hub.auth.tokens import Grant, Tokens
from hub.auth.user import User
from hub.database.tables import refresh_tokens
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall

DAY_S = 24 * 3600


class Desk:
    def __init__(self, hall: Hall, tokens: Tokens, user: User, home: Home) -> None:
        self.hall = hall
        self.tokens = tokens
        self.user = user
        self.home = home

    async def refresh(self, token: str) -> Grant:
        grant, user, home = await self.tokens.refresh(token)
        assert (user, home) == (self.user, self.home)
        return grant

    async def refused(self, token: str) -> None:
        with pytest.raises(HubError) as caught:
            await self.tokens.refresh(token)
        assert caught.value.id == "session-ended"

    def access_error(self, token: str) -> str:
        with pytest.raises(HubError) as caught:
            self.tokens.access(token)
        return caught.value.id

    async def stored(self) -> int:
        async with self.hall.database.transaction() as connection:
            return (await connection.execute(select(func.count()).select_from(refresh_tokens))).scalar_one()


@pytest.fixture
async def desk(hall: Hall) -> AsyncIterator[Desk]:
    user, home = await hall.people.make_first_admin(email="ada@example.org", name="Ada", password=PASSWORD)
    yield Desk(hall, hall.identity.tokens, user, home)


async def test_access_token(desk: Desk) -> None:
    grant = await desk.tokens.issue(desk.user, desk.home)
    assert grant.expires_in == 1800
    access = desk.tokens.access(grant.access_token)
    assert access.principal == desk.hall.principal(desk.user.id, desk.home.id, via=f"session {access.session}")
    assert access.expires == desk.hall.clock.now() + 1_800_000
    claims = jwt.decode(grant.access_token, options={"verify_signature": False})
    assert set(claims) == {"aud", "typ", "iat", "exp", "sub", "sid", "home", "role"}
    await desk.hall.clock.advance(1799)
    desk.tokens.access(grant.access_token)
    await desk.hall.clock.advance(1)
    assert desk.access_error(grant.access_token) == "token-expired"


async def test_role_is_the_one_of_this_moment(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).access_token
    desk.user.roles[desk.home.id] = "guest"
    assert desk.tokens.access(token).principal.role == "guest"
    desk.user.disabled = True
    assert desk.access_error(token) == "token-wrong"


async def test_a_session_that_ended_or_looks_elsewhere(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).access_token
    other = await desk.hall.identity.homes.add(system(desk.home.id), name="Garden house")
    await desk.hall.people.add_membership(desk.user, other.id, "guest")
    sid = desk.tokens.access(token).session
    assert sid is not None
    moved, _ = await desk.tokens.move(sid, desk.user, other)
    assert desk.access_error(token) == "token-expired"
    assert desk.tokens.access(moved).principal.role == "guest"
    await desk.hall.identity.sessions.end([sid])
    assert desk.access_error(moved) == "session-ended"


async def test_forged_access_tokens(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).access_token
    key = bytes.fromhex((desk.hall.data_dir / "token.key").read_text())
    claims = jwt.decode(token, key, algorithms=["HS256"], audience="plughub", options={"verify_exp": False})
    desk.tokens.access(jwt.encode(claims, key, "HS256"))  # what follows fails only for the reason it names
    head, body, signature = token.split(".")
    with pytest.warns(match="below the minimum recommended length"):
        other_algorithm = jwt.encode(claims, key, "HS512")
    forged = {
        "empty": "",
        "no token": "abc",
        "cut": token[:-2],
        "without signature": f"{head}.{body}.",
        "other signature": f"{head}.{body}.{signature[::-1]}",
        "alg none": jwt.encode(claims, None, "none"),
        "alg HS512": other_algorithm,
        "other key": jwt.encode(claims, b"k" * 32, "HS256"),
        "other audience": jwt.encode({**claims, "aud": "other"}, key, "HS256"),
        "other type": jwt.encode({**claims, "typ": "refresh"}, key, "HS256"),
        "home no text": jwt.encode({**claims, "home": ["x"]}, key, "HS256"),
        "nobody": jwt.encode({**claims, "sub": "nobody"}, key, "HS256"),
        "exp no number": jwt.encode({**claims, "exp": "soon"}, key, "HS256"),
        "surrogate": "\ud800.x.y",
    }
    for missing in ("exp", "iat", "sub", "aud", "typ", "home", "sid"):
        forged[f"without {missing}"] = jwt.encode({k: v for k, v in claims.items() if k != missing}, key, "HS256")
    for why, text in forged.items():
        assert desk.access_error(text) == "token-wrong", why


async def test_key_is_kept_and_private(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).access_token
    assert (desk.hall.data_dir / "token.key").stat().st_mode & 0o777 == 0o600
    again = (await desk.hall.again()).tokens
    assert again.access(token).principal.user == desk.user.id


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xfe\x00", b"ab" * 31, b"ab" * 33])
def test_a_key_that_is_none_is_named_and_stays(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token.key"
    file.write_bytes(content)
    with pytest.raises(HubError) as caught:
        Signer(tmp_path).load()
    assert caught.value.id == "hub-key-wrong"
    assert str(file) in str(caught.value)
    assert file.read_bytes() == content


def test_an_rsa_key_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "token-rsa.pem").write_text("garbage")
    with pytest.raises(HubError) as caught:
        Signer(tmp_path, "RS256").load()
    assert caught.value.id == "token-key-wrong"


async def test_refresh_rotates_and_goes_on_for_days(desk: Desk) -> None:
    grant = await desk.tokens.issue(desk.user, desk.home)
    seen = {grant.refresh_token}
    for _ in range(10):
        await desk.hall.clock.advance(6 * DAY_S)
        grant = await desk.refresh(grant.refresh_token)
        assert grant.refresh_token not in seen
        seen.add(grant.refresh_token)
        desk.tokens.access(grant.access_token)
    await desk.hall.clock.advance(7 * DAY_S)
    await desk.refused(grant.refresh_token)


async def test_session_has_an_end_however_often_it_is_used(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    for _ in range(15):
        await desk.hall.clock.advance(5 * DAY_S)
        token = (await desk.refresh(token)).refresh_token
    for _ in range(2):
        await desk.hall.clock.advance(6 * DAY_S)
        token = (await desk.refresh(token)).refresh_token
    await desk.hall.clock.advance(3 * DAY_S)  # 90 days since the login
    await desk.refused(token)


async def test_same_successor_within_the_grace_also_after_a_restart(desk: Desk) -> None:
    first = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    second = (await desk.refresh(first)).refresh_token
    await desk.hall.clock.advance(30)
    assert (await desk.refresh(first)).refresh_token == second
    again = (await desk.hall.again()).tokens
    assert (await again.refresh(first))[0].refresh_token == second
    third = (await desk.refresh(second)).refresh_token
    assert (await desk.refresh(first)).refresh_token == second
    assert (await desk.refresh(third)).refresh_token not in (first, second, third)


async def test_two_tabs_at_once(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    grants = await asyncio.gather(*(desk.refresh(token) for _ in range(5)))
    assert len({grant.refresh_token for grant in grants}) == 1
    assert await desk.stored() == 2


async def test_theft_ends_the_whole_session_and_no_other(desk: Desk) -> None:
    other = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    stolen = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    newest = (await desk.refresh(stolen)).refresh_token
    await desk.hall.clock.advance(31)
    await desk.refused(stolen)
    await desk.refused(newest)
    await desk.refused(stolen)
    await desk.refresh(other)


async def test_unknown_and_strange_tokens(desk: Desk) -> None:
    grant = await desk.tokens.issue(desk.user, desk.home)
    for token in ("", "x", grant.refresh_token + "x", grant.access_token, "\ud800", "x" * 100_000):
        await desk.refused(token)
    await desk.refresh(grant.refresh_token)


async def test_disabled_person_is_out(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    desk.user.disabled = True
    await desk.refused(token)


async def test_logout_ends_the_session(desk: Desk) -> None:
    first = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    other = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    second = (await desk.refresh(first)).refresh_token
    await desk.tokens.revoke(first)  # an older one of the same session will do
    await desk.refused(second)
    await desk.tokens.revoke(second)
    await desk.tokens.revoke("unknown")
    await desk.refresh(other)


async def test_only_hashes_are_stored_and_old_ones_go(desk: Desk) -> None:
    token = (await desk.tokens.issue(desk.user, desk.home)).refresh_token
    stored = b"".join(path.read_bytes() for path in desk.hall.data_dir.glob("registry.sqlite*"))
    assert token.encode() not in stored
    await desk.hall.clock.advance(8 * DAY_S)
    await desk.tokens.issue(desk.user, desk.home)
    assert await desk.stored() == 1


async def test_key_for_the_command_line(desk: Desk) -> None:
    path = desk.hall.data_dir / "api.key"
    desk.hall.identity.keys.write_command_line_key("http://127.0.0.1:8080")
    first = json.loads(path.read_text())
    assert first["url"] == "http://127.0.0.1:8080"
    assert path.stat().st_mode & 0o777 == 0o600
    access = desk.tokens.access(first["key"])
    assert access.principal == system(desk.home.id, "command line")
    assert access.principal.is_admin
    desk.hall.identity.keys.write_command_line_key("http://127.0.0.1:8081")
    assert desk.access_error(first["key"]) == "token-wrong"
    second = json.loads(path.read_text())
    desk.tokens.access(second["key"])
    assert desk.access_error(second["key"] + "x") == "token-wrong"
    assert desk.access_error("plughub_") == "token-wrong"
    desk.hall.identity.keys.remove_command_line_key()
    desk.hall.identity.keys.remove_command_line_key()
    assert not path.exists()
    assert desk.access_error(second["key"]) == "token-wrong"
    assert desk.access_error("plughub_") == "token-wrong"
