"""What a report names: an outlet with its room and its colour."""

import msgspec

from hub.plugins.contract import SeriesKey


class ReportOutlet(msgspec.Struct, frozen=True):
    """One outlet that the reader may see. `key`: its device's, `color`: 1-6 its own in every chart, 0 = others."""

    series: SeriesKey
    key: str
    name: str
    room: str | None = None
    color: int = 0
