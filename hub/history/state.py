"""History's own small database: streams, offsets, gaps and where each series ends; brought up to date by each merge."""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hub.history.gaps import GapRecord, Outage
from hub.history.readings import End, Traits
from hub.history.seal import Unreadable, decode, seal, unseal
from hub.history.transaction import Transaction
from hub.messages import HubError
from hub.plugins.contract import SeriesKey
from hub.soundness import BadBlocks, damage, damage_in, says_damaged
from hub.telemetry.offsets import Point
from hub.telemetry.ranges import Range
from hub.telemetry.stream import Note

FILE_NAME = "history-state.sqlite"
VERSION = 2  # 1: without checksums
SCHEMA = """
create table stream (
    number integer primary key, device text not null, channel integer not null, run text not null,
    hardware text not null, place integer, reason text, known blob not null
);
create table series (device text, channel integer, known blob not null, primary key (device, channel)) without rowid;
create table gap (
    device text, channel integer, start integer, end integer not null, cause text not null,
    known blob not null, primary key (device, channel, start)
) without rowid;
create table meta (name text primary key, value blob not null) without rowid;
"""

T = TypeVar("T")


class StreamKnown(msgspec.Struct, array_like=True):
    """What is kept of a stream besides its name."""

    settled: list[Range]
    notes: list[Note]
    points: list[Point]
    first: Point | None = None
    forgotten: int = 0  # notes that were too many


class StreamRow(msgspec.Struct, array_like=True):
    """One stream as it is kept."""

    number: int
    device: str
    channel: int
    run: str
    hardware: str
    order: int | None
    reason: str | None
    known: StreamKnown


class SeriesState(msgspec.Struct, array_like=True):
    """Where the merged history of one outlet begins and ends, and which samples in the store are still undated.

    longest_ms: the longest that minutes which a plug kept in one record reach. unproven: times (Unix ms, both included)
    whose buckets do not follow from the raw samples in the store: these are gone, or came when others were gone
    already; None = not known. traits: what the newest buckets were computed with."""

    first_at: int | None = None
    head: End | None = None
    undated: dict[int, list[Range]] = {}  # stream number -> seqs
    longest_ms: int = 0
    unproven: list[Range] | None = None
    traits: Traits | None = None


class Merged(msgspec.Struct, array_like=True):
    """Up to which record of which generation of the log the store and this database are.

    sessions: the hub runs that wrote those records: a log that was begun anew is not taken for the old one.
    """

    generation: int = 0
    number: int = 0
    sessions: list[int] = []


class SeriesChange(msgspec.Struct, array_like=True):
    """What a merge changes of one outlet: the gaps within span are replaced."""

    device: str
    channel: int
    span: tuple[int, int]
    gaps: list[GapRecord]
    state: SeriesState


KINDS: dict[str, Any] = {"stream": StreamKnown, "series": SeriesState, "gap": GapRecord, "meta": None}
META: dict[str, Any] = {
    "merged": Merged,
    "mark": int,
    "outages": list[Outage],
    "complete": bool,
    "removed": dict[str, int],
    "untold": str,
    "running": bool,
    "ended": int,
    "expired": tuple[int, int],
}


class StateDamaged(OSError):
    """The file is no readable database: it is to be set aside."""


class State:
    """A SQLite file; blocking, safe to use from several threads. Raises OSError where SQLite cannot read or write."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def open(self) -> None:
        """Open or create. Raises HubError("history-newer"), StateDamaged, OSError."""
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            version = connection.execute("pragma user_version").fetchone()[0]
            if version > VERSION:
                raise HubError("history-newer", version=version, supported=VERSION)
            connection.execute("pragma journal_mode = wal")  # one sync a merge, and seldom a checkpoint
            connection.execute("pragma synchronous = full")
            if version == 0:
                connection.executescript(f"begin; {SCHEMA}")
                _put_meta(connection, "complete", False)
                connection.execute(f"pragma user_version = {VERSION}")
                connection.execute("commit")
            found = connection.execute("pragma quick_check(1)").fetchone()[0]
            if found != "ok":
                raise damage(found)
            if version == 1:
                _add_checksums(connection)
            _check(connection)
        except (sqlite3.Error, HubError, Unreadable) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, HubError):
                raise
            damaged = isinstance(error, Unreadable) or (says_damaged(error) and self._is_damaged())
            raise (StateDamaged if damaged else OSError)(f"{self._path}: {error}") from error
        self._connection = connection

    def _is_damaged(self) -> bool:
        """By a second look. What stands in blocks that cannot be read is rebuilt like what makes no sense: without the
        state no hub starts. Raises OSError where the disk gives nothing."""
        try:
            return damage_in(self._path) is not None
        except BadBlocks:
            return True

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def streams(self) -> list[StreamRow]:
        """Every stream."""
        rows = self._all("select number, device, channel, run, hardware, place, reason, known from stream")
        return [msgspec.convert((*key, self._unsealed(key, known, StreamKnown)), StreamRow) for *key, known in rows]

    def series(self, series: SeriesKey) -> SeriesState:
        """Where this outlet's history stands; a new one when there is none."""
        rows = self._all("select known from series where device = ? and channel = ?", series.device, series.channel)
        if not rows:
            return SeriesState(unproven=[])
        return self._unsealed((series.device, series.channel), rows[0][0], SeriesState)

    def all_series(self) -> list[tuple[SeriesKey, SeriesState]]:
        """Every outlet with merged history."""
        rows = self._all("select device, channel, known from series")
        return [
            (SeriesKey(device, channel), self._unsealed((device, channel), known, SeriesState))
            for device, channel, known in rows
        ]

    def gaps(self, series: SeriesKey, start: int, end: int) -> list[GapRecord]:
        """Gaps that overlap start..end (both included), by start."""
        rows = self._all(
            "select device, channel, start, end, cause, known from gap"
            " where device = ? and channel = ? and start <= ? and end >= ? order by start",
            series.device,
            series.channel,
            end,
            start,
        )
        return [self._unsealed(key, known, GapRecord) for *key, known in rows]

    def gaps_set_back(self, series: SeriesKey) -> list[GapRecord]:
        """Gaps in which the hub's clock was set back: they end before they begin, and are kept without length."""
        rows = self._all(
            "select device, channel, start, end, cause, known from gap"
            " where device = ? and channel = ? and start = end order by start",
            series.device,
            series.channel,
        )
        return [self._unsealed(key, known, GapRecord) for *key, known in rows]

    def unexplained(self, series: SeriesKey) -> list[GapRecord]:
        """The newest gaps of unknown cause."""
        rows = self._all(
            "select device, channel, start, end, cause, known from gap"
            " where device = ? and channel = ? and cause = 'unknown'"
            " order by start desc limit 100",
            series.device,
            series.channel,
        )
        return [self._unsealed(key, known, GapRecord) for *key, known in rows]

    def merged(self) -> Merged:
        """Up to where the log is merged."""
        return self._meta("merged", Merged, Merged())

    def mark(self) -> int:
        """The latest certain time that was merged, Unix ms."""
        return self._meta("mark", int, 0)

    def outages(self) -> list[Outage]:
        """When the hub did not run."""
        return self._meta("outages", list[Outage], [])

    def apply(self, changes: Iterable[SeriesChange]) -> None:
        """What a merge changed of some outlets, in one transaction. Doing it twice changes nothing."""
        with self._transaction() as connection:
            _apply(connection, changes)

    def finish(
        self, merged: Merged, mark: int, streams: Iterable[StreamRow], changes: Iterable[SeriesChange] = ()
    ) -> None:
        """The last changes of a merge: with them, everything up to record `merged` of the log is in the store; the
        streams stand as of that record."""
        with self._transaction() as connection:
            _apply(connection, changes)
            _put_streams(connection, streams)
            _put_meta(connection, "merged", merged)
            _put_meta(connection, "mark", mark)

    @property
    def complete(self) -> bool:
        """Does it know all that the store holds? False for a file that was just made, until `completed`, whatever is
        merged meanwhile. Files of before say nothing of it and are complete with the first merge."""
        return self._meta("complete", bool, self.merged().generation > 0)

    def put(self, streams: Iterable[StreamRow]) -> None:
        """Note these streams besides those that it knows."""
        with self._transaction() as connection:
            _put_streams(connection, streams)

    def completed(self) -> None:
        """It knows all that the store holds."""
        with self._transaction() as connection:
            _put_meta(connection, "complete", True)

    def begin_anew(self) -> None:
        """Forget what was noted of streams and outlets: whoever rebuilt it was broken off."""
        with self._transaction() as connection:
            for table in ("stream", "series", "gap"):
                connection.execute(f"delete from {table}")  # noqa: S608
            _put_meta(connection, "complete", False)

    def prune(self, streams: Iterable[int], kept: Iterable[StreamRow], before: int) -> int:
        """Forget these streams and the gaps that ended before (Unix ms), and keep of others what stands in `kept`;
        returns how many gaps went."""
        with self._transaction() as connection:
            connection.executemany("delete from stream where number = ?", [(number,) for number in streams])
            _put_streams(connection, kept)
            return connection.execute("delete from gap where end < ?", (before,)).rowcount

    def causes(self) -> dict[str, int]:
        """How many gaps there are of each cause."""
        return dict(self._all("select cause, count(*) from gap group by cause order by cause"))

    def keep_outages(self, outages: Sequence[Outage]) -> None:
        """When the hub did not run."""
        with self._transaction() as connection:
            _put_meta(connection, "outages", list(outages))

    def removed(self, series: SeriesKey, tier: str) -> int:
        """Before when (Unix ms) points of this tier (raw, 1m, 15m) were removed; 0 = none ever was."""
        removed = self._meta("removed", dict[str, int], {})
        return max(removed.get(tier, 0), removed.get(_of(series, tier), 0))

    def keep_removed(self, tier: str, before: int, series: SeriesKey | None = None) -> None:
        """Points of this tier may be gone before then; series None = of every outlet."""
        removed = self._meta("removed", dict[str, int], {})
        name = tier if series is None else _of(series, tier)
        if removed.get(name, 0) < before:
            with self._transaction() as connection:
                _put_meta(connection, "removed", removed | {name: before})

    def expired(self) -> tuple[int, int]:
        """When the clock last made old history go, and what time it was taken for (both Unix ms; 0 = never)."""
        return self._meta("expired", tuple[int, int], (0, 0))

    def keep_expired(self, now: int, until: int) -> None:
        """It goes now, as if it were `until`."""
        with self._transaction() as connection:
            _put_meta(connection, "expired", (now, until))

    def untold(self) -> str:
        """The store that was set aside while the hub stopped, when nobody could be told any more; "" = none."""
        return self._meta("untold", str, "")

    def keep_untold(self, file: str) -> None:
        """Tell it at the next start; "" = it is told."""
        with self._transaction() as connection:
            _put_meta(connection, "untold", file)

    @property
    def running(self) -> bool:
        """May the log hold what is not merged? A hub runs, or ended before everything was."""
        return self._meta("running", bool, False)

    @property
    def ended(self) -> int:
        """When everything was merged and the hub ended, Unix ms; 0 = not known."""
        return self._meta("ended", int, 0)

    def keep_running(self, running: bool, ended: int = 0) -> None:
        """From now on it may, or may not, because the hub has `ended`."""
        with self._transaction() as connection:
            _put_meta(connection, "running", running)
            _put_meta(connection, "ended", ended)

    def forget(self, device: str) -> None:
        """The device was removed, with its history."""
        with self._transaction() as connection:
            for table in ("stream", "series", "gap"):
                connection.execute(f"delete from {table} where device = ?", (device,))  # noqa: S608

    def _meta(self, name: str, kind: type[T], default: T) -> T:
        rows = self._all("select value from meta where name = ?", name)
        return self._unsealed((name,), rows[0][0], kind) if rows else default

    def _unsealed(self, key: Sequence[object], sealed: bytes, kind: type[T]) -> T:
        try:
            return unseal(key, sealed, kind)
        except Unreadable as error:
            raise StateDamaged(f"{self._path}: {error}") from error

    def _all(self, statement: str, *values: Any) -> list[Any]:
        try:
            with self._lock:
                return self._opened().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise OSError(f"{self._path}: {error}") from error

    def _transaction(self) -> Transaction:
        return Transaction(self._opened(), self._lock, self._path)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OSError(f"{self._path} is not open")
        return self._connection


def _of(series: SeriesKey, tier: str) -> str:
    return f"{tier} {series.device}/{series.channel}"


def _apply(connection: sqlite3.Connection, changes: Iterable[SeriesChange]) -> None:
    for change in changes:
        place = (change.device, change.channel)
        connection.execute(
            "delete from gap where device = ? and channel = ? and start >= ? and end <= ?", place + change.span
        )
        connection.executemany(
            "insert or replace into gap values (?, ?, ?, ?, ?, ?)",
            [_sealed((*place, gap.start, gap.end, gap.cause), gap) for gap in change.gaps],
        )
        connection.execute("insert or replace into series values (?, ?, ?)", _sealed(place, change.state))


def _put_streams(connection: sqlite3.Connection, streams: Iterable[StreamRow]) -> None:
    connection.executemany(
        "insert or replace into stream values (?, ?, ?, ?, ?, ?, ?, ?)",
        [_sealed((s.number, s.device, s.channel, s.run, s.hardware, s.order, s.reason), s.known) for s in streams],
    )


def _sealed(key: Sequence[object], value: object) -> tuple[object, ...]:
    return *key, seal(key, value)


def _put_meta(connection: sqlite3.Connection, name: str, value: object) -> None:
    connection.execute("insert or replace into meta values (?, ?)", _sealed((name,), value))


def _check(connection: sqlite3.Connection) -> None:
    """Raises Unreadable for the first value that is not what was written."""
    for table, kind in KINDS.items():
        for *key, value in connection.execute(f"select * from {table}"):  # noqa: S608
            unseal(key, value, kind or META[key[0]])


def _add_checksums(connection: sqlite3.Connection) -> None:
    """From version 1, in one transaction. Raises Unreadable."""
    connection.execute("begin immediate")
    for table, kind in KINDS.items():
        rows = connection.execute(f"select * from {table}").fetchall()  # noqa: S608
        marks = ", ".join("?" * len(rows[0])) if rows else ""
        for *key, value in rows:
            known = decode(value, kind or META[key[0]])
            connection.execute(f"insert or replace into {table} values ({marks})", _sealed(key, known))  # noqa: S608
    connection.execute(f"pragma user_version = {VERSION}")
    connection.execute("commit")
