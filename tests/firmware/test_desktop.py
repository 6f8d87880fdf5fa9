"""The firmware inside a CPython process: what the demo, the hub's tests and the benchmarks use."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from firmware.boards.desktop import DesktopPlug
from firmware.boards.recording import RecordedMeter, Recording, appliances
from tests.firmware.device.model_hub import ModelHub
from tests.firmware.mqtt_broker import Broker

ROOT = "smartplug/plug-1/"


@pytest.fixture
async def desktop(broker: Broker) -> AsyncIterator[DesktopPlug]:
    plug = DesktopPlug("127.0.0.1", broker.port, "plug-1", "secret", interval_ms=20, backoff_max_ms=200)
    await plug.start()
    async with asyncio.timeout(20):
        await plug.wait_online()
    yield plug
    await plug.stop()


async def sample(broker: Broker, wanted) -> dict:
    """The first live sample for which wanted(values) holds."""

    def newest() -> dict | None:
        if not broker.on("telemetry"):
            return None
        values = json.loads(broker.on("telemetry")[-1].payload)
        return values if wanted(values) else None

    return await broker.until(newest)


async def test_it_measures_what_it_is_told(desktop: DesktopPlug, broker: Broker) -> None:
    desktop.meters[0].watts = 1234
    await sample(broker, lambda values: values["power"] == 1234)
    await broker.connections[-1].publish(ROOT + "control", b'{"command":"relay_off","id":"c"}', qos=1)
    await sample(broker, lambda values: values["power"] == 0 and not values["relay_state"])


async def test_measured_tells_what_the_ring_holds(desktop: DesktopPlug, broker: Broker) -> None:
    values = await sample(broker, lambda values: values["seq"] > 5)
    up, voltage, current, power, energy, relay = desktop.measured()[values["run"], values["seq"]]
    assert up == values["up"] and energy == values["energy_mwh"] and relay is values["relay_state"]
    assert (voltage, current, power) == (values["voltage"], values["current"], values["power"])


async def test_a_power_cut_takes_ring_and_counter(desktop: DesktopPlug, broker: Broker) -> None:
    desktop.meters[0].watts = 3600
    first = desktop.run_id
    before = (await sample(broker, lambda values: values["energy_mwh"] > 2000))["energy_mwh"]
    connection = broker.connections[-1]
    await desktop.power_cut()
    assert not desktop.online and not connection.clean
    await desktop.start()
    values = await sample(broker, lambda values: values["run"] != first)
    assert values["oldest"] == 0 and values["energy_mwh"] < before
    assert json.loads(broker.on("status")[-1].payload)["reason"] == "power_on"
    assert {run for run, _ in desktop.measured()} == {first, desktop.run_id}


async def test_a_watchdog_reset_keeps_the_counter(desktop: DesktopPlug, broker: Broker) -> None:
    desktop.meters[0].watts = 3600
    first = desktop.run_id
    before = (await sample(broker, lambda values: values["energy_mwh"] > 100))["energy_mwh"]
    await desktop.watchdog_reset()
    values = await sample(broker, lambda values: values["run"] != first)
    assert values["energy_mwh"] >= before
    assert json.loads(broker.on("status")[-1].payload)["reason"] == "watchdog"


async def test_reboot_starts_a_new_run(desktop: DesktopPlug, broker: Broker) -> None:
    first = desktop.run_id
    await broker.connections[-1].publish(ROOT + "control", b'{"command":"reboot","id":"c"}', qos=1)
    await sample(broker, lambda values: values["run"] != first)
    assert json.loads(broker.on("status")[-1].payload)["reason"] == "software"


async def test_without_network_it_measures_on_and_replays(desktop: DesktopPlug, broker: Broker) -> None:
    hub = ModelHub()
    broker.on_message = lambda _, message: hub.message(message.topic[len(ROOT) :], message.payload)
    desktop.cut_network()
    ring = desktop.plug.outlets[0].ring
    target = ring.next + 50
    async with asyncio.timeout(20):
        while ring.next < target:
            await asyncio.sleep(0.02)
    assert not desktop.online
    desktop.restore_network()
    count = len(broker.on("status"))
    await broker.until(lambda: len(broker.on("status")) > count)
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(desktop.run_id))
    await broker.until(lambda: broker.on("telemetry/batch"))
    newest = ring.next
    await broker.until(lambda: hub.received(desktop.run_id, 0, newest))
    hub.commit()
    seq, seen = hub.acknowledged((desktop.run_id, 0))
    assert seq == seen >= newest


async def test_the_broker_is_asked_for_before_each_connection(broker: Broker) -> None:
    answers = [("127.0.0.1", 1, "x"), OSError("no hub yet"), ("127.0.0.1", broker.port, "new secret")]

    def ask() -> tuple[str, int, str]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    plug = DesktopPlug("", 0, "plug-1", "", interval_ms=20, backoff_max_ms=100, broker=ask)
    await plug.start()
    try:
        await broker.until(lambda: broker.connections)
        hello = broker.connections[0].hello
        assert hello is not None and hello.password == "new secret"
    finally:
        await plug.stop()


def test_five_appliances() -> None:
    assert appliances() == ["BeanToCupCoffeemaker", "PC-Desktop", "Refrigerator", "TV-LCD", "Washingmachine"]


@pytest.mark.parametrize("appliance", appliances())
def test_a_recorded_meter(appliance: str) -> None:
    second = 0
    recording = Recording(appliance)
    meter = RecordedMeter(recording, "seed", lambda: second)
    peak = 0
    for second in range(0, 86_400, 7):
        millivolts, microamperes, milliwatts = meter.read()
        assert 220_000 < millivolts < 240_000
        assert abs(milliwatts - recording.watts(second) * 1000) <= 500 + 20 * recording.watts(second)
        assert abs(microamperes * millivolts / 1e6 - milliwatts) < 130
        peak = max(peak, milliwatts)
    assert peak > 90_000
    meter.on = False
    assert meter.read()[1:] == (0, 0)


def test_some_appliance_is_at_work_at_any_hour() -> None:
    recordings = [Recording(appliance) for appliance in appliances()]
    for hour in range(24):
        spans = []
        for recording in recordings:
            watts = [recording.watts(hour * 3600 + second) for second in range(0, 3600, 10)]
            spans.append(max(watts) - min(watts))
        assert sum(span > 30 for span in spans) >= 2, (hour, spans)
