"""Who may make the first account: the rules of set-up, as a table."""

import ipaddress
import logging
from pathlib import Path

import ifaddr
import pytest

import hub.auth.setup
from hub.auth.setup import CODE_LETTERS, Setup, near, own_networks
from hub.messages import HubError
from tests.auth.conftest import PASSWORD, Hall

MINUTE = 60
HOST, HOUSE, STRANGER = "127.0.0.1", "192.168.1.20", "203.0.113.9"
ACCOUNT = {"email": "ada@example.org", "name": "Ada", "password": PASSWORD}


def make(hall: Hall, *, proxied: bool = False) -> Setup:
    return Setup(
        hall.people,
        hall.settings,
        hall.clock,
        hall.data_dir,
        proxied=proxied,
        is_near=lambda peer: peer in (HOST, HOUSE),
    )


def code(hall: Hall) -> str:
    return (hall.data_dir / "setup-code.txt").read_text().strip()


async def refusal(setup: Setup, peer: str = STRANGER, typed: str | None = None, **account: str) -> str:
    with pytest.raises(HubError) as caught:
        await setup.complete(peer=peer, forwarded=False, code=typed, **{**ACCOUNT, **account})
    return caught.value.id


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxied", "minutes", "expected"),
    [
        (HOST, False, False, 0, "open"),
        (HOUSE, False, False, 0, "open"),
        (HOUSE, False, False, 29.9, "open"),
        (HOUSE, False, False, 30, "code"),
        (HOST, False, False, 30, "code"),
        (HOUSE, False, False, 60 * 24 * 365, "code"),
        (STRANGER, False, False, 0, "code"),
        ("", False, False, 0, "code"),
        (HOST, True, False, 0, "code"),
        (HOUSE, True, False, 0, "code"),
        (HOST, False, True, 0, "code"),
        (HOUSE, False, True, 0, "code"),
        (STRANGER, True, True, 60, "code"),
    ],
)
async def test_rules(hall: Hall, peer: str, forwarded: bool, proxied: bool, minutes: float, expected: str) -> None:
    setup = make(hall, proxied=proxied)
    await setup.load()
    await hall.clock.advance(minutes * MINUTE)
    assert setup.state(peer, forwarded) == expected
    await hall.people.make_first_admin(**ACCOUNT)
    assert setup.state(peer, forwarded) == "done"
    assert setup.closes() is None


async def test_time_counts_from_the_very_first_start(hall: Hall) -> None:
    first = make(hall)
    await first.load()
    assert first.closes() == hall.clock.now() + 30 * MINUTE * 1000
    await hall.clock.advance(20 * MINUTE)
    again = make(hall)
    await again.load()
    assert again.state(HOUSE, False) == "open"
    assert again.closes() == hall.clock.now() + 10 * MINUTE * 1000
    await hall.clock.advance(10 * MINUTE)
    assert again.state(HOUSE, False) == "code"
    assert again.closes() is None


async def test_clock_that_steps_in_the_first_run_changes_nothing(hall: Hall) -> None:
    setup = make(hall)
    await setup.load()
    hall.clock.step(200 * 24 * 3600 * 1000)
    assert setup.state(HOUSE, False) == "open"
    await hall.clock.advance(30 * MINUTE)
    assert setup.state(HOUSE, False) == "code"


async def test_clock_set_back_does_not_open_it_again(hall: Hall) -> None:
    await make(hall).load()
    hall.clock.step(-1000)
    again = make(hall)
    await again.load()
    assert again.state(HOUSE, False) == "code"


async def test_open_page_needs_no_code(hall: Hall) -> None:
    setup = make(hall)
    await setup.load()
    user, home = await setup.complete(peer=HOUSE, forwarded=False, code=None, **ACCOUNT)
    assert user.roles == {home.id: "admin"}
    assert not (hall.data_dir / "setup-code.txt").exists()
    assert await refusal(setup, HOUSE) == "setup-done"


async def test_code_is_in_the_log_and_in_a_private_file(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    await make(hall).load()
    path = hall.data_dir / "setup-code.txt"
    assert path.stat().st_mode & 0o777 == 0o600
    assert code(hall) in caplog.text
    letters = code(hall).replace("-", "")
    assert len(letters) == 10
    assert set(letters) <= set(CODE_LETTERS)
    before = code(hall)
    await make(hall).load()
    assert code(hall) == before


async def test_code_lets_in(hall: Hall) -> None:
    setup = make(hall)
    await setup.load()
    assert await refusal(setup) == "setup-code-missing"
    assert await refusal(setup, typed="") == "setup-code-missing"
    assert await refusal(setup, typed="WRONG-CODES") == "setup-code-wrong"
    typed = f" {code(hall).lower().replace('-', ' ')} "
    # A mistake in the account does not use the code up.
    assert await refusal(setup, typed=typed, password="short") == "password-too-short"
    user, _ = await setup.complete(peer=STRANGER, forwarded=True, code=typed, **ACCOUNT)
    assert user.email == "ada@example.org"
    assert await refusal(setup, typed=typed) == "setup-done"


async def test_guessing_the_code_has_to_wait_from_everywhere(hall: Hall) -> None:
    setup = make(hall)
    await setup.load()
    for number in range(6):
        assert await refusal(setup, f"203.0.113.{number}", "WRONG-CODES") == "setup-code-wrong"
    assert await refusal(setup, "203.0.113.200", code(hall)) == "too-many-attempts"
    await hall.clock.advance(1)
    await setup.complete(peer=STRANGER, forwarded=False, code=code(hall), **ACCOUNT)


async def test_hub_that_is_set_up_writes_no_code(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    await make(hall).load()
    await hall.people.make_first_admin(**ACCOUNT)
    caplog.set_level(logging.DEBUG, logger="hub")
    caplog.clear()
    again = make(hall)
    await again.load()
    assert not (hall.data_dir / "setup-code.txt").exists()
    assert [record for record in caplog.records if record.name.startswith("hub")] == []
    assert again.state(HOUSE, False) == "done"


class Adapter:
    def __init__(self, *addresses: tuple[str, int]) -> None:
        self.ips = [
            ifaddr.IP((text, 0, 2) if ":" in text else text, prefix, "eth0")  # type: ignore[arg-type]
            for text, prefix in addresses
        ]


@pytest.mark.parametrize(
    ("peer", "in_container", "expected"),
    [
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("192.168.1.77", False, True),
        ("::ffff:192.168.1.77", False, True),
        ("fe80::1234%eth0", False, True),
        ("fd00:1::99", False, True),
        ("192.168.2.77", False, False),
        ("10.0.0.1", False, False),
        ("203.0.113.9", False, False),  # the host's own subnet, but a public one
        ("2001:4860:1::9", False, False),
        ("8.8.8.8", False, False),
        ("", False, False),
        ("unix:", False, False),
        ("localhost", False, False),
        ("192.168.1.77", True, False),
        ("172.17.0.1", True, False),
        ("127.0.0.1", True, True),
    ],
)
def test_near(peer: str, in_container: bool, expected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    adapters = [
        Adapter(("127.0.0.1", 8)),
        Adapter(("192.168.1.5", 24), ("172.17.0.2", 16), ("8.8.8.1", 24), ("fe80::5", 64), ("fd00:1::5", 64)),
        Adapter(("2001:4860:1::5", 64)),
    ]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: adapters)
    mark = tmp_path / "mark"
    if in_container:
        mark.touch()
    monkeypatch.setattr(hub.auth.setup, "CONTAINER_MARKS", (mark,))
    assert near(peer) is expected


def test_own_networks_of_this_machine() -> None:
    assert any(ipaddress.ip_address("127.0.0.1") in network for network in own_networks())
