"""The firmware of plugs that the hub brings: is a plug's own older?"""

from functools import lru_cache
from typing import NamedTuple

from hub.versions import is_newer


class Firmware(NamedTuple):
    """A plug that runs it reports `name version`; whoever builds other firmware chooses another name."""

    name: str
    version: str

    def newer_than(self, reported: str | None) -> str | None:
        """The version that the hub brings, where it is newer than what the plug reports; None for other firmware."""
        return None if reported is None else _newer(self, reported)


@lru_cache(256)
def _newer(brought: Firmware, reported: str) -> str | None:
    name, _, version = reported.partition(" ")
    return brought.version if name == brought.name and is_newer(brought.version, version) else None
