"""Faults: values in the registry that cannot be used, as they were found at the start."""

import logging
from collections.abc import Callable

import msgspec

log = logging.getLogger("hub.database")


class Fault(msgspec.Struct, frozen=True):
    """A value that is nonsense. row: its key; shown: the value, None where nobody may see it; used: does something
    stand in for it (else its row is left out)?"""

    table: str
    row: str
    column: str
    shown: str | None
    used: bool

    def __str__(self) -> str:
        return f"{self.table} {self.row}: {self.column}" + ("" if self.shown is None else f" = {self.shown}")


class Faults:
    """Each is in the log once. `on_mended`: told when there are fewer."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Fault] = {}
        self.on_mended: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._found)

    def add(self, fault: Fault) -> None:
        """Remember and log it."""
        key = fault.table, fault.row, fault.column
        if key not in self._found:
            self._found[key] = fault
            done = "something stands in for it" if fault.used else "the row is left out"
            log.warning("the registry holds what cannot be used: %s; %s, the file is as it was", fault, done)

    def holds(self, table: str, row: str) -> bool:
        """Is anything of this row nonsense?"""
        return any(key[:2] == (table, row) for key in self._found)

    def leaves_out(self, table: str) -> bool:
        """Is there a row in this table of which nothing can be made?"""
        return any(fault.table == table and not fault.used for fault in self._found.values())

    def mended(self, table: str, row: str) -> None:
        """The whole row was written anew, or deleted."""
        if self.holds(table, row):
            self._found = {key: fault for key, fault in self._found.items() if key[:2] != (table, row)}
            self.on_mended()

    def all(self) -> list[Fault]:
        """In the order in which they were found."""
        return list(self._found.values())
