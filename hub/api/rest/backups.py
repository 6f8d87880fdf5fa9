"""Backups: which there are, how the last went, starting one, and what holds for the daily one."""

from pathlib import Path

import msgspec

from hub.api.paging import PageQuery, page
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.backups import (
    Backup,
    BackupList,
    BackupProgress,
    BackupRun,
    BackupState,
    ChangeBackupsRequest,
    StartBackupRequest,
)
from hub.backup import Item, Listing, differences
from hub.messages import Message, render

TAG = "backups"
FOLDER_ERRORS = (
    "backup-target-gone",
    "backup-target-silent",
    "backup-not-writable",
    "backup-no-space",
    "backup-target-failed",
    "backup-folder-relative",
)


async def list_backups(call: Call[PageQuery, None]) -> BackupList:
    """GET /backups"""
    listing = await call.services.backups.list()
    shown, following = page(
        listing.items, call.query, lambda item: (-(item.head.created if item.head else 0), item.name), tuple[int, str]
    )
    return BackupList([_view(item, listing, call.language) for item in shown], _state(call, listing), following)


async def start_backup(call: Call[NoQuery, StartBackupRequest]) -> BackupState:
    """POST /backups"""
    backups, asked = call.services.backups, call.body
    backups.begin(history=asked.history, folder=None if asked.folder is None else Path(asked.folder))
    told = {"history": asked.history, "folder": asked.folder}
    await call.services.identity.audit.record(call.principal, "backup.start", after=told)
    return _state(call, await backups.list())


async def change_backups(call: Call[NoQuery, ChangeBackupsRequest]) -> BackupState:
    """PATCH /backups/settings"""
    backups = call.services.backups
    before, after = await backups.change(call.body.sent())
    if before != after:
        told, told_now = differences(before, after)
        await call.services.identity.audit.record(call.principal, "backup.change", before=told, after=told_now)
    return _state(call, await backups.list())


def _view(item: Item, listing: Listing, language: str) -> Backup:
    head = item.head
    if head is None:
        return Backup(item.name, item.size, None, False, False, False, _text(item.problem, language))
    broken = item.name in listing.broken
    detail = _text(Message("backup-chain-broken", {"file": item.name}), language) if broken else None
    return Backup(item.name, item.size, head.created, head.lock.encrypted, head.history, not broken, detail)


def _state(call: AnyCall, listing: Listing) -> BackupState:
    backups, language = call.services.backups, call.language
    settings, last, progress = backups.settings, backups.last, backups.progress
    run = None if last is None else BackupRun(last.at, last.automatic, last.name, _text(last.error, language))
    return BackupState(
        running=None if progress is None else msgspec.convert(progress, BackupProgress, from_attributes=True),
        last=run,
        next=backups.next,
        folder=str(backups.folder),
        own_folder=settings.folder is not None,
        free=listing.free,
        same_disk=listing.same_disk,
        problem=_text(listing.problem, language),
        keep=settings.keep,
        history=settings.history,
        time=settings.time,
        encrypted=settings.passphrase is not None,
        declared=list(settings.declared),
    )


def _text(message: Message | None, language: str) -> str | None:
    return None if message is None else render(message, language)


EXAMPLE = BackupState(
    running=None,
    last=BackupRun(1764036000000, True, "plughub-20251125T020000Z-3fa9.plughub", None),
    next=1764122400000,
    folder="/media/usb/plughub",
    own_folder=True,
    free=57_000_000_000,
    same_disk=False,
    problem=None,
    keep=7,
    history=True,
    time="03:00",
    encrypted=True,
    declared=[],
)
ROUTES = (
    Route(
        method="GET",
        path="/backups",
        summary="The backups there are, and how the last one went",
        tag=TAG,
        handler=list_backups,
        role="operator",
        query=PageQuery,
        answer=BackupList,
        answer_example=BackupList(
            [Backup("plughub-20251125T020000Z-3fa9.plughub", 84_000, 1764036000000, True, True, True)], EXAMPLE
        ),
        description="Newest first; those of other hubs in the same folder are left out.",
    ),
    Route(
        method="POST",
        path="/backups",
        summary="Start a backup now",
        tag=TAG,
        handler=start_backup,
        role="operator",
        body=StartBackupRequest,
        body_optional=True,
        answer=BackupState,
        status=202,
        errors=("backup-running", "backup-target-silent", "backup-folder-relative"),
        example=StartBackupRequest(history=True),
        answer_example=EXAMPLE,
        description="Answers at once; `running` in GET /backups tells how far it is, `last` how it went.",
    ),
    Route(
        method="PATCH",
        path="/backups/settings",
        summary="Change where, when and how backups are made",
        tag=TAG,
        handler=change_backups,
        role="operator",
        body=ChangeBackupsRequest,
        answer=BackupState,
        errors=(
            *("backup-declared", "backup-passphrase-short", "backup-passphrase-again", "backup-time-wrong"),
            *FOLDER_ERRORS,
        ),
        example=ChangeBackupsRequest(keep=14, time="04:30"),
        answer_example=EXAMPLE,
        description="A new folder is tried at once. What configuration.yaml sets cannot be changed here.",
    ),
)
