"""A hub's data core for benchmarks: all from a plug's message to the files, with a clock that the benchmark moves."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hub.bus import Bus
from hub.history.core import History
from hub.telemetry import Acks, Arrivals, Buffer, Ingest, Live, Rejects, Streams
from hub.testing.clock import FakeClock
from integrations.devices.smartplug.driver import SmartplugDriver
from integrations.storage.sqlite.store import SqliteStore


class Registry:
    """As many plugs as are asked for."""

    def __init__(self, count: int) -> None:
        outlet = SimpleNamespace(max_power_w=None)
        self.devices: dict[str, Any] = {
            f"plug-{k}": SimpleNamespace(
                id=f"d{k}", hardware_id=f"plug-{k}", driver="smartplug", interval_ms=1000, channels={0: outlet}
            )
            for k in range(count)
        }
        self._by_id = {device.id: device for device in self.devices.values()}

    def by_hardware(self, hardware_id: str) -> Any:
        return self.devices.get(hardware_id)

    def device(self, device_id: str) -> Any:
        return self._by_id.get(device_id)

    def all(self) -> list[Any]:
        return list(self.devices.values())

    def heard(self, device_id: str) -> None:
        """Presence: nobody asks here."""


class DataCore:
    """`plugs` plugs with the hardware ids plug-0, plug-1 and so on; history commits and merges as `clock` advances."""

    def __init__(self, folder: Path, plugs: int, now: int = 1_700_000_000_000) -> None:
        registry = Registry(plugs)
        self.clock, self.bus = FakeClock(now), Bus()
        driver = {"smartplug": SmartplugDriver()}
        streams, buffer, live, arrivals = Streams(), Buffer(), Live(), Arrivals(self.clock)
        self.store = SqliteStore(folder / "history.sqlite")
        self.history = History(
            folder=folder,
            store=self.store,
            streams=streams,
            buffer=buffer,
            live=live,
            registry=registry,
            drivers=driver,
            arrivals=arrivals,
            bus=self.bus,
            clock=self.clock,
            commit_interval=None,
        )
        self.acks = Acks(
            registry=registry,
            drivers=driver,
            streams=streams,
            send=lambda *message: True,
            bus=self.bus,
            clock=self.clock,
            hub_id="bench",
        )
        self.ingest = Ingest(
            registry=registry,
            drivers=driver,
            streams=streams,
            buffer=buffer,
            live=live,
            rejects=Rejects(),
            presence=registry,
            bus=self.bus,
            arrivals=arrivals,
        )

    async def start(self) -> "DataCore":
        """Open the files."""
        await self.history.start()
        self.acks.start()
        return self

    async def stop(self) -> None:
        """Commit and merge everything."""
        self.acks.stop()
        await self.history.stop()

    async def settled(self) -> bool:
        """Wait for the commit or merge that is being made; was there one?"""
        working = bool(self.history.worker.tasks)
        while self.history.worker.tasks:
            await asyncio.gather(*self.history.worker.tasks)
        return working
