"""Presence: which plugs are there, since when, and the confirmed state of their outlets."""

import msgspec

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.devices.device import Device
from hub.devices.registry import Registry
from hub.events import DeviceRemoved, PresenceChanged, RelayChanged, StatusReported

SILENT_INTERVALS = 3
SHORTEST_SILENCE_S = 10.0
SWEEP_S = 2.0


class PlugState(msgspec.Struct):
    """What is known of one plug in this run of the hub. heard: monotonic seconds; since: Unix ms since when it is
    online, or offline, None = never seen; relays: what the plug itself reported last, by outlet; rssi: dBm.
    """

    connected: bool = False
    online: bool = False
    since: int | None = None
    heard: float = 0.0
    relays: dict[int, bool] = {}
    rssi: int | None = None
    uptime: int | None = None


NEVER_SEEN = PlugState()


class Presence:
    """A plug is online from its first word until its will, the end of its connection, or a silence of three of its
    intervals (at least 10 s). After a start of the hub the retained statuses say how the outlets stood; whether a
    plug is there, only the plug itself says.
    """

    def __init__(self, registry: Registry, bus: Bus, clock: Clock) -> None:
        self._registry = registry
        self._bus = bus
        self._clock = clock
        self._states: dict[str, PlugState] = {}
        self._online: set[str] = set()
        self._sweep: Timer | None = None

    async def start(self) -> None:
        """Hear what plugs say. Before the broker starts: its first messages are the retained statuses."""
        self._bus.subscribe(StatusReported, self._status, owner="devices.presence")
        self._bus.subscribe(DeviceRemoved, self._removed, owner="devices.presence")

    async def stop(self) -> None:
        """Stop hearing; nothing is published any more."""
        self._bus.remove_owner("devices.presence")
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def state(self, device_id: str) -> PlugState:
        """All that is known of the plug, not to be changed."""
        return self._states.get(device_id, NEVER_SEEN)

    def online(self, device_id: str) -> bool:
        """Is the plug there, as far as the hub can know?"""
        return device_id in self._online

    def relay(self, device_id: str, channel: int = 0) -> bool | None:
        """The last state that the plug itself reported for this outlet; None = never."""
        return self.state(device_id).relays.get(channel)

    def heard(self, device_id: str) -> None:
        """A plug sent something. Hot path.

        Its first word may be its stored status or its will, which do not say that it is there: who is not online
        comes online only after the message has been dealt with, and only if it is still connected then.
        """
        state = self._states.get(device_id)
        if state is None:
            return
        if state.online:
            state.heard = self._clock.monotonic()
        elif state.connected:
            self._clock.call_later(0, lambda: self._came(device_id) if state.connected else None)

    def connected(self, hardware_id: str, peer: str) -> None:
        """It logged in; it counts as online with its first status or telemetry."""
        device = self._registry.by_hardware(hardware_id)
        if device is not None:
            self._state(device.id).connected = True

    def disconnected(self, hardware_id: str, cause: str) -> None:
        """Its connection ended. A take-over is the same plug on a new connection: it stays online."""
        device = self._registry.by_hardware(hardware_id)
        if device is None:
            return
        self._state(device.id).connected = False
        if cause != "taken_over":
            self._went(device.id, cause)

    def _state(self, device_id: str) -> PlugState:
        return self._states.setdefault(device_id, PlugState())

    def _status(self, event: StatusReported) -> None:
        state = self._state(event.device)
        if event.rssi is not None:
            state.rssi = event.rssi
        if event.uptime is not None:
            state.uptime = event.uptime
        if event.retained:
            # What the broker stored tells how the outlets stood, not how they stand: no event, nobody switched.
            for channel, on in event.relays.items():
                state.relays.setdefault(channel, on)
            return
        if not event.online:
            # The will of a connection comes before the end of it, which says why: a take-over is no absence.
            if not state.connected:
                self._went(event.device, "will")
            return
        for channel, on in event.relays.items():
            if state.relays.get(channel) is not on:
                state.relays[channel] = on
                self._bus.publish(RelayChanged(event.device, channel, event.at, on))
        self._came(event.device)

    def _came(self, device_id: str) -> None:
        state = self._state(device_id)
        state.heard = self._clock.monotonic()
        if state.online:
            return
        state.online, state.since = True, self._clock.now()
        self._online.add(device_id)
        self._plan_sweep()
        self._bus.publish(PresenceChanged(device_id, state.since, True, "connected"))

    def _went(self, device_id: str, cause: str) -> None:
        state = self._state(device_id)
        if not state.online:
            state.since = state.since or self._clock.now()
            return
        state.online, state.since = False, self._clock.now()
        self._online.discard(device_id)
        self._bus.publish(PresenceChanged(device_id, state.since, False, cause))

    def _removed(self, event: DeviceRemoved) -> None:
        self._states.pop(event.device, None)
        self._online.discard(event.device)

    def _plan_sweep(self) -> None:
        if self._sweep is None:
            self._sweep = self._clock.call_later(SWEEP_S, self._find_silent)

    def _find_silent(self) -> None:
        self._sweep = None
        now = self._clock.monotonic()
        for device_id in tuple(self._online):
            device = self._registry.device(device_id)
            if device is None or now - self._states[device_id].heard >= silence_limit(device):
                self._went(device_id, "silence")
        if self._online:
            self._plan_sweep()


def silence_limit(device: Device) -> float:
    """Seconds without a word after which a plug counts as offline."""
    return max(SILENT_INTERVALS * device.interval_ms / 1000, SHORTEST_SILENCE_S)
