"""The hub as a process of its own, for tests that kill it and benchmarks that measure it."""

import asyncio
import atexit
import itertools
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

PASSWORD = "only for tests, never a home"  # noqa: S105
EMAIL = "tester@home.example"
START_SECONDS = 30.0
BLOCK = 200  # ports
READY = "The hub is ready: "  # the command line says so when every part has started
# One admin makes plugs by the thousand here; the limits of requests have tests of their own.
CONFIGURATION = """network:
  mdns: false
security:
  reads_per_minute: 1000000
  writes_per_minute: 1000000
"""


def _ports() -> Iterator[int]:
    # Below those that the system gives to outgoing connections: one of them might take a port before the hub does.
    # Processes that test at the same time have a block each, whose first port is held for as long as they live; and
    # none of a block comes twice before all of it came.
    firsts = list(range(10_000, 32_000, BLOCK))
    random.shuffle(firsts)
    held = next(filter(None, map(_bound, firsts)))
    atexit.register(held.close)
    first = held.getsockname()[1]
    for port in itertools.cycle(range(first + 1, first + BLOCK)):
        if (taken := _bound(port)) is not None:
            taken.close()
            yield port


def _bound(port: int) -> socket.socket | None:
    """A socket that has it, or None where another one does."""
    made = socket.socket()
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        return None
    return made


_free = _ports()


def free_port() -> int:
    """A port of 127.0.0.1 that is free now, and that no other process of tests will take."""
    return next(_free)


class HubProcess:
    """`plughub run` on 127.0.0.1 with folders and ports of its own; the same folders at each `start`.

    `configuration` is the text of configuration.yaml. `arguments` are further options of `plughub run`. `program` is
    what Python is to run with them.
    """

    def __init__(
        self,
        configuration: str = "",
        arguments: tuple[str, ...] = (),
        folder: Path | None = None,
        program: tuple[str, ...] = ("-m", "hub", "run"),
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="plughub-"))
        if folder is None:  # whoever is broken off does not come to `close`
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.config, self.data, self.log = self.folder / "config", self.folder / "data", self.folder / "hub.log"
        self.http_port, self.mqtt_port, self.https_port, self.mqtts_port = (free_port() for _ in range(4))
        self.token = self.home = ""
        self._arguments, self._program = arguments, program
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "configuration.yaml").write_text(configuration or CONFIGURATION)

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.http_port}/api/v1"

    @property
    def pid(self) -> int:
        """Process id of the running hub."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Started and not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> float:
        """Start; returns the seconds until HTTP answered. Raises RuntimeError with the hub's output."""
        begin = time.monotonic()
        ready = self._times_ready()
        command = [sys.executable, *self._program, "--host", "127.0.0.1"]
        command += ["--config", str(self.config), "--data", str(self.data)]
        command += ["--http-port", str(self.http_port), "--mqtt-port", str(self.mqtt_port)]
        command += ["--https-port", str(self.https_port), "--mqtts-port", str(self.mqtts_port), *self._arguments]
        with self.log.open("ab") as log:
            environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environment)
        if self._session is None:
            self._session = aiohttp.ClientSession()
        took = 0.0
        while True:
            try:
                async with self._session.get(f"{self.url}/system/info") as answer:
                    if answer.status == 200:
                        took = took or time.monotonic() - begin
                        if self._times_ready() > ready:  # the web server is there before the broker
                            return took
            except aiohttp.ClientError:
                pass
            if self._process.returncode is not None or time.monotonic() - begin > START_SECONDS:
                if self.running:
                    await self.kill()
                raise RuntimeError(f"the hub did not start:\n{self.output()[-3000:]}")
            await asyncio.sleep(0.01)

    def _times_ready(self) -> int:
        return self.output().count(READY) if self.log.exists() else 0

    def output(self) -> str:
        """All that the hub printed, over all its starts."""
        return self.log.read_text(errors="replace")

    async def call(self, method: str, path: str, body: object = None, **params: Any) -> Any:
        """An API call as the admin; raises RuntimeError with the problem on any status from 400."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._session.request(
            method, self.url + path, json=body, params=params or None, headers=headers
        ) as answer:
            value = await answer.json(content_type=None) if answer.status != 204 else None
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {value}")
            return value

    async def set_up(self) -> None:
        """First run: the home gets its admin."""
        body = {
            "name": "Tester",
            "email": EMAIL,
            "password": PASSWORD,
            "home_name": "Test home",
            "time_zone": "Europe/Berlin",
            "currency": "EUR",
        }
        session = await self.call("POST", "/setup", body)
        self.token, self.home = session["access_token"], session["home"]["id"]

    async def log_in(self) -> None:
        """A new access token, for runs longer than one lives."""
        self.token = ""
        session = await self.call("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
        self.token = session["access_token"]

    async def add_plug(self, hardware_id: str, name: str | None = None, channels: int = 1) -> tuple[str, str]:
        """A new device; returns its id and its MQTT secret."""
        body = {"hardware_id": hardware_id, "name": name or hardware_id, "channels": channels}
        added = await self.call("POST", "/devices", body)
        return added["device"]["id"], added["secret"]

    async def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM, within: float = 30) -> int:
        """Ask it to stop by this signal, and wait so many seconds; returns the exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
            await asyncio.wait_for(self._process.wait(), within)
        assert self._process.returncode is not None
        return self._process.returncode

    async def close(self) -> None:
        """Kill what still runs, and remove the folders."""
        if self.running:
            await self.kill()
        if self._session is not None:
            await self._session.close()
        shutil.rmtree(self.folder)
