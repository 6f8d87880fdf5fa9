"""The audit log notes each refusal of a right, or stands with the reason why not."""

import pytest

from hub.api.errors import STATUS
from hub.api.routing import NOT_NOTED, is_noted
from hub.auth.audit import Asked
from hub.auth.principal import system
from hub.testing.clock import FakeClock
from tests.api.house import House
from tests.security.test_sessions import TEN_MINUTES, later, makes_an_admin, said

__all__ = ["later"]


@pytest.mark.parametrize("code", sorted(code for code, status in STATUS.items() if status in (401, 403, 404)))
def test_each_is_noted_or_has_its_reason(code: str) -> None:
    ends_like_a_hidden_thing = code.endswith("-unknown") or STATUS[code] != 404
    assert is_noted(code) is (code not in NOT_NOTED and ends_like_a_hidden_thing)


def test_every_reason_is_about_a_code_that_exists() -> None:
    assert NOT_NOTED.keys() <= STATUS.keys()
    assert not is_noted("field-invalid")
    assert not is_noted("requests-too-many")
    for code in ("confirmation-needed", "user-elsewhere", "too-many-attempts", "setup-code-wrong", "invitation-over"):
        assert is_noted(code)


async def refusals(house: House) -> list[tuple[str, str | None, int]]:
    await house.identity.audit.flush()
    found = await house.identity.audit.page(system(house.home), Asked(refused=True), below=None, limit=500)
    return [(line.action, line.refused, line.count) for line in found]


async def test_what_a_stolen_session_tries_is_noted(later: House) -> None:
    house = later
    assert isinstance(house.clock, FakeClock)
    await house.people.add(system(house.home), email="second@example.org", name="second", role="admin")
    headers = await house.headers("admin")
    await house.clock.advance(TEN_MINUTES)
    ways = makes_an_admin(house, 1)
    for way in ways:
        assert await said(house, headers, *way) == "confirmation-needed"
    assert [reason for _, reason, _ in await refusals(house)] == ["confirmation-needed"] * len(ways)


async def test_guessing_on_is_one_line_however_long(later: House) -> None:
    login = ("POST", "/auth/login", {"email": "ada@home.example", "password": "wrong"})
    codes = [await said(later, {}, *login) for _ in range(40)]
    assert codes.count("too-many-attempts") > 20
    found = [line for line in await refusals(later) if line[1] == "too-many-attempts"]
    assert sum(count for _, _, count in found) == codes.count("too-many-attempts")
    assert len(found) <= 2
