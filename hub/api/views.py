"""What people see of a device: the registry's facts, presence, live values, energy and the command under way."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, cast

from hub.api.types.devices import Device, DeviceRetention, FoundDevice, LiveValue, Outlet, PendingCommand
from hub.devices.commands import Commands
from hub.devices.device import Device as Registered
from hub.devices.discovery import Found
from hub.devices.firmware import Firmware
from hub.devices.presence import Presence
from hub.telemetry.live import Live

NOTHING_KEPT = (None, None, None, None)
Right = Literal["view", "control", "manage"]
Unsettled = Literal["sent", "unconfirmed", "refused"]
EnergyToday = Callable[[Registered, int], float | None]
"""(device, channel) -> mWh since midnight in the home's zone; None = not known."""
RoomId = Callable[[str, str | None], str | None]
"""(home, name) -> the room's id."""


class DeviceViews:
    """Builds the API's Device; the only place that does."""

    def __init__(
        self,
        presence: Presence,
        commands: Commands,
        live: Live,
        energy_today: EnergyToday,
        room_id: RoomId,
        *,
        labels: Mapping[str, str] | None = None,
        firmware: Firmware | None = None,
    ) -> None:
        """`labels`: hardware_id -> code on its label, of those that the hub itself has made. `firmware`: what the hub
        brings for plugs; None = none."""
        self._presence = presence
        self._commands = commands
        self._live = live
        self._energy_today = energy_today
        self._room_id = room_id
        self._labels = {} if labels is None else labels
        self._firmware = firmware

    def view(self, device: Registered, right: str) -> Device:
        """The device for someone with this right (view, control or manage). A list asks for hundreds of them."""
        seen = self._presence.state(device.id)
        return Device(  # by position: naming twenty fields takes six times as long
            device.id,
            device.hardware_id,
            device.key,
            device.name,
            device.room,
            device.icon,
            device.color,
            device.driver,
            device.model,
            device.firmware,
            seen.rssi,
            seen.online,
            seen.since,
            device.interval_ms,
            device.always_on,
            device.private,
            cast(Right, right),
            [self._outlet(device, number, seen.relays.get(number)) for number in sorted(device.channels)],
            _retention(device),
            self._room_id(device.home, device.room),
            None if self._firmware is None else self._firmware.newer_than(device.firmware),
        )

    def found(self, devices: Iterable[Found]) -> list[FoundDevice]:
        """Plugs that are there and not added yet."""
        return [
            FoundDevice(found.hardware_id, found.name, found.model, found.address, self._labels.get(found.hardware_id))
            for found in devices
        ]

    def _outlet(self, device: Registered, number: int, on: bool | None) -> Outlet:
        channel = device.channels[number]
        return Outlet(
            channel=number,
            name=channel.name,
            on=on,
            live=self._value(device, number),
            max_power_w=channel.max_power_w,
            command=self._command(device.id, number),
            idle_below_w=channel.idle_below_w,
        )

    def _value(self, device: Registered, number: int) -> LiveValue:
        state = self._live.get(device.id, number)
        today = self._energy_today(device, number)
        energy = None if today is None else today / 1e6
        if state is None:
            return LiveValue(energy_today_kwh=energy)
        return LiveValue(
            at=state.at,
            power=state.power,
            voltage=state.voltage,
            current=state.current,
            power_factor=state.power_factor,
            apparent=state.apparent,
            energy_today_kwh=energy,
        )

    def _command(self, device_id: str, number: int) -> PendingCommand | None:
        pending = self._commands.pending(device_id, number)
        if pending is None or pending.state == "confirmed":
            return None
        return PendingCommand(pending.id, pending.command, cast(Unsettled, pending.state), pending.at, pending.error)


def _retention(device: Registered) -> DeviceRetention | None:
    kept = (device.keep_raw, device.keep_minutes, device.keep_hours, device.keep_days)
    return None if kept == NOTHING_KEPT else DeviceRetention(*kept)
