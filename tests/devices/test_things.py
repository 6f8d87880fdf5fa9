"""What counts as a thing of a home: few names, so that the audit log can always tell them."""

from pathlib import Path

import aiohttp
import pytest

from hub.auth.audit import MOST_NAMED
from hub.devices.things import Things
from tests.devices.conftest import House
from tests.pairing.hub import Hub


async def test_plugs_rooms_people_and_the_topics_of_plugs_are_there(house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Kettle")
    room = await house.registry.rooms.add(house.admin, "Attic")
    home, things = house.admin.home, Things(house.registry, house.people)
    found = [device.id, "plug-1", room.id, house.guest.user, f"{device.id}/{house.user.user}", f"device:{device.id}"]
    for name in [*found, "smartplug/plug-1/control", "smartplug/plug-1/telemetry/batch"]:
        assert things.exists(home, name), name
        assert not things.exists("another home", name), name


@pytest.mark.parametrize(
    "name",
    ["", "#", "plug-2", "plug-1/junk", "junk/plug-1", "plug-1/plug-1/plug-1", "smartplug/plug-1/junk",
     "smartplug/plug-2/control", "smartplug/+/control", "junk:plug-1"],
)  # fmt: skip
async def test_what_is_made_up_is_not(house: House, name: str) -> None:
    await house.registry.add(house.admin, hardware_id="plug-1", name="Kettle")
    assert not Things(house.registry, house.people).exists(house.admin.home, name)


async def test_the_hub_names_what_there_is_after_any_number_of_made_up_names(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    await hub.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{hub.http_port}") as session:
            for name in [*(f"junk-{number}" for number in range(MOST_NAMED + 1)), hub.owner.user]:
                async with session.delete(f"/api/v1/users/{name}") as answer:
                    assert answer.status == 401
        objects = {line[3] for line in await hub.refusals()}
    finally:
        await hub.stop()
    assert {f"junk-{MOST_NAMED - 1}", None, hub.owner.user} <= objects
    assert f"junk-{MOST_NAMED}" not in objects
