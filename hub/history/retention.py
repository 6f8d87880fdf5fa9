"""How long history is kept and answered, and forgetting what is older."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from hub.history.calendar import DAY
from hub.plugins.contract import SeriesKey

MARGIN = DAY  # chunks go whole: what is kept reaches a little further than what is answered


class Retention(msgspec.Struct, frozen=True):
    """Days for which each kind of point can be seen. Raw samples, 1- and 5-minute, hourly, and daily points."""

    raw: int = 7
    minutes: int = 30
    hours: int = 365
    days: int = 1826

    def with_own(self, raw: int | None, minutes: int | None, hours: int | None, days: int | None) -> "Retention":
        """This one with what a device has of its own."""
        return Retention(raw or self.raw, minutes or self.minutes, hours or self.hours, days or self.days)

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


class Forgetting(Protocol):
    """What can forget (see HistoryStore)."""

    def delete(self, series: SeriesKey | None, tier: str, before: int) -> int: ...


def expire(store: Forgetting, now: int, kept: Mapping[SeriesKey, Retention]) -> Expired:
    """Forget what is too old. Blocking; call it at night, and only while the clock is certain.

    `kept`: the retention of every series that there is. Series that nobody knows go with those that are kept longest.
    """
    gone = dict.fromkeys(("raw", "1m", "15m"), 0)
    for tier in gone:
        longest = max(retention.kept(tier) for retention in kept.values())
        gone[tier] += store.delete(None, tier, now - longest)
        for series, retention in kept.items():
            if retention.kept(tier) < longest:
                gone[tier] += store.delete(series, tier, now - retention.kept(tier))
    return Expired(gone)
