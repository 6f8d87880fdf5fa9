"""Mending: damaged pieces of the store are told, their samples asked for again, their buckets computed anew."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from hub.history.editions import Editions
from hub.history.readings import Traits
from hub.history.rebuild import Rebuilder
from hub.history.state import State
from hub.plugins.contract import Damage, HistoryStore, MendableStore, Merge, SeriesKey, WatchfulStore
from hub.telemetry.ranges import Range

log = logging.getLogger("hub.history.mending")


class Mending:
    """What the store met and is not mended yet."""

    def __init__(
        self,
        store: HistoryStore,
        state: State,
        editions: Editions,
        traits: Callable[[SeriesKey], Traits],
        hardware: Callable[[str], str],
    ) -> None:
        self._store = store
        self._state = state
        self._editions = editions
        self._traits = traits
        self._hardware = hardware
        self.waiting: list[Damage] = []
        self.met = 0  # in this hub run

    def look(self) -> Sequence[Damage]:
        """What the store has met since the last look. On the event loop."""
        found: Sequence[Damage] = self._store.met() if isinstance(self._store, WatchfulStore) else ()
        for damage in found:
            log.error("a piece of the history is damaged: %s", damage.what)
        self.waiting += found
        self.met += len(found)
        return found

    def forget(self) -> None:
        """The whole store is replaced."""
        self.waiting.clear()

    def mend(self, damages: Collection[Damage]) -> Mapping[int, Sequence[Range]]:
        """Bring the state in line with what the store still holds, then set the pieces aside. Blocking, while nothing
        is unmerged. Returns the seqs that are not settled any more, by number of the stream; after a crash in between
        the pieces are met again. Raises OSError, StoreError.
        """
        if not isinstance(self._store, MendableStore):
            return {}
        contents, reopened = self._store.contents(), {}
        harmed = {damage.series for damage in damages}
        with self._editions.change(harmed):
            for series in harmed & contents.keys():
                buckets = any(each.series == series and each.tier != "raw" for each in damages)
                rebuilder = Rebuilder(
                    self._store, {series: contents[series]}, self._state, self._traits, self._hardware
                )
                rebuilder.rollups(buckets=buckets)
                reopened.update(rebuilder.reopened)
            self._store.merge(Merge([], []))
        return reopened
