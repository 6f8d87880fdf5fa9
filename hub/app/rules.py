"""Schedules and alerts."""

from dataclasses import dataclass

from hub.alerts import Alerts, Delivery, Herald, Past, Watch
from hub.app.broker import BrokerParts
from hub.app.given import Given
from hub.app.history import HistoryParts
from hub.app.registry import RegistryParts
from hub.automation import Runner, Schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesParts:
    """What happens by itself. The runner starts last of all: it wants plugs that can be reached."""

    schedules: Schedules
    runner: Runner
    alerts: Alerts
    watch: Watch
    past: Past
    delivery: Delivery


async def open_rules(given: Given, base: RegistryParts, history: HistoryParts, broker: BrokerParts) -> RulesParts:
    """Read them, and watch for alerts."""
    bus, clock, started = given.bus, given.clock, given.started
    database, registry, settings = base.database, base.registry, base.settings
    people, homes, audit = base.identity.people, base.identity.homes, base.identity.audit
    schedules = Schedules(database, registry, people, bus=bus, clock=clock, audit=audit)
    await started.begin("schedules", schedules.load)
    runner = Runner(
        schedules,
        registry,
        broker.commands,
        settings=settings,
        bus=bus,
        clock=clock,
        zone=homes.time_zone,
    )
    alerts = Alerts(database, registry, people, bus=bus, clock=clock, audit=audit)
    await started.begin("alerts", alerts.load)
    delivery = Delivery(given.plugins.notifiers, bus=bus, clock=clock)
    started.add("delivery of alerts", delivery.stop)
    watch = Watch(alerts, history.presence, bus=bus, clock=clock)
    watch.told = Herald(registry, people, home=lambda: homes.first.id, send=delivery.send).tell
    past = Past(alerts, registry, settings, bus=bus, clock=clock)
    await started.begin("alerts", past.start, past.stop)
    await started.begin("alerts", watch.start, watch.stop)
    return RulesParts(schedules=schedules, runner=runner, alerts=alerts, watch=watch, past=past, delivery=delivery)
