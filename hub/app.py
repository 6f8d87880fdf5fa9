"""Builds the parts of the hub, starts them in order, stops them in reverse. The one file that knows them all."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.exc import DatabaseError

from hub import __version__
from hub.alerts import Alerts, Delivery, Herald, Watch
from hub.api import Today
from hub.api.addresses import Networks
from hub.api.https import Https
from hub.api.problems import Problems
from hub.api.server import ApiServer
from hub.api.services import Services, no_lines
from hub.api.types.system import PluginErrors, PluginView
from hub.api.views import DeviceViews
from hub.auth.access import MqttAccess
from hub.auth.identity import Identity
from hub.auth.limits import RateLimits, Rates
from hub.auth.setup import Setup
from hub.automation import Runner, Schedules
from hub.backup import Backups
from hub.broker import EmbeddedBroker
from hub.bus import Bus
from hub.clock import Clock
from hub.config import Configuration
from hub.database import Database, DataLock, SettingsTable
from hub.database.settings import LOGINS_BY_HAND
from hub.devices.commands import Commands
from hub.devices.demo import NEW_PLUG, demo_code, ensure_demo
from hub.devices.discovery import Discovery
from hub.devices.pairing import Pairing
from hub.devices.presence import Presence
from hub.devices.registry import Registry
from hub.devices.retained import PlugRetained
from hub.devices.settings import DeviceSettings
from hub.events import ProblemRaised
from hub.history.core import History
from hub.history.query import Query
from hub.history.retention import Retention
from hub.messages import HubError, render
from hub.plugins import PluginManager
from hub.plugins.contract import SeriesKey, StoreError
from hub.ports import Ports
from hub.telemetry.acks import Acks
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer
from hub.telemetry.ingest import Ingest
from hub.telemetry.live import Live
from hub.telemetry.rejects import Rejects
from hub.telemetry.streams import Streams
from hub.wiring import (
    broker_lines,
    certificates,
    external_broker,
    follow_rights,
    kept,
    limits,
    listeners,
    problem_reporter,
)

if TYPE_CHECKING:
    from hub.broker.external import ExternalBroker

log = logging.getLogger("hub.app")

Step = Callable[[], Awaitable[object]]
HTTPS_PORT, MQTTS_PORT = 8443, 8883
PAIRINGS_PER_MINUTE = 6  # windows opened, for each person and each address
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - what is compared here, not bound


class Options(msgspec.Struct, frozen=True):
    """What the command line says beside the configuration. Ports None = the configuration's."""

    data: Path
    host: str | None = None
    http_port: int | None = None
    mqtt_port: int | None = None
    https_port: int | None = None
    mqtts_port: int | None = None
    demo: bool = False
    config: Path | None = None


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


class App:
    """The hub. `start()` leaves nothing behind when a part fails; `stop()` commits everything."""

    def __init__(
        self, options: Options, configuration: Configuration, plugins: PluginManager, *, bus: Bus, clock: Clock
    ) -> None:
        self._options = options
        self._configuration = configuration
        self._plugins = plugins
        self._bus = bus
        self._clock = clock
        self._started: list[tuple[str, Step]] = []
        self.unsaved: list[HubError] = []  # what could not be brought to an end
        self.ports = Ports(options.data, may_move=options.demo)
        self.http_port = self.https_port = self.mqtt_port = self.mqtts_port = 0
        self.needs_setup = False
        self.pairing: Pairing | None = None  # there once the hub has started
        self._local = "127.0.0.1"

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the web app."""
        return f"http://{self._local}:{self.http_port}"

    @property
    def https_url(self) -> str:
        """The same over HTTPS."""
        return f"https://{self._local}:{self.https_port}"

    async def start(self) -> None:
        """Start everything in order. Raises HubError("hub-part-failed") that names the part and why."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop in reverse what was started; a part that fails to stop does not keep the others from stopping."""
        while self._started:
            part, stop = self._started.pop()
            try:
                await stop()
            except HubError as error:
                self.unsaved.append(error)
                log.error("%s did not stop cleanly: %s", part, error)
            except (OSError, DatabaseError) as error:  # the disk; where in the hub it was met helps nobody
                log.error("%s did not stop cleanly: %s", part, getattr(error, "orig", error))
                self._unsaved(part, getattr(error, "orig", error))
            except Exception as error:
                log.exception("%s did not stop cleanly", part)
                self._unsaved(part, repr(error))

    def _unsaved(self, part: str, reason: object) -> None:
        self.unsaved.append(HubError("hub-part-unsaved", part=part, reason=str(reason)))

    async def _start(self) -> None:
        options, configuration, bus, clock = self._options, self._configuration, self._bus, self._clock
        problems = Problems(bus, clock)  # first: whatever a part raises at its start is kept
        lock = DataLock(options.data)
        lock.acquire()
        self._started.append(("data lock", _sync(lock.release)))

        database = Database(options.data)
        await self._begin("database", database.open, database.close)
        if database.mended is not None:
            lost, copy = database.mended.aside, database.mended.copy
            problem = "database-lost" if copy is None else "database-restored"
            bus.publish(ProblemRaised(problem, {"file": lost, "copy": copy}))
        settings = SettingsTable(database)
        await self._begin("settings", settings.load)
        hub_id = settings.get("hub_id")
        if hub_id is None:
            hub_id = secrets.token_hex(8)
            await settings.set("hub_id", hub_id)

        security = configuration.security
        identity = Identity(database, clock, options.data, algorithm=security.tokens)
        people, homes = identity.people, identity.homes
        await self._begin("people", identity.load, identity.stop)
        declared = configuration.home
        homes.declare(name=declared.name, time_zone=declared.time_zone, currency=declared.currency)
        registry = Registry(database, bus, clock, identity.audit)
        await self._begin("registry", registry.load)
        external = None if options.demo else configuration.network.mqtt.external
        report = problem_reporter(bus)
        issued = certificates(
            configuration.network,
            configuration.hub.name,
            options.data,
            clock,
            hub_id=hub_id,
            plugs=external is None,
            report=report,
        )
        await self._begin("certificates", issued.start, issued.stop)
        pairing = Pairing(
            registry,
            bus=bus,
            clock=clock,
            hub_id=hub_id,
            principal_of=people.principal,
            offered=external is None,
            plug_ca=issued.plug_authority,
            tls_port=lambda: self.mqtts_port or None,
        )
        access = MqttAccess(
            registry,
            database,
            clock,
            audit=identity.audit,
            pairing_open=pairing.is_open,
            knocked=pairing.knocked,
            just_paired=pairing.accepts,
        )
        await self._begin("MQTT logins", access.load)
        setup = Setup(people, settings, clock, options.data, proxied=bool(configuration.network.trusted_proxies))
        await self._begin("set-up", setup.load)
        self.needs_setup = not people.has_admin()
        retained = PlugRetained(database, bus, clock)
        await self._begin("retained messages", retained.load)
        await self._begin("retained messages", retained.start, retained.stop)

        await self._begin("plugins", self._plugins.start, self._plugins.stop)
        drivers = self._plugins.device_drivers()
        store = self._plugins.history_store(configuration.history.store, options.data)
        presence = Presence(registry, bus, clock)
        await self._begin("presence", presence.start, presence.stop)

        streams, buffer, live, rejects, arrivals = Streams(), Buffer(), Live(), Rejects(), Arrivals(clock)
        home_retention = kept(configuration.history.retention)

        def retention(series: SeriesKey) -> Retention:
            device = registry.device(series.device)
            if device is None:
                return home_retention
            return home_retention.with_own(device.keep_raw, device.keep_minutes, device.keep_hours, device.keep_days)

        interval = configuration.history.commit_interval
        history = History(
            folder=options.data,
            store=store,
            streams=streams,
            buffer=buffer,
            live=live,
            registry=registry,
            drivers=drivers,
            arrivals=arrivals,
            bus=bus,
            clock=clock,
            retention=retention,
            log_limit=configuration.history.log_limit,
            commit_interval=None if interval is None else interval / 1000,
        )
        await self._begin("history", history.start, history.stop)
        backups = Backups(
            data=options.data,
            config=options.config,
            version=__version__,
            settings=settings,
            declared=configuration.backup,
            rest=history.at_rest,
            bus=bus,
            clock=clock,
            zone=lambda: homes.first.time_zone,
        )
        await self._begin("backups", backups.start, backups.stop)
        ingest = Ingest(
            registry=registry,
            drivers=drivers,
            streams=streams,
            buffer=buffer,
            live=live,
            rejects=rejects,
            presence=presence,
            bus=bus,
            arrivals=arrivals,
        )
        host = options.host or configuration.network.host
        mqtt_host = options.host or configuration.network.mqtt.host or host
        network = configuration.network
        https_port, mqtts_port = options.https_port or network.https.port, options.mqtts_port or network.mqtt.tls.port
        ports = self.ports.choose(
            host,
            http=options.http_port or network.http_port,
            mqtt=options.mqtt_port or network.mqtt.port,
            https=https_port or HTTPS_PORT,
            mqtts=mqtts_port or MQTTS_PORT,
        )
        https = None
        if issued.web is not None:
            try:
                https = Https(
                    issued.web.files, ports["https"], only=network.https.only, optional=https_port is None
                )
            except HubError as error:
                raise HubError("hub-part-failed", part="HTTPS", reason=error.message) from error
            issued.web.use = https.replace
        receiver = Receiver(ingest, pairing, presence)
        broker: EmbeddedBroker | ExternalBroker
        if external is not None:
            broker = external_broker(
                external, receiver, retained, clock, hub_id=hub_id, registry=registry, access=access, bus=bus
            )
        else:
            broker = EmbeddedBroker(
                receiver,
                access.authenticate,
                retained,
                clock,
                listeners=listeners(
                    network.mqtt,
                    mqtt_host,
                    ports["mqtt"],
                    tls=None if issued.plugs is None else issued.plugs.files,
                    tls_port=ports["mqtts"],
                    may_lack=mqtts_port is None,
                ),
                limits=limits(network.mqtt.limits),
                folder=options.data,
                known=access.login,
                report=report,
            )
            if issued.plugs is not None:
                issued.plugs.use = broker.replace
        by_hand = external is not None and not external.dynamic_security
        if bool(settings.get(LOGINS_BY_HAND)) != by_hand:
            await settings.set(LOGINS_BY_HAND, by_hand)
        acks = Acks(
            registry=registry, drivers=drivers, streams=streams, send=broker.send, bus=bus, clock=clock, hub_id=hub_id
        )
        await self._begin("acknowledgements", _sync(acks.start), _sync(acks.stop))
        commands = Commands(registry, presence, broker, drivers=drivers, bus=bus, clock=clock, secure=history.commit)
        await self._begin("commands", commands.start, commands.stop)
        schedules = Schedules(database, registry, people, bus=bus, clock=clock, audit=identity.audit)
        await self._begin("schedules", schedules.load)
        runner = Runner(schedules, registry, commands, settings=settings, bus=bus, clock=clock, zone=homes.time_zone)
        alerts = Alerts(database, registry, people, bus=bus, clock=clock, audit=identity.audit)
        await self._begin("alerts", alerts.load)
        delivery = Delivery(self._plugins.notifiers, bus=bus, clock=clock)
        self._started.append(("delivery of alerts", delivery.stop))
        watch = Watch(alerts, presence, bus=bus, clock=clock)
        watch.told = Herald(registry, people, home=lambda: homes.first.id, send=delivery.send).tell
        await self._begin("alerts", watch.start, watch.stop)
        discovery = Discovery(
            registry,
            bus,
            drivers,
            name=configuration.hub.name,
            hub_id=hub_id,
            clock=clock,
            knocking=pairing.knocking,
        )

        def zone(series: SeriesKey) -> str:
            device = registry.device(series.device)
            return "UTC" if device is None else homes.time_zone(device.home)

        query = Query(store, history.tail, clock, zone, retention, editions=history.tail.editions)
        labels: dict[str, str] = {}
        today = Today(history, registry, homes, clock)
        views = DeviceViews(presence, commands, live, today, registry.rooms.id_of, labels=labels)
        services = Services(
            version=__version__,
            session=acks.session,
            demo=options.demo,
            clock=clock,
            bus=bus,
            identity=identity,
            limits=RateLimits(clock, Rates(security.reads_per_minute, security.writes_per_minute)),
            pairing_limits=RateLimits(clock, Rates(writes=PAIRINGS_PER_MINUTE)),
            admin_networks=Networks(security.admin_addresses),
            proxies=Networks(configuration.network.trusted_proxies),
            setup=setup,
            mqtt=access,
            registry=registry,
            commands=commands,
            discovery=discovery,
            pairing=pairing,
            schedules=schedules,
            runner=runner,
            alerts=alerts,
            watch=watch,
            live=live,
            history=history,
            care=history.care,
            rejects=rejects,
            query=query,
            views=views,
            problems=problems,
            backups=backups,
            plugins=self._plugin_views,
            drivers=drivers,
            drop_login=broker.drop_client,
            broker_stats=broker.stats,
            login_lines=broker_lines if by_hand else no_lines,
            https=https,
            certificates=issued,
        )
        websocket = None
        if isinstance(broker, EmbeddedBroker) and configuration.network.mqtt.websocket.enabled:
            websocket = broker.websocket
        server = ApiServer(services, host=host, port=ports["http"], mqtt=websocket)
        if options.demo:
            await ensure_demo(registry, people, options.data, ports["mqtt"])
            if (code := demo_code(options.data)) is not None:
                labels[NEW_PLUG["hardware_id"]] = code
        forgetting = (schedules.forget_author, alerts.forget_author)
        follow_rights(identity, registry, access, server.sockets, broker.drop_client, forget_author=forgetting)
        await self._begin("web server", server.start, server.stop)
        self.http_port = server.port
        self.https_port = 0 if https is None else https.port
        self.pairing = pairing
        pairing.start(broker)
        self._started.append(("pairing", pairing.stop))
        await self._begin("broker", broker.start, broker.stop)
        if isinstance(broker, EmbeddedBroker):
            self.mqtt_port, self.mqtts_port = broker.port("mqtt"), broker.port("mqtts")
        device_settings = DeviceSettings(
            registry, broker, retained, drivers=drivers, bus=bus, time_zone=homes.time_zone
        )
        await self._begin("plug settings", device_settings.start, device_settings.stop)
        homes.on_changed = device_settings.home_changed
        await self._begin("runs of schedules", runner.start, runner.stop)
        self._local = "127.0.0.1" if host in EVERYWHERE else host
        keys = identity.keys
        await self._begin(
            "key of the command line",
            _sync(partial(keys.write_command_line_key, self.url)),
            _sync(keys.remove_command_line_key),
        )
        if configuration.network.mdns and not _is_loopback(host):
            await discovery.start(self.http_port, self.mqtt_port or None)
            self._started.append(("discovery", discovery.stop))

    async def _begin(self, part: str, start: Step, stop: Step | None = None) -> None:
        try:
            await start()
        except HubError as error:
            raise HubError("hub-part-failed", part=part, reason=error.message) from error
        except (OSError, StoreError) as error:
            raise HubError("hub-part-failed", part=part, reason=str(error)) from error
        if stop is not None:
            self._started.append((part, stop))

    def _plugin_views(self, language: str) -> list[PluginView]:
        return [
            PluginView(
                info.name,
                info.state,
                [hook.removeprefix("plughub_") for hook in info.hooks],
                detail=None if info.reason is None else render(info.reason, language),
                errors=PluginErrors(info.failures, info.last_failure),
            )
            for info in self._plugins.plugins()
        ]


def _sync(call: Callable[[], object]) -> Step:
    async def step() -> None:
        call()

    return step


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
