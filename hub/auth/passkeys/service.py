"""Passkeys: whose there are, making one, signing in with one, and how they end."""

import asyncio
import logging
import secrets
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import delete, insert, update

from hub.auth.audit import Audit
from hub.auth.fields import require_name
from hub.auth.homes import Home
from hub.auth.logins import Logins
from hub.auth.passkeys.ceremony import Assertion, Attestation, challenge_in, judge_assertion, judge_attestation
from hub.auth.passkeys.challenges import Challenges
from hub.auth.passkeys.places import Place
from hub.auth.people import People
from hub.auth.personal import Personal
from hub.auth.principal import Principal
from hub.auth.user import User
from hub.clock import Clock
from hub.database import Database
from hub.database.engine import UNWRITABLE_ID
from hub.database.rows import Blob, Id, Ms, Text, read
from hub.database.tables import passkeys
from hub.messages import HubError

MOST_PASSKEYS = 20  # a person
LONGEST_CREDENTIAL = 1023  # bytes; WebAuthn's own bound
HIGHEST_COUNT = (1 << 32) - 1  # the same
# Of what is wrong nothing comes that could sign in: no signature counts higher, and no place has no name.
STAND_INS = {"sign_count": HIGHEST_COUNT, "name": "?", "created": 0, "rp_id": "", "used": None}
log = logging.getLogger("hub.auth")


class Passkey(msgspec.Struct):
    """rp_id: the name of the hub that it belongs to; sign_count: what its authenticator counted last, 0 where that does
    not count; created, used: Unix ms, used None = not yet."""

    id: Id
    user: Id
    credential: Blob
    public_key: Blob
    sign_count: Annotated[int, Meta(ge=0, le=HIGHEST_COUNT)]
    name: Text
    created: Ms
    rp_id: Text
    used: Ms | None = None


class Passkeys:
    """A passkey is a device that somebody has and unlocks: it stands for password and second factor. A signature is not
    guessed, so no account waits for wrong ones; addresses and networks do, as with passwords."""

    def __init__(self, database: Database, people: People, logins: Logins, *, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._people = people
        self._logins = logins
        self._clock = clock
        self._audit = audit
        self._challenges = Challenges(clock)
        self._passkeys: dict[bytes, Passkey] = {}  # by the credential's id

    async def load(self) -> None:
        """Read them."""
        async with self._database.transaction() as connection:
            rows = await read(self._database, connection, passkeys, Passkey, stand_ins=STAND_INS)
        self._passkeys = {row.value.credential: row.value for row in rows}

    def of(self, user: str) -> list[Passkey]:
        """Somebody's, the newest first."""
        return sorted((p for p in self._passkeys.values() if p.user == user), key=lambda p: (-p.created, p.id))

    async def begin(self, principal: Principal, place: Place, password: str) -> tuple[bytes, list[bytes]]:
        """The challenge for a new passkey at that place, and which ones one has there already (an authenticator makes
        no second one). Raises HubError("passkeys-too-many") and what `Logins.require_password` raises."""
        user = await self._logins.require_password(principal, password)
        mine = self.of(user.id)
        require_room(mine)
        known = [passkey.credential for passkey in mine if passkey.rp_id == place.name]
        return self._challenges.draw(adding(principal, place)), known

    async def add(self, principal: Principal, place: Place, name: str, shown: Attestation) -> Passkey:
        """A new passkey of the asker, whose session has begun with it.

        Raises HubError("name-invalid", "passkey-late", "passkey-unreadable", "passkey-unverified", "passkey-taken",
        "passkeys-too-many", "too-many-attempts").
        """
        plain, password = require_name(name), self._people.password_hash(principal.user)
        challenge = challenge_in(shown.client_data)
        self._challenges.redeem(adding(principal, place), challenge)
        made = await asyncio.to_thread(judge_attestation, shown, challenge, place)
        if len(made.credential) > LONGEST_CREDENTIAL:
            raise HubError("passkey-unreadable")
        passkey = Passkey(
            secrets.token_hex(8),
            principal.user,
            made.credential,
            made.public_key,
            made.sign_count,
            plain,
            self._clock.now(),
            place.name,
        )
        if self._people.password_hash(principal.user) != password:  # set anew meanwhile, or the account is gone
            raise HubError("passkey-late")
        require_room(self.of(principal.user))
        if made.credential in self._passkeys:
            raise HubError("passkey-taken")
        self._passkeys[made.credential] = passkey  # before the disk is waited for: two at once are one too many
        try:
            async with self._database.transaction() as connection:
                await connection.execute(insert(passkeys).values(**msgspec.structs.asdict(passkey)))
                if self._passkeys.get(made.credential) is not passkey:  # forgotten while the disk was waited for
                    raise HubError("passkey-late")
        except BaseException:
            self._passkeys.pop(made.credential, None)
            raise
        await self._audit.record(
            principal, "passkey.add", passkey.id, after={"name": _told(passkey), "rp_id": passkey.rp_id}
        )
        return passkey

    async def rename(self, principal: Principal, passkey_id: str, name: str) -> Passkey:
        """Raises HubError("passkey-unknown", "name-invalid")."""
        passkey, plain = self._own(principal, passkey_id), require_name(name)
        before = _told(passkey)
        async with self._database.transaction() as connection:
            await connection.execute(update(passkeys).where(passkeys.c.id == passkey.id).values(name=plain))
        passkey.name = plain
        await self._audit.record(
            principal, "passkey.rename", passkey.id, before={"name": before}, after={"name": _told(passkey)}
        )
        return passkey

    async def remove(self, principal: Principal, passkey_id: str, password: str) -> None:
        """Raises HubError("passkey-unknown") and what `Logins.require_password` raises."""
        passkey = self._own(principal, passkey_id)
        await self._logins.require_password(principal, password)
        async with self._database.transaction() as connection:
            await connection.execute(delete(passkeys).where(passkeys.c.id == passkey.id))
        self._passkeys.pop(passkey.credential, None)
        await self._audit.record(principal, "passkey.remove", passkey.id, before={"name": _told(passkey)})

    def ask(self, place: Place) -> bytes:
        """The challenge for a sign-in at that place; whose it will be, the passkey says."""
        return self._challenges.draw(entering(place))

    async def login(self, place: Place, shown: Assertion, peer: str) -> tuple[User, Home]:
        """Whoever holds this passkey. peer: who asks.

        Raises HubError("passkey-late", "passkey-unreadable", "passkey-refused", "passkey-unverified",
        "too-many-attempts").
        """
        challenge = challenge_in(shown.client_data)
        counted = self._logins.count(peer)
        try:
            self._challenges.redeem(entering(place), challenge)
        except HubError:  # nothing was judged
            self._logins.withdraw(counted)
            raise
        passkey = self._passkeys.get(shown.credential)
        if passkey is None:
            raise self._refused(None, peer, "passkey-unknown")
        user = self._people.user(passkey.user)
        if shown.user != passkey.user.encode() or passkey.rp_id != place.name:
            raise self._refused(user, peer, "passkey-refused")
        try:
            count = await asyncio.to_thread(judge_assertion, shown, passkey.public_key, challenge, place)
        except HubError as error:
            self._refused(user, peer, error.id)
            raise
        user = self._people.user(passkey.user)  # all of it may be gone or other by now
        if user is None or user.disabled or not user.roles or passkey.credential not in self._passkeys:
            raise self._refused(user, peer, "account-disabled" if user and user.disabled else "passkey-refused")
        if count <= passkey.sign_count and (count or passkey.sign_count):  # both 0: this one does not count
            log.warning("passkey %s of user %s counts backwards: there may be a copy of it", passkey.id, user.id)
            raise self._refused(user, peer, "passkey-copied")
        passkey.sign_count, passkey.used = count, self._clock.now()
        await self._keep_use(passkey)
        return user, await self._logins.admit(user, peer, counted, passkey=passkey.name)

    def forget(self, user: str) -> None:
        """Somebody is deleted, or the password was set anew; the database has dropped them already."""
        self._passkeys = {key: passkey for key, passkey in self._passkeys.items() if passkey.user != user}

    def _own(self, principal: Principal, passkey_id: str) -> Passkey:
        found = next((passkey for passkey in self.of(principal.user) if passkey.id == passkey_id), None)
        if found is None:
            raise HubError("passkey-unknown")
        return found

    def _refused(self, user: User | None, peer: str, reason: str) -> HubError:
        """The audit log is told why; whoever asks, only that it is so."""
        log.warning("login refused: passkey of user %s from %s: %s", "" if user is None else user.id, peer, reason)
        self._logins.refused(user, "" if user is None else user.email, peer, reason)
        return HubError("passkey-refused")

    async def _keep_use(self, passkey: Passkey) -> None:
        """On a full disk it holds until the hub's next start, as the session does."""
        try:
            async with self._database.transaction() as connection:
                values = {"sign_count": passkey.sign_count, "used": passkey.used}
                await connection.execute(update(passkeys).where(passkeys.c.id == passkey.id).values(**values))
        except HubError as error:
            if error.id != UNWRITABLE_ID:
                raise
            log.warning("the use of passkey %s could not be stored: %s", passkey.id, error)


def _told(passkey: Passkey) -> Personal:
    """Its name, for the audit log: people call them after themselves."""
    return Personal(passkey.user, passkey.name)


def require_room(mine: list[Passkey]) -> None:
    """Raises HubError("passkeys-too-many")."""
    if len(mine) >= MOST_PASSKEYS:
        raise HubError("passkeys-too-many", most=MOST_PASSKEYS)


def adding(principal: Principal, place: Place) -> str:
    """What a challenge for a new passkey is good for: this session, there."""
    return f"add {principal.user} {principal.via} {place.origin}"


def entering(place: Place) -> str:
    """What a challenge for a sign-in is good for."""
    return f"login {place.origin}"
