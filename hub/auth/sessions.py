"""Sessions: who is signed in where. In memory, so that every request can ask whether its session still holds."""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.principal import Principal
from hub.clock import Clock
from hub.database import Database
from hub.database.rows import Id, Ms, Text, read
from hub.database.tables import sessions
from hub.messages import HubError

IDLE_MS = 7 * 24 * 3600 * 1000  # as long as a refresh token lives
WHOLE_MS = 90 * 24 * 3600 * 1000  # after that one logs in again, however often one was there
CONFIRMED_S = 600.0
"""For so long a sign-in, or the password shown again, tells that its person is there."""
LONGEST_AGENT = 200


class Session(msgspec.Struct):
    """One browser or program that signed in. began, seen: Unix ms; agent: what it calls itself."""

    id: Id
    user: Id
    home: Id
    began: Ms
    seen: Ms
    address: Text
    agent: Text


class Sessions:
    """`on_ended` is told of each session that was ended before its time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._confirmed: dict[str, float] = {}  # id -> until when (monotonic); a restart forgets it
        self._endings = 0
        self._ended: dict[str, int] = {}  # user -> the last ending of theirs
        self.on_ended: Callable[[str], None] = lambda session: None

    def mark(self) -> int:
        """This moment, for `ended_since`."""
        return self._endings

    def ended_since(self, user: str, mark: int) -> bool:
        """Were somebody's sessions ended after that moment? What they had shown before it opens none any more."""
        return self._ended.get(user, 0) > mark

    async def load(self) -> None:
        """Read them; what nobody came back to is forgotten."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            old = (sessions.c.seen < now - IDLE_MS) | (sessions.c.began < now - WHOLE_MS)
            await connection.execute(delete(sessions).where(old))
            rows = await read(self._database, connection, sessions, Session, stand_ins={"address": "", "agent": ""})
        self._sessions = {row.value.id: row.value for row in rows}

    def get(self, session_id: str) -> Session | None:
        """The session, while it holds."""
        return self._sessions.get(session_id)

    def of(self, user: str) -> list[Session]:
        """Somebody's sessions that hold, the newest first."""
        now = self._clock.now()
        held = [s for s in self._sessions.values() if s.user == user and now < ends(s)]
        return sorted(held, key=lambda session: -session.seen)

    async def store(self, connection: AsyncConnection, session: Session) -> None:
        """A new one, as part of the transaction that stores its refresh token; those that ran out go."""
        gone = [known.id for known in self._sessions.values() if self._clock.now() >= ends(known)]
        if gone:
            await connection.execute(delete(sessions).where(sessions.c.id.in_(gone)))
            for id in gone:
                del self._sessions[id]
                self._confirmed.pop(id, None)
        await connection.execute(insert(sessions).values(**msgspec.structs.asdict(session)))

    def hold(self, session: Session) -> None:
        """From now on it is signed in."""
        self._sessions[session.id] = session
        self.confirm(session.id)

    def confirm(self, session_id: str) -> None:
        """Its person has just shown who they are."""
        if session_id in self._sessions:
            self._confirmed[session_id] = self._clock.monotonic() + CONFIRMED_S

    def require_confirmed(self, principal: Principal) -> None:
        """For what makes somebody an admin, or takes from one: it would outlive a stolen session, or a key. The hub
        itself need not.

        Raises HubError("confirmation-needed"), for a key HubError("person-needed").
        """
        if principal.scopes is not None:
            raise HubError("person-needed")
        if principal.role != "system" and self._clock.monotonic() >= self._confirmed.get(principal.session, 0.0):
            raise HubError("confirmation-needed")

    async def touch(self, connection: AsyncConnection, session: Session, address: str) -> None:
        """Its tokens were renewed from there."""
        session.seen, session.address = self._clock.now(), address or session.address
        values = {"seen": session.seen, "address": session.address}
        await connection.execute(update(sessions).where(sessions.c.id == session.id).values(**values))

    async def move(self, session: Session, home: str) -> None:
        """It looks at another home from now on."""
        async with self._database.transaction() as connection:
            await connection.execute(update(sessions).where(sessions.c.id == session.id).values(home=home))
        session.home = home
        self.on_ended(session.id)  # connections that show the old one close, and come back

    async def store_moves(self, connection: AsyncConnection, home: str, moves: Mapping[str, str]) -> None:
        """A home goes: the sessions of these people (user -> another home of theirs) stay, as part of the transaction
        that deletes it; `apply_moves` afterwards."""
        for user, other in moves.items():
            those = (sessions.c.user == user) & (sessions.c.home == home)
            await connection.execute(update(sessions).where(those).values(home=other))

    def apply_moves(self, home: str, moves: Mapping[str, str]) -> None:
        """In memory what is stored."""
        for session in self._sessions.values():
            if session.home == home and session.user in moves:
                session.home = moves[session.user]
                self.on_ended(session.id)  # as with `move`

    async def end(self, ids: Iterable[str]) -> None:
        """End these; what is unknown has ended already."""
        gone = [id for id in ids if id in self._sessions]
        if not gone:
            return
        for id in gone:  # first, so that nobody stays because the disk is full
            del self._sessions[id]
            self._confirmed.pop(id, None)
            self.on_ended(id)
        async with self._database.transaction() as connection:
            await connection.execute(delete(sessions).where(sessions.c.id.in_(gone)))

    async def end_all(self, user: str, keep: str | None = None) -> None:
        """End all of somebody's, but the one to keep; and those that are about to begin."""
        self._endings += 1
        self._ended[user] = self._endings
        await self.end(
            [session.id for session in self._sessions.values() if session.user == user and session.id != keep]
        )

    async def end_home(self, user: str, home: str) -> None:
        """Somebody is no member of this home any more."""
        await self.end([s.id for s in self._sessions.values() if (s.user, s.home) == (user, home)])


def ends(session: Session) -> int:
    """When it runs out, Unix ms."""
    return min(session.seen + IDLE_MS, session.began + WHOLE_MS)
