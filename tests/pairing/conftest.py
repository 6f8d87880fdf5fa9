"""A hub, and plugs that end with the test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.devices.pairing import new_code
from tests.devices.conftest import House, house
from tests.pairing.desk import Desk
from tests.pairing.hub import HARDWARE_ID, Hub, LabelledPlug

__all__ = ["house"]
MakePlug = Callable[..., LabelledPlug]


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Desk]:
    made = Desk(house)
    yield made
    await made.pairing.stop()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    made = Hub(tmp_path / "hub")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def make_plug(tmp_path: Path) -> AsyncIterator[MakePlug]:
    made: list[LabelledPlug] = []

    def make(python: str = "micropython", hardware_id: str = HARDWARE_ID) -> LabelledPlug:
        made.append(LabelledPlug(python, tmp_path / f"flash-{len(made)}", new_code(), hardware_id))
        return made[-1]

    yield make
    for plug in made:
        await plug.end()
        print("\n".join(plug.log))
