"""Outlooks: what planning has to know of outlets besides their samples, gathered on the event loop."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from hub.clock import Clock
from hub.history.calendar import DAY
from hub.history.ledger import Ledger
from hub.history.outlook import Outlook, describe
from hub.history.readings import FOREVER, Run, Traits
from hub.history.retention import Retention
from hub.plugins.contract import DeviceDriver, SeriesKey
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Columns
from hub.telemetry.energy import DEFAULT_LIMIT_W
from hub.telemetry.streams import Streams


class Devices(Protocol):
    """What history needs of the registry."""

    def device(self, device_id: str) -> Any:
        """The device with this id."""


class Outlooks:
    """Reads streams, registry and drivers. All calls are made on the event loop."""

    def __init__(
        self,
        *,
        streams: Streams,
        registry: Devices,
        drivers: Mapping[str, DeviceDriver],
        arrivals: Arrivals,
        clock: Clock,
        retention: Callable[[SeriesKey], Retention],
        ledger: Ledger,
    ) -> None:
        self._streams = streams
        self._registry = registry
        self._drivers = drivers
        self._arrivals = arrivals
        self._clock = clock
        self._retention = retention
        self._ledger = ledger

    def of(self, wanted: Iterable[SeriesKey]) -> Outlook:
        """The outlook on these outlets."""
        series, arrivals, ledger, now = list(wanted), self._arrivals, self._ledger, self._clock.now()
        return Outlook(
            runs={key: {s.run: describe(s) for s in self._streams.of_series(key)} for key in series},
            traits={key: self.traits(key) for key in series},
            outages=ledger.outages,
            damaged=ledger.damaged,
            now=now,
            shift=(ledger.session, arrivals.shift) if arrivals.certain else None,
            retention=self._retention,
            arrived=max(now, ledger.latest) if arrivals.certain else FOREVER,
            reached=ledger.expired[1] + 2 * DAY if ledger.expired[1] else FOREVER,
        )

    def traits(self, series: SeriesKey) -> Traits:
        """What this outlet's readings may look like."""
        device = self._registry.device(series.device)
        if device is None:
            return Traits()
        driver = self._drivers.get(device.driver)
        channel = device.channels.get(series.channel)
        return Traits(
            interval_ms=device.interval_ms,
            limit_w=(None if channel is None else channel.max_power_w) or DEFAULT_LIMIT_W,
            resolution_mwh=1 if driver is None else driver.counter_resolution_mwh,
        )

    def hardware(self, device: str) -> str:
        """The hardware_id that a device has now; "" when nobody knows it."""
        known = self._registry.device(device)
        return "" if known is None else str(known.hardware_id)

    def series_of(self, numbers: Iterable[int]) -> set[SeriesKey]:
        """The outlets of these streams."""
        streams = (self._streams.by_number(number) for number in numbers)
        return {SeriesKey(stream.device, stream.channel) for stream in streams if stream is not None}

    def owners(self, columns: Mapping[int, Columns]) -> dict[SeriesKey, tuple[Traits, list[Run]]]:
        """Whose samples these are, by stream number."""
        outlets: dict[SeriesKey, tuple[Traits, list[Run]]] = {}
        for number in columns:
            stream = self._streams.by_number(number)
            if stream is not None:
                series = SeriesKey(stream.device, stream.channel)
                known = outlets.get(series) or outlets.setdefault(series, (self.traits(series), []))
                known[1].append(describe(stream))
        return outlets
