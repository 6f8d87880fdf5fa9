"""From a plug's message to the disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub import __version__
from hub.app.given import Given
from hub.app.registry import RegistryParts
from hub.backup import Backups
from hub.devices.presence import Presence
from hub.devices.retained import PlugRetained
from hub.history.building import Needs
from hub.history.core import History
from hub.history.ready import Ready
from hub.history.retention import Retention
from hub.history.salvaging import Means
from hub.plugins.contract import DeviceDriver, HistoryStore, SeriesKey
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer
from hub.telemetry.ingest import Ingest
from hub.telemetry.live import Live
from hub.telemetry.rejects import Rejects
from hub.telemetry.streams import Streams
from hub.updates import Updates
from hub.wiring import folder_options, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryParts:
    """What becomes of a message, and what is kept. `zone`, `retention`: of an outlet."""

    retained: PlugRetained
    drivers: Mapping[str, DeviceDriver]
    store: HistoryStore
    presence: Presence
    streams: Streams
    live: Live
    rejects: Rejects
    history: History
    backups: Backups
    updates: Updates
    ingest: Ingest
    zone: Callable[[SeriesKey], str]
    retention: Callable[[SeriesKey], Retention]


async def open_history(given: Given, base: RegistryParts) -> HistoryParts:
    """The plugins, and everything that measured values pass."""
    options, configuration, bus, clock = given.options, given.configuration, given.bus, given.clock
    registry, homes, started, plugins = base.registry, base.identity.homes, given.started, given.plugins

    def zone(series: SeriesKey) -> str:
        device = registry.device(series.device)
        return "UTC" if device is None else homes.time_zone(device.home)

    def retention(series: SeriesKey) -> Retention:
        device, home = registry.device(series.device), kept(configuration.history.retention)
        if device is None:
            return home
        return home.with_own(device.keep_raw, device.keep_minutes, device.keep_hours, device.keep_days)

    async def newest_backup() -> Path | None:
        return await backups.newest_with_history()

    retained = PlugRetained(base.database, bus, clock)
    await started.begin("retained messages", retained.load)
    await started.begin("retained messages", retained.start, retained.stop)
    await started.begin("plugins", plugins.start, plugins.stop)
    drivers = plugins.device_drivers()
    store = plugins.history_store(configuration.history.store, options.data)
    presence = Presence(registry, bus, clock)
    await started.begin("presence", presence.start, presence.stop)
    streams, buffer, live, rejects, arrivals = Streams(), Buffer(), Live(), Rejects(), Arrivals(clock)
    interval = configuration.history.commit_interval
    history = History(
        Needs(
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
            means=Means(
                another=lambda folder: plugins.history_store(configuration.history.store, folder),
                newest_backup=newest_backup,
                options=folder_options(options.data, options.config),
            ),
        )
    )
    backups = Backups(
        data=options.data,
        config=options.config,
        version=__version__,
        settings=base.settings,
        declared=configuration.backup,
        rest=history.at_rest,
        bus=bus,
        clock=clock,
        zone=lambda: homes.first.time_zone,
    )
    await started.begin("history", history.start, history.stop)
    ready = Ready(
        store,
        history.tail,
        outlets=streams.series,
        zone=zone,
        retention=retention,
        bus=bus,
        clock=clock,
    )
    await started.begin("sums of days", ready.start, ready.stop)
    await started.begin("backups", backups.start, backups.stop)
    updates = Updates(configuration.updates, version=__version__, settings=base.settings, bus=bus, clock=clock)
    await started.begin("updates", updates.start, updates.stop)
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
    return HistoryParts(
        retained=retained,
        drivers=drivers,
        store=store,
        presence=presence,
        streams=streams,
        live=live,
        rejects=rejects,
        history=history,
        backups=backups,
        updates=updates,
        ingest=ingest,
        zone=zone,
        retention=retention,
    )
