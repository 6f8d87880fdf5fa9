"""A hub with its demo plugs, and Debian's Chromium that knows the hub by a name of its own."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from hub.testing.process import HubProcess

NAME = "plughub.local"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP * ~NOTFOUND",
]


@pytest.fixture
async def demo_hub() -> AsyncIterator[HubProcess]:
    """`plughub run --demo` before its first run, with the five plugs of `plughub demo` in a process of their own."""
    hub = HubProcess(arguments=("--demo",))
    await hub.start()
    command = [sys.executable, "-m", "hub", "demo", "--data", str(hub.data)]
    with (hub.folder / "demo.log").open("wb") as log:
        demo = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    yield hub
    demo.terminate()
    await demo.wait()
    await hub.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium. Fails where it is not installed: what it shows cannot be known without it."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is not installed: sudo apt install chromium (or name it: CHROMIUM=/path/to/it)"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield chromium
        await chromium.close()


@pytest.fixture
def shots() -> Path:
    """Where the pictures of the pages go."""
    folder = Path(__file__).parents[2] / "test-results" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
