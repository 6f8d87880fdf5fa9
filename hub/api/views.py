"""What people see of a device: the registry's facts, presence, live values, energy and the command under way."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, cast

from hub.api.types.devices import Device, DeviceRetention, FoundDevice, LiveValue, Outlet, PendingCommand
from hub.devices.commands import Commands
from hub.devices.device import Channel
from hub.devices.device import Device as Registered
from hub.devices.discovery import Found
from hub.devices.presence import Presence
from hub.telemetry.live import Live

NOTHING_KEPT = (None, None, None, None)
EnergyToday = Callable[[str, int], float | None]
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
    ) -> None:
        """`labels`: hardware_id -> code on its label, of those that the hub itself has made."""
        self._presence = presence
        self._commands = commands
        self._live = live
        self._energy_today = energy_today
        self._room_id = room_id
        self._labels = {} if labels is None else labels

    def view(self, device: Registered, right: str) -> Device:
        """The device for someone with this right (view, control or manage)."""
        return Device(
            id=device.id,
            hardware_id=device.hardware_id,
            key=device.key,
            name=device.name,
            room=device.room,
            icon=device.icon,
            color=device.color,
            driver=device.driver,
            model=device.model,
            firmware=device.firmware,
            rssi=self._presence.rssi(device.id),
            online=self._presence.online(device.id),
            online_since=self._presence.since(device.id),
            interval_ms=device.interval_ms,
            always_on=device.always_on,
            private=device.private,
            right=cast(Literal["view", "control", "manage"], right),
            channels=[self._outlet(device.id, number, channel) for number, channel in sorted(device.channels.items())],
            retention=_retention(device),
            room_id=self._room_id(device.home, device.room),
        )

    def found(self, devices: Iterable[Found]) -> list[FoundDevice]:
        """Plugs that are there and not added yet."""
        return [
            FoundDevice(found.hardware_id, found.name, found.model, found.address, self._labels.get(found.hardware_id))
            for found in devices
        ]

    def _outlet(self, device_id: str, number: int, channel: Channel) -> Outlet:
        return Outlet(
            channel=number,
            name=channel.name,
            on=self._presence.relay(device_id, number),
            live=self._value(device_id, number),
            max_power_w=channel.max_power_w,
            command=self._command(device_id, number),
            idle_below_w=channel.idle_below_w,
        )

    def _value(self, device_id: str, number: int) -> LiveValue:
        state = self._live.get(device_id, number)
        today = self._energy_today(device_id, number)
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
        state = cast(Literal["sent", "unconfirmed", "refused"], pending.state)
        return PendingCommand(pending.id, pending.command, state, pending.at, pending.error)


def _retention(device: Registered) -> DeviceRetention | None:
    kept = (device.keep_raw, device.keep_minutes, device.keep_hours, device.keep_days)
    return None if kept == NOTHING_KEPT else DeviceRetention(*kept)
