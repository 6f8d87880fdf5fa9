"""What people set of backups: in the configuration (which then holds) or on the page, and when the next one is due."""

import re
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.backup.keys import SHORTEST
from hub.config.schema import BackupSection
from hub.database import SettingsTable
from hub.messages import HubError
from hub.zones import zone_of

STORED = "backup"
"""The name in the settings table of what the page changes."""
MARKED = "backup_marked"
"""The same, of the folders with the hub's mark."""
DEFAULT_FOLDER = "backups"  # in the data folder
MOST = 100
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Settings(msgspec.Struct, frozen=True):
    """folder: None = `backups` in the data folder. keep: good archives. time: of the day, HH:MM by the home's clock.
    declared: the names that the configuration sets, which the page cannot change. unknown: there may be a passphrase,
    and what the page has stored of it cannot be read."""

    folder: str | None = None
    keep: int = 7
    history: bool = False
    time: str = "03:00"
    passphrase: str | None = None
    declared: tuple[str, ...] = ()
    unknown: bool = False

    def require_known(self, folder: Path, data: Path) -> None:
        """Before an archive goes into this folder: outside of the data folder nobody may read it whom the passphrase
        would have kept from it. Raises HubError("backup-passphrase-unreadable")."""
        if self.unknown and folder.absolute() != (data / DEFAULT_FOLDER).absolute():
            raise HubError("backup-passphrase-unreadable", folder=str(folder))


class Chosen(msgspec.Struct):
    """What the page has stored; unset = the default holds."""

    folder: Annotated[str, Meta(pattern=r"^/")] | UnsetType | None = UNSET
    keep: Annotated[int, Meta(ge=1, le=MOST)] | UnsetType = UNSET
    history: bool | UnsetType = UNSET
    time: Annotated[str, Meta(pattern=rf"^{TIME.pattern}\Z")] | UnsetType = UNSET
    passphrase: Annotated[str, Meta(min_length=SHORTEST)] | UnsetType | None = UNSET


def chosen(table: SettingsTable) -> dict[str, Any]:
    """What the page has stored. Where some of it is nonsense, nothing of it holds: with the folder but not the
    passphrase, backups would leave the house open for anybody to read."""
    stored: dict[str, Any] = msgspec.to_builtins(table.typed(STORED, Chosen, Chosen()))
    return stored


def combined(declared: BackupSection, table: SettingsTable) -> Settings:
    """The configuration first, then what was stored, then the defaults."""
    given = {name: value for name, value in msgspec.structs.asdict(declared).items() if value is not None}
    unknown = "passphrase" not in given and table.has(STORED) and table.typed(STORED, Chosen, None) is None
    return Settings(**{**chosen(table), **given, "declared": tuple(given), "unknown": unknown})


def marked(table: SettingsTable) -> list[str]:
    """The folders that carry the hub's mark."""
    return table.typed(MARKED, list[str], [])


def given_names() -> tuple[str, ...]:
    """What may be set."""
    return BackupSection.__struct_fields__


def checked(changes: dict[str, Any], before: Settings) -> dict[str, Any]:
    """Changes that may be stored. Raises HubError with the field."""
    if before.unknown and "passphrase" not in changes:
        raise HubError("backup-passphrase-again", field="passphrase")
    for name, value in changes.items():
        if name in before.declared:
            raise HubError("backup-declared", field=name, name=name)
        if name == "folder" and value is not None and (not value.startswith("/") or not value.isprintable()):
            raise HubError("backup-folder-relative", field=name)
        if name == "time" and not TIME.fullmatch(value):
            raise HubError("backup-time-wrong", field=name)
        if name == "passphrase" and value is not None and len(value) < SHORTEST:
            raise HubError("backup-passphrase-short", field=name, least=SHORTEST)
    return changes


def differences(before: Settings, after: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed, by name, as it was and as it is. Of the passphrase: None, "set", or "changed" to another one."""
    old, new = ({name: getattr(settings, name) for name in given_names()} for settings in (before, after))
    for told in (old, new):
        told["passphrase"] = None if told["passphrase"] is None else "set"
    if None not in (before.passphrase, after.passphrase) and before.passphrase != after.passphrase:
        new |= {"passphrase": "changed"}
    names = [name for name in given_names() if old[name] != new[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}


def folder_of(settings: Settings, data: Path) -> Path:
    """Where archives go."""
    return data / DEFAULT_FOLDER if settings.folder is None else Path(settings.folder)


def last_due(now: int, time: str, zone: str) -> int:
    """The latest moment up to `now` at this time of the day, Unix ms."""
    return max(at for at in _around(now, time, zone) if at <= now)


def next_due(now: int, time: str, zone: str) -> int:
    """The first moment after `now` at this time of the day, Unix ms."""
    return min(at for at in _around(now, time, zone) if at > now)


def _around(now: int, time: str, zone: str) -> list[int]:
    place = zone_of(zone)
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(place).date()
    hour, minute = map(int, time.split(":"))
    days = [today + timedelta(days=n) for n in (-2, -1, 0, 1, 2)]
    return [int(datetime.combine(day, day_time(hour, minute), place).timestamp() * 1000) for day in days]
