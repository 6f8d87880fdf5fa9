"""The audit log: who did what, when and from where, with before and after. Rows are only ever added."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.personal import drop_old, put_aside, read_back
from hub.auth.principal import Principal
from hub.clock import Clock, Timer
from hub.database import Database
from hub.database.engine import UNWRITABLE_ID
from hub.database.tables import AUDIT_KEPT_MS, audit_logs, homes
from hub.messages import HubError
from hub.tasks import Tasks

GATHER_S = 60.0
"""For so long equal refusals are counted before they are written: guessing must not wear the card out."""
AT_ONCE = 20
"""The first so many kinds of refusals in that time are written at once: a power cut does not hide who tried."""
MOST_WAITING = 1000
MOST_NAMED = 50
"""Of so many things that one asker is refused in that time the names are kept; of the rest how often. What exists in
the home is always named: there is only so much of it, and names made up before it must not hide it."""
MOST_REFUSED = 100_000
"""Lines of refusals in all: whoever guesses for months fills no disk, and what was done stays two years."""
MOST_SWITCHED = 100_000
"""Lines of switching in all: a program that switches each second fills no disk either."""
SWITCHED = "device.switch"
PRUNED_EVERY = 1000
PAGE = 500
LONGEST = {"home": 32, "actor": 32, "origin": 64, "via": 80, "action": 60, "object": 80, "refused": 60}  # letters
log = logging.getLogger("hub.auth")


class Entry(msgspec.Struct, frozen=True):
    """One line. actor: a user's id, "system", or None where nobody knows; refused: the error's id, None = it was done;
    count: how often within a minute."""

    id: int
    home: str
    at: int
    actor: str | None
    origin: str
    via: str
    action: str
    object: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    refused: str | None
    count: int


class Asked(msgspec.Struct, frozen=True):
    """Which lines: of this actor, action (a whole one or its first word), object; start <= at < end; refused or not."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    start: int | None = None
    end: int | None = None
    refused: bool | None = None


class _Line(msgspec.Struct, frozen=True):
    """What two refusals have in common that are counted as one."""

    home: str
    actor: str | None
    origin: str
    via: str
    action: str
    object: str | None
    refused: str | None = None

    def row(self, at: int, **rest: Any) -> dict[str, Any]:
        """As the table wants it."""
        fields = {
            name: value[: LONGEST[name]] if value else value for name, value in msgspec.structs.asdict(self).items()
        }
        return {**fields, "at": at, "before": None, "after": None, "count": 1, **rest}


class Audit:
    """`record` is durable when it returns; `note` is written while its caller goes on. Of what `refuse` is told the
    first of a kind is written at once, its repeats are counted in memory and written within a minute and at the stop.

    No line holds a secret: callers name the fields that they pass. What is to be forgotten with a person, they pass as
    `Personal`.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[dict[str, Any]] = []  # done, but the disk took nothing
        self._refused: dict[_Line, int] = {}  # -> how often
        self._named: dict[tuple[str, str], int] = {}  # who, origin -> names of things
        self._unpruned = PRUNED_EVERY
        self._unnamed = 0
        self._timer: Timer | None = None
        self._writing = asyncio.Lock()
        self._soon: list[_Line] = []  # refused for the first time in this minute, to be written at once
        self._hurried = 0  # of those in this minute
        self._going_on: set[_Line] = set()  # refused in the minute before
        self._tasks = Tasks(log, "lines of the audit log could not be written")
        self.exists: Callable[[str, str], bool] = lambda home, thing: False
        """Is there such a thing in this home? Few of them may be true, and the answer must cost little."""

    async def stop(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._tasks.settled()
        await self.flush()

    async def record(
        self,
        principal: Principal,
        action: str,
        object: str | None = None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Something was done. Of before and after only what differs is kept."""
        self._wait(principal, action, object, before, after)
        await self.flush_done()

    def note(
        self,
        principal: Principal,
        action: str,
        object: str | None = None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """The same for what must not wait for the disk: it is written meanwhile."""
        self._wait(principal, action, object, before, after)
        self._tasks.spawn(self.flush_done())

    def refuse(self, principal: Principal, action: str, reason: str, object: str | None = None) -> None:
        """Somebody may not; a principal without a user is a stranger. Sync: refusing must cost little."""
        actor = principal.user or None
        line = _Line(principal.home, actor, principal.origin, principal.via, action, object, reason)
        asker = actor or principal.via, principal.origin  # behind one address there may be many MQTT logins
        if object is not None and line not in self._refused and not self.exists(principal.home, object):
            self._named[asker] = named = self._named.get(asker, 0) + 1
            if named > MOST_NAMED:
                line = msgspec.structs.replace(line, object=None)
        if line not in self._refused and len(self._refused) >= MOST_WAITING:
            self._unnamed += 1
            return
        if line not in self._refused and line not in self._going_on and self._hurried < AT_ONCE:
            self._hurried += 1
            self._soon.append(line)
            self._tasks.spawn(self._flush_soon())
        self._refused[line] = self._refused.get(line, 0) + 1
        if self._timer is None:
            self._timer = self._clock.call_later(GATHER_S, self._due)

    async def flush_done(self) -> None:
        """Write the lines of what was done; they wait while the disk takes nothing."""
        async with self._writing:
            lines, self._waiting = self._waiting, []
            if lines and not await self._write(lines):
                self._waiting = (lines + self._waiting)[-MOST_WAITING:]

    async def flush(self) -> None:
        """Write everything that waits, and drop what is older than two years."""
        await self.flush_done()
        refused, self._refused, unnamed = self._refused, {}, self._unnamed
        self._unnamed, self._named, self._hurried, self._going_on = 0, {}, 0, set(refused)
        if unnamed:
            log.warning("%d further refusals of the last minute are not in the audit log", unnamed)
        lines = [line.row(self._clock.now(), count=count) for line, count in refused.items() if count]
        if lines:
            async with self._writing:
                await self._write(lines)

    async def page(self, principal: Principal, asked: Asked, *, below: int | None, limit: int) -> Sequence[Entry]:
        """Lines of the asker's home, newest first, with an id below that one; for admins."""
        principal.require_admin()
        where = [audit_logs.c.home == principal.home, *conditions(asked)]
        if below is not None:
            where.append(audit_logs.c.id < below)
        query = select(audit_logs).where(*where).order_by(audit_logs.c.id.desc()).limit(limit)
        async with self._database.transaction() as connection:
            rows = [dict(row) for row in (await connection.execute(query)).mappings()]
            return [Entry(**row) for row in await read_back(connection, rows)]

    async def all(self, principal: Principal, asked: Asked) -> AsyncIterator[Sequence[Entry]]:
        """Every such line, newest first, in pages: an export holds one of them."""
        below: int | None = None
        while page := await self.page(principal, asked, below=below, limit=PAGE):
            yield page
            below = page[-1].id

    def _due(self) -> None:
        self._timer = None
        self._tasks.spawn(self.flush())

    def _wait(
        self,
        principal: Principal,
        action: str,
        object: str | None,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        old, new = differing(before, after)
        line = _Line(principal.home, principal.user or None, principal.origin, principal.via, action, object)
        self._waiting.append(line.row(self._clock.now(), before=old, after=new))
        del self._waiting[:-MOST_WAITING]

    async def _flush_soon(self) -> None:
        """Write what was refused for the first time in this minute; while the disk takes nothing it is counted on."""
        async with self._writing:
            lines, self._soon = self._soon, []
            counts = {line: count for line in lines if (count := self._refused.get(line, 0))}
            self._refused.update(dict.fromkeys(counts, 0))
            rows = [line.row(self._clock.now(), count=count) for line, count in counts.items()]
            if rows and not await self._write(rows):
                for line, count in counts.items():
                    self._refused[line] = self._refused.get(line, 0) + count

    async def _write(self, lines: Sequence[Mapping[str, Any]]) -> bool:
        try:
            async with self._database.transaction() as connection:
                housed = await in_homes(connection, lines)
                await connection.execute(insert(audit_logs), await put_aside(connection, housed))
                written = {line["home"] for line in housed}  # the index begins with the home: without it all is read
                until = self._clock.now() - AUDIT_KEPT_MS
                old = (audit_logs.c.home.in_(written), audit_logs.c.at < until, audit_logs.c.at < newest_kept())
                await connection.execute(delete(audit_logs).where(*old))
                await drop_old(connection, until)
        except HubError as error:
            if error.id != UNWRITABLE_ID:
                raise
            log.warning("%d lines of the audit log wait: %s", len(lines), error)
            return False
        await self._prune(sum(1 for line in lines if line["refused"] or line["action"] == SWITCHED))
        return True

    async def _prune(self, added: int) -> None:
        """Of the refusals and of the switching the newest stay."""
        self._unpruned += added
        if self._unpruned < PRUNED_EVERY:
            return
        self._unpruned = 0
        refused = audit_logs.c.refused.is_not(None)
        switched = (audit_logs.c.action == SWITCHED) & ~refused
        async with self._database.transaction() as connection:
            for those, most in ((refused, MOST_REFUSED), (switched, MOST_SWITCHED)):
                newest = select(audit_logs.c.id).where(those).order_by(audit_logs.c.id.desc()).offset(most).limit(1)
                last = (await connection.execute(newest)).scalar()
                if last is not None:
                    await connection.execute(delete(audit_logs).where(those, audit_logs.c.id <= last))


def newest_kept() -> ColumnElement[int]:
    """Two years before its home's newest line: the database itself lets nothing younger go."""
    newer = audit_logs.alias()
    newest = select(func.max(newer.c.at)).where(newer.c.home == audit_logs.c.home)
    return newest.correlate(audit_logs).scalar_subquery() - AUDIT_KEPT_MS


async def in_homes(connection: AsyncConnection, lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A line of a home that was taken away meanwhile stands in the log of the first one."""
    known = (await connection.execute(select(homes.c.id).order_by(homes.c.created, homes.c.id))).scalars().all()
    return [line if line["home"] in known else {**line, "home": known[0]} for line in lines]


def conditions(asked: Asked) -> list[Any]:
    """The filter as SQL."""
    c = audit_logs.c
    found: list[Any] = []
    if asked.actor is not None:
        found.append(c.actor == asked.actor)
    if asked.action is not None:
        found.append((c.action == asked.action) | c.action.startswith(f"{asked.action}.", autoescape=True))
    if asked.object is not None:
        found.append(c.object == asked.object)
    if asked.start is not None:
        found.append(c.at >= asked.start)
    if asked.end is not None:
        found.append(c.at < asked.end)
    if asked.refused is not None:
        found.append(c.refused.is_not(None) if asked.refused else c.refused.is_(None))
    return found


def differing(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both without the fields that did not change; one alone stays whole."""
    if before is None or after is None:
        return (None if before is None else dict(before)), (None if after is None else dict(after))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}
