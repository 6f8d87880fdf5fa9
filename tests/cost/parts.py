"""A home with a real SQLite store, filled with quarters of an hour, and the report of it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from hub.cost import Kind, Report, ReportOutlet, assemble, period_of, read_figures, tariff_of
from hub.history.gaps import GapRecord
from hub.history.query import Query
from hub.plugins.contract import Float64, Merge, RollupColumns, SeriesKey
from integrations.storage.sqlite.store import SqliteStore
from tests.history_query.parts import FakeTail, FixedClock

BERLIN = "Europe/Berlin"
MINUTE, QUARTER, HOUR, DAY = 60_000, 900_000, 3_600_000, 86_400_000


def at(text: str, zone: str = BERLIN) -> int:
    """Unix ms of a moment of ISO 8601 by that clock."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def quarters(start: int, mwh: Float64, estimated: Float64 | None = None, *, width: int = QUARTER) -> RollupColumns:
    """Quarters (or what else is as wide) in a row with these energies."""
    count = len(mwh)
    power = np.nan_to_num(mwh) * HOUR / width / 1000
    whole = np.full(count, width)
    return RollupColumns(
        start=start + np.arange(count) * width,
        mean_power=power,
        min_power=power,
        max_power=power,
        mean_voltage=np.full(count, 230.0),
        mean_current=power / 230,
        import_mwh=mwh,
        export_mwh=np.zeros(count),
        estimated_mwh=np.zeros(count) if estimated is None else estimated,
        on_ms=whole,
        covered_ms=whole,
        count=np.full(count, 900),
    )


def noisy(start: int, end: int, seed: int, watts: float = 60.0) -> RollupColumns:
    """Energies that do not add up by chance: three decimals of a mWh."""
    count = (end - start) // QUARTER
    return quarters(start, np.round(np.random.default_rng(seed).gamma(1, watts * 250, count), 3))


class MeteredHome:
    """`fill` puts quarters into the store, `report` makes the report. Times are by the clock of `zone`."""

    def __init__(self, folder: Path, *, now: str, zone: str = BERLIN) -> None:
        self.zone = zone
        self.clock = FixedClock(at(now, zone))
        self.store = SqliteStore(folder / "history.sqlite")
        self.store.open()
        self.tail = FakeTail()
        self.query = Query(self.store, self.tail, self.clock, lambda _: zone)
        self.known_gaps: list[GapRecord] = []

    async def gaps(self, device: str, channel: int, start: int, end: int) -> Sequence[GapRecord]:
        """Those that were put in by hand."""
        return [
            gap
            for gap in self.known_gaps
            if gap.device == device and gap.start < end and (gap.end is None or gap.end > start)
        ]

    def fill(self, device: str, part: RollupColumns) -> None:
        """What was measured by an outlet."""
        self.store.merge(Merge([], [(SeriesKey(device), "15m", part)]))

    async def report(
        self,
        kind: Kind,
        of: str | None = None,
        *,
        rooms: Mapping[str, str | None],
        price: float | None = 0.3,
        **more: Any,
    ) -> Report:
        """rooms: the room of each device. more: week_start, currency."""
        currency = more.pop("currency", "EUR")
        period = period_of(kind, of, now=self.clock.now(), zone=self.zone, **more)
        outlets = [
            ReportOutlet(SeriesKey(device), device, device.title(), room, n % 7)
            for n, (device, room) in enumerate(rooms.items(), 1)
        ]
        figures = await read_figures(self.query, self.gaps, [outlet.series for outlet in outlets], period)
        return await asyncio.to_thread(
            lambda: assemble(period, outlets, figures, tariff_of(price), home="Home", currency=currency, price=price)
        )
