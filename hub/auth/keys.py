"""API keys: for programs. Recognisable by their beginning, shown once, kept as SHA-256; and the command line's own."""

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import bindparam, delete, insert, update

from hub.auth.audit import Audit
from hub.auth.fields import require_name
from hub.auth.people import People
from hub.auth.personal import Personal
from hub.auth.principal import SCOPES, Principal, system
from hub.auth.secret_file import write_secret
from hub.clock import Clock, Timer
from hub.database import Database
from hub.database.rows import Id, Ms, Sha256, Text, read
from hub.database.tables import api_keys
from hub.messages import HubError
from hub.tasks import Tasks

COMMAND_LINE_FILE = "api.key"
PREFIX = "plughub_"
HINT_LETTERS = 4
MOST_KEYS = 50  # a person
LONGEST_YEARS = 10
LONGEST_MS = LONGEST_YEARS * 366 * 24 * 3600 * 1000  # leap years and all
USED_EVERY_S = 3600.0
"""How exactly the last use is on the disk: a program that asks each second must not wear the card out."""
# A key of which something is wrong may nothing, or has run out; its owner sees it and can take it away.
STAND_INS = {"name": "?", "hint": "?", "scopes": lambda _: [], "created": 0, "expires": 0, "used": None}
log = logging.getLogger("hub.auth")


class ApiKey(msgspec.Struct):
    """created, expires, used: Unix ms; expires None = never, used None = not yet; hint: how it begins."""

    id: Id
    home: Id
    user: Id
    name: Text
    hint: Text
    scopes: list[Annotated[str, Meta(pattern=rf"^({'|'.join(SCOPES)})\Z")]]
    created: Ms
    expires: Ms | None = None
    used: Ms | None = None


class ApiKeys:
    """A key acts for its person, with the role that they have at that moment, and no more than its scopes."""

    def __init__(self, database: Database, people: People, clock: Clock, data_dir: Path, audit: Audit) -> None:
        self._database = database
        self._people = people
        self._clock = clock
        self._dir = data_dir
        self._audit = audit
        self._keys: dict[bytes, ApiKey] = {}  # SHA-256 ->
        self._written: dict[str, int | None] = {}  # id -> the last use that the disk knows
        self._command_line = b""  # SHA-256; empty until it is written
        self._timer: Timer | None = None
        self._tasks = Tasks(log, "when API keys were used last could not be stored")
        self.on_ended: Callable[[str], None] = lambda key: None

    async def load(self) -> None:
        """Read them."""
        async with self._database.transaction() as connection:
            secret = {"hash": Sha256}
            rows = await read(self._database, connection, api_keys, ApiKey, stand_ins=STAND_INS, beside=secret)
        for row in rows:
            self._keys[row.beside["hash"]] = row.value
        self._written = {key.id: key.used for key in self._keys.values()}
        self._timer = self._clock.call_later(USED_EVERY_S, self._due)

    async def stop(self) -> None:
        """Write when each was used last."""
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.settled()
        await self._write_used()

    def write_command_line_key(self, url: str) -> None:
        """A new key for the command line on this machine; `url` is where the API answers. At each start."""
        key = PREFIX + secrets.token_urlsafe(32)
        write_secret(self._dir / COMMAND_LINE_FILE, json.dumps({"url": url, "key": key}))
        self._command_line = digest(key)

    def remove_command_line_key(self) -> None:
        """At the hub's stop."""
        self._command_line = b""
        (self._dir / COMMAND_LINE_FILE).unlink(missing_ok=True)

    def access(self, text: str) -> tuple[Principal, int | None]:
        """Who this key acts for, and when it expires (Unix ms). Raises HubError("token-wrong", "token-expired")."""
        hashed = digest(text)
        if self._command_line and hmac.compare_digest(hashed, self._command_line):
            return system(self._people.homes.first.id, "command line"), None
        key = self._keys.get(hashed)  # found by its hash: the time tells nothing about a key
        if key is None:
            raise HubError("token-wrong")
        if key.expires is not None and self._clock.now() >= key.expires:
            raise HubError("token-expired")
        person = self._people.principal(key.user, key.home)
        if person is None:
            raise HubError("token-wrong")
        key.used = self._clock.now()
        principal = msgspec.structs.replace(person, scopes=frozenset(key.scopes), via=f"key {key.hint}")
        return principal, key.expires

    async def add(
        self,
        principal: Principal,
        *,
        name: str,
        scopes: Sequence[str],
        expires: int | None = None,
        user: str | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key for oneself in this home, and its text, which is shown once; from the command line of the machine
        for any member.

        Raises HubError("forbidden", "user-unknown", "name-invalid", "scopes-invalid", "expiry-past", "expiry-late",
        "keys-too-many").
        """
        if user is not None and principal.role != "system":
            raise HubError("forbidden")
        owner = principal.user if user is None else self._people.member(principal, user).id
        if self._people.user(owner) is None:
            raise HubError("forbidden")
        if not scopes or not set(scopes) <= set(SCOPES):
            raise HubError("scopes-invalid", field="scopes", scopes=", ".join(SCOPES))
        if expires is not None and expires <= self._clock.now():
            raise HubError("expiry-past", field="expires")
        if expires is not None and expires > self._clock.now() + LONGEST_MS:
            raise HubError("expiry-late", field="expires", years=LONGEST_YEARS)
        if sum(1 for key in self._keys.values() if key.user == owner) >= MOST_KEYS:
            raise HubError("keys-too-many", most=MOST_KEYS)
        text = PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(
            secrets.token_hex(8),
            principal.home,
            owner,
            require_name(name),
            text[: len(PREFIX) + HINT_LETTERS],
            [scope for scope in SCOPES if scope in scopes],
            self._clock.now(),
            expires,
        )
        async with self._database.transaction() as connection:
            # A reset meanwhile has ended the keys, and this would be one more.
            self._people.require_signed_in(principal)
            await connection.execute(insert(api_keys).values(**msgspec.structs.asdict(key), hash=digest(text)))
        self._keys[digest(text)] = key
        self._written[key.id] = None
        await self._audit.record(
            principal, "key.add", key.id, after={"name": _told(key), "scopes": key.scopes, "expires": key.expires}
        )
        return key, text

    def list(self, principal: Principal, user: str | None = None) -> "Keys":
        """Somebody's keys in this home (for admins), else one's own; the newest first."""
        owner = self._people.member(principal, user or principal.user).id
        mine = [key for key in self._keys.values() if (key.user, key.home) == (owner, principal.home)]
        return sorted(mine, key=lambda key: -key.created)

    async def remove(self, principal: Principal, user: str, key_id: str) -> None:
        """End a key of this person's: one's own, or for admins a member's. Raises HubError("key-unknown")."""
        hashed = next((hashed for hashed, key in self._keys.items() if key.id == key_id), None)
        key = None if hashed is None else self._keys[hashed]
        if hashed is None or key is None or (key.home, key.user) != (principal.home, user):
            raise HubError("key-unknown")
        if not (principal.is_admin or key.user == principal.user):
            raise HubError("key-unknown")
        async with self._database.transaction() as connection:
            await connection.execute(delete(api_keys).where(api_keys.c.home == principal.home, api_keys.c.id == key_id))
        self._keys.pop(hashed, None)
        self.on_ended(key.id)
        await self._audit.record(principal, "key.remove", key.id, before={"name": _told(key)})

    def forget(self, user: str) -> None:
        """The keys of somebody who is not there any more; the database has dropped them already."""
        person = self._people.user(user)
        self._keys = {
            hashed: key
            for hashed, key in self._keys.items()
            if key.user != user or (person is not None and key.home in person.roles)
        }

    def end_all(self, user: str) -> None:
        """All of somebody's, in every home; the database has dropped them already."""
        gone = [(hashed, key.id) for hashed, key in self._keys.items() if key.user == user]
        for hashed, id in gone:
            del self._keys[hashed]
            self.on_ended(id)

    def _due(self) -> None:
        self._tasks.spawn(self._write_used())
        self._timer = self._clock.call_later(USED_EVERY_S, self._due)

    async def _write_used(self) -> None:
        news = [key for key in self._keys.values() if key.used != self._written.get(key.id)]
        if not news:
            return
        try:
            async with self._database.transaction() as connection:
                await connection.execute(
                    update(api_keys).where(api_keys.c.id == bindparam("this")).values(used=bindparam("at")),
                    [{"this": key.id, "at": key.used} for key in news],
                )
        except HubError as error:
            log.warning("when API keys were used last could not be stored: %s", error)
            return
        self._written.update({key.id: key.used for key in news})


Keys = list[ApiKey]


def _told(key: ApiKey) -> Personal:
    """Its name, for the audit log: people call them after themselves."""
    return Personal(key.user, key.name)


def digest(token: str) -> bytes:
    """SHA-256 of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
