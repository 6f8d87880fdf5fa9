"""The API and the web app; then plugs are heard, and the hub makes itself known."""

from functools import partial

from hub.api.problems import Problems
from hub.api.server import ApiServer
from hub.app.broker import BrokerParts
from hub.app.given import Given
from hub.app.history import HistoryParts
from hub.app.people import PeopleParts
from hub.app.registry import RegistryParts
from hub.app.rules import RulesParts
from hub.app.services import services_of
from hub.app.started import step
from hub.broker import EmbeddedBroker
from hub.devices.demo import NEW_PLUG, demo_code, ensure_demo
from hub.devices.discovery import Discovery
from hub.devices.settings import DeviceSettings
from hub.loopback import is_loopback
from hub.wiring import follow_rights

EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - what is compared here, not bound


async def open_web(
    given: Given,
    problems: Problems,
    *,
    base: RegistryParts,
    people: PeopleParts,
    history: HistoryParts,
    way: BrokerParts,
    rules: RulesParts,
) -> None:
    """From here on the hub answers."""
    options, network, bus, clock = given.options, given.configuration.network, given.bus, given.clock
    identity, registry, drivers = base.identity, base.registry, history.drivers
    broker, pairing, started, addresses = way.broker, people.pairing, given.started, given.addresses
    discovery = Discovery(
        registry,
        bus,
        drivers,
        name=given.configuration.hub.name,
        hub_id=base.hub_id,
        host=way.host,
        clock=clock,
        knocking=pairing.knocking,
    )
    labels: dict[str, str] = {}
    services = services_of(
        given,
        problems,
        base=base,
        people=people,
        history=history,
        way=way,
        rules=rules,
        discovery=discovery,
        labels=labels,
    )
    websocket = None
    if isinstance(broker, EmbeddedBroker) and network.mqtt.websocket.enabled:
        websocket = broker.websocket
    server = ApiServer(services, host=way.host, port=way.ports["http"], mqtt=websocket)
    if options.demo:
        await ensure_demo(registry, identity.people, options.data, way.ports["mqtt"])
        if (code := demo_code(options.data)) is not None:
            labels[NEW_PLUG["hardware_id"]] = code
    forgetting = (rules.schedules.forget_author, rules.alerts.forget_author)
    follow_rights(identity, registry, people.access, server.sockets, broker.drop_client, forget_author=forgetting)
    await started.begin("web server", server.start, server.stop)
    addresses.http_port = server.port
    addresses.https_port = 0 if way.https is None else way.https.port
    pairing.start(broker)
    started.add("pairing", pairing.stop)
    await started.begin("broker", broker.start, broker.stop)
    if isinstance(broker, EmbeddedBroker):
        addresses.mqtt_port, addresses.mqtts_port = broker.port("mqtt"), broker.port("mqtts")
    device_settings = DeviceSettings(
        registry,
        broker,
        history.retained,
        drivers=drivers,
        bus=bus,
        time_zone=identity.homes.time_zone,
    )
    await started.begin("plug settings", device_settings.start, device_settings.stop)
    identity.homes.on_changed = device_settings.home_changed
    await started.begin("runs of schedules", rules.runner.start, rules.runner.stop)
    addresses.local = "127.0.0.1" if way.host in EVERYWHERE else way.host
    keys = identity.keys
    await started.begin(
        "key of the command line",
        step(partial(keys.write_command_line_key, addresses.url)),
        step(keys.remove_command_line_key),
    )
    if network.mdns and not is_loopback(way.host):
        await discovery.start(addresses.http_port, addresses.mqtt_port or None)
        started.add("discovery", discovery.stop)
