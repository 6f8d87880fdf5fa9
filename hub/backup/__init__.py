"""Backups: one archive holds the home (and, by choice, its history), is checked before it counts, and restores it."""

from hub.backup.catalog import Item, by_id, listed, missing, of_hub
from hub.backup.copying import Job, Order
from hub.backup.keys import Keys
from hub.backup.pace import Pace, Progress
from hub.backup.restoring import Restored, check, find, lock_of, restore
from hub.backup.service import Backups, LastRun, Listing
from hub.backup.settings import STORED, Settings, combined, differences, folder_of
from hub.backup.target import FolderTarget, Target

__all__ = [
    "STORED",
    "Backups",
    "FolderTarget",
    "Item",
    "Job",
    "Keys",
    "LastRun",
    "Listing",
    "Order",
    "Pace",
    "Progress",
    "Restored",
    "Settings",
    "Target",
    "by_id",
    "check",
    "combined",
    "differences",
    "find",
    "folder_of",
    "listed",
    "lock_of",
    "missing",
    "of_hub",
    "restore",
]
