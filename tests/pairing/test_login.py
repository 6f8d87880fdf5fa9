"""What an unpaired plug may do at the broker of a whole hub, and what its asking costs others: nothing."""

import json
from pathlib import Path

from hub.auth.access import MqttAccess
from hub.broker.interface import Attempt, Login
from hub.devices.pairing import new_code
from hub.events import PairingChanged
from tests.broker.client import Client, connect
from tests.devices.conftest import House
from tests.pairing.hub import Hub

NAME = "pair-plug-1"
HELLO = b'{"nonce_p":"%s","channels":1}' % (b"0" * 32)


async def answer_to(hub: Hub, name: str, password: str) -> int:
    """CONNACK's code."""
    async with await Client.open(hub.mqtt_port) as client:
        client.send(connect(name, name, password))
        return (await client.read()).body[1]


async def test_a_plug_with_a_window_has_two_topics(hub: Hub) -> None:
    assert await answer_to(hub, NAME, "") == 5
    await hub.pairing.open(hub.owner, hardware_id="plug-1", name="Kettle", code=new_code())
    for password, other in (("guess", NAME), ("", "pair-plug-2"), ("", "plug-1")):
        assert await answer_to(hub, other, password) == 5
    plug = await Client.connect(hub.mqtt_port, NAME, NAME, "")
    root = "smartplug/plug-1/"
    filters = [root + name for name in ("pair/answer", "control", "config", "ack", "pair")]
    filters += ["#", "smartplug/#", "smartplug/plug-2/pair/answer", "$SYS/#"]
    assert await plug.subscribe(*[(name, 1) for name in filters]) == [1, *[0x80] * 8]
    for topic in ("telemetry", "status", "telemetry/batch", "pair/answer", "control", "config", "ack"):
        await plug.publish(root + topic, b'{"voltage":230,"current":1,"status":"on"}', 1)
    await plug.publish("smartplug/plug-2/pair", HELLO, 1)
    await plug.publish("home/lamp/set", b"on", 1)
    await plug.publish(root + "pair", HELLO, 1)
    topic, payload = (await plug.message())[:2]
    assert topic == root + "pair/answer" and set(json.loads(payload)) == {"nonce_h", "ca_sha256", "proof_h"}
    await hub.until(PairingChanged, state="heard")
    assert hub.steps == ["waiting", "heard"]
    hub.pairing.cancel(hub.owner, hub.pairing.list(hub.owner)[0].id)
    assert await plug.closed() == b""


async def test_what_it_may_not_and_what_it_gets_wrong_is_in_the_audit_log_of_the_hub(hub: Hub) -> None:
    await hub.pairing.open(hub.owner, hardware_id="plug-1", name="Kettle", code=new_code())
    plug = await Client.connect(hub.mqtt_port, NAME, NAME, "", will=("smartplug/plug-2/status", b"off", 0, True))
    await plug.publish("smartplug/plug-2/pair", HELLO, 1)
    answer = "smartplug/plug-1/pair/answer"
    assert await plug.subscribe(("smartplug/#", 1), (answer, 1)) == [0x80, 1]
    await plug.publish("smartplug/plug-1/pair", HELLO, 1)
    nonce = json.loads((await plug.message()).payload)["nonce_h"]
    wrong = json.dumps({"nonce_h": nonce, "proof_p": "0" * 64}).encode()
    await plug.publish("smartplug/plug-1/pair", wrong, 1)
    await plug.disconnect()
    forbidden = "mqtt-topic-forbidden"
    assert await hub.refusals() == {
        ("mqtt pair-plug-1", "127.0.0.1", "mqtt.will", "smartplug/plug-2/status", forbidden),
        ("mqtt pair-plug-1", "127.0.0.1", "mqtt.publish", "smartplug/plug-2/pair", forbidden),
        ("mqtt pair-plug-1", "127.0.0.1", "mqtt.subscribe", "smartplug/#", forbidden),
        ("mqtt", "127.0.0.1", "pairing.refused", "plug-1", "pairing-code-wrong"),
    }


async def test_a_plug_that_asks_for_hours_shuts_nobody_out(hub: Hub) -> None:
    for _ in range(60):  # three times what blocks an address that guesses
        assert await answer_to(hub, NAME, "") == 5
    await hub.pairing.open(hub.owner, hardware_id="plug-1", name="Kettle", code=new_code())
    plug = await Client.connect(hub.mqtt_port, NAME, NAME, "")
    await plug.disconnect()


async def test_what_is_asked_of_pairing(house: House, tmp_path: Path) -> None:
    knocked: list[tuple[str, str]] = []
    waited = {"plug-1"}
    access = MqttAccess(
        house.registry,
        house.database,
        house.clock,
        audit=house.identity.audit,
        pairing_open=lambda hardware_id, peer: hardware_id in waited,
        knocked=lambda *who: knocked.append(who),
        just_paired=lambda hardware_id, hashed: hardware_id == "plug-new",
    )

    def login(name: str, password: bytes | None) -> Login | None:
        return access.authenticate(Attempt("x", name, password, "10.0.0.1", "mqtt"))

    for _ in range(50):
        assert login("pair-plug-2", None) is None
    assert knocked == [("plug-2", "10.0.0.1")] * 50
    waited.add("plug-2")
    assert login("pair-plug-2", b"") == Login("pair", "plug-2")
    assert login("pair-plug-2", b"x") is None
    assert login("plug-new", b"anything") == Login("plug", "plug-new")
    assert len(knocked) == 50
