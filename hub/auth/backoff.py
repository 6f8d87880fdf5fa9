"""Back-off: after a few wrong attempts each further one has to wait, twice as long every time."""

from collections import OrderedDict

import msgspec

from hub.clock import Clock
from hub.messages import HubError

MOST_KEYS = 10_000
FORGOTTEN_AFTER_S = 3600.0


class _Tries(msgspec.Struct, gc=False):
    count: int = 0
    until: float = 0.0  # monotonic seconds
    last: float = 0.0


class Backoff:
    """Counts attempts by key (an account, an address). The first `free` cost nothing; then 1 s, 2 s, 4 s ...

    In memory, bounded: the key that was quiet longest makes room.
    """

    def __init__(self, clock: Clock, free: int, longest: float) -> None:
        self._clock = clock
        self._free = free
        self._longest = longest
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until this key may try again; 0 = now."""
        tries = self._tries.get(key)
        return 0.0 if tries is None else max(0.0, tries.until - self._clock.monotonic())

    def require(self, *keys: str) -> None:
        """Raises HubError("too-many-attempts") while one of the keys has to wait."""
        wait = max(self.wait(key) for key in keys)
        if wait > 0:
            raise HubError("too-many-attempts", seconds=int(wait) + 1)

    def attempt(self, key: str) -> None:
        """Count an attempt before it is judged, so that many at the same time are not free; undone by `succeeded`."""
        now = self._clock.monotonic()
        tries = self._tries.pop(key, None)
        if tries is None or now - tries.last > FORGOTTEN_AFTER_S:
            tries = _Tries()
        self._tries[key] = tries
        tries.count, tries.last = tries.count + 1, now
        over = tries.count - self._free
        if over > 0:
            tries.until = now + min(self._longest, 2.0 ** min(over - 1, 20))
        if len(self._tries) > MOST_KEYS:
            self._tries.popitem(last=False)

    def withdraw(self, key: str) -> None:
        """An attempt that was not judged after all does not count."""
        tries = self._tries.get(key)
        if tries is not None:
            tries.count, tries.until = tries.count - 1, 0.0

    def keys_from(self, beginning: str) -> list[str]:
        """The keys with attempts that begin like this."""
        return [key for key in self._tries if key.startswith(beginning)]

    def succeeded(self, key: str) -> None:
        """Forget the key's attempts."""
        self._tries.pop(key, None)
