"""Columns of measured values as the API gives them: W and kWh. NaN is unknown: JSON's encoder writes it as null."""

import numpy as np

from hub.api.types.telemetry import Filled, Gap, Series, SumSeries
from hub.history.gaps import GapRecord
from hub.history.points import SeriesResult
from hub.plugins.contract import Float64, SeriesKey
from hub.telemetry.live import Recent

MWH_IN_KWH = 1e6
POWER_DIGITS = 3  # of W; a plug resolves 0.1 W at best, and every further digit is sent a thousand times
ENERGY_DIGITS = 9  # of kWh: 0.001 mWh, to which buckets are exact: rounded parts would not add up to the whole


def series_view(result: SeriesResult) -> Series:
    """What history's query found."""
    return Series(
        device=result.series.device,
        channel=result.series.channel,
        source=result.source,
        thinned=result.thinned,
        bucket_ms=result.bucket_ms,
        at=result.at.tolist(),
        mean=watts(result.mean),
        min=watts(result.min),
        max=watts(result.max),
        energy_kwh=np.round(result.energy_mwh / MWH_IN_KWH, ENERGY_DIGITS).tolist(),
        estimated_part_kwh=np.round(result.estimated_mwh / MWH_IN_KWH, ENERGY_DIGITS).tolist(),
        estimated=(result.estimated_mwh > 0).tolist(),
        total_kwh=kwh(result.total_mwh),
        estimated_kwh=kwh(result.estimated_total_mwh) or 0.0,
        filled=[Filled(each.start, each.end, each.bucket_ms) for each in result.filled],
    )


def sum_view(result: SeriesResult, names: list[str]) -> SumSeries:
    """The sum of these outlets."""
    series = series_view(result)
    columns = {name: getattr(series, name) for name in SumSeries.__struct_fields__ if hasattr(series, name)}
    return SumSeries(outlets=names, **columns)


def live_series(key: SeriesKey, recent: Recent) -> Series:
    """The last ten minutes, sample by sample."""
    power = watts(np.array(recent.power))
    nothing = [None] * len(power)
    return Series(
        device=key.device,
        channel=key.channel,
        source="raw",
        bucket_ms=0,
        at=recent.at,
        mean=power,
        min=power,
        max=power,
        energy_kwh=[*nothing],
        estimated_part_kwh=[0.0] * len(power),
        estimated=[False] * len(power),
        total_kwh=None,
        estimated_kwh=0.0,
    )


def gap_view(gap: GapRecord) -> Gap:
    """A gap with its cause. Its energy comes from the counters at both ends: never measured, always estimated."""
    return Gap(
        id=gap.id,
        device=gap.device,
        channel=gap.channel,
        start=gap.start,
        end=gap.end,
        cause=gap.cause,
        energy_kwh=kwh(gap.energy_mwh),
        estimated=gap.energy_mwh is not None,
    )


def watts(values: Float64) -> list[float | None]:
    """Power, rounded."""
    rounded: list[float | None] = np.round(values, POWER_DIGITS).tolist()
    return rounded


def kwh(mwh: float | None) -> float | None:
    """Energy for people."""
    return None if mwh is None else round(mwh / MWH_IN_KWH, ENERGY_DIGITS)
