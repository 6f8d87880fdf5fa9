"""Through a whole hub: a plug over MQTT draws too much, and the message arrives at the notifier, once."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hub.testing.process import HubProcess
from tests.broker.client import Client

TELEMETRY = "smartplug/heater-1/telemetry"


class Ntfy:
    """A server that stands for ntfy: keeps what it is sent, and refuses the first so many."""

    def __init__(self) -> None:
        self.url = ""
        self.refuse = 0
        self.received: list[dict[str, Any]] = []
        self.came = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append(await request.json())
        self.came.set()
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=503)
        return web.json_response({"id": "x"})

    async def until(self, count: int) -> None:
        """So many have come."""
        async with asyncio.timeout(30):
            while len(self.received) < count:
                self.came.clear()
                await self.came.wait()


@pytest.fixture
async def ntfy() -> AsyncIterator[Ntfy]:
    server = Ntfy()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def hub(ntfy: Ntfy, tmp_path: Path) -> AsyncIterator[HubProcess]:
    hub = HubProcess(
        f"network:\n  mdns: false\nintegrations:\n  ntfy:\n    topic: home\n    server: {ntfy.url}\n",
        folder=tmp_path / "hub",
    )
    try:
        await hub.start()
        await hub.set_up()
        yield hub
    finally:
        await hub.close()


class Heater:
    """A plug that says once in a while what it draws."""

    def __init__(self, hub: HubProcess, secret: str) -> None:
        self.hub, self.secret = hub, secret
        self.client: Client

    async def connect(self) -> None:
        self.client = await Client.connect(self.hub.mqtt_port, "heater-1", "heater-1", self.secret)

    async def draws(self, watts: float) -> None:
        sample = {"voltage": 230, "current": watts / 230, "power": watts}
        await self.client.publish(TELEMETRY, json.dumps(sample).encode(), 1)


async def test_it_arrives_once_and_its_end_even_after_a_kill(hub: HubProcess, ntfy: Ntfy) -> None:
    device, secret = await hub.add_plug("heater-1", "Heater")
    await hub.call("PATCH", "/account", {"language": "de"})
    rule = {"device": device, "name": "Heizung", "kind": "power_above", "threshold": 1500}
    alert = await hub.call("POST", "/alerts", rule)
    heater = Heater(hub, secret)
    await heater.connect()
    ntfy.refuse = 1
    await heater.draws(100)
    assert (await hub.call("GET", "/alerts"))["items"][0]["state"] == "ok"
    for _ in range(20):
        await heater.draws(2000)
    await ntfy.until(2)  # the first was refused, and is sent again
    assert ntfy.received == [ntfy.received[0]] * 2
    assert ntfy.received[0] == {
        "topic": "home",
        "title": "Heizung",
        "message": "Heater zieht 2.000 W, mehr als 1.500 W.",
        "priority": 4,
        "tags": ["warning"],
    }
    [firing] = (await hub.call("GET", "/alerts", state="firing"))["items"]
    await hub.kill()
    await heater.client.close()

    await hub.start()
    assert (await hub.call("GET", "/alerts"))["items"] == [
        firing | {"detail": "Heater drew more than 1,500 W when it was last heard of."}
    ]
    await heater.connect()
    await heater.draws(2000)
    async with asyncio.timeout(40):
        while len(ntfy.received) < 3:
            await heater.draws(100)
            ntfy.came.clear()
            try:
                async with asyncio.timeout(0.5):
                    await ntfy.came.wait()
            except TimeoutError:
                continue
    assert ntfy.received[2]["message"].startswith("Heater: nach ")
    assert (await hub.call("GET", "/alerts"))["items"][0]["state"] == "resolved"
    await hub.call("DELETE", f"/alerts/{alert['id']}")
    await heater.client.close()
    assert "Traceback" not in hub.output()
    assert await hub.stop() == 0
    assert len(ntfy.received) == 3
