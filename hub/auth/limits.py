"""How often somebody may ask: a bucket of calls for each person or address that fills again with time."""

from collections import OrderedDict

import msgspec

from hub.clock import Clock
from hub.messages import HubError

MOST_KEYS = 10_000


class Rates(msgspec.Struct, frozen=True):
    """Calls a minute. A bucket holds a minute's worth: so many may come at once, and then as many as flow in."""

    reads: int = 1000
    writes: int = 100


class _Bucket(msgspec.Struct, gc=False):
    left: float
    at: float  # monotonic seconds


class RateLimits:
    """Counted in memory, bounded: who was quiet longest makes room (and finds a full bucket again)."""

    def __init__(self, clock: Clock, rates: Rates) -> None:
        self._clock = clock
        self._rates = rates
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, who: str, *, write: bool) -> None:
        """One call of somebody (a user's id or an address). Raises HubError("requests-too-many") with the seconds."""
        a_minute = self._rates.writes if write else self._rates.reads
        key = f"w {who}" if write else f"r {who}"
        now = self._clock.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(float(a_minute), now)
            if len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        bucket.left = min(float(a_minute), bucket.left + (now - bucket.at) * a_minute / 60)
        bucket.at = now
        if bucket.left < 1:
            raise HubError("requests-too-many", seconds=int((1 - bucket.left) * 60 / a_minute) + 1)
        bucket.left -= 1
