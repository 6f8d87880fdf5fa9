"""The plug on the wire: login, will, pings, reconnect, pace of the replay, and what a bad broker cannot do to it."""

import asyncio
import itertools
import json
from pathlib import Path

from tests.firmware.conftest import PlugProcess
from tests.firmware.device.model_hub import ModelHub
from tests.firmware.mqtt_broker import Broker, Connection, Message

ROOT = "smartplug/test-plug/"


def seqs(broker: Broker, channel: int = 0) -> list[int]:
    """Of the live samples, in the order of their arrival."""
    samples = [json.loads(message.payload) for message in broker.on("telemetry")]
    return [sample["seq"] for sample in samples if sample.get("channel", 0) == channel]


async def online(broker: Broker) -> Connection:
    """The connection of a plug whose first status has come."""
    await broker.until(lambda: broker.connections and broker.on("status"))
    return broker.connections[-1]


async def run_of(broker: Broker) -> str:
    message = (await broker.until(lambda: broker.on("status")))[0]
    return str(json.loads(message.payload)["run"])


async def test_login_will_and_first_messages(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port)
    await broker.until(lambda: len(broker.on("telemetry")) >= 5)
    connection = broker.connections[0]
    hello = connection.hello
    assert hello is not None
    assert (hello.client_id, hello.user, hello.password) == ("test-plug", "test-plug", "the secret")
    assert hello.flags == 0xEE  # login, will retained with QoS 1, clean session
    assert hello.will_topic == ROOT + "status"
    assert json.loads(hello.will)["status"] == "offline"
    assert sorted(connection.subscriptions) == [(ROOT + "ack", 0), (ROOT + "config", 1), (ROOT + "control", 1)]
    status = broker.messages[0]
    assert (status.topic, status.qos, status.retained) == (ROOT + "status", 1, True)
    values = json.loads(status.payload)
    assert values["status"] == "on" and values["reason"] == "power_on" and values["firmware"]
    assert values["run"] == json.loads(hello.will)["run"]
    sample = json.loads(broker.on("telemetry")[0].payload)
    assert sample["run"] == values["run"] and sample["voltage"] == 230 and sample["power"] == 230
    assert broker.on("telemetry")[0].qos == 0
    assert all(b - a == 1 for a, b in itertools.pairwise(seqs(broker)))


async def test_a_command_is_confirmed_with_its_id(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port)
    connection = await online(broker)
    await connection.publish(ROOT + "control", b'{"command":"relay_off","id":"c-1"}', qos=1)
    await broker.until(lambda: len(broker.on("status")) >= 2)
    values = json.loads(broker.on("status")[1].payload)
    assert (values["status"], values["id"]) == ("off", "c-1")
    assert connection.pubacks == [1]
    off = b'"relay_state":false'
    await broker.until(lambda: broker.on("telemetry") and off in broker.on("telemetry")[-1].payload)
    assert json.loads(broker.on("telemetry")[-1].payload)["power"] == 0


async def test_garbage_does_not_stop_it(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port)
    connection = await online(broker)
    for suffix in ("control", "config", "ack", "unheard", ""):
        for payload in (b"", b"{", b"\xff\xfe", b"[[[[", b'{"acks":7,"hub":"x","session":"y"}', b"x" * 3000):
            await connection.publish(ROOT + suffix, payload, qos=len(payload) % 2)
    await connection.publish("somebody/else", b"{}")
    await connection.publish(ROOT + "config", b"y" * 100_000)  # more than it takes, and more than it may keep in RAM
    await connection.publish(ROOT + "control", b'{"command":"relay_off","id":"after"}', qos=1)
    await broker.until(lambda: len(broker.on("status")) >= 2)
    assert json.loads(broker.on("status")[-1].payload)["id"] == "after"
    assert broker.connections == [connection]


async def test_malformed_packets_end_the_connection_not_the_plug(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port, backoff_max_ms=100)
    packets = (b"\x30\xff\xff\xff\xff\x01", b"\x30\x05\x00\x20ab", b"\x10\x00", b"\x00\x00", b"\x32\x03\x00\x01a")
    for packet in packets:
        connection = await broker.until(lambda: broker.connections and broker.connections[-1])
        count = len(broker.connections)
        await connection.send(packet)
        await broker.until(lambda count=count: len(broker.connections) > count)
    count = len(broker.messages)
    await broker.until(lambda: len(broker.messages) > count + 3)


async def test_packets_that_come_byte_by_byte(plug: PlugProcess, broker: Broker) -> None:
    broker.faults.drip = True
    await plug.start(port=broker.port)
    connection = await online(broker)
    await connection.publish(ROOT + "control", b'{"command":"relay_off","id":"c-1"}', qos=1)
    await broker.until(lambda: len(broker.on("status")) >= 2)
    assert json.loads(broker.on("status")[1].payload)["id"] == "c-1"


async def test_a_refused_login_is_tried_again(plug: PlugProcess, broker: Broker) -> None:
    broker.faults.refuse = 5
    await plug.start(port=broker.port)
    await broker.until(lambda: broker.connects >= 2)
    assert any("login refused" in line for line in plug.log)
    broker.faults.refuse = 0
    await online(broker)


async def test_a_broker_that_dies_is_found_again_and_the_ring_is_replayed(plug: PlugProcess, broker: Broker) -> None:
    hub = ModelHub()
    broker.on_message = lambda _, message: hub.message(message.topic[len(ROOT) :], message.payload)
    await plug.start(port=broker.port, backoff_max_ms=300)
    run = await run_of(broker)
    await broker.until(lambda: len(seqs(broker)) >= 20)
    hub.commit()
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(run))
    await broker.until(lambda: len(seqs(broker)) >= 30)
    await broker.stop()
    before = seqs(broker)[-1]
    hub.restart()  # what was not committed is lost
    await asyncio.sleep(1)  # an outage has a length
    await broker.start()
    count = len(broker.connections)
    await broker.until(lambda: len(broker.connections) > count and len(broker.on("status")) >= 2)
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(run))
    await broker.until(lambda: broker.on("telemetry/batch"))
    await broker.until(lambda: seqs(broker)[-1] > before)
    newest = seqs(broker)[-1]
    await broker.until(lambda: hub.received(run, 0, newest))
    hub.commit()
    seq, seen = hub.acknowledged((run, 0))
    assert seq == seen >= newest
    assert set(hub.rows.values()) == {1}


async def test_a_hole_is_filled(plug: PlugProcess, broker: Broker) -> None:
    hub = ModelHub()
    lost = {7, 8, 9, 15}

    def deliver(_: Connection, message: Message) -> None:
        if message.topic.endswith("/telemetry") and json.loads(message.payload)["seq"] in lost:
            return
        hub.message(message.topic[len(ROOT) :], message.payload)

    broker.on_message = deliver
    await plug.start(port=broker.port)
    run = await run_of(broker)
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(run))  # the session; nothing is missing yet
    await broker.until(lambda: 20 in seqs(broker))
    hub.commit()
    assert hub.acknowledged((run, 0))[0] < 7
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(run))
    await broker.until(lambda: hub.received(run, 0, 20))
    hub.commit()
    seq, seen = hub.acknowledged((run, 0))
    assert seq == seen >= 20


async def test_pace_of_a_replay(plug: PlugProcess, broker: Broker) -> None:
    hub = ModelHub()
    await plug.start(port=broker.port, interval_ms=5, outlets=2)
    run = await run_of(broker)
    await broker.until(lambda: len(seqs(broker)) >= 400)
    begun = len(broker.messages)
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(run, 2))
    await broker.until(lambda: len(broker.on("telemetry/batch")) >= 6)
    batches = broker.on("telemetry/batch")
    # By the plug's own clock, which the live sample before each batch tells: four a second are 1,250 ms for five steps.
    moments = []
    for message in broker.messages:
        if message.topic.endswith("/telemetry"):
            up = json.loads(message.payload)["up"]
        elif message.topic.endswith("/batch"):
            moments.append(up)
    assert moments[5] - moments[0] >= 1100, moments
    values = [json.loads(batch.payload) for batch in batches]
    assert max(len(value["voltage"]) for value in values) <= 120
    assert {value.get("channel", 0) for value in values} == {0, 1}
    assert all(batch.qos == 1 for batch in batches)
    kinds = [message.topic.rsplit("/", 1)[1] for message in broker.messages[begun:]]
    assert "batch batch" not in " ".join(kinds)  # live samples go out between any two
    for channel in (0, 1):
        got = seqs(broker, channel)
        assert got == list(range(got[0], got[0] + len(got)))


async def test_one_batch_in_flight(plug: PlugProcess, broker: Broker) -> None:
    hub = ModelHub()
    await plug.start(port=broker.port, interval_ms=5)
    run = await run_of(broker)
    await broker.until(lambda: len(seqs(broker)) >= 300)
    broker.faults.withhold_pubacks = True
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(run))
    await broker.until(lambda: broker.on("telemetry/batch"))
    newest = seqs(broker)[-1]
    await broker.until(lambda: seqs(broker)[-1] > newest + 200)  # a second of live samples
    assert len(broker.on("telemetry/batch")) == 1


async def test_a_puback_that_never_comes_ends_the_connection(plug: PlugProcess, broker: Broker) -> None:
    broker.faults.withhold_pubacks = True
    await plug.start(port=broker.port, keepalive_s=1, answer_ms=1000, backoff_max_ms=100)
    await broker.until(lambda: len(broker.connections) >= 2)
    assert any("no acknowledgement" in line for line in plug.log)


async def test_it_waits_a_random_time_before_a_replay(plug: PlugProcess, broker: Broker) -> None:
    hub = ModelHub()
    await plug.start(port=broker.port, interval_ms=20, replay_wait_ms=60_000_000)
    run = await run_of(broker)
    await broker.connections[-1].publish(ROOT + "ack", hub.ack(run))
    await broker.until(lambda: len(seqs(broker)) >= 50)
    assert not broker.on("telemetry/batch")  # one in 30,000 waits for less than two seconds


async def test_a_silent_broker_is_left(plug: PlugProcess, broker: Broker) -> None:
    broker.faults.answer_pings = False
    await plug.start(port=broker.port, keepalive_s=1)
    await broker.until(lambda: len(broker.connections) >= 2)
    assert any("silent" in line for line in plug.log)


async def test_pings_keep_a_connection(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port, keepalive_s=1, interval_ms=1000)
    connection = await online(broker)
    await broker.until(lambda: connection.pings >= 5)
    assert broker.connections == [connection]


async def test_overload_cuts_and_tells(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port, outlets=2, events=[[1500, "watts", 1, 3000]])
    connection = await online(broker)
    await connection.publish(ROOT + "config", b'{"channels":{"1":{"max_power_w":2300}}}', qos=1, retained=True)
    await broker.until(lambda: len(broker.on("status")) >= 2)
    values = json.loads(broker.on("status")[-1].payload)
    assert (values["error"], values["status"]) == ("overload", "on")
    assert values["channels"]["0"]["on"] is True and values["channels"]["1"]["on"] is False
    assert "id" not in values


async def test_a_broken_meter_sends_null(plug: PlugProcess, broker: Broker) -> None:
    for what in ("nan", "broken"):
        broker.messages.clear()
        await plug.start(port=broker.port, events=[[500, what, 0]])
        await broker.until(lambda: any(b'"power":null' in message.payload for message in broker.on("telemetry")))
        last = json.loads(broker.on("telemetry")[-1].payload)
        assert (last["voltage"], last["current"], last["power"]) == (None, None, None)
        assert isinstance(last["energy_mwh"], int) and last["relay_state"] is True
        await plug.kill()


async def test_the_button_switches_and_tells(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port, events=[[800, "button", True], [300, "button", False]])
    await broker.until(lambda: len(broker.on("status")) >= 2)
    assert json.loads(broker.on("status")[1].payload)["status"] == "off"


async def test_it_says_goodbye(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port, events=[[800, "end"]])
    connection = await online(broker)
    assert await plug.wait() == 0
    await broker.until(lambda: connection.clean)


async def test_reboot_after_the_answer(plug: PlugProcess, broker: Broker) -> None:
    await plug.start(port=broker.port, events=[[1500, "end"]])
    connection = await online(broker)
    await connection.publish(ROOT + "control", b'{"command":"reboot","id":"c-9"}', qos=1)
    await broker.until(lambda: len(broker.on("status")) >= 2)
    assert json.loads(broker.on("status")[1].payload)["id"] == "c-9"
    assert await plug.wait() == 0
    assert int(plug.log[-1].removeprefix("resets ")) > 0


async def test_a_full_ring_and_a_replay_fit_into_little_memory(broker: Broker) -> None:
    """64-bit MicroPython needs twice an ESP32's memory for everything but the ring, and holds the compiled firmware,
    which an ESP32 may keep in flash: 320 KB here are about 160 KB there."""
    plug = PlugProcess("micropython")
    hub = ModelHub()
    try:
        await plug.start(port=broker.port, interval_ms=2, ring_samples=1800, heap="320k")
        run = await run_of(broker)
        await broker.until(lambda: seqs(broker) and seqs(broker)[-1] > 1900)
        await broker.connections[-1].publish(ROOT + "ack", hub.ack(run))
        await broker.until(lambda: len(broker.on("telemetry/batch")) >= 6)
        assert len(broker.connections) == 1
        assert not any("MemoryError" in line for line in plug.log)
    finally:
        await plug.kill()


async def test_minutes_of_a_run_before_a_power_cut_come_after_the_replay(
    plug: PlugProcess, broker: Broker, tmp_path: Path
) -> None:
    flash = {"minutes_folder": str(tmp_path / "minutes"), "minute_ms": 200, "minutes_ms": 300, "interval_ms": 20}
    await plug.start(port=broker.port, **flash)
    old = await run_of(broker)
    async with asyncio.timeout(20):
        while len(list((tmp_path / "minutes").glob("*"))) == 0 or len(seqs(broker)) < 60:
            await asyncio.sleep(0.05)
    await plug.kill()
    broker.messages.clear()
    await plug.start(port=broker.port, **flash)
    await broker.until(lambda: len(seqs(broker)) >= 20)
    status = json.loads(broker.on("status")[-1].payload)
    assert status["older"] == [old]
    run = status["run"]
    entry = {"run": run, "channel": 0, "seq": 5, "seen": 5}
    acks = {"hub": "h", "session": "s", "acks": [entry]}
    await broker.connections[-1].publish(ROOT + "ack", json.dumps(acks).encode())
    await broker.until(lambda: broker.on("telemetry/minutes"))
    kinds = [message.topic[len(ROOT) :] for message in broker.messages if message.topic != ROOT + "telemetry"]
    assert kinds.index("telemetry/batch") < kinds.index("telemetry/minutes")
    message = broker.on("telemetry/minutes")[0]
    minutes = json.loads(message.payload)
    assert (message.qos, minutes["run"], minutes["reason"]) == (1, old, "power_on")
    first, *others = minutes["minutes"]
    assert (first["seq_from"], first["seq_to"]) == (0, 0)
    assert all(b["seq_from"] == a["seq_to"] + 1 for a, b in itertools.pairwise(minutes["minutes"]))
    assert others and others[0]["mean"] == 230
    acks["acks"] = [{"run": old, "channel": 0, "seq": -1, "seen": -1, "minutes": [[0, others[-1]["seq_to"]]]}]
    await broker.connections[-1].publish(ROOT + "ack", json.dumps(acks).encode())
    await broker.connections[-1].publish(ROOT + "control", b'{"command":"relay_off","id":"after"}', qos=1)
    await broker.until(lambda: b'"after"' in broker.on("status")[-1].payload)
    assert "older" not in json.loads(broker.on("status")[-1].payload), "the hub has all of it"
