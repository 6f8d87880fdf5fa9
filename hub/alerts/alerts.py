"""Alerts of the homes, in memory and written through; who may see and change them."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from hub.alerts.alert import OF_POWER, OFFLINE, Alert, shown
from hub.alerts.rows import AlertRows
from hub.auth.audit import Audit
from hub.auth.principal import Principal, system
from hub.bus import Bus
from hub.clock import Clock
from hub.database import Database
from hub.devices.device import clean_name
from hub.devices.registry import Registry
from hub.events import AlertEdited, DeviceRemoved
from hub.messages import HubError

MOST_ALERTS = 200  # of a home
CHANGEABLE = {"name", "threshold", "hold_s", "enabled"}
OWNER = "alerts"
ORIGIN = "alert"


class Members(Protocol):
    """What is asked of the people."""

    def principal(self, user_id: str, home_id: str) -> Principal | None:
        """Somebody with the role that they have now."""


class Alerts:
    """Whoever may see a device sees its alerts; whoever may control it adds some and changes their own, whoever may
    manage it changes all. `on_changed`: told of each alert that is new or says something else, before it goes on;
    `on_gone`: of those that are no more."""

    def __init__(
        self, database: Database, registry: Registry, people: Members, *, bus: Bus, clock: Clock, audit: Audit
    ) -> None:
        self._rows = AlertRows(database)
        self._registry = registry
        self._people = people
        self._bus = bus
        self._clock = clock
        self._audit = audit
        self._alerts: dict[str, Alert] = {}
        self._writing = asyncio.Lock()
        self.on_changed: Callable[[Alert], None] = lambda alert: None
        self.on_gone: Callable[[Alert], None] = lambda alert: None
        bus.subscribe(DeviceRemoved, self._device_removed, OWNER)

    async def load(self) -> None:
        """Read them."""
        self._alerts = {alert.id: alert for alert in await self._rows.load()}

    def all(self) -> Sequence[Alert]:
        """Those of every home, the oldest first; for the hub's own use."""
        return list(self._alerts.values())

    def list(self, principal: Principal, device: str | None = None) -> Sequence[Alert]:
        """Those of the devices (or of this one) that the asker may see."""
        return [one for one in self._alerts.values() if device in (None, one.device) and self._sees(principal, one)]

    def get(self, principal: Principal, alert_id: str) -> Alert:
        """Raises HubError("alert-unknown"), also for what the asker may not see."""
        alert = self._alerts.get(alert_id)
        if alert is None or not self._sees(principal, alert):
            raise HubError("alert-unknown", alert=alert_id)
        return alert

    async def add(
        self,
        principal: Principal,
        *,
        device: str,
        name: str,
        kind: str,
        threshold: float | None = None,
        hold_s: int = 0,
        channel: int = 0,
        enabled: bool = True,
    ) -> Alert:
        """Needs control. Raises HubError("device-unknown", "forbidden", "channel-unknown", "name-invalid",
        "alert-threshold-missing", "alert-threshold-needless", "alerts-too-many")."""
        found = self._registry.require(principal, device, "control")
        if channel not in found.channels:
            raise HubError("channel-unknown", field="channel", channel=channel)
        require_threshold(kind, threshold)
        name = clean_name(name, "name")
        async with self._writing:
            if sum(one.home == found.home for one in self._alerts.values()) >= MOST_ALERTS:
                raise HubError("alerts-too-many", most=MOST_ALERTS)
            alert = Alert(
                id=secrets.token_hex(8),
                home=found.home,
                device=found.id,
                channel=channel,
                name=name,
                kind=kind,
                threshold=threshold,
                hold_s=hold_s,
                enabled=enabled,
                author=author_of(principal),
                created=self._clock.now(),
            )
            await self._rows.add(alert)
            if self._registry.device(found.id) is None:  # and the database has dropped it again
                raise HubError("device-unknown", field="device", device=device)
            self._alerts[alert.id] = alert
            self.on_changed(alert)
        self._publish(alert)
        await self._audit.record(principal, "alert.add", alert.id, after=shown(alert))
        return alert

    async def change(self, principal: Principal, alert_id: str, **changes: Any) -> Alert:
        """name, threshold, hold_s, enabled. Needs control for one's own, manage for another's; who changes one whose
        author no longer sees the device becomes its author. One that says something else begins anew.

        Raises HubError("alert-unknown", "forbidden", "name-invalid", "alert-threshold-missing",
        "alert-threshold-needless").
        """
        if unknown := set(changes) - CHANGEABLE:
            raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
        if "name" in changes:
            changes["name"] = clean_name(changes["name"], "name")
        async with self._writing:
            alert = self._changeable(principal, alert_id, "control")
            if "threshold" in changes:
                require_threshold(alert.kind, changes["threshold"])
            if not self.author_sees(alert):
                changes["author"] = author_of(principal)
            before = shown(alert)
            changes = {field: value for field, value in changes.items() if before[field] != value}
            await self._write(alert, changes)
        await self._audit.record(principal, "alert.change", alert.id, before=before, after=shown(alert))
        return alert

    async def remove(self, principal: Principal, alert_id: str) -> None:
        """One's own, or with manage any. Raises HubError("alert-unknown", "forbidden")."""
        async with self._writing:
            alert = self._changeable(principal, alert_id, "view")
            await self._rows.remove(alert)
            self._drop(alert)
        await self._audit.record(principal, "alert.remove", alert.id, before=shown(alert))

    def author_sees(self, alert: Alert) -> bool:
        """May its author still see the device?"""
        if alert.author is None:
            return True
        device = self._registry.device(alert.device)
        author = self._people.principal(alert.author, alert.home)
        return device is not None and author is not None and self._registry.right(author, device) != "none"

    async def disable(self, alert: Alert) -> None:
        """Its author has lost the right."""
        async with self._writing:
            if not self.is_there(alert) or not alert.enabled:
                return
            await self._write(alert, {"enabled": False})
        await self._audit.record(
            system(alert.home, ORIGIN), "alert.disable", alert.id, before={"enabled": True}, after={"enabled": False}
        )

    async def store_since(self, alert: Alert) -> None:
        """Since when it fires, as it is by now in memory."""
        await self._rows.change(alert, {"since": alert.since})

    def is_there(self, alert: Alert) -> bool:
        """Was it not removed?"""
        return self._alerts.get(alert.id) is alert

    def forget_author(self, user: str) -> None:
        """The person is deleted; the database has dropped their alerts already."""
        for alert in self.all():
            if alert.author == user:
                self._drop(alert)

    def _device_removed(self, event: DeviceRemoved) -> None:
        for alert in self.all():
            if alert.device == event.device:
                self._drop(alert)

    def _drop(self, alert: Alert) -> None:
        if self._alerts.pop(alert.id, None) is not None:
            self.on_gone(alert)
            self._publish(alert)

    def _publish(self, alert: Alert) -> None:
        self._bus.publish(AlertEdited(alert.id, alert.device))

    async def _write(self, alert: Alert, changes: dict[str, Any]) -> None:
        """What it watches for decides its state: another rule begins anew."""
        if not changes:
            return
        anew = set(changes) & {"threshold", "hold_s", "enabled"}
        if anew:
            changes = {**changes, "since": None}
        await self._rows.change(alert, changes)
        for field, value in changes.items():
            setattr(alert, field, value)
        if not self.is_there(alert):
            return
        if anew:
            self.on_changed(alert)
        self._publish(alert)

    def _sees(self, principal: Principal, alert: Alert) -> bool:
        device = self._registry.device(alert.device)
        return device is not None and self._registry.right(principal, device) != "none"

    def may_change(self, principal: Principal, alert: Alert) -> bool:
        """Would `change` let them?"""
        try:
            self._changeable(principal, alert.id, "control")
        except HubError:
            return False
        return principal.role != "guest" and principal.has_scope("manage")

    def _changeable(self, principal: Principal, alert_id: str, own: str) -> Alert:
        """`own`: the right that one's own alert needs."""
        alert = self.get(principal, alert_id)
        self._registry.require(principal, alert.device, own if alert.author == principal.user else "manage")
        return alert


def author_of(principal: Principal) -> str | None:
    """Whose rights it has."""
    return None if principal.user == "system" else principal.user


def require_threshold(kind: str, threshold: float | None) -> None:
    """Raises HubError("alert-threshold-missing", "alert-threshold-needless")."""
    if kind in OF_POWER and threshold is None:
        raise HubError("alert-threshold-missing", field="threshold")
    if kind == OFFLINE and threshold is not None:
        raise HubError("alert-threshold-needless", field="threshold")
