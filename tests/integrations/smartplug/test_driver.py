"""The device contract on the wire: good payloads, bad ones with a place, batches judged sample by sample."""

import json
import math
from typing import Any

import msgspec
import pytest

from hub.plugins import Batch, Command, PayloadError, Sample, Settings, Status
from integrations.devices.smartplug.driver import MOST_IN_A_BATCH, SmartplugDriver


@pytest.fixture
def driver() -> SmartplugDriver:
    return SmartplugDriver()


def decode(driver: SmartplugDriver, suffix: str, body: Any) -> Any:
    return driver.decode(suffix, body if isinstance(body, bytes) else msgspec.json.encode(body))


def test_two_numbers_are_enough(driver: SmartplugDriver) -> None:
    sample = decode(driver, "telemetry", {"voltage": 120.2, "current": 0.5})
    assert sample == Sample(voltage=120.2, current=0.5)


def test_everything_that_the_contract_names_is_read(driver: SmartplugDriver) -> None:
    body = {
        "voltage": 230.1,
        "current": 0.5,
        "power": 100.0,
        "energy_mwh": 123456789012,
        "export_mwh": 5,
        "relay_state": True,
        "power_factor": 0.87,
        "frequency": 50.01,
        "temperature": 31.5,
        "channel": 1,
        "run": "00ff00ff00ff00ff",
        "seq": 7,
        "oldest": 3,
        "up": 7000,
        "ts": 1_700_000_000_000,
        "something_new": {"a": [1]},
    }
    sample = decode(driver, "telemetry", body)
    del body["something_new"]
    assert {name: getattr(sample, name) for name in body} == body


@pytest.mark.parametrize("value", ["null", "nan", "NaN", "-inf", "Infinity"])
def test_a_reading_that_is_no_number_keeps_its_place(driver: SmartplugDriver, value: str) -> None:
    body = f'{{"run":"r1","seq":9,"up":9000,"oldest":2,"channel":1,"voltage":{value},"current":1.0}}'
    with pytest.raises(PayloadError) as refused:
        decode(driver, "telemetry", body.encode())
    assert refused.value.place == Sample(run="r1", seq=9, up=9000, oldest=2, channel=1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "json"),
        (b"\xff\xfe", "json"),
        (b"{", "json"),
        (b"[" * 10_000, "json"),
        (b"[" * 100_000, "size"),
        (b"[]", "type"),
        (b'{"voltage":"230","current":1}', "type"),
        (b'{"current":1}', "missing"),
        (b'{"voltage":230,"current":1,"energy_mwh":1.5}', "type"),
        (b'{"voltage":1e999,"current":1}', "json"),
    ],
)
def test_what_cannot_be_used_says_why(driver: SmartplugDriver, body: bytes, reason: str) -> None:
    with pytest.raises(PayloadError) as refused:
        driver.decode("telemetry", body)
    assert refused.value.reason in (reason, "type")
    assert refused.value.place is None


def test_a_wrong_type_keeps_its_place(driver: SmartplugDriver) -> None:
    with pytest.raises(PayloadError) as refused:
        decode(driver, "telemetry", {"voltage": "high", "current": 1, "run": "r", "seq": 4})
    assert refused.value.place == Sample(run="r", seq=4)


def test_other_topics_are_none_of_its_business(driver: SmartplugDriver) -> None:
    assert decode(driver, "pair", {"nonce_p": "x"}) is None
    assert driver.decode("status", b"") is None


def batch(**fields: Any) -> dict[str, Any]:
    known = {"run": "r", "seq": 100, "oldest": 90, "up": 100_000, "dt": 1000, "channel": 1}
    return known | {"voltage": [230.0, 231.0, 232.0], "current": [1.0, 1.1, 1.2]} | fields


def test_a_batch_becomes_samples_with_their_places(driver: SmartplugDriver) -> None:
    decoded = decode(driver, "telemetry/batch", batch(power=[1.0, None, 3.0], relay_state=[True, False, None], ts=5000))
    assert isinstance(decoded, Batch)
    assert [(s.seq, s.up, s.ts, s.voltage, s.power, s.relay_state) for s in decoded.samples] == [
        (100, 100_000, 5000, 230.0, 1.0, True),
        (101, 101_000, 6000, 231.0, None, False),
        (102, 102_000, 7000, 232.0, 3.0, None),
    ]
    assert {(s.run, s.channel, s.oldest) for s in decoded.samples} == {("r", 1, 90)}
    assert decoded.rejected == []


def test_each_sample_of_a_batch_is_judged_on_its_own(driver: SmartplugDriver) -> None:
    decoded = decode(driver, "telemetry/batch", batch(voltage=[230.0, None, 232.0]))
    assert [s.seq for s in decoded.samples] == [100, 102]
    assert [(s.seq, why) for s, why in decoded.rejected] == [(101, "missing")]
    decoded = decode(driver, "telemetry/batch", batch(voltage=[230.0, "x", 232.0], energy_mwh=[1, 2, 3.5]))
    assert [s.seq for s in decoded.samples] == [100]
    assert [(s.seq, s.run, s.channel, why) for s, why in decoded.rejected] == [
        (101, "r", 1, "type"),
        (102, "r", 1, "type"),
    ]
    nan = json.dumps(batch(voltage=[math.nan, 231.0, 232.0])).encode()
    decoded = driver.decode("telemetry/batch", nan)
    assert isinstance(decoded, Batch)
    assert [s.seq for s in decoded.samples] == [101, 102]
    assert [(s.seq, why) for s, why in decoded.rejected] == [(100, "missing")]


@pytest.mark.parametrize(
    "fields",
    [
        {"current": [1.0]},
        {"power": [1.0, 2.0]},
        {"voltage": [1.0] * (MOST_IN_A_BATCH + 1), "current": [1.0] * (MOST_IN_A_BATCH + 1)},
        {"dt": -1},
        {"seq": "x"},
        {"voltage": 230},
    ],
)
def test_what_is_no_batch_is_refused_whole(driver: SmartplugDriver, fields: dict[str, Any]) -> None:
    body = batch(**fields)
    if fields.get("voltage") == 230:
        del body["current"]
    with pytest.raises(PayloadError):
        decode(driver, "telemetry/batch", body)


def test_status_of_one_outlet_and_of_several(driver: SmartplugDriver) -> None:
    body = {"status": "on", "id": "c-42", "firmware": "1.2.0", "rssi": -61, "uptime": 321, "run": "r", "oldest": 900}
    status = decode(driver, "status", body | {"buffer_s": 3600, "reason": "power_on"})
    assert status == Status(True, {0: True}, {0: 900}, "c-42", None, "1.2.0", -61, 321, "r", "power_on", 3600)
    channels = {"0": {"on": True, "oldest": 900}, "1": {"on": False, "oldest": 5}}
    status = decode(driver, "status", {"status": "off", "channels": channels, "error": "late"})
    assert (status.relays, status.oldest, status.error) == ({0: True, 1: False}, {0: 900, 1: 5}, "late")
    will = decode(driver, "status", {"status": "offline"})
    assert (will.online, will.relays) == (False, {})
    for bad in ({"status": "maybe"}, {}, {"status": 1}):
        with pytest.raises(PayloadError):
            decode(driver, "status", bad)


def test_what_is_sent_to_a_plug(driver: SmartplugDriver) -> None:
    command = driver.encode_command(Command("c-1", "configure", 1, 5000, {"interval_ms": 500}))
    assert (command.suffix, command.qos, command.retain) == ("control", 1, False)
    body = json.loads(command.payload)
    assert body == {"command": "configure", "id": "c-1", "channel": 1, "expires": 5000, "interval_ms": 500}
    assert "expires" not in json.loads(driver.encode_command(Command("c-1", "relay_on")).payload)
    settings = driver.encode_settings(Settings("Kettle", 1000, "Europe/Berlin", True, {0: {"max_power_w": 2300}}))
    assert (settings.suffix, settings.retain) == ("config", True)
    assert json.loads(settings.payload)["channels"] == {"0": {"max_power_w": 2300}}
    slow = driver.encode_settings(Settings("Socket", 3_600_000, "Europe/Berlin", True, {}))
    assert json.loads(slow.payload)["interval_ms"] == 60_000, "more than a plug takes is for devices that are not told"
    ack = driver.encode_ack({"hub": "h", "session": "s", "acks": []})
    assert ack is not None
    assert (ack.suffix, ack.qos, ack.retain) == ("ack", 0, False)


def test_a_plug_on_the_network_is_recognised(driver: SmartplugDriver) -> None:
    assert driver.found("x", {"hardware_id": "plug-9", "model": "P1"}) == ("plug-9", "P1")
    assert driver.found("x", {"vendor": "other"}) is None
