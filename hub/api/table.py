"""History as CSV (RFC 4180): rows of samples or buckets with the gaps between them, as bytes."""

from collections.abc import Iterable, Sequence

import numpy as np

from hub.history.calendar import Calendar
from hub.history.gaps import GapRecord
from hub.plugins.contract import NONE, Float64, Int64, RawColumns, RollupColumns

Cells = list[str]
Row = tuple[int, int, str]
"""Unix ms, 1 for a gap and 0 for a value, the line."""

PLACE = ("time_utc", "time_local", "device", "channel", "name")
RAW = (*PLACE, "power_W", "voltage_V", "current_A", "import_counter_kWh", "export_counter_kWh", "relay", "note")
BUCKETS = (
    *PLACE,
    *("power_mean_W", "power_min_W", "power_max_W", "import_kWh", "export_kWh", "estimated_kWh"),
    *("measured_s", "note"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
MWH_IN_KWH = 1e6
END = "\r\n"


def heading(*, raw: bool) -> bytes:
    """The first line: what each column holds, with its unit."""
    return (",".join(RAW if raw else BUCKETS) + END).encode()


class Table:
    """Rows of one outlet. `key`: its device's, of letters and digits; `name`: what people call it."""

    def __init__(self, key: str, channel: int, name: str, calendar: Calendar) -> None:
        self._place = f"{key},{channel},{cell(name)}"
        self._calendar = calendar

    def samples(self, streams: Sequence[RawColumns], gaps: Iterable[GapRecord]) -> bytes:
        """Samples of all streams in order of time."""
        rows: list[Row] = []
        for c in streams:
            columns = [
                _decimals(c.power, 3),
                _decimals(c.voltage, 3),
                _decimals(c.current, 4),
                *(_decimals(np.where(v == NONE, np.nan, v) / MWH_IN_KWH, 6) for v in (c.energy_mwh, c.export_mwh)),
                ["" if value == NONE else str(value) for value in c.relay.tolist()],
                ["apparent" if value == 1 else "" for value in c.apparent.tolist()],
            ]
            rows += self._rows(c.at, columns)
        return self._lines(rows, gaps, len(RAW))

    def buckets(self, c: RollupColumns, gaps: Iterable[GapRecord]) -> bytes:
        """Buckets, ascending."""
        energies = (c.import_mwh, c.export_mwh, c.estimated_mwh)
        columns = [
            *(_decimals(values, 2) for values in (c.mean_power, c.min_power, c.max_power)),
            *(_decimals(values / MWH_IN_KWH, 9) for values in energies),
            _decimals(c.covered_ms / 1000, 1),
            ["estimated" if value > 0 else "" for value in c.estimated_mwh.tolist()],
        ]
        return self._lines(self._rows(c.start, columns), gaps, len(BUCKETS))

    def _rows(self, at: Int64, columns: list[Cells]) -> list[Row]:
        place = self._place
        times = zip(*self._times(at), strict=True)
        values = zip(*columns, strict=True)
        return [
            (moment, 0, f"{utc},{local},{place},{','.join(cells)}")
            for moment, (utc, local), cells in zip(at.tolist(), times, values, strict=True)
        ]

    def _lines(self, rows: list[Row], gaps: Iterable[GapRecord], width: int) -> bytes:
        for gap in gaps:
            (utc,), (local,) = self._times(np.array([gap.start], np.int64))
            until = "still open" if gap.end is None else f"until {_utc(np.array([gap.end], np.int64))[0]}"
            empty = "," * (width - len(PLACE) - 1)
            rows.append((gap.start, 1, f"{utc},{local},{self._place},{empty}gap {gap.cause} {until}"))
        rows.sort(key=lambda row: row[:2])
        return "".join(f"{line}{END}" for _, _, line in rows).encode()

    def _times(self, at: Int64) -> tuple[Cells, Cells]:
        """In UTC, and by the clock of the home with its distance from UTC."""
        if not len(at):
            return [], []
        offsets = self._calendar.offsets(at)
        signs = {int(offset): _distance(int(offset)) for offset in np.unique(offsets)}
        local = [text + signs[o] for text, o in zip(_iso(at + offsets), offsets.tolist(), strict=True)]
        return _utc(at), local


def cell(text: str) -> str:
    """Text as one field. What a spreadsheet would take for a formula begins with an apostrophe."""
    if text.startswith(FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _decimals(values: Float64, digits: int) -> Cells:
    """Point as decimal mark, no trailing zeros, empty where unknown."""
    texts = [repr(value) for value in (np.round(values, digits) + 0.0).tolist()]  # + 0.0: -0.0 is none
    return ["" if text == "nan" else f"{float(text):.{digits}f}" if "e" in text else text for text in texts]


def _utc(at: Int64) -> Cells:
    return [f"{text}Z" for text in _iso(at)]


def _iso(at: Int64) -> Cells:
    unit = "ms" if (at % 1000).any() else "s"
    texts: Cells = np.datetime_as_string(at.astype("datetime64[ms]"), unit=unit).tolist()  # type: ignore[call-overload]
    return texts


def _distance(offset: int) -> str:
    minutes = abs(offset) // 60_000
    return f"{'-' if offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
