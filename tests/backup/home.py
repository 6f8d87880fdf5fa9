"""A data folder as a hub leaves it, made quickly, and backups of it."""

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.backup import FolderTarget, Item, Job, Keys, Order, Pace
from hub.database import upgrade
from hub.messages import HubError

PASSPHRASE = "a quiet blue kettle"
START = 1_764_000_000_000
DAY = 86_400_000
HUB = "00aa11bb22cc33dd"


class Home:
    """`data` and `config` below one folder; `grow` adds history."""

    def __init__(self, folder: Path, history_bytes: int = 300_000) -> None:
        self.data, self.config, self.archives = folder / "data", folder / "config", folder / "archives"
        self.data.mkdir(parents=True)
        self.config.mkdir()
        self.chance = random.Random(7)
        upgrade.create(self.data / "registry.sqlite")
        with closing(sqlite3.connect(self.data / "registry.sqlite")) as connection, connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("insert into settings values ('hub_id', ?)", (f'"{HUB}"',))
        (self.data / "token.key").write_text("ab" * 32)
        (self.data / "api.key").write_text("of this run only")
        (self.data / "hub.lock").touch()
        (self.data / "history.log").write_bytes(b"log" * 1000)
        (self.data / "history.sqlite.damaged-20260101T000000Z").write_bytes(b"x")
        (self.config / "configuration.yaml").write_text("hub:\n  name: Test\n")
        for name in ("history.sqlite", "history-state.sqlite"):
            with closing(sqlite3.connect(self.data / name)) as connection, connection:
                connection.execute("create table chunk (id integer primary key, data blob)")
        self.grow(history_bytes)

    @property
    def history(self) -> list[Path]:
        return [self.data / "history.sqlite", self.data / "history-state.sqlite"]

    def grow(self, size: int) -> None:
        """History of so many bytes more, which cannot be compressed."""
        with closing(sqlite3.connect(self.history[0])) as connection, connection:
            for _ in range(size // 4000):
                connection.execute("insert into chunk(data) values (?)", (self.chance.randbytes(4000),))
        with closing(sqlite3.connect(self.history[1])) as connection, connection:
            connection.execute("insert into chunk(data) values (?)", (self.chance.randbytes(100),))

    def setting(self, name: str, value: str) -> None:
        with closing(sqlite3.connect(self.data / "registry.sqlite")) as connection, connection:
            connection.execute("insert or replace into settings values (?, ?)", (name, f'"{value}"'))

    def back_up(
        self,
        day: int = 0,
        *,
        history: bool = False,
        passphrase: str | None = PASSPHRASE,
        keep: int | None = None,
        target: FolderTarget | None = None,
        pace: Pace | None = None,
    ) -> Item:
        order = Order(self.data, "0.1.0", START + day * DAY, self.config, keep)
        job = Job(order, target or FolderTarget(self.archives), Keys(passphrase), pace or Pace())
        try:
            job.copy(self.history if history else None)
            return job.finish()
        finally:
            job.close()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.archives.glob("*.plughub"))

    def everything(self) -> list[str]:
        """Names in the folder of archives, hidden ones too."""
        return sorted(path.name for path in self.archives.iterdir() if path.name != ".plughub-backups")


@contextlib.contextmanager
def refused(id: str) -> Iterator[None]:
    """The block raises HubError with this id."""
    with pytest.raises(HubError) as caught:
        yield
    assert caught.value.id == id


def content(path: Path) -> list[tuple[object, ...]]:
    """What is in a database."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())  # type: ignore[arg-type]
