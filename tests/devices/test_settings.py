"""Each plug's retained config, and its connection, follow the registry."""

import json
from collections.abc import AsyncIterator

import pytest

from hub.devices.retained import PlugRetained
from hub.devices.settings import DeviceSettings
from hub.events import StatusReported
from tests.devices.conftest import House
from tests.devices.fakes import FakeBroker, FakeDriver


class StoringBroker(FakeBroker):
    """Keeps what is retained, as the real one does."""

    def __init__(self, retained: PlugRetained) -> None:
        super().__init__()
        self.store = retained

    def retain(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        super().retain(hardware_id, suffix, payload)
        self.store.set(hardware_id, suffix, payload)


@pytest.fixture
async def broker(house: House) -> StoringBroker:
    return StoringBroker(PlugRetained(house.database, house.bus, house.clock))


@pytest.fixture
async def settings(house: House, broker: StoringBroker) -> AsyncIterator[DeviceSettings]:
    await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    settings = DeviceSettings(
        house.registry,
        broker,
        broker.store,
        drivers={"smartplug": FakeDriver()},
        bus=house.bus,
        time_zone=house.people.homes.time_zone,
    )
    await settings.start()
    yield settings
    await settings.stop()


async def test_config_is_there_before_the_plug_connects(broker: StoringBroker, settings: DeviceSettings) -> None:
    [(hardware_id, suffix, payload)] = broker.retained
    assert (hardware_id, suffix) == ("plug-1", "config")
    assert json.loads(payload) == {"name": "Lamp", "timezone": "UTC", "channels": {"0": {"max_power_w": None}}}
    await settings.stop()
    await settings.start()
    assert len(broker.retained) == 1  # nothing new to say


async def test_changes_are_told_once(house: House, broker: StoringBroker, settings: DeviceSettings) -> None:
    [device] = house.registry.all()
    await house.registry.change(house.admin, device.id, max_power_w=2300)
    await house.registry.change(house.admin, device.id, room="Office")  # none of the plug's business
    await house.registry.add(house.admin, hardware_id="plug-2", name="TV")
    told = [(hardware_id, json.loads(payload)) for hardware_id, _, payload in broker.retained[1:]]
    assert told[0] == ("plug-1", {"name": "Lamp", "timezone": "UTC", "channels": {"0": {"max_power_w": 2300}}})
    assert told[1][0] == "plug-2"
    assert len(told) == 2
    assert broker.dropped == []


async def test_new_time_zone(house: House, broker: StoringBroker, settings: DeviceSettings) -> None:
    house.people.homes.first.time_zone = "Europe/Berlin"
    settings.home_changed("other-home")
    assert len(broker.retained) == 1
    settings.home_changed(house.people.homes.first.id)
    assert json.loads(broker.retained[-1][2])["timezone"] == "Europe/Berlin"


async def test_replaced_plug_is_cut_off_and_its_messages_go(
    house: House, broker: StoringBroker, settings: DeviceSettings
) -> None:
    [device] = house.registry.all()
    broker.store.set("plug-1", "status", b"{}")
    await house.registry.replace(house.admin, device.id, "plug-9")
    assert broker.dropped == ["plug-1"]
    assert broker.store.get("plug-1", "config") is None
    assert broker.store.get("plug-1", "status") is None
    assert broker.store.get("plug-9", "config") is not None


async def test_new_secret_ends_the_connection_and_keeps_the_messages(
    house: House, broker: StoringBroker, settings: DeviceSettings
) -> None:
    [device] = house.registry.all()
    await house.registry.new_secret(house.admin, device.id)
    assert broker.dropped == ["plug-1"]
    assert broker.store.get("plug-1", "config") is not None


async def test_removed_plug_is_cut_off(house: House, broker: StoringBroker, settings: DeviceSettings) -> None:
    [device] = house.registry.all()
    await house.registry.remove(house.admin, device.id)
    assert broker.dropped == ["plug-1"]
    assert broker.store.all("config") == []


async def test_device_without_its_plugin_is_left_alone(
    house: House, broker: StoringBroker, settings: DeviceSettings
) -> None:
    await house.registry.add(house.admin, hardware_id="plug-3", name="TV", driver="tasmota")
    assert len(broker.retained) == 1


async def test_firmware_is_learned_from_a_fresh_status(
    house: House, broker: StoringBroker, settings: DeviceSettings
) -> None:
    [device] = house.registry.all()
    house.bus.publish(StatusReported(device.id, 1, True, {}, retained=True, firmware="0.9"))
    house.bus.publish(StatusReported(device.id, 1, True, {}, firmware="1.2.0"))
    await settings.stop()
    assert device.firmware == "1.2.0"


async def test_a_plug_that_calls_itself_something_else_each_time_wears_no_card_out(
    house: House, broker: StoringBroker, settings: DeviceSettings
) -> None:
    [device] = house.registry.all()
    for number in range(100):
        house.bus.publish(StatusReported(device.id, 1, True, {}, firmware=f"1.{number}"))
    await settings.stop()
    assert device.firmware == "1.0"
