"""SqliteStore: merged history as compressed column chunks in one SQLite file."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from hub.plugins import TIERS, Merge, RawColumns, RollupColumns, SeriesKey, StoreError, StoreStats
from integrations.storage.sqlite.raw import RawChunks
from integrations.storage.sqlite.rollups import RollupChunks
from integrations.storage.sqlite.schema import connect, prepare
from integrations.storage.sqlite.shelf import Found, Shelf

FOREVER = (1 << 63) - 1
SPARE = 10  # of this many pages one may stay free, for the next merge to use


class SqliteStore:
    """History store over one file: chunks of an hour of raw samples, and of a day or a month of buckets.

    Means are kept to 0.01 W, 0.01 V and 0.1 mA, energies of buckets to 0.001 mWh; raw samples exactly.
    One writer at a time; readers have a connection for each thread and never wait for the writer.
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

    def open(self) -> None:
        """Open or make the file. Raises HubError for a newer or a foreign one, StoreError when it is corrupt."""
        with self._writing, _told():
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
                self._writer.close()
                self._writer = None

    def merge(self, change: Merge) -> None:
        """Apply in one transaction, durable when it returns. Damaged chunks met so far are set aside in it."""
        with self._change() as shelf:
            raw, rollups = RawChunks(shelf), RollupChunks(shelf)
            for series, columns in change.raw:
                raw.put(shelf.series(series), columns)
            for series, tier, buckets in change.rollups:
                rollups.put(shelf.series(series), TIERS[tier], buckets)
            for series, tier, start in change.removed:
                rollups.remove(shelf.series(series), TIERS[tier], start)
            rollups.join()

    def read(self, series: SeriesKey, start: int, end: int) -> list[RawColumns]:
        """Dated raw samples with start <= at < end, one entry a stream, ordered by time of their first sample."""
        with self._view() as shelf:
            number = shelf.known(series)
            return [] if number is None else RawChunks(shelf).between(number, start, end)

    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None:
        """Raw samples of one stream with seq_from <= seq <= seq_to, dated or not; None if there are none."""
        with self._view() as shelf:
            number = shelf.known(series)
            return None if number is None else RawChunks(shelf).of_stream(number, run, seq_from, seq_to)

    def rollup(self, series: SeriesKey, tier: str, start: int, end: int) -> RollupColumns:
        """Buckets with start <= bucket start < end."""
        with self._view() as shelf:
            return RollupChunks(shelf).between(shelf.known(series), TIERS[tier], start, end)

    def delete(self, series: SeriesKey | None, tier: str, before: int) -> int:
        """Forget chunks that lie wholly before; returns how many samples or buckets went.

        Undated samples go only with `before` = 2**63 - 1. Space is given back to the file system in part."""
        with self._change() as shelf:
            number = None if series is None else shelf.known(series)
            if series is not None and number is None:
                return 0
            if tier == "raw":
                gone = RawChunks(shelf).delete(number, before, undated=before >= FOREVER)
            else:
                gone = RollupChunks(shelf).delete(number, TIERS[tier], before)
            shelf.tidy()
        self._give_back()
        return gone

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
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return StoreStats(
            raw_samples=samples,
            raw_bytes=raw_bytes,
            rollup_buckets={name: count for name, (count, _) in tiers.items()},
            rollup_bytes={name: size for name, (_, size) in tiers.items()},
            file_bytes=sum(file.stat().st_size for file in files if file.exists()),
            damaged=damaged + sorted(what for what, _ in dict(self._found).values()),
        )

    @contextlib.contextmanager
    def _change(self) -> Iterator[Shelf]:
        with self._writing, _told():
            if self._writer is None:
                raise StoreError("the store is closed")
            shelf = Shelf(self._writer, self._found, writing=True)
            self._writer.execute("begin immediate")
            try:
                settled = shelf.set_aside()
                yield shelf
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise
            for place, chunk in settled.items():
                if self._found.get(place) is chunk:
                    del self._found[place]

    @contextlib.contextmanager
    def _view(self) -> Iterator[Shelf]:
        with _told():
            connection = self._reader()
            connection.execute("begin")
            try:
                yield Shelf(connection, self._found, writing=False)
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

    def _give_back(self) -> None:
        with self._writing, _told():
            if self._writer is None:
                return
            pages, free = (
                self._writer.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count")
            )
            surplus = free - (pages - free) // SPARE
            if surplus > 0:
                self._writer.execute(f"pragma incremental_vacuum({surplus})").fetchall()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """SQLite's errors as the store's."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(str(error)) from error
