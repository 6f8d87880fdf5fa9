"""A house to break into."""

from tests.api.conftest import empty_house, house

__all__ = ["empty_house", "house"]
