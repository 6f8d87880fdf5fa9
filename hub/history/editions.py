"""Editions: how often each outlet's merged history was changed, so that readers never take half of a change."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hub.plugins.contract import SeriesKey


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

    def of(self, series: SeriesKey) -> Edition:
        """The edition that was complete last."""
        return self._editions.get(series, Edition())

    def settled(self, series: SeriesKey) -> Edition:
        """The edition, once nothing is being changed."""
        with self._condition:
            self._condition.wait_for(lambda: series not in self._changing)
            return self.of(series)

    @contextmanager
    def change(self, series: Collection[SeriesKey], through: int = 0) -> Iterator[None]:
        """Inside, store and state are changed; afterwards they hold these outlets' commits up to serial `through`."""
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
                self._condition.notify_all()
