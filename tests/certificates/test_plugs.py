"""The authority for plugs under real MicroPython, with the clock of a plug that has just got power."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from hub.auth.certificates import BrowserIssuer, Issuer, Names, PlugIssuer
from hub.auth.certificates.x509 import der
from hub.broker import Listener
from tests.broker.parts import Bench
from tests.certificates.parts import NAMES
from tests.firmware import pythons

FOLDER = Path(__file__).parent
POWER_ON = 946_684_800  # 2000-01-01, where an ESP32 begins
NOW = datetime.now(UTC)


@pytest.fixture
def issuer(tmp_path: Path) -> PlugIssuer:
    made = PlugIssuer(tmp_path / "certificates", "Smart Plug AI plugs 1f00c3d9")
    made.ensure(NAMES, NOW, NOW, certain=True)
    return made


@pytest.fixture
async def bench(issuer: PlugIssuer) -> AsyncIterator[Bench]:
    made = Bench(None, [Listener("127.0.0.1", 0, "mqtts", issuer.files)])
    await made.start()
    yield made
    await made.stop()


def written(issuer: Issuer) -> Path:
    """The authority as pairing hands it over, in a file."""
    file = issuer.files.certificate.with_name("ca.der")
    file.write_bytes(der(issuer.authority.certificate))
    return file


async def plug(bench: Bench, authority: Path, seconds: int | None = POWER_ON) -> str:
    """What a plug says; seconds None: this CPython in place of MicroPython."""
    command = [sys.executable, "-W", "error"]
    if seconds is not None:
        command += [str(FOLDER / "at_time.py"), str(seconds)]
    command += [str(FOLDER / "device_login.py"), str(bench.broker.port("mqtts")), str(authority)]
    process = await asyncio.create_subprocess_exec(
        *command, env=pythons.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return said.decode()


@pytest.mark.parametrize(
    ("seconds", "year"), [(POWER_ON, 2000), (POWER_ON + 20, 2000), (4_000_000_000, 2096), (None, NOW.year)]
)
async def test_a_plug_logs_in_whatever_its_clock_says(
    bench: Bench, issuer: PlugIssuer, seconds: int | None, year: int
) -> None:
    said = await plug(bench, written(issuer), seconds)
    assert f"year {year}" in said
    assert "acknowledged" in said, said


@pytest.mark.parametrize("seconds", [POWER_ON, None])
async def test_it_refuses_another_hub(bench: Bench, tmp_path: Path, seconds: int | None) -> None:
    other = PlugIssuer(tmp_path / "other", "Smart Plug AI plugs 1f00c3d9")
    other.ensure(NAMES, NOW, NOW, certain=True)
    said = await plug(bench, written(other), seconds)
    assert "refused" in said, said
    assert not bench.receiver.heard
    await bench.settled("connections", 0)


async def test_the_authority_for_browsers_would_not_do(tmp_path: Path) -> None:
    """Why there are two: a plug's clock is before its beginning, and Mbed TLS does not know its limits."""
    browser = BrowserIssuer(tmp_path / "web", "Smart Plug AI 1f00c3d9")
    browser.ensure(Names(NAMES.dns, (ip_address("127.0.0.1"),)), NOW, NOW, certain=True)
    made = Bench(None, [Listener("127.0.0.1", 0, "mqtts", browser.files)])
    await made.start()
    assert "refused" in await plug(made, written(browser))
    assert "refused" in await plug(made, written(browser), int(NOW.timestamp()))
    await made.stop()
