"""Watch: hears what plugs measure and whether they are there, and lets alerts fire and end."""

import logging
from collections.abc import Callable
from typing import TypeVar

import msgspec

from hub.alerts.alert import OFFLINE, POWER_ABOVE, Alert, Standing
from hub.alerts.alerts import Alerts
from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.devices.presence import Presence
from hub.events import AlertChanged, PresenceChanged, SampleReceived
from hub.messages import HubError
from hub.tasks import Tasks

CALM_S = 10.0
"""So long at least it must be over before an alert ends: what comes and goes would tell of itself again and again."""
SETTLE_S = 90.0  # after the hub's start no plug is missed for so long: they all have to come back first
OWNER = "alerts.watch"
log = logging.getLogger("hub.alerts")
Place = TypeVar("Place")


class Watch:
    """States go ok → pending → firing → resolved. An alert fires when it was so for the whole of its hold time, and
    ends when it was not so for as long (at least 10 s). What is not known (a plug that is away measures nothing)
    begins no alert and ends none. `told`: of each that fires, or (with the seconds that it lasted) has ended.
    """

    def __init__(self, alerts: Alerts, presence: Presence, *, bus: Bus, clock: Clock) -> None:
        self._alerts = alerts
        self._presence = presence
        self._bus = bus
        self._clock = clock
        self._standing: dict[str, Standing] = {}
        self._power: dict[tuple[str, int], list[Alert]] = {}  # outlet -> its alerts that are on
        self._offline: dict[str, list[Alert]] = {}
        self._timers: dict[str, Timer] = {}
        self._started = 0.0
        self._tasks = Tasks(log, "an alert could not be stored")
        self.told: Callable[[Alert, Standing, float | None], None] = lambda alert, standing, lasted: None

    async def start(self) -> None:
        """Hear the bus. After Presence.start()."""
        self._started = self._clock.monotonic()
        self._alerts.on_changed, self._alerts.on_gone = self._begin, self._gone
        for alert in self._alerts.all():
            self._begin(alert)
        self._bus.subscribe(SampleReceived, self._sample, OWNER)
        self._bus.subscribe(PresenceChanged, self._came_or_went, OWNER)

    async def stop(self) -> None:
        """Stop hearing; what is being stored is stored."""
        self._bus.remove_owner(OWNER)
        self._alerts.on_changed = self._alerts.on_gone = lambda alert: None
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._tasks.settled()

    def standing(self, alert: Alert) -> Standing:
        """How it stands."""
        return self._standing.get(alert.id) or Standing()

    def _begin(self, alert: Alert) -> None:
        """It is new, changed, or stood in the database at the start."""
        self._gone(alert)
        if not alert.enabled:
            return
        standing = Standing() if alert.since is None else Standing("firing", alert.since)
        self._standing[alert.id] = standing
        if alert.kind == OFFLINE:
            self._offline.setdefault(alert.device, []).append(alert)
            self._judge(alert, not self._presence.online(alert.device))
        else:
            self._power.setdefault((alert.device, alert.channel), []).append(alert)

    def _gone(self, alert: Alert) -> None:
        self._standing.pop(alert.id, None)
        self._stop_timer(alert)
        drop(self._power, (alert.device, alert.channel), alert)
        drop(self._offline, alert.device, alert)

    def _sample(self, event: SampleReceived) -> None:
        """Hot path."""
        alerts = self._power.get((event.device, event.sample.channel))
        if alerts is None:
            return
        watts = event.sample.power
        if watts is None:
            return
        for alert in alerts:
            threshold = alert.threshold or 0.0
            self._standing[alert.id].watts = watts
            self._judge(alert, watts > threshold if alert.kind == POWER_ABOVE else watts < threshold)

    def _came_or_went(self, event: PresenceChanged) -> None:
        for alert in self._offline.get(event.device, ()):
            self._judge(alert, not event.online)
        if not event.online:
            for (device, _), alerts in self._power.items():
                for alert in alerts if device == event.device else ():
                    self._turn_back(self._standing[alert.id])

    def _judge(self, alert: Alert, so: bool) -> None:
        """It is so, or not so, at this moment."""
        standing = self._standing[alert.id]
        if so is (standing.state == "firing"):
            self._stop_timer(alert)
            self._turn_back(standing)
            return
        now = self._clock.monotonic()
        if standing.turned is None:
            standing.turned = now
            if so:
                standing.state, standing.since = "pending", self._clock.now()
            if alert.kind == OFFLINE:  # nothing more is heard of a plug that is away
                self._timers[alert.id] = self._clock.call_later(self._needed(alert, so), lambda: self._flip(alert, so))
        if alert.kind != OFFLINE and now - standing.turned >= self._needed(alert, so):
            self._flip(alert, so)

    def _needed(self, alert: Alert, so: bool) -> float:
        """For how long it must have been so, or not so."""
        needed = float(alert.hold_s) if so else max(alert.hold_s, CALM_S)
        if alert.kind == OFFLINE and so:
            return max(needed, self._started + SETTLE_S - self._clock.monotonic())
        return needed

    def _turn_back(self, standing: Standing) -> None:
        standing.turned = None
        if standing.state == "pending":
            standing.state, standing.since = "ok", None

    def _flip(self, alert: Alert, so: bool) -> None:
        standing, now = self._standing[alert.id], self._clock.now()
        self._timers.pop(alert.id, None)
        standing.turned = None
        if so and not self._alerts.author_sees(alert):
            self._tasks.spawn(self._alerts.disable(alert))
            return
        began = None if so else alert.since
        lasted = None if began is None else max(0, now - began) / 1000
        standing.state, standing.since = "firing" if so else "resolved", now
        alert.since = now if so else None
        log.info("alert %s (%s): %s", alert.id, alert.kind, standing.state)
        self._bus.publish(AlertChanged(alert.id, alert.device, alert.channel, now, standing.state, began))
        self._tasks.spawn(self._store_and_tell(alert, msgspec.structs.replace(standing), lasted))

    async def _store_and_tell(self, alert: Alert, standing: Standing, lasted: float | None) -> None:
        """Stored first, so that a hub that is killed in between does not tell it twice; a full disk silences none."""
        try:
            await self._alerts.store_since(alert)
        except HubError as error:
            log.warning("the state of alert %s could not be stored: %s", alert.id, error)
        if self._alerts.is_there(alert):
            self.told(alert, standing, lasted)

    def _stop_timer(self, alert: Alert) -> None:
        timer = self._timers.pop(alert.id, None)
        if timer is not None:
            timer.cancel()


def drop(watched: dict[Place, list[Alert]], place: Place, alert: Alert) -> None:
    """Watch it there no more; a place without alerts costs a sample nothing."""
    held = watched.get(place, [])
    if alert in held:
        held.remove(alert)
    if not held:
        watched.pop(place, None)
