"""A hub's API for tests that ask a running hub."""

from tests.api.conftest import empty_house, house

__all__ = ["empty_house", "house"]
