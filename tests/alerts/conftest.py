"""A house with a clock that stands still, a plug, and what its alerts say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.alerts import Alert, Herald
from hub.auth.principal import system
from hub.devices.device import Device
from hub.events import AlertChanged
from hub.plugins import Notification
from hub.testing.clock import FakeClock
from tests.api.house import House


class Home(House):
    """`changes`: the states that alerts came to; `said`: what was sent."""

    clock: FakeClock

    def __init__(self, data: Path) -> None:
        super().__init__(data, FakeClock())
        self.changes: list[str] = []
        self.said: list[Notification] = []
        self.bus.subscribe(AlertChanged, lambda event: self.changes.append(event.state), "test")
        first = self.identity.homes
        self.watch.told = Herald(self.registry, self.people, home=lambda: first.first.id, send=self.said.append).tell
        self.heater: Device

    async def move_in(self) -> None:
        await super().move_in()
        self.heater, _ = await self.registry.add(system(self.home), hardware_id="plug-1", name="Heater")
        self.status(self.heater)

    async def alert(self, role: str = "user", **fields: Any) -> Alert:
        usual = {"name": "Left on", "kind": "power_above", "threshold": 1500.0, "hold_s": 60}
        return await self.alerts.add(self.principal(role), device=self.heater.id, **{**usual, **fields})

    async def measures(self, watts: float, seconds: float, *, every: float = 1.0) -> None:
        """The plug draws so much for so long."""
        for _ in range(round(seconds / every)):
            self.presence.heard(self.heater.id)
            self.sample(self.heater, watts)
            await self.clock.advance(every)
        await self.idle()

    async def idle(self) -> None:
        """All that changed is stored and said."""
        while self.watch._tasks:
            await self.watch._tasks.settled()

    def leaves(self) -> None:
        """The plug's connection ends."""
        self.presence.connected("plug-1", "")
        self.presence.disconnected("plug-1", "closed")

    def state(self, alert: Alert) -> str:
        return self.watch.standing(alert).state

    @property
    def texts(self) -> list[str]:
        return [notification.text for notification in self.said]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    home = Home(tmp_path)
    await home.start()
    await home.move_in()
    yield home
    await home.stop()
