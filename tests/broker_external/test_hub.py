"""The whole hub and the real firmware with Mosquitto between them: nothing lost, nothing double, everything said."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from firmware.boards.desktop import DesktopPlug
from hub.plugins.contract import SeriesKey
from hub.testing.process import HubProcess
from tests.broker_external.mosquitto import HUB, Certificates, Mosquitto
from tests.faults.archive import read
from tests.faults.test_kill import acknowledged, caught_up, check, holes, listen

INTERVAL_MS = 200


def configuration(mosquitto: Mosquitto, *more: str, password: str = HUB[1], host: str = "127.0.0.1") -> str:
    lines = [
        "network:",
        "  mdns: false",
        "  mqtt:",
        "    external:",
        f"      host: {host}",
        f"      port: {mosquitto.port}",
        f"      username: {HUB[0]}",
        f'      password: "{password}"',
        *(f"      {line}" for line in more),
        "history:",
        "  commit_interval: 1 s",
    ]
    return "\n".join(lines) + "\n"


class Home:
    """Hubs, plugs and what is between them; everything ends with the test."""

    def __init__(self) -> None:
        self._hubs: list[HubProcess] = []
        self._plugs: list[DesktopPlug] = []

    async def hub(self, text: str) -> HubProcess:
        hub = HubProcess(text)
        self._hubs.append(hub)
        await hub.start()
        await hub.set_up()
        return hub

    async def plug(self, hub: HubProcess, mosquitto: Mosquitto, name: str, **more: Any) -> tuple[str, DesktopPlug]:
        """Added to the hub, with its login at the broker, and running."""
        added = await hub.call("POST", "/devices", {"hardware_id": name, "name": name})
        if added["broker_lines"] is not None:
            mosquitto.add(added["broker_lines"]["password"], added["broker_lines"]["rules"])
            await mosquitto.reload()
        device = added["device"]["id"]
        await hub.call("PATCH", f"/devices/{device}", {"interval_ms": INTERVAL_MS})
        return device, await self.power_on(mosquitto, name, added["secret"], **more)

    async def power_on(self, mosquitto: Mosquitto, name: str, secret: str, *, tls: Any = None) -> DesktopPlug:
        plug = DesktopPlug(
            "127.0.0.1" if tls is None else "localhost",
            mosquitto.port,
            name,
            secret,
            interval_ms=INTERVAL_MS,
            ring_samples=20_000,
            backoff_max_ms=300,
        )
        plug.settings.tls = tls
        self._plugs.append(plug)
        await plug.start()
        for outlet in plug.plug.outlets:
            listen(outlet)
        await asyncio.wait_for(plug.wait_online(), 20)
        return plug

    async def close(self) -> None:
        for plug in self._plugs:
            await plug.stop()
        for hub in self._hubs:
            await hub.close()


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    made = Home()
    yield made
    await made.close()


async def until(hub: HubProcess, path: str, condition: Callable[[Any], Any]) -> Any:
    """Ask the API until its answer is so."""
    async with asyncio.timeout(30):
        while not condition(answer := await hub.call("GET", path)):
            await asyncio.sleep(0.05)
    return answer


async def problems(hub: HubProcess, condition: Callable[[list[str]], Any]) -> dict[str, str]:
    """The problems that an admin sees, once they are so."""

    answer = await until(hub, "/system/problems", lambda answer: condition([p["id"] for p in answer["items"]]))
    return {problem["id"]: problem["detail"] for problem in answer["items"]}


async def switch(hub: HubProcess, device: str, command: str) -> Any:
    """Send it until the plug is there for it."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await hub.call("POST", f"/devices/{device}/command", {"command": command})
            except RuntimeError as error:
                if "device-offline" not in str(error):
                    raise
                await asyncio.sleep(0.05)


async def test_kills_of_the_hub_and_restarts_of_the_broker_lose_nothing(
    home: Home, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    hub = await home.hub(configuration(mosquitto))
    device, plug = await home.plug(hub, mosquitto, "plug-one")
    plug.meters[0].watts = 500
    assert (await switch(hub, device, "relay_off"))["state"] == "confirmed"
    assert (await switch(hub, device, "relay_on"))["on"] is True
    # Only the hub's own connection breaks: somebody takes its client id for a moment.
    await caught_up([plug])
    before = mosquitto.log().count(f"as {plug.plug.hub} (p5")
    await mosquitto.run("mosquitto_sub", "-i", plug.plug.hub, "-t", "nothing", "-E")
    async with asyncio.timeout(20):
        while mosquitto.log().count(f"as {plug.plug.hub} (p5") == before:
            await asyncio.sleep(0.05)
    await caught_up([plug])
    for number in range(2):
        await asyncio.sleep(1.2)  # some samples are committed, some are not
        if number == 1:
            await mosquitto.stop()
            await asyncio.sleep(0.5)
            await mosquitto.start()
        await hub.kill()
        promised = acknowledged(plug, 0)
        archive = await read(hub.data, tmp_path / f"kill-{number}")
        there = {seq for run, seq in archive.samples.get(SeriesKey(device, 0), ()) if run == plug.run_id}
        assert set(range(promised + 1)) <= there, "an acknowledged sample is not on the disk"
        await asyncio.sleep(0.4)  # some are measured with no hub
        await hub.start()
    await caught_up([plug])
    assert (await switch(hub, device, "relay_off"))["state"] == "confirmed"
    run = plug.run_id
    await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "end")
    series = SeriesKey(device, 0)
    measured = {place: values for place, values in plug.measured().items() if place in archive.settled[series]}
    assert len(measured) > 15
    check(archive, series, measured)
    assert holes(archive, series) == []
    assert {place[0] for place in archive.samples[series]} == {run}
    assert "Traceback" not in hub.output()


async def test_the_hub_runs_while_the_broker_is_away(home: Home, mosquitto: Mosquitto) -> None:
    await mosquitto.stop()
    hub = await home.hub(configuration(mosquitto))
    said = await problems(hub, lambda found: found)
    assert str(mosquitto.port) in said["external-broker-unreachable"]
    await mosquitto.start()
    await problems(hub, lambda found: not found)
    device, plug = await home.plug(hub, mosquitto, "plug-one")
    await until(hub, f"/devices/{device}", lambda answer: answer["online"])
    await plug.power_cut()
    answer = await until(hub, f"/devices/{device}", lambda answer: not answer["online"])
    assert answer["channels"][0]["on"] is True
    with pytest.raises(RuntimeError, match="device-offline"):
        await hub.call("POST", f"/devices/{device}/command", {"command": "relay_off"})


async def test_a_wrong_password_is_an_admins_problem_and_in_no_log(home: Home, mosquitto: Mosquitto) -> None:
    hub = await home.hub(configuration(mosquitto, password="not the right one"))
    said = await problems(hub, lambda found: found)
    assert "“hub”" in said["external-broker-login"]
    assert "not the right one" not in hub.output()


async def test_tls_from_plug_to_hub(home: Home, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    mosquitto = Mosquitto(tmp_path, tls=certificates)
    await mosquitto.start()
    try:
        hub = await home.hub(configuration(mosquitto, "tls:", f"  ca: {certificates.ca}", host="localhost"))
        context = ssl.create_default_context(cafile=str(certificates.ca))
        device, plug = await home.plug(hub, mosquitto, "plug-one", tls=context)
        assert (await switch(hub, device, "relay_off"))["state"] == "confirmed"
        await caught_up([plug])
    finally:
        await mosquitto.stop()


async def test_two_hubs_on_one_broker_keep_to_their_own_plugs(home: Home, mosquitto: Mosquitto, tmp_path: Path) -> None:
    first, second = await home.hub(configuration(mosquitto)), await home.hub(configuration(mosquitto))
    _, plug = await home.plug(first, mosquitto, "plug-one")
    await caught_up([plug])
    # The second one knows the plug as well, and acknowledges it: the plug belongs to the first.
    copied, _ = await second.add_plug("plug-one")
    await second.call("PATCH", f"/devices/{copied}", {"interval_ms": INTERVAL_MS})
    theirs = plug.plug.hub
    acks = mosquitto.log().count("'smartplug/plug-one/ack'")
    await caught_up([plug])
    async with asyncio.timeout(20):
        while mosquitto.log().count("'smartplug/plug-one/ack'") < acks + 8:
            await asyncio.sleep(0.1)
    assert plug.plug.hub == theirs
    for hub in (first, second):
        assert await problems(hub, lambda found: True) == {}
    await first.kill()
    kept = await read(first.data, tmp_path / "first")
    (durable,) = (max(seq for _, seq in samples) for samples in kept.samples.values())
    seen = plug.plug.outlets[0].ring.next
    async with asyncio.timeout(20):  # several samples and acks of the other hub later
        while plug.plug.outlets[0].ring.next < seen + 15:
            await asyncio.sleep(0.1)
    assert acknowledged(plug, 0) <= durable, "an ack of the other hub counted"


async def test_the_plug_itself_refuses_what_comes_too_late_or_was_kept(home: Home, mosquitto: Mosquitto) -> None:
    hub = await home.hub(configuration(mosquitto))
    device, plug = await home.plug(hub, mosquitto, "plug-one")
    await caught_up([plug])  # an ack brought the time
    answers = asyncio.create_task(
        mosquitto.run("mosquitto_sub", "-t", "smartplug/plug-one/status", "-q", "1", "-C", "2", "-W", "15")
    )
    async with asyncio.timeout(10):
        while "smartplug/plug-one/status (QoS 1)" not in mosquitto.log():
            await asyncio.sleep(0.02)
    late = {"command": "relay_off", "id": "c-late", "expires": 1_700_000_000_000}
    await mosquitto.publish("smartplug/plug-one/control", json.dumps(late))
    code, said = await answers
    assert code == 0, said
    answer = json.loads(said.splitlines()[-1])
    assert (answer["id"], answer["error"], answer["status"]) == ("c-late", "late", "on")
    kept = {"command": "relay_off", "id": "c-kept"}
    await plug.power_cut()
    await mosquitto.publish("smartplug/plug-one/control", json.dumps(kept), "-r")
    await plug.start()
    for outlet in plug.plug.outlets:
        listen(outlet)
    await asyncio.wait_for(plug.wait_online(), 20)
    await caught_up([plug])
    assert plug.meters[0].on
    assert (await until(hub, f"/devices/{device}", lambda answer: answer["online"]))["channels"][0]["on"] is True


async def test_dynamic_security_from_adding_a_plug_to_its_end(home: Home, dynamic: Mosquitto) -> None:
    hub = await home.hub(configuration(dynamic, "dynamic_security: true"))
    device, plug = await home.plug(hub, dynamic, "plug-one")
    await caught_up([plug])
    assert (await switch(hub, device, "relay_off"))["state"] == "confirmed"
    client = await hub.call("POST", "/mqtt-clients", {"name": "panel", "read": ["smartplug/#"], "write": []})
    assert client["broker_lines"] is None
    login = ("panel", client["secret"])
    async with asyncio.timeout(20):
        while True:
            code, said = await dynamic.run(
                "mosquitto_sub", "-t", "smartplug/+/telemetry", "-C", "1", "-W", "5", login=login
            )
            if code == 0:
                break
    assert json.loads(said)["run"] == plug.run_id
    renewed = await hub.call("POST", f"/devices/{device}/secret")
    async with asyncio.timeout(20):
        while plug.online:
            await asyncio.sleep(0.02)
    await plug.stop()
    again = await home.power_on(dynamic, "plug-one", renewed["secret"])
    await caught_up([again])
    await hub.call("DELETE", f"/devices/{device}")
    async with asyncio.timeout(20):
        while again.online:
            await asyncio.sleep(0.02)
    await hub.call("DELETE", "/mqtt-clients/panel")
    async with asyncio.timeout(20):
        while "panel" in (clients := await dynamic.control("listClients")):
            await asyncio.sleep(0.05)
    assert "plug-one" not in clients
    _, said = await dynamic.run("mosquitto_sub", "-t", "smartplug/plug-one/+", "-v", "-W", "1", login=HUB)
    assert "smartplug/plug-one" not in said, "something is still retained of a plug that was removed"
    for secret in (client["secret"], renewed["secret"]):
        assert secret not in hub.output()
    assert await problems(hub, lambda found: True) == {}
