"""History of a hub that does not run, opened for the command line: looked at, checked, rebuilt, saved from damage."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hub.aside import set_aside
from hub.history.inspection import HistoryCheck, HistoryStats, Inspector
from hub.history.log import FILE_NAME as LOG_FILE
from hub.history.log import CommitLog
from hub.history.readings import Traits
from hub.history.rebuild import Rebuilder, Rebuilt, named_in
from hub.history.recovery import is_gone
from hub.history.state import FILE_NAME as STATE_FILE
from hub.history.state import State, StateDamaged
from hub.history.takeover import take_over
from hub.messages import HubError
from hub.plugins.contract import (
    HistoryStore,
    MendableStore,
    SalvageableStore,
    SeriesKey,
    StoreDamaged,
    StoreError,
)


class Saved(msgspec.Struct):
    """What came over of a damaged store: raw samples, and what is lost, a line each."""

    samples: int = 0
    lost: list[str] = []


class OfflineHistory:
    """Blocking. Whoever opens it holds the lock of the data folder."""

    def __init__(
        self,
        folder: Path,
        store: HistoryStore,
        traits: Callable[[SeriesKey], Traits],
        hardware: Callable[[str], str],
    ) -> None:
        self._store = store
        self._state = State(folder / STATE_FILE)
        self._log = CommitLog(folder / LOG_FILE)
        self._traits = traits
        self._hardware = hardware
        self._inspector = Inspector(folder, store, self._state, self._log, traits)

    @contextmanager
    def opened(self, *, mend: bool = False) -> "Iterator[OfflineHistory]":
        """Everything open. `mend`: set a damaged state or store aside and begin anew, instead of raising
        HubError("history-file-damaged"). Raises also HubError("history-unreadable", ...)."""
        try:
            self._open(mend)
            self._log.open(reading=True)
            is_gone(self._log, self._state)
            yield self
        except (StoreError, OSError) as error:
            raise HubError("history-unreadable", reason=str(error)) from error
        finally:
            self._log.close()
            self._state.close()
            self._store.close()

    def stats(self) -> HistoryStats:
        """What it holds."""
        return self._inspector.stats()

    def check(self) -> HistoryCheck:
        """Read everything and compare it."""
        found = HistoryCheck()
        for series, runs in self._inspector.contents().items():
            self._inspector.check(series, runs, found)
        self._inspector.finish(found)
        return found

    def rebuild(self, *, state: bool, salvaged: bool = False) -> Rebuilt:
        """Rollups from the raw samples; before it, where it is asked for or the state is new, the state. salvaged: what
        is there came of a store of which samples are lost."""
        contents = self._store.contents() if isinstance(self._store, MendableStore) else {}
        if state and self._state.complete:
            running = self._state.running
            self._state.close()
            set_aside(self._state.path)
            self._state.open()
            self._state.keep_running(running)
        rebuilder = Rebuilder(self._store, contents, self._state, self._traits, self._hardware)
        if not self._state.complete:
            rebuilder.state(named_in(self._log))
        rebuilder.rollups(salvaged=salvaged)
        return rebuilder.rebuilt

    def save_from(self, damaged: HistoryStore) -> Saved:
        """Take over what can be read of another store, which is a copy. What is here already stays."""
        saved = Saved()
        try:
            if isinstance(damaged, SalvageableStore):
                saved.lost += damaged.salvage()
            damaged.open()
            before = set(damaged.stats().damaged)
            saved.samples = take_over(self._store, damaged)
            saved.lost += [what for what in damaged.stats().damaged if what not in before]
        except (StoreError, OSError) as error:
            saved.lost.append(str(error))
        finally:
            damaged.close()
        return saved

    def _open(self, mend: bool) -> None:
        try:
            self._store.open()
        except StoreDamaged as error:
            if not mend or not isinstance(self._store, MendableStore):
                raise HubError("history-file-damaged", file=self._store.name, reason=str(error)) from error
            self._store.set_aside()
            if self._state.path.exists():
                set_aside(self._state.path)
            self._store.open()
        try:
            self._state.open()
        except StateDamaged as error:
            if not mend:
                raise HubError("history-file-damaged", file=self._state.path.name, reason=str(error)) from error
            set_aside(self._state.path)
            self._state.open()
