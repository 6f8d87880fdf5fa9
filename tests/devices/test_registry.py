"""The registry: rights, adding, renaming, replacing, and what a restart finds."""

import hashlib
import itertools
from typing import Any

import pytest

from hub.auth.principal import RIGHTS, Principal, system
from hub.bus import Bus
from hub.devices.device import make_key
from hub.devices.registry import Registry
from hub.events import DeviceAdded, DeviceChanged, DeviceRemoved
from hub.messages import HubError
from tests.devices.conftest import House
from tests.devices.fakes import NOW, record


async def refusal(work: Any) -> str:
    with pytest.raises(HubError) as caught:
        await work
    return caught.value.id


def lesser(a: str, b: str) -> str:
    return RIGHTS[min(RIGHTS.index(a), RIGHTS.index(b))]


@pytest.mark.parametrize("private", [False, True])
async def test_right_is_lesser_of_role_and_share(house: House, private: bool) -> None:
    hub = system(house.admin.home)
    device, _ = await house.registry.add(hub, hardware_id="plug-1", name="Lamp")
    await house.registry.change(hub, device.id, private=private)
    cap = {"admin": "manage", "user": "manage", "guest": "view"}
    unshared = {"admin": "manage", "user": "control", "guest": "none"}
    for asker, share in itertools.product((house.admin, house.user, house.guest), (None, "view", "control", "manage")):
        await house.registry.share(hub, device.id, asker.user, share)
        without = "none" if private else unshared[asker.role]
        expected = without if share is None else lesser(cap[asker.role], share)
        assert house.registry.right(asker, device) == expected, (asker.role, share)
        visible = expected != "none"
        assert (device in house.registry.list(asker)) is visible
        if visible:
            assert house.registry.get(asker, device.id) is device
        else:
            with pytest.raises(HubError, match="no such device"):
                house.registry.get(asker, device.id)
        for needed in RIGHTS[1:]:
            if RIGHTS.index(expected) >= RIGHTS.index(needed):
                assert house.registry.require(asker, device.id, needed) is device
            else:
                with pytest.raises(HubError) as caught:
                    house.registry.require(asker, device.id, needed)
                assert caught.value.id == ("forbidden" if visible else "device-unknown")


async def test_other_homes_and_unknown_roles_see_nothing(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    for stranger in (
        Principal(house.admin.user, "other-home", "admin"),
        system("other-home"),
        Principal("somebody", house.admin.home, "emperor"),
    ):
        assert house.registry.right(stranger, device) == "none"
        assert house.registry.list(stranger) == []
        with pytest.raises(HubError):
            house.registry.get(stranger, device.id)


async def test_every_change_asks_for_manage(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    registry = house.registry
    for asker, expected in ((house.user, "forbidden"), (house.guest, "device-unknown")):
        assert await refusal(registry.change(asker, device.id, name="X")) == expected
        assert await refusal(registry.replace(asker, device.id, "plug-2")) == expected
        assert await refusal(registry.new_secret(asker, device.id)) == expected
        assert await refusal(registry.remove(asker, device.id)) == expected
        assert await refusal(registry.share(asker, device.id, asker.user, "manage")) == expected
    assert await refusal(registry.add(house.guest, hardware_id="plug-3", name="X")) == "forbidden"
    assert device.name == "Lamp"
    assert device.hardware_id == "plug-1"


async def test_add_keeps_only_the_hash_of_the_secret(house: House) -> None:
    heard = record(house.bus, DeviceAdded)
    device, secret = await house.registry.add(
        house.user, hardware_id="plug-1", name="  Kitchen\t lamp ", room=" Kitchen ", channels=2
    )
    assert len(secret) == 64
    assert bytes.fromhex(secret)
    assert (device.name, device.room, device.key, device.color, device.created) == (
        "Kitchen lamp",
        "Kitchen",
        "kitchen-lamp",
        1,
        NOW,
    )
    assert list(device.channels) == [0, 1]
    assert house.registry.by_hardware("plug-1") is device
    assert house.registry.secret_hash("plug-1") == hashlib.sha256(secret.encode()).digest()
    assert house.registry.right(house.user, device) == "manage"  # who adds a device may manage it
    assert heard == [DeviceAdded(device.id, house.user.home)]
    stored = (house.data_dir / "registry.sqlite").read_bytes() + (house.data_dir / "registry.sqlite-wal").read_bytes()
    assert secret.encode() not in stored
    assert hashlib.sha256(secret.encode()).digest() in stored


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"hardware_id": "ab"}, "hardware-id-invalid"),
        ({"hardware_id": "a/b"}, "hardware-id-invalid"),
        ({"hardware_id": "a+b"}, "hardware-id-invalid"),
        ({"hardware_id": "plüg"}, "hardware-id-invalid"),
        ({"hardware_id": "x" * 65}, "hardware-id-invalid"),
        ({"hardware_id": "plug-1\n"}, "hardware-id-invalid"),
        ({"hardware_id": "pair-plug"}, "hardware-id-invalid"),
        ({"hardware_id": "taken"}, "hardware-id-taken"),
        ({"name": " \t "}, "name-invalid"),
        ({"name": "x" * 61}, "name-invalid"),
        ({"room": "x" * 61}, "name-invalid"),
        ({"channels": 0}, "channels-invalid"),
        ({"channels": 17}, "channels-invalid"),
    ],
)
async def test_add_refuses(house: House, fields: dict[str, Any], expected: str) -> None:
    await house.registry.add(house.admin, hardware_id="taken", name="Lamp")
    asked = {"hardware_id": "plug-1", "name": "Lamp", **fields}
    assert await refusal(house.registry.add(house.admin, **asked)) == expected
    assert len(house.registry.all()) == 1


async def test_same_plug_added_twice_at_once_is_added_once(house: House) -> None:
    import asyncio

    both = await asyncio.gather(
        house.registry.add(house.admin, hardware_id="plug-1", name="A"),
        house.registry.add(house.admin, hardware_id="plug-1", name="B"),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in both) == ["HubError", "tuple"]
    assert [device.name for device in house.registry.all()] == ["A"]


async def test_key_outlives_renaming_and_is_unique(house: House) -> None:
    first, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Kühlschrank")
    second, _ = await house.registry.add(house.admin, hardware_id="plug-2", name="KÜHLSCHRANK!")
    heard = record(house.bus, DeviceChanged)
    await house.registry.change(house.admin, first.id, name="Freezer", room="")
    assert (first.name, first.room, first.key, second.key) == ("Freezer", None, "kuehlschrank", "kuehlschrank-2")
    assert heard == [DeviceChanged(first.id, first.home)]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("TV", "tv"),
        ("  Große   Lampe ", "grosse-lampe"),
        ("Crème brûlée", "creme-brulee"),
        ("冷蔵庫", "plug"),
        ("-", "plug"),
    ],
)
def test_make_key(name: str, key: str) -> None:
    assert make_key(name, set()) == key
    assert make_key(name, {key, f"{key}-2"}) == f"{key}-3"


async def test_six_colors_then_others_and_a_free_one_again(house: House) -> None:
    devices = [(await house.registry.add(house.admin, hardware_id=f"plug-{n}", name="Lamp"))[0] for n in range(7)]
    assert [device.color for device in devices] == [1, 2, 3, 4, 5, 6, 0]
    await house.registry.remove(house.admin, devices[3].id)
    again, _ = await house.registry.add(house.admin, hardware_id="plug-8", name="Lamp")
    assert again.color == 4


async def test_replace_keeps_the_device_and_ends_the_old_login(house: House) -> None:
    device, old = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    await house.registry.learned(device.id, firmware="1.0")
    other, _ = await house.registry.add(house.admin, hardware_id="plug-2", name="TV")
    assert await refusal(house.registry.replace(house.admin, device.id, "plug-2")) == "hardware-id-taken"
    same, new = await house.registry.replace(house.admin, device.id, "plug-9")
    assert same is device
    assert old != new
    assert (device.hardware_id, device.firmware) == ("plug-9", None)
    assert house.registry.by_hardware("plug-1") is None
    assert house.registry.by_hardware("plug-9") is device
    assert house.registry.secret_hash("plug-1") is None
    assert house.registry.secret_hash("plug-9") == hashlib.sha256(new.encode()).digest()
    assert other.hardware_id == "plug-2"
    # The dead plug's id is free again.
    await house.registry.add(house.admin, hardware_id="plug-1", name="Spare")


async def test_new_secret_for_the_same_plug(house: House) -> None:
    device, old = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    await house.registry.learned(device.id, firmware="1.0")
    new = await house.registry.new_secret(house.admin, device.id)
    assert new != old
    assert house.registry.secret_hash("plug-1") == hashlib.sha256(new.encode()).digest()
    assert device.firmware == "1.0"


async def test_who_makes_a_device_private_keeps_it(house: House) -> None:
    device, _ = await house.registry.add(system(house.admin.home), hardware_id="plug-1", name="Lamp")
    await house.registry.change(house.admin, device.id, private=True)
    assert house.registry.right(house.admin, device) == "manage"
    assert house.registry.right(house.user, device) == "none"
    assert house.registry.shares(house.admin, device.id) == {house.admin.user: "manage"}


async def test_change_outlet(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Strip", channels=2)
    await house.registry.change(house.admin, device.id, channel=1, max_power_w=2300, channel_name="Left")
    assert (device.channels[0].max_power_w, device.channels[1].max_power_w) == (None, 2300)
    assert device.channels[1].name == "Left"
    assert await refusal(house.registry.change(house.admin, device.id, channel=2, max_power_w=1)) == "channel-unknown"
    with pytest.raises(TypeError, match="hardware_id"):
        await house.registry.change(house.admin, device.id, hardware_id="other")


async def test_share_refuses_what_is_not_there(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    assert await refusal(house.registry.share(house.admin, device.id, house.user.user, "own")) == "share-invalid"
    assert await refusal(house.registry.share(house.admin, device.id, "nobody", "view")) == "user-unknown"
    assert house.registry.shares(house.admin, device.id) == {house.admin.user: "manage"}


async def test_learned_writes_and_tells_only_news(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    heard = record(house.bus, DeviceChanged)
    await house.registry.learned(device.id, firmware="1.1")
    await house.registry.learned(device.id, firmware="1.1")
    await house.registry.learned("gone", firmware="1.1")
    assert device.firmware == "1.1"
    assert len(heard) == 1


async def test_everything_survives_a_restart(house: House) -> None:
    device, secret = await house.registry.add(
        house.admin, hardware_id="plug-1", name="Strip", room="Office", icon="lamp", channels=2, model="SP-2"
    )
    gone, _ = await house.registry.add(house.admin, hardware_id="plug-2", name="Gone")
    await house.registry.change(house.admin, device.id, name="Desk", always_on=True, private=True, interval_ms=5000)
    await house.registry.change(house.admin, device.id, channel=1, max_power_w=100, idle_below_w=2.5)
    await house.registry.share(house.admin, device.id, house.guest.user, "view")
    heard = record(house.bus, DeviceRemoved)
    await house.registry.remove(house.admin, gone.id)
    assert heard == [DeviceRemoved(gone.id, gone.home)]
    fresh = Registry(house.database, Bus(), house.clock, house.identity.audit)
    await fresh.load()
    assert fresh.all() == [device]
    assert fresh.all()[0] is not device
    assert fresh.secret_hash("plug-1") == hashlib.sha256(secret.encode()).digest()
    assert fresh.secret_hash("plug-2") is None
    assert fresh.shares(house.admin, device.id) == {house.admin.user: "manage", house.guest.user: "view"}
    assert await refusal(fresh.remove(house.admin, gone.id)) == "device-unknown"


async def test_nothing_changes_in_memory_when_the_disk_refuses(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    await house.database.close()
    with pytest.raises(RuntimeError):
        await house.registry.change(house.admin, device.id, name="Other")
    with pytest.raises(RuntimeError):
        await house.registry.add(house.admin, hardware_id="plug-2", name="Other")
    assert device.name == "Lamp"
    assert house.registry.by_hardware("plug-2") is None


async def test_changes_that_wait_are_judged_by_the_role_of_their_turn(house: House) -> None:
    """A demotion that comes first counts for what was asked before it was done."""
    registry, hub = house.registry, system(house.admin.home)
    registry.still = house.people.require_still
    ben = await house.people.add(
        hub, email="eve@example.org", name="Eve", role="admin", password="copper lantern riddle"
    )
    device, _ = await registry.add(hub, hardware_id="plug-1", name="Lamp")
    room = await registry.rooms.add(hub, "Kitchen")
    asks = Principal(ben.id, house.admin.home, "admin")
    await house.people.change(hub, ben.id, role="guest")
    late = [
        registry.add(asks, hardware_id="plug-2", name="Mine"),
        registry.change(asks, device.id, name="Mine"),
        registry.replace(asks, device.id, "plug-3"),
        registry.remove(asks, device.id),
        registry.share(asks, device.id, ben.id, "manage"),
        registry.rooms.add(asks, "Mine"),
        registry.rooms.change(asks, room.id, name="Mine"),
        registry.rooms.remove(asks, room.id),
    ]
    found = [await refusal(work) for work in late]
    assert found == ["forbidden", *["device-unknown"] * 4, *["forbidden"] * 3]
    assert [(each.name, each.hardware_id) for each in registry.all()] == [("Lamp", "plug-1")]
    assert [each.name for each in registry.rooms.of_home(house.admin.home)] == ["Kitchen"]
