"""Builds the parts of the hub, starts them in order, stops them in reverse. The one file that knows them all."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.exc import DatabaseError

from firmware.plug import NAME as FIRMWARE_NAME
from firmware.plug import VERSION as FIRMWARE_VERSION
from hub import __version__
from hub.alerts import Alerts, Delivery, Herald, Past, Watch
from hub.api import Today
from hub.api.addresses import Networks
from hub.api.https import Https
from hub.api.problems import Problems
from hub.api.server import ApiServer
from hub.api.services import Services, no_lines
from hub.api.types.system import PluginErrors, PluginView
from hub.api.views import DeviceViews
from hub.auth.access import MqttAccess
from hub.auth.certificates import Certificates
from hub.auth.identity import Identity
from hub.auth.limits import RateLimits, Rates
from hub.auth.setup import Setup
from hub.automation import Runner, Schedules
from hub.backup import Backups
from hub.broker import EmbeddedBroker
from hub.bus import Bus
from hub.clock import Clock
from hub.config import Configuration
from hub.config.schema import ExternalMqtt
from hub.database import Database, DataLock, SettingsTable
from hub.database.settings import LOGINS_BY_HAND
from hub.devices.commands import Commands
from hub.devices.demo import NEW_PLUG, demo_code, ensure_demo
from hub.devices.discovery import Discovery
from hub.devices.firmware import Firmware
from hub.devices.pairing import Pairing
from hub.devices.presence import Presence
from hub.devices.registry import Registry
from hub.devices.retained import PlugRetained
from hub.devices.settings import DeviceSettings
from hub.events import ProblemRaised
from hub.history.core import History
from hub.history.query import Query
from hub.history.ready import Ready
from hub.history.retention import Retention
from hub.messages import HubError, render
from hub.plugins import PluginManager
from hub.plugins.contract import DeviceDriver, HistoryStore, SeriesKey, StoreError
from hub.ports import Ports
from hub.telemetry.acks import Acks
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer
from hub.telemetry.ingest import Ingest
from hub.telemetry.live import Live
from hub.telemetry.rejects import Rejects
from hub.telemetry.streams import Streams
from hub.updates import Updates
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

    # Each is there from its own step of `_start` on.
    _problems: Problems
    _database: Database
    _settings: SettingsTable
    _hub_id: str
    _identity: Identity
    _registry: Registry
    _external: ExternalMqtt | None
    _issued: Certificates
    _pairing: Pairing
    _access: MqttAccess
    _setup: Setup
    _retained: PlugRetained
    _drivers: Mapping[str, DeviceDriver]
    _store: HistoryStore
    _presence: Presence
    _streams: Streams
    _live: Live
    _rejects: Rejects
    _history: History
    _backups: Backups
    _updates: Updates
    _ingest: Ingest
    _host: str
    _chosen: dict[str, int]
    _broker: "EmbeddedBroker | ExternalBroker"
    _acks: Acks
    _commands: Commands
    _schedules: Schedules
    _runner: Runner
    _alerts: Alerts
    _watch: Watch
    _past: Past
    _delivery: Delivery

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
        self._https: Https | None = None
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
        self._problems = Problems(self._bus, self._clock)  # first: whatever a part raises at its start is kept
        await self._open_registry()
        await self._open_people()
        await self._open_history()
        await self._open_broker()
        await self._open_rules()
        await self._open_web()

    async def _open_registry(self) -> None:
        """The data folder, the database and what stands in it."""
        options, bus, clock = self._options, self._bus, self._clock
        lock = DataLock(options.data)
        lock.acquire()
        self._started.append(("data lock", _sync(lock.release)))
        database = self._database = Database(options.data)
        await self._begin("database", database.open, database.close)
        if database.mended is not None:
            lost, copy = database.mended.aside, database.mended.copy
            problem = "database-lost" if copy is None else "database-restored"
            bus.publish(ProblemRaised(problem, {"file": lost, "copy": copy}))
        settings = self._settings = SettingsTable(database)
        await self._begin("settings", settings.load)
        hub_id = settings.get("hub_id")
        if hub_id is None:
            hub_id = secrets.token_hex(8)
            await settings.set("hub_id", hub_id)
        self._hub_id = str(hub_id)
        identity = self._identity = Identity(
            database, clock, options.data, algorithm=self._configuration.security.tokens
        )
        await self._begin("people", identity.load, identity.stop)
        declared = self._configuration.home
        identity.homes.declare(name=declared.name, time_zone=declared.time_zone, currency=declared.currency)
        self._registry = Registry(database, bus, clock, identity.audit)
        await self._begin("registry", self._registry.load)

    async def _open_people(self) -> None:
        """Who may come in: certificates, pairing, MQTT logins, the set-up."""
        options, network, clock = self._options, self._configuration.network, self._clock
        identity, registry = self._identity, self._registry
        self._external = None if options.demo else network.mqtt.external
        issued = self._issued = certificates(
            network,
            self._configuration.hub.name,
            options.data,
            clock,
            hub_id=self._hub_id,
            plugs=self._external is None,
            report=problem_reporter(self._bus),
        )
        await self._begin("certificates", issued.start, issued.stop)
        pairing = self._pairing = Pairing(
            registry,
            bus=self._bus,
            clock=clock,
            hub_id=self._hub_id,
            principal_of=identity.people.principal,
            offered=self._external is None,
            plug_ca=issued.plug_authority,
            tls_port=lambda: self.mqtts_port or None,
        )
        self._access = MqttAccess(
            registry,
            self._database,
            clock,
            audit=identity.audit,
            pairing_open=pairing.is_open,
            knocked=pairing.knocked,
            just_paired=pairing.accepts,
        )
        await self._begin("MQTT logins", self._access.load)
        proxied = bool(network.trusted_proxies)
        self._setup = Setup(identity.people, self._settings, clock, options.data, proxied=proxied)
        await self._begin("set-up", self._setup.load)
        self.needs_setup = not identity.people.has_admin()

    async def _open_history(self) -> None:
        """From a plug's message to the disk."""
        options, configuration, bus, clock = self._options, self._configuration, self._bus, self._clock
        registry = self._registry
        self._retained = PlugRetained(self._database, bus, clock)
        await self._begin("retained messages", self._retained.load)
        await self._begin("retained messages", self._retained.start, self._retained.stop)
        await self._begin("plugins", self._plugins.start, self._plugins.stop)
        drivers = self._drivers = self._plugins.device_drivers()
        store = self._store = self._plugins.history_store(configuration.history.store, options.data)
        presence = self._presence = Presence(registry, bus, clock)
        await self._begin("presence", presence.start, presence.stop)
        streams, buffer, live, rejects, arrivals = Streams(), Buffer(), Live(), Rejects(), Arrivals(clock)
        self._streams, self._live, self._rejects = streams, live, rejects
        interval = configuration.history.commit_interval
        history = self._history = History(
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
            retention=self._retention,
            log_limit=configuration.history.log_limit,
            commit_interval=None if interval is None else interval / 1000,
        )
        await self._begin("history", history.start, history.stop)
        ready = Ready(
            store,
            history.tail,
            outlets=streams.series,
            zone=self._zone,
            retention=self._retention,
            bus=bus,
            clock=clock,
        )
        await self._begin("sums of days", ready.start, ready.stop)
        self._backups = Backups(
            data=options.data,
            config=options.config,
            version=__version__,
            settings=self._settings,
            declared=configuration.backup,
            rest=history.at_rest,
            bus=bus,
            clock=clock,
            zone=lambda: self._identity.homes.first.time_zone,
        )
        await self._begin("backups", self._backups.start, self._backups.stop)
        self._updates = Updates(
            configuration.updates, version=__version__, settings=self._settings, bus=bus, clock=clock
        )
        await self._begin("updates", self._updates.start, self._updates.stop)
        self._ingest = Ingest(
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

    async def _open_broker(self) -> None:
        """The broker as it will listen, acknowledgements and commands; nobody is heard yet."""
        options, network, bus, clock = self._options, self._configuration.network, self._bus, self._clock
        registry, access, issued, external = self._registry, self._access, self._issued, self._external
        host = self._host = options.host or network.host
        https_port, mqtts_port = options.https_port or network.https.port, options.mqtts_port or network.mqtt.tls.port
        ports = self._chosen = self.ports.choose(
            host,
            http=options.http_port or network.http_port,
            mqtt=options.mqtt_port or network.mqtt.port,
            https=https_port or HTTPS_PORT,
            mqtts=mqtts_port or MQTTS_PORT,
        )
        if issued.web is not None:
            only = network.https.only
            try:
                self._https = Https(issued.web.files, ports["https"], only=only, optional=https_port is None)
            except HubError as error:
                raise HubError("hub-part-failed", part="HTTPS", reason=error.message) from error
            issued.web.use = self._https.replace
        receiver = Receiver(self._ingest, self._pairing, self._presence)
        if external is not None:
            self._broker = external_broker(
                external,
                receiver,
                self._retained,
                clock,
                hub_id=self._hub_id,
                registry=registry,
                access=access,
                bus=bus,
            )
        else:
            self._broker = EmbeddedBroker(
                receiver,
                access.authenticate,
                self._retained,
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
            )
            if issued.plugs is not None:
                issued.plugs.use = self._broker.replace
        if bool(self._settings.get(LOGINS_BY_HAND)) != self._by_hand:
            await self._settings.set(LOGINS_BY_HAND, self._by_hand)
        broker, drivers = self._broker, self._drivers
        acks = self._acks = Acks(
            registry=registry,
            drivers=drivers,
            streams=self._streams,
            send=broker.send,
            bus=bus,
            clock=clock,
            hub_id=self._hub_id,
        )
        await self._begin("acknowledgements", _sync(acks.start), _sync(acks.stop))
        commands = self._commands = Commands(
            registry,
            self._presence,
            broker,
            drivers=drivers,
            bus=bus,
            clock=clock,
            audit=self._identity.audit,
            secure=self._history.commit,
        )
        await self._begin("commands", commands.start, commands.stop)

    async def _open_rules(self) -> None:
        """Schedules and alerts."""
        database, registry, bus, clock = self._database, self._registry, self._bus, self._clock
        people, homes, audit = self._identity.people, self._identity.homes, self._identity.audit
        schedules = self._schedules = Schedules(database, registry, people, bus=bus, clock=clock, audit=audit)
        await self._begin("schedules", schedules.load)
        self._runner = Runner(
            schedules,
            registry,
            self._commands,
            settings=self._settings,
            bus=bus,
            clock=clock,
            zone=homes.time_zone,
        )
        alerts = self._alerts = Alerts(database, registry, people, bus=bus, clock=clock, audit=audit)
        await self._begin("alerts", alerts.load)
        delivery = self._delivery = Delivery(self._plugins.notifiers, bus=bus, clock=clock)
        self._started.append(("delivery of alerts", delivery.stop))
        watch = self._watch = Watch(alerts, self._presence, bus=bus, clock=clock)
        watch.told = Herald(registry, people, home=lambda: homes.first.id, send=delivery.send).tell
        self._past = Past(alerts, registry, self._settings, bus=bus, clock=clock)
        await self._begin("alerts", self._past.start, self._past.stop)
        await self._begin("alerts", watch.start, watch.stop)

    async def _open_web(self) -> None:
        """The API and the web app; then plugs are heard, and the hub makes itself known."""
        options, network, clock = self._options, self._configuration.network, self._clock
        identity, registry, broker = self._identity, self._registry, self._broker
        discovery = Discovery(
            registry,
            self._bus,
            self._drivers,
            name=self._configuration.hub.name,
            hub_id=self._hub_id,
            host=self._host,
            clock=clock,
            knocking=self._pairing.knocking,
        )
        labels: dict[str, str] = {}
        services = self._services(discovery, labels)
        websocket = None
        if isinstance(broker, EmbeddedBroker) and network.mqtt.websocket.enabled:
            websocket = broker.websocket
        server = ApiServer(services, host=self._host, port=self._chosen["http"], mqtt=websocket)
        if options.demo:
            await ensure_demo(registry, identity.people, options.data, self._chosen["mqtt"])
            if (code := demo_code(options.data)) is not None:
                labels[NEW_PLUG["hardware_id"]] = code
        forgetting = (self._schedules.forget_author, self._alerts.forget_author)
        follow_rights(identity, registry, self._access, server.sockets, broker.drop_client, forget_author=forgetting)
        await self._begin("web server", server.start, server.stop)
        self.http_port = server.port
        self.https_port = 0 if self._https is None else self._https.port
        self.pairing = self._pairing
        self._pairing.start(broker)
        self._started.append(("pairing", self._pairing.stop))
        await self._begin("broker", broker.start, broker.stop)
        if isinstance(broker, EmbeddedBroker):
            self.mqtt_port, self.mqtts_port = broker.port("mqtt"), broker.port("mqtts")
        device_settings = DeviceSettings(
            registry,
            broker,
            self._retained,
            drivers=self._drivers,
            bus=self._bus,
            time_zone=identity.homes.time_zone,
        )
        await self._begin("plug settings", device_settings.start, device_settings.stop)
        identity.homes.on_changed = device_settings.home_changed
        await self._begin("runs of schedules", self._runner.start, self._runner.stop)
        self._local = "127.0.0.1" if self._host in EVERYWHERE else self._host
        keys = identity.keys
        await self._begin(
            "key of the command line",
            _sync(partial(keys.write_command_line_key, self.url)),
            _sync(keys.remove_command_line_key),
        )
        if network.mdns and not _is_loopback(self._host):
            await discovery.start(self.http_port, self.mqtt_port or None)
            self._started.append(("discovery", discovery.stop))

    def _services(self, discovery: Discovery, labels: dict[str, str]) -> Services:
        """What requests are answered from."""
        history, homes, security = self._history, self._identity.homes, self._configuration.security
        tail, clock = history.tail, self._clock
        today = Today(history, homes, clock)
        return Services(
            version=__version__,
            session=self._acks.session,
            demo=self._options.demo,
            clock=clock,
            bus=self._bus,
            identity=self._identity,
            limits=RateLimits(clock, Rates(security.reads_per_minute, security.writes_per_minute)),
            pairing_limits=RateLimits(clock, Rates(writes=PAIRINGS_PER_MINUTE)),
            admin_networks=Networks(security.admin_addresses),
            proxies=Networks(self._configuration.network.trusted_proxies),
            setup=self._setup,
            mqtt=self._access,
            registry=self._registry,
            commands=self._commands,
            discovery=discovery,
            pairing=self._pairing,
            schedules=self._schedules,
            runner=self._runner,
            alerts=self._alerts,
            watch=self._watch,
            past=self._past,
            delivery=self._delivery,
            live=self._live,
            history=history,
            care=history.care,
            rejects=self._rejects,
            query=Query(self._store, tail, clock, self._zone, self._retention, editions=tail.editions),
            views=DeviceViews(
                self._presence,
                self._commands,
                self._live,
                today,
                self._registry.rooms.id_of,
                labels=labels,
                firmware=Firmware(FIRMWARE_NAME, FIRMWARE_VERSION),
            ),
            problems=self._problems,
            backups=self._backups,
            updates=self._updates,
            firmware=FIRMWARE_VERSION,
            plugins=self._plugin_views,
            drivers=self._drivers,
            drop_login=self._broker.drop_client,
            broker_stats=self._broker.stats,
            login_lines=broker_lines if self._by_hand else no_lines,
            https=self._https,
            certificates=self._issued,
        )

    @property
    def _by_hand(self) -> bool:
        """Do people write the logins into the files of their own broker?"""
        return self._external is not None and not self._external.dynamic_security

    def _retention(self, series: SeriesKey) -> Retention:
        device, home = self._registry.device(series.device), kept(self._configuration.history.retention)
        if device is None:
            return home
        return home.with_own(device.keep_raw, device.keep_minutes, device.keep_hours, device.keep_days)

    def _zone(self, series: SeriesKey) -> str:
        device = self._registry.device(series.device)
        return "UTC" if device is None else self._identity.homes.time_zone(device.home)

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
