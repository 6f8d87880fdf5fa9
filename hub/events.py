"""Every event that crosses the bus. Published by one part, heard by many; never changed after publishing."""

from typing import Any

import msgspec

from hub.messages import Message
from hub.sample import Sample


class Event(msgspec.Struct, frozen=True, gc=False):
    """Base of every event. `device` is always the opaque device id, times are Unix ms."""


class SampleReceived(Event, frozen=True):
    """A live (not replayed) sample was accepted. Hot path: handlers must be short."""

    device: str
    at: int
    sample: Sample


class StatusReported(Event, frozen=True, gc=True):
    """A plug's `status` was decoded. `retained` = the stored one, at the hub's start; never confirms a command."""

    device: str
    at: int
    online: bool
    relays: dict[int, bool]  # channel -> on
    retained: bool = False
    command_id: str | None = None
    error: str | None = None
    firmware: str | None = None
    rssi: int | None = None
    uptime: int | None = None
    run: str | None = None
    reason: str | None = None
    oldest: dict[int, int] | None = None  # channel -> first seq still in the plug's ring
    buffer_s: int | None = None


class PresenceChanged(Event, frozen=True):
    """A device came or went. `cause`: connected, will, silence, closed, taken_over, hub_stopped."""

    device: str
    at: int
    online: bool
    cause: str


class RelayChanged(Event, frozen=True):
    """The confirmed state of one outlet changed (by command, button, overload or schedule on the plug)."""

    device: str
    channel: int
    at: int
    on: bool


class CommandSent(Event, frozen=True):
    """A command is on its way to a plug; CommandFinished follows within 5 s."""

    device: str
    channel: int
    at: int
    command_id: str
    command: str


class CommandFinished(Event, frozen=True, gc=True):
    """A command ended: `state` is confirmed, refused or unconfirmed; `error` is the plug's word."""

    device: str
    channel: int
    at: int
    command_id: str
    command: str
    state: str
    error: str | None = None


class CommandOutdated(Event, frozen=True):
    """A command that did not end well is no longer news: the plug has said since how the outlet stands."""

    device: str
    channel: int
    at: int
    command_id: str


class DeviceAdded(Event, frozen=True):
    """A device entered the registry."""

    device: str
    home: str


class DeviceChanged(Event, frozen=True):
    """Name, room, hardware or a setting of a device changed."""

    device: str
    home: str


class DeviceRemoved(Event, frozen=True):
    """A device left the registry; its history goes with it."""

    device: str
    home: str


class RoomsChanged(Event, frozen=True):
    """A room of this home was added, renamed, put elsewhere among the others, or removed. Which plugs are in it is told
    by events of the devices."""

    home: str


class DeviceFound(Event, frozen=True):
    """mDNS saw a plug that is not in the registry (or, with gone=True, no longer sees it)."""

    hardware_id: str
    name: str
    model: str
    address: str
    gone: bool = False


class PairingChanged(Event, frozen=True, gc=True):
    """A step of a pairing window, for whoever opened it.

    `state`: waiting, heard, proved, sealed, done, failed, expired. `error` is what went wrong last, `device` is set
    once it is done, `tries_left` says how many wrong codes it still bears.
    """

    window: str
    home: str
    user: str
    hardware_id: str
    state: str
    error: Message | None = None
    device: str | None = None
    tries_left: int = 0


class PayloadRejected(Event, frozen=True):
    """A device sent what could not be used; counted in telemetry.rejects."""

    device: str
    at: int
    reason: str
    detail: str


class Committed(Event, frozen=True):
    """A commit record is durable on disk. `streams` = (device, channel, run) whose durable ranges grew."""

    at: int
    number: int
    samples: int
    streams: tuple[tuple[str, int, str], ...]


class Merged(Event, frozen=True):
    """The log was merged into the store; rollups up to `until` (Unix ms) are in it."""

    at: int
    until: int


class GapsChanged(Event, frozen=True):
    """A gap of this device was opened, split, closed or explained."""

    device: str


class ClockChanged(Event, frozen=True):
    """The hub's clock became certain or uncertain, or stepped by `step_ms`."""

    certain: bool
    step_ms: int


class ScheduleEdited(Event, frozen=True):
    """A schedule was added, changed, switched on or off, or removed."""

    schedule: str
    device: str


class ScheduleRan(Event, frozen=True):
    """A schedule was due. `outcome`: confirmed, refused, unconfirmed, failed, missed or right-lost."""

    schedule: str
    device: str
    channel: int
    at: int
    outcome: str


class AlertEdited(Event, frozen=True):
    """An alert was added, changed, switched on or off, or removed."""

    alert: str
    device: str


class AlertChanged(Event, frozen=True):
    """An alert fires or has ended: `state` is firing or resolved. `began`: since when it fired, once it has ended."""

    alert: str
    device: str
    channel: int
    at: int
    state: str
    began: int | None = None


class PluginFailed(Event, frozen=True):
    """A plugin's hook raised, took too long, or was switched off."""

    plugin: str
    hook: str
    detail: str
    switched_off: bool = False


class ProblemRaised(Event, frozen=True, gc=True):
    """Something an admin should see until it ends: a message id with values (storage full, clock uncertain, ...)."""

    id: str
    values: dict[str, Any]


class ProblemEnded(Event, frozen=True):
    """The problem with this id no longer holds."""

    id: str
