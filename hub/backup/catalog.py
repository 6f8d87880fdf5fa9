"""The archives of a target: read by their heads, which of them can be restored, and which have had their time."""

from collections.abc import Mapping, Sequence

import msgspec

from hub.backup.archive import Head, Reader
from hub.backup.keys import Keys
from hub.backup.target import Target
from hub.messages import HubError, Message

LONGEST_CHAIN = 7  # archives; then a full one begins the next
AHEAD_MS = 86_400_000  # what is dated further ahead was made while the clock was wrong


class Item(msgspec.Struct, frozen=True):
    """One archive. head is None where it cannot be read, and `problem` says why."""

    name: str
    size: int
    head: Head | None
    problem: Message | None = None


def listed(target: Target) -> list[Item]:
    """Every archive, oldest first. Raises as the target does."""
    items = [_item(target, name) for name in target.names()]
    return sorted(items, key=lambda item: (item.head.created if item.head else 0, item.name))


def of_hub(items: Sequence[Item], hub: str) -> list[Item]:
    """Those of this hub: two homes may share a disk."""
    return [item for item in items if item.head is not None and item.head.hub == hub]


def by_id(items: Sequence[Item]) -> dict[str, Item]:
    """Readable archives by their id."""
    return {item.head.id: item for item in items if item.head is not None}


def missing(head: Head, known: Mapping[str, Item]) -> list[str]:
    """Ids of archives that its history needs and that are not there."""
    return [id for id in head.chain[:-1] if id not in known]


def by_age(items: Sequence[Item], now: int) -> list[Item]:
    """The same, the oldest first. What is dated after `now` (Unix ms) counts as older than all others: else it would be
    the newest until then, and what is made meanwhile would have had its time at once."""
    return sorted(items, key=lambda item: item.head is None or item.head.created <= now + AHEAD_MS)


def parent(items: Sequence[Item], keys: Keys) -> Item | None:
    """The archive on which the next one with history builds; None = a full one begins a chain. items: by age."""
    known = by_id(items)
    newest = next((item for item in reversed(items) if item.head is not None and item.head.history), None)
    if newest is None or newest.head is None:
        return None
    chain = newest.head.chain
    if len(chain) >= LONGEST_CHAIN or missing(newest.head, known) or not keys.fits(newest.head.lock):
        return None
    sizes = [known[id].size for id in chain]
    return newest if sum(sizes[1:]) <= sizes[0] else None


def outdated(items: Sequence[Item], keep: int) -> list[str]:
    """Names that go: all but the last `keep`, the last with history, and what these are built on. items: by age."""
    known = by_id(items)
    whole = [item for item in items if item.head is not None and not missing(item.head, known)]
    stay = [*whole[-keep:], *[item for item in whole if item.head is not None and item.head.history][-1:]]
    needed = {id for item in stay if item.head is not None for id in item.head.chain}
    return [item.name for item in items if item.head is not None and item.head.id not in needed]


def _item(target: Target, name: str) -> Item:
    size = 0
    try:
        with target.read(name) as file:
            size = file.seek(0, 2)
            reader = Reader(file, name)
            reader.index_place()
            return Item(name, size, reader.head)
    except HubError as error:
        if error.id.startswith("backup-target"):
            raise
        return Item(name, size, None, error.message)
