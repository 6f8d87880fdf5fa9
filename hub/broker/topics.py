"""Topic filters: which are valid, what they match, and an index that finds all filters of a topic without a scan."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

CACHED_TOPICS = 10_000


def valid_filter(topic_filter: str) -> bool:
    """Not empty, `+` and `#` only as whole levels, `#` only as the last one."""
    if "+" not in topic_filter and "#" not in topic_filter:
        return bool(topic_filter)
    levels = topic_filter.split("/")
    return not any(
        ("#" in level and (level != "#" or place != len(levels) - 1)) or ("+" in level and level != "+")
        for place, level in enumerate(levels)
    )


def matches(topic_filter: str, topic: str) -> bool:
    """Does the (valid) filter match the topic? Wildcards never match a first level that begins with `$`."""
    return covers(topic_filter, topic)


def covers(wide: str, narrow: str) -> bool:
    """Does `wide` match every topic that `narrow` (a filter or a topic) matches?"""
    wide_levels, narrow_levels = wide.split("/"), narrow.split("/")
    if narrow.startswith("$") and wide_levels[0] in ("+", "#"):
        return False
    for place, level in enumerate(wide_levels):
        if level == "#":
            return True
        if place >= len(narrow_levels):
            return False
        other = narrow_levels[place]
        if other == "#" or (level not in ("+", other)):
            return False
    return len(wide_levels) == len(narrow_levels)


def covered(filters: Iterable[str], narrow: str) -> bool:
    """Does one of the filters cover it?"""
    return any(covers(wide, narrow) for wide in filters)


class Target(Protocol):
    """Who gets messages: a client's session, or a handler of the hub itself."""

    inside: bool  # the hub's own: does not hear what the hub publishes

    def deliver(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Take one message; never raises, never waits."""


class _Node:
    __slots__ = ("children", "ending", "rest")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.ending: dict[Target, int] = {}  # filters that end here: target -> QoS
        self.rest: dict[Target, int] = {}  # filters that go on with `#`


class FilterIndex:
    """All subscriptions, as a tree of topic levels; `filters` counts them."""

    def __init__(self) -> None:
        self._root = _Node()
        self._held: dict[Target, dict[str, int]] = {}
        self._cache: dict[str, tuple[tuple[Target, int], ...]] = {}
        self.filters = 0

    def add(self, topic_filter: str, target: Target, qos: int) -> None:
        """Subscribe; a subscription of the same filter is replaced."""
        held = self._held.setdefault(target, {})
        self.filters += topic_filter not in held
        held[topic_filter] = qos
        node = self._root
        levels = topic_filter.split("/")
        rest = levels[-1] == "#"
        for level in levels[:-1] if rest else levels:
            node = node.children.setdefault(level, _Node())
        (node.rest if rest else node.ending)[target] = qos
        self._cache.clear()

    def remove(self, topic_filter: str, target: Target) -> None:
        """Unsubscribe; what was not subscribed is no error."""
        held = self._held.get(target)
        if held is None or held.pop(topic_filter, None) is None:
            return
        if not held:
            del self._held[target]
        self.filters -= 1
        levels = topic_filter.split("/")
        rest = levels[-1] == "#"
        path = [self._root]
        for level in levels[:-1] if rest else levels:
            path.append(path[-1].children[level])
        del (path[-1].rest if rest else path[-1].ending)[target]
        for parent, level in zip(reversed(path[:-1]), reversed(levels[: len(path) - 1]), strict=True):
            child = parent.children[level]
            if child.children or child.ending or child.rest:
                break
            del parent.children[level]
        self._cache.clear()

    def drop(self, target: Target) -> None:
        """End all subscriptions of a target."""
        for topic_filter in list(self.held(target)):
            self.remove(topic_filter, target)

    def held(self, target: Target) -> Mapping[str, int]:
        """The filters of a target with their QoS."""
        return self._held.get(target, {})

    def match(self, topic: str) -> tuple[tuple[Target, int], ...]:
        """Everybody who subscribed to the topic, once each, with the highest QoS of the filters that match."""
        found = self._cache.get(topic)
        if found is None:
            if len(self._cache) >= CACHED_TOPICS:
                self._cache.clear()
            found = self._cache[topic] = tuple(self._search(topic).items())
        return found

    def _search(self, topic: str) -> dict[Target, int]:
        found: dict[Target, int] = {}
        levels = topic.split("/")
        for node, whole in self._walk(levels):
            for subscribers in (node.rest, node.ending) if whole else (node.rest,):
                for target, qos in subscribers.items():
                    found[target] = max(qos, found.get(target, 0))
        return found

    def _walk(self, levels: list[str]) -> Iterator[tuple[_Node, bool]]:
        """Every node on a way that the levels allow, and whether it stands at the topic's end."""
        nodes = [self._root]
        plain = not levels[0].startswith("$")
        for place, level in enumerate(levels):
            wild = plain or place > 0
            if wild:
                for node in nodes:
                    yield node, False
            nodes = [
                child
                for node in nodes
                for child in (node.children.get(level), node.children.get("+") if wild else None)
                if child is not None
            ]
            if not nodes:
                return
        for node in nodes:
            yield node, True
