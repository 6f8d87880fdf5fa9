"""Editions: how often each outlet's merged history was changed, so that readers never take half of a change."""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from hub.plugins.contract import SeriesKey

NEVER = (1 << 63) - 1
REMEMBERED = 50  # changes of an outlet


class Edition(NamedTuple):
    """One state of an outlet in store and state together. `through`: the serial of the last commit that it holds."""

    number: int = 0
    through: int = 0


class Editions:
    """Written by history's worker thread, read from any thread. A reader may wait for the writer, never it for them."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._changing: set[SeriesKey] = set()
        self._editions: dict[SeriesKey, Edition] = {}
        self._changes: dict[SeriesKey, list[tuple[int, int]]] = {}

    def of(self, series: SeriesKey) -> Edition:
        """The edition that was complete last."""
        return self._editions.get(series, Edition())

    def settled(self, series: SeriesKey) -> Edition:
        """The edition, once nothing is being changed."""
        with self._condition:
            self._condition.wait_for(lambda: series not in self._changing)
            return self.of(series)

    def changed(self, series: SeriesKey, number: int) -> int:
        """The start of the earliest bucket that may have changed since the edition of that number, NEVER if none."""
        with self._condition:
            return next((first for later, first in self._changes.get(series, []) if later > number), NEVER)

    @contextmanager
    def change(
        self, series: Collection[SeriesKey], through: int = 0, first: Mapping[SeriesKey, int] | None = None
    ) -> Iterator[None]:
        """Inside, store and state are changed; afterwards they hold these outlets' commits up to serial `through`.

        first: start of the earliest bucket that changes, NEVER where none does; None = any bucket may."""
        with self._condition:
            self._changing.update(series)
        done = 0
        try:
            yield
            done = through
        finally:
            with self._condition:
                self._changing.difference_update(series)
                for key in series:
                    before = self.of(key)
                    self._editions[key] = Edition(before.number + 1, max(before.through, done))
                    self._note(key, before.number + 1, 0 if first is None else first.get(key, NEVER))
                self._condition.notify_all()

    def _note(self, series: SeriesKey, number: int, first: int) -> None:
        changes = self._changes.setdefault(series, [])
        while changes and changes[-1][1] >= first:
            changes.pop()  # what is asked is the earliest bucket: a later change of an earlier one says it all
        changes.append((number, first))
        if len(changes) > REMEMBERED:
            changes[:2] = [(changes[1][0], changes[0][1])]
