"""Signing in and what needs the password again: password, address and second factor of one's own account."""

import logging
from collections.abc import Sequence
from typing import Protocol

from hub.auth.audit import Audit
from hub.auth.backoff import Backoff
from hub.auth.fields import LONGEST_EMAIL, MAIL_NAME
from hub.auth.homes import Home
from hub.auth.passwords import Passwords
from hub.auth.people import People
from hub.auth.personal import Personal
from hub.auth.principal import Principal
from hub.auth.sessions import Sessions
from hub.auth.user import User
from hub.broker.limits import host_key
from hub.clock import Clock
from hub.messages import HubError

# Who guesses waits soon and long, by what they guess at and by where they are. An account's own wait, which concerns
# everybody, begins late, is short, and does not hold where its owner is signed in already: nobody locks them out.
FREE_TRIES = 5
FREE_TRIES_ADDRESS = 10
FREE_TRIES_NETWORK = 100
FREE_TRIES_ACCOUNT = 30
LONGEST_WAIT_S = 900.0
LONGEST_WAIT_ALL_S = 60.0
Counted = list[tuple[Backoff, str]]
"""Where an attempt is counted."""
log = logging.getLogger("hub.auth")


class SecondFactor(Protocol):
    """What else than the password somebody has to show."""

    def enabled(self, user: str) -> bool:
        """Does this person need it?"""

    async def use(self, user: str, code: str) -> bool:
        """Is this the code of this moment, or one of the recovery codes? Each serves once."""


class Logins:
    """Every way of showing a password goes through here, and counts against guessing."""

    def __init__(
        self,
        people: People,
        passwords: Passwords,
        factor: SecondFactor,
        *,
        sessions: Sessions,
        clock: Clock,
        audit: Audit,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._passwords = passwords
        self._factor = factor
        self._audit = audit
        self._by_both = Backoff(clock, FREE_TRIES, LONGEST_WAIT_S)  # an account from an address
        self._by_address = Backoff(clock, FREE_TRIES_ADDRESS, LONGEST_WAIT_S)
        self._by_network = Backoff(clock, FREE_TRIES_NETWORK, LONGEST_WAIT_ALL_S)
        # A signature cannot be guessed: wrong ones are a load to bound, and no reason to wait with a password.
        self._unsigned_by_address = Backoff(clock, FREE_TRIES_ADDRESS, LONGEST_WAIT_S)
        self._unsigned_by_network = Backoff(clock, FREE_TRIES_NETWORK, LONGEST_WAIT_ALL_S)
        self._by_account = Backoff(clock, FREE_TRIES_ACCOUNT, LONGEST_WAIT_ALL_S)
        self._by_user = Backoff(clock, FREE_TRIES, LONGEST_WAIT_ALL_S)  # who is signed in, and asked again

    async def login(self, email: str, password: str, peer: str, code: str | None = None) -> tuple[User, Home]:
        """Raises HubError("login-wrong", "code-needed", "code-wrong", "too-many-attempts"). peer: who asks."""
        account = email.strip().casefold()[:LONGEST_EMAIL]
        user = self._people.by_email(account)
        known = user is not None and any(session.address == peer for session in self._sessions.of(user.id))
        counted = self.count(peer, account, known=known)
        stored = None if user is None else self._people.password_hash(user.id)
        try:
            right = await self._passwords.check(password, stored, known=known)
        except HubError:  # too many are being checked: this one was not
            self.withdraw(counted)
            raise
        if not right or user is None or user.disabled or not user.roles:
            # Some type their password where the address belongs: what looks like none is written nowhere.
            shown = account if user is not None or MAIL_NAME.fullmatch(account) else ""
            log.warning("login refused: %s from %s", f"user {user.id}" if user else f"account {shown!r}", peer)
            self.refused(user, shown, peer, "login-wrong")
            raise HubError("login-wrong")
        if self._factor.enabled(user.id):
            if code is None:
                self._by_address.succeeded(peer)  # the password was right; the account's own count stands
                raise HubError("code-needed", field="code")
            if not await self._factor.use(user.id, code):
                log.warning("login refused: wrong code of user %s from %s", user.id, peer)
                self.refused(user, account, peer, "code-wrong")
                raise HubError("code-wrong", field="code")
        return user, await self.admit(user, peer, counted)

    async def admit(self, user: User, peer: str, counted: Counted, *, passkey: str | None = None) -> Home:
        """Somebody has shown who they are: their attempts are forgotten, the audit log knows of it. passkey: the name
        of the one they signed in with. Returns the home that they come to."""
        for backoff, key in counted:
            backoff.succeeded(key)
        home = self._people.homes.get(next(iter(user.roles))) or self._people.homes.first
        log.info("login: user %s from %s", user.id, peer)
        who = Principal(user.id, home.id, user.roles[home.id], origin=peer)
        shown = None if passkey is None else {"passkey": Personal(user.id, passkey)}
        await self._audit.record(who, "login", user.id, after=shown)
        return home

    async def require_password(self, principal: Principal, password: str, field: str = "password") -> User:
        """Whoever changes what an account is secured by shows its password again; a stolen session is not enough.

        Raises HubError("password-wrong", "too-many-attempts", "forbidden" for what is no person).
        """
        user = self._people.user(principal.user)
        if user is None or principal.scopes is not None:
            raise HubError("forbidden")
        self._by_user.require(user.id)
        self._by_user.attempt(user.id)
        stored = self._people.password_hash(user.id)
        right = await self._passwords.check(password, stored, known=True)
        if not right or self._people.password_hash(user.id) != stored:  # set anew meanwhile: it was right before
            self._audit.refuse(principal, "password.check", "password-wrong", user.id)
            raise HubError("password-wrong", field=field)
        self._by_user.succeeded(user.id)
        self._sessions.confirm(principal.session)
        return user

    async def change_password(
        self, principal: Principal, current: str, new: str, session: str | None, *, end_keys: bool = False
    ) -> None:
        """One's own; every other session ends, and by choice every API key. Raises what `require_password` and
        `People.set_password` raise."""
        user = await self.require_password(principal, current, "current")
        ended = await self._people.set_password(principal, new, keep_session=session, end_keys=end_keys)
        await self._audit.record(principal, "password.change", user.id, before=keys_told(ended))

    async def change_email(self, principal: Principal, password: str, email: str) -> User:
        """One's own login address. Raises what `require_password` and `People.change_profile` raise."""
        await self.require_password(principal, password)
        return await self._people.change_profile(principal, email=email)

    async def set_password(self, principal: Principal, user_id: str, password: str) -> None:
        """Somebody else's, from the command line of the machine; all their sessions, passkeys and API keys end."""
        principal.require_operator()
        user = self._people.member(principal, user_id)
        ended = await self._people.reset_password(user, password)
        await self._audit.record(principal, "password.reset", user.id, before=keys_told(ended))

    def forget_tries(self, user: str) -> None:
        """The account has another password: whoever waits because of wrong ones, at this account, waits no more."""
        known = self._people.user(user)
        if known is None:
            return
        self._by_account.succeeded(known.email)
        self._by_user.succeeded(user)
        for key in self._by_both.keys_from(f"{known.email} "):
            peer = key.removeprefix(f"{known.email} ")
            self._by_both.succeeded(key)
            self._by_address.succeeded(peer)
            self._by_network.succeeded(host_key(peer))

    def count(self, peer: str, account: str | None = None, *, known: bool = False) -> Counted:
        """An attempt, before it is judged; returns what forgets it when it was right. account: what is guessed at, None
        where nothing can be guessed, which is counted apart. known: somebody is signed in there.

        Raises HubError("too-many-attempts").
        """
        counted: Counted
        if account is None:
            counted = [(self._unsigned_by_address, peer), (self._unsigned_by_network, host_key(peer))]
        else:
            counted = [(self._by_address, peer), (self._by_network, host_key(peer))]
            counted.append((self._by_both, f"{account} {peer}"))
            if not known:
                counted.append((self._by_account, account))
        for backoff, key in counted:
            backoff.require(key)
        for backoff, key in counted:
            backoff.attempt(key)
        return counted

    def withdraw(self, counted: Counted) -> None:
        """The attempt was not judged after all."""
        for backoff, key in counted:
            backoff.withdraw(key)

    def refused(self, user: User | None, account: str, peer: str, reason: str) -> None:
        """In the log of a home that the person is a member of, without their address, which would stay when they are
        deleted; of a stranger in the first one's."""
        home = next(iter(user.roles), None) if user is not None else None
        who = "" if user is None else user.id
        principal = Principal(who, home or self._people.homes.first.id, "guest", origin=peer)
        self._audit.refuse(principal, "login", reason, who or account or None)


def keys_told(hints: Sequence[str]) -> dict[str, list[str]] | None:
    """The API keys that ended with something, for the audit log: by how they begin, as they stand in its lines."""
    return {"keys": list(hints)} if hints else None
