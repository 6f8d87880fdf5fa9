"""Links that let somebody in once: into a home as a new member, or back into an account whose password is lost."""

import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.audit import Audit
from hub.auth.fields import require_role
from hub.auth.homes import Home
from hub.auth.keys import digest
from hub.auth.logins import keys_told
from hub.auth.people import People
from hub.auth.principal import ROLES, Principal, system
from hub.auth.sessions import Sessions
from hub.auth.user import User
from hub.clock import Clock
from hub.database import Database
from hub.database.engine import Step
from hub.database.rows import Id, Ms, Sha256, read
from hub.database.tables import invitations
from hub.messages import HubError

LASTS_MS = 24 * 3600 * 1000
MOST_OPEN = 100


class Invitation(msgspec.Struct, frozen=True):
    """role: of a new member; user: whose password is set anew (one of both). created, expires: Unix ms."""

    id: Id
    home: Id
    role: Annotated[str, Meta(pattern=rf"^({'|'.join(ROLES)})\Z")] | None
    user: Id | None
    author: Id | None
    created: Ms
    expires: Ms


class Invitations:
    """The text of a link is random, shown once and kept as SHA-256; it serves once, for 24 hours, while who made it
    could make it still: with the right, it goes for good. It is used up in the transaction that does what it is for:
    whatever ends one of them, or takes the link back meanwhile, ends both."""

    def __init__(self, database: Database, people: People, sessions: Sessions, *, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._people = people
        self._sessions = sessions
        self._clock = clock
        self._audit = audit
        self._open: dict[bytes, Invitation] = {}

    async def load(self) -> None:
        """Read those that hold; what held no more when the hub stopped, however that came to be, is over for good."""
        async with self._database.transaction() as connection:
            text = {"hash": Sha256}
            rows = await read(self._database, connection, invitations, Invitation, beside=text, check=contradiction)
            self._open = {row.beside["hash"]: row.value for row in rows}
            over = [hashed for hashed, invitation in self._open.items() if not self._holds(invitation)]
            await connection.execute(delete(invitations).where(invitations.c.hash.in_(over)))
        self.forget(over)

    async def invite(self, principal: Principal, role: str) -> tuple[Invitation, str]:
        """A new member with this role; for admins.

        Raises HubError("role-invalid", "invitations-too-many"), for an admin "confirmation-needed".
        """
        principal.require_admin()
        require_role(role)
        if role == "admin":
            self._sessions.require_confirmed(principal)
        made = await self._make(principal, role=role, user=None, judge=principal.require_admin)
        await self._audit.record(principal, "invitation.add", made[0].id, after={"role": role})
        return made

    async def reset(self, principal: Principal, user_id: str) -> tuple[Invitation, str]:
        """A link with which a member sets another password; passkeys and API keys go, the second factor stays. For
        admins.

        Raises HubError("user-unknown", "user-elsewhere", "forbidden", "invitations-too-many"), for an admin's account
        "confirmation-needed".
        """

        def judge() -> None:
            user = self._people.openable(principal, user_id)
            if "admin" in user.roles.values():
                self._sessions.require_confirmed(principal)

        made = await self._make(principal, role=None, user=user_id, judge=judge)
        await self._audit.record(principal, "password.link", user_id)
        return made

    def list(self, principal: Principal) -> "Open":
        """Those of the asker's home that hold, the newest first; for admins."""
        principal.require_admin()
        mine = [i for i in self._open.values() if i.home == principal.home and self._holds(i)]
        return sorted(mine, key=lambda invitation: -invitation.created)

    async def remove(self, principal: Principal, invitation_id: str) -> None:
        """Take one back; for admins. Raises HubError("invitation-unknown"), also where it has just been used."""
        principal.require_admin()
        found = next(((h, i) for h, i in self._open.items() if i.id == invitation_id), None)
        if found is None or found[1].home != principal.home:
            raise HubError("invitation-unknown")
        async with self._database.transaction() as connection:
            self._people.require_still(principal).require_admin()
            gone = await connection.execute(delete(invitations).where(invitations.c.hash == found[0]))
        self._open.pop(found[0], None)
        if not gone.rowcount:
            raise HubError("invitation-unknown")
        await self._audit.record(principal, "invitation.remove", invitation_id)

    def forget(self, hashes: Collection[bytes]) -> None:
        """These are gone from the database."""
        for hashed in hashes:
            self._open.pop(hashed, None)

    def look(self, text: str) -> Invitation:
        """What the link is for. Raises HubError("invitation-over")."""
        invitation = self._open.get(digest(text))
        if invitation is None or not self._holds(invitation):
            raise HubError("invitation-over")
        return invitation

    async def join(
        self, text: str, *, name: str, email: str, password: str, language: str, origin: str
    ) -> tuple[User, Home]:
        """Use the link up for a new account. Raises HubError("invitation-over") and what `People.join` raises."""
        invitation, home = self._of_home(text)
        if invitation.role is None:
            raise HubError("invitation-over")
        async with self._using(text) as use:
            user = await self._people.join(
                home, invitation.role, email=email, name=name, password=password, language=language, use=use
            )
        await self._record(user, home, origin, "user.join", role=invitation.role)
        return user, home

    async def accept(self, text: str, user: User, origin: str) -> Home:
        """Use the link up for an account that there is (whose password the caller has checked). Raises
        HubError("invitation-over", "home-unknown")."""
        invitation, home = self._of_home(text)
        if invitation.role is None:
            raise HubError("invitation-over")
        async with self._using(text) as use:
            await self._people.add_membership(user, home.id, invitation.role, use=use)
        await self._record(user, home, origin, "user.join", role=user.roles[home.id])
        return home

    async def set_password(self, text: str, password: str, origin: str) -> User:
        """Use the link up for another password. Raises HubError("invitation-over") and what it says of passwords."""
        invitation, home = self._of_home(text)
        user = None if invitation.user is None else self._people.user(invitation.user)
        if user is None:
            raise HubError("invitation-over")
        async with self._using(text) as use:
            ended = await self._people.reset_password(user, password, use=use)
        who = Principal(user.id, home.id, user.roles.get(home.id, "guest"), origin=origin, via="link")
        await self._audit.record(who, "password.reset", user.id, before=keys_told(ended))
        return user

    def _holds(self, invitation: Invitation) -> bool:
        """In its time, while there is the home, and while who made it could make it still."""
        if invitation.expires <= self._clock.now() or self._people.homes.get(invitation.home) is None:
            return False
        author: Principal | None = system(invitation.home)
        if invitation.author is not None:
            author = self._people.principal(invitation.author, invitation.home)
        if author is None:
            return False
        try:
            if invitation.user is None:
                author.require_admin()
            else:
                self._people.openable(author, invitation.user)
        except HubError:
            return False
        return True

    def _of_home(self, text: str) -> tuple[Invitation, Home]:
        invitation = self.look(text)
        home = self._people.homes.get(invitation.home)
        if home is None:
            raise HubError("invitation-over")
        return invitation, home

    async def _record(self, user: User, home: Home, origin: str, action: str, **after: str) -> None:
        principal = Principal(user.id, home.id, user.roles.get(home.id, "guest"), origin=origin, via="link")
        await self._audit.record(principal, action, user.id, after=after or None)

    async def _make(
        self, principal: Principal, *, role: str | None, user: str | None, judge: Callable[[], None]
    ) -> tuple[Invitation, str]:
        """`judge` raises where the link may not be made."""
        judge()
        if len(self.list(principal)) >= MOST_OPEN:
            raise HubError("invitations-too-many", most=MOST_OPEN)
        text, now = secrets.token_urlsafe(24), self._clock.now()
        author = None if principal.role == "system" else principal.user
        made = Invitation(secrets.token_hex(8), principal.home, role, user, author, now, now + LASTS_MS)
        async with self._database.transaction() as connection:
            await connection.execute(insert(invitations).values(**msgspec.structs.asdict(made), hash=digest(text)))
            judge()  # again: the memory knows now what the transaction before this one changed
            if not self._holds(made):  # whoever asks was an admin when they asked, and is none any more
                raise HubError("forbidden")
        self._open[digest(text)] = made
        return made, text

    @asynccontextmanager
    async def _using(self, text: str) -> AsyncIterator[Step]:
        """For the block's transaction: the step that uses the link up, or raises HubError("invitation-over") where
        somebody else did, or it was taken back."""
        hashed = digest(text)
        invitation = self.look(text)

        async def use(connection: AsyncConnection) -> None:
            gone = await connection.execute(delete(invitations).where(invitations.c.hash == hashed))
            if not gone.rowcount or not self._holds(invitation):
                raise HubError("invitation-over")

        yield use
        self._open.pop(hashed, None)


Open = list[Invitation]


def contradiction(invitation: Invitation) -> str | None:
    """What of a link no hub has written; None = nothing."""
    if (invitation.role is None) is (invitation.user is None):
        return "role"
    return None if 0 <= invitation.expires - invitation.created <= LASTS_MS else "expires"
