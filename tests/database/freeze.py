"""Freezes the present schema with a small home in it: `python -m tests.database.freeze`, before each release.

A frozen file is never changed again: every later hub must open it.
"""

import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    Table,
    create_engine,
)

from hub.database import upgrade
from hub.database.tables import HEAD, metadata

FOLDER = Path(__file__).parent / "frozen"
ROWS = 2  # a table
CHOICES = {"role": ("admin", "guest"), "share": ("view", "control")}


def rows(table: Table) -> Iterator[dict[str, Any]]:
    """Made up from the columns' types; keys of the same number belong together."""
    for number in range(1, ROWS + 1):
        row = {column.name: value(column, number) for column in table.columns}
        row |= {name: CHOICES[name][number - 1] for name in row if name in CHOICES}
        yield row


def value(column: Column[Any], number: int) -> Any:
    """Of this column in the row with this number; the second row is null where that may be."""
    if column.foreign_keys:
        return f"id-{number}"
    if column.nullable and number == ROWS:
        return None
    kind = column.type
    if isinstance(kind, Boolean):
        return number == 1
    if isinstance(kind, (Integer, BigInteger)):
        return number
    if isinstance(kind, Float):
        return number + 0.5
    if isinstance(kind, LargeBinary):
        return bytes([number]) * 32
    if isinstance(kind, JSON):
        return [f"text/{number}/#"]
    return f"id-{number}" if column.name == "id" else f"{column.name[:3]}-{number}"


def freeze(folder: Path = FOLDER) -> Path:
    """Write frozen/<HEAD>.sql. Raises FileExistsError."""
    frozen = folder / f"{HEAD}.sql"
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "registry.sqlite"
        upgrade.create(path)
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(table.insert(), list(rows(table)))
        engine.dispose()
        with closing(sqlite3.connect(path)) as source:
            text = "\n".join(source.iterdump()) + "\n"
    folder.mkdir(exist_ok=True)
    with frozen.open("x", encoding="utf-8") as file:
        file.write(text)
    return frozen


if __name__ == "__main__":
    sys.stdout.write(f"{freeze()}\n")
