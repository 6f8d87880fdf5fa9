"""What a broken or hostile plug sends to the running hub: refused, counted, and nobody else notices."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.testing.process import HubProcess
from tests.broker.client import Client, connect

REFUSED = 5
RUN = "00ff00ff00ff00ff"
GOOD = {"voltage": 230.1, "current": 0.5, "power": 115.0, "energy_mwh": 10, "run": RUN, "oldest": 0}
BAD: list[bytes] = [
    b"",
    b"not json",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"voltage":230.1}',
    b'{"current":0.5}',
    b'{"voltage":"230","current":0.5}',
    b'{"voltage":null,"current":0.5}',
    b'{"voltage":NaN,"current":0.5}',
    b'{"voltage":1e999,"current":0.5}',
    b'{"voltage":-1,"current":0.5}',
    b'{"voltage":501,"current":0.5}',
    b'{"voltage":230,"current":101}',
    b'{"voltage":230,"current":1,"power":26000}',
    b'{"voltage":230,"current":1,"energy_mwh":1.5}',
    b'{"voltage":230,"current":1,"energy_mwh":-5}',
    b'{"voltage":230,"current":1,"relay_state":"on"}',
    b'{"voltage":230,"current":1,"channel":-1}',
    b'{"voltage":230,"current":1,"channel":9}',
    b'{"voltage":230,"current":1,"run":"","seq":1}',
    b'{"voltage":230,"current":1,"run":"00","seq":-1,"up":5}',
    b'{"voltage":230,"current":1,"run":"00","seq":1e30,"up":5}',
    b'{"voltage":230,"current":1,"run":7,"seq":1,"up":5}',
    b"[" * 5000,
    b'{"voltage":230,"current":1,"x":"' + b"a" * 100_000 + b'"}',
]
BAD_BATCHES: list[dict[str, Any]] = [
    {},
    {"run": RUN, "seq": 0, "oldest": 0, "up": 0, "dt": 0, "voltage": [1], "current": [1]},
    {"run": RUN, "seq": 0, "oldest": 0, "up": 0, "dt": 1000, "voltage": [1, 2], "current": [1]},
    {"run": RUN, "seq": 0, "oldest": 0, "up": 0, "dt": 1000, "voltage": [230] * 700, "current": [1] * 700},
    {"run": RUN, "seq": "0", "oldest": 0, "up": 0, "dt": 1000, "voltage": [230], "current": [1]},
]


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    hub = HubProcess()
    await hub.start()
    await hub.set_up()
    yield hub
    await hub.close()


async def test_nothing_a_plug_sends_hurts_the_hub_or_its_neighbour(hub: HubProcess) -> None:
    bad_id, bad_secret = await hub.add_plug("bad-plug")
    good_id, good_secret = await hub.add_plug("good-plug")
    bad = await Client.connect(hub.mqtt_port, "bad-plug", "bad-plug", bad_secret)
    good = await Client.connect(hub.mqtt_port, "good-plug", "good-plug", good_secret)
    for payload in BAD:
        await bad.publish("smartplug/bad-plug/telemetry", payload, qos=1)
        await bad.publish("smartplug/bad-plug/telemetry/batch", payload, qos=1)
        await bad.publish("smartplug/bad-plug/status", payload, qos=1)
    for batch in BAD_BATCHES:
        await bad.publish("smartplug/bad-plug/telemetry/batch", json.dumps(batch).encode(), qos=1)
    for topic in ("smartplug/bad-plug/control", "smartplug/good-plug/telemetry", "elsewhere", "smartplug/bad-plug/x"):
        await bad.publish(topic, json.dumps(GOOD).encode(), qos=1)
    await bad.publish("smartplug/bad-plug/telemetry", json.dumps({**GOOD, "seq": 50, "up": 50_000}).encode(), qos=1)
    await good.publish("smartplug/good-plug/telemetry", json.dumps({**GOOD, "seq": 0, "up": 0}).encode(), qos=1)
    for device in (bad_id, good_id):
        shown = await hub.call("GET", f"/devices/{device}")
        assert shown["channels"][0]["live"]["power"] == 115.0, "the good sample after all the bad ones counts"
    assert "Traceback" not in hub.output()
    await bad.disconnect()
    await good.disconnect()


async def test_a_packet_that_is_too_large_ends_its_own_connection_only(hub: HubProcess) -> None:
    _, bad_secret = await hub.add_plug("huge-plug")
    good_id, good_secret = await hub.add_plug("good-plug")
    bad = await Client.connect(hub.mqtt_port, "huge-plug", "huge-plug", bad_secret)
    good = await Client.connect(hub.mqtt_port, "good-plug", "good-plug", good_secret)
    bad.send(b"\x30\xff\xff\xff\x7f" + b"x" * 1000)
    await bad.closed()
    await bad.close()
    await good.publish("smartplug/good-plug/telemetry", json.dumps({**GOOD, "seq": 0, "up": 0}).encode(), qos=1)
    assert (await hub.call("GET", f"/devices/{good_id}"))["channels"][0]["live"]["power"] == 115.0
    await good.disconnect()


async def test_wrong_logins_are_refused_and_leave_the_right_one_alone(hub: HubProcess) -> None:
    device, secret = await hub.add_plug("my-plug")
    plug = await Client.connect(hub.mqtt_port, "my-plug", "my-plug", secret)
    for user, password in (
        ("my-plug", "0" * 64),
        ("my-plug", ""),
        ("my-plug", None),
        (None, None),
        ("nobody", secret),
        ("pair-my-plug", ""),
        ("my-plug", secret.upper() + "x"),
    ):
        stranger = await Client.open(hub.mqtt_port)
        stranger.send(connect("my-plug", user, password))
        assert (await stranger.read()).body[1] == REFUSED
        await stranger.closed()
        await stranger.close()
    await plug.publish("smartplug/my-plug/telemetry", json.dumps({**GOOD, "seq": 0, "up": 0}).encode(), qos=1)
    assert (await hub.call("GET", f"/devices/{device}"))["channels"][0]["live"]["power"] == 115.0
    await plug.disconnect()


async def test_garbage_on_both_ports_leaves_the_hub_answering(hub: HubProcess) -> None:
    for port in (hub.mqtt_port, hub.http_port):
        for data in (
            b"\x00" * 100,
            b"GET / HTTP/9.9\r\n\r\n",
            b"\x10\xff\xff\xff\xff\xff",
            b"\x16\x03\x01\x02\x00" * 50,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 15)
            writer.close()
            await writer.wait_closed()
    assert (await hub.call("GET", "/system/info"))["setup"] == "done"
    assert "Traceback" not in hub.output()
