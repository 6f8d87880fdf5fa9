"""The plug against Mosquitto: a broker that is not ours."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.testing.process import free_port
from tests.firmware.conftest import PlugProcess

ROOT = "smartplug/test-plug/"


def found(name: str) -> str:
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert path is not None, f"{name} is missing: apt-get install mosquitto mosquitto-clients"
    return path


class Mosquitto:
    """On a port of its own, with a password for the plug and for the test."""

    def __init__(self, folder: Path, secret: str = "the secret") -> None:
        self._folder = folder
        self._secret = secret
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        passwords = self._folder / "passwords"
        passwords.write_text(f"test-plug:{self._secret}\ntester:x\n")
        passwords.chmod(0o600)
        setting = await asyncio.create_subprocess_exec(found("mosquitto_passwd"), "-U", str(passwords))
        assert await setting.wait() == 0
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser root\n"
        )
        self._process = await asyncio.create_subprocess_exec(
            found("mosquitto"), "-c", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                await writer.wait_closed()
                return

    async def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        await self._process.wait()

    def client(self, program: str, *arguments: str) -> list[str]:
        return [found(program), "-h", "127.0.0.1", "-p", str(self.port), "-u", "tester", "-P", "x", *arguments]


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def lines(process: asyncio.subprocess.Process, wanted) -> list[tuple[str, dict]]:
    """What mosquitto_sub -v prints until wanted(topic, values) holds."""
    assert process.stdout is not None
    seen = []
    async with asyncio.timeout(30):
        while True:
            topic, payload = (await process.stdout.readline()).decode().split(" ", 1)
            seen.append((topic, json.loads(payload)))
            if wanted(*seen[-1]):
                return seen


async def test_retained_status_command_and_will(plug: PlugProcess, mosquitto: Mosquitto) -> None:
    await plug.start(port=mosquitto.port)
    listening = await asyncio.create_subprocess_exec(
        *mosquitto.client("mosquitto_sub", "-v", "-q", "1", "-t", ROOT + "#"), stdout=asyncio.subprocess.PIPE
    )
    try:
        await lines(listening, lambda topic, values: topic == ROOT + "telemetry" and values["power"] == 230)
        command = json.dumps({"command": "relay_off", "id": "c-1"})
        sending = await asyncio.create_subprocess_exec(
            *mosquitto.client("mosquitto_pub", "-q", "1", "-t", ROOT + "control", "-m", command)
        )
        assert await sending.wait() == 0
        await lines(listening, lambda topic, values: topic == ROOT + "status" and values.get("id") == "c-1")
        late = await asyncio.create_subprocess_exec(
            *mosquitto.client("mosquitto_sub", "-v", "-C", "1", "-t", ROOT + "status"), stdout=asyncio.subprocess.PIPE
        )
        retained = await lines(late, lambda topic, values: True)
        assert retained[0][1]["status"] == "off"
        assert await late.wait() == 0
        await plug.kill()
        await lines(listening, lambda topic, values: topic == ROOT + "status" and values["status"] == "offline")
    finally:
        listening.kill()
        await listening.wait()


async def test_a_wrong_password_is_refused(plug: PlugProcess, tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path, secret="another")
    await mosquitto.start()
    try:
        await plug.start(port=mosquitto.port)
        async with asyncio.timeout(30):
            while not any("login refused" in line for line in plug.log):
                await asyncio.sleep(0.05)
    finally:
        await mosquitto.stop()
