"""A house in Berlin with a clock that stands still, and a plug that obeys."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.auth.principal import system
from hub.automation import Run, Schedule
from hub.devices.device import Device
from hub.events import ScheduleRan
from hub.testing.clock import FakeClock
from tests.api.house import House

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, fold: int = 0) -> int:
    """Unix ms of a time in Berlin."""
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp() * 1000)


START = at("2026-03-24 12:00")  # a Tuesday


class Home(House):
    """`ran`: every run; `sent`: the commands of the plug, which answers each at once while it is `there`."""

    clock: FakeClock
    plug: Device  # type: ignore[assignment]

    def __init__(self, data: Path, now: int = START) -> None:
        super().__init__(data, FakeClock(now))
        self.there, self.stopped = True, False
        self.ran: list[ScheduleRan] = []
        self.bus.subscribe(ScheduleRan, self.ran.append, "test")
        self.broker.answer = lambda _, message: self.status(
            self.plug, on=message["command"] == "relay_on", command_id=message["id"]
        )

    async def move_in(self) -> None:
        await super().move_in()
        await self.identity.homes.change(system(self.home), time_zone="Europe/Berlin")
        self.plug, _ = await self.registry.add(system(self.home), hardware_id="plug-1", name="Heater")

    @property
    def sent(self) -> list[str]:
        return [message["command"] for _, _, message in self.broker.sent]

    async def schedule(self, role: str = "user", **fields: Any) -> Schedule:
        usual = {"name": "Boiler", "days": range(7), "time": "18:00", "command": "relay_on"}
        return await self.schedules.add(self.principal(role), device=self.plug.id, **{**usual, **fields})

    async def until(self, moment: int) -> None:
        """Let time pass; the plug speaks shortly before, if it is there."""
        await self.clock.advance((moment - self.clock.now()) / 1000 - 0.5)
        if self.there:
            self.status(self.plug, on=False)
        await self.clock.advance(0.5)
        await self.idle()

    async def idle(self) -> None:
        """All that was due has been run."""
        while self.runner._tasks:
            await self.runner._tasks.settled()

    def last(self, schedule: Schedule) -> Run:
        run = self.runner.last(schedule)
        assert run is not None
        return run


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    home = Home(tmp_path)
    await home.start()
    await home.move_in()
    await home.until(START + 60_000)  # the hub has started, the plugs are back
    yield home
    if not home.stopped:
        await home.idle()
        await home.stop()
