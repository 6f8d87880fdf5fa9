"""What the rooms of its home are to each connection, so that it hears when GET /rooms answers otherwise, and only then.

A guest sees the rooms of the plugs that they may see: what goes on in the others is not told, not even that it does.
"""

from collections.abc import Iterator

from hub.api.audience import Audience, Follower, follows_home
from hub.auth.principal import Principal
from hub.devices.registry import Registry
from hub.devices.rooms import SEES_ALL

Shown = tuple[tuple[str, str, int, frozenset[str]], ...]
"""Of each room: id, name, position, devices in it that are seen."""


class RoomsShown:
    """Of connections that follow their home. Of each only a hash is kept: there may be thousands."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._shown: dict[Follower, int] = {}

    def follows(self, follower: Follower, devices: frozenset[str]) -> None:
        """It follows other rooms than before, or other devices; it sees these. What it is told begins from here."""
        if not follows_home(follower):
            self.forget(follower)
        elif follower not in self._shown:
            principal = follower.principal
            self._shown[follower] = hash(to_reader(principal, self._whole(principal.home, devices)))

    def forget(self, follower: Follower) -> None:
        """It follows nothing any more."""
        self._shown.pop(follower, None)

    def differing(self, home: str, audience: Audience) -> Iterator[Follower]:
        """Those of the audience to whom the rooms of this home are others now."""
        whole: Shown | None = None
        for follower in list(audience.followers):
            before = self._shown.get(follower)
            if before is None or follower.principal.home != home:
                continue
            if whole is None:
                whole = self._whole(home, audience.devices)
            now = self._shown[follower] = hash(to_reader(follower.principal, whole))
            if now != before:
                yield follower

    def _whole(self, home: str, devices: frozenset[str]) -> Shown:
        inside: dict[str | None, list[str]] = {}
        for id in devices:
            device = self._registry.device(id)
            if device is not None:
                inside.setdefault(device.room, []).append(id)
        rooms = self._registry.rooms.of_home(home)
        return tuple((room.id, room.name, room.position, frozenset(inside.get(room.name, ()))) for room in rooms)


def to_reader(principal: Principal, rooms: Shown) -> Shown:
    """Those of the rooms that the asker may see."""
    if principal.role in SEES_ALL:
        return rooms
    return tuple(room for room in rooms if room[3])
