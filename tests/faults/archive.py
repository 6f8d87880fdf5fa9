"""What a stopped or killed hub has on disk, read with the hub's own parts from a copy of its data folder."""

import shutil
from collections import Counter
from pathlib import Path

from hub.auth.audit import Audit
from hub.bus import Bus
from hub.clock import Clock
from hub.database import Database
from hub.devices.registry import Registry
from hub.history.building import Needs
from hub.history.core import History
from hub.history.gaps import GapRecord
from hub.plugins.contract import SeriesKey
from hub.telemetry import Arrivals, Buffer, Live, Streams
from integrations.devices.smartplug.driver import SmartplugDriver
from integrations.storage.sqlite.store import SqliteStore

Place = tuple[str, int]
"""run, seq"""
FOREVER = 1 << 60


class Archive:
    """Samples and gaps by outlet; `settled` are the places that the hub holds for dealt with."""

    def __init__(self) -> None:
        self.samples: dict[SeriesKey, Counter[Place]] = {}
        self.power: dict[SeriesKey, dict[Place, float]] = {}
        self.settled: dict[SeriesKey, set[Place]] = {}
        self.gaps: dict[SeriesKey, list[GapRecord]] = {}
        self.energy_mwh: dict[SeriesKey, float] = {}


async def read(data: Path, work: Path) -> Archive:
    """Recover a copy of the data folder as a start of the hub would, and list what is in it."""
    shutil.copytree(data, work)
    database, clock, bus = Database(work), Clock(trusted=True), Bus()
    await database.open()
    registry = Registry(database, bus, clock, Audit(database, clock))
    await registry.load()
    streams, buffer = Streams(), Buffer()
    store = SqliteStore(work / "history.sqlite")
    history = History(
        Needs(
            folder=work,
            store=store,
            streams=streams,
            buffer=buffer,
            live=Live(),
            registry=registry,
            drivers={"smartplug": SmartplugDriver()},
            arrivals=Arrivals(clock),
            bus=bus,
            clock=clock,
        )
    )
    await history.start()
    await history.merge()
    archive = Archive()
    for series in streams.series():
        held: Counter[Place] = Counter()
        power: dict[Place, float] = {}
        settled: set[Place] = set()
        for stream in streams.of_series(series):
            for first, last in stream.durable:
                settled |= {(stream.run, seq) for seq in range(first, last + 1)}
            columns = store.read_stream(series, stream.run, 0, FOREVER)
            if columns is not None:
                places = [(stream.run, int(seq)) for seq in columns.seq]
                held.update(places)
                power |= dict(zip(places, columns.power.tolist(), strict=True))
        archive.samples[series], archive.power[series], archive.settled[series] = held, power, settled
        archive.gaps[series] = await history.gaps(series.device, series.channel, 0, FOREVER)
        rollups = store.rollup(series, "1m", 0, FOREVER)
        archive.energy_mwh[series] = float(rollups.import_mwh.sum())
    await history.stop()
    await database.close()
    return archive
