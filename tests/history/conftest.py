"""A clock that tests move, and one plug."""

import pytest

from tests.history.house import START, ManualClock, Plug, Registry


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def registry() -> Registry:
    return Registry(Plug())
