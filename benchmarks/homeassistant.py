"""Home Assistant with Mosquitto: the peer that homeowners know, fed the same samples and watched over its WebSocket.

It is not installed by this repository: point HOMEASSISTANT at the `hass` of an environment of its own
(docs/performance.md has the recipe). Each plug is four MQTT sensors and the recorder is on, as its users have it.
"""

import asyncio
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.processes import Mosquitto, pin
from hub.testing.process import free_port

START_SECONDS = 120.0
SENSORS = (
    ("power", "power", "W", "measurement"),
    ("voltage", "voltage", "V", "measurement"),
    ("current", "current", "A", "measurement"),
    ("energy_mwh", "energy", "Wh", "total_increasing"),
)


def installed() -> str | None:
    """The `hass` to measure, where there is one."""
    path = os.environ.get("HOMEASSISTANT", "")
    return path if path and os.access(path, os.X_OK) else None


class HomeAssistant:
    """Home Assistant on 127.0.0.1 in folders of its own, with Mosquitto as its broker; both on the first core."""

    def __init__(self, plugs: list[str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="homeassistant-bench-"))
        self.broker = Mosquitto()
        self._plugs = plugs
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._token = ""

    @property
    def pids(self) -> tuple[int, int]:
        """Home Assistant, Mosquitto."""
        assert self._process is not None
        assert self.broker.process is not None
        return self._process.pid, self.broker.process.pid

    @property
    def stored(self) -> int:
        """Bytes of the recorder's database."""
        return sum(file.stat().st_size for file in self.folder.glob("home-assistant_v2.db*"))

    async def start(self) -> float:
        """Start both and connect them; returns the seconds until Home Assistant answered."""
        path = installed()
        assert path is not None
        await self.broker.start()
        (self.folder / "configuration.yaml").write_text(json.dumps(self._configuration()))
        begin = time.monotonic()
        self._process = await asyncio.create_subprocess_exec(
            path,
            "--config",
            str(self.folder),
            "--skip-pip",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        pin(self._process.pid, {0})
        self._session = aiohttp.ClientSession(f"http://127.0.0.1:{self._port}")
        while True:
            if self._process.returncode is not None or time.monotonic() - begin > START_SECONDS:
                raise RuntimeError("Home Assistant did not start")
            try:
                async with self._session.get("/api/onboarding") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        took = time.monotonic() - begin
        await self._onboard()
        await self._connect_broker()
        return took

    async def watch(self, seen: dict[str, int], ready: asyncio.Event) -> None:
        """Note when which counter value arrived ({"plug/energy_mwh": ns}), as the frontend subscribes, until
        cancelled. `ready` is set when all sensors are there."""
        assert self._session is not None
        expected = len(self._plugs)
        async with self._session.ws_connect("/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._token})
            await socket.receive_json()
            await socket.send_json({"id": 1, "type": "subscribe_entities"})
            names: dict[str, str] = {}
            async for message in socket:
                now = time.time_ns()
                frames = json.loads(message.data)
                for frame in frames if isinstance(frames, list) else [frames]:
                    event = frame.get("event") or {}
                    for entity in event.get("a", {}):
                        if entity.endswith("_energy_mwh"):
                            names[entity] = entity.removeprefix("sensor.").removesuffix("_energy_mwh").replace("_", "-")
                    if len(names) >= expected:
                        ready.set()
                    for entity, change in event.get("c", {}).items():
                        if entity in names and "s" in change.get("+", {}):
                            seen.setdefault(f"{names[entity]}/{change['+']['s']}", now)

    async def close(self) -> None:
        """End both and remove the folders."""
        if self._session is not None:
            await self._session.close()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self.broker.stop()
        shutil.rmtree(self.folder)

    def _configuration(self) -> dict[str, Any]:
        """JSON is YAML."""
        sensors = [
            {
                "name": f"{plug} {field}",
                "unique_id": f"{plug}-{field}",
                "object_id": f"{plug}_{field}".replace("-", "_"),
                "state_topic": f"smartplug/{plug}/telemetry",
                "value_template": "{{ value_json." + field + " }}",
                "device_class": kind,
                "unit_of_measurement": unit,
                "state_class": state,
            }
            for plug in self._plugs
            for field, kind, unit, state in SENSORS
        ]
        return {
            "http": {"server_host": "127.0.0.1", "server_port": self._port},
            "api": None,
            "config": None,
            "websocket_api": None,
            "onboarding": None,
            "frontend": None,
            "recorder": None,
            "history": None,
            "logger": {"default": "error"},
            "mqtt": {"sensor": sensors},
        }

    async def _onboard(self) -> None:
        client = f"http://127.0.0.1:{self._port}/"
        user = {"client_id": client, "name": "Bench", "username": "bench", "password": "only-here", "language": "en"}
        code = (await self._post("/api/onboarding/users", user))["auth_code"]
        assert self._session is not None
        grant = {"grant_type": "authorization_code", "client_id": client, "code": code}
        async with self._session.post("/auth/token", data=grant) as answer:
            self._token = (await answer.json())["access_token"]

    async def _connect_broker(self) -> None:
        flow = await self._post("/api/config/config_entries/flow", {"handler": "mqtt"})
        address = {"broker": "127.0.0.1", "port": self.broker.port}
        made = await self._post(f"/api/config/config_entries/flow/{flow['flow_id']}", address)
        if made.get("type") != "create_entry":
            raise RuntimeError(f"Home Assistant did not take the broker: {made}")

    async def _post(self, path: str, body: object) -> Any:
        assert self._session is not None
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._session.post(path, json=body, headers=headers) as answer:
            if answer.status >= 400:
                raise RuntimeError(f"{path}: {answer.status} {await answer.text()}")
            return await answer.json()
