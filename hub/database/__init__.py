"""The registry's database: tables, transactions, migrations, and the lock on the data folder."""

from hub.database.engine import Database
from hub.database.faults import Fault, Faults
from hub.database.lock import DataLock
from hub.database.settings import SettingsTable

__all__ = ["DataLock", "Database", "Fault", "Faults", "SettingsTable"]
