"""People on a real file, with a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from hub.auth.identity import Identity
from hub.auth.passwords import Passwords
from hub.auth.principal import Principal
from hub.database import Database, SettingsTable
from hub.testing.clock import FakeClock

PASSWORD = "copper lantern riddle"


class Held(Passwords):
    """With real bcrypt, whose results wait while a test holds them up."""

    def __init__(self) -> None:
        super().__init__(cost=4)
        self.made = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.checked = asyncio.Event()
        self.answer = asyncio.Event()
        self.answer.set()

    async def hash(self, password: str) -> bytes:
        made = await super().hash(password)
        self.made.set()
        await self.go_on.wait()
        return made

    async def check(self, password: str, stored: bytes | None, *, known: bool = False) -> bool:
        right = await super().check(password, stored, known=known)
        self.checked.set()
        await self.answer.wait()
        return right


class Hall:
    """What most tests need, by name. Not loaded: each test says what the hub has at its start."""

    def __init__(self, data_dir: Path, clock: FakeClock) -> None:
        self.data_dir = data_dir
        self.clock = clock
        self.database = Database(data_dir)
        self.settings = SettingsTable(self.database)
        self.passwords = Held()
        self.identity = Identity(self.database, clock, data_dir, passwords=self.passwords)
        self.people = self.identity.people

    def principal(self, user: str, home: str, **fields: str) -> Principal:
        """Somebody as the hub knows them."""
        found = self.people.principal(user, home)
        assert found is not None
        return msgspec.structs.replace(found, **fields)

    async def again(self) -> Identity:
        """As the next start of the hub would find everything; its owner need not stop it."""
        identity = Identity(self.database, self.clock, self.data_dir, passwords=self.passwords)
        await identity.load()
        return identity

    async def open(self) -> None:
        await self.database.open()
        await self.settings.load()
        await self.identity.load()

    async def close(self) -> None:
        await self.identity.stop()
        await self.database.close()


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    hall = Hall(tmp_path, FakeClock())
    await hall.open()
    yield hall
    await hall.close()
