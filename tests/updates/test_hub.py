"""A whole hub and its distributor: over the API, as a problem, on the command line of a running and a stopped hub."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from hub import __version__
from hub.testing.process import HubProcess
from tests.updates.parts import Distributor, notice, public

BEFORE = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture
async def hub(distributor: Distributor) -> AsyncIterator[HubProcess]:
    section = f"updates:\n  url: {distributor.url}\n  keys: {public(distributor.key)}\n"
    hub = HubProcess("network:\n  mdns: false\n" + section)
    await hub.start()
    await hub.set_up()
    yield hub
    await hub.close()


async def plughub(hub: HubProcess, action: str, language: str = "C.UTF-8") -> tuple[int, str]:
    """Exit code and what was said."""
    command = [sys.executable, "-m", "hub", "update", action, "--data", str(hub.data), "--config", str(hub.config)]
    process = await asyncio.create_subprocess_exec(
        *("env", f"LC_ALL={language}", *command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().strip()


async def test_an_admin_is_told(hub: HubProcess, distributor: Distributor) -> None:
    state = await hub.call("GET", "/system/updates")
    assert state == {
        "version": __version__,
        "firmware": state["firmware"],
        "check": False,
        "declared": False,
        "source": "127.0.0.1",
        "asking": False,
        "asked": None,
        "detail": None,
        "newest": None,
    }
    issued, expires = BEFORE, BEFORE + timedelta(days=30)
    distributor.publish(notice("9.0.0", issued=issued, expires=expires, secure_from="8.0.0"))
    state = await hub.call("POST", "/system/updates/check")
    assert state["newest"] == {
        "version": "9.0.0",
        "security": True,
        "notes": "https://releases.example/1.4.0",
        "issued": round(issued.timestamp() * 1000),
        "detail": f"Version 9.0.0 is out and mends a security fault of this hub ({__version__}). Update it soon.",
    }
    [problem] = (await hub.call("GET", "/system/problems"))["items"]
    assert problem["detail"].endswith("Settings, About says how.")

    distributor.publish(notice("8.0.0", issued=issued - timedelta(days=1), expires=expires))
    with pytest.raises(RuntimeError, match=r"502.*updates-rolled-back"):
        await hub.call("POST", "/system/updates/check")
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {hub.token}", "Accept-Language": "de"}) as german,
        german.get(f"{hub.url}/system/updates") as answer,
    ):
        told = await answer.json()
    assert told["newest"]["detail"].startswith("Version 9.0.0 ist da und behebt eine Sicherheitslücke")
    assert "älter als die bekannte" in told["detail"]
    assert {problem["id"] for problem in (await hub.call("GET", "/system/problems"))["items"]} == {
        "updates-security",
        "updates-failed",
    }
    assert (await hub.call("GET", "/system/info"))["version"] == __version__, "nothing else has stopped"


async def test_the_command_line_with_and_without_a_running_hub(hub: HubProcess, distributor: Distributor) -> None:
    distributor.publish(notice(__version__, issued=BEFORE, expires=BEFORE + timedelta(days=30)))
    assert await plughub(hub, "check") == (0, f"This hub is {__version__}; there is no newer version.")
    assert await plughub(hub, "on") == (0, "The hub asks 127.0.0.1 once a day which version is the newest.")
    assert (await hub.call("GET", "/system/updates"))["check"] is True
    await hub.stop()
    distributor.publish(notice("9.0.0", issued=BEFORE, expires=BEFORE + timedelta(days=30)))
    code, said = await plughub(hub, "check", "de_DE.UTF-8")
    assert code == 0
    assert said.splitlines() == [
        f"Version 9.0.0 ist da; dieser Hub hat {__version__}.",
        "Was neu ist und wie man aktualisiert: https://releases.example/1.4.0",
    ]
    distributor.answer = b"{}"
    code, said = await plughub(hub, "check")
    assert code == 1
    assert said.startswith("The notice cannot be read")
    assert await plughub(hub, "off") == (0, "The hub asks nobody.")
    await hub.start()
    await hub.log_in()
    state = await hub.call("GET", "/system/updates")
    assert (state["check"], state["newest"]["version"]) == (False, "9.0.0")
    lines = (await hub.call("GET", "/audit", action="updates"))["items"]
    told = [(line["action"], line["origin"], line["before"], line["after"]) for line in lines]
    assert told == [
        ("updates.change", "command line", {"check": True}, {"check": False}),
        ("updates.change", "command line", {"check": False}, {"check": True}),
    ]
    await hub.call("PATCH", "/system/updates", {"check": True})
    await hub.call("PATCH", "/system/updates", {"check": True})
    lines = (await hub.call("GET", "/audit", action="updates"))["items"]
    assert [line["name"] for line in lines] == ["Tester", None, None], "what changes nothing is none"
