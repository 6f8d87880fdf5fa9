"""Runner: waits for the schedule that is due next and switches, with the rights that its author has then."""

import logging
from collections.abc import Callable

from hub.automation.schedule import Run, Schedule
from hub.automation.schedules import Schedules, require_harmless
from hub.automation.times import latest_due, next_due
from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.database import SettingsTable
from hub.database.rows import Ms
from hub.devices.commands import Commands
from hub.devices.registry import Registry
from hub.events import ClockChanged, ScheduleRan
from hub.messages import HubError
from hub.tasks import Tasks

LATE_MS = 5 * 60 * 1000
"""A run that is later than this is missed: nobody expects the heater at noon that was meant for six."""
LONGEST_WAIT_S = 60.0  # the clock may step, or become certain, without a word
SETTLE_S = 20.0  # after the hub's start, for the plugs to come back
MARK = "schedules_until"
OWNER = "automation.runner"
Rule = tuple[tuple[int, ...], str, str]
Due = list[tuple[int, Schedule]]
log = logging.getLogger("hub.automation")


class Runner:
    """Runs each schedule once for each time that it is due, while the clock is certain.

    Up to which moment everything is dealt with is kept on the disk before anything is switched: what was due while the
    hub was down runs once, if it is not late.
    """

    def __init__(
        self,
        schedules: Schedules,
        registry: Registry,
        commands: Commands,
        *,
        settings: SettingsTable,
        bus: Bus,
        clock: Clock,
        zone: Callable[[str], str],
    ) -> None:
        """`zone`: the time zone of a home."""
        self._schedules = schedules
        self._registry = registry
        self._commands = commands
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._zone = zone
        self._mark: int | None = None  # Unix ms; None: the clock was never certain yet
        self._planned: dict[str, tuple[Rule, int]] = {}  # schedule -> what it said then, and when it is due
        self._last: dict[str, Run] = {}
        self._timer: Timer | None = None
        self._started = 0.0  # on the monotonic clock
        self._tasks = Tasks(log, "a schedule could not be run")

    async def start(self) -> None:
        """Wait for what is due. After the broker, so that plugs can be reached."""
        self._started = self._clock.monotonic()
        self._schedules.on_changed = self._changed
        self._bus.subscribe(ClockChanged, lambda _: self._plan(at_once=True), OWNER)
        if self._clock.certain():
            self._begin(self._clock.now())
        self._plan()

    async def stop(self) -> None:
        """Switch nothing more."""
        self._bus.remove_owner(OWNER)
        self._schedules.on_changed = lambda: None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._tasks.cancel()
        await self._keep_mark()

    def last(self, schedule: Schedule) -> Run | None:
        """How the last run since the hub's start went."""
        return self._last.get(schedule.id)

    def next(self, schedule: Schedule) -> int | None:
        """Unix ms when it is due next; None while it is off, or nobody knows the time."""
        if not schedule.enabled or not self._clock.certain():
            return None
        rule, now = self._rule(schedule), self._clock.now()
        planned = self._planned.get(schedule.id)
        return planned[1] if planned is not None and planned[0] == rule and planned[1] > now else next_due(now, *rule)

    def _plan(self, *, at_once: bool = False) -> None:
        """Set the timer. One for all: there is always one schedule that is next."""
        if self._timer is not None:
            self._timer.cancel()
        wait = LONGEST_WAIT_S
        if at_once or (self._mark is None and self._clock.certain()):
            wait = 0.0
        elif self._mark is not None and self._clock.certain():
            now = self._clock.now()
            for schedule in self._schedules.all():
                if schedule.enabled:
                    wait = min(wait, max(0, self._due(schedule) - now) / 1000)
        wait = max(wait, self._started + SETTLE_S - self._clock.monotonic())
        self._timer = self._clock.call_later(wait, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self._clock.certain():
            due = self._take(self._clock.now())
            if due:
                self._tasks.spawn(self._run_all(due))
        self._plan()

    def _take(self, now: int) -> Due:
        """What is due and was not yet dealt with, in order."""
        if self._mark is None:
            self._begin(now)
        assert self._mark is not None
        if self._mark > now + LATE_MS:  # the clock was wrong, and is set back
            self._mark = now
            self._planned.clear()
        due: Due = []
        for schedule in self._schedules.all():
            if schedule.enabled and (first := self._due(schedule)) <= now:
                due.append((latest_due(first, now, *self._rule(schedule)), schedule))
        self._mark = max(self._mark, now)
        return sorted(due, key=lambda one: one[0])

    def _begin(self, now: int) -> None:
        """The time is certain for the first time since the start: go on where the hub stopped, else with its start."""
        kept = self._settings.typed(MARK, Ms, None)
        started = now - round((self._clock.monotonic() - self._started) * 1000)
        self._mark = kept if kept is not None and kept <= now + LATE_MS else started
        for schedule in self._schedules.all():
            if schedule.enabled:
                rule = self._rule(schedule)
                self._planned[schedule.id] = rule, next_due(self._mark, *rule)

    def _due(self, schedule: Schedule) -> int:
        """The first moment that is not dealt with."""
        assert self._mark is not None
        rule = self._rule(schedule)
        planned = self._planned.get(schedule.id)
        if planned is None or planned[0] != rule:  # it is new, or says something else from now on
            planned = rule, next_due(max(self._mark, self._clock.now()), *rule)
        elif planned[1] <= self._mark:
            planned = rule, next_due(self._mark, *rule)
        self._planned[schedule.id] = planned
        return planned[1]

    def _rule(self, schedule: Schedule) -> Rule:
        return tuple(schedule.days), schedule.time, self._zone(schedule.home)

    def _changed(self) -> None:
        enabled = {schedule.id for schedule in self._schedules.all() if schedule.enabled}
        self._planned = {id: planned for id, planned in self._planned.items() if id in enabled}
        there = {schedule.id for schedule in self._schedules.all()}
        self._last = {id: run for id, run in self._last.items() if id in there}
        self._plan()
        if self._mark is not None and self._clock.certain():
            self._tasks.spawn(self._keep_mark(self._clock.now()))

    async def _keep_mark(self, until: int | None = None) -> None:
        """Until when everything is dealt with. A disk that takes nothing keeps no schedule from running."""
        mark = self._mark if until is None else until
        if mark is None or mark == self._settings.get(MARK):
            return
        try:
            await self._settings.set(MARK, mark)
        except HubError as error:
            log.warning("how far the schedules are could not be stored: %s", error)

    async def _run_all(self, due: Due) -> None:
        await self._keep_mark()
        for at, schedule in due:
            self._tasks.spawn(self._run(schedule, at))

    async def _run(self, schedule: Schedule, at: int) -> None:
        if not self._schedules.is_due(schedule):
            return
        principal = self._schedules.acting(schedule)
        device = self._registry.device(schedule.device)
        if self._clock.now() - at > LATE_MS:
            run = Run(at, "missed")
        elif principal is None or device is None:
            run = Run(at, "right-lost")
        else:
            try:
                require_harmless(device, schedule.command)
                outcome = await self._commands.send(principal, device.id, schedule.command, schedule.channel)
                run = Run(at, outcome.state)
            except HubError as error:
                run = Run(at, "failed", error.message)
        log.info("schedule %s (%s): %s", schedule.id, schedule.command, run.outcome)
        self._last[schedule.id] = run
        self._bus.publish(ScheduleRan(schedule.id, schedule.device, schedule.channel, at, run.outcome))
        if run.outcome == "right-lost":
            await self._schedules.disable(schedule)
