"""Energy of today: cheap enough to be asked for every outlet of a list, and as fresh as the newest live reading."""

from collections.abc import Callable

import msgspec

from hub.clock import Clock
from hub.history.readings import End, Traits
from hub.history.state import State
from hub.history.tail import UnmergedTail
from hub.plugins.columns import join_rollup
from hub.plugins.contract import NONE, HistoryStore, SeriesKey
from hub.telemetry.live import Live

TIER = "15m"
FRESH_MS = 60_000  # how long a sum that had to be computed from the tail stays good


class Merged(msgspec.Struct):
    """What was merged of the day up to `head`; `until`: Unix ms at which it is to be computed again."""

    midnight: int
    mwh: float | None
    head: End | None
    until: int


class Today:
    """Merged buckets since midnight plus what the live counter is ahead of them."""

    def __init__(
        self,
        *,
        store: HistoryStore,
        state: State,
        tail: UnmergedTail,
        live: Live,
        clock: Clock,
        traits: Callable[[SeriesKey], Traits],
    ) -> None:
        self._store = store
        self._state = state
        self._tail = tail
        self._live = live
        self._clock = clock
        self._traits = traits
        self._known: dict[SeriesKey, Merged] = {}

    def merged(self) -> None:
        """The store has changed."""
        self._known.clear()

    def energy(self, series: SeriesKey, midnight: int) -> float | None:
        """mWh imported since `midnight`; None when nothing is known."""
        now = self._clock.now()
        known = self._known.get(series)
        if known is None or known.midnight != midnight or now >= known.until:
            known = self._known[series] = self._compute(series, midnight, now)
        if known.mwh is None:
            return None
        return known.mwh + self._ahead(series, known, now)

    def _compute(self, series: SeriesKey, midnight: int, now: int) -> Merged:
        live = self._live.get(series.device, series.channel)
        head = self._state.series(series).head
        if head is None or head.energy_mwh == NONE or live is None or live.energy_mwh is None:
            head = self._tail.state(series).head
            both = join_rollup(
                [part(series, TIER, midnight, now + 1) for part in (self._store.rollup, self._tail.buckets)]
            )
            return Merged(midnight, float(both.import_mwh.sum()) if head else None, None, now + FRESH_MS)
        stored = self._store.rollup(series, TIER, midnight, now + 1)
        return Merged(midnight, float(stored.import_mwh.sum()), head, now + 24 * 60 * FRESH_MS)

    def _ahead(self, series: SeriesKey, known: Merged, now: int) -> float:
        """What the live counter has counted since the merge, as far as the energy rule would believe it."""
        live = self._live.get(series.device, series.channel)
        if known.head is None or live is None or live.energy_mwh is None:
            return 0.0
        elapsed = max(live.at - known.head.at, 0)
        step = live.energy_mwh - known.head.energy_mwh
        traits = self._traits(series)
        if not 0 <= step <= traits.limit_w * elapsed / 3600 + traits.resolution_mwh:
            return 0.0
        since_midnight = live.at - max(known.head.at, known.midnight)
        return step * (since_midnight / elapsed) if elapsed else 0.0
