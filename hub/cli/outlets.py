"""Which plug a command means: by its key, as `plughub device list` shows it, or its id; :CHANNEL names an outlet."""

from collections.abc import Sequence

from hub.cli.place import StoppedHub
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.devices.device import Device
from hub.messages import HubError

Outlet = tuple[JsonObject, int]
"""A plug as the API shows it, and the channel."""


async def plug_of(hub: HubClient, text: str) -> JsonObject:
    """The plug as the API shows it. Raises HubError("cli-plug-none")."""
    return plug_among(await hub.devices(), text)


def plug_among(devices: Sequence[JsonObject], text: str) -> JsonObject:
    """The same, of these. Raises HubError("cli-plug-none")."""
    device = next((one for one in devices if text in (one["key"], one["id"])), None)
    if device is None:
        raise HubError("cli-plug-none", device=text)
    return device


def stopped_plug(hub: StoppedHub, text: str) -> Device:
    """The same on a stopped hub. Raises HubError("cli-plug-none")."""
    device = next((one for one in hub.registry.list(hub.principal) if text in (one.key, one.id)), None)
    if device is None:
        raise HubError("cli-plug-none", device=text)
    return device


def outlets_among(devices: Sequence[JsonObject], text: str) -> list[Outlet]:
    """All outlets of a plug, or the one that :CHANNEL names. Raises HubError("cli-plug-none", "channel-unknown")."""
    plug, _, channel = text.partition(":")
    device = plug_among(devices, plug)
    channels = [int(outlet["channel"]) for outlet in device["channels"]]
    found = [(device, one) for one in channels if channel in ("", str(one))]
    if not found:
        raise HubError("channel-unknown", channel=channel)
    return found
