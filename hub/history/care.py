"""What an admin asks of history as a whole: what it holds, whether it can be read, that the time is right."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from hub.clock import Clock
from hub.history.ahead import Ahead
from hub.history.files import Files
from hub.history.inspection import HistoryCheck, HistoryStats, Inspector
from hub.history.ledger import Ledger
from hub.history.merging import Merging
from hub.history.worker import Worker
from hub.messages import HubError
from hub.plugins.contract import StoreDamaged, StoreError

T = TypeVar("T")


class Care:
    """All calls are made on the event loop; what reads waits for whoever commits or merges."""

    def __init__(
        self,
        *,
        files: Files,
        inspector: Inspector,
        merging: Merging,
        ledger: Ledger,
        worker: Worker,
        ahead: Ahead,
        clock: Clock,
        after: Callable[[], None],
        on_damaged: Callable[[StoreDamaged], None],
    ) -> None:
        """after: called when something was read; on_damaged: when the store said that it is beyond repair."""
        self._files = files
        self._inspector = inspector
        self._merging = merging
        self._ledger = ledger
        self._worker = worker
        self._ahead = ahead
        self._clock = clock
        self._after = after
        self._on_damaged = on_damaged

    @property
    def dropped(self) -> Mapping[str, int]:
        """Counter readings that the energy rule passed over, by device."""
        return self._merging.dropped

    async def stats(self) -> HistoryStats:
        """What history holds. Raises HubError("history-unreadable")."""
        return await self._inspect(self._inspector.stats)

    async def check(self) -> HistoryCheck:
        """Read everything and compare it; commits wait for one outlet at a time. Raises HubError("history-unreadable",
        "history-rebuilding")."""
        self._files.require_built()
        found = HistoryCheck()
        for series, runs in (await self._inspect(self._inspector.contents)).items():
            await self._inspect(partial(self._inspector.check, series, runs, found))
        await self._inspect(partial(self._inspector.finish, found))
        return found

    async def confirm_time(self) -> int:
        """An admin says that the hub's time is right: a certain time ahead of it was wrong. What was dated by it is
        told as a problem; returns of how many outlets."""
        self._clock.confirm()
        self._ledger.mark = min(self._ledger.mark, self._clock.now())
        return await self._ahead.look()

    async def _inspect(self, call: Callable[[], T]) -> T:
        async with self._worker.writing:
            try:
                return await self._worker.run(call)
            except (StoreError, OSError) as error:
                if isinstance(error, StoreDamaged):
                    self._on_damaged(error)
                raise HubError("history-unreadable", reason=str(error)) from error
            finally:
                self._after()
