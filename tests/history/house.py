"""A hub's data core for tests: real files, real store, a clock that tests move; it can be killed at any point."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from hub.bus import Bus
from hub.events import Committed, ProblemEnded, ProblemRaised
from hub.history.building import Needs
from hub.history.core import History
from hub.plugins.contract import MINUTES, RawColumns, SeriesKey
from hub.telemetry import Acks, Arrivals, Buffer, Ingest, Live, Rejects, Streams
from hub.testing.clock import FakeClock
from integrations.devices.smartplug.driver import SmartplugDriver
from integrations.storage.sqlite.store import SqliteStore

START = 1_700_000_100_000  # a quarter of an hour begins here
FOREVER = 1 << 60


class Killed(BaseException):
    """The process ended here."""


class Outlet(msgspec.Struct):
    max_power_w: int | None = None


class Plug(msgspec.Struct):
    id: str = "d1"
    hardware_id: str = "plug-1"
    driver: str = "smartplug"
    interval_ms: int = 1000
    channels: dict[int, Outlet] = {}


class Registry:
    def __init__(self, *plugs: Plug) -> None:
        self.plugs = list(plugs)

    def by_hardware(self, hardware_id: str) -> Plug | None:
        return next((plug for plug in self.plugs if plug.hardware_id == hardware_id), None)

    def device(self, device_id: str) -> Plug | None:
        return next((plug for plug in self.plugs if plug.id == device_id), None)

    def all(self) -> list[Plug]:
        return self.plugs


class Presence:
    def heard(self, device_id: str) -> None:
        pass


class ManualClock(FakeClock):
    """Moves without awaiting; timers do not fire."""

    def run(self, seconds: float) -> None:
        self._move(self._monotonic + seconds)


class Plain:
    """A store that knows no transactions of several merges."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.name = store.name

    def __getattr__(self, name: str) -> Any:
        if name in ("together", "commit"):
            raise AttributeError(name)
        return getattr(self._store, name)


class DataCore:
    """Everything from a message to the store, over one folder."""

    def __init__(
        self,
        folder: Path,
        clock: ManualClock,
        registry: Registry,
        *,
        log_limit: int = 1 << 30,
        plain: bool = False,
        **options: Any,
    ) -> None:
        self.clock = clock
        self.registry = registry
        self.bus = Bus()
        self.arrivals = Arrivals(clock)
        self.streams, self.buffer, self.live, self.rejects = Streams(), Buffer(), Live(), Rejects()
        self.drivers: dict[str, Any] = {"smartplug": SmartplugDriver()}
        self.store = SqliteStore(folder / "history.sqlite")
        self.connected = True
        self.acks: list[dict[str, Any]] = []
        self.committed: list[Committed] = []
        self.ingest = Ingest(
            registry=registry,
            drivers=self.drivers,
            streams=self.streams,
            buffer=self.buffer,
            live=self.live,
            rejects=self.rejects,
            presence=Presence(),
            bus=self.bus,
            arrivals=self.arrivals,
        )
        self.history = History(
            Needs(
                folder=folder,
                store=Plain(self.store) if plain else self.store,
                streams=self.streams,
                buffer=self.buffer,
                live=self.live,
                registry=registry,
                drivers=self.drivers,
                arrivals=self.arrivals,
                bus=self.bus,
                clock=clock,
                log_limit=log_limit,
                **options,
            )
        )
        self.acker = Acks(
            registry=registry,
            drivers=self.drivers,
            streams=self.streams,
            send=self._send,
            bus=self.bus,
            clock=clock,
            hub_id="hub",
        )
        self.bus.subscribe(Committed, self.committed.append, "test")

    async def start(self, *, merge: bool = True) -> "DataCore":
        self.acker.start()
        worker = self.history.worker
        spawn = worker.spawn
        if not merge:
            worker.spawn = lambda work: None  # type: ignore[method-assign]
        await self.history.start()
        worker.spawn = spawn  # type: ignore[method-assign]
        await worker.settled()
        return self

    async def stop(self) -> None:
        self.acker.stop()
        await self.history.stop()

    def kill(self) -> None:
        """What kill -9 leaves: files as they are, nothing written any more."""
        self.history.worker.close()
        self.history._readers.close()
        self.history.schedule.end()
        self.history.log.close()
        self.history.state.close()
        self.store.close()

    def send(self, message: dict[str, Any], suffix: str = "telemetry", hardware_id: str = "plug-1") -> None:
        self.ingest.message(hardware_id, suffix, msgspec.json.encode(message), retained=False)

    def _send(self, hardware_id: str, suffix: str, payload: bytes, qos: int) -> bool:
        if self.connected:
            self.acks.append({"to": hardware_id, **msgspec.json.decode(payload)})
        return self.connected


def sample(seq: int, **fields: Any) -> dict[str, Any]:
    """One of a plug that draws 3.6 kW: 1000 mWh a second."""
    known = {
        "run": "a" * 16,
        "seq": seq,
        "oldest": 0,
        "up": seq * 1000,
        "voltage": 230.0,
        "current": 15.652,
        "power": 3600.0,
        "energy_mwh": 5000 + seq * 1000,
        "relay_state": True,
    }
    return known | fields


def play(core: DataCore, first: int, last: int, **fields: Any) -> None:
    """Send these samples, one each second."""
    for seq in range(first, last + 1):
        core.clock.run(1.0)
        core.send(sample(seq, **fields))


def problems(core: DataCore) -> list[tuple[str, dict[str, Any]]]:
    """What is told from now on: id and values, "<id> ended" when it is over."""
    found: list[tuple[str, dict[str, Any]]] = []
    core.bus.subscribe(ProblemRaised, lambda event: found.append((event.id, event.values)), "test")
    core.bus.subscribe(ProblemEnded, lambda event: found.append((f"{event.id} ended", {})), "test")
    return found


@asynccontextmanager
async def telling(
    folder: Path, clock: ManualClock, registry: Registry
) -> AsyncIterator[tuple[DataCore, list[tuple[str, dict[str, Any]]]]]:
    """A hub that runs in the block, and what it tells there."""
    core = await DataCore(folder, clock, registry).start()
    yield core, problems(core)
    await core.stop()


def problem_ids(core: DataCore) -> list[str]:
    """The same by their ids alone."""
    found: list[str] = []
    core.bus.subscribe(ProblemRaised, lambda event: found.append(event.id), "test")
    core.bus.subscribe(ProblemEnded, lambda event: found.append(f"{event.id} ended"), "test")
    return found


def die_at(thing: Any, method: str, *, after: bool, times: int = 1) -> Callable[[], None]:
    """The `times`-th call of this method kills the process, before or after it did its work; returns what undoes it."""
    real = getattr(thing, method)
    left = [times]

    def dying(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0]:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        raise Killed(method)

    setattr(thing, method, dying)
    return lambda: setattr(thing, method, real)


def stored(core: DataCore, device: str = "d1", channel: int = 0) -> list[RawColumns]:
    """Every dated sample in the store."""
    return [part for part in core.store.read(SeriesKey(device, channel), 0, FOREVER) if not part.run.endswith(MINUTES)]


def seqs(core: DataCore, device: str = "d1", channel: int = 0) -> dict[str, list[int]]:
    """Seqs in the store by run."""
    found: dict[str, list[int]] = {}
    for part in stored(core, device, channel):
        found.setdefault(part.run, []).extend(part.seq.tolist())
    return {run: sorted(numbers) for run, numbers in found.items()}


def imported(core: DataCore, tier: str = "15m", device: str = "d1", channel: int = 0) -> float:
    """mWh of all buckets."""
    return float(core.store.rollup(SeriesKey(device, channel), tier, 0, FOREVER).import_mwh.sum())
