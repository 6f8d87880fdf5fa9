"""Salvaging: runs a salvage beside everything else, and tells people what came of it."""

import asyncio
import contextlib
import logging
import shlex
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hub.history.ledger import Ledger
from hub.history.problems import STORE_LOST, STORE_NOT_SAVED, STORE_SAVED, STORE_WAITS, Troubles
from hub.history.repair import Repair
from hub.history.salvage import NO_ROOM, Known, Salvage, Salvaged, Stopped
from hub.history.state import State
from hub.messages import HubError, Message
from hub.plugins.contract import HistoryStore, StoreError
from hub.tasks import Tasks
from hub.telemetry.stream import StreamDelta
from hub.telemetry.streams import Streams

SHOWN = 5  # lines of what is lost
WAIT_S = 300.0  # until it is tried again to bring the store to rest
PASSING = ("history-not-at-rest", "history-rebuilding")

AGAIN_S = (300.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""After the disk refused: what passes soon is met soon, and a disk that stays full is not filled again each hour."""

log = logging.getLogger("hub.history.salvage")
T = TypeVar("T")


class Means(msgspec.Struct, frozen=True):
    """What salvaging needs of the rest of the hub.

    another: a store of the configured kind in another folder. newest_backup: the newest readable archive with history,
    None where there is none. options: of the commands that people are told, such as --data and --config.
    """

    another: Callable[[Path], HistoryStore]
    newest_backup: Callable[[], Awaitable[Path | None]]
    options: str = ""


class Salvaging:
    """All calls are made on the event loop."""

    def __init__(
        self,
        salvage: Salvage,
        means: Means,
        *,
        folder: Path,
        state: State,
        streams: Streams,
        ledger: Ledger,
        repair: Repair,
        troubles: Troubles,
        at_rest: Callable[[], AbstractAsyncContextManager[Any]],
    ) -> None:
        self._salvage = salvage
        self._means = means
        self._folder = folder
        self._state = state
        self._streams = streams
        self._ledger = ledger
        self._repair = repair
        self._troubles = troubles
        self._at_rest = at_rest
        self._tasks = Tasks(log, "salvaging failed")
        self._turn = asyncio.Lock()  # one after the other
        self._begun = False
        self._stopping = asyncio.Event()
        self._saved_files: list[tuple[str, Salvaged]] = []  # in this hub run
        self._failed_files: list[str] = []
        self._refused = 0  # how often in a row the disk refused

    def store_lost(self, file: str) -> None:
        """The store was set aside under this name, and a new one begun. Before `resume` that is only noted."""
        self._begin(partial(self._lost, file))

    def resume(self) -> None:
        """After a start: what was not done when the hub ended goes on."""
        self._begun = True
        self._begin(self._resume)

    async def settled(self) -> None:
        """When nothing is salvaged."""
        while self._tasks:
            await self._tasks.settled()

    async def stop(self) -> None:
        """Break off; it goes on at the next start."""
        self._stopping.set()
        self._salvage.pause.stop()
        await self.settled()

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        if not self._stopping.is_set():
            self._tasks.spawn(self._in_turn(work))

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            await work()

    async def _resume(self) -> None:
        while self._begun and not self._stopping.is_set():
            file = await asyncio.to_thread(self._salvage.waiting)
            if file is None:
                if self._troubles.holds(STORE_WAITS):  # people took it away meanwhile
                    self._over()
                return
            if not self._troubles.holds(STORE_WAITS):
                self._troubles.begin(STORE_LOST, file=file)
            await self._run(file)

    async def _lost(self, file: str) -> None:
        if not self._salvage.possible():
            await self._failed(file, Message("history-salvage-not-possible", {}))
            return
        while not self._stopping.is_set():
            try:
                await asyncio.to_thread(self._salvage.note, file)
            except OSError as error:
                await self._wait(file, str(error))
            else:
                await self._resume()
                return

    async def _run(self, file: str) -> None:
        try:
            salvaged = await asyncio.to_thread(self._salvage.extract, file)
            async with AsyncExitStack() as stack:
                await self._patient(lambda: stack.enter_async_context(self._at_rest()))
                await asyncio.to_thread(self._salvage.join, self._known(), salvaged)
                await self._patient(lambda: self._repair.replace(partial(self._salvage.swap, self._state.path)))
            await asyncio.to_thread(self._salvage.done, file)
        except Stopped:
            await self._put_off()
        except HubError as error:
            if error.message.id == NO_ROOM:
                await self._wait(file, error.message)
            else:
                await self._failed(file, error.message)
        except (StoreError, OSError) as error:
            await self._wait(file, str(error))
        else:
            await self._saved(file, salvaged)

    async def _wait(self, file: str, reason: str | Message) -> None:
        """The disk refused, or a file was in use: that passes, and people are told what it waits for."""
        await self._put_off()
        seconds = AGAIN_S[min(self._refused, len(AGAIN_S) - 1)]
        self._refused += 1
        log.warning("%s cannot be salvaged now, next try in %d s: %s", file, seconds, reason)
        self._troubles.end(STORE_LOST)
        self._troubles.again(STORE_WAITS, file=file, reason=reason, minutes=round(seconds / 60))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _put_off(self) -> None:
        """What was begun is begun anew later."""
        try:
            await asyncio.to_thread(self._salvage.again)
        except OSError as error:
            log.warning("that a salvage goes on later could not be noted: %s", error)

    def _over(self) -> None:
        """Nobody waits for it any more."""
        self._refused = 0
        self._troubles.end(STORE_WAITS)
        self._troubles.end(STORE_LOST)

    async def _patient(self, step: Callable[[], Awaitable[T]]) -> T:
        """Again and again while the disk refuses what came in, or the state is made anew: no reason to give up. Raises
        Stopped."""
        while True:
            try:
                return await step()
            except HubError as error:
                if error.id not in PASSING:
                    raise
                log.warning("the salvage waits: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), WAIT_S)
            if self._stopping.is_set():
                raise Stopped

    def _known(self) -> Known:
        named = {
            stream.key: StreamDelta(
                stream.number, order=stream.order, reason=stream.reason, name=(*stream.key, stream.hardware)
            )
            for stream in self._streams.every()
        }
        return Known(named, self._ledger.mark, list(self._ledger.outages))

    async def _saved(self, file: str, salvaged: Salvaged) -> None:
        log.warning("salvaged %d samples of %s", salvaged.samples, file)
        for what in salvaged.lost:
            log.warning("lost of %s: %s", file, what)
        self._saved_files.append((file, salvaged))  # a problem stands for all of them: it is known by its id
        files = [file for file, _ in self._saved_files]
        lost = [what for _, each in self._saved_files for what in each.lost]
        unsure = lost or not all(each.samples for _, each in self._saved_files)
        backup = await self._means.newest_backup() if unsure else None
        self._over()
        self._troubles.again(
            STORE_SAVED,
            file=", ".join(files),
            samples=sum(each.samples for _, each in self._saved_files),
            lost=len(lost),
            what="; ".join(lost[:SHOWN]),
            **self._commands(files, backup),
        )

    async def _failed(self, file: str, reason: str | Message) -> None:
        log.error("%s could not be salvaged: %s", file, reason)
        await asyncio.to_thread(self._salvage.done, file)  # else each start would try again
        self._failed_files.append(file)
        files = self._failed_files
        backup = await self._means.newest_backup()
        self._over()
        self._troubles.again(STORE_NOT_SAVED, file=", ".join(files), reason=reason, **self._commands(files, backup))

    def _commands(self, files: Sequence[str], backup: Path | None) -> dict[str, str]:
        """What people can type, once the hub is stopped."""

        def rebuild(source: Path) -> str:
            return f"plughub history rebuild --from {shlex.quote(str(source))} {self._means.options}".rstrip()

        return {
            "command": " && ".join(rebuild(self._folder.absolute() / file) for file in files),
            "backup": "none" if backup is None else backup.name,
            "restore": "" if backup is None else rebuild(backup),
        }
