"""What is in a database file, so that two can be compared."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"


def schema(path: Path) -> list[tuple[object, ...]]:
    """Its tables and indexes, without the blanks, quotes and order in which two ways of writing them may differ."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(SCHEMA).fetchall()
    plain = [
        (kind, name, table, sorted(re.sub(r'[\s"]+', "", sql or "").removesuffix(")").split(",")))
        for kind, name, table, sql in rows
    ]
    return sorted(row for row in plain if row[1] != "alembic_version")


def rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row by table, in the order of their columns' values."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        tables = [name for kind, name, *_ in connection.execute(SCHEMA) if kind == "table"]
        found = {
            table: [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]
            for table in tables
            if table != "alembic_version"
        }
    return {table: sorted(content, key=repr) for table, content in found.items()}
