"""The hub's side of an external broker against Mosquitto: what comes in, what goes out, who is there."""

import asyncio
import json
from pathlib import Path

import pytest

from hub.broker.external import password_line, rule_lines
from hub.broker.external.broker import general, is_will
from hub.broker.interface import Login
from tests.broker_external.mosquitto import Mosquitto
from tests.broker_external.parts import Made, Side

ON = '{"status":"on"}'
WILL = '{"status":"offline","run":"00"}'


async def heard_marker(side: Side, mosquitto: Mosquitto) -> None:
    """Everything that was published before has come."""
    await mosquitto.publish("smartplug/marker/pair", "{}")
    await side.heard.event("message", "marker", "pair", "{}", False)
    side.heard.events.remove(("message", "marker", "pair", "{}", False))


async def test_what_a_plug_says_comes_with_its_place_and_in_order(made: Made, mosquitto: Mosquitto) -> None:
    side = await made.side(mosquitto, "plug-one")
    await side.ready()
    for suffix in ("telemetry", "telemetry/batch", "telemetry/minutes", "status"):
        await mosquitto.publish(f"smartplug/plug-one/{suffix}", ON)
    await heard_marker(side, mosquitto)
    assert side.heard.events == [
        ("connected", "plug-one"),
        ("message", "plug-one", "telemetry", ON, False),
        ("message", "plug-one", "telemetry/batch", ON, False),
        ("message", "plug-one", "telemetry/minutes", ON, False),
        ("message", "plug-one", "status", ON, False),
    ]
    assert side.broker.is_connected("plug-one")
    assert side.store.get("plug-one", "status") == ON.encode()
    assert side.broker.stats()["received"] == 5
    assert not side.problems


async def test_topics_that_are_no_plugs_business_do_not_come(made: Made, mosquitto: Mosquitto) -> None:
    side = await made.side(mosquitto, "plug-one")
    await side.ready()
    for topic in ("smartplug/plug-one/control", "smartplug/plug-one/ack", "smartplug/telemetry", "other/x/telemetry"):
        await mosquitto.publish(topic, ON)
    await heard_marker(side, mosquitto)
    assert side.heard.events == []


async def test_retained_statuses_come_as_such_and_make_nobody_present(made: Made, mosquitto: Mosquitto) -> None:
    await mosquitto.publish("smartplug/plug-one/status", ON, "-r")
    await mosquitto.publish("smartplug/plug-one/telemetry", '{"power":1}', "-r")
    side = await made.side(
        mosquitto, "plug-one", "plug-two", prepare=lambda side: side.store.set("plug-two", "status", b"stored")
    )
    await side.heard.event("message", "plug-one", "telemetry", '{"power":1}', True)
    await heard_marker(side, mosquitto)
    assert side.heard.events[0] == ("message", "plug-two", "status", "stored", True)
    assert ("message", "plug-one", "status", ON, True) in side.heard.events
    assert not any(event[0] == "connected" for event in side.heard.events)
    # An ack goes to whoever left a status: the plug may be there and is to replay.
    listening = asyncio.create_task(mosquitto.run("mosquitto_sub", "-t", "smartplug/plug-one/+", "-C", "3", "-v"))
    async with asyncio.timeout(20):
        while not listening.done():
            assert not side.broker.send("plug-one", "ack", b"{}")
            assert not side.broker.send("plug-one", "control", b"{}", 1)
            await asyncio.sleep(0.05)
    assert "smartplug/plug-one/ack {}" in (await listening)[1]
    assert "control" not in (await listening)[1]


async def test_a_will_ends_a_plugs_presence_unless_it_is_back_at_once(
    made: Made, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.broker.external.broker.LEAVE_S", 60.0)
    side = await made.side(mosquitto, "plug-one")
    await side.ready()
    await mosquitto.publish("smartplug/plug-one/status", ON)
    await mosquitto.publish("smartplug/plug-one/status", WILL, "-r")
    await mosquitto.publish("smartplug/plug-one/status", ON, "-r")
    await side.heard.until(lambda: side.heard.events.count(("message", "plug-one", "status", ON, False)) == 2)
    monkeypatch.setattr("hub.broker.external.broker.LEAVE_S", 0.1)
    await mosquitto.publish("smartplug/plug-one/status", WILL, "-r")
    await side.heard.event("disconnected", "plug-one", "will")
    assert side.heard.events == [
        ("connected", "plug-one"),
        ("message", "plug-one", "status", ON, False),
        ("message", "plug-one", "status", WILL, False),
        ("disconnected", "plug-one", "taken_over"),
        ("connected", "plug-one"),
        ("message", "plug-one", "status", ON, False),
        ("message", "plug-one", "status", WILL, False),
        ("disconnected", "plug-one", "will"),
    ]
    assert not side.broker.is_connected("plug-one")
    assert not side.broker.send("plug-one", "control", b"{}", 1)


async def test_strangers_are_passed_on_but_not_kept(made: Made, mosquitto: Mosquitto) -> None:
    side = await made.side(mosquitto, "plug-one")
    await side.ready()
    await mosquitto.publish("smartplug/stranger/status", ON)
    await mosquitto.publish("smartplug/stranger/telemetry", "{}")
    await heard_marker(side, mosquitto)
    assert [event[:2] for event in side.heard.events] == [("message", "stranger")] * 2
    assert side.broker.stats()["plugs"] == 0
    assert side.store.held == {}


async def test_a_receiver_that_raises_costs_nothing_else(
    made: Made, mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    side = await made.side(mosquitto, "plug-one")
    await side.ready()
    for _ in range(3):
        await mosquitto.publish("smartplug/plug-one/telemetry", "raise")
    await mosquitto.publish("smartplug/plug-one/telemetry", "{}")
    await side.heard.event("message", "plug-one", "telemetry", "{}", False)
    assert side.broker.stats()["receiver_errors"] == 3
    assert sum("could not be handled" in record.message for record in caplog.records) == 1
    assert side.broker.stats()["logins"] == 1


async def test_config_is_retained_brought_back_and_taken_away(made: Made, mosquitto: Mosquitto) -> None:
    names = [f"plug-{number:03}" for number in range(60)]  # more than Mosquitto lets be in flight
    side = await made.side(mosquitto, *names)
    for name in names:
        side.broker.retain(name, "config", f'{{"name":"{name}"}}'.encode())

    async def retained() -> dict[str, str]:
        await side.until(lambda: side.broker.is_up and not side.broker._configs and not side.broker._asked)
        _, said = await mosquitto.run("mosquitto_sub", "-t", "smartplug/+/config", "-v", "-W", "1")
        lines = [line.split(" ", 1) for line in said.splitlines() if line.startswith("smartplug/")]
        return {topic.split("/")[1]: payload for topic, payload in lines}

    assert set(await retained()) == set(names)
    await mosquitto.stop()  # without persistence: it forgets everything
    side.broker.retain(names[0], "config", b"newer")
    await mosquitto.start()
    await side.until(lambda: side.broker.stats()["logins"] == 2)
    after = await retained()
    assert set(after) == set(names)
    assert after[names[0]] == "newer"
    side.broker.retain(names[1], "config", b"")
    assert set(await retained()) == set(names) - {names[1]}


async def test_other_programs_are_heard_and_told(made: Made, mosquitto: Mosquitto) -> None:
    side = await made.side(mosquitto, "plug-one")
    mosquitto.add(password_line("other", "y"), ["user hub", "topic readwrite #"])
    await mosquitto.reload()
    await side.ready()
    await mosquitto.publish("other/kept", "first", "-r")
    heard: list[tuple[str, str, bytes, bool]] = []

    def listen(name: str, topic_filter: str) -> object:
        return side.broker.subscribe(topic_filter, lambda topic, data, kept: heard.append((name, topic, data, kept)))

    listen("a", "other/#")
    end = side.broker.subscribe("other/+", lambda topic, data, kept: heard.append(("b", topic, data, kept)))
    listen("c", "smartplug/+/status")  # a filter that the hub uses itself
    with pytest.raises(ValueError, match="filter"):
        side.broker.subscribe("other/#/x", lambda topic, data, kept: None)
    await side.ready()
    side.broker.publish("other/own", b"not for the hub itself", 1)
    await mosquitto.publish("other/said", "x")
    await mosquitto.publish("smartplug/plug-one/status", ON)
    await heard_marker(side, mosquitto)
    assert sorted(heard) == [
        ("a", "other/kept", b"first", True),
        ("a", "other/said", b"x", False),
        ("b", "other/kept", b"first", True),
        ("b", "other/said", b"x", False),
        ("c", "smartplug/plug-one/status", ON.encode(), False),
    ]
    assert side.heard.events.count(("message", "plug-one", "status", ON, False)) == 1
    heard.clear()
    end()
    await side.ready()
    await mosquitto.publish("other/said", "y")
    await heard_marker(side, mosquitto)
    assert heard == [("a", "other/said", b"y", False)]


async def test_what_is_retained_for_others_waits_for_the_broker(made: Made, mosquitto: Mosquitto) -> None:
    mosquitto.add(password_line("other", "y"), ["user hub", "topic readwrite #"])
    await mosquitto.reload()
    await mosquitto.stop()
    side = await made.side(mosquitto)
    await side.problem("external-broker-unreachable")
    side.broker.publish("other/state", b"old", 1, retain=True)
    side.broker.publish("other/state", b"new", 1, retain=True)
    side.broker.publish("other/event", b"lost", 1)
    assert side.broker.stats()["dropped:away"] == 1
    await mosquitto.start()
    await side.fine()
    code, said = await mosquitto.run("mosquitto_sub", "-t", "other/#", "-C", "1", "-W", "5", "-v")
    assert (code, said) == (0, "other/state new\n")


async def test_a_broker_that_restarts_is_taken_up_again(made: Made, mosquitto: Mosquitto) -> None:
    side = await made.side(mosquitto, "plug-one")
    await side.ready()
    await mosquitto.publish("smartplug/plug-one/status", ON)
    await side.heard.event("connected", "plug-one")
    await mosquitto.stop()
    await side.heard.event("disconnected", "plug-one", "closed")
    assert not side.broker.send("plug-one", "ack", b"{}")
    sentence = await side.problem("external-broker-unreachable")
    assert str(mosquitto.port) in sentence
    await mosquitto.start()
    await side.fine()
    await side.ready()
    await mosquitto.publish("smartplug/plug-one/telemetry", "{}")
    await side.heard.event("message", "plug-one", "telemetry", "{}", False)
    assert side.heard.events.count(("connected", "plug-one")) == 2


async def test_stopping_takes_all_plugs_for_away(made: Made, mosquitto: Mosquitto) -> None:
    side = await made.side(mosquitto, "plug-one")
    await side.ready()
    await mosquitto.publish("smartplug/plug-one/status", ON)
    await side.heard.event("connected", "plug-one")
    await side.broker.stop()
    assert side.heard.events[-1] == ("disconnected", "plug-one", "hub_stopped")
    async with asyncio.timeout(10):
        while "Received DISCONNECT from a1b2c3d4e5f60718" not in mosquitto.log():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("payload", [b"offline", b'{"status":"on","name":"offline"}', b'["offline"]', b"{", b""])
def test_no_will(payload: bytes) -> None:
    assert not is_will(payload)


def test_a_will() -> None:
    assert is_will(json.dumps({"status": "offline", "run": "00"}).encode())


def test_topics_are_shown_for_all_plugs_at_once() -> None:
    assert general("smartplug/plug-one/config") == "smartplug/+/config"
    assert general("other/x") == "other/x"


async def test_the_lines_are_what_mosquitto_takes(tmp_path: Path) -> None:
    """The rules of a plug: its own topics, and no others."""
    broker = Mosquitto(tmp_path)
    broker.add(password_line("plug-one", "secret"), rule_lines(Login("plug", "plug-one")))
    other = Login("client", "panel", ("smartplug/#", "both/#"), ("smartplug/+/control", "both/#"))
    broker.add(password_line("panel", "secret"), rule_lines(other))
    await broker.start()
    try:
        for name, topic, allowed in (
            ("plug-one", "smartplug/plug-one/telemetry", True),
            ("plug-one", "smartplug/plug-one/telemetry/batch", True),
            ("plug-one", "smartplug/plug-one/status", True),
            ("plug-one", "smartplug/plug-one/control", False),
            ("plug-one", "smartplug/plug-two/telemetry", False),
            ("panel", "smartplug/plug-two/control", True),
            ("panel", "smartplug/plug-two/telemetry", False),
            ("panel", "both/x", True),
        ):
            _, said = await broker.run(
                "mosquitto_pub", "-V", "5", "-q", "1", "-t", topic, "-m", "x", login=(name, "secret")
            )
            assert ("Not authorized" not in said) is allowed, (name, topic, said)
        code, said = await broker.run("mosquitto_pub", "-t", "x", "-m", "x", login=("plug-one", "wrong"))
        assert code, said
    finally:
        await broker.stop()
