"""People and their homes, in memory; each change is in the database before it is in memory."""

import asyncio
import logging
import re
import secrets
import zoneinfo
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from hub.auth.backoff import Backoff
from hub.auth.passwords import Passwords, require_good
from hub.auth.principal import ROLES, Principal
from hub.clock import Clock
from hub.database import Database
from hub.database.tables import home_users, homes, users
from hub.messages import LANGUAGES, HubError

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
LONGEST_EMAIL = 254
LONGEST_NAME = 60
FIRST_HOME = {"name": "Home", "time_zone": "UTC", "currency": "EUR"}
# A wrong account name costs a stranger soon; an account's own wait is short, so that nobody can lock its owner out.
FREE_TRIES = 5
LONGEST_WAIT_ADDRESS_S = 900.0
LONGEST_WAIT_ACCOUNT_S = 60.0
log = logging.getLogger("hub.auth")


class Home(msgspec.Struct):
    """A tenant: its people and devices, its time zone (IANA name) and currency (ISO 4217)."""

    id: str
    name: str
    time_zone: str
    currency: str
    created: int


class User(msgspec.Struct):
    """A person. `email` is the login name, in lower case; `roles`: home -> admin, user or guest."""

    id: str
    email: str
    name: str
    language: str
    created: int
    disabled: bool = False
    roles: dict[str, str] = {}


class People:
    """Homes and users. There is always one home: the hub makes it at its first start, set-up names it."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._homes: dict[str, Home] = {}
        self._users: dict[str, User] = {}
        self._emails: dict[str, User] = {}
        self._hashes: dict[str, bytes] = {}
        self._declared: dict[str, str] = {}
        self.on_home_changed: Callable[[str], None] | None = None
        """Told which home got another name, time zone or currency."""
        self._writing = asyncio.Lock()
        self._by_account = Backoff(clock, FREE_TRIES, LONGEST_WAIT_ACCOUNT_S)
        self._by_address = Backoff(clock, FREE_TRIES * 2, LONGEST_WAIT_ADDRESS_S)

    async def load(self) -> None:
        """Read everything; make the first home where there is none."""
        async with self._database.transaction() as connection:
            rows = (await connection.execute(select(homes).order_by(homes.c.created, homes.c.id))).mappings()
            self._homes = {row["id"]: Home(**row) for row in rows}
            if not self._homes:
                home = Home(id=secrets.token_hex(8), created=self._clock.now(), **FIRST_HOME)
                await connection.execute(insert(homes).values(**msgspec.structs.asdict(home)))
                self._homes[home.id] = home
            for row in (await connection.execute(select(users))).mappings():
                fields = dict(row)
                password_hash = fields.pop("password_hash")
                self._remember(User(**fields, roles={}), password_hash)
            for member in await connection.execute(select(home_users)):
                self._users[member.user].roles[member.home] = member.role

    def declare(self, *, name: str | None, time_zone: str | None, currency: str | None) -> None:
        """What the configuration says of the first home stands before what is stored, for as long as it is said."""
        said = {"name": name, "time_zone": time_zone, "currency": currency}
        self._declared = {field: value for field, value in said.items() if value is not None}
        self._set_home(self.first_home, {})

    @property
    def first_home(self) -> Home:
        """The home to which YAML and the command line belong."""
        return next(iter(self._homes.values()))

    def home(self, home_id: str) -> Home | None:
        """The home with this id."""
        return self._homes.get(home_id)

    def time_zone(self, home_id: str) -> str:
        """The home's zone, UTC where there is no such home."""
        home = self._homes.get(home_id)
        return "UTC" if home is None else home.time_zone

    def user(self, user_id: str) -> User | None:
        """The person with this id."""
        return self._users.get(user_id)

    def has_admin(self) -> bool:
        """Did somebody set the hub up?"""
        return any("admin" in user.roles.values() for user in self._users.values())

    def principal(self, user_id: str, home_id: str) -> Principal | None:
        """A person in a home with the role that they have now; None when they are no member, or disabled."""
        user = self._users.get(user_id)
        if user is None or user.disabled or home_id not in user.roles:
            return None
        return Principal(user.id, home_id, user.roles[home_id])

    def list(self, principal: Principal) -> "Users":
        """The members of the asker's home, by name; for admins."""
        principal.require_admin()
        return sorted(
            (user for user in self._users.values() if principal.home in user.roles), key=lambda u: u.name.casefold()
        )

    async def login(self, email: str, password: str, peer: str) -> tuple[User, Home]:
        """Raises HubError("login-wrong", "too-many-attempts"). peer: the address that asks."""
        account = email.strip().casefold()
        self._by_account.require(account)
        self._by_address.require(peer)
        self._by_account.attempt(account)
        self._by_address.attempt(peer)
        user = self._emails.get(account)
        right = await self._passwords.check(password, None if user is None else self._hashes.get(user.id))
        if not right or user is None or user.disabled or not user.roles:
            log.warning("login refused: account %r from %s", account[:LONGEST_EMAIL], peer)
            raise HubError("login-wrong")
        self._by_account.succeeded(account)
        self._by_address.succeeded(peer)
        log.info("login: user %s from %s", user.id, peer)
        return user, self._homes[next(iter(user.roles))]

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
        "password-too-short", "password-too-long", "password-common").
        """
        principal.require_admin()
        user, digest = await self._prepare(email, name, password, language)
        if role not in ROLES:
            raise HubError("role-invalid", field="role", role=role)
        async with self._writing:
            await self._store(user, digest, principal.home, role)
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
    ) -> tuple[User, Home]:
        """Name the first home and give it its admin. Raises HubError("setup-done") when there is one already,
        "time-zone-unknown", "currency-unknown" and what `add` raises."""
        home = self.first_home
        changes = check_home({"name": home_name, "time_zone": time_zone, "currency": currency})
        user, digest = await self._prepare(email, name, password, language)
        async with self._writing:
            if self.has_admin():
                raise HubError("setup-done")
            await self._store(user, digest, home.id, "admin", changes)
        return user, home

    async def _prepare(self, email: str, name: str, password: str | None, language: str) -> tuple[User, bytes | None]:
        address, plain = email.strip().casefold(), " ".join(name.split())
        if not EMAIL.fullmatch(address) or len(address) > LONGEST_EMAIL:
            raise HubError("email-invalid", field="email")
        if address in self._emails:
            raise HubError("email-taken", field="email")
        if not 1 <= len(plain) <= LONGEST_NAME or not plain.isprintable():
            raise HubError("name-invalid", field="name", most=LONGEST_NAME)
        if language not in LANGUAGES:
            raise HubError("language-unknown", field="language", language=language)
        digest = None
        if password is not None:
            require_good(password, address, plain)
            digest = await self._passwords.hash(password)
        return User(secrets.token_hex(8), address, plain, language, self._clock.now()), digest

    async def _store(
        self, user: User, digest: bytes | None, home: str, role: str, home_changes: dict[str, Any] | None = None
    ) -> None:
        if user.email in self._emails:
            raise HubError("email-taken", field="email")
        fields = msgspec.structs.asdict(user)
        del fields["roles"]
        async with self._database.transaction() as connection:
            if home_changes:
                await connection.execute(update(homes).where(homes.c.id == home).values(**home_changes))
            await connection.execute(insert(users).values(**fields, password_hash=digest))
            await connection.execute(insert(home_users).values(home=home, user=user.id, role=role))
        if home_changes:
            self._set_home(self._homes[home], home_changes)
        user.roles = {home: role}
        self._remember(user, digest)
        log.info("user %s added to home %s as %s", user.id, home, role)

    def _set_home(self, home: Home, changes: dict[str, Any]) -> None:
        declared = self._declared if home is self.first_home else {}
        for field, value in {**changes, **declared}.items():
            setattr(home, field, value)
        if self.on_home_changed is not None:
            self.on_home_changed(home.id)

    def _remember(self, user: User, digest: bytes | None) -> None:
        self._users[user.id] = self._emails[user.email] = user
        if digest is not None:
            self._hashes[user.id] = digest


Users = list[User]


def check_home(given: dict[str, str | None]) -> dict[str, Any]:
    """The given settings of a home without the empty ones. Raises HubError with the field."""
    changes = {name: value.strip() for name, value in given.items() if value is not None}
    if "name" in changes and not 1 <= len(changes["name"]) <= LONGEST_NAME:
        raise HubError("name-invalid", field="home_name", most=LONGEST_NAME)
    if "time_zone" in changes:
        try:
            zoneinfo.ZoneInfo(changes["time_zone"])
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise HubError("time-zone-unknown", field="time_zone", zone=changes["time_zone"]) from error
    if "currency" in changes and not re.fullmatch(r"[A-Z]{3}", changes["currency"]):
        raise HubError("currency-unknown", field="currency", currency=changes["currency"])
    return changes
