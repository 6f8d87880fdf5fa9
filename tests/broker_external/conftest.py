"""Brokers for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.broker_external.mosquitto import Mosquitto
from tests.broker_external.parts import Made


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """With password and rule files."""
    broker = Mosquitto(tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture
async def dynamic(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """With the dynamic security plugin, as `mosquitto_ctrl dynsec init` leaves it."""
    broker = Mosquitto(tmp_path, dynamic=True)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    """Makes the hub's side, and stops it."""
    maker = Made()
    yield maker
    await maker.stop()
