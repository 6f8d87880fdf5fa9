"""People on a real file, with a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.auth.passwords import Passwords
from hub.auth.people import People
from hub.database import Database, SettingsTable
from hub.testing.clock import FakeClock

PASSWORD = "copper lantern riddle"


class Hall:
    """What most tests need, by name. Not loaded: each test says what the hub has at its start."""

    def __init__(self, data_dir: Path, clock: FakeClock) -> None:
        self.data_dir = data_dir
        self.clock = clock
        self.database = Database(data_dir)
        self.settings = SettingsTable(self.database)
        self.passwords = Passwords(cost=4)
        self.people = People(self.database, clock, self.passwords)

    async def open(self) -> None:
        await self.database.open()
        await self.settings.load()
        await self.people.load()

    async def close(self) -> None:
        await self.database.close()
        self.passwords.close()


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    hall = Hall(tmp_path, FakeClock())
    await hall.open()
    yield hall
    await hall.close()
