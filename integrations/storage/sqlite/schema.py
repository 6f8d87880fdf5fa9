"""Tables of the SQLite history store, and opening connections to them.

Everything is keyed by time first: what a merge writes lies together at the end of each table and index, so that few
pages are touched (keyed by plug, 100 plugs would touch 100 pages an hour). Reading one plug looks up each hour or day
of the range by its key.
"""

import sqlite3
from pathlib import Path

from hub.plugins import HubError

APPLICATION = 0x504C4849
VERSION = 1
PAGE = 1024  # chunks are of 1 to 4 KB: larger pages stay emptier and write more
MEBI = 1 << 20
CACHE_KB = 512  # of pages, for each thread's connection; by default four readers and the writer come to keep 2 MB each

TABLES = """
create table series(id integer primary key, device text not null, channel integer not null, unique(device, channel));
create table stream(
  id integer primary key, series integer not null, run text not null,
  last_seq integer not null, first_hour integer, last_hour integer, -- of its dated chunks
  unique(series, run));
create table raw(
  id integer primary key, hour integer not null, stream integer not null, -- hour < 0: undated, see UNDATED in store.py
  seq_from integer not null, seq_to integer not null, count integer not null, data blob not null);
create unique index raw_place on raw(hour, stream);
create table rollup(
  id integer primary key, tier integer not null, span integer not null, start integer not null,
  series integer not null, count integer not null, data blob not null);
create unique index rollup_place on rollup(tier, span, start, series);
create table damaged(id integer primary key, what text not null, data blob not null);
"""
SUMS = """
create table if not exists sums( -- used only while `heads` are those of the chunks, and may be lost: see sums.py
  series integer not null, start integer not null, heads blob not null, data blob not null,
  primary key(series, start)) without rowid"""
RECENT = """
create table if not exists recent( -- the same: see recent.py
  series integer not null, span integer not null, start integer not null, heads blob not null, data blob not null,
  primary key(series, span, start)) without rowid"""
LEAD = """
create table if not exists lead(series integer primary key, until integer not null, heads blob not null,
  data blob not null); -- may be lost: see sums.py
create trigger if not exists lead_added after insert on rollup when new.tier = 900000
begin delete from lead where series = new.series and until > new.start; end;
create trigger if not exists lead_changed after update of data on rollup when old.tier = 900000
begin delete from lead where series = old.series and until > old.start; end;
create trigger if not exists lead_gone after delete on rollup when old.tier = 900000
begin delete from lead where series = old.series and until > old.start; end;"""
LINES = """
create table if not exists line(id integer primary key, data blob not null); -- may be lost: see lines.py
create trigger if not exists line_changed after update of data on raw
begin delete from line where id = old.hour * 16777216 + old.stream; end;
create trigger if not exists line_gone after delete on raw
begin delete from line where id = old.hour * 16777216 + old.stream; end;"""
"""Triggers, because an earlier version of the hub may change chunks and knows nothing of what is kept beside them."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection for one thread at a time; transactions are begun by hand."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("pragma synchronous = full")
    connection.execute(f"pragma cache_size = -{CACHE_KB}")
    return connection


def _writes(connection: sqlite3.Connection) -> None:
    """A rollback journal, because a merge mostly adds pages: they are written once, a write-ahead log would write them
    twice. The journal keeps its place on the disk; readers are shut out for nothing but the commit itself."""
    connection.execute("pragma journal_mode = persist")
    connection.execute(f"pragma journal_size_limit = {4 * MEBI}")
    connection.execute("pragma cache_spill = off")
    connection.execute("pragma secure_delete = off")  # zeros over what is forgotten would be written too


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; HubError for a file of a newer version or of something else."""
    application, version, tables = (
        connection.execute(query).fetchone()[0]
        for query in ("pragma application_id", "pragma user_version", "select count(*) from sqlite_schema")
    )
    if tables and application != APPLICATION:
        raise HubError("store-foreign", path=str(path))
    if version > VERSION:
        raise HubError("store-newer", version=version, supported=VERSION)
    if not tables:
        connection.execute(f"pragma page_size = {PAGE}")
        connection.execute("pragma auto_vacuum = incremental")
    _writes(connection)
    wanted = ["begin", SUMS, RECENT, LEAD, LINES, "commit"]  # one transaction: each waits for the disk several times
    if not tables:
        wanted[1:1] = [TABLES, f"pragma application_id = {APPLICATION}", f"pragma user_version = {VERSION}"]
    connection.executescript(";".join(wanted))
