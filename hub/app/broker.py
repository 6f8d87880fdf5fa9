"""The broker as it will listen, acknowledgements and commands; nobody is heard yet."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.api.https import Https
from hub.app.given import Given
from hub.app.history import HistoryParts
from hub.app.people import PeopleParts
from hub.app.registry import RegistryParts
from hub.app.started import step
from hub.broker import EmbeddedBroker
from hub.database.settings import LOGINS_BY_HAND
from hub.devices.commands import Commands
from hub.devices.pairing import Pairing
from hub.devices.presence import Presence
from hub.messages import HubError
from hub.telemetry.acks import Acks
from hub.telemetry.ingest import Ingest
from hub.wiring import external_broker, limits, listeners, problem_reporter

if TYPE_CHECKING:
    from hub.broker.external import ExternalBroker

HTTPS_PORT, MQTTS_PORT = 8443, 8883


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerParts:
    """The way to the plugs. `ports`: to listen on, by name."""

    host: str
    ports: dict[str, int]
    https: Https | None
    broker: "EmbeddedBroker | ExternalBroker"
    acks: Acks
    commands: Commands


class Receiver:
    """Hands what the broker hears to ingest, pairing and presence."""

    def __init__(self, ingest: Ingest, pairing: Pairing, presence: Presence) -> None:
        self._ingest = ingest.message
        self._pair = pairing.message
        self._completing = pairing.completing
        self.connected = presence.connected
        self.disconnected = presence.disconnected

    def message(self, hardware_id: str, suffix: str, payload: bytes, retained: bool) -> None:
        """Hot path."""
        if suffix == "pair":
            if not retained:
                self._pair(hardware_id, payload)
        elif not self._completing or hardware_id not in self._completing:
            self._ingest(hardware_id, suffix, payload, retained)


async def open_broker(given: Given, base: RegistryParts, people: PeopleParts, history: HistoryParts) -> BrokerParts:
    """Choose the ports of MQTT and of the web."""
    options, network, bus, clock = given.options, given.configuration.network, given.bus, given.clock
    registry, access, issued, started = base.registry, people.access, people.issued, given.started
    host = options.host or network.host
    https_port, mqtts_port = options.https_port or network.https.port, options.mqtts_port or network.mqtt.tls.port
    ports = given.ports.choose(
        host,
        http=options.http_port or network.http_port,
        mqtt=options.mqtt_port or network.mqtt.port,
        https=https_port or HTTPS_PORT,
        mqtts=mqtts_port or MQTTS_PORT,
    )
    https: Https | None = None
    if issued.web is not None:
        only = network.https.only
        try:
            https = Https(issued.web.files, ports["https"], only=only, optional=https_port is None)
        except HubError as error:
            raise HubError("hub-part-failed", part="HTTPS", reason=error.message) from error
        issued.web.use = https.replace
    receiver = Receiver(history.ingest, people.pairing, history.presence)
    broker: EmbeddedBroker | ExternalBroker
    if given.external is not None:
        broker = external_broker(
            given.external,
            receiver,
            history.retained,
            clock,
            hub_id=base.hub_id,
            registry=registry,
            access=access,
            bus=bus,
        )
    else:
        broker = EmbeddedBroker(
            receiver,
            access.authenticate,
            history.retained,
            clock,
            listeners=listeners(
                network.mqtt,
                options.host or network.mqtt.host or host,
                ports["mqtt"],
                tls=None if issued.plugs is None else issued.plugs.files,
                tls_port=ports["mqtts"],
                may_lack=mqtts_port is None,
            ),
            limits=limits(network.mqtt.limits),
            folder=options.data,
            known=access.login,
            report=problem_reporter(bus),
            refused=access.refused,
        )
        if issued.plugs is not None:
            issued.plugs.use = broker.replace
    if bool(base.settings.get(LOGINS_BY_HAND)) != given.by_hand:
        await base.settings.set(LOGINS_BY_HAND, given.by_hand)
    acks = Acks(
        registry=registry,
        drivers=history.drivers,
        streams=history.streams,
        send=broker.send,
        bus=bus,
        clock=clock,
        hub_id=base.hub_id,
    )
    await started.begin("acknowledgements", step(acks.start), step(acks.stop))
    commands = Commands(
        registry,
        history.presence,
        broker,
        drivers=history.drivers,
        bus=bus,
        clock=clock,
        audit=base.identity.audit,
        secure=history.history.commit,
    )
    await started.begin("commands", commands.start, commands.stop)
    return BrokerParts(host=host, ports=ports, https=https, broker=broker, acks=acks, commands=commands)
