"""Tokens of people who signed in: short access tokens (JWT), and refresh tokens that change at every use."""

import base64
import logging
import secrets
from typing import Any

import msgspec
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.audit import Audit
from hub.auth.homes import Home
from hub.auth.keys import PREFIX, ApiKeys, digest
from hub.auth.people import People
from hub.auth.principal import Principal
from hub.auth.sessions import IDLE_MS, LONGEST_AGENT, Session, Sessions, ends
from hub.auth.signing import AUDIENCE, Signer
from hub.auth.user import User
from hub.clock import Clock
from hub.database import Database
from hub.database.engine import UNWRITABLE_ID
from hub.database.rows import Id, Ms, Sha256, read
from hub.database.tables import refresh_tokens
from hub.messages import HubError

ACCESS_S = 30 * 60
GRACE_MS = 30_000
log = logging.getLogger("hub.auth")


class Access(msgspec.Struct, frozen=True):
    """Who a valid token belongs to; `expires` is Unix ms, None = never; session: its id, None with an API key."""

    principal: Principal
    expires: int | None
    session: str | None = None


class Grant(msgspec.Struct, frozen=True):
    """What a login or a refresh gives; expires_in in seconds. socket_token: opens the WebSocket and nothing else."""

    access_token: str
    expires_in: int
    refresh_token: str
    socket_token: str


class Stored(msgspec.Struct):
    """A refresh token. expires, used: Unix ms; used None = it is the newest of its session."""

    hash: Sha256
    session: Id
    expires: Ms
    used: Ms | None


class Tokens:
    """A refresh token is kept only as SHA-256; its successor is derived from it with the hub's key, so that whoever
    asks twice within 30 s (two tabs, a lost answer) gets the same one. One that comes back later was stolen or copied:
    its whole session ends.
    """

    def __init__(
        self,
        database: Database,
        people: People,
        sessions: Sessions,
        keys: ApiKeys,
        *,
        clock: Clock,
        signer: Signer,
        audit: Audit,
    ) -> None:
        self._database = database
        self._people = people
        self._sessions = sessions
        self._keys = keys
        self._clock = clock
        self._signer = signer
        self._audit = audit
        self._openers: dict[bytes, str] = {}  # hashes of each session's newest refresh and socket token: the session
        self._turned: dict[bytes, tuple[str, int]] = {}  # of refresh tokens just used: the session, and until when

    async def load(self) -> None:
        """Read which refresh tokens are the newest of their sessions."""
        async with self._database.transaction() as connection:
            newest = refresh_tokens.c.used.is_(None)
            rows = await read(self._database, connection, refresh_tokens, Stored, where=newest)
        self._openers.clear()
        for row in rows:
            self._remember(row.value.hash, row.value.session)

    def access(self, token: str) -> Access:
        """Who this token or API key belongs to, with the role of this moment.

        Raises HubError("token-wrong", "token-expired", "session-ended").
        """
        if token.startswith(PREFIX):
            principal, expires = self._keys.access(token)
            return Access(principal, expires)
        claims = self._signer.read(token)
        home, expires, sid = claims.get("home"), claims["exp"], claims.get("sid")
        if claims.get("typ") != "access" or not isinstance(home, str) or not isinstance(sid, str):
            raise HubError("token-wrong")
        if not isinstance(expires, int):
            raise HubError("token-wrong")
        if self._clock.now() >= expires * 1000:
            raise HubError("token-expired")
        session = self._sessions.get(sid)
        if session is None:
            raise HubError("session-ended")
        if session.user != claims["sub"]:
            raise HubError("token-wrong")
        if session.home != home:  # it looks at another home since; a new token is of that one
            raise HubError("token-expired")
        person = self._people.principal(session.user, home)
        if person is None:
            raise HubError("token-wrong")
        return Access(msgspec.structs.replace(person, via=f"session {sid}"), expires * 1000, sid)

    def opened_by(self, token: str) -> str | None:
        """An access token for whoever shows a session's newest refresh token or its socket token, which stays as it is.

        None: it is used up or unknown, or its session or person is no more.
        """
        session = self._sessions.get(self._openers.get(digest(token), ""))
        if session is None or self._clock.now() >= ends(session):
            return None
        user = self._people.user(session.user)
        if user is None or self._people.principal(user.id, session.home) is None:
            return None
        return self._access_token(user, session)

    def whose(self, token: str) -> str | None:
        """The person who shows a session's newest refresh token, or the one before within the grace; from memory, so
        that guessing costs the hub nothing."""
        hashed = digest(token)
        held, until = self._turned.get(hashed, ("", 0))
        if self._clock.now() > until:  # a socket token goes over the network more often, and renews nothing
            held = self._openers.get(hashed, "") if digest(self._socket_token(hashed)) in self._openers else ""
        session = self._sessions.get(held)
        return None if session is None else session.user

    async def issue(
        self, user: User, home: Home, *, address: str = "", agent: str = "", since: int | None = None
    ) -> Grant:
        """Tokens of a new session. On a full disk it ends with the hub's run: whoever looks after the hub has to get
        in to see that. since: the mark of `Sessions` from before its person showed who they are.

        Raises HubError("session-ended"): their password is another since then, or they may not log in any more.
        """
        refresh, now = secrets.token_urlsafe(32), self._clock.now()
        name = "".join(c for c in agent if c.isprintable())[:LONGEST_AGENT]
        session = Session(secrets.token_hex(8), user.id, home.id, now, now, address, name)
        try:
            async with self._database.transaction() as connection:
                await self._sessions.store(connection, session)
                await self._keep(connection, refresh, session)
            self._openers = {key: held for key, held in self._openers.items() if self._sessions.get(held)}
            self._remember(digest(refresh), session.id)
        except HubError as error:
            if error.id != UNWRITABLE_ID:
                raise
            log.warning("a session of user %s cannot be stored: %s", user.id, error)
        self._sessions.hold(session)
        over = since is not None and self._sessions.ended_since(user.id, since)
        if over or self._people.principal(user.id, home.id) is None:
            await self._sessions.end([session.id])
            raise HubError("session-ended")
        return self._grant(user, session, refresh)

    async def refresh(self, token: str, *, address: str = "") -> tuple[Grant, User, Home]:
        """New tokens for a refresh token, which is used up by it. While the disk takes nothing, it stays as it is.

        Raises HubError("session-ended"): unknown, expired, used again, or its person may not log in any more.
        """
        found = await self._find(token)
        if found is None:
            raise HubError("session-ended")
        session, used = found
        if used is not None and self._clock.now() - used > GRACE_MS:
            log.warning("a used refresh token of user %s came back: the session is ended", session.user)
            await self._sessions.end([session.id])
            nobody = Principal("", session.home, "guest", origin=address, via=f"session {session.id}")
            await self._audit.record(nobody, "session.reused", session.user)  # the thief or the owner: nobody knows
            raise HubError("session-ended")
        self._whose(session)
        successor = self._successor(token)
        if used is None:
            try:
                async with self._database.transaction() as connection:
                    this = (refresh_tokens.c.hash == digest(token)) & refresh_tokens.c.used.is_(None)
                    turned = await connection.execute(update(refresh_tokens).where(this).values(used=self._clock.now()))
                    if turned.rowcount:
                        await self._sessions.touch(connection, session, address)
                        await self._keep(connection, successor, session)
                if turned.rowcount:
                    self._turn(digest(token), session.id)
                    self._remember(digest(successor), session.id)
            except HubError as error:
                if error.id != UNWRITABLE_ID:
                    raise
                log.warning("the session of user %s cannot be renewed on the disk: %s", session.user, error)
                successor = token
        user, home = self._whose(session)  # as it is now: the disk was waited for, and the home may be gone
        return self._grant(user, session, successor), user, home

    async def revoke(self, token: str, *, address: str = "") -> None:
        """End the session of this refresh token (logout); one that is unknown has ended already."""
        found = await self._find(token)
        if found is not None:
            session = found[0]
            await self._sessions.end([session.id])
            who = Principal(session.user, session.home, "guest", origin=address, via=f"session {session.id}")
            await self._audit.record(who, "logout", session.user)

    async def move(self, session_id: str, user: User, home: Home) -> tuple[str, int]:
        """An access token (and its seconds) for the same session in another home. Raises HubError("home-unknown")."""
        session = self._sessions.get(session_id)
        if session is None or self._people.principal(user.id, home.id) is None:
            raise HubError("home-unknown", home=home.id)
        await self._sessions.move(session, home.id)
        return self._access_token(user, session), ACCESS_S

    async def _find(self, token: str) -> tuple[Session, int | None] | None:
        """The session of a refresh token that has not run out, and when the token was used."""
        async with self._database.transaction() as connection:
            this = refresh_tokens.c.hash == digest(token)
            rows = await read(self._database, connection, refresh_tokens, Stored, where=this, references=False)
        row = rows[0].value if rows else None
        session = None if row is None else self._sessions.get(row.session)
        if row is None or session is None or self._clock.now() >= row.expires:
            return None
        return session, row.used

    def _whose(self, session: Session) -> tuple[User, Home]:
        """Its person, and the home that it looks at. Raises HubError("session-ended")."""
        user, home = self._people.user(session.user), self._people.homes.get(session.home)
        held = self._sessions.get(session.id) is not None
        if not held or user is None or home is None or self._people.principal(user.id, home.id) is None:
            raise HubError("session-ended")
        return user, home

    async def _keep(self, connection: AsyncConnection, token: str, session: Session) -> None:
        """Store a token of a session; of its used ones only those stay that show a theft."""
        now = self._clock.now()
        await connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires < now))
        row = {"hash": digest(token), "session": session.id, "expires": min(now + IDLE_MS, ends(session)), "used": None}
        await connection.execute(insert(refresh_tokens).values(**row))

    def _grant(self, user: User, session: Session, refresh: str) -> Grant:
        return Grant(self._access_token(user, session), ACCESS_S, refresh, self._socket_token(digest(refresh)))

    def _remember(self, newest: bytes, session: str) -> None:
        self._openers[newest] = self._openers[digest(self._socket_token(newest))] = session

    def _turn(self, used: bytes, session: str) -> None:
        self._openers.pop(used, None)
        self._openers.pop(digest(self._socket_token(used)), None)
        now = self._clock.now()
        self._turned = {key: held for key, held in self._turned.items() if held[1] >= now}
        self._turned[used] = session, now + GRACE_MS

    def _access_token(self, user: User, session: Session) -> str:
        now = self._clock.now() // 1000
        claims: dict[str, Any] = {
            "aud": AUDIENCE,
            "typ": "access",
            "iat": now,
            "exp": now + ACCESS_S,
            "sub": user.id,
            "sid": session.id,
            "home": session.home,
            "role": user.roles[session.home],
        }
        return self._signer.sign(claims)

    def _successor(self, token: str) -> str:
        return _text(self._signer.derive(b"refresh", token.encode("utf-8", "surrogatepass")))

    def _socket_token(self, refresh_hash: bytes) -> str:
        """Of the hash, so that it is known again after a restart."""
        return _text(self._signer.derive(b"socket", refresh_hash))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
