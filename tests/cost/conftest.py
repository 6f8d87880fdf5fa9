"""Homes with a store of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cost.parts import BERLIN, MeteredHome


@pytest.fixture
def home_at(tmp_path: Path) -> Iterator[Callable[..., MeteredHome]]:
    """Makes one whose clock stands at a moment."""
    made: list[MeteredHome] = []

    def make(now: str, zone: str = BERLIN) -> MeteredHome:
        made.append(MeteredHome(tmp_path, now=now, zone=zone))
        return made[-1]

    yield make
    for home in made:
        home.store.close()
