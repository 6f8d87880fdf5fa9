"""Another certificate in the files of the configuration: on every TLS listener of MQTT, and nobody is thrown out."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.broker import Certificate
from hub.testing.process import HubProcess, free_port
from tests.broker.certificates import make_certificate, trusting
from tests.broker.client import Client, connect, publish
from tests.broker.websocket import open_websocket


class House(HubProcess):
    """A hub with MQTT over TLS, plain and within WebSocket, and a plug."""

    files: Certificate
    websocket_port = 0
    secret = ""

    async def plug(self, trust: ssl.SSLContext) -> Client:
        """Logged in over TLS."""
        streams = await asyncio.open_connection("127.0.0.1", self.mqtts_port, ssl=trust, server_hostname="localhost")
        client = Client(*streams)
        client.send(connect("kettle-1", "kettle-1", self.secret))
        assert (await client.read()).body == b"\0\0"
        return client

    async def look(self) -> list[str]:
        """Have the hub look at its files now, and not within a minute; the problems after that."""
        await self.call("POST", "/certificates/renew", {})
        return [problem["id"] for problem in (await self.call("GET", "/system/problems"))["items"]]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    files, port = make_certificate(tmp_path), free_port()
    hub = House(
        f"""network:
  mdns: false
  mqtt:
    tls: {{certificate: {files.certificate}, key: {files.key}}}
    websocket: {{port: {port}, tls: true}}
""",
        folder=tmp_path / "hub",
    )
    hub.files, hub.websocket_port = files, port
    try:
        await hub.start()
        await hub.set_up()
        _, hub.secret = await hub.add_plug("kettle-1")
        yield hub
    finally:
        await hub.close()


async def test_new_files_are_for_new_connections_and_broken_ones_for_nobody(house: House, tmp_path: Path) -> None:
    old = await house.plug(trusting(house.files))
    house.files.key.write_text("nothing\n")
    assert "certificate-kept-mqtt" in await house.look()
    await old.ping()

    (tmp_path / "new").mkdir()
    new = make_certificate(tmp_path / "new")
    house.files.certificate.write_bytes(new.certificate.read_bytes())
    house.files.key.write_bytes(new.key.read_bytes())
    assert "certificate-kept-mqtt" not in await house.look()
    old.send(publish("smartplug/kettle-1/telemetry", b'{"voltage":230,"current":1}', 1))
    await old.expect(4)

    web = await open_websocket(house.websocket_port, "/", tls=trusting(new))
    plug = await house.plug(trusting(new))
    await plug.ping()
    for client in (old, web, plug):
        await client.close()
