"""Salvage: what can be read of a store that was set aside becomes, with what came since, the store again.

All of it is made in a folder of its own, while the hub runs on with the store that it began; then files change places.
The folder says that there is something to do, and for which file: after any end of the hub it is done again.
"""

import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hub.aside import SIDES, found_aside
from hub.durable import sync
from hub.history.gaps import Outage
from hub.history.lost_store import LostStore, opened
from hub.history.readings import Traits
from hub.history.rebuild import Rebuilder
from hub.history.state import FILE_NAME as STATE_FILE
from hub.history.state import Merged, State
from hub.history.takeover import FOREVER, take_over
from hub.messages import HubError
from hub.plugins.contract import (
    TIERS,
    FileStore,
    HistoryStore,
    MendableStore,
    SalvageableStore,
    SeriesKey,
)
from hub.telemetry.stream import StreamDelta

FOLDER = ".history-salvage"  # in the data folder; with its dot no backup takes it in
NOTE = "of.json"
NO_ROOM = "history-salvage-no-room"
MOST_TRIES = 3  # whatever ends the hub each time is not tried for ever
MOST_ASIDE = 3  # a card that breaks what was just salvaged would be filled with what is set aside, each as large as all
REST = 1.0  # times as long as it worked it rests, as a rebuild beside everything else does
LONGEST_REST_S = 1.0
PIECE, BLOCK = 1 << 20, 4096  # bytes
NUMBERS = 1 << 16  # streams that may begin while the state is rebuilt

log = logging.getLogger("hub.history.salvage")


class Stopped(Exception):
    """The hub is ending; it goes on at the next start."""


class Note(msgspec.Struct):
    """Which files are salvaged, one after the other, and how often that of the first began without an end."""

    files: list[str]
    tries: int = 0
    states: dict[str, str] = {}  # what was set aside with each


class Salvaged(msgspec.Struct):
    """What came over: raw samples, and what is lost, a line each."""

    samples: int = 0
    lost: list[str] = []


class Known(msgspec.Struct):
    """What the running hub knows and no store tells: numbers of streams, and the time (see State)."""

    named: dict[tuple[str, int, str], StreamDelta]
    mark: int
    outages: list[Outage]


class Unhurried:
    """Leaves most of the CPU and of the disk to others; `stop` may be called from any thread."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._since = time.monotonic()

    def __call__(self) -> None:
        """Rest, after some work. Raises Stopped."""
        worked = time.monotonic() - self._since
        if self._stop.wait(min(worked * REST, LONGEST_REST_S)):
            raise Stopped
        self._since = time.monotonic()

    def stop(self) -> None:
        """As soon as possible."""
        self._stop.set()


class Salvage:
    """Blocking. `extract` and `join` in a thread of their own, `swap` where nobody has the hub's files open."""

    def __init__(
        self,
        folder: Path,
        store: HistoryStore,
        another: Callable[[Path], HistoryStore],
        *,
        reserve: int,
        traits: Callable[[SeriesKey], Traits],
        hardware: Callable[[str], str],
        has: Callable[[str], bool],
    ) -> None:
        """another: a store of the same kind in this folder. reserve: bytes of the disk that stay free. has: is there
        this device?"""
        self._folder = folder
        self._store = store
        self._another = another
        self._reserve = reserve
        self._traits = traits
        self._hardware = hardware
        self._has = has
        self.pause = Unhurried()
        self._noting = threading.Lock()  # a store may be lost while another is salvaged

    @property
    def _scratch(self) -> Path:
        return self._folder / FOLDER

    def possible(self) -> bool:
        """Can this kind of store be salvaged?"""
        return isinstance(self._store, FileStore) and isinstance(self._store, SalvageableStore)

    def waiting(self) -> str | None:
        """The file that is to be salvaged next. Where people have taken all of them away nothing is kept. Raises
        OSError."""
        with self._noting:
            found = next((file for file in self._noted().files if (self._folder / file).exists()), None)
            if found is None:
                self._tidy()
            return found

    def note(self, file: str, state: str | None = None) -> None:
        """This file is to be salvaged, after those that are already. state: what was set aside with it. Raises
        OSError."""
        with self._noting:
            self._scratch.mkdir(exist_ok=True)
            note = self._noted()
            if file not in note.files:
                states = note.states if state is None else {**note.states, file: state}
                self._write(Note([*note.files, file], note.tries, states))

    def again(self) -> None:
        """What was begun is begun anew later, which is no failure; until then it takes no room. Raises OSError."""
        with self._noting:
            shutil.rmtree(self._scratch / "store", ignore_errors=True)
            note = self._noted()
            if note.files:
                self._write(Note(note.files, max(note.tries - 1, 0), note.states))

    def done(self, file: str) -> None:
        """This file is not to be salvaged any more. Raises OSError."""
        with self._noting:
            note = self._noted()
            left = [each for each in note.files if each != file]
            shutil.rmtree(self._scratch / "store", ignore_errors=True)
            if left:
                self._write(Note(left, states=note.states))
            else:
                self._tidy()

    def extract(self, file: str) -> Salvaged:
        """Make a sound store of the file, which waits. Raises HubError("history-salvage-…"), Stopped, OSError,
        StoreError."""
        with self._noting:
            note = self._noted()
            left = note.files[note.files.index(file) :]  # those before it were taken away
            tries = note.tries if left == note.files else 0
            if tries >= MOST_TRIES:
                raise HubError("history-salvage-ended", tries=tries)
            self._write(Note(left, tries + 1, note.states))
        self._require_few(file)
        work = self._scratch / "store"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        store = self._another(work)
        files = store.files() if isinstance(store, FileStore) else []
        aside = self._folder / file
        self._require_room(aside.stat().st_size)
        lost = _copied(aside, files[0], self.pause)
        if isinstance(store, SalvageableStore):
            lost += store.salvage(self.pause)
        try:
            store.open()
            return Salvaged(store.stats().raw_samples, lost)
        finally:
            store.close()

    def join(self, known: Known, salvaged: Salvaged) -> None:
        """Put in what the hub's store holds, which is at rest, and make the state anew. Devices that were removed
        meanwhile stay so. What is lost is told, where possible by the state that was set aside with the store. Raises
        Stopped, OSError, StoreError."""
        work = self._scratch / "store"
        store, state = self._another(work), State(work / STATE_FILE)
        try:
            store.open()
            state.open()
            before = set(store.stats().damaged)
            contents = store.contents() if isinstance(store, MendableStore) else {}
            for series in [series for series in contents if not self._has(series.device)]:
                for tier in ("raw", *TIERS):
                    store.delete(series, tier, FOREVER)
            take_over(store, self._store, self.pause)
            contents = store.contents() if isinstance(store, MendableStore) else {}
            state.finish(Merged(), known.mark, [])
            state.keep_outages(known.outages)
            rebuilder = Rebuilder(store, contents, state, self._traits, self._hardware, pause=self.pause)
            rebuilder.state(known.named, above=NUMBERS)
            remembered = self._remember(work, state, store, known.outages)
            if remembered is not None:
                contents = {key: contents.get(key, []) for key in [*contents, *remembered[0]]}
                told = tuple(f"raw {series.device}/{series.channel} " for series in remembered[0])
                salvaged.lost = [*remembered[1], *(what for what in salvaged.lost if not what.startswith(told))]
                rebuilder = Rebuilder(store, contents, state, self._traits, self._hardware, pause=self.pause)
            rebuilder.rollups(salvaged=True)
            salvaged.lost += [what for what in store.stats().damaged if what not in before]
        finally:
            state.close()
            store.close()

    def _remember(
        self, work: Path, state: State, store: HistoryStore, outages: Sequence[Outage]
    ) -> tuple[list[SeriesKey], list[str]] | None:
        """Outlets of which samples are lost, and which; None where nobody knows what there was."""
        note = self._noted()
        file = note.states.get(note.files[0])
        if file is None or not (self._folder / file).is_file():
            return None
        copy = work / "state-before.sqlite"
        for part in work.glob(f"{copy.name}*"):
            part.unlink()
        copied(self._folder / file, copy)
        old = opened(copy)
        if old is None:
            return None
        try:
            remembered = LostStore(old, state, store, self._traits, outages)
            return remembered.tell(self._has), remembered.lost
        finally:
            old.close()

    def swap(self, state: Path) -> None:
        """What was made takes the place of the hub's files, all of which are closed. A state that is not there is
        rebuilt at the start, so it goes first. Raises OSError."""
        work = self._scratch / "store"
        made = self._another(work)
        for side in SIDES:
            state.with_name(state.name + side).unlink(missing_ok=True)
        if isinstance(made, FileStore) and isinstance(self._store, FileStore):
            for new, old in zip(made.files(), self._store.files(), strict=True):
                for side in SIDES[:-1]:
                    old.with_name(old.name + side).unlink(missing_ok=True)
                sync(new)
                new.replace(old)
        sync(work / STATE_FILE)
        (work / STATE_FILE).replace(state)
        sync(self._folder)

    def _tidy(self) -> None:
        (self._scratch / NOTE).unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _require_few(self, file: str) -> None:
        kind, _, _ = file.rpartition(".damaged-")
        lying = [name for name in found_aside(self._folder) if name.startswith(f"{kind}.damaged-") and name <= file]
        if len(lying) > MOST_ASIDE:
            raise HubError("history-salvage-too-many", count=len(lying))

    def _require_room(self, size: int) -> None:
        space = os.statvfs(self._folder)
        free = space.f_bavail * space.f_frsize
        needed = 3 * size + self._reserve  # the copy, what it becomes, and a rest
        if free < needed:
            raise HubError(NO_ROOM, needed=-(-needed >> 20), free=free >> 20)

    def _noted(self) -> Note:
        try:
            return msgspec.json.decode((self._scratch / NOTE).read_bytes(), type=Note)
        except (FileNotFoundError, msgspec.DecodeError):
            return Note([])

    def _write(self, note: Note) -> None:
        new = self._scratch / f"{NOTE}.new"
        new.write_bytes(msgspec.json.encode(note))
        sync(new)
        new.replace(self._scratch / NOTE)


def copied(source: Path, target: Path) -> list[str]:
    """Copy a database and the journal that it needs; returns what could not be read. Raises OSError."""
    return _copied(source, target, lambda: None)


def _copied(source: Path, target: Path, pause: Callable[[], None]) -> list[str]:
    lost = []
    for side in ("", "-wal", "-journal"):
        part = source.with_name(source.name + side)
        if part.is_file():
            blocks = _copied_file(part, target.with_name(target.name + side), pause)
            lost += [f"{blocks} blocks of {part.name} that the disk cannot read"] if blocks else []
    return lost


def _copied_file(source: Path, target: Path, pause: Callable[[], None]) -> int:
    """Blocks that the disk cannot read become zeros; returns how many."""
    lost, at = 0, 0
    with source.open("rb", buffering=0) as old, target.open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        while at < size:
            try:
                piece = os.pread(old.fileno(), PIECE if at % PIECE == 0 else BLOCK, at)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                piece = b""
            if not piece:
                piece, unread = _block(old.fileno(), at, size)
                lost += unread
            new.write(piece)
            at += len(piece)
            pause()
    return lost


def _block(file: int, at: int, size: int) -> tuple[bytes, int]:
    length = min(BLOCK - at % BLOCK, size - at)
    try:
        return os.pread(file, length, at) or bytes(length), 0
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return bytes(length), 1
