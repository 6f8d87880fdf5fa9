"""Commands: sent to a plug that is there, and done only when the plug's own fresh status says so."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from hub.auth.audit import SWITCHED, Audit
from hub.auth.principal import Principal
from hub.broker.interface import Broker
from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.devices.device import Device
from hub.devices.presence import Presence
from hub.devices.registry import Registry
from hub.events import CommandFinished, CommandOutdated, CommandSent, DeviceRemoved, RelayChanged, StatusReported
from hub.messages import HubError
from hub.plugins.contract import Command, DeviceDriver

CONFIRM_S = 5.0
RIGHT_FOR = {
    "relay_on": "control",
    "relay_off": "control",
    "toggle": "control",
    "identify": "control",
    "reboot": "manage",
    "configure": "manage",
    "calibrate": "manage",
    "ota": "manage",
}
WANTED = {"relay_on": True, "relay_off": False}
RESTARTS = ("reboot", "ota")


class CommandOutcome(msgspec.Struct):
    """How a command stands. state: sent, confirmed, refused, unconfirmed. on: the outlet's last confirmed state.
    error: the plug's word when refused (late, overload, ...; "not-switched": it answered, but the outlet did not move).
    at: Unix ms when it was sent.
    """

    id: str
    command: str
    state: str
    at: int
    on: bool | None = None
    error: str | None = None


class _Awaited(msgspec.Struct):
    device: str
    channel: int
    outcome: CommandOutcome
    answered: asyncio.Future[None]
    timer: Timer | None = None


class Commands:
    """The only way to a plug. Nothing is queued for one that is away; what nothing confirms within 5 s is reported
    as unconfirmed, never as done, and set right if the answer comes after all.
    """

    def __init__(
        self,
        registry: Registry,
        presence: Presence,
        broker: Broker,
        *,
        drivers: Mapping[str, DeviceDriver],
        bus: Bus,
        clock: Clock,
        audit: Audit,
        secure: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`secure` makes durable and acknowledges what was received: before a plug forgets its memory by a restart."""
        self._registry = registry
        self._presence = presence
        self._broker = broker
        self._secure = secure
        self._drivers = drivers
        self._bus = bus
        self._clock = clock
        self._audit = audit
        self._awaited: dict[str, _Awaited] = {}
        self._last: dict[tuple[str, int], CommandOutcome] = {}  # last one not confirmed, by outlet

    async def start(self) -> None:
        """Hear the plugs' answers. After Presence.start(): a confirmed command finds the relay's state up to date."""
        self._bus.subscribe(StatusReported, self._status, owner="devices.commands")
        self._bus.subscribe(RelayChanged, self._relay_changed, owner="devices.commands")
        self._bus.subscribe(DeviceRemoved, self._removed, owner="devices.commands")

    async def stop(self) -> None:
        """Stop hearing. Who still waits gets "unconfirmed"."""
        self._bus.remove_owner("devices.commands")
        for awaited in tuple(self._awaited.values()):
            self._end(awaited, "unconfirmed", None)

    def pending(self, device_id: str, channel: int = 0) -> CommandOutcome | None:
        """The outlet's command that is under way, or its last one if that did not end well."""
        return self._last.get((device_id, channel))

    async def send(
        self,
        principal: Principal,
        device_id: str,
        command: str,
        channel: int = 0,
        values: Mapping[str, Any] | None = None,
    ) -> CommandOutcome:
        """Send and wait for the plug's answer: confirmed, refused or (after 5 s) unconfirmed.

        Raises HubError: device-unknown, forbidden, command-unknown, channel-unknown, relay-unknown (toggle of an
        outlet whose state was never heard), always-on, device-offline, driver-missing.
        """
        if command not in RIGHT_FOR:
            raise HubError("command-unknown", field="command", command=command)
        device = self._registry.require(principal, device_id, RIGHT_FOR[command])
        if channel not in device.channels:
            raise HubError("channel-unknown", field="channel", channel=channel)
        if command == "toggle":
            on = self._presence.relay(device.id, channel)
            if on is None:
                raise HubError("relay-unknown", device=device.name)
            command = "relay_off" if on else "relay_on"
        if command == "relay_off" and device.always_on and "system" in (principal.user, principal.role):
            raise HubError("always-on", device=device.name)
        if command in RESTARTS and self._secure is not None:
            await self._secure()
        was = self._presence.relay(device.id, channel)
        awaited = self._put_on_its_way(device, command, channel, values or {})
        self._write_down(principal, device, command, channel=channel, was=was)
        # Whoever asked may go away (a closed page): the command is on its way all the same.
        await asyncio.shield(awaited.answered)
        return awaited.outcome

    def _write_down(
        self, principal: Principal, device: Device, command: str, *, channel: int, was: bool | None
    ) -> None:
        """Who asked for it; a schedule's stands under its author."""
        on = WANTED.get(command)
        if on is None:
            self._audit.note(principal, "device.command", device.id, after={"name": device.name, "command": command})
        else:
            outlet, before = f"channel {channel}", None if was is None or was == on else {"on": was}
            told = None if before is None else {outlet: before}
            self._audit.note(principal, SWITCHED, device.id, before=told, after={outlet: {"on": on}})

    def _put_on_its_way(self, device: Device, command: str, channel: int, values: Mapping[str, Any]) -> _Awaited:
        driver = self._drivers.get(device.driver)
        if driver is None:
            raise HubError("driver-missing", driver=device.driver)
        if not self._presence.online(device.id):
            raise HubError("device-offline", device=device.name)
        now = self._clock.now()
        expires = now + int(CONFIRM_S * 1000) if self._clock.certain() else None
        asked = Command(f"c-{secrets.token_hex(6)}", command, channel, expires, values)
        message = driver.encode_command(asked)
        outcome = CommandOutcome(asked.id, command, "sent", now, self._presence.relay(device.id, channel))
        # Registered before it is sent: a plug in this process answers within the call.
        awaited = _Awaited(device.id, channel, outcome, asyncio.get_running_loop().create_future())
        before = self._last.get((device.id, channel))
        self._awaited[asked.id], self._last[device.id, channel] = awaited, outcome
        if not self._broker.send(device.hardware_id, message.suffix, message.payload, message.qos):
            del self._awaited[asked.id], self._last[device.id, channel]
            if before is not None:
                self._last[device.id, channel] = before
            raise HubError("device-offline", device=device.name)
        if outcome.state == "sent":
            awaited.timer = self._clock.call_later(CONFIRM_S, lambda: self._end(awaited, "unconfirmed", None))
            self._bus.publish(CommandSent(device.id, channel, now, asked.id, command))
        return awaited

    def _status(self, event: StatusReported) -> None:
        if event.retained:
            return
        awaited = self._awaited.get(event.command_id or "")
        if awaited is not None and awaited.device == event.device:
            self._end(awaited, *verdict(event, awaited.outcome.command, awaited.channel))
            return
        for channel in self._channels(event.device):
            outcome = self._last.get((event.device, channel))
            if outcome is None or outcome.state != "unconfirmed":
                continue
            if event.command_id == outcome.id:
                self._settle(event.device, channel, outcome, *verdict(event, outcome.command, channel))
            elif channel in event.relays:
                self._forget(event.device, channel)

    def _channels(self, device_id: str) -> list[int]:
        device = self._registry.device(device_id)
        return [] if device is None else list(device.channels)

    def _relay_changed(self, event: RelayChanged) -> None:
        """Why a command was refused is shown until the outlet moves after all, by whoever's hand."""
        outcome = self._last.get((event.device, event.channel))
        if outcome is not None and outcome.state == "refused":
            self._forget(event.device, event.channel)

    def _forget(self, device: str, channel: int) -> None:
        outcome = self._last.pop((device, channel))
        self._bus.publish(CommandOutdated(device, channel, self._clock.now(), outcome.id))

    def _end(self, awaited: _Awaited, state: str, error: str | None) -> None:
        if self._awaited.pop(awaited.outcome.id, None) is None:
            return
        if awaited.timer is not None:
            awaited.timer.cancel()
        self._settle(awaited.device, awaited.channel, awaited.outcome, state, error)
        awaited.answered.set_result(None)

    def _settle(self, device: str, channel: int, outcome: CommandOutcome, state: str, error: str | None) -> None:
        outcome.state, outcome.error, outcome.on = state, error, self._presence.relay(device, channel)
        # A newer command of the same outlet may have taken the place: its state is what people see.
        if state == "confirmed" and self._last.get((device, channel)) is outcome:
            del self._last[device, channel]
        self._bus.publish(
            CommandFinished(device, channel, self._clock.now(), outcome.id, outcome.command, state, error)
        )

    def _removed(self, event: DeviceRemoved) -> None:
        for awaited in tuple(self._awaited.values()):
            if awaited.device == event.device:
                self._end(awaited, "unconfirmed", None)
        for outlet in tuple(self._last):
            if outlet[0] == event.device:
                del self._last[outlet]


def verdict(status: StatusReported, command: str, channel: int) -> tuple[str, str | None]:
    """(state, error) that a plug's answer means for a command."""
    if status.error is not None:
        return "refused", status.error
    wanted = WANTED.get(command)
    if wanted is not None and status.relays.get(channel, wanted) is not wanted:
        return "refused", "not-switched"
    return "confirmed", None
