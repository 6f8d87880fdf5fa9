"""Homes: the tenants of a hub, in memory; each change is in the database before it is in memory."""

import re
import secrets
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import delete, insert, literal_column, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.audit import Audit
from hub.auth.principal import Principal
from hub.clock import Clock
from hub.database import Database
from hub.database.rows import Id, Ms, read
from hub.database.tables import home_users, homes
from hub.messages import HubError
from hub.zones import time_zones, zone_of

LONGEST_NAME = 60
MOST_PRICE = 1000.0
MOST_HOMES = 100
UTC = "UTC"
# "XXX": ISO 4217's own word for no currency.
STAND_INS = {"name": "?", "time_zone": "?", "currency": "XXX", "created": 0, "price": None, "week_start": 0}


class Home(msgspec.Struct):
    """A tenant: its people and devices, its time zone (IANA name) and currency (ISO 4217).

    price: of a kWh in that currency, None = not said; week_start: 0 = Monday ... 6 = Sunday.
    """

    id: Id
    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    time_zone: Annotated[str, Meta(max_length=1000)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    created: Ms
    price: Annotated[float, Meta(ge=0, le=MOST_PRICE)] | None = None
    week_start: Annotated[int, Meta(ge=0, le=6)] = 0


class Homes:
    """There is always one home: the hub makes it at its first start, set-up names it. `on_changed` is told which home
    got another name, zone, currency or price; `on_removed` which one is gone.

    zoneless: what stands in the registry where a home's zone is none that this machine knows, by the home's id. UTC
    stands for it until somebody says another; then `on_zoneless` is called.
    """

    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._homes: dict[str, Home] = {}
        self._declared: dict[str, str] = {}
        self.zoneless: dict[str, str] = {}
        self.on_zoneless: Callable[[], None] = lambda: None
        self.on_changed: Callable[[str], None] = lambda home: None
        self.on_removed: Callable[[str], None] = lambda home: None
        self.still: Callable[[Principal], Principal] = lambda principal: principal
        """Somebody as they are now: what a change waited for may have taken their role."""

    async def load(self) -> None:
        """Read them; make the first one where there is none."""
        async with self._database.transaction() as connection:
            rows = await read(
                self._database, connection, homes, Home, stand_ins=STAND_INS, order_by=(literal_column("homes.rowid"),)
            )
            # Whose home is the first one may all of the hub: where its age is nonsense, it is the one written first.
            if not any("created" in row.broken for row in rows):
                rows.sort(key=lambda row: (row.value.created, row.value.id))
            self._homes = {row.value.id: row.value for row in rows}
            if not self._homes:
                home = self._new()
                await connection.execute(insert(homes).values(**msgspec.structs.asdict(home)))
                self._homes[home.id] = home
        self.zoneless = {home.id: home.time_zone for home in self._homes.values() if not _is_zone(home.time_zone)}
        for id in self.zoneless:
            self._homes[id].time_zone = UTC

    def declare(self, *, name: str | None, time_zone: str | None, currency: str | None) -> None:
        """What the configuration says of the first home stands before what is stored, for as long as it is said."""
        said = {"name": name, "time_zone": time_zone, "currency": currency}
        self._declared = {field: value for field, value in said.items() if value is not None}
        self.apply(self.first, {})

    def declared(self, home: Home) -> list[str]:
        """Which of its fields the configuration sets."""
        return sorted(self._declared) if home is self.first else []

    @property
    def first(self) -> Home:
        """The home to which YAML, the command line and the machine belong."""
        return next(iter(self._homes.values()))

    def all(self) -> list[Home]:
        """Every home, the oldest first."""
        return list(self._homes.values())

    def get(self, home_id: str) -> Home | None:
        """The home with this id."""
        return self._homes.get(home_id)

    def time_zone(self, home_id: str) -> str:
        """The home's zone, UTC where there is no such home."""
        home = self._homes.get(home_id)
        return UTC if home is None else home.time_zone

    async def change(self, principal: Principal, **given: Any) -> Home:
        """name, time_zone, currency, price, week_start of the asker's home; for admins.

        Raises HubError("name-invalid", "time-zone-unknown", "currency-unknown", "price-invalid", "home-declared").
        """
        principal.require_admin()
        home = self._homes[principal.home]
        changes = check_home(given, field_of_name="name")
        for field in changes:
            if field in self._declared and home is self.first and changes[field] != self._declared[field]:
                raise HubError("home-declared", field=field, name=field)
        before = msgspec.structs.asdict(home)
        if changes:
            async with self._database.transaction() as connection:
                self.still(principal).require_admin()
                await connection.execute(update(homes).where(homes.c.id == home.id).values(**changes))
            self.apply(home, changes)
            await self._audit.record(
                principal, "home.change", home.id, before={name: before[name] for name in changes}, after=changes
            )
        return home

    async def add(self, principal: Principal, **given: Any) -> Home:
        """Another home with the asker as its admin; for operators. Raises what `change` raises, "homes-too-many"."""
        principal.require_operator()
        if len(self._homes) >= MOST_HOMES:
            raise HubError("homes-too-many", most=MOST_HOMES)
        home = self._new()
        for name, value in check_home(given, field_of_name="name").items():
            setattr(home, name, value)
        async with self._database.transaction() as connection:
            self.still(principal).require_operator()
            await connection.execute(insert(homes).values(**msgspec.structs.asdict(home)))
            if principal.user != "system":
                await connection.execute(insert(home_users).values(home=home.id, user=principal.user, role="admin"))
        self._homes[home.id] = home
        await self._audit.record(principal, "home.add", home.id, after={"name": home.name})
        return home

    def removable(self, principal: Principal, home_id: str) -> Home:
        """The home that an operator wants taken away, never the first one.

        Raises HubError("forbidden", "home-unknown", "home-first").
        """
        principal.require_operator()
        home = self._homes.get(home_id)
        if home is None:
            raise HubError("home-unknown", home=home_id)
        if home is self.first:
            raise HubError("home-first")
        return home

    async def delete(self, connection: AsyncConnection, home: Home) -> None:
        """With all that is in the registry of it, as part of somebody else's transaction; `forget` afterwards."""
        await connection.execute(delete(homes).where(homes.c.id == home.id))

    def forget(self, home: Home) -> None:
        """In memory what is deleted."""
        del self._homes[home.id]
        self._has_zone(home)
        self.on_removed(home.id)

    def _new(self) -> Home:
        return Home(secrets.token_hex(8), "Home", UTC, "EUR", self._clock.now())

    async def store(self, connection: AsyncConnection, home: Home, changes: dict[str, Any]) -> None:
        """Part of somebody else's transaction; `apply` afterwards."""
        if changes:
            await connection.execute(update(homes).where(homes.c.id == home.id).values(**changes))

    def apply(self, home: Home, changes: dict[str, Any]) -> None:
        """In memory what is stored; what the configuration says of the first home stays."""
        declared = self._declared if home is self.first else {}
        said = {**changes, **declared}
        for field, value in said.items():
            setattr(home, field, value)
        if "time_zone" in said:
            self._has_zone(home)
        self.on_changed(home.id)

    def _has_zone(self, home: Home) -> None:
        if self.zoneless.pop(home.id, None) is not None:
            self.on_zoneless()


def _is_zone(name: str) -> bool:
    try:
        zone_of(name)
    except HubError:
        return False
    return True


def check_home(given: dict[str, Any], field_of_name: str = "home_name") -> dict[str, Any]:
    """The given settings of a home without the empty ones (None). Raises HubError with the field."""
    changes: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) else value for name, value in given.items() if value is not None
    }
    if "name" in changes and not (1 <= len(changes["name"]) <= LONGEST_NAME and changes["name"].isprintable()):
        raise HubError("name-invalid", field=field_of_name, most=LONGEST_NAME)
    if "time_zone" in changes and changes["time_zone"] not in time_zones():
        raise HubError("time-zone-unknown", field="time_zone", zone=changes["time_zone"])
    if "currency" in changes and not re.fullmatch(r"[A-Z]{3}", changes["currency"]):
        raise HubError("currency-unknown", field="currency", currency=changes["currency"])
    if not 0 <= changes.get("price", 0) <= MOST_PRICE:
        raise HubError("price-invalid", field="price", most=int(MOST_PRICE))
    return changes
