"""The real firmware pairs with a real hub over TCP: every step, power cuts at each, the button, replacement."""

import asyncio
import json
from pathlib import Path

import pytest

from hub.devices.pairing import shown_code
from hub.events import DeviceAdded, PairingChanged, PresenceChanged, SampleReceived
from tests.firmware import pythons
from tests.pairing.conftest import MakePlug
from tests.pairing.hub import HARDWARE_ID, Hub, LabelledPlug


async def wait_for(hub: Hub, plug: LabelledPlug, **values: str) -> None:
    """Somebody enters the code of this plug's label."""
    asked = {"hardware_id": plug.hardware_id, "name": "Kettle", "code": shown_code(plug.code).lower(), **values}
    await hub.pairing.open(hub.owner, **asked)


async def pair(hub: Hub, plug: LabelledPlug, **values: str) -> str:
    """Until it is paired and its samples come; returns its device."""
    await wait_for(hub, plug, **values)
    return await measured(hub)


async def measured(hub: Hub) -> str:
    done = await hub.until(PairingChanged, state="done")
    await hub.until(PresenceChanged, device=done.device, online=True)
    await hub.until(SampleReceived, device=done.device)
    assert isinstance(done.device, str)
    return done.device


@pytest.mark.parametrize("python", pythons.NAMES)
async def test_every_step(hub: Hub, make_plug: MakePlug, python: str) -> None:
    plug = make_plug(python)
    await plug.start(hub.mqtt_port)
    await plug.says("login refused: code 5")  # nobody waits for it
    assert [found.hardware_id for found in hub.pairing.knocking()] == [HARDWARE_ID]
    await wait_for(hub, plug, room="Kitchen", icon="kettle")
    added = await hub.until(DeviceAdded)
    done = await hub.until(PairingChanged, state="done", device=added.device)
    assert hub.steps == ["waiting", "heard", "proved", "sealed", "done"]
    assert (done.user, done.home, done.error) == (hub.owner.user, hub.owner.home, None)
    state = hub.pairing.list(hub.owner)[-1]
    await hub.until(PresenceChanged, device=added.device, online=True)
    await hub.until(SampleReceived, device=added.device)
    assert (state.name, state.room, state.icon) == ("Kettle", "Kitchen", "kettle")
    assert not hub.pairing.is_open(HARDWARE_ID)
    assert hub.pairing.knocking() == []
    kept = plug.flash("pair")
    assert len(kept["secret"]) == 64
    assert kept["ca"] and kept["port"] == hub.mqtts_port  # from now on it comes over TLS
    while not plug.flash("pair")["sure"]:  # from the first acknowledgement on
        await asyncio.sleep(0.05)
    await plug.end()
    await plug.start(hub.mqtt_port)  # it needs nobody any more
    await hub.until(PresenceChanged, device=added.device, online=True)


@pytest.mark.parametrize("moment", ["heard", "proved", "sealed", "kept", "done"])
async def test_power_cut_in_the_middle(hub: Hub, make_plug: MakePlug, moment: str) -> None:
    plug = make_plug()
    await plug.start(hub.mqtt_port)
    if moment == "kept":
        await wait_for(hub, plug)
        await plug.says("paired with hub")
        plug.cut_power()
    else:
        cut = asyncio.Event()

        def at(event: PairingChanged) -> None:
            if event.state == moment and not cut.is_set():
                plug.cut_power()
                cut.set()

        hub.bus.subscribe(PairingChanged, at, "test")
        await wait_for(hub, plug)
        async with asyncio.timeout(20):
            await cut.wait()
    await plug.end()
    await plug.start(hub.mqtt_port)
    if moment == "done":
        await hub.until(PresenceChanged, online=True)
    else:
        await measured(hub)


async def test_a_hub_that_forgot_the_window_pairs_it_again(hub: Hub, make_plug: MakePlug) -> None:
    plug = make_plug()
    await plug.start(hub.mqtt_port)
    await wait_for(hub, plug)
    await plug.says("paired with hub")
    plug.cut_power()
    await plug.end()
    await hub.stop()
    await hub.start()
    await plug.start(hub.mqtt_port)
    await plug.says("the new secret does not help: pairing again")
    await pair(hub, plug)


async def test_button_makes_it_new_and_its_history_goes_on(hub: Hub, make_plug: MakePlug) -> None:
    plug = make_plug()
    await plug.start(hub.mqtt_port)
    device = await pair(hub, plug)
    before = plug.flash("pair")["secret"]
    plug.press()
    await plug.says("unpaired")
    plug.let_go()
    assert plug.flash("pair") is None and plug.flash("config") is None
    hub.heard.clear()
    assert await pair(hub, plug, name="Another name") == device
    assert hub.pairing.list(hub.owner)[-1].name == "Kettle"
    assert plug.flash("pair")["secret"] != before
    assert not [event for event in hub.heard if isinstance(event, DeviceAdded)]


async def test_another_plug_takes_its_place(hub: Hub, make_plug: MakePlug) -> None:
    old, new = make_plug(), make_plug(hardware_id="plug-new")
    await old.start(hub.mqtt_port)
    device = await pair(hub, old)
    await new.start(hub.mqtt_port)
    assert await pair(hub, new, replace=device) == device
    await old.says("login refused: code 5")
    assert old.flash("pair") is not None  # a hub that refuses it takes nothing from it


async def test_wrong_code_fails_after_five(hub: Hub, make_plug: MakePlug) -> None:
    plug, other = make_plug(), make_plug()
    await plug.start(hub.mqtt_port)
    await hub.pairing.open(hub.owner, hardware_id=HARDWARE_ID, name="Kettle", code=other.code)
    last = await hub.until(PairingChanged, state="failed")
    assert last.error is not None and last.error.id == "pairing-code-wrong"
    assert not hub.pairing.is_open(HARDWARE_ID)
    await plug.says("login refused: code 5")
    assert plug.flash("pair") is None
    await pair(hub, plug)  # the right one helps at once


async def test_two_hubs(hub: Hub, make_plug: MakePlug, tmp_path: Path) -> None:
    second = Hub(tmp_path / "second")
    await second.start()
    try:
        plug = make_plug()
        await plug.start(second.mqtt_port)
        await wait_for(hub, plug)
        await plug.says("login refused: code 5")  # the one that it finds does not wait for it
        await pair(second, plug)
        assert hub.pairing.list(hub.owner)[-1].state == "waiting"
        await plug.end()
        await second.stop()
        kept = plug.flash("pair")
        (plug.folder / "pair").write_text(json.dumps(kept | {"port": None}))
        await plug.start(hub.mqtt_port)  # somebody points it at the first one: it is paired, and stays so
        await plug.says("login refused: code 5")
        await plug.says("login refused: code 5")
        assert plug.flash("pair")["secret"] == kept["secret"]
        assert hub.pairing.list(hub.owner)[-1].state == "waiting"
    finally:
        await second.stop()  # again: it does nothing
