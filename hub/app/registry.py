"""The data folder, the database and what stands in it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from hub.app.given import Given
from hub.app.started import step
from hub.auth.homes import Homes
from hub.auth.identity import Identity
from hub.database import Database, DataLock, SettingsTable
from hub.devices.registry import Registry
from hub.devices.things import Things
from hub.events import ProblemRaised
from hub.wiring import problem_reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryParts:
    """Who and what there is."""

    database: Database
    settings: SettingsTable
    hub_id: str
    identity: Identity
    registry: Registry


async def open_registry(given: Given) -> RegistryParts:
    """Lock the folder, open the database and read it."""
    options, bus, clock, started = given.options, given.bus, given.clock, given.started
    lock = DataLock(options.data)
    lock.acquire()
    started.add("data lock", step(lock.release))
    database = Database(options.data)
    await started.begin("database", database.open, database.close)
    if database.mended is not None:
        lost, copy = database.mended.aside, database.mended.copy
        problem = "database-lost" if copy is None else "database-restored"
        bus.publish(ProblemRaised(problem, {"file": lost, "copy": copy}))
    settings = SettingsTable(database)
    await started.begin("settings", settings.load)
    hub_id = settings.get("hub_id")
    if hub_id is None:
        hub_id = secrets.token_hex(8)
        await settings.set("hub_id", hub_id)
    identity = Identity(database, clock, options.data, algorithm=given.configuration.security.tokens)
    await started.begin("people", identity.load, identity.stop)
    declared = given.configuration.home
    identity.homes.declare(name=declared.name, time_zone=declared.time_zone, currency=declared.currency)
    _watch_zones(identity.homes, problem_reporter(bus))
    registry = Registry(database, bus, clock, identity.audit)
    await started.begin("registry", registry.load)
    identity.audit.exists = Things(registry, identity.people).exists
    return RegistryParts(database=database, settings=settings, hub_id=str(hub_id), identity=identity, registry=registry)


def _watch_zones(homes: Homes, report: Callable[[str, dict[str, object]], None]) -> None:
    """A home whose zone this machine does not know is a problem until it has another."""

    def tell() -> None:
        named = [f"{home.name} ({homes.zoneless[home.id]})" for home in homes.all() if home.id in homes.zoneless]
        report("home-zone-unknown", {"homes": named} if named else {})

    homes.on_zoneless = tell
    if homes.zoneless:
        tell()
