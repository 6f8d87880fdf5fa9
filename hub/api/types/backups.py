"""Backups."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.api.types.common import Request


class Backup(msgspec.Struct):
    """One archive. size: bytes. verified: it was read back and checked when it was made, and all that it builds on is
    there; `detail` says why it cannot be restored (in full)."""

    name: str
    size: int
    created: int | None
    encrypted: bool
    history: bool
    verified: bool
    detail: str | None = None


class BackupProgress(msgspec.Struct):
    """How far the backup is that runs now, in bytes of this step."""

    step: Literal["copying", "checking"]
    done: int
    total: int


class BackupRun(msgspec.Struct):
    """How the last one went. name: null = it failed; `detail` says why, or why history is not in it."""

    at: int
    automatic: bool
    name: str | None
    detail: str | None


class BackupState(msgspec.Struct):
    """What holds for backups, and how they are. next: null while the hub does not know the time. free: bytes.

    same_disk: where the data is too. problem: why the folder cannot be used. declared: what configuration.yaml sets.
    """

    running: BackupProgress | None
    last: BackupRun | None
    next: int | None
    folder: str
    own_folder: bool
    free: int | None
    same_disk: bool
    problem: str | None
    keep: int
    history: bool
    time: str
    encrypted: bool
    declared: list[str]


class BackupList(msgspec.Struct):
    items: list[Backup]
    state: BackupState
    next: str | None = None


class StartBackupRequest(Request):
    """history: null = as set. folder: another one, this time only."""

    history: bool | None = None
    folder: Annotated[str, Meta(max_length=4096)] | None = None


class ChangeBackupsRequest(Request):
    """Only what is given changes. folder null: `backups` in the data folder. passphrase null: not encrypted."""

    folder: Annotated[str, Meta(max_length=4096)] | UnsetType | None = UNSET
    keep: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    history: bool | UnsetType = UNSET
    time: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | UnsetType = UNSET
    passphrase: Annotated[str, Meta(min_length=8, max_length=1000)] | UnsetType | None = UNSET
