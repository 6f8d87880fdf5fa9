"""What there is in a home, for the audit log: a refusal that is about such a thing always says which."""

from hub.auth.people import People
from hub.broker.interface import ROOT
from hub.devices.registry import Registry

TOPICS = ("telemetry", "telemetry/batch", "status", "control", "config", "ack", "pair", "pair/answer")
LIVE = ("device:", "room:", "user:")  # before the id, where somebody wants to follow it live
MOST_PARTS = 2


class Things:
    """Plugs, rooms and people of a home by id, plugs also by hardware_id, and the topics that plugs have."""

    def __init__(self, registry: Registry, people: People) -> None:
        self._registry = registry
        self._people = people

    def exists(self, home: str, object: str) -> bool:
        """Is it such a thing, a topic of a plug, or two of these as in a route (`PLUG/PERSON`)?"""
        if object.startswith(ROOT):
            hardware_id, _, suffix = object[len(ROOT) :].partition("/")
            return suffix in TOPICS and self._is_plug(home, hardware_id)
        for kind in LIVE:
            object = object.removeprefix(kind)
        parts = object.split("/")
        return len(parts) <= MOST_PARTS and all(self._is_one(home, part) for part in parts)

    def _is_one(self, home: str, id: str) -> bool:
        user = self._people.user(id)
        is_person = user is not None and home in user.roles
        return is_person or self._is_plug(home, id) or self._is_room(home, id)

    def _is_plug(self, home: str, id: str) -> bool:
        device = self._registry.device(id) or self._registry.by_hardware(id)
        return device is not None and device.home == home

    def _is_room(self, home: str, id: str) -> bool:
        return any(room.id == id for room in self._registry.rooms.of_home(home))
