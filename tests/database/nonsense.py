"""A registry in which rows hold what no hub writes: a good row of each table, and one with nonsense in each column."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import bcrypt
from sqlalchemy import Table

from hub.auth.passwords import prehash
from hub.database.engine import FILE_NAME
from hub.database.tables import metadata
from hub.database.upgrade import upgrade_now
from hub.testing.process import EMAIL, PASSWORD

NOW = 1_700_000_000_000
HASH = bcrypt.hashpw(prehash(PASSWORD), bcrypt.gensalt(4))
NO_UTF8 = b"\xff\xfeno text"
VALUES: Mapping[str, Any] = {
    "word": "nonsense",
    "bytes": b"\xff\xfe",
    "no UTF-8": NO_UTF8,  # stored as a text
    "empty": "",
    "negative": -1,
    "enormous": 1 << 62,
    "infinite": float("inf"),
    "null": None,
    "half JSON": '{"a": [1,',
    "deep JSON": "[" * 100_000,
    "other JSON": '{"a": 1}',
    "path": "../../etc/passwd\n",
    "long": "x" * 100_000,
}


class Victim(NamedTuple):
    """A row with nonsense in one column. key: its number in the table."""

    table: str
    column: str
    what: str
    number: int


def good(number: int) -> dict[str, dict[str, Any]]:
    """A row of each table that is read at the start; the first ones belong together, the others to them."""
    n = number
    sha = hashlib.sha256(str(n).encode()).digest()
    user, device = f"user-{n}", f"device-{n}"
    link = {"id": f"link-{n}", "home": "home-0", "hash": sha, "role": "guest", "user": None, "author": "user-0"}
    rule = {"home": "home-0", "device": "device-0", "channel": 0, "name": "R", "enabled": 1, "author": "user-0"}
    return {
        "homes": {
            "id": f"home-{n}",
            "name": "H",
            "time_zone": "Europe/Berlin",
            "currency": "EUR",
            "created": NOW + n,
            "price": 0.3,
            "week_start": 0,
        },
        "users": {
            "id": user,
            "email": EMAIL if n == 0 else f"{n}@home.example",
            "name": "U",
            "language": "en",
            "password_hash": HASH,
            "disabled": 0,
            "created": NOW,
            "totp": None,
            "totp_step": None,
        },
        "home_users": {"home": "home-0", "user": user, "role": "admin"},
        "devices": {
            "id": device,
            "home": "home-0",
            "hardware_id": f"plug-{n}",
            "key": f"plug-{n}",
            "name": "D",
            "room": None,
            "icon": "plug",
            "color": 1,
            "driver": "smartplug",
            "model": None,
            "firmware": None,
            "interval_ms": 1000,
            "always_on": 0,
            "private": 0,
            "secret_hash": sha,
            "created": NOW,
            "keep_raw": None,
            "keep_minutes": None,
            "keep_hours": None,
            "keep_days": None,
        },
        "channels": {"device": device, "channel": 0, "name": None, "max_power_w": None, "idle_below_w": 1.0},
        "device_users": {"device": device, "user": "user-0", "share": "view" if n else "manage"},
        "mqtt_clients": {
            "home": "home-0",
            "name": f"client-{n}",
            "secret_hash": sha,
            "read": '["a/#"]',
            "write": "[]",
            "created": NOW,
        },
        "plug_retained": {"hardware_id": f"plug-{n}", "suffix": "status", "payload": b'{"status":"on"}'},
        "sessions": {
            "id": f"session-{n}",
            "user": "user-0",
            "home": "home-0",
            "began": NOW,
            "seen": NOW,
            "address": "",
            "agent": "",
        },
        "refresh_tokens": {"hash": sha, "session": "session-0", "expires": NOW + 10**8, "used": None},
        "recovery_codes": {"user": "user-0", "hash": sha},
        "passkeys": {
            "id": f"passkey-{n}",
            "user": "user-0",
            "credential": sha,
            "public_key": sha,
            "sign_count": 0,
            "name": "P",
            "created": NOW,
            "used": None,
            "rp_id": "plughub.local",
        },
        "api_keys": {
            "id": f"key-{n}",
            "home": "home-0",
            "user": "user-0",
            "name": "K",
            "hash": sha,
            "hint": "plughub_",
            "scopes": '["admin"]',
            "created": NOW,
            "expires": None,
            "used": None,
        },
        "invitations": {**link, "created": NOW, "expires": NOW + 10**7},
        "rooms": {"id": f"room-{n}", "home": "home-0", "name": f"R{n}", "position": 0},
        "schedules": {
            **rule,
            "id": f"schedule-{n}",
            "days": "[0, 6]",
            "time": "06:00",
            "command": "relay_off",
            "created": NOW,
        },
        "alerts": {
            **rule,
            "id": f"alert-{n}",
            "kind": "power_above",
            "threshold": 10.0,
            "hold_s": 0,
            "created": NOW,
            "since": None,
        },
        "settings": {"name": f"setting-{n}", "value": "1"},
    }


def tables() -> Iterable[Table]:
    """Those with a good row."""
    return [metadata.tables[name] for name in good(0)]


def prepare(folder: Path, whats: Iterable[str], *, now: int = NOW) -> list[Victim]:
    """Make the registry; returns what the schema let in. now: Unix ms at which its sessions and links began."""
    path = folder / FILE_NAME
    upgrade_now(path, folder / "backups")
    victims, number = [], 0
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for name, row in good(0).items():
            _insert(connection, name, _later(row, now))
        for table in tables():
            for column in table.columns:
                for what in whats:
                    number += 1
                    row = _later(good(number)[table.name], now)
                    if table.name == "home_users" and column.name != "user":  # each person is a member once
                        _insert(connection, "users", good(number)["users"])
                    if table.name in ("channels", "device_users") and column.name != "device":
                        _insert(connection, "devices", good(number)["devices"])
                    row[column.name] = VALUES[what]
                    try:
                        _insert(connection, table.name, row, text=column.name if what == "no UTF-8" else None)
                    except sqlite3.IntegrityError:  # not null, or unique: the schema lets nobody write it
                        continue
                    victims.append(Victim(table.name, column.name, what, number))
    return victims


def contents(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of these tables."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        connection.text_factory = bytes
        return {
            table.name: sorted(connection.execute(f'SELECT rowid, * FROM "{table.name}"').fetchall(), key=repr)
            for table in tables()
        }


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any], *, text: str | None = None) -> None:
    places = ", ".join("CAST(? AS TEXT)" if name == text else "?" for name in row)
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(f'INSERT INTO "{table}"({names}) VALUES ({places})', list(row.values()))


def _later(row: Mapping[str, Any], now: int) -> dict[str, Any]:
    """With its times moved."""
    return {
        name: value + now - NOW if isinstance(value, int) and value >= NOW else value for name, value in row.items()
    }
