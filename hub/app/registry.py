"""The data folder, the database and what stands in it."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from hub.app.given import Given
from hub.app.started import step
from hub.auth.homes import Homes
from hub.auth.identity import Identity
from hub.database import Database, DataLock, SettingsTable
from hub.devices.registry import Registry
from hub.devices.things import Things
from hub.events import ProblemRaised
from hub.wiring import problem_reporter

HubId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
SHOWN = 10  # faults in a problem; the log has them all


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
    if not settings.has("hub_id"):
        await settings.set("hub_id", secrets.token_hex(8))
    identity = Identity(database, clock, options.data, algorithm=given.configuration.security.tokens)
    await started.begin("people", identity.load, identity.stop)
    declared = given.configuration.home
    identity.homes.declare(name=declared.name, time_zone=declared.time_zone, currency=declared.currency)
    _watch_zones(identity.homes, problem_reporter(bus))
    registry = Registry(database, bus, clock, identity.audit)
    registry.still = identity.people.require_still
    await started.begin("registry", registry.load)
    identity.audit.exists = Things(registry, identity.people).exists
    hub_id = settings.typed("hub_id", HubId, "")
    if not hub_id:  # the same at each start, so that plugs know it again
        hub_id = hashlib.sha256(identity.homes.first.id.encode()).hexdigest()[:16]
    return RegistryParts(database=database, settings=settings, hub_id=hub_id, identity=identity, registry=registry)


def tell_faults(database: Database, report: Callable[[str, dict[str, object]], None]) -> None:
    """What in the registry cannot be used is a problem until none of it is there."""

    def tell() -> None:
        faults = [str(fault) for fault in database.faults.all()]
        values: dict[str, object] = {"count": len(faults), "what": "; ".join(faults[:SHOWN])}
        report("registry-faults", values if faults else {})

    database.faults.on_mended = tell
    if len(database.faults):
        tell()


def _watch_zones(homes: Homes, report: Callable[[str, dict[str, object]], None]) -> None:
    """A home whose zone this machine does not know is a problem until it has another."""

    def tell() -> None:
        named = [f"{home.name} ({homes.zoneless[home.id]})" for home in homes.all() if home.id in homes.zoneless]
        report("home-zone-unknown", {"homes": named} if named else {})

    homes.on_zoneless = tell
    if homes.zoneless:
        tell()
