"""Which passwords are refused, and that all of one counts."""

import asyncio
import threading

import bcrypt
import pytest

from hub.auth.common import common_words, is_common
from hub.auth.passwords import MOST_WAITING, Passwords, prehash, require_good
from hub.messages import HubError

COMMON_TEXT = (
    "Password123! 1234567890 qwertyuiop qwertz123456 letmein2024 P@ssw0rd1234 iloveyou123 aaaaaaaaaa 1111122222 "
    "passwordpassword Michael1985! Password8471 1q2w3e4r5t6y zaq12wsxcde3 sunshine2024 abc123abc123 admin12345 "
    "welcome2024! smartplug123 raspberrypi sonnenschein1 fussball1974 passwort1234 0987654321 abcdefghij "
    "Superman2023! qwerty12345 princess1234 starwars1977"
)
GOOD = (
    "copper lantern riddle",
    "Wasser-Kocher-Tanne-41",
    "der.blaue.tisch.steht",
    "correcthorsebatterystaple",
    "tGz7-qvB2-xx",
    "k3#9!x2@7p",
    "冷蔵庫とテレビの間に猫がいる",
)


@pytest.mark.parametrize("password", COMMON_TEXT.split())
def test_common(password: str) -> None:
    with pytest.raises(HubError) as caught:
        require_good(password)
    assert caught.value.id == "password-common"
    assert caught.value.field == "password"


@pytest.mark.parametrize("password", GOOD)
def test_good(password: str) -> None:
    require_good(password, "ada@example.org", "Ada Lovelace")


@pytest.mark.parametrize("password", ["lovelace1815", "Ada.Lovelace", "lovelace2024!", "example.org1"])
def test_own_name_and_address(password: str) -> None:
    assert is_common(password, "ada@example.org", "Ada Lovelace")


@pytest.mark.parametrize(
    ("password", "expected"),
    [("", "password-too-short"), ("tGz7-qvB2", "password-too-short"), ("tGz7-qvB2" * 60, "password-too-long")],
)
def test_length(password: str, expected: str) -> None:
    with pytest.raises(HubError) as caught:
        require_good(password)
    assert caught.value.id == expected


def test_longest_is_judged() -> None:
    require_good("tGz7-qvB2 xx zebra"[:16] * 32)  # repeated, but 16 characters of it are good


def test_list_covers_thousands() -> None:
    assert len(common_words()) > 1000
    refused = [f"{word}{end}" for word in common_words() for end in ("1234", "2024!", "12345") if len(word) >= 6]
    assert len(refused) > 1500
    assert [password for password in refused if not is_common(password)] == []


@pytest.fixture
def passwords() -> "Passwords":
    return Passwords(cost=4)


async def test_hash_and_check(passwords: Passwords) -> None:
    stored = await passwords.hash("copper lantern riddle")
    assert stored != await passwords.hash("copper lantern riddle")
    assert await passwords.check("copper lantern riddle", stored)
    assert not await passwords.check("copper lantern riddlE", stored)
    assert not await passwords.check("", stored)
    passwords.close()


@pytest.mark.parametrize("end", ["a", "\0", "é"])
async def test_nothing_is_cut_off(passwords: Passwords, end: str) -> None:
    long = "x" * 100
    stored = await passwords.hash(long + end)
    assert await passwords.check(long + end, stored)
    assert not await passwords.check(long, stored)
    assert not await passwords.check(long + end + "y", stored)
    passwords.close()


async def test_what_follows_a_zero_byte_counts(passwords: Passwords) -> None:
    stored = await passwords.hash("copper\0lantern")
    assert not await passwords.check("copper\0riddle", stored)
    passwords.close()


async def test_lone_surrogates_and_huge_ones_are_only_wrong(passwords: Passwords) -> None:
    stored = await passwords.hash("copper lantern riddle")
    assert not await passwords.check("\ud800" * 20, stored)
    assert not await passwords.check("x" * 1_000_000, stored)
    passwords.close()


async def test_account_that_is_not_there_costs_one_check(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def checkpw(password: bytes, stored: bytes) -> bool:
        checked.append(stored)
        return real(password, stored)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    assert not await passwords.check("copper lantern riddle", None)
    assert not await passwords.check("nobody", None)
    assert not await passwords.check("x" * 100_000, None)
    assert len(checked) == 3
    assert all(stored.startswith(b"$2b$04$") for stored in checked)
    passwords.close()


async def test_right_guess_of_the_dummy_is_no_login(passwords: Passwords) -> None:
    passwords._nobody = bcrypt.hashpw(prehash("copper lantern riddle"), bcrypt.gensalt(4))
    assert not await passwords.check("copper lantern riddle", None)
    passwords.close()


async def test_event_loop_goes_on_and_the_queue_is_bounded() -> None:
    passwords, free = Passwords(cost=4), threading.Event()
    for _ in range(2):
        passwords._threads.submit(free.wait)
    asked = [asyncio.ensure_future(passwords.hash("copper lantern riddle")) for _ in range(40)]
    waiting, too_many = asked[:MOST_WAITING], asked[MOST_WAITING:]
    try:
        refused = await asyncio.gather(*too_many, return_exceptions=True)
        assert not any(one.done() for one in waiting), "they were hashed on the event loop"
    finally:
        free.set()
    assert {error.id for error in refused if isinstance(error, HubError)} == {"too-many-attempts"}
    assert len(refused) == 24
    assert all(digest.startswith(b"$2b$04$") for digest in await asyncio.gather(*waiting))
    passwords.close()
