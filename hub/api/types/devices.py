"""Devices, their outlets and commands."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.api.types.common import Channel, HardwareId, Icon, Name, Request
from hub.api.types.mqtt import BrokerLines
from hub.api.types.pairing import PairingCode


class LiveValue(msgspec.Struct, gc=False):
    """Newest reading of one outlet; `at` null = never. `energy_today_kwh` since midnight in the home's zone."""

    at: int | None = None
    power: float | None = None
    voltage: float | None = None
    current: float | None = None
    power_factor: float | None = None
    apparent: bool = False
    energy_today_kwh: float | None = None


class PendingCommand(msgspec.Struct, gc=False):
    """The command under way or the last one that did not end well. state: sent, unconfirmed, refused."""

    id: str
    command: str
    state: Literal["sent", "unconfirmed", "refused"]
    at: int
    error: str | None = None


class Outlet(msgspec.Struct, gc=False):
    """One channel. `on`: last confirmed state, null = never heard; `idle_below_w`: under it "on, nothing flows"."""

    channel: int
    name: str | None
    on: bool | None
    live: LiveValue
    max_power_w: int | None
    command: PendingCommand | None = None
    idle_below_w: float = 1.0


KeptDays = Annotated[int, Meta(ge=1, le=36500, description="days; null: as long as the home's")]


class DeviceRetention(Request):
    """Days for which a device's history is kept as samples, minutes (and 5 minutes), hours and days."""

    raw: KeptDays | None = None
    minutes: KeptDays | None = None
    hours: KeptDays | None = None
    days: KeptDays | None = None


class Device(msgspec.Struct, gc=False):
    """`color` 1-6 (0 = others) is the device's own in every chart; `right` is what the asker may do."""

    id: str
    hardware_id: str
    key: str
    name: str
    room: str | None
    icon: str
    color: int
    driver: str
    model: str | None
    firmware: str | None
    rssi: int | None
    online: bool
    online_since: int | None  # since when it is online, or offline
    interval_ms: int
    always_on: bool
    private: bool
    right: Literal["view", "control", "manage"]
    channels: list[Outlet]
    retention: DeviceRetention | None = None  # null: as the home's
    room_id: str | None = None
    newer_firmware: str | None = None  # the version that this hub brings, where the plug's own is older


class DeviceList(msgspec.Struct):
    items: list[Device]
    next: str | None = None


class AddDeviceRequest(Request):
    """One of `hardware_id` and `device_id`, which mean the same. With a `pairing_code` the plug itself says how many
    channels it has."""

    name: Name
    hardware_id: HardwareId | None = None
    device_id: HardwareId | None = None
    pairing_code: PairingCode | None = None
    driver: Annotated[str, Meta(max_length=40)] = "smartplug"
    room: Name | None = None
    icon: Icon = "plug"
    channels: Annotated[int, Meta(ge=1, le=16)] = 1


class AddedDevice(msgspec.Struct):
    """The secret is shown once and kept only as a hash. `broker_lines` are there where people tell their broker."""

    device: Device
    secret: str
    broker_lines: BrokerLines | None = None


class ChangeDeviceRequest(Request):
    name: Name | UnsetType = UNSET
    room: Name | UnsetType | None = UNSET
    icon: Icon | UnsetType = UNSET
    always_on: bool | UnsetType = UNSET
    private: bool | UnsetType = UNSET
    interval_ms: Annotated[int, Meta(ge=200, le=3_600_000)] | UnsetType = UNSET
    max_power_w: Annotated[int, Meta(ge=1, le=25000)] | UnsetType | None = UNSET
    retention: DeviceRetention | UnsetType | None = UNSET
    channel: Channel = 0


class CommandRequest(Request):
    command: Literal["relay_on", "relay_off", "toggle", "identify", "reboot"]
    channel: Channel = 0


class CommandResult(msgspec.Struct):
    """state "refused": the plug said why in `error` (late, overload, unknown ...). Unconfirmed is problem 504."""

    id: str
    state: Literal["confirmed", "refused"]
    on: bool | None
    error: str | None = None


class FoundDevice(msgspec.Struct, omit_defaults=True):
    """`code`: what stands on its label, where the hub knows it: only of the demo's own new plug."""

    hardware_id: str
    name: str
    model: str
    address: str
    code: str | None = None


class FoundList(msgspec.Struct):
    items: list[FoundDevice]
    next: str | None = None


class DeviceShare(msgspec.Struct):
    """A member of the home and a device. `share`: what was given, null = nothing; `right`: what comes of it, the
    lesser of the share and the role's cap."""

    user: str
    name: str
    role: Literal["admin", "user", "guest"]
    share: Literal["view", "control", "manage"] | None
    right: Literal["none", "view", "control", "manage"]


class DeviceShareList(msgspec.Struct):
    items: list[DeviceShare]
    next: str | None = None


class HomeShare(DeviceShare):
    """The same of whichever device of the home."""

    device: str


class HomeShareList(msgspec.Struct):
    items: list[HomeShare]
    next: str | None = None


class ShareRequest(Request):
    right: Literal["view", "control", "manage"]
