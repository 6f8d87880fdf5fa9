"""People: users with their roles in homes, in memory; each change is in the database before it is in memory."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth import rights
from hub.auth.audit import Audit
from hub.auth.fields import require_email, require_language, require_name, require_role
from hub.auth.homes import Home, Homes, check_home
from hub.auth.password_links import end_links_by, end_password_links
from hub.auth.passwords import Passwords, require_good
from hub.auth.principal import Principal
from hub.auth.sessions import Sessions
from hub.auth.stored_people import read_people
from hub.auth.user import User, shown
from hub.clock import Clock
from hub.database import Database
from hub.database.engine import Step, no_step
from hub.database.tables import api_keys, device_users, devices, home_users, invitations, passkeys, users
from hub.messages import HubError

log = logging.getLogger("hub.auth")


Users = list[User]
Hints = list[str]
"""How API keys begin."""


class People:
    """Users with their roles. `on_changed` is told whose rights are others now, `on_reset` whose password is anew,
    `on_keys_ended` whose API keys ended with it,
    `on_links_ended` the hashes of the password links that have become pointless, or too mighty, with a change."""

    def __init__(
        self, database: Database, clock: Clock, passwords: Passwords, *, homes: Homes, sessions: Sessions, audit: Audit
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._sessions = sessions
        self._audit = audit
        self.homes = homes
        homes.still = self.require_still
        self._users: dict[str, User] = {}
        self._emails: dict[str, User] = {}
        self._hashes: dict[str, bytes] = {}
        self._writing = asyncio.Lock()
        self.on_changed: Callable[[str], None] = lambda user: None
        self.on_reset: Callable[[str], None] = lambda user: None
        self.on_keys_ended: Callable[[str], None] = lambda user: None
        self.on_links_ended: Callable[[Collection[bytes]], None] = lambda hashes: None

    async def load(self) -> None:
        """Read everything."""
        async with self._database.transaction() as connection:
            for user, password in await read_people(self._database, connection):
                self._remember(user, password)

    def user(self, user_id: str) -> User | None:
        """The person with this id."""
        return self._users.get(user_id)

    def by_email(self, email: str) -> User | None:
        """The person who signs in with this address."""
        return self._emails.get(email.strip().casefold())

    def password_hash(self, user_id: str) -> bytes | None:
        """bcrypt; None = cannot sign in with a password."""
        return self._hashes.get(user_id)

    def has_admin(self) -> bool:
        """Did somebody set the hub up?"""
        return any("admin" in user.roles.values() for user in self._users.values())

    def principal(self, user_id: str, home_id: str) -> Principal | None:
        """A person in a home with the role that they have now; None when they are no member, or disabled."""
        return rights.acting(self._users.get(user_id), home_id, self.homes.first.id)

    def members(self, home: str) -> Users:
        """By name, for the hub's own use."""
        return sorted((user for user in self._users.values() if home in user.roles), key=lambda u: u.name.casefold())

    def list(self, principal: Principal) -> Users:
        """The members of the asker's home, by name; for admins."""
        principal.require_admin()
        return self.members(principal.home)

    def member(self, principal: Principal, user_id: str) -> User:
        """A member of the asker's home: oneself, or for admins anybody. Raises HubError("user-unknown")."""
        return rights.require_member(principal, self._users.get(user_id), user_id)

    def manageable(self, principal: Principal, user_id: str) -> User:
        """A member whose account the asker may reach into; for admins, and not for those of another home, too.

        Raises HubError("user-unknown", "user-elsewhere").
        """
        return rights.require_manageable(principal, self._users.get(user_id), user_id)

    def openable(self, principal: Principal, user_id: str) -> User:
        """Somebody else who has lost the password or second factor. Raises HubError("user-unknown", "user-elsewhere",
        "forbidden")."""
        return rights.require_openable(principal, self._users.get(user_id), user_id)

    def require_confirmed(self, principal: Principal, user: User) -> None:
        """For what takes from another admin; whoever is no admin anywhere, or asks for themselves, needs none.

        Raises HubError("confirmation-needed"), for a key HubError("person-needed").
        """
        if rights.is_other_admin(principal, user):
            self._sessions.require_confirmed(principal)

    def require_still(self, principal: Principal) -> Principal:
        """Whoever waited for their turn, as they are when it comes: a change before it may have taken the role. Raises
        HubError("forbidden") for who is no member any more."""
        if principal.role == "system":
            return principal
        now = self.principal(principal.user, principal.home)
        if now is None:
            raise HubError("forbidden")
        return msgspec.structs.replace(principal, role=now.role, operator=now.operator)

    def require_signed_in(self, principal: Principal) -> None:
        """The same for what outlives a session. Raises HubError("forbidden") where theirs has ended meanwhile."""
        self.require_still(principal)
        if principal.session and self._sessions.get(principal.session) is None:
            raise HubError("forbidden")

    def added_to(self, home: str, principal: Principal) -> None:
        """Whoever made a home is its admin; the database knows it already."""
        user = self._users.get(principal.user)
        if user is not None:
            user.roles[home] = "admin"

    async def add(
        self,
        principal: Principal,
        *,
        email: str,
        name: str,
        role: str = "user",
        password: str | None = None,
        language: str = "en",
    ) -> User:
        """A new member of the asker's home; without a password nobody can log in yet. For admins.

        Raises HubError("email-invalid", "email-taken", "name-invalid", "role-invalid", "language-unknown",
        "password-too-short", "password-too-long", "password-common"), for an admin "confirmation-needed".
        """
        principal.require_admin()
        if role == "admin":
            self._sessions.require_confirmed(principal)
        user, digest = await self._prepare(email, name, password, language)
        require_role(role)
        async with self._writing:
            self.require_still(principal).require_admin()
            await self._store(user, digest, principal.home, role)
        await self._audit.record(principal, "user.add", user.id, after={**shown(user), "role": role})
        return user

    async def join(
        self, home: Home, role: str, *, email: str, name: str, password: str, language: str, use: Step
    ) -> User:
        """A new person with an invitation into this home, which `use` uses up. Raises what `add` and `use` raise."""
        user, digest = await self._prepare(email, name, password, language)
        async with self._writing:
            await self._store(user, digest, home.id, role, use=use)
        return user

    async def make_first_admin(
        self,
        *,
        email: str,
        name: str,
        password: str,
        language: str = "en",
        home_name: str | None = None,
        time_zone: str | None = None,
        currency: str | None = None,
        price: float | None = None,
        week_start: int | None = None,
        origin: str = "",
    ) -> tuple[User, Home]:
        """Name the first home and give it its admin. Raises HubError("setup-done") when there is one already,
        what `Homes.change` raises and what `add` raises."""
        home = self.homes.first
        given = {"name": home_name, "time_zone": time_zone, "currency": currency}
        changes = check_home({**given, "price": price, "week_start": week_start})
        user, digest = await self._prepare(email, name, password, language)
        async with self._writing:
            if self.has_admin():
                raise HubError("setup-done")
            await self._store(user, digest, home.id, "admin", changes)
        principal = Principal(user.id, home.id, "admin", operator=True, origin=origin)
        await self._audit.record(principal, "setup", user.id, after={**shown(user), "role": "admin"})
        return user, home

    async def add_membership(self, user: User, home: str, role: str, *, use: Step = no_step) -> None:
        """Somebody who is known already becomes a member of another home, too, with an invitation that `use` uses up;
        who is one already keeps the role. Of the links to the password those hold on that an operator or the hub itself
        made, and of an admin none. Raises HubError("home-unknown") and what `use` raises."""
        async with self._writing:
            if self.homes.get(home) is None or user.id not in self._users:
                raise HubError("home-unknown", home=home)
            first = self.homes.first.id
            operators = [member.id for member in self._users.values() if rights.is_operator(member, first)]
            of_one_home = invitations.c.author.is_not(None) & invitations.c.author.not_in(operators)
            ended: Collection[bytes] = ()
            async with self._database.transaction() as connection:
                await use(connection)
                if home not in user.roles:
                    # What cannot be read of an old membership gave no role, and is over with the new one.
                    there = (home_users.c.home == home) & (home_users.c.user == user.id)
                    await connection.execute(delete(home_users).where(there))
                    await connection.execute(insert(home_users).values(home=home, user=user.id, role=role))
                    which = () if role == "admin" else (of_one_home,)
                    ended = await end_password_links(connection, user.id, *which)
            user.roles.setdefault(home, role)
            self.on_links_ended(ended)
        self.on_changed(user.id)

    async def change(
        self, principal: Principal, user_id: str, *, role: str | None = None, disabled: bool | None = None
    ) -> User:
        """Another role in the asker's home, or the whole account locked or unlocked; for admins.

        Raises HubError("user-unknown", "role-invalid", "last-admin", "user-elsewhere"), for another admin
        "confirmation-needed". A lock may not leave any of the person's homes without an admin.
        """
        principal.require_admin()
        if role is not None:
            require_role(role)
        async with self._writing:  # two changes at once are judged one after the other
            principal = self.require_still(principal)
            principal.require_admin()
            user = self.member(principal, user_id)
            before = {**shown(user), "role": user.roles[principal.home]}
            if disabled is not None and disabled != user.disabled:
                rights.require_own(principal, user)
            if rights.is_grave(principal, user, role, disabled):
                self._sessions.require_confirmed(principal)
            if disabled:
                self._require_other_admin(user, *user.roles)
            if role not in (None, "admin"):
                self._require_other_admin(user, principal.home)
            ended: list[bytes] = []
            async with self._database.transaction() as connection:
                if role is not None:
                    member = (home_users.c.home == principal.home) & (home_users.c.user == user.id)
                    await connection.execute(update(home_users).where(member).values(role=role))
                if rights.is_promoted(user, principal.home, role):
                    ended = await end_password_links(connection, user.id)
                if disabled or rights.is_demoted(user, principal.home, role):
                    made_in = None if disabled else principal.home
                    ended += await end_links_by(connection, user.id, made_in, first=self.homes.first.id)
                if disabled is not None:
                    await connection.execute(update(users).where(users.c.id == user.id).values(disabled=disabled))
            user.roles[principal.home] = role or user.roles[principal.home]
            user.disabled = user.disabled if disabled is None else disabled
            self.on_links_ended(ended)
        if user.disabled:
            await self._sessions.end_all(user.id)
        self.on_changed(user.id)
        after = {**shown(user), "role": user.roles[principal.home]}
        await self._audit.record(principal, "user.change", user.id, before=before, after=after)
        return user

    async def change_profile(
        self, principal: Principal, *, name: str | None = None, language: str | None = None, email: str | None = None
    ) -> User:
        """One's own name, language and login address (whose caller has asked for the password).

        Raises HubError("name-invalid", "language-unknown", "email-invalid", "email-taken", "user-unknown"), "forbidden"
        where the asker's session has ended meanwhile.
        """
        changes: dict[str, Any] = {}
        if name is not None:
            changes["name"] = require_name(name)
        if language is not None:
            changes["language"] = require_language(language)
        async with self._writing:
            user = self.member(principal, principal.user)
            before = shown(user)
            if email is not None and (address := require_email(email)) != user.email:
                self._require_free(address)
                changes["email"] = address
            if not changes:
                return user
            async with self._database.transaction() as connection:
                self.require_signed_in(principal)
                await connection.execute(update(users).where(users.c.id == user.id).values(**changes))
            del self._emails[user.email]
            for field, value in changes.items():
                setattr(user, field, value)
            self._emails[user.email] = user
        await self._audit.record(principal, "profile.change", user.id, before=before, after=shown(user))
        return user

    async def set_password(
        self, principal: Principal, password: str, *, keep_session: str | None = None, end_keys: bool = False
    ) -> "Hints":
        """Another password of one's own; every session but the one to keep, and every password link, ends, and by
        choice every API key. Returns the hints of these. Raises HubError("forbidden") where the asker's session has
        ended meanwhile, and what `add` raises of passwords."""
        user = self.member(principal, principal.user)
        ended: Hints = []

        async def besides(connection: AsyncConnection) -> None:
            # Whoever set it anew has shut out the one whose change this is.
            self.require_signed_in(principal)
            if end_keys:
                ended.extend(await _end_keys(connection, user.id))

        await self._write_password(user, password, besides)
        if end_keys:
            self.on_keys_ended(user.id)
        await self._sessions.end_all(user.id, keep=keep_session)
        return ended

    async def reset_password(self, user: User, password: str, *, use: Step = no_step) -> "Hints":
        """Another one without the present one, by a link that `use` uses up. Nobody can tell who made the passkeys and
        API keys meanwhile, so they go, as every session does. Returns the hints of the keys. Raises what `set_password`
        and `use` raise."""
        ended: Hints = []

        async def besides(connection: AsyncConnection) -> None:
            await use(connection)
            await connection.execute(delete(passkeys).where(passkeys.c.user == user.id))
            ended.extend(await _end_keys(connection, user.id))

        await self._write_password(user, password, besides)
        self.on_reset(user.id)
        self.on_keys_ended(user.id)
        await self._sessions.end_all(user.id)
        return ended

    async def remove(self, principal: Principal, user_id: str) -> None:
        """Take somebody (for admins) or oneself out of the home; who is in no home any more is deleted with all that
        is theirs. Raises HubError("user-unknown", "last-admin"), for another admin "confirmation-needed"."""
        async with self._writing:
            principal = self.require_still(principal)
            user = self.member(principal, user_id)
            self.require_confirmed(principal, user)
            self._require_other_admin(user, principal.home)
            whole = len(user.roles) == 1
            async with self._database.transaction() as connection:
                ended = await end_password_links(connection, user.id, invitations.c.home == principal.home)
                made_in = None if whole else principal.home
                ended += await end_links_by(connection, user.id, made_in, first=self.homes.first.id)
                if whole:
                    await connection.execute(delete(users).where(users.c.id == user.id))
                else:
                    member = (home_users.c.home == principal.home) & (home_users.c.user == user.id)
                    await connection.execute(delete(home_users).where(member))
                    here = select(devices.c.id).where(devices.c.home == principal.home)
                    shares = (device_users.c.user == user.id) & device_users.c.device.in_(here)
                    await connection.execute(delete(device_users).where(shares))
            del user.roles[principal.home]
            self.on_links_ended(ended)
            if whole:
                self._forget(user)
        if whole:
            await self._sessions.end_all(user.id)
        else:
            await self._sessions.end_home(user.id, principal.home)
        self.on_changed(user.id)
        await self._audit.record(principal, "user.remove", user.id, before={"deleted": whole})
        await self._database.scrub()

    async def remove_home(self, principal: Principal, home_id: str) -> None:
        """Take a home away with all that is in the registry of it; for operators, never the first one. Who is in no
        other home is deleted with it; the sessions of the others look at another home of theirs.

        Raises HubError("forbidden", "home-unknown", "home-first").
        """
        async with self._writing:
            principal = self.require_still(principal)
            home = self.homes.removable(principal, home_id)
            members = self.members(home_id)
            going = [user for user in members if len(user.roles) == 1]
            # As at a sign-in, it is the first one of theirs.
            moves = {user.id: next(id for id in user.roles if id != home_id) for user in members if user not in going}
            async with self._database.transaction() as connection:
                await self._sessions.store_moves(connection, home_id, moves)
                await connection.execute(delete(users).where(users.c.id.in_([user.id for user in going])))
                await self.homes.delete(connection, home)
            for user in members:
                del user.roles[home_id]
            for user in going:
                self._forget(user)
            self.homes.forget(home)
        self._sessions.apply_moves(home_id, moves)
        for user in members:
            if user in going:
                await self._sessions.end_all(user.id)
            self.on_changed(user.id)
        at_first = msgspec.structs.replace(principal, home=self.homes.first.id)  # the log of the home itself is gone
        before = {"name": home.name, **({"people": len(going)} if going else {})}
        await self._audit.record(at_first, "home.remove", home_id, before=before)
        await self._database.scrub()

    def _require_other_admin(self, user: User, *homes: str) -> None:
        """An account that is locked, or never got a password, is nobody who could mend anything."""
        able = (other for other in self._users.values() if not other.disabled and other.id in self._hashes)
        rights.require_other_admin(user, homes, able, self.homes)

    def _require_free(self, email: str) -> None:
        if email in self._emails:
            raise HubError("email-taken", field="email")

    async def _prepare(self, email: str, name: str, password: str | None, language: str) -> tuple[User, bytes | None]:
        address = require_email(email)
        self._require_free(address)
        plain, language = require_name(name), require_language(language)
        digest = None
        if password is not None:
            require_good(password, address, plain)
            digest = await self._passwords.hash(password)
        return User(secrets.token_hex(8), address, plain, language, self._clock.now()), digest

    async def _write_password(self, user: User, password: str, besides: Step = no_step) -> None:
        require_good(password, user.email, user.name)
        digest = await self._passwords.hash(password)
        async with self._database.transaction() as connection:
            await connection.execute(update(users).where(users.c.id == user.id).values(password_hash=digest))
            await besides(connection)
            ended = await end_password_links(connection, user.id)  # they were for the password of before
        self._hashes[user.id] = digest
        self.on_links_ended(ended)

    async def _store(
        self,
        user: User,
        digest: bytes | None,
        home: str,
        role: str,
        home_changes: dict[str, Any] | None = None,
        *,
        use: Step = no_step,
    ) -> None:
        self._require_free(user.email)
        kept = self.homes.get(home)
        if kept is None:
            raise HubError("home-unknown", home=home)
        fields = msgspec.structs.asdict(user)
        del fields["roles"]
        async with self._database.transaction() as connection:
            await use(connection)
            await self.homes.store(connection, kept, home_changes or {})
            await connection.execute(insert(users).values(**fields, password_hash=digest))
            await connection.execute(insert(home_users).values(home=home, user=user.id, role=role))
        if home_changes:
            self.homes.apply(kept, home_changes)
        user.roles = {home: role}
        self._remember(user, digest)
        log.info("user %s added to home %s as %s", user.id, home, role)

    def _forget(self, user: User) -> None:
        del self._users[user.id], self._emails[user.email]
        self._hashes.pop(user.id, None)

    def _remember(self, user: User, digest: bytes | None) -> None:
        self._users[user.id] = self._emails[user.email] = user
        if digest is not None:
            self._hashes[user.id] = digest


async def _end_keys(connection: AsyncConnection, user: str) -> Hints:
    those = api_keys.c.user == user
    hints = list(await connection.scalars(select(api_keys.c.hint).where(those)))
    await connection.execute(delete(api_keys).where(those))
    return hints
