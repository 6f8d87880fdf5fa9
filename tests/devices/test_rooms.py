"""Rooms: made by the devices that name them, renamed in all of them at once, put in order, gone with their home."""

from typing import Any

import pytest

from hub.auth.principal import system
from hub.bus import Bus
from hub.devices.registry import Registry
from hub.devices.rooms import MOST_ROOMS
from hub.events import DeviceChanged, DeviceRemoved
from hub.messages import HubError
from tests.devices.conftest import House
from tests.devices.fakes import record


def names(house: House, registry: Registry | None = None) -> list[tuple[str, int]]:
    rooms = (registry or house.registry).rooms
    return [(room.name, room.position) for room in rooms.list(house.admin)]


async def refusal(work: Any) -> str:
    with pytest.raises(HubError) as caught:
        await work
    return caught.value.id


async def restarted(house: House) -> Registry:
    fresh = Registry(house.database, Bus(), house.clock, house.identity.audit)
    await fresh.load()
    return fresh


async def test_a_device_that_names_a_new_room_makes_it_and_it_stays(house: House) -> None:
    lamp, _ = await house.registry.add(house.user, hardware_id="plug-1", name="Lamp", room=" Hall ")
    await house.registry.add(house.user, hardware_id="plug-2", name="TV", room="Hall")
    await house.registry.change(house.user, lamp.id, room="Office")
    assert names(house) == [("Hall", 0), ("Office", 1)]
    await house.registry.change(house.user, lamp.id, room=None)
    assert names(house) == [("Hall", 0), ("Office", 1)]
    assert names(house, await restarted(house)) == [("Hall", 0), ("Office", 1)]
    # Nothing comes of a device that could not be added.
    assert await refusal(house.registry.add(house.user, hardware_id="plug-2", name="X", room="Cellar")) != ""
    assert len(names(house)) == 2


async def test_renaming_is_one_step_for_the_room_and_all_its_devices(house: House) -> None:
    registry = house.registry
    inside = [(await registry.add(house.user, hardware_id=f"plug-{n}", name="x", room="Hall"))[0] for n in range(3)]
    other, _ = await registry.add(house.user, hardware_id="plug-9", name="x", room="Office")
    hall = registry.rooms.require(house.admin, registry.rooms.id_of(house.admin.home, "Hall") or "")
    heard = record(house.bus, DeviceChanged)
    await registry.rooms.change(house.admin, hall.id, name="Corridor")
    assert [device.room for device in (*inside, other)] == ["Corridor"] * 3 + ["Office"]
    assert [event.device for event in heard] == [device.id for device in inside]
    assert registry.rooms.id_of(house.admin.home, "Hall") is None
    assert registry.rooms.id_of(house.admin.home, "Corridor") == hall.id
    fresh = await restarted(house)
    assert sorted(str(device.room) for device in fresh.all()) == ["Corridor"] * 3 + ["Office"]
    assert await refusal(registry.rooms.change(house.admin, hall.id, name="Office")) == "room-name-taken"
    assert await refusal(registry.rooms.change(house.admin, hall.id, name="  ")) == "name-invalid"
    assert await refusal(registry.rooms.change(house.user, hall.id, name="X")) == "forbidden"
    assert await refusal(registry.rooms.change(system("elsewhere"), hall.id, name="X")) == "home-room-unknown"


async def test_nothing_of_a_renaming_happens_when_the_disk_refuses(house: House) -> None:
    device, _ = await house.registry.add(house.user, hardware_id="plug-1", name="x", room="Hall")
    room = house.registry.rooms.id_of(house.user.home, "Hall") or ""
    await house.database.close()
    with pytest.raises(RuntimeError):
        await house.registry.rooms.change(house.admin, room, name="Corridor")
    assert device.room == "Hall"
    assert house.registry.rooms.id_of(house.user.home, "Hall") == room


async def test_removing_a_room_leaves_its_devices(house: House) -> None:
    device, _ = await house.registry.add(house.user, hardware_id="plug-1", name="x", room="Hall")
    room = house.registry.rooms.id_of(house.user.home, "Hall") or ""
    assert await refusal(house.registry.rooms.remove(house.user, room)) == "forbidden"
    await house.registry.rooms.remove(house.admin, room)
    assert (device.room, names(house)) == (None, [])
    assert (await restarted(house)).all()[0].room is None
    assert await refusal(house.registry.rooms.remove(house.admin, room)) == "home-room-unknown"


@pytest.mark.parametrize(
    ("which", "place", "order"),
    [(0, 2, "bca"), (2, 0, "cab"), (1, 1, "abc"), (0, 99, "bca"), (1, 0, "bac")],
)
async def test_a_room_takes_its_place_and_the_others_make_room(
    house: House, which: int, place: int, order: str
) -> None:
    rooms = [await house.registry.rooms.add(house.user, name) for name in "abc"]
    await house.registry.rooms.change(house.admin, rooms[which].id, position=place)
    assert names(house) == [(name, n) for n, name in enumerate(order)]
    assert names(house, await restarted(house)) == names(house)


async def test_who_sees_and_adds_rooms(house: House) -> None:
    registry = house.registry
    lamp, _ = await registry.add(house.admin, hardware_id="plug-1", name="x", room="Hall")
    await registry.rooms.add(house.user, "Attic")
    assert await refusal(registry.rooms.add(house.guest, "Cellar")) == "forbidden"
    assert await refusal(registry.rooms.add(house.user, "Attic")) == "room-name-taken"
    assert [room.name for room in registry.rooms.list(house.user)] == ["Hall", "Attic"]
    assert registry.rooms.list(house.guest) == []
    await registry.share(house.admin, lamp.id, house.guest.user, "view")
    assert [room.name for room in registry.rooms.list(house.guest)] == ["Hall"]
    assert registry.rooms.list(system("elsewhere")) == []


async def test_a_home_has_only_so_many(house: House) -> None:
    for number in range(MOST_ROOMS):
        await house.registry.rooms.add(house.user, f"Room {number}")
    assert await refusal(house.registry.rooms.add(house.user, "One more")) == "rooms-too-many"
    device, _ = await house.registry.add(house.user, hardware_id="plug-1", name="x", room="Room 7")
    assert await refusal(house.registry.change(house.user, device.id, room="One more")) == "rooms-too-many"
    assert device.room == "Room 7"


async def test_shares_end_with_the_membership_and_do_not_come_back(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="x")
    await house.registry.share(house.admin, device.id, house.guest.user, "view")
    other = await house.identity.homes.add(system(house.admin.home), name="Other", time_zone="UTC", currency="EUR")
    guest = house.people.user(house.guest.user)
    assert guest is not None
    await house.people.add_membership(guest, other.id, "user")
    foreign, _ = await house.registry.add(system(other.id), hardware_id="plug-2", name="y")
    await house.registry.share(system(other.id), foreign.id, guest.id, "manage")
    await house.people.remove(house.admin, guest.id)
    house.registry.forget_user(guest.id, guest.roles)
    assert house.registry.shares(house.admin, device.id) == {house.admin.user: "manage"}
    assert house.registry.shares(system(other.id), foreign.id) == {guest.id: "manage"}
    await house.people.add_membership(guest, house.admin.home, "guest")
    assert house.registry.right(house.guest, device) == "none"
    fresh = await restarted(house)
    assert fresh.right(house.guest, device) == "none"
    assert fresh.shares(system(other.id), foreign.id) == {guest.id: "manage"}


async def test_a_home_goes_with_its_devices_and_rooms_and_their_history(house: House) -> None:
    kept, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="x", room="Hall")
    other = await house.identity.homes.add(system(house.admin.home), name="Other", time_zone="UTC", currency="EUR")
    gone, _ = await house.registry.add(system(other.id), hardware_id="plug-2", name="y", room="Hall")
    ended: list[tuple[str, str | None]] = []
    house.registry.on_login = lambda hardware_id, secret: ended.append((hardware_id, secret))
    heard = record(house.bus, DeviceRemoved)
    house.identity.on_home_removed = house.registry.forget_home
    operator = house.people.principal(house.admin.user, house.admin.home)
    assert operator is not None
    await house.identity.people.remove_home(operator, other.id)
    assert house.registry.all() == [kept]
    assert heard == [DeviceRemoved(gone.id, other.id)]
    assert ended == [("plug-2", None)]
    assert house.registry.rooms.of_home(other.id) == []
    assert names(house) == [("Hall", 0)]
    fresh = await restarted(house)
    assert fresh.all() == [kept]
    assert fresh.rooms.of_home(other.id) == []
