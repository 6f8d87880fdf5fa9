"""A house with people for every test of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.clock import Clock
from hub.testing.clock import FakeClock
from tests.api.house import House


@pytest.fixture
async def empty_house(tmp_path: Path) -> AsyncIterator[House]:
    """Nobody has set it up yet."""
    house = House(tmp_path, Clock())
    await house.start()
    yield house
    await house.stop()


@pytest.fixture
async def house(empty_house: House) -> House:
    """With an admin, a user and a guest."""
    await empty_house.move_in()
    return empty_house


@pytest.fixture
async def fake_house(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose clock the test moves."""
    house = House(tmp_path, FakeClock())
    await house.start()
    await house.move_in()
    yield house
    await house.stop()
