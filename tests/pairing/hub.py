"""A whole hub in this process, and a plug as a process on either Python whose flash and button are a folder."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from hub.app import App, Options
from hub.auth.principal import Principal
from hub.bus import Bus
from hub.clock import Clock
from hub.devices.pairing import Pairing
from hub.events import DeviceAdded, DeviceFound, Event, PairingChanged, PresenceChanged, SampleReceived
from hub.plugins import prepare
from hub.testing.process import EMAIL, PASSWORD, free_port
from tests.firmware import pythons

PATIENCE_S = 30
HARDWARE_ID = "plug-7c2f"
OWNER = {"name": "Tester", "email": EMAIL, "password": PASSWORD, "home_name": "Home"}
PLACE = {"time_zone": "Europe/Berlin", "currency": "EUR"}


class Hub:
    """The hub's parts as `plughub run` builds them; the same folder and ports at each `start`."""

    def __init__(self, folder: Path, demo: bool = False) -> None:
        self.folder, self.demo = folder, demo
        self.http_port, self.mqtt_port, self.https_port, self.mqtts_port = (free_port() for _ in range(4))
        self.owner = Principal("", "", "")
        self.heard: list[Event] = []
        self.steps: list[str] = []  # of pairing
        self.bus = Bus()
        self.app: App
        self._news = asyncio.Event()

    @property
    def pairing(self) -> Pairing:
        assert self.app.pairing is not None
        return self.app.pairing

    async def start(self) -> None:
        config = self.folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "configuration.yaml").write_text("network:\n  mdns: false\n")
        self.bus, clock = Bus(), Clock(trusted=True)
        for kind in (PairingChanged, DeviceAdded, DeviceFound, PresenceChanged, SampleReceived):
            self.bus.subscribe(kind, self._take, "test")
        loaded, plugins = prepare(config, self.bus, clock)
        options = Options(
            self.folder / "data",
            "127.0.0.1",
            http_port=self.http_port,
            mqtt_port=self.mqtt_port,
            https_port=self.https_port,
            mqtts_port=self.mqtts_port,
            demo=self.demo,
            config=config,
        )
        self.app = App(options, loaded.configuration(), plugins, bus=self.bus, clock=clock)
        await self.app.start()
        if not self.owner.user:
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{self.app.addresses.url}/api/v1/setup", json=OWNER | PLACE) as answer,
            ):
                signed_in = await answer.json()
            self.owner = Principal(signed_in["user"]["id"], signed_in["home"]["id"], "admin")

    async def stop(self) -> None:
        await self.app.stop()
        assert not self.app.unsaved

    async def refusals(self) -> set[tuple[str | None, ...]]:
        """(via, origin, action, object, why) of the audit log, when all that waits is written."""
        await self.stop()
        with closing(sqlite3.connect(self.folder / "data" / "registry.sqlite")) as connection:
            asked = "SELECT via, origin, action, object, refused FROM audit_logs WHERE refused IS NOT NULL"
            found = set(connection.execute(asked))
        await self.start()
        return found

    def _take(self, event: Event) -> None:
        self.heard.append(event)
        if isinstance(event, PairingChanged):
            self.steps.append(event.state)
        self._news.set()

    async def until(self, kind: type[Event], **wanted: Any) -> Any:
        """The first event of this kind with these values, also one heard before; all up to it is then forgotten."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for place, event in enumerate(self.heard):
                    if type(event) is kind and all(getattr(event, name) == value for name, value in wanted.items()):
                        del self.heard[: place + 1]
                        return event
                self._news.clear()
                await self._news.wait()


class LabelledPlug:
    """tests/firmware/device/run_pairing.py."""

    def __init__(self, python: str, folder: Path, code: str, hardware_id: str = HARDWARE_ID) -> None:
        self.python, self.folder, self.code, self.hardware_id = python, folder, code, hardware_id
        self.log: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        folder.mkdir(exist_ok=True)

    async def start(self, port: int, **values: Any) -> None:
        told = {"port": port, "code": self.code, "folder": str(self.folder), "hardware_id": self.hardware_id, **values}
        self._process = await asyncio.create_subprocess_exec(
            *pythons.command(self.python, "run_pairing.py", json.dumps(told), heap="4m"),
            cwd=pythons.DEVICE,
            env=pythons.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        async for line in self._process.stdout:
            self.log.append(line.decode().rstrip())
            self._news.set()

    async def says(self, text: str) -> None:
        """Until a line of its log contains that; it and those before it are then gone."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(text in line for line in self.log):
                self._news.clear()
                await self._news.wait()
        place = next(i for i, line in enumerate(self.log) if text in line)
        del self.log[: place + 1]

    def cut_power(self) -> None:
        assert self._process is not None
        self._process.kill()

    def press(self) -> None:
        (self.folder / "pressed").touch()

    def let_go(self) -> None:
        (self.folder / "pressed").unlink()

    def flash(self, name: str) -> Any:
        """A file of its flash as JSON, None where there is none."""
        path = self.folder / name
        return json.loads(path.read_bytes()) if path.exists() else None

    async def end(self) -> None:
        """As a power cut; its flash stays."""
        if self._process is None or self._reader is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader
        self._process = None
        assert not any("Traceback" in line for line in self.log), self.log
