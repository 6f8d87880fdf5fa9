"""Who follows what: one connection as the feed sees it, and those that see exactly the same devices."""

from typing import Protocol

from hub.auth.principal import Principal

Outlet = tuple[str, int]


class Follower(Protocol):
    """One connection, as the feed sees it."""

    principal: Principal
    rooms: set[str]

    @property
    def language(self) -> str:
        """In which it reads sentences."""

    @property
    def behind(self) -> bool:
        """Does it still have to read what was sent before?"""

    def samples(self, items: list[tuple[Outlet, bytes]], body: bytes) -> None:
        """Encoded samples in order of arrival, and the same joined by commas."""

    def changed(self, device: str) -> None:
        """The device looks different now."""

    def removed(self, device: str) -> None:
        """The device is gone, or may no longer be seen."""

    def tell(self, type: str, rest: bytes) -> None:
        """Any other frame; `rest` is JSON that follows `"seq": N,`."""

    def catch_up(self) -> bool:
        """Send what was held back; False while it is still behind."""


class Audience:
    """Connections that see exactly the same devices, and what is gathered for them."""

    __slots__ = ("changes", "devices", "followers", "fresh")

    def __init__(self, devices: frozenset[str]) -> None:
        self.devices = devices
        self.followers: set[Follower] = set()
        self.fresh: list[tuple[Outlet, bytes]] = []
        self.changes: dict[str, None] = {}


def follows_home(follower: Follower) -> bool:
    """Does it follow its home as a whole?"""
    return f"home:{follower.principal.home}" in follower.rooms
