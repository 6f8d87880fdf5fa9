"""The data folder, the database and what stands in it."""

import secrets
from dataclasses import dataclass

from hub.app.given import Given
from hub.app.started import step
from hub.auth.identity import Identity
from hub.database import Database, DataLock, SettingsTable
from hub.devices.registry import Registry
from hub.events import ProblemRaised


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
    registry = Registry(database, bus, clock, identity.audit)
    await started.begin("registry", registry.load)
    return RegistryParts(database=database, settings=settings, hub_id=str(hub_id), identity=identity, registry=registry)
