"""A plug as a process on either Python, and a broker for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.firmware import pythons
from tests.firmware.mqtt_broker import Broker


class PlugProcess:
    """tests/firmware/device/run_plug.py."""

    def __init__(self, python: str) -> None:
        self._python = python
        self.process: asyncio.subprocess.Process | None = None
        self.log: list[str] = []
        self._reader: asyncio.Task[None] | None = None

    async def start(self, **values: Any) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *pythons.command(self._python, "run_plug.py", json.dumps(values), heap=values.get("heap", "4m")),
            cwd=pythons.DEVICE,
            env=pythons.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        async for line in self.process.stdout:
            self.log.append(line.decode().rstrip())

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def wait(self) -> int:
        """Until it ends by itself."""
        assert self.process is not None and self._reader is not None
        code = await asyncio.wait_for(self.process.wait(), 30)
        await self._reader
        return code

    async def kill(self) -> None:
        """As a power cut."""
        if self.running:
            assert self.process is not None
            self.process.kill()
        await self.wait()


@pytest.fixture(params=pythons.NAMES)
async def plug(request: pytest.FixtureRequest) -> AsyncIterator[PlugProcess]:
    made = PlugProcess(request.param)
    yield made
    if made.process is not None:
        still = made.running
        await made.kill()
        print("\n".join(made.log))  # pytest shows it where the test failed
        assert still or made.process.returncode in (0, -9), made.log
        assert not any("Traceback" in line for line in made.log), made.log


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    made = Broker()
    await made.start()
    yield made
    await made.stop()
