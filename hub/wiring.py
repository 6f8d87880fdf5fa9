"""What the configuration says, as what hub/app builds: lengths of history, listeners, and the home's own broker; and
who hears of rights that change."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hub.api.types.mqtt import BrokerLines
from hub.api.websocket import WebSockets
from hub.auth.access import MqttAccess
from hub.auth.certificates import Certificates
from hub.auth.certificates.service import Report
from hub.auth.identity import Identity
from hub.broker import Certificate, Limits, Listener, Login, Receiver
from hub.bus import Bus
from hub.clock import Clock
from hub.config.schema import ExternalMqtt, Mqtt, MqttLimits, MqttTls, NetworkSection
from hub.config.schema import Https as HttpsSection
from hub.config.schema import Retention as Configured
from hub.devices.registry import Registry
from hub.devices.retained import PlugRetained
from hub.events import ProblemEnded, ProblemRaised
from hub.history.calendar import DAY
from hub.history.retention import Retention
from hub.messages import HubError

if TYPE_CHECKING:
    from hub.broker.external import ExternalBroker

WEBSOCKET_PORT = 9001  # what other brokers use for it


def kept(configured: Configured) -> Retention:
    """The configuration's lengths as whole days. Minutes cannot go before the 5 minutes that are summed from them."""
    days = {name: -(-getattr(configured, name) // DAY) for name in configured.__struct_fields__}
    return Retention(days["raw"], max(days["minute"], days["five_minutes"]), days["hour"], days["day"])


def folder_options(data: Path, config: Path | None) -> str:
    """What commands for this hub are given, as people type it."""
    given = {"--data": data, "--config": config}
    return " ".join(f"{name} {shlex.quote(str(folder.absolute()))}" for name, folder in given.items() if folder)


def certificates(
    network: NetworkSection, name: str, data: Path, clock: Clock, *, hub_id: str, plugs: bool, report: Report
) -> Certificates:
    """Those that the hub makes itself, or that the configuration names. `plugs`: the hub has a broker of its own."""
    https, mqtts = network.https, network.mqtt.tls
    return Certificates(
        data,
        clock,
        hub_id=hub_id,
        label=name,
        web=https.enabled,
        plugs=plugs and mqtts.enabled,
        own_web=own_certificate(https),
        own_plugs=own_certificate(mqtts),
        extra=https.names,
        report=report,
    )


def own_certificate(settings: HttpsSection | MqttTls) -> Certificate | None:
    """The files that the configuration names there."""
    if settings.certificate is None or settings.key is None:
        return None
    return Certificate(Path(settings.certificate), Path(settings.key))


def listeners(
    settings: Mqtt, host: str, port: int, *, tls: Certificate | None, tls_port: int, may_lack: bool
) -> list[Listener]:
    """Where the embedded broker listens. `may_lack`: without TLS where its port is in use.
    HubError("tls-for-websocket-missing")."""
    found = [Listener(host, port)]
    if tls is not None:
        found.append(Listener(host, tls_port, "mqtts", tls, optional=may_lack))
    web = settings.websocket
    if web.enabled:
        if web.tls and tls is None:
            raise HubError("tls-for-websocket-missing")
        own = Listener(host, web.port or WEBSOCKET_PORT, "websocket", tls if web.tls else None, websocket=True)
        found.append(msgspec.structs.replace(own, optional=web.port is None))
    return found


def limits(settings: MqttLimits) -> Limits:
    """The broker's bounds: those of the configuration, and what follows from them."""
    usual = Limits()
    return msgspec.structs.replace(
        usual,
        connections=settings.connections,
        connections_per_host=settings.connections_per_host,
        waiting=min(usual.waiting, settings.connections),
        queued=settings.queued_messages,
        queued_bytes=max(usual.queued_bytes, settings.queued_messages * 1024),
        session_age=settings.session_age / 1000,
        rate=settings.message_rate,
    )


def problem_reporter(bus: Bus) -> Callable[[str, dict[str, object]], None]:
    """Tells the bus of a problem; without values, that it has ended."""

    def report(problem: str, values: dict[str, object]) -> None:
        bus.publish(ProblemRaised(problem, values) if values else ProblemEnded(problem))

    return report


def external_broker(
    settings: ExternalMqtt,
    receiver: Receiver,
    retained: PlugRetained,
    clock: Clock,
    *,
    hub_id: str,
    registry: Registry,
    access: MqttAccess,
    bus: Bus,
) -> "ExternalBroker":
    """The home's own broker in place of the embedded one; it hears of every login that the hub makes."""
    from hub.broker.external import ExternalBroker, Server, Tls

    tls = None if settings.tls is None else Tls(**msgspec.structs.asdict(settings.tls))
    port = settings.port or (1883 if tls is None else 8883)

    def logins() -> Iterator[Login]:
        yield from (Login("plug", device.hardware_id) for device in registry.all())
        yield from (Login("client", client.name, client.read, client.write) for client in access.all())

    broker = ExternalBroker(
        receiver,
        retained,
        clock,
        server=Server(settings.host, port, hub_id, settings.username, settings.password, tls),
        known=lambda hardware_id: registry.by_hardware(hardware_id) is not None,
        raised=lambda message: bus.publish(ProblemRaised(message.id, message.values)),
        ended=lambda problem: bus.publish(ProblemEnded(problem)),
        logins=logins if settings.dynamic_security else None,
    )
    registry.on_login = access.on_login = broker.login_changed
    return broker


def follow_rights(
    identity: Identity,
    registry: Registry,
    access: MqttAccess,
    sockets: WebSockets,
    drop_login: Callable[[str], None],
    *,
    forget_author: Sequence[Callable[[str], None]] = (),
) -> None:
    """Whoever is taken out of a home, and a home that is taken away, leave nothing behind in the other parts.
    `forget_author`: told whose rules are deleted with them."""

    def rights_changed(user: str) -> None:
        person = identity.people.user(user)
        registry.forget_user(user, () if person is None else person.roles)
        sockets.rights_changed(user)
        for forget in () if person is not None else forget_author:
            forget(user)

    def home_removed(home: str) -> None:
        registry.forget_home(home)
        for name in access.forget_home(home):
            drop_login(name)

    identity.on_rights_changed = rights_changed
    identity.on_session_ended = sockets.session_ended
    identity.on_home_removed = home_removed


def broker_lines(login: Login, secret: str) -> BrokerLines:
    """What people write into the files of their broker for a login."""
    from hub.broker.external import password_line, rule_lines

    return BrokerLines(password_line(login.name, secret), rule_lines(login))
