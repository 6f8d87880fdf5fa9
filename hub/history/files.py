"""History's files: the log, the state and the store, opened and closed together; what is damaged is set aside."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from hub.aside import set_aside
from hub.history.log import CommitLog
from hub.history.progress import Progress
from hub.history.readings import End, Traits
from hub.history.rebuild import Rebuilder, Rebuilt, named_in
from hub.history.recovery import Recovered, recover
from hub.history.state import State, StateDamaged
from hub.messages import HubError
from hub.plugins.contract import (
    HistoryStore,
    ListingStore,
    MendableStore,
    SalvageableStore,
    SeriesKey,
    StoreDamaged,
    StoreError,
)
from hub.soundness import BadBlocks
from hub.telemetry.streams import Streams

MOST_DOUBTED = 2  # then it is believed: setting it aside costs nothing of what is in it
MOST_UNREAD = 3  # looks, some minutes apart, at blocks that the disk does not give; it gives all the others each time
AT_ONCE = 1_000_000  # samples from which the state is rebuilt before a start goes on: a second on a PC, some on a Pi
REST = 1.0  # times as long as a rebuild beside everything else works it rests

log = logging.getLogger("hub.history")


class Unbuilt(NamedTuple):
    """A state that knows only which samples there are. Once the rebuilder has read them, `open` adds the rest."""

    rebuilder: Rebuilder
    progress: Progress


class Mended(msgspec.Struct):
    """What was damaged and what became of it: names of files that were set aside, and what the state was rebuilt to.

    moved: of the log, whose readable records are in a new file.
    """

    store: str | None = None
    state: str | None = None
    log: str | None = None
    moved: str | None = None
    rebuilt: Rebuilt | None = None


class Files:
    """Blocking: all calls in history's thread. A store that cannot be opened keeps nobody from committing."""

    def __init__(
        self,
        folder: Path,
        log: CommitLog,
        state: State,
        store: HistoryStore,
        *,
        traits: Callable[[SeriesKey], Traits],
        hardware: Callable[[str], str],
    ) -> None:
        self._folder = folder
        self._log = log
        self._state = state
        self._store = store
        self._traits = traits
        self._hardware = hardware
        self.store_open = False
        self.stopping = threading.Event()
        """Set when the hub ends: a rebuild that runs in `open` is broken off."""
        self.unbuilt: Unbuilt | None = None
        """Nothing may be merged while the state is not whole."""
        self.lacking: str | None = None
        """Why the state is not whole and nobody makes it so: then it knows which samples there are, at best."""
        self._doubted = 0  # how often a store that called itself damaged was found sound, in this hub run
        self._state_aside: str | None = None
        self._unread = 0  # how often blocks of it could not be read then
        self.mended = Mended()
        """Since whoever reads it took it last."""
        self.on_store_aside: Callable[[str, str | None], None] | None = None
        """Called with the names of a store and of its state as soon as they are set aside: the hub may end before
        anybody reads `mended`."""

    def open(self, streams: Streams) -> Recovered:
        """Read back what log and state hold; fills `streams`. Raises HubError, OSError, and Stopped once `stopping` is
        set."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mend_store()
        self._open_state()
        if self._is_store_gone():
            self.close()
            self._set_store_aside()
            self._mend_store()
            self._open_state()
        self._log.open()
        self.mended.log, self.mended.moved = self._log.aside, self._log.moved
        unbuilt, self.unbuilt, self.lacking = self.unbuilt, None, None
        if not self._state.complete:
            self._rebuild_state(unbuilt)
        found = recover(self._log, self._state, streams)
        self._state.keep_running(True)
        return found

    def note_running(self, running: bool, ended: int = 0) -> None:
        """As State.keep_running; where that cannot be noted, the log counts as if it might hold something."""
        try:
            self._state.keep_running(running, ended)
        except OSError as error:
            log.warning("whether everything is merged could not be noted: %s", error)

    def open_store(self) -> None:
        """Open the store, unless it is open. Raises HubError, StoreError, OSError."""
        if not self.store_open:
            self._store.open()
            self.store_open = True

    def require_built(self) -> None:
        """Raises HubError("history-rebuilding") while the state is read from the store."""
        if self.unbuilt is not None:
            raise HubError("history-rebuilding", share=self.unbuilt.progress.share)

    def close(self) -> None:
        """Let go of everything."""
        self._log.close()
        self._state.close()
        if self.store_open:
            self._store.close()
            self.store_open = False

    def lose_store(self) -> None:
        """The store said that it is beyond repair: where a second look finds so too, the next `open` begins a new one.
        Raises OSError, StoreError where the disk does not answer: then nothing is set aside."""
        self.close()
        if self._is_damaged(self._unread + 1):
            self._set_store_aside()

    def _mend_store(self) -> None:
        """Begin anew where the store is beyond repair. Other errors are no reason: who merges tries again."""
        try:
            self.open_store()
            return
        except StoreDamaged as error:
            log.error("the history store is damaged: %s", error)
        except (StoreError, OSError) as error:
            log.warning("the history store cannot be opened: %s", error)
            return
        try:
            if self._is_damaged(self._unread):
                self._set_store_aside()
        except (StoreError, OSError) as error:
            log.warning("the history store cannot be looked at: %s", error)

    def _is_store_gone(self) -> bool:
        """Is there nothing in the store though the state knows outlets of which it held something? Its file was emptied
        or taken away, and a new one made."""
        if not (self.store_open and isinstance(self._store, MendableStore)):
            return False
        try:
            if self._store.contents():
                return False
        except (StoreError, OSError) as error:  # whoever reads what cannot be read deals with it
            log.warning("what the history store holds cannot be listed: %s", error)
            return False
        gone = any(
            known.head is not None and not self._is_told(series, known.head)
            for series, known in self._state.all_series()
        )
        if gone:
            log.error("the history store is empty, and was not")
        return gone

    def _is_told(self, series: SeriesKey, head: End) -> bool:
        """Is it known that what was held up to there is lost?"""
        around = self._state.gaps(series, head.at, head.at)
        return any(gap.cause == "damaged" and gap.end == head.at for gap in around)

    def _is_damaged(self, unread: int) -> bool:
        """A second look at a store that said so: after an error of the disk, or of memory, it may be sound. unread: how
        often it could not be read as a whole, if it can not now."""
        if not isinstance(self._store, SalvageableStore) or self._doubted >= MOST_DOUBTED:
            return True
        try:
            if self._store.damaged():
                return True
        except BadBlocks as error:
            self._unread = unread
            if self._unread < MOST_UNREAD:
                raise
            log.error("the disk still does not give all of the history store: %s", error)
            return True
        self._doubted += 1
        log.warning("a second look at the history store finds nothing wrong with it: it stays in use")
        return False

    def _set_store_aside(self) -> None:
        if isinstance(self._store, MendableStore):
            self.mended.store = self._store.set_aside()
            # Its ranges speak of samples that are gone: without it the plugs send again what they still hold.
            state = set_aside(self._state.path).name if self._state.path.exists() else None
            if self.on_store_aside is not None:
                try:
                    self.on_store_aside(self.mended.store, state)
                except OSError as error:  # whoever reads `mended` tries again, and tells people
                    log.warning("that %s is to be salvaged could not be noted: %s", self.mended.store, error)

    def _open_state(self) -> None:
        try:
            self._state.open()
        except StateDamaged as error:
            log.error("the history state is damaged: %s", error)
            self.mended.state = set_aside(self._state.path).name
            self._state.open()

    def _rebuild_state(self, unbuilt: Unbuilt | None) -> None:
        try:
            self.open_store()
            contents = self._store.contents() if isinstance(self._store, MendableStore) else {}
            if not contents:
                self._state.completed()
            elif unbuilt is not None and unbuilt.rebuilder.complete:
                self._complete(unbuilt.rebuilder)
            else:
                self._rebuild_from(contents)
        except (StoreError, OSError) as error:
            log.error("the history state could not be rebuilt from the store: %s", error)
            self.lacking = str(error)

    def _rebuild_from(self, contents: Mapping[SeriesKey, Iterable[str]]) -> None:
        samples = self._store.stats().raw_samples
        listing = self._store if samples > AT_ONCE and isinstance(self._store, ListingStore) else None
        log.warning(
            "the history state is made anew from %d samples of %d outlets%s",
            samples,
            len(contents),
            ", beside everything else" if listing else "",
        )
        rebuilder: Rebuilder
        stopping, rest = (threading.Event(), REST) if listing else (self.stopping, 0.0)
        progress = Progress(samples, lambda: rebuilder.samples, stopping, rest=rest)
        rebuilder = Rebuilder(self._store, contents, self._state, self._traits, self._hardware, pause=progress)
        if listing is not None:
            rebuilder.outline(named_in(self._log), listing.seqs())
            self.unbuilt = Unbuilt(rebuilder, progress)
            self._state_aside, self.mended.state = self.mended.state, None  # people are told when it is done
        else:
            self._complete(rebuilder)

    def _complete(self, rebuilder: Rebuilder) -> None:
        rebuilder.state(named_in(self._log))
        self.mended.rebuilt = rebuilder.rebuilt
        self.mended.state, self._state_aside = self.mended.state or self._state_aside, None
        log.warning("the history state is made anew")
