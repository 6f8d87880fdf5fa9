"""A registry on a real file, with one home, an admin, a user and a guest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.auth.identity import Identity
from hub.auth.passwords import Passwords
from hub.auth.principal import Principal
from hub.bus import Bus
from hub.database import Database
from hub.devices.registry import Registry
from hub.testing.clock import FakeClock


class House:
    """What most tests need, by name."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.clock = FakeClock()
        self.bus = Bus()
        self.database = Database(data_dir)
        self.identity = Identity(self.database, self.clock, data_dir, passwords=Passwords(cost=4))
        self.people = self.identity.people
        self.registry = Registry(self.database, self.bus, self.clock, self.identity.audit)
        self.admin = self.user = self.guest = Principal("", "", "")

    async def open(self) -> None:
        await self.database.open()
        await self.identity.load()
        await self.registry.load()
        if not self.people.has_admin():
            user, home = await self.people.make_first_admin(
                email="ada@example.org", name="Ada", password="copper lantern riddle"
            )
            self.admin = Principal(user.id, home.id, "admin")
            self.user = await self.member("ben@example.org", "user")
            self.guest = await self.member("gil@example.org", "guest")

    async def member(self, email: str, role: str) -> Principal:
        user = await self.people.add(self.admin, email=email, name=email.partition("@")[0], role=role)
        return Principal(user.id, self.admin.home, role)

    async def close(self) -> None:
        await self.identity.stop()
        await self.database.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    await house.open()
    yield house
    await house.close()
