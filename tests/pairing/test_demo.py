"""The demo's sixth plug: it waits to be paired, with the code that demo.json and the demo's output name."""

import json
from pathlib import Path

import pytest

from hub.devices.demo import demo_code
from hub.events import DeviceFound, PairingChanged, PresenceChanged, SampleReceived
from tests.firmware.test_demo import DemoProcess
from tests.pairing.hub import Hub

NEW = "demo-new-plug"


@pytest.fixture
async def hub(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Hub(tmp_path / "hub", demo=True)
    await made.start()
    demo = DemoProcess(made.folder / "data")
    await demo.start()
    yield made
    demo.process.terminate()
    await demo.process.communicate()
    await made.stop()


async def test_anybody_can_pair_it_and_it_is_new_again_once_it_was_removed(hub: Hub) -> None:
    data = hub.folder / "data"
    code = demo_code(data)
    assert code == json.loads((data / "demo.json").read_text())["new"]["code"]
    found = await hub.until(DeviceFound, hardware_id=NEW)
    assert not found.gone
    await hub.pairing.open(hub.owner, hardware_id=NEW, name="Lamp", code=code)
    done = await hub.until(PairingChanged, state="done")
    await hub.until(PresenceChanged, device=done.device, online=True)
    await hub.until(SampleReceived, device=done.device)
    kept = data / "demo-flash" / NEW / "pair"
    assert kept.stat().st_mode & 0o777 == 0o600
    await hub.pairing._registry.remove(hub.owner, done.device)
    await hub.until(DeviceFound, hardware_id=NEW, gone=False)
    assert not kept.exists()
