"""Identity: the parts of this room that belong together, built once for the hub, the command line and the tests."""

from collections.abc import Callable
from pathlib import Path

from hub.auth.audit import Audit
from hub.auth.homes import Homes
from hub.auth.invitations import Invitations
from hub.auth.keys import ApiKeys
from hub.auth.logins import Logins
from hub.auth.passkeys import Passkeys
from hub.auth.passwords import Passwords
from hub.auth.people import People
from hub.auth.second_factor import SecondFactors
from hub.auth.sessions import Sessions
from hub.auth.signing import Algorithm, Signer
from hub.auth.tokens import Tokens
from hub.clock import Clock
from hub.database import Database


class Identity:
    """`on_rights_changed` is told whose rights are others now, `on_session_ended` which session or key holds no more,
    `on_home_removed` which home is gone."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        data_dir: Path,
        *,
        passwords: Passwords | None = None,
        algorithm: Algorithm = "HS256",
    ) -> None:
        self.passwords = passwords or Passwords()
        self.signer = Signer(data_dir, algorithm)
        self.audit = Audit(database, clock)
        self.homes = Homes(database, clock, self.audit)
        self.sessions = Sessions(database, clock)
        self.people = People(
            database, clock, self.passwords, homes=self.homes, sessions=self.sessions, audit=self.audit
        )
        self.factors = SecondFactors(database, self.signer, clock, self.audit)
        self.logins = Logins(
            self.people, self.passwords, self.factors, sessions=self.sessions, clock=clock, audit=self.audit
        )
        self.passkeys = Passkeys(database, self.people, self.logins, clock=clock, audit=self.audit)
        self.keys = ApiKeys(database, self.people, clock, data_dir, self.audit)
        self.tokens = Tokens(
            database, self.people, self.sessions, self.keys, clock=clock, signer=self.signer, audit=self.audit
        )
        self.invitations = Invitations(database, self.people, self.sessions, clock=clock, audit=self.audit)
        self.on_rights_changed: Callable[[str], None] = lambda user: None
        self.on_session_ended: Callable[[str], None] = lambda session: None
        self.on_home_removed: Callable[[str], None] = lambda home: None
        self.people.on_changed = self._rights_changed
        self.people.on_reset = self._was_reset
        self.people.on_keys_ended = self.keys.end_all
        self.people.on_links_ended = self.invitations.forget
        self.homes.on_removed = self._home_removed
        self.sessions.on_ended = self.keys.on_ended = self._session_ended

    async def load(self) -> None:
        """Read everything, in the order in which it builds on one another."""
        self.signer.load()
        parts = (self.homes, self.sessions, self.people, self.factors, self.passkeys)
        for part in (*parts, self.keys, self.tokens, self.invitations):
            await part.load()

    async def stop(self) -> None:
        """Write what waits."""
        await self.keys.stop()
        await self.audit.stop()
        self.passwords.close()

    def _rights_changed(self, user: str) -> None:
        self.keys.forget(user)
        if self.people.user(user) is None:
            self.factors.forget(user)
            self.passkeys.forget(user)
        self.on_rights_changed(user)

    def _was_reset(self, user: str) -> None:
        self.passkeys.forget(user)
        self.logins.forget_tries(user)

    def _session_ended(self, session: str) -> None:
        self.on_session_ended(session)

    def _home_removed(self, home: str) -> None:
        self.on_home_removed(home)
