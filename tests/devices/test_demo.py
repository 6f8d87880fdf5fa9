"""The demo home."""

import json

from hub.devices.demo import ensure_demo
from hub.devices.pairing import read_label
from hub.devices.registry import new_secret
from tests.devices.conftest import House


async def test_five_plugs_once(house: House) -> None:
    path = house.data_dir / "demo.json"
    await ensure_demo(house.registry, house.people, house.data_dir, 1883)
    first = json.loads(path.read_text())
    assert first["broker"] == {"host": "127.0.0.1", "port": 1883}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [set(plug) for plug in first["plugs"]] == [
        {"hardware_id", "secret", "name", "room", "icon", "appliance"}
    ] * 5
    by_key = {device.key: device for device in house.registry.all()}
    assert sorted(by_key) == ["coffee-machine", "desk", "fridge", "tv", "washing-machine"]
    assert [key for key, device in by_key.items() if device.always_on] == ["fridge"]
    assert sorted(device.color for device in by_key.values()) == [1, 2, 3, 4, 5]
    await ensure_demo(house.registry, house.people, house.data_dir, 1999)
    second = json.loads(path.read_text())
    assert second == {**first, "broker": {"host": "127.0.0.1", "port": 1999}}
    assert read_label(first["new"]["code"]).code and house.registry.by_hardware(first["new"]["hardware_id"]) is None
    assert len(house.registry.all()) == 5
    assert len(house.registry.list(house.admin)) == 5


async def test_lost_file_and_start_cut_short(house: House) -> None:
    # A hub that was killed between the plugs and the file.
    await house.registry.add(house.admin, hardware_id="demo-tv", name="TV")
    await ensure_demo(house.registry, house.people, house.data_dir, 1883)
    plugs = {p["hardware_id"]: p["secret"] for p in json.loads((house.data_dir / "demo.json").read_text())["plugs"]}
    assert len(plugs) == 5
    for hardware_id, secret in plugs.items():
        import hashlib

        assert house.registry.secret_hash(hardware_id) == hashlib.sha256(secret.encode()).digest()
    assert new_secret()[0] not in plugs.values()


async def test_removed_demo_plug_stays_away(house: House) -> None:
    await ensure_demo(house.registry, house.people, house.data_dir, 1883)
    device = house.registry.by_hardware("demo-desk")
    assert device is not None
    await house.registry.remove(house.admin, device.id)
    for _ in range(2):
        await ensure_demo(house.registry, house.people, house.data_dir, 1883)
        assert len(house.registry.all()) == 4
        assert len(json.loads((house.data_dir / "demo.json").read_text())["plugs"]) == 4
