"""Keeps each plug in step with the registry: its retained `config`, and its connection when its login changes."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from hub.broker.interface import Broker, RetainedStore
from hub.bus import Bus
from hub.devices.device import Device
from hub.devices.registry import Registry
from hub.events import DeviceAdded, DeviceChanged, DeviceRemoved, StatusReported
from hub.plugins.contract import DeviceDriver, Settings
from hub.tasks import Tasks

OWNER = "devices.settings"
LONGEST_VERSION = 40
LEARN_EVERY_S = 600.0
"""A plug that calls itself something else each time must not wear the card out."""
log = logging.getLogger("hub.devices")


class DeviceSettings:
    """Publishes `config` when it differs from what is retained. `time_zone(home)` gives a home's zone."""

    def __init__(
        self,
        registry: Registry,
        broker: Broker,
        retained: RetainedStore,
        *,
        drivers: Mapping[str, DeviceDriver],
        bus: Bus,
        time_zone: Callable[[str], str],
    ) -> None:
        self._registry = registry
        self._broker = broker
        self._retained = retained
        self._drivers = drivers
        self._bus = bus
        self._time_zone = time_zone
        self._learning = Tasks(log, "a plug's firmware version could not be stored")
        self._learned_at: dict[str, float] = {}  # device -> loop time
        self._logins: dict[str, tuple[str, bytes | None]] = {}  # device -> hardware_id and secret hash

    async def start(self) -> None:
        """Bring every plug's `config` up to date, then follow the registry. After the broker has started."""
        for device in self._registry.all():
            self._follow(device)
        self._bus.subscribe(DeviceAdded, lambda event: self._changed(event.device), OWNER)
        self._bus.subscribe(DeviceChanged, lambda event: self._changed(event.device), OWNER)
        self._bus.subscribe(DeviceRemoved, lambda event: self._forget(event.device), OWNER)
        self._bus.subscribe(StatusReported, self._status, OWNER)

    async def stop(self) -> None:
        """Stop following."""
        self._bus.remove_owner(OWNER)
        await self._learning.settled()

    def home_changed(self, home: str) -> None:
        """A home's time zone changed."""
        for device in self._registry.all():
            if device.home == home:
                self._publish(device)

    def _changed(self, device_id: str) -> None:
        device = self._registry.device(device_id)
        if device is not None:
            self._follow(device)

    def _status(self, event: StatusReported) -> None:
        device = self._registry.device(event.device)
        if (
            device is None
            or event.retained
            or event.firmware is None
            or event.firmware[:LONGEST_VERSION] == device.firmware
        ):
            return
        now = asyncio.get_running_loop().time()
        if now - self._learned_at.get(device.id, -LEARN_EVERY_S) < LEARN_EVERY_S:
            return
        self._learned_at[device.id] = now
        self._learning.spawn(self._registry.learned(device.id, firmware=event.firmware[:LONGEST_VERSION]))

    def _follow(self, device: Device) -> None:
        login = (device.hardware_id, self._registry.secret_hash(device.hardware_id))
        before = self._logins.get(device.id, login)
        if before[0] != login[0]:
            self._forget(device.id)
        elif before != login:
            self._broker.drop(device.hardware_id)
        self._logins[device.id] = login
        self._publish(device)

    def _forget(self, device_id: str) -> None:
        self._learned_at.pop(device_id, None)
        hardware_id, _ = self._logins.pop(device_id, (None, None))
        if hardware_id is None:
            return
        self._broker.drop(hardware_id)
        for suffix in ("config", "status"):
            self._broker.retain(hardware_id, suffix, b"")

    def _publish(self, device: Device) -> None:
        driver = self._drivers.get(device.driver)
        if driver is None:
            return
        message = driver.encode_settings(settings_of(device, self._time_zone(device.home)))
        if self._retained.get(device.hardware_id, message.suffix) != message.payload:
            self._broker.retain(device.hardware_id, message.suffix, message.payload)


def settings_of(device: Device, time_zone: str) -> Settings:
    """What the plug is told of itself."""
    return Settings(
        name=device.name,
        interval_ms=device.interval_ms,
        timezone=time_zone,
        led=True,
        channels={number: {"max_power_w": channel.max_power_w} for number, channel in device.channels.items()},
    )
