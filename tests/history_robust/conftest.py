"""A clock and a plug, a hub's API for tests that ask a running hub; what the command line says is English."""

import pytest

from hub.history import salvage
from tests.api.conftest import empty_house, house
from tests.history.conftest import clock, registry

__all__ = ["clock", "empty_house", "house", "registry"]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def unrested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A salvage on a machine of its own."""
    monkeypatch.setattr(salvage, "REST", 0)
