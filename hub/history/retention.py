"""How long history is kept and answered, and forgetting what is older."""

from collections.abc import Mapping

import msgspec

from hub.history.calendar import DAY
from hub.plugins.contract import HistoryStore, SeriesKey

MARGIN = DAY  # chunks go whole: what is kept reaches a little further than what is answered


class Retention(msgspec.Struct, frozen=True):
    """Days for which each kind of point can be seen. Raw samples, 1- and 5-minute, hourly, and daily points."""

    raw: int = 7
    minutes: int = 30
    hours: int = 365
    days: int = 1826

    def answered(self, source: str) -> int:
        """ms back from now that a chart of this source (raw, 1m, 5m, 15m, 1h, 1d) may reach."""
        days = {"raw": self.raw, "1m": self.minutes, "5m": self.minutes, "15m": self.hours, "1h": self.hours}
        return days.get(source, self.days) * DAY

    def kept(self, tier: str) -> int:
        """ms back from now that the store keeps of a tier (raw, 1m, 15m); hours and days are sums of 15 minutes."""
        days = {"raw": self.raw, "1m": self.minutes, "15m": max(self.hours, self.days)}
        return days[tier] * DAY + MARGIN


class Expired(msgspec.Struct):
    """What `expire` forgot: samples and buckets by tier."""

    gone: dict[str, int]


def expire(store: HistoryStore, now: int, kept: Mapping[SeriesKey, Retention]) -> Expired:
    """Forget what is too old. Blocking; call it at night, and only while the clock is certain.

    `kept`: the retention of every series that there is. Where all are alike, series that nobody knows go with them.
    """
    alike = len(set(kept.values())) == 1
    groups: list[tuple[SeriesKey | None, Retention]] = [(None, next(iter(kept.values())))] if alike else [*kept.items()]
    gone = dict.fromkeys(("raw", "1m", "15m"), 0)
    for series, retention in groups:
        for tier in gone:
            gone[tier] += store.delete(series, tier, now - retention.kept(tier))
    return Expired(gone)
