"""The whole hub on every MQTT listener, with real other programs (mosquitto_sub) beside its plugs."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.testing.process import HubProcess, free_port
from tests.broker.certificates import make_certificate, trusting
from tests.broker.client import Client, connect, publish
from tests.broker.websocket import handshake, open_websocket

SAMPLE = b'{"voltage":230.1,"current":0.5,"power":%d}'
TELEMETRY = "smartplug/kettle-1/telemetry"


class House(HubProcess):
    """A hub with all listeners, a plug and the login of another program."""

    tls_port = websocket_port = 0
    secret = program = ""
    trust: ssl.SSLContext


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    files = make_certificate(tmp_path)
    websocket_port = free_port()
    hub = House(
        f"""network:
  mdns: false
  mqtt:
    tls: {{certificate: {files.certificate}, key: {files.key}}}
    websocket: {{port: {websocket_port}, tls: true}}
""",
        folder=tmp_path / "hub",
    )
    hub.trust = trusting(files)
    hub.tls_port, hub.websocket_port = hub.mqtts_port, websocket_port
    try:
        await hub.start()
        await hub.set_up()
        _, hub.secret = await hub.add_plug("kettle-1")
        asked = {"name": "home-assistant", "read": ["smartplug/+/telemetry", "ha/#"], "write": ["ha/#"]}
        hub.program = (await hub.call("POST", "/mqtt-clients", asked))["secret"]
        yield hub
    finally:
        await hub.close()


async def mosquitto(tool: str, house: House, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        tool, "-h", "localhost", "-V", "311", "-u", "home-assistant", "-P", house.program, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_telemetry_reaches_other_programs_over_every_listener(house: House, tmp_path: Path) -> None:
    tls = ("--cafile", str(tmp_path / "hub.pem"), "-p", str(house.tls_port))
    reading = ("-t", "smartplug/+/telemetry", "-t", "ha/ready", "-q", "1", "-C", "4")
    said = await mosquitto("mosquitto_pub", house, "-p", str(house.mqtt_port), "-t", "ha/ready", "-m", "ready", "-r")
    await said.communicate()
    listeners = [
        await mosquitto("mosquitto_sub", house, "-p", str(house.mqtt_port), *reading),
        await mosquitto("mosquitto_sub", house, *tls, *reading),
    ]
    for listener in listeners:
        assert listener.stdout is not None
        async with asyncio.timeout(20):
            assert await listener.stdout.readline() == b"ready\n"
    own = await open_websocket(house.websocket_port, "/", tls=house.trust)
    web = await open_websocket(house.http_port)
    for name, client in (("own", own), ("web", web)):
        client.send(connect(name, "home-assistant", house.program))
        assert (await client.read()).body == b"\0\0"
        assert await client.subscribe(("smartplug/+/telemetry", 1), ("smartplug/+/control", 1)) == [1, 0x80]

    plugs = [
        await Client.connect(house.mqtt_port, "kettle-1", "kettle-1", house.secret),
        await open_websocket(house.http_port),
    ]
    await plugs[0].publish(TELEMETRY, SAMPLE % 100, 1)
    plugs[1].send(connect("kettle-1", "kettle-1", house.secret) + publish(TELEMETRY, SAMPLE % 101, 1))
    assert (await plugs[1].read()).body == b"\0\0"
    await plugs[1].expect(4)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", house.tls_port, ssl=house.trust, server_hostname="localhost"
    )
    plugs.append(Client(reader, writer))
    plugs[2].send(connect("kettle-1", "kettle-1", house.secret) + publish(TELEMETRY, SAMPLE % 102, 1))
    assert (await plugs[2].read()).body == b"\0\0"
    await plugs[2].expect(4)

    expected = [SAMPLE % watts for watts in (100, 101, 102)]
    for client in (own, web):
        assert [(await client.message()).payload for _ in expected] == expected
    for listener in listeners:
        async with asyncio.timeout(20):
            out, _ = await listener.communicate()
        assert out.splitlines() == expected
    assert "Traceback" not in house.output()
    for client in (*plugs, own, web):
        await client.close()


async def test_a_page_of_another_website_may_not_connect(house: House) -> None:
    status, _, _, writer = await handshake(house.http_port, headers={"Origin": "http://evil.example"})
    assert status == 403
    writer.close()


async def test_retained_messages_and_sessions_outlive_a_stop(house: House) -> None:
    port = ("-p", str(house.mqtt_port))
    keeping = (*port, "-i", "keeper", "-c", "-q", "1", "-t", "ha/#")
    for tool, arguments in (
        ("mosquitto_pub", (*port, "-t", "ha/kept", "-m", "1", "-q", "1", "-r")),
        ("mosquitto_sub", (*keeping, "-E")),
        ("mosquitto_pub", (*port, "-t", "ha/while-away", "-m", "2", "-q", "1")),
    ):
        process = await mosquitto(tool, house, *arguments)
        await process.communicate()
        assert process.returncode == 0
    await house.stop()
    await house.start()
    async with asyncio.timeout(20):
        while "hub is ready" not in house.output().rpartition("Stopped")[2]:  # HTTP answers a little before
            await asyncio.sleep(0.02)
    process = await mosquitto("mosquitto_sub", house, *keeping, "-C", "3", "-W", "20", "-F", "%r %t %p")
    said, _ = await process.communicate()
    # Its own subscription of the retained message comes last: first what waited for it.
    assert said.decode().splitlines() == ["1 ha/kept 1", "0 ha/while-away 2", "1 ha/kept 1"]


async def test_a_certificate_that_is_missing_is_named(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    files.key.unlink()
    hub = HubProcess(
        f"network:\n  mdns: false\n  mqtt:\n    tls: {{certificate: {files.certificate}, key: {files.key}}}\n",
        folder=tmp_path / "hub",
    )
    with pytest.raises(RuntimeError, match="does not exist") as error:
        await hub.start()
    assert str(files.key) in str(error.value)
    assert "configuration.yaml:4:" in str(error.value)
    await hub.close()


async def test_an_expired_certificate_is_told_and_keeps_nobody_else_away(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, days=-1)
    hub = HubProcess(
        f"network:\n  mdns: false\n  mqtt:\n    tls: {{certificate: {files.certificate}, key: {files.key}, "
        f"port: {free_port()}}}\n",
        folder=tmp_path / "hub",
    )
    await hub.start()
    assert "configuration.yaml:4:" in hub.output()
    assert "expired on" in hub.output()
    await hub.close()
