"""What requests are answered from."""

from firmware.plug import NAME as FIRMWARE_NAME
from firmware.plug import VERSION as FIRMWARE_VERSION
from hub import __version__
from hub.api import Today
from hub.api.addresses import Networks
from hub.api.problems import Problems
from hub.api.reach import Reach
from hub.api.services import Services, no_lines
from hub.api.types.system import PluginErrors, PluginView
from hub.api.views import DeviceViews
from hub.app.broker import BrokerParts
from hub.app.given import Given
from hub.app.history import HistoryParts
from hub.app.people import PeopleParts
from hub.app.registry import RegistryParts
from hub.app.rules import RulesParts
from hub.auth.certificates import mdns_name
from hub.auth.limits import RateLimits, Rates
from hub.devices.discovery import Discovery
from hub.devices.firmware import Firmware
from hub.history.query import Query
from hub.loopback import is_loopback
from hub.messages import render
from hub.plugins import PluginManager
from hub.wiring import broker_lines

PAIRINGS_PER_MINUTE = 6  # windows opened, for each person and each address


def services_of(
    given: Given,
    problems: Problems,
    *,
    base: RegistryParts,
    people: PeopleParts,
    history: HistoryParts,
    way: BrokerParts,
    rules: RulesParts,
    discovery: Discovery,
    labels: dict[str, str],
) -> Services:
    """Of all layers. `labels`: what stands on the demo's own plugs, by hardware id."""
    clock, security, homes = given.clock, given.configuration.security, base.identity.homes
    recorded, tail = history.history, history.history.tail
    today = Today(recorded, homes, clock)
    return Services(
        version=__version__,
        session=way.acks.session,
        demo=given.options.demo,
        clock=clock,
        bus=given.bus,
        identity=base.identity,
        limits=RateLimits(clock, Rates(security.reads_per_minute, security.writes_per_minute)),
        pairing_limits=RateLimits(clock, Rates(writes=PAIRINGS_PER_MINUTE)),
        admin_networks=Networks(security.admin_addresses),
        proxies=Networks(given.configuration.network.trusted_proxies),
        setup=people.setup,
        mqtt=people.access,
        registry=base.registry,
        commands=way.commands,
        discovery=discovery,
        pairing=people.pairing,
        schedules=rules.schedules,
        runner=rules.runner,
        alerts=rules.alerts,
        watch=rules.watch,
        past=rules.past,
        delivery=rules.delivery,
        live=history.live,
        history=recorded,
        care=recorded.care,
        rejects=history.rejects,
        query=Query(history.store, tail, clock, history.zone, history.retention, editions=tail.editions),
        views=DeviceViews(
            history.presence,
            way.commands,
            history.live,
            today,
            base.registry.rooms.id_of,
            labels=labels,
            firmware=Firmware(FIRMWARE_NAME, FIRMWARE_VERSION),
        ),
        problems=problems,
        backups=history.backups,
        updates=history.updates,
        firmware=FIRMWARE_VERSION,
        plugins=lambda language: plugin_views(given.plugins, language),
        drivers=history.drivers,
        drop_login=way.broker.drop_client,
        broker_stats=way.broker.stats,
        login_lines=broker_lines if given.by_hand else no_lines,
        https=way.https,
        certificates=people.issued,
        reach=Reach(mdns_name(base.hub_id), alone=is_loopback(way.host)),
    )


def plugin_views(plugins: PluginManager, language: str) -> list[PluginView]:
    """How each plugin is."""
    return [
        PluginView(
            info.name,
            info.state,
            [hook.removeprefix("plughub_") for hook in info.hooks],
            detail=None if info.reason is None else render(info.reason, language),
            errors=PluginErrors(info.failures, info.last_failure),
        )
        for info in plugins.plugins()
    ]
