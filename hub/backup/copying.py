"""Makes one archive: copies, checks what was written, gives it its name, and lets old ones go."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hub.backup.archive import BLOCK, Blocks, FileEntry, Head, Index, Reader, Writer, digest_of
from hub.backup.catalog import Item, by_age, by_id, listed, missing, of_hub, outdated, parent
from hub.backup.checking import check_archive
from hub.backup.keys import Keys
from hub.backup.pace import Pace
from hub.backup.settings import DEFAULT_FOLDER
from hub.backup.sources import (
    HISTORY_GROUP,
    REGISTRY,
    SCRATCH,
    Source,
    history_files,
    home_files,
    hub_id,
    is_sqlite,
    reading,
    require_whole,
)
from hub.backup.target import SUFFIX, Draft, FolderTarget, Target
from hub.messages import HubError

LATEST = "registry-latest.sqlite"
ROOM = 4 << 20  # bytes beyond the estimate


class Order(msgspec.Struct, frozen=True):
    """What to back up. data, config: folders (config None = not known). now: Unix ms. keep: good archives that stay,
    with those that they are built on; None = all."""

    data: Path
    version: str
    now: int
    config: Path | None = None
    keep: int | None = None


class Job:
    """One backup, in steps, because history rests only while it is copied: `copy`, then `finish`, and `close` always.
    Blocking; one thread. Raises HubError, and Stopped when its pace was told to stop; then nothing is kept."""

    def __init__(self, order: Order, target: Target, keys: Keys, pace: Pace) -> None:
        self._order = order
        self._target = target
        self._keys = keys
        self._pace = pace
        self._open = contextlib.ExitStack()
        self._scratch = order.data / SCRATCH
        self._name = ""
        self._draft: Draft | None = None
        self._head: Head | None = None
        self._items: list[Item] = []

    def copy(self, history: Sequence[Path] | None = None) -> None:
        """Write everything; `history`: files that nobody changes meanwhile, None = without history."""
        order = self._order
        self._make_scratch()
        sources = home_files(order.data, order.config, self._scratch)
        hub = hub_id(self._scratch / REGISTRY)
        self._target.prepare()
        self._items = by_age(of_hub(listed(self._target), hub), order.now)
        base, old = self._base() if history is not None else (None, None)
        if history is not None:
            sources += history_files(order.data, history)
            if old is None:
                self._check_history(sources)
        self._require_room(sources, old)
        id = secrets.token_hex(16)
        self._head = head = Head(
            id=id,
            created=order.now,
            hub=hub,
            version=order.version,
            history=history is not None,
            chain=[*(base.chain if base else ()), id],
            lock=base.lock if base else self._keys.new_lock(),
        )
        moment = datetime.fromtimestamp(order.now / 1000, UTC)
        self._name = f"plughub-{moment:%Y%m%dT%H%M%SZ}-{id[:4]}{SUFFIX}"
        self._pace.begin("copying", sum(source.path.stat().st_size for source in sources))
        with self._target.told():
            self._draft = self._open.enter_context(self._target.write(self._name))
            writer = Writer(self._draft.file, head, self._keys)
            number = len(head.chain) - 1
            entries = []
            for source in sources:
                before = old.file(source.name) if old and source.group == HISTORY_GROUP else None
                entries.append(self._copied(source, writer, number, before))
            writer.finish(Index(entries))
            self._draft.secure()

    def finish(self) -> Item:
        """Check what the disk holds, give it its name, and let go of archives whose time is over."""
        draft, head = self._draft, self._head
        if draft is None or head is None:
            raise RuntimeError("nothing was copied")
        if missing(head, by_id(self._items)):
            raise HubError("backup-chain-broken", file=self._name)
        with self._target.told():
            reader = Reader(draft.file, self._name)
            self._pace.begin("checking", reader.size)
            check_archive(reader, self._keys, self._scratch, self._pace)
            draft.keep()
        item = Item(self._name, reader.size, head)
        if self._order.keep is not None:
            for name in outdated([*self._items, item], self._order.keep):
                self._target.remove(name)
        return item

    def close(self) -> None:
        """Nothing of it stays behind but a kept archive, and the copy of the registry that takes the place of a damaged
        one: it needs no passphrase, and is there wherever archives go."""
        try:
            self._open.close()
            copy = self._scratch / REGISTRY
            if copy.exists():
                with reading(copy):
                    place = self._order.data / DEFAULT_FOLDER
                    place.mkdir(mode=0o700, exist_ok=True)
                    copy.replace(place / LATEST)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _make_scratch(self) -> None:
        with FolderTarget(self._order.data).told():
            if self._scratch.exists():  # of a backup that was killed
                shutil.rmtree(self._scratch)
            self._scratch.mkdir(mode=0o700)

    def _base(self) -> tuple[Head, Index] | tuple[None, None]:
        """The archive on which this one builds; none where it cannot be read any more: a full one is better then."""
        item = parent(self._items, self._keys)
        if item is None or item.head is None:
            return None, None
        try:
            with self._target.read(item.name) as file:
                reader = Reader(file, item.name)
                reader.unlock(self._keys)
                return reader.head, reader.index()
        except HubError as error:
            if error.id != "backup-damaged":
                raise
            return None, None

    def _check_history(self, sources: Sequence[Source]) -> None:
        """A chain begins with databases that are whole: what follows is compared with them block by block."""
        names = {source.name for source in sources}
        for source in sources:
            alone = not {f"{source.name}-journal", f"{source.name}-wal"} & names
            if source.group == HISTORY_GROUP and alone and is_sqlite(source.path):
                require_whole(source.path, live=True, pace=self._pace)

    def _require_room(self, sources: Sequence[Source], old: Index | None) -> None:
        free = self._target.free()
        own = [source for source in sources if old is None or source.group != HISTORY_GROUP]
        size = sum(source.path.stat().st_size for source in own)
        if old is not None:
            grown = {source.name: source.path.stat().st_size for source in sources if source.group == HISTORY_GROUP}
            size += sum(max(now - (entry.size if (entry := old.file(name)) else 0), 0) for name, now in grown.items())
        if free is not None and free < size + ROOM:
            needed = -(-(size + ROOM) // 1_000_000)
            raise HubError("backup-space-short", needed=needed, free=free // 1_000_000)

    def _copied(self, source: Source, writer: Writer, number: int, old: FileEntry | None) -> FileEntry:
        blocks, size = Blocks(), 0
        for at, content in enumerate(_blocks(source.path)):
            size += len(content)
            digest = digest_of(content)
            known = old.block(at) if old is not None and at < old.blocks else None
            if known is not None and known[0] == digest:
                blocks.add(*known)
            else:
                blocks.add(digest, number, writer.put(content))
            self._pace.took(len(content))
        return blocks.entry(source.name, source.group, size)


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in pieces of BLOCK bytes, the last one shorter."""
    with reading(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            content = b""
            with reading(path):
                while len(content) < BLOCK and (more := os.read(descriptor, BLOCK - len(content))):
                    content += more
            if not content:
                return
            yield content
    finally:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # others need the page cache more
        os.close(descriptor)
