"""Past: the alerts that have ended lately, of every home, kept over a restart."""

import logging
from collections.abc import Sequence

import msgspec

from hub.alerts.alert import Alert
from hub.alerts.alerts import Alerts
from hub.auth.principal import Principal
from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.database import SettingsTable
from hub.devices.registry import Registry
from hub.events import AlertChanged, DeviceRemoved
from hub.messages import HubError
from hub.tasks import Tasks

MOST_PAST = 50  # of a home
GATHER_S = 60.0
"""For so long they are only in memory: an alert that comes and goes all day must not wear the card out."""
KEPT_AS = "alerts_past"
OWNER = "alerts.past"
log = logging.getLogger("hub.alerts")


class Ended(msgspec.Struct, frozen=True):
    """An alert that fired from `began` to `ended` (Unix ms), as it read then."""

    alert: str
    home: str
    device: str
    channel: int
    name: str
    kind: str
    threshold: float | None
    began: int
    ended: int


class Past:
    """The newest MOST_PAST of each home. Whoever sees a device sees what has ended there."""

    def __init__(self, alerts: Alerts, registry: Registry, settings: SettingsTable, *, bus: Bus, clock: Clock) -> None:
        self._alerts = alerts
        self._registry = registry
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._ended: list[Ended] = []  # the oldest first
        self._timer: Timer | None = None
        self._tasks = Tasks(log, "the alerts that have ended could not be stored")

    async def start(self) -> None:
        """Read what was kept, and hear the bus."""
        self._ended = self._settings.typed(KEPT_AS, list[Ended], [])
        self._bus.subscribe(AlertChanged, self._changed, OWNER)
        self._bus.subscribe(DeviceRemoved, self._device_removed, OWNER)

    async def stop(self) -> None:
        """Write what is not written yet."""
        self._bus.remove_owner(OWNER)
        await self._tasks.settled()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            await self._write()

    def list(self, principal: Principal) -> Sequence[Ended]:
        """What the asker may see, the newest first."""
        seen = {device.id for device in self._registry.list(principal)}
        return [one for one in reversed(self._ended) if one.device in seen]

    def _changed(self, event: AlertChanged) -> None:
        alert = next((one for one in self._alerts.all() if one.id == event.alert), None)
        if alert is None or event.state != "resolved" or event.began is None:
            return
        self._ended.append(as_ended(alert, event.began, event.at))
        mine = [one for one in self._ended if one.home == alert.home]
        if len(mine) > MOST_PAST:
            self._ended.remove(mine[0])
        self._write_soon()

    def _device_removed(self, event: DeviceRemoved) -> None:
        kept = [one for one in self._ended if one.device != event.device]
        if len(kept) != len(self._ended):
            self._ended = kept
            self._write_soon()

    def _write_soon(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_later(GATHER_S, self._due)

    def _due(self) -> None:
        self._timer = None
        self._tasks.spawn(self._write())

    async def _write(self) -> None:
        """A disk that takes nothing silences no alert."""
        try:
            await self._settings.set(KEPT_AS, msgspec.to_builtins(self._ended))
        except HubError as error:
            log.warning("the alerts that have ended could not be stored: %s", error)


def as_ended(alert: Alert, began: int, ended: int) -> Ended:
    """The alert as it reads now."""
    fields = msgspec.structs.asdict(alert)
    known = {name: fields[name] for name in Ended.__struct_fields__ if name in fields}
    return Ended(alert=alert.id, began=began, ended=ended, **known)
