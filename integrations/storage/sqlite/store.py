"""SqliteStore: merged history as compressed column chunks in one SQLite file."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hub.aside import set_aside
from hub.plugins import TIERS, Merge, RawColumns, RollupColumns, SeriesKey, StoreError, StoreStats
from hub.plugins.contract import Damage, Int64
from hub.soundness import damage_in
from integrations.storage.sqlite.damage import told
from integrations.storage.sqlite.raw import RawChunks
from integrations.storage.sqlite.recent import Recent
from integrations.storage.sqlite.rollups import RollupChunks
from integrations.storage.sqlite.salvage import salvage
from integrations.storage.sqlite.schema import connect, prepare
from integrations.storage.sqlite.shelf import Found, Met, Shelf
from integrations.storage.sqlite.sums import Fresh, Sums
from integrations.storage.sqlite.sums import forget as forget_sums
from integrations.storage.sqlite.sums import write as write_sums

FOREVER = (1 << 63) - 1
SPARE = 10  # of this many pages one may stay free, for the next merge to use
SEARCHED = 8_000_000  # free pages that SQLite may look at to give some back: for each that it moves, at most at all


class SqliteStore:
    """History store over one file: chunks of an hour of raw samples, and of a day or a month of buckets.

    Means are kept to 0.01 W, 0.01 V and 0.1 mA, energies of buckets to 0.001 mWh; raw samples exactly.
    One writer at a time; readers have a connection for each thread and wait for the writer only while it commits.
    """

    name = "sqlite"

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._writing = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._listing = threading.Lock()  # of readers
        self._found: Found = {}
        self._met: Met = []
        self._fresh: Fresh = {}
        self._recent = Recent()
        self._change: Change | None = None  # the open one, in the thread that merges

    def open(self) -> None:
        """Open or make the file. Raises HubError for a newer or a foreign one, StoreDamaged when it is corrupt."""
        with self._writing, told():
            connection = connect(self._path)
            try:
                prepare(connection, self._path)
            except BaseException:
                connection.close()
                raise
            self._writer = connection

    def close(self) -> None:
        """Close every connection; the file alone is then the whole store."""
        with self._writing, self._listing:
            readers, self._readers, self._local = self._readers, [], threading.local()
            for connection in readers:
                connection.close()
            if self._writer is not None:
                with contextlib.suppress(sqlite3.Error):  # it is made anew where it is not there
                    self._recent.write(self._writer)
                self._writer.close()
                self._writer = None

    def merge(self, change: Merge) -> None:
        """Apply: durable when it returns, or with `commit` where it is called `together` with others."""
        with told():
            if self._change is not None:
                self._change.merge(change)
                return
        with self._changing() as own:
            own.merge(change)
            own.commit()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Merges inside become one transaction, durable and seen by readers with `commit`, or not at all."""
        with self._changing() as change:
            self._change = change
            try:
                yield
            finally:
                self._change = None

    def commit(self) -> None:
        """Make what was merged `together` so far durable. Damaged chunks met until then are set aside in it."""
        with told():
            if self._change is None:
                raise StoreError("nothing was begun")
            self._change.commit()

    def read(self, series: SeriesKey, start: int, end: int, *, brief: bool = False) -> list[RawColumns]:
        """Dated raw samples with start <= at < end, one entry a stream, ordered by time of their first sample."""
        with self._view() as shelf:
            number = shelf.known(series)
            return [] if number is None else RawChunks(shelf).between(number, start, end, brief=brief)

    def thinned(self, series: SeriesKey, start: int, end: int, borders: Int64) -> list[tuple[RawColumns, int]]:
        """See ThinningStore."""
        with self._view() as shelf:
            number = shelf.known(series)
            return [] if number is None else RawChunks(shelf).thinned(number, start, end, borders)

    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None:
        """Raw samples of one stream with seq_from <= seq <= seq_to, dated or not; None if there are none."""
        with self._view() as shelf:
            number = shelf.known(series)
            return None if number is None else RawChunks(shelf).of_stream(number, run, seq_from, seq_to)

    def rollup(self, series: SeriesKey, tier: str, start: int, end: int, *, brief: bool = False) -> RollupColumns:
        """Buckets with start <= bucket start < end."""
        with self._view() as shelf:
            return RollupChunks(shelf, self._recent).between(shelf.known(series), TIERS[tier], start, end, brief=brief)

    def sums(self, series: SeriesKey, edges: Int64) -> RollupColumns:
        """Buckets of power, energy and time covered that lie between neighbours of `edges`, ascending, and sum up to
        the stored quarters. Sums of the days and months that are over are kept, with the next merge in the file."""
        with self._view() as shelf:
            return Sums(shelf, RollupChunks(shelf, self._recent), self._fresh).between(shelf.known(series), edges)

    def delete(self, series: SeriesKey | None, tier: str, before: int) -> int:
        """Forget chunks that lie wholly before; returns how many samples or buckets went.

        Undated samples go only with `before` = 2**63 - 1. `give_back` gives the space to the file system."""
        with self._changing() as change:
            shelf = change.shelf
            number = None if series is None else shelf.known(series)
            if series is not None and number is None:
                return 0
            if tier == "raw":
                gone = change.raw.delete(number, before, undated=before >= FOREVER)
            else:
                gone = change.rollups.delete(number, TIERS[tier], before)
                self._recent.forget(number)
                forget_sums(self._fresh, number)
            shelf.tidy()
            change.commit()
        return gone

    def give_back(self, most: int) -> int:
        """See ShrinkingStore."""
        with self._writing, told():
            if self._writer is None:
                raise StoreError("the store is closed")
            size, pages, free = (
                self._writer.execute(f"pragma {name}").fetchone()[0]
                for name in ("page_size", "page_count", "freelist_count")
            )
            surplus = max(free - (pages - free) // SPARE, 0)
            going = min(surplus, most // size, max(SEARCHED // max(free, 1), 1))
            if going:
                # The statement ends a page a step, and `execute` takes only the first one.
                self._writer.executescript(f"pragma incremental_vacuum({going})")
            return int((surplus - going) * size)

    def contents(self) -> dict[SeriesKey, list[str]]:
        """Every outlet of which there is anything, and the runs of which there are raw samples."""
        with self._view() as shelf:
            known = {id: SeriesKey(device, channel) for id, device, channel in shelf.all("select * from series")}
            found: dict[SeriesKey, list[str]] = {series: [] for series in known.values()}
            for series, run in shelf.all("select series, run from stream order by series, first_hour, id"):
                found[known[series]].append(run)
        return found

    def pieces(self, series: SeriesKey, run: str, most: int) -> list[tuple[int, int]]:
        """See MendableStore."""
        with self._view() as shelf:
            number = shelf.known(series)
            return [] if number is None else RawChunks(shelf).pieces(number, run, most)

    def seqs(self) -> dict[SeriesKey, dict[str, list[tuple[int, int]]]]:
        """See ListingStore."""
        with self._view() as shelf:
            return {shelf.key(number): runs for number, runs in RawChunks(shelf).seqs().items()}

    def files(self) -> list[Path]:
        """The one file: while nobody writes, its journal is empty."""
        return [self._path]

    def met(self) -> list[Damage]:
        """See WatchfulStore."""
        return [self._met.pop(0) for _ in range(len(self._met))]

    def set_aside(self) -> str:
        """Keep the file under a name with the date, which is returned; `open` then makes a new one."""
        self._found.clear()
        self._met.clear()
        self._fresh.clear()
        return set_aside(self._path).name

    def damaged(self) -> bool:
        """Does SQLite find anything wrong with the file? Reads all of it, and raises OSError where that fails."""
        return self._path.exists() and damage_in(self._path) is not None

    def salvage(self, pause: Callable[[], None] | None = None) -> list[str]:
        """Keep what the pages of a damaged file still hold; the file as it was stays beside it, as `<name>.pages`."""
        if not self.damaged():
            return []
        self._found.clear()
        pages = self._path.replace(self._path.with_name(f"{self._path.name}.pages"))
        self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
        return salvage(pages, self._path, pause)

    def stats(self) -> StoreStats:
        """Sizes and counts, and what was found damaged."""
        with self._view() as shelf:
            samples, raw_bytes = shelf.one("select coalesce(sum(count), 0), coalesce(sum(length(data)), 0) from raw")
            tiers = {
                name: shelf.one(
                    "select coalesce(sum(count), 0), coalesce(sum(length(data)), 0) from rollup where tier = ?", bucket
                )
                for name, bucket in TIERS.items()
            }
            damaged = [what for (what,) in shelf.all("select what from damaged order by id")]
        files = (self._path, self._path.with_name(self._path.name + "-journal"))
        return StoreStats(
            raw_samples=samples,
            raw_bytes=raw_bytes,
            rollup_buckets={name: count for name, (count, _) in tiers.items()},
            rollup_bytes={name: size for name, (_, size) in tiers.items()},
            file_bytes=sum(file.stat().st_size for file in files if file.exists()),
            damaged=damaged + sorted(what for what, _ in dict(self._found).values()),
        )

    @contextlib.contextmanager
    def _changing(self) -> Iterator["Change"]:
        with self._writing, told():
            if self._writer is None:
                raise StoreError("the store is closed")
            writer = self._writer
            try:
                yield Change(writer, self._found, self._met, self._fresh)
            finally:
                if writer.in_transaction:
                    writer.execute("rollback")

    @contextlib.contextmanager
    def _view(self) -> Iterator[Shelf]:
        with told():
            connection = self._reader()
            connection.execute("begin")
            try:
                yield Shelf(connection, self._found, self._met, writing=False)
            finally:
                connection.execute("rollback")

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._listing:
                if self._writer is None:
                    raise StoreError("the store is closed")
                connection = connect(self._path)
                self._readers.append(connection)
            connection.execute("pragma query_only = 1")
            self._local.connection = connection
        return connection


class Change:
    """What is being written: transactions one after the other, each begun by the first merge in it."""

    def __init__(self, connection: sqlite3.Connection, found: Found, met: Met, fresh: Fresh) -> None:
        self._connection = connection
        self._found = found
        self._met = met
        self._fresh = fresh
        self._begin()

    def merge(self, change: Merge) -> None:
        """Put all of it; hours that have become a day, and days a month, are joined."""
        if not self._connection.in_transaction:
            self._begin()
        shelf, raw, rollups = self.shelf, self.raw, self.rollups
        for series, columns in change.raw:
            raw.put(shelf.series(series), columns)
        for series, tier, buckets in change.rollups:
            rollups.put(shelf.series(series), TIERS[tier], buckets)
        removed: dict[tuple[SeriesKey, str], list[int]] = {}
        for series, tier, start in change.removed:
            removed.setdefault((series, tier), []).append(start)
        for (series, tier), starts in removed.items():
            rollups.remove(shelf.series(series), TIERS[tier], starts)
        rollups.join({shelf.series(series) for series, _, _ in change.rollups})

    def commit(self) -> None:
        """Durable when it returns."""
        self.rollups.join(None)
        kept = write_sums(self.shelf, self._fresh)
        self._connection.execute("commit")
        _forget(self._found, self._settled)
        _forget(self._fresh, kept)

    def _begin(self) -> None:
        self._connection.execute("begin immediate")
        self.shelf = Shelf(self._connection, self._found, self._met, writing=True)
        self.raw, self.rollups = RawChunks(self.shelf), RollupChunks(self.shelf)
        self._settled = self.shelf.set_aside()


def _forget(known: dict[Any, Any], done: Mapping[Any, Any]) -> None:
    """Without what is done; what a reader has put in its place since stays."""
    for place, value in done.items():
        if known.get(place) is value:
            del known[place]
