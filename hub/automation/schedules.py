"""Schedules of the homes, in memory and written through; who may see and change them."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from hub.auth.audit import Audit
from hub.auth.principal import RIGHTS, Principal, system
from hub.automation.rows import ScheduleRows
from hub.automation.schedule import Schedule, shown
from hub.bus import Bus
from hub.clock import Clock
from hub.database import Database
from hub.devices.device import Device, clean_name
from hub.devices.registry import Registry
from hub.events import DeviceRemoved, ScheduleEdited
from hub.messages import HubError

MOST_SCHEDULES = 200  # of a home
CHANGEABLE = {"name", "days", "time", "command", "enabled"}
OWNER = "automation.schedules"
ORIGIN = "schedule"


class Members(Protocol):
    """What is asked of the people."""

    def principal(self, user_id: str, home_id: str) -> Principal | None:
        """Somebody with the role that they have now."""


class Schedules:
    """Whoever may see a device sees its schedules; whoever may control it adds some and changes their own, whoever may
    manage it changes all. `on_changed`: told after each change."""

    def __init__(
        self, database: Database, registry: Registry, people: Members, *, bus: Bus, clock: Clock, audit: Audit
    ) -> None:
        self._rows = ScheduleRows(database)
        self._registry = registry
        self._people = people
        self._bus = bus
        self._clock = clock
        self._audit = audit
        self._schedules: dict[str, Schedule] = {}
        self._writing = asyncio.Lock()
        self.on_changed: Callable[[], None] = lambda: None
        bus.subscribe(DeviceRemoved, self._device_removed, OWNER)

    async def load(self) -> None:
        """Read them."""
        self._schedules = {schedule.id: schedule for schedule in await self._rows.load()}

    def all(self) -> Sequence[Schedule]:
        """Those of every home, the oldest first; for the hub's own use."""
        return list(self._schedules.values())

    def list(self, principal: Principal, device: str | None = None) -> Sequence[Schedule]:
        """Those of the devices (or of this one) that the asker may see."""
        return [one for one in self._schedules.values() if device in (None, one.device) and self._sees(principal, one)]

    def get(self, principal: Principal, schedule_id: str) -> Schedule:
        """Raises HubError("schedule-unknown"), also for what the asker may not see."""
        schedule = self._schedules.get(schedule_id)
        if schedule is None or not self._sees(principal, schedule):
            raise HubError("schedule-unknown", schedule=schedule_id)
        return schedule

    async def add(
        self,
        principal: Principal,
        *,
        device: str,
        name: str,
        days: Sequence[int],
        time: str,
        command: str,
        channel: int = 0,
        enabled: bool = True,
    ) -> Schedule:
        """Needs control. Raises HubError("device-unknown", "forbidden", "channel-unknown", "name-invalid", "always-on",
        "schedules-too-many")."""
        found = self._registry.require(principal, device, "control")
        if channel not in found.channels:
            raise HubError("channel-unknown", field="channel", channel=channel)
        require_harmless(found, command)
        name = clean_name(name, "name")
        async with self._writing:
            if sum(one.home == found.home for one in self._schedules.values()) >= MOST_SCHEDULES:
                raise HubError("schedules-too-many", most=MOST_SCHEDULES)
            author = None if principal.user == "system" else principal.user
            schedule = Schedule(
                id=secrets.token_hex(8),
                home=found.home,
                device=found.id,
                channel=channel,
                name=name,
                days=sorted(set(days)),
                time=time,
                command=command,
                enabled=enabled,
                author=author,
                created=self._clock.now(),
            )
            await self._rows.add(schedule)
            if self._registry.device(found.id) is None:  # and the database has dropped it again
                raise HubError("device-unknown", field="device", device=device)
            self._schedules[schedule.id] = schedule
        self._changed(schedule)
        await self._audit.record(principal, "schedule.add", schedule.id, after=shown(schedule))
        return schedule

    async def change(self, principal: Principal, schedule_id: str, **changes: Any) -> Schedule:
        """name, days, time, command, enabled. Needs control for one's own, manage for another's; who changes one whose
        author has lost the right becomes its author.

        Raises HubError("schedule-unknown", "forbidden", "name-invalid", "always-on").
        """
        if unknown := set(changes) - CHANGEABLE:
            raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
        if "name" in changes:
            changes["name"] = clean_name(changes["name"], "name")
        if "days" in changes:
            changes["days"] = sorted(set(changes["days"]))
        async with self._writing:
            schedule = self._changeable(principal, schedule_id, "control")
            device = self._registry.require(principal, schedule.device, "control")
            if changes.get("enabled", schedule.enabled):
                require_harmless(device, changes.get("command", schedule.command))
            if self.acting(schedule) is None:
                changes["author"] = None if principal.user == "system" else principal.user
            before = shown(schedule)
            await self._write(schedule, changes)
        self._changed(schedule)
        await self._audit.record(principal, "schedule.change", schedule.id, before=before, after=shown(schedule))
        return schedule

    async def remove(self, principal: Principal, schedule_id: str) -> None:
        """One's own, or with manage any. Raises HubError("schedule-unknown", "forbidden")."""
        async with self._writing:
            schedule = self._changeable(principal, schedule_id, "view")
            await self._rows.remove(schedule)
            self._schedules.pop(schedule.id, None)
        self._changed(schedule)
        await self._audit.record(principal, "schedule.remove", schedule.id, before=shown(schedule))

    def acting(self, schedule: Schedule) -> Principal | None:
        """As whom it runs now; None where its author may no longer control the device."""
        device = self._registry.device(schedule.device)
        if schedule.author is None:
            return system(schedule.home, ORIGIN)
        author = self._people.principal(schedule.author, schedule.home)
        if author is None or device is None:
            return None
        if RIGHTS.index(self._registry.right(author, device)) < RIGHTS.index("control"):
            return None
        return msgspec.structs.replace(author, origin=ORIGIN, via=schedule.id)

    async def disable(self, schedule: Schedule) -> None:
        """Its author has lost the right."""
        async with self._writing:
            if schedule.id not in self._schedules or not schedule.enabled:
                return
            await self._write(schedule, {"enabled": False})
        self._changed(schedule)
        await self._audit.record(
            system(schedule.home, ORIGIN),
            "schedule.disable",
            schedule.id,
            before={"enabled": True},
            after={"enabled": False},
        )

    def is_due(self, schedule: Schedule) -> bool:
        """Is it still there, and switched on?"""
        return schedule.enabled and self._schedules.get(schedule.id) is schedule

    def forget_author(self, user: str) -> None:
        """The person is deleted; the database has dropped their schedules already."""
        self._keep(lambda schedule: schedule.author != user)

    def _device_removed(self, event: DeviceRemoved) -> None:
        self._keep(lambda schedule: schedule.device != event.device)

    def _keep(self, stays: Callable[[Schedule], bool]) -> None:
        gone = [schedule for schedule in self._schedules.values() if not stays(schedule)]
        for schedule in gone:
            del self._schedules[schedule.id]
        self._changed(*gone)

    def _changed(self, *schedules: Schedule) -> None:
        """Tell of those that are new, others or gone."""
        self.on_changed()
        for schedule in schedules:
            self._bus.publish(ScheduleEdited(schedule.id, schedule.device))

    async def _write(self, schedule: Schedule, changes: dict[str, Any]) -> None:
        if changes:
            await self._rows.change(schedule, changes)
        for field, value in changes.items():
            setattr(schedule, field, value)

    def _sees(self, principal: Principal, schedule: Schedule) -> bool:
        device = self._registry.device(schedule.device)
        return device is not None and self._registry.right(principal, device) != "none"

    def may_change(self, principal: Principal, schedule: Schedule) -> bool:
        """Would `change` let them?"""
        try:
            self._changeable(principal, schedule.id, "control")
        except HubError:
            return False
        return principal.role != "guest" and principal.has_scope("manage")

    def _changeable(self, principal: Principal, schedule_id: str, own: str) -> Schedule:
        """`own`: the right that one's own schedule needs."""
        schedule = self.get(principal, schedule_id)
        right = own if schedule.author == principal.user else "manage"
        self._registry.require(principal, schedule.device, right)
        return schedule


def require_harmless(device: Device, command: str) -> None:
    """Nothing but a person switches an "always on" plug off. Raises HubError("always-on")."""
    if device.always_on and command == "relay_off":
        raise HubError("always-on", field="command", device=device.name)
