"""A hub with its demo plugs, and Debian's Chromium that knows the hub by a name of its own."""

import asyncio
import base64
import contextlib
import hashlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser, async_playwright, expect

from hub.testing.process import HubProcess

expect.set_options(timeout=30_000)
NAME = "plughub.local"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


class DemoHub(HubProcess):
    """`plughub run --demo`; `plugs` is `plughub demo` beside it."""

    plugs: asyncio.subprocess.Process

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """All plugs are silent: no answer of one is faster than what is looked at meanwhile."""
        self.plugs.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.plugs.send_signal(signal.SIGCONT)


@contextlib.asynccontextmanager
async def demo(program: tuple[str, ...] = ("-m", "hub", "run")) -> AsyncIterator[DemoHub]:
    """`plughub run --demo` before its first run, with the five plugs of `plughub demo` in a process of their own.
    `program`: what Python is to run as the hub."""
    hub = DemoHub(arguments=("--demo",), program=program)
    try:
        await hub.start()
        command = [sys.executable, "-m", "hub", "demo", "--data", str(hub.data)]
        with (hub.folder / "demo.log").open("wb") as log:
            hub.plugs = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            yield hub
        finally:
            hub.plugs.terminate()
            await hub.plugs.wait()
    finally:
        await hub.close()


@pytest.fixture
async def demo_hub() -> AsyncIterator[DemoHub]:
    """The demo as it is."""
    async with demo() as hub:
        yield hub


def chromium_path() -> str:
    """Debian's Chromium, or the one that CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is not installed: sudo apt install chromium (or name it: CHROMIUM=/path/to/it)"
    return path


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium. Fails where it is not installed: what it shows cannot be known without it."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM)
        yield chromium
        await chromium.close()


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    """A hub with its first admin and no plugs."""
    hub = HubProcess()
    try:
        await hub.start()
        await hub.set_up()
        yield hub
    finally:
        await hub.close()


@pytest.fixture
async def trusting(hub: HubProcess) -> AsyncIterator[Browser]:
    """Chromium that takes the hub's key as if its authority had been installed."""
    shown = x509.load_pem_x509_certificate((hub.data / "certificates" / "web.pem").read_bytes())
    key = shown.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    known = base64.b64encode(hashlib.sha256(key).digest()).decode()
    async with async_playwright() as playwright:
        arguments = [*CHROMIUM, f"--ignore-certificate-errors-spki-list={known}"]
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        yield chromium
        await chromium.close()


@pytest.fixture
def shots() -> Path:
    """Where the pictures of the pages go."""
    folder = Path(__file__).parents[2] / "test-results" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
